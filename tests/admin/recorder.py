"""An operator that answers from a script and keeps what it was asked."""

import fnmatch
from collections.abc import Mapping, Sequence

import trio
from attrs import Factory, define, frozen

from proxy.admin.operator import Verdict
from proxy.operation.counted import Counted
from proxy.operation.views import ClientView, NodeView, Overview, Values

REPORT: Values = {
    "outcome": "done",
    "from": "127.0.0.1:6379",
    "to": "127.0.0.1:6380",
    "hold_ms": "1.482",
    "steps_ms.promote": "0.310",
    "clients_carried": 200,
    "full_resyncs": 0,
    "notes": "",
}
TOLD: Mapping[str, object] = {
    "number": 3,
    "began": 1795276800.25,
    "outcome": "refused",
    "kind": "REFUSED",
    "why": 'lag: it said "no"',
    "from": "127.0.0.1:6379",
    "to": "",
    "hold_ms": 1.4823,
    "steps_ms": {"preflight": 0.31},
    "clients_carried": 0,
    "notes": ["one", "two"],
}
NODES = (
    NodeView(
        address="127.0.0.1:6379",
        role="primary",
        leads=True,
        offset=12,
        version="7.0.15",
        history="history 8ab3c2d1",
    ),
    NodeView(
        address="127.0.0.1:6380",
        role="replica",
        leads=False,
        follows="127.0.0.1:6379",
        link_up=True,
        offset=9,
        lag_bytes=3,
        version="7.2.1",
        history="history 8ab3c2d1",
    ),
    NodeView(
        address="[::1]:6381",
        role="replica",
        leads=False,
        follows="127.0.0.1:6379",
        offset=0,
        history="history 00000000, up to byte 4 the same as 8ab3c2d1",
    ),
    NodeView(
        address="redis-d:6379", role="unknown", leads=False, silent="redis-d:6379: no answer within 1 s"
    ),
)
CLIENTS = (
    ClientView(
        id=1, address="127.0.0.1:4711", name="shop", user="default", protocol=2, db=0, lane="shared", owed=2
    ),
    ClientView(
        id=2,
        address="127.0.0.1:4712",
        name="",
        user="picker",
        protocol=3,
        db=5,
        lane="private",
        why="CLIENT TRACKING",
        unread_bytes=9,
        state=["blocked", "tracking"],
    ),
    ClientView(id=3, address="[::1]:4713", name="idle", user="default", protocol=2, db=0, lane="none"),
)


@frozen
class Found:
    name: str
    verdict: Verdict
    text: str


@frozen
class Done:
    outcome: str
    values: Values

    def flat(self) -> Values:
        return self.values

    def told(self) -> Mapping[str, object]:
        return TOLD


@define
class Recorder:
    """`trouble` is raised by whatever is asked; a switchover takes until `release_it` is set."""

    asked: list[tuple[object, ...]] = Factory(list)
    trouble: Exception | None = None
    why: str = ""
    admin_password: str | None = None
    admin_viewer_password: str | None = None
    http_token: str | None = None
    http_viewer_token: str | None = None
    ready: bool = True
    seen: Sequence[NodeView] = NODES
    connected: Sequence[ClientView] = CLIENTS
    values: dict[str, str] = Factory(lambda: {"switchover.budget_ms": "1000", "log.level": "info"})
    begun: trio.Event = Factory(trio.Event)
    go_on: trio.Event = Factory(trio.Event)
    ended: trio.Event = Factory(trio.Event)

    def __attrs_post_init__(self) -> None:
        self.go_on.set()

    def pause(self) -> None:
        """From now on, a switchover waits for a new `go_on`."""
        self.go_on = trio.Event()

    async def alive(self) -> bool:
        await trio.lowlevel.checkpoint()
        return True

    def overview(self) -> Overview:
        self._note("overview")
        return Overview(
            primary="127.0.0.1:6379",
            why=self.why,
            gate=(),
            draining=False,
            nodes=self.seen,
            clients=len(self.connected),
            held=0,
            lanes_private=1,
            lanes_shared=1,
            commands=77,
            uptime_s=3.5,
            switchover={"state": "idle"},
            done=0,
        )

    def nodes(self) -> Sequence[NodeView]:
        self._note("nodes")
        return self.seen

    def clients(self) -> Sequence[ClientView]:
        self._note("clients")
        return self.connected

    def info(self) -> Mapping[str, Mapping[str, object]]:
        self._note("info")
        return {
            "Server": {"baton_version": "1.0", "uptime_in_seconds": 3, "process_id": 4711},
            "Route": {"gate": "open", "why": "a\r\nb"},
        }

    async def counted(self) -> Counted:
        raise AssertionError("the console asks for no metrics")

    def status(self) -> Values:
        self._note("status")
        return {"state": "idle"}

    def history(self) -> Sequence[Done]:
        self._note("history")
        return [Done("refused", REPORT)] * 20

    async def check(self, to: str | None) -> Sequence[Found]:
        self._note("check", to)
        await trio.lowlevel.checkpoint()
        return [
            Found("same-history", "ok", "both have 8ab3"),
            Found("lag", "warn", "12 bytes"),
            Found("link", "refuse", "down since 3 s"),
        ]

    async def switchover(self, to: str | None, budget_ms: int | None, dry_run: bool = False) -> Done:
        self._note("switchover", to, budget_ms, dry_run)
        self.begun.set()
        await self.go_on.wait()
        self.ended.set()
        return Done("done", REPORT)

    def cancel(self) -> str:
        self._note("cancel")
        return "called off in hold"

    async def resolve(self, address: str) -> str:
        self._note("resolve", address)
        await trio.lowlevel.checkpoint()
        return f"{address} is the primary"

    async def hold(self, hold_ms: int | None) -> int:
        self._note("hold", hold_ms)
        await trio.lowlevel.checkpoint()
        return 998

    def release(self) -> float:
        self._note("release")
        return 12.3456

    def kill_client(self, number: int) -> bool:
        self._note("kill_client", number)
        return number == 1

    async def add_node(self, address: str) -> NodeView:
        self._note("add_node", address)
        await trio.lowlevel.checkpoint()
        return NODES[1]

    async def remove_node(self, address: str) -> None:
        self._note("remove_node", address)
        await trio.lowlevel.checkpoint()

    def settings(self, pattern: str) -> Mapping[str, str]:
        self._note("settings", pattern)
        return {name: value for name, value in self.values.items() if fnmatch.fnmatchcase(name, pattern)}

    def change_setting(self, name: str, value: str) -> None:
        self._note("change_setting", name, value)
        if name not in self.values:
            raise ValueError(f"{name}: unknown setting; did you mean another?")
        self.values[name] = value

    async def reload_settings(self) -> Sequence[str]:
        self._note("reload_settings")
        return ["switchover.budget_ms: 2000, was 1000"]

    def drain(self) -> None:
        self._note("drain")

    def _note(self, *asked: object) -> None:
        self.asked.append(asked)
        if self.trouble is not None:
            raise self.trouble
