"""One run: nodes and a proxy, clients of all kinds, an operator that switches over and over, the verdict."""

import contextlib
import itertools
import random
import socket
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import attrs
import redis

from tests.baton import BatonProcess
from tests.chaos import deeds, programs
from tests.chaos.checker import judge, told
from tests.chaos.history import Append, Count, Event, Fault, Final, History, Keyed, Place, Push, Read, Swap
from tests.chaos.player import LostError, Player
from tests.chaos.seats import BYPASSING, LISTENING, WRITING, Seat
from tests.servers import RedisServer
from tests.talking import Talk
from tests.valve import Valve, step
from tests.waiting import wait_until

ANSWER_SECONDS = 15.0
"""No answer for so long is a hang."""
END_SECONDS = 30.0
REST_SECONDS = 0.05
"""Between two switchovers, up to twice that."""
LATE_SECONDS = 0.03
"""How long replication is held up, up to twice that."""


@attrs.define(eq=False)
class Run:
    """Everything that takes part."""

    nodes: Sequence[RedisServer]
    proxy: BatonProcess
    seed: int
    valves: Sequence[Valve] = ()
    calm: float = 1.0
    """By how much the players rest longer than their programs say."""
    db: int = 0
    """Where all of them are."""
    bypassing: Sequence[Seat] = BYPASSING
    switchovers: Counter[str] = attrs.field(factory=Counter)
    """How they ended: done, or called off, and in which step."""
    faults: list[Fault] = attrs.field(factory=list)
    events: list[Event] = attrs.field(factory=list)
    _hold_ms: float = 10.0
    """How long the last hold was."""
    _players: list[Player] = attrs.field(factory=list)
    _failed: list[BaseException] = attrs.field(factory=list)
    _writing_ends: threading.Event = attrs.field(factory=threading.Event)
    _listening_ends: threading.Event = attrs.field(factory=threading.Event)

    def play(self, seconds: float, least: int = 0) -> None:
        """Let all of it happen for so long; then the verdict stands in ``faults``.

        And longer, on a slow machine, until so many switchovers were done, and one was called off.
        """
        self.primary.command("XGROUP", "CREATE", programs.TASKS, programs.GROUP, "$", "MKSTREAM")
        listening = [self._thread(seat, self._listening_ends) for seat in self._of_today(LISTENING)]
        writing = [self._thread(seat, self._writing_ends) for seat in self._of_today(WRITING)]
        for node, seat in itertools.product(self.nodes, self.bypassing):
            writing.append(self._thread(seat, self._writing_ends, node))
        for thread in listening + writing:
            thread.start()
        try:
            self._operate(time.monotonic() + seconds, least)
        finally:
            for ends, threads in ((self._writing_ends, writing), (self._listening_ends, listening)):
                ends.set()
                for thread in threads:
                    thread.join(END_SECONDS)
                    if thread.is_alive():
                        self.faults.append(Fault("hung", f"{thread.name} does not come to its end"))
        if self._failed:
            raise self._failed[0]
        self.events = [event for player in self._players for event in player.events]
        history = History(self.events)
        self.faults += judge(history, self._final(history))
        self._compare_nodes()

    @property
    def primary(self) -> RedisServer:
        return next(node for node in self.nodes if node.info()["role"] == "master")

    def summary(self) -> str:
        kinds = Counter(type(event).__name__ for event in self.events)
        what = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common())
        ended = ", ".join(f"{count} {how}" for how, count in self.switchovers.most_common())
        return f"seed {self.seed}: {ended}; {what}\n{told(self.faults)}"

    # Clients.

    def _of_today(self, seats: Sequence[Seat]) -> list[Seat]:
        return [seat for seat in seats if seat.since <= self.nodes[0].version]

    def _thread(self, seat: Seat, ends: threading.Event, node: RedisServer | None = None) -> threading.Thread:
        name = seat.name if node is None else f"{seat.name}-{self.nodes.index(node)}"
        port = self.proxy.port if node is None else node.port
        return threading.Thread(target=partial(self._sit, name, seat, ends, port), name=name, daemon=True)

    def _sit(self, name: str, seat: Seat, ends: threading.Event, port: int) -> None:
        """Run the program; who loses its connection comes back under another name."""
        dice = random.Random(f"{self.seed} {name}")
        times = 0
        try:
            while not ends.is_set():
                times += 1
                talk = Talk(socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS))
                talk.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                player = Player(f"{name}.{times}", talk, dice, ends, self.calm, seat.bypasses)
                self._players.append(player)
                try:
                    if seat.protocol == 3:
                        player.ask("HELLO", 3)
                    if self.db:
                        player.ask("SELECT", self.db)
                    seat.program(player)
                    player.close()
                except LostError:
                    talk.socket.close()
        except BaseException as fault:
            self._failed.append(fault)
            raise

    # The operator.

    def _operate(self, end: float, least: int) -> None:
        dice = random.Random(f"{self.seed} operator")
        self._switch(dice, None)
        self._switch(dice, 1)
        while not self._failed and (
            time.monotonic() < end
            or (least and (self.switchovers["done"] < least or len(self.switchovers) == 1))
        ):
            # Within what a hold takes: the budget then ends in any of its steps.
            budget = 1 + int(dice.random() * self._hold_ms) if dice.random() < 0.5 else None
            with self._late(dice) if self.valves and dice.random() < 0.5 else contextlib.nullcontext():
                self._switch(dice, budget)
            self._writing_ends.wait(dice.random() * 2 * REST_SECONDS)

    @contextlib.contextmanager
    def _late(self, dice: random.Random) -> Iterator[None]:
        """Hold up what goes to the replicas, until the switchover has waited for it for a while."""
        late, over = dice.random() * 2 * LATE_SECONDS, threading.Event()

        def open_late() -> None:
            try:
                wait_until(lambda: over.is_set() or step(self.proxy) == "converge", "a hold, or none")
                over.wait(late)
            finally:
                for valve in self.valves:
                    valve.open()

        for valve in self.valves:
            valve.shut()
        opener = threading.Thread(target=open_late)
        opener.start()
        try:
            yield
        finally:
            over.set()
            opener.join()

    def _switch(self, dice: random.Random, budget_ms: int | None) -> None:
        primary = self.primary
        to = dice.choice([node.address for node in self.nodes if node is not primary])
        try:
            report = self.proxy.switchover(to, budget_ms)
        except redis.ResponseError as error:
            self.switchovers[" ".join(str(error).split()[:2]).rstrip(":")] += 1
            if not str(error).startswith(("CALLEDOFF", "REFUSED")):
                self.faults.append(Fault("a switchover that was not smooth", str(error)))
            return
        self.switchovers[report["outcome"]] += 1
        self._hold_ms = float(report["hold_ms"])
        for what, wanted in (("outcome", "done"), ("clients_closed", 0), ("full_resyncs", 0)):
            if report[what] != wanted:
                self.faults.append(
                    Fault("a switchover that was not smooth", f"{what} {report[what]}: {report}")
                )

    # The end.

    def _final(self, history: History) -> Final:
        primary = self.primary

        def keys(*kinds: type[Keyed]) -> set[str]:
            return {event.key for kind in kinds for event in history.of(kind)}

        return Final(
            logs={key: _log(primary, key) for key in keys(Append, Read)},
            counters={key: int(primary.command("GET", key) or 0) for key in keys(Count)},
            registers={key: primary.command("GET", key) or "" for key in keys(Swap)},
            queues={key: _queue(primary, key, self.db) for key in keys(Push)},
        )

    def _compare_nodes(self) -> None:
        """Once the replicas have everything, all nodes hold the same."""
        primary = self.primary
        digests: dict[str, Any] = {}

        def same() -> bool:
            digests.update({node.address: node.command("DEBUG", "DIGEST") for node in self.nodes})
            return len(set(digests.values())) == 1

        try:
            wait_until(same, lambda: f"{primary.address} is primary; {digests}")
        except AssertionError as error:
            self.faults.append(Fault("nodes differ", str(error)))


def _log(primary: RedisServer, key: str) -> list[tuple[str, Place]]:
    if primary.command("TYPE", key) == "stream":
        return [(fields["value"], place) for place, fields in primary.command("XRANGE", key, "-", "+")]
    values = primary.command("LRANGE", key, 0, -1)
    return [(value, place) for place, value in enumerate(values, 1)]


def _queue(primary: RedisServer, key: str, db: int) -> list[str]:
    """What nobody has taken."""
    kind = primary.command("TYPE", key)
    if kind == "stream":
        talk = Talk(primary.raw())
        talk.ask("SELECT", db)
        left = talk.ask("XREADGROUP", "GROUP", programs.GROUP, "end", "STREAMS", key, ">")
        return list(deeds.values_of(left))
    return list(primary.command("ZRANGE" if kind == "zset" else "LRANGE", key, 0, -1))
