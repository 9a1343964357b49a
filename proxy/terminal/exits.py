"""How a verb ends. Scripts rely on these: a number never changes its meaning."""

DONE = 0
FAILED = 1
"""Anything that has no number of its own: not reached, not allowed, promoted but not finished."""
USAGE = 2
"""A mistake on the command line or in the settings; nothing was done."""
REFUSED = 3
"""A check refused it; nothing was touched."""
CALLED_OFF = 4
"""It was undone before the promotion; the clients are where they were."""
BUSY = 5
"""Another switchover is under way."""
INTERRUPTED = 130
"""By Ctrl-C, as shells have it."""

KINDS = {"REFUSED": REFUSED, "CALLEDOFF": CALLED_OFF, "BUSY": BUSY}
"""By the kind of error with which the console answers."""
OUTCOMES = {REFUSED: "refused", CALLED_OFF: "called off", BUSY: "busy"}


class Failure(Exception):
    """A verb has failed; the text is one line."""

    def __init__(self, text: str, status: int = FAILED) -> None:
        super().__init__(text)
        self.status = status

    @property
    def outcome(self) -> str:
        """In a word or two."""
        return OUTCOMES.get(self.status, "failed")


class Unreachable(Failure):
    """No answer from the admin port."""

    outcome = "unreachable"


class Wrong(Failure):
    """The console does not understand; the text is its own."""
