"""What is counted, as one value: read when somebody asks, from numbers that others keep while they work.

Theory. Four sources: the data path's own numbers (:mod:`proxy.relay.counts`), the route's tables (how many
clients and lanes there are, and why some have a lane of their own), the keeper's last look at the nodes, and
the events (:mod:`proxy.telling`), of which switchovers are counted. Nothing is asked of a node. Rules:

1. Whoever asks disturbs nobody: where there may be ten thousand of something, it is walked in slices, and
   everybody else has a turn between two. So the value is of one moment only as far as its parts go.
2. Every set of names is bounded and known beforehand, but for the nodes': those are the ones there are now.
"""

import weakref
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import islice
from time import perf_counter as clock

import trio
from attrs import define, field

from proxy.operation.counted import OUTCOMES, REASONS, Counted, Distribution
from proxy.operation.door.admitting import REFUSED
from proxy.operation.ground import Ground
from proxy.operation.holding import BY_HAND
from proxy.operation.process import measured
from proxy.operation.progress import ENDED
from proxy.operation.views import NodeView
from proxy.relay.client import Client
from proxy.relay.counts import BOUNDS, Tally
from proxy.relay.keeper import NO_PRIMARY
from proxy.relay.stage import REASON
from proxy.release import VERSION
from proxy.telling import EVENTS, Told, listen
from proxy.wire.counting import COMPILED

SLICE_SECONDS = 0.000_3
"""How long clients are looked at in one go, after which everybody else has a turn."""
AT_ONCE = 64
"""Clients that are looked at before the clock is."""

STEPS = {event: step for step, event in ENDED.items()}
"""The steps of a switchover, by the event that tells their end."""
UNDONE = {"-refused": "refused", "-called-off": "called_off", "-failed": "failed"}
GATE = {REASON: "switchover", NO_PRIMARY: "no_primary", BY_HAND: "by_hand"}
"""Why the gate is closed, as a label has it."""

HOLDS = (
    *(0.001, 0.002, 0.003, 0.005, 0.007_5, 0.01, 0.015, 0.025, 0.05, 0.1),
    *(0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0),
)
"""Seconds. A hold takes one or two thousandths; it is bounded by its budget before the promotion only."""
DURATIONS = (*(0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 10.0),)
"""Seconds that a step takes."""


@define(eq=False)
class Sketch:
    """A distribution that grows."""

    bounds: Sequence[float]
    counts: list[int] = field(init=False)
    seconds: float = 0.0

    def __attrs_post_init__(self) -> None:
        self.counts = [0] * (len(self.bounds) + 1)

    def add(self, seconds: float) -> None:
        self.counts[bisect_left(self.bounds, seconds)] += 1
        self.seconds += seconds

    def drawn(self) -> Distribution:
        return Distribution(self.bounds, tuple(self.counts), self.seconds)


