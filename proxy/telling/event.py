"""What an event is. All of them are in ``vocabulary``."""

from attrs import frozen

LEVELS = ("debug", "info", "warning", "error")
"""From the least to the worst."""


@frozen
class Event:
    """What one name stands for."""

    level: str
    meaning: str
    advice: str = ""
    always: bool = False
    """It is written whatever the level of the log is: who may steer is answerable for it."""
