"""A stage without nodes and clients: it notes what the story asks, and what must never happen.

What a verb does can be chosen, call by call; without a choice it lets other tasks run and is done. A breach
of the law is kept in `broken` instead of raised, for the story would take it for a node's fault.
"""

from collections.abc import Awaitable, Callable, Iterator

import trio
from attrs import Factory, define, field

from proxy.switchover.report import Report
from proxy.switchover.stage import Promoted

Act = Callable[[], Awaitable[None]]


class NodeFault(Exception):
    """What a verb fails with."""


@define
class PretendStage:
    """Performs :class:`proxy.switchover.stage.Stage`, and judges whoever directs it."""

    report: Report
    acts: dict[str, Iterator[Act]] = Factory(dict)
    """By verb, what each call does in turn; after the last, and without any, nothing happens."""
    outcomes: Iterator[Promoted] = Factory(lambda: iter([]))
    """What `promote` answers in turn; after the last, YES."""
    calls: list[str] = Factory(list)
    pauses: list[tuple[float, float]] = Factory(list)
    """When a pause was asked for, and until when."""
    broken: list[str] = Factory(list)
    faulty: set[str] = Factory(set)
    """The verbs that raise at once."""
    closed: bool = False
    _paused: bool = field(default=False, init=False)
    _asked: bool = field(default=False, init=False)
    _known: Promoted = field(default=Promoted.NO, init=False)

    async def warm(self) -> None:
        await self._do("warm")

    def close_gate(self) -> None:
        self._note("close_gate")
        self.closed = True

    async def drain(self) -> None:
        await self._do("drain", self.closed)

    async def pause(self, seconds: float) -> None:
        self._paused = True
        await self._pause("pause", seconds)

    async def converge(self) -> None:
        await self._do("converge", self._paused and self.closed)

    async def promote(self, fence: float, within: float) -> Promoted:
        self._asked, self._known = True, Promoted.UNKNOWN
        await self._pause("promote", fence, self._paused and self.closed and within < fence)
        self._known = next(self.outcomes, Promoted.YES)
        if self._known is not Promoted.YES:
            self.report.notes.append(f"promotion: {self._known.value}")
        return self._known

    async def fence(self, seconds: float) -> None:
        await self._pause("fence", seconds, self._asked)

    async def demote(self) -> None:
        await self._do("demote", self._known is Promoted.YES)

    async def swap(self) -> None:
        await self._do("swap", self._known is Promoted.YES and self.closed)

    def open_gate(self) -> None:
        undone = not self._asked or self._known is Promoted.NO
        handed_over = self._known is Promoted.YES and "swap" in self.calls
        self._note("open_gate", (undone and "unpause" in self.calls) or handed_over)
        self.closed = False

    async def unpause(self) -> None:
        await self._do("unpause", not self._asked or self._known is Promoted.NO)

    async def settle(self) -> None:
        await self._do("settle", self._known is Promoted.YES and not self.closed)

    def strike(self) -> None:
        self._note("strike", not self.closed)

    async def _pause(self, verb: str, seconds: float, lawful: bool = True) -> None:
        now = trio.current_time()
        self.pauses.append((now, now + seconds))
        await self._do(verb, lawful)

    async def _do(self, verb: str, lawful: bool = True) -> None:
        self._note(verb, lawful)
        act = next(self.acts.get(verb, iter(())), trio.lowlevel.checkpoint)
        await act()

    def _note(self, verb: str, lawful: bool = True) -> None:
        once = verb not in ("promote", "fence", "demote") and verb in self.calls
        if not lawful or once or "strike" in self.calls:
            self.broken.append(f"{verb} after {', '.join(self.calls) or 'nothing'} ({self._known.name})")
        self.calls.append(verb)
        if verb in self.faulty:
            raise NodeFault("there is no gate")
