"""What the console needs from the rest of the proxy, as protocol classes.

The three that act raise what ``switchover/errors.py`` declares. Addresses are HOST:PORT.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

Verdict = Literal["ok", "warn", "refuse"]
Values = Mapping[str, str | int]


class Finding(Protocol):
    """What one preflight check found."""

    @property
    def name(self) -> str: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def text(self) -> str: ...


class Report(Protocol):
    """What a switchover did."""

    def flat(self) -> Values:
        """Names and values, in the order in which they are to be read."""


class Operator(Protocol):
    """Whoever answers for the proxy."""

    def nodes(self) -> Sequence[str]:
        """A printable line for each node."""

    def info(self) -> Mapping[str, Mapping[str, object]]:
        """Sections, of fields and values."""

    def clients(self) -> Sequence[str]:
        """A printable line for each client."""

    async def check(self, to: str | None) -> Sequence[Finding]:
        """The preflight alone. `to` is the candidate; None leaves the choice to the proxy."""

    async def switchover(self, to: str | None, budget_ms: int | None) -> Report:
        """Switch over and return when it is done. `budget_ms` None is the setting's."""

    def status(self) -> Values:
        """What is under way, or how the last one ended."""

    async def resolve(self, address: str) -> str:
        """Make the node at `address` the primary, where a crash left it open; tells what was done."""
