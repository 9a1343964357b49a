"""An operator that answers from a script and keeps what it was asked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import trio
from attrs import Factory, define, frozen

from proxy.admin.operator import Verdict
from proxy.nodes.address import Address
from proxy.operation.counted import Counted
from proxy.operation.door.listening import listen
from proxy.operation.views import ClientView, NodeView, Overview, Values
from proxy.telling import tell

PRIMARY, REPLICA = "127.0.0.1:6379", "127.0.0.1:6380"
TOKEN = "swordfish-23"

NODES = (
    NodeView(
        address=PRIMARY, role="primary", leads=True, offset=1200, version="7.4.1", history="history 8ab3"
    ),
    NodeView(
        address=REPLICA,
        role="replica",
        leads=False,
        follows=PRIMARY,
        link_up=True,
        offset=1188,
        lag_bytes=12,
        version="7.4.1",
        history="history 8ab3",
    ),
)

OVERVIEW = Overview(
    primary=PRIMARY,
    why="",
    gate=(),
    draining=False,
    nodes=NODES,
    clients=2,
    held=0,
    lanes_private=1,
    lanes_shared=1,
    commands=12345,
    uptime_s=61.5,
    switchover={"state": "none yet"},
    done=0,
)

REPORT: Mapping[str, object] = {
    "number": 1,
    "began": 1_700_000_000.123,
    "outcome": "done",
    "kind": "",
    "why": "",
    "step": "settle",
    "from": PRIMARY,
    "to": REPLICA,
    "elapsed_ms": 30.1,
    "hold_ms": 4.2,
    "steps_ms": {
        "preflight": 12.0,
        "warm": 3.1,
        "hold": 0.4,
        "pause": 0.5,
        "converge": 0.9,
        "promote": 1.1,
        "demote": 1.6,
        "swap": 0.7,
        "settle": 8.0,
    },
    "clients_carried": 200,
    "clients_closed": 0,
    "clients_held": 17,
    "full_resyncs": 0,
    "notes": [],
}


def clients(count: int) -> list[ClientView]:
    """As many, each different."""
    return [
        ClientView(
            id=number,
            address=f"10.0.0.{number % 7}:{40000 + number}",
            name=f"shop-{number % 3}",
            user="default",
            protocol=2 + number % 2,
            db=number % 4,
            lane="private" if number % 5 == 0 else "shared",
            why="multi" if number % 5 == 0 else "",
            state=["multi"] if number % 5 == 0 else [],
        )
        for number in range(1, count + 1)
    ]


@frozen
class Found:
    name: str
    verdict: Verdict
    text: str


@frozen
class Done:
    values: Mapping[str, object]

    @property
    def outcome(self) -> str:
        return str(self.values["outcome"])

    def flat(self) -> Values:
        return {}

    def told(self) -> Mapping[str, object]:
        return self.values


@define
class Recorder:
    """`trouble` is raised by whatever acts; a switchover takes until `go_on` is set."""

    http_token: str | None = TOKEN
    http_viewer_token: str | None = None
    admin_password: str | None = "the console's own"
    admin_viewer_password: str | None = None
    ready: bool = True
    lives: bool = True
    seen: Overview = OVERVIEW
    crowd: Sequence[ClientView] = Factory(lambda: clients(2))
    past: list[Done] = Factory(lambda: [Done(REPORT)])
    asked: list[tuple[object, ...]] = Factory(list)
    trouble: Exception | None = None
    begun: trio.Event = Factory(trio.Event)
    go_on: trio.Event = Factory(trio.Event)
    ended: trio.Event = Factory(trio.Event)
    on_switchover: Callable[[], None] = lambda: None

    def __attrs_post_init__(self) -> None:
        self.go_on.set()

    def wait(self) -> None:
        """From now on, a switchover waits for a new `go_on`."""
        self.go_on = trio.Event()

    async def alive(self) -> bool:
        await trio.lowlevel.checkpoint()
        return self.lives

    def overview(self) -> Overview:
        return self.seen

    def nodes(self) -> Sequence[NodeView]:
        return self.seen.nodes

    def clients(self) -> Sequence[ClientView]:
        return self.crowd

    def info(self) -> Mapping[str, Mapping[str, object]]:
        return {
            "Server": {"baton_version": "1.0", "process_id": 23},
            "Route": {"primary": attrs.fields(Done)},
        }

    async def counted(self) -> Counted:
        raise NotImplementedError

    def status(self) -> Values:
        return self.seen.switchover

    def history(self) -> Sequence[Done]:
        return self.past

    async def check(self, to: str | None) -> Sequence[Found]:
        self._note("check", to)
        await trio.lowlevel.checkpoint()
        return [Found("history", "ok", "both have 8ab3"), Found("lag", "warn", "12 bytes")]

    async def switchover(self, to: str | None, budget_ms: int | None, dry_run: bool = False) -> Done:
        self._note("switchover", to, budget_ms, dry_run)
        self.begun.set()
        tell("+switchover", switchover=1, to=to or "whichever is fit", budget_ms=budget_ms or 1000)
        tell("+held", switchover=1, budget_ms=1000)
        await self.go_on.wait()
        tell("+released", switchover=1, hold_ms=4.2)
        tell("+switched-over", switchover=1, outcome="done")
        self.on_switchover()
        self.ended.set()
        return Done(REPORT)

    def cancel(self) -> str:
        self._note("cancel")
        return "converge"

    async def resolve(self, address: str) -> str:
        raise NotImplementedError

    async def hold(self, hold_ms: int | None) -> int:
        self._note("hold", hold_ms)
        await trio.lowlevel.checkpoint()
        return hold_ms or 1000

    def release(self) -> float:
        self._note("release")
        return 12.5

    def kill_client(self, number: int) -> bool:
        raise NotImplementedError

    async def add_node(self, address: str) -> NodeView:
        raise NotImplementedError

    async def remove_node(self, address: str) -> None:
        raise NotImplementedError

    def settings(self, pattern: str) -> Mapping[str, str]:
        raise NotImplementedError

    def change_setting(self, name: str, value: str) -> None:
        raise NotImplementedError

    async def reload_settings(self) -> Sequence[str]:
        raise NotImplementedError

    def drain(self) -> None:
        raise NotImplementedError

    def _note(self, *asked: Any) -> None:
        self.asked.append(asked)
        if self.trouble is not None:
            raise self.trouble


async def listening(host: str = "127.0.0.1") -> list[trio.SocketListener]:
    """Sockets for `serve_http`, on a free port."""
    return [trio.SocketListener(each) for each in await listen("--http", Address(host, 0))]
