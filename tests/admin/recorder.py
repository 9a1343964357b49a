"""An operator that answers from a script and keeps what it was asked."""

from collections.abc import Mapping, Sequence

import trio
from attrs import Factory, define, frozen

from proxy.admin.operator import Values, Verdict

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


@frozen
class Found:
    name: str
    verdict: Verdict
    text: str


@frozen
class Done:
    values: Values

    def flat(self) -> Values:
        return self.values


@define
class Recorder:
    """`trouble` is raised by whatever is asked; a switchover takes until `release` is set."""

    asked: list[tuple[object, ...]] = Factory(list)
    trouble: Exception | None = None
    lines: list[str] = Factory(
        lambda: ["127.0.0.1:6379  primary  offset 12", "127.0.0.1:6380  replica  offset 12"]
    )
    begun: trio.Event = Factory(trio.Event)
    release: trio.Event = Factory(trio.Event)
    ended: trio.Event = Factory(trio.Event)

    def __attrs_post_init__(self) -> None:
        self.release.set()

    def hold(self) -> None:
        """From now on, a switchover waits for a new `release`."""
        self.release = trio.Event()

    def nodes(self) -> Sequence[str]:
        self._note("nodes")
        return self.lines

    def info(self) -> Mapping[str, Mapping[str, object]]:
        self._note("info")
        return {"server": {"version": "1.0", "uptime_s": 3}, "gate": {"state": "open", "held": 0}}

    def clients(self) -> Sequence[str]:
        self._note("clients")
        return ["id=1 addr=127.0.0.1:4711 name=shop"]

    async def check(self, to: str | None) -> Sequence[Found]:
        self._note("check", to)
        await trio.lowlevel.checkpoint()
        return [
            Found("same-history", "ok", "both have 8ab3"),
            Found("lag", "warn", "12 bytes"),
            Found("link", "refuse", "down since 3 s"),
        ]

    async def switchover(self, to: str | None, budget_ms: int | None) -> Done:
        self._note("switchover", to, budget_ms)
        self.begun.set()
        await self.release.wait()
        self.ended.set()
        return Done(REPORT)

    def status(self) -> Values:
        self._note("status")
        return {"state": "idle"}

    async def resolve(self, address: str) -> str:
        self._note("resolve", address)
        await trio.lowlevel.checkpoint()
        return f"{address} is the primary"

    def _note(self, *asked: object) -> None:
        self.asked.append(asked)
        if self.trouble is not None:
            raise self.trouble