@define(eq=False)
class Counting:
    """One process's: it hears of every event as long as it lives."""

    ground: Ground
    _events: Counter[str] = field(factory=lambda: Counter(dict.fromkeys(EVENTS, 0)))
    _switchovers: Counter[str] = field(factory=lambda: Counter(dict.fromkeys(OUTCOMES, 0)))
    _holds: Sketch = field(factory=lambda: Sketch(HOLDS))
    _steps: dict[str, Sketch] = field(factory=lambda: {step: Sketch(DURATIONS) for step in STEPS.values()})
    _under_way: int | None = None
    """The number of the switchover that is."""
    _rehearsed: bool = False
    """It is a dry run."""

    def __attrs_post_init__(self) -> None:
        mine = weakref.ref(self)

        def hear(told: Told) -> None:
            if (counting := mine()) is not None:
                counting.hear(told)

        weakref.finalize(self, listen(hear))

    def hear(self, told: Told) -> None:
        """An event."""
        name = told["event"]
        self._events[name] += 1
        if "switchover" not in told:
            return
        if name == "+switchover":
            self._under_way, self._rehearsed = told["switchover"], bool(told.get("dry_run"))
        elif name in STEPS:
            self._steps[STEPS[name]].add(told["ms"] / 1000)
        elif name == "+released":
            self._holds.add(told["hold_ms"] / 1000)
        elif name == "+switched-over" or name in UNDONE:
            if told["switchover"] == self._under_way:
                self._under_way = None
            if not self._rehearsed:
                outcome = UNDONE.get(name) or ("done" if told["outcome"] == "done" else "promoted")
                self._switchovers[outcome] += 1

    async def counted(self, nodes: Sequence[NodeView]) -> Counted:
        """All of it; `nodes` as the operator sees them."""
        route = self.ground.route
        counts = route.reactor.counts
        apart, private = await self._apart()
        held = await self._held()
        process = await measured()
        lanes = list(route.lanes)
        shared = sum(not lane.closed for lane in lanes) + sum(len(lane.left) for lane in lanes)
        on_shared = sum(lane.clients for lane in lanes)
        reasons = route.gate.reasons
        return Counted(
            version=VERSION,
            counting="compiled" if COMPILED else "plain",
            clients={
                "shared": on_shared,
                "private": private,
                "none": max(0, len(route.clients) - on_shared - private),
            },
            apart=apart,
            held=held,
            accepted=route.accepted,
            refused={why: route.refused[why] for why in REFUSED},
            let_go=dict(route.closed),
            kept=route.hoard.kept,
            lanes={"shared": shared, "private": private, "spare": route.lanes.spare},
            lanes_lost=route.lost_lanes,
            commands={
                "shared": counts.shared.commands,
                "private": counts.private.commands,
                "proxy": counts.answered,
            },
            received={"client": counts.clients.received, "node": counts.nodes.received},
            sent={"client": counts.clients.sent, "node": counts.nodes.sent},
            took={"shared": _drawn(counts.shared), "private": _drawn(counts.private)},
            holds=self._holds.drawn(),
            steps={step: sketch.drawn() for step, sketch in self._steps.items()},
            switchovers=dict(self._switchovers),
            under_way=self._under_way is not None,
            gate={label: reason in reasons for reason, label in GATE.items()},
            nodes=nodes,
            events=dict(self._events),
            faults=route.reactor.crashed,
            process=process,
        )

    async def _apart(self) -> tuple[dict[str, int], int]:
        """Why clients have a lane of their own, and how many do."""
        shares = self.ground.route.shares
        found = dict.fromkeys(REASONS, 0)
        clients = iter(tuple(self.ground.route.apart))
        began = clock()
        while some := tuple(islice(clients, AT_ONCE)):
            for client in some:
                if client.lane is not None:
                    found[reason(client) if shares else "mode"] += 1
            if clock() - began > SLICE_SECONDS:
                await trio.lowlevel.checkpoint()
                began = clock()
        return found, sum(found.values())

    async def _held(self) -> int:
        """Clients that have something to say and wait."""
        route = self.ground.route
        waiting = len(route.gate.queue)
        poll = route.reactor.held_some
        seen: set[int] = set()
        began = clock()
        while some := poll(AT_ONCE):
            before = len(seen)
            seen.update(some)
            if len(some) < AT_ONCE or len(seen) == before:
                break
            if clock() - began > SLICE_SECONDS:
                await trio.lowlevel.checkpoint()
                began = clock()
        return waiting + len(seen)


def reason(client: Client) -> str:
    """Why this client has a lane of its own where lanes are shared, as one of :data:`REASONS`: what keeps it
    there first, as :func:`proxy.session.sharing.pinned` has it."""
    session = client.session
    if session.subscriptions is not None:
        return "subscribed"
    if session.transaction is not None:
        return "multi"
    if session.watch is not None:
        return "watch"
    if session.monitoring:
        return "monitor"
    if session.tracking is not None or session.caching is not None:
        return "tracking"
    if session.mute is not None:
        return "reply"
    if session.blocked is not None:
        return "blocked"
    return "large" if client.heavy_until else "other"


def _drawn(tally: Tally) -> Distribution:
    return Distribution(BOUNDS, tuple(tally.buckets), tally.seconds)
