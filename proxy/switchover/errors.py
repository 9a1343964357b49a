"""How a switchover is answered when it is not done. The text says which check or step, and why."""

from typing import ClassVar


class SwitchoverError(Exception):
    """The switchover was not done; ``kind`` is the first word of the console's error."""

    kind: ClassVar[str] = "ERR"


class Refused(SwitchoverError):
    """Preflight said no: nothing was touched. The text begins with the check's name."""

    kind = "REFUSED"


class CalledOff(SwitchoverError):
    """It was undone, and the clients go on where they were. The text begins with the step's name."""

    kind = "CALLEDOFF"


class Busy(SwitchoverError):
    """One is under way."""

    kind = "BUSY"
