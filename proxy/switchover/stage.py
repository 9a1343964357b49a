"""The verbs that the story needs. Whoever has the sockets performs them; see :mod:`proxy.relay.stage`."""

import enum
from typing import Protocol


class Promoted(enum.Enum):
    """What is known of a promotion."""

    YES = "the candidate is primary"
    NO = "the candidate surely is not primary"
    UNKNOWN = "nobody knows yet"


class Stage(Protocol):
    """One switchover's means. What fails raises; the text of the exception says why."""

    async def warm(self) -> None:
        """Open lanes to the candidate, set them up as the sessions are, load the scripts."""

    def close_gate(self) -> None:
        """Whole commands wait in the proxy from now on; replies still flow."""

    async def drain(self) -> None:
        """Wait until nothing is owed by the old primary, and recall the blocked commands that would write."""

    async def pause(self, seconds: float) -> None:
        """CLIENT PAUSE WRITE on the old primary, and recall the blocked commands that only read."""

    async def converge(self) -> None:
        """Wait until the candidate has every byte, and every subscriber has every message."""

    async def promote(self, fence: float, within: float) -> Promoted:
        """Lengthen the pause to ``fence`` seconds and make the candidate primary; or ask again what became of
        it."""

    async def fence(self, seconds: float) -> None:
        """Lengthen the pause on the old primary."""

    async def demote(self) -> None:
        """Make the old primary follow the new one, and the other replicas too."""

    async def swap(self) -> None:
        """Move every session to the new primary."""

    def open_gate(self) -> None:
        """Commands flow again, to where the sessions are now."""

    async def unpause(self) -> None:
        """Let the old primary take writes again; the promotion surely did not happen."""

    async def settle(self) -> None:
        """See that the replicas follow, keep the roles over a restart, close what is left behind."""

    def strike(self) -> None:
        """Whatever was put up and is not in use is taken down."""
