"""What every face of the proxy can ask for: the console, HTTP, and through them the command line.

What acts raises what ``switchover/errors.py`` declares: Refused, CalledOff, Busy. Addresses are HOST:PORT.
"""

from collections.abc import Mapping, Sequence
from typing import Literal, Protocol

from proxy.operation.counted import Counted
from proxy.operation.views import ClientView, NodeView, Overview, Values

Verdict = Literal["ok", "warn", "refuse"]


class Finding(Protocol):
    """What one preflight check found."""

    @property
    def name(self) -> str: ...
    @property
    def verdict(self) -> Verdict: ...
    @property
    def text(self) -> str: ...


class Report(Protocol):
    """What a switchover did, or what became of it."""

    @property
    def outcome(self) -> str: ...

    def flat(self) -> Values:
        """Names and values, in the order in which they are to be read: what SWITCHOVER answers."""

    def told(self) -> Mapping[str, object]:
        """All of it, nested, as JSON can hold it: number, began (unix seconds), outcome, kind, why, from, to,
        hold_ms, steps_ms by name, clients_carried, clients_closed, clients_held, full_resyncs, notes."""


class Operator(Protocol):
    """Whoever answers for the proxy."""

    @property
    def ready(self) -> bool:
        """There is a route, and it is not draining; a hold changes nothing of that."""

    async def alive(self) -> bool:
        """The process serves: the reactor turned once within a second. Never tied to Redis."""

    @property
    def admin_password(self) -> str | None: ...
    @property
    def admin_viewer_password(self) -> str | None: ...
    @property
    def http_token(self) -> str | None: ...
    @property
    def http_viewer_token(self) -> str | None: ...

    def overview(self) -> Overview: ...
    def nodes(self) -> Sequence[NodeView]: ...
    def clients(self) -> Sequence[ClientView]: ...

    def info(self) -> Mapping[str, Mapping[str, object]]:
        """Sections of fields and values, as INFO has them."""

    async def counted(self) -> Counted:
        """What is counted, for metrics; whoever else has something to do has a turn meanwhile."""

    def status(self) -> Values:
        """What is under way, or how the last one ended."""

    def history(self) -> Sequence[Report]:
        """What became of the last switchovers, the newest first; those refused too."""

    async def check(self, to: str | None) -> Sequence[Finding]:
        """The preflight alone. `to` is the candidate; None leaves the choice to the proxy."""

    async def switchover(self, to: str | None, budget_ms: int | None, dry_run: bool = False) -> Report:
        """Switch over and return when it is done. `budget_ms` None is the setting's. A dry run goes through
        preflight and warm, closes no gate, and takes down what it put up."""

    def cancel(self) -> str:
        """Call off the switchover under way, if it has not promoted; tells in which step it was. Refused
        where there is none, or where it is too late."""

    async def resolve(self, address: str) -> str:
        """Make the node at `address` the primary, where a crash left it open; tells what was done."""

    async def hold(self, hold_ms: int | None) -> int:
        """Close the gate by hand for so long at most; None is the setting's budget. Answers, in ms, how long
        it will be from now on at most, once nothing is in flight on the lanes any more. CalledOff where that
        does not come about in time. During a hold by hand it begins the time anew."""

    def release(self) -> float:
        """Open it again; answers, in ms, how long it was closed. Refused where it was not held by hand."""

    def kill_client(self, number: int) -> bool:
        """Close a client by its id; False where there is none."""

    async def add_node(self, address: str) -> NodeView:
        """Take a node in while running. Refused where it is there already, or stands elsewhere."""

    async def remove_node(self, address: str) -> None:
        """Forget a node. Refused for the primary, and for one that is not there."""

    def settings(self, pattern: str) -> Mapping[str, str]:
        """The settings whose names, as ``switchover.budget_ms``, match a glob; no secrets."""

    def change_setting(self, name: str, value: str) -> None:
        """Change one while running. ValueError, whose text says what would be right."""

    async def reload_settings(self) -> Sequence[str]:
        """Read file and environment again and take over what may change while running; tells line by line
        what changed, and what wants a restart. SettingsError, and nothing changed, if there is a mistake."""

    def drain(self) -> None:
        """Stop accepting, let clients finish, and leave."""
