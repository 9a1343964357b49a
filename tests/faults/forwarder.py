"""Roads: forwarders, each to one port, that do to the connections over them whatever a `Fault` says.

Theory. One thread owns every socket of all roads and waits for them with one selector. Each connection has
two streams, one a direction; a stream is a queue of pieces, each with the time from which it may go on. What
is asked of a road from outside is carried out by that thread, and the asker waits until it is done: so a
fault holds from the very moment at which `begin` returns. Rules:

1. Within a stream no byte is lost, changed or overtaken, for that is what TCP promises whatever the network
   does. Only whole connections end.
2. What lies in a stream when it is stalled stays there; what lies there when its connection is reset is lost.
3. Where new connections are to be refused, nobody listens, but the port stays taken.
"""

import collections
import contextlib
import itertools
import queue
import random
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Any, Self

import attrs

from tests.faults.faults import FINE, Fault
from tests.servers import START_ATTEMPTS, free_port

PIECE_BYTES = 65536
STREAM_BYTES = 4 << 20
"""Beyond it, nothing more is received."""
AGAIN_SECONDS = 0.001
HOST = "127.0.0.1"
RESET = struct.pack("ii", 1, 0)
"""Of SO_LINGER: closing resets."""


@attrs.define(eq=False)
class Stream:
    """One direction of one connection."""

    road: "Road"
    source: socket.socket
    sink: socket.socket
    to_node: bool
    pieces: collections.deque[tuple[float, bytes]] = attrs.field(factory=collections.deque)
    ended: bool = False
    """The source has said all."""
    passed_on: bool = False
    """And the sink was told so."""
    own_delay: float = 0.0
    """Seconds."""
    old: bool = False
    """It was there when the fault began."""
    _due: float = 0.0
    _full_until: float = 0.0
    """The sink took nothing when it was last offered something."""

    @property
    def stalled(self) -> bool:
        fault = self.road.fault
        if fault.only_old and not self.old:
            return False
        return fault.deaf if self.to_node else fault.mute

    @property
    def is_full(self) -> bool:
        return sum(len(piece) for _, piece in self.pieces) > STREAM_BYTES

    def take(self, piece: bytes, now: float) -> None:
        fault = self.road.fault
        if fault.by_connection:
            delay = self.own_delay
        else:
            delay = self.road.dice.uniform(fault.least_ms, fault.most_ms) / 1000
        self._due = max(self._due, now + delay)
        self.pieces.append((self._due, piece))

    def give(self, now: float) -> None:
        """Pass on what is due, as much as the sink takes. Raises OSError where it is gone."""
        while self.pieces and self.pieces[0][0] <= now and not self.stalled:
            due, piece = self.pieces[0]
            try:
                taken = self.sink.send(piece[:1] if self.road.fault.sips else piece)
            except BlockingIOError:
                self._full_until = now + AGAIN_SECONDS
                return
            if taken == len(piece):
                self.pieces.popleft()
            else:
                self.pieces[0] = (due, piece[taken:])
                return
        if self.ended and not self.pieces and not self.passed_on and not self.stalled:
            self.passed_on = True
            self.sink.shutdown(socket.SHUT_WR)

    def next_due(self, now: float) -> float | None:
        """The seconds until something may be given; None where only an event helps."""
        if self.stalled or not self.pieces:
            return None
        return max(0.0, self._full_until - now, self.pieces[0][0] - now)


@attrs.define(eq=False)
class Road:
    """The way to one port, for whoever connects to the road's own."""

    roads: "Roads"
    name: str
    to_port: int
    heard: Callable[[bytes], object]
    """Is given each piece that goes to the node, as it comes."""
    port: int = attrs.field(factory=free_port)
    fault: Fault = FINE
    dice: random.Random = attrs.field(factory=lambda: random.Random(0))
    pairs: list[tuple[Stream, Stream]] = attrs.field(factory=list)
    """To the node and from it."""
    refusing: bool = False
    turned_away: int = 0
    """Connections that were closed as soon as they were made."""
    _listener: socket.socket | None = None
    _keeping: socket.socket = attrs.field(factory=socket.socket)
    """Has the port while nobody listens."""

    def begin(self, fault: Fault) -> None:
        """From now on. It holds when this returns; whichever was there before is over."""
        self.roads.carry_out(lambda: self._begin(fault))

    def heal(self) -> None:
        self.begin(FINE)

    def _begin(self, fault: Fault) -> None:
        before, self.fault, self.refusing = self.fault, fault, False
        for stream in itertools.chain(*self.pairs):
            stream.old = True
        if before.resets_after or fault.resets:
            self.reset_all()
        if fault.closes:
            for pair in list(self.pairs):
                self.drop(pair)
        if fault.resets:
            self.refuse()
        elif self._listener is None:
            self.listen()

    def take_port(self) -> bool:
        """Whether nobody else has it."""
        self._keeping.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        try:
            self._keeping.bind((HOST, self.port))
        except OSError:
            self._keeping.close()
            return False
        return True

    def listen(self) -> None:
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        self._listener.bind((HOST, self.port))
        self._listener.listen(128)
        self._listener.setblocking(False)
        self.roads.selector.register(self._listener, selectors.EVENT_READ, self)

    def refuse(self) -> None:
        """Nobody listens any more."""
        self.refusing = True
        if self._listener is not None:
            self.roads.selector.unregister(self._listener)
            self._listener.close()
            self._listener = None

    def accept(self) -> None:
        if self._listener is None:
            return
        with contextlib.suppress(BlockingIOError):
            near, _ = self._listener.accept()
            if self.fault.closes:
                self.turned_away += 1
                near.close()
                return
            try:
                far = socket.create_connection((HOST, self.to_port))
            except OSError:
                _reset(near)
                return
            for each in (near, far):
                each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                each.setblocking(False)
            pair = Stream(self, near, far, True), Stream(self, far, near, False)
            for stream in pair:
                stream.own_delay = self.dice.uniform(self.fault.least_ms, self.fault.most_ms) / 1000
                self.roads.selector.register(stream.source, selectors.EVENT_READ, (stream, pair))
            self.pairs.append(pair)

    def receive(self, stream: Stream, pair: tuple[Stream, Stream], now: float) -> None:
        if pair not in self.pairs or stream.is_full:
            return
        try:
            piece = stream.source.recv(PIECE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            self.drop(pair, _reset)
            return
        if not piece:
            stream.ended = True
            self.roads.selector.unregister(stream.source)
            return
        if stream.to_node:
            self.heard(piece)
        elif self.fault.hangs_up and not self.refusing:
            self.refuse()
            self.reset_all()
            return
        stream.take(piece, now)

    def give(self, now: float) -> None:
        for pair in list(self.pairs):
            for stream in pair:
                try:
                    stream.give(now)
                except OSError:
                    self.drop(pair, _reset)
                    break
            if all(stream.passed_on for stream in pair):
                self.drop(pair)

    def reset_all(self) -> None:
        for pair in list(self.pairs):
            self.drop(pair, _reset)

    def drop(
        self, pair: tuple[Stream, Stream], close: Callable[[socket.socket], None] = socket.socket.close
    ) -> None:
        if pair in self.pairs:
            self.pairs.remove(pair)
            for stream in pair:
                with contextlib.suppress(KeyError, ValueError):
                    self.roads.selector.unregister(stream.source)
            for stream in pair:
                close(stream.source)

    def close(self) -> None:
        self.refuse()
        self.reset_all()
        self._keeping.close()


@attrs.define(eq=False)
class Roads:
    """All roads of a scene, and the thread that forwards on them."""

    all: list[Road] = attrs.field(factory=list)
    selector: selectors.BaseSelector = attrs.field(factory=selectors.DefaultSelector)
    _asked: queue.SimpleQueue[tuple[Callable[[], Any], threading.Event]] = attrs.field(
        factory=queue.SimpleQueue
    )
    _bell: tuple[socket.socket, socket.socket] = attrs.field(factory=socket.socketpair)
    _ending: bool = False
    _failed: list[BaseException] = attrs.field(factory=list)
    _thread: threading.Thread | None = None

    def open(self) -> Self:
        self._bell[0].setblocking(False)
        self.selector.register(self._bell[0], selectors.EVENT_READ, None)
        self._thread = threading.Thread(target=self._run, name="roads", daemon=True)
        self._thread.start()
        return self

    def lay(self, name: str, to_port: int, heard: Callable[[bytes], object] = len) -> Road:
        """Make one more road, to this port of the loopback."""
        for _ in range(START_ATTEMPTS):
            road = Road(self, name, to_port, heard)
            if road.take_port():
                self.carry_out(road.listen)
                self.all.append(road)
                return road
        raise AssertionError(f"{START_ATTEMPTS} ports in a row were taken between probe and bind")

    def carry_out(self, what: Callable[[], Any]) -> None:
        """Have the thread do it, and return when it is done."""
        done = threading.Event()
        self._asked.put((what, done))
        self._bell[1].send(b"!")
        if not done.wait(10) or self._failed:
            raise AssertionError("the roads are out of order") from next(iter(self._failed), None)

    def close(self) -> None:
        def end() -> None:
            self._ending = True
            for road in self.all:
                road.close()

        self.carry_out(end)
        if self._thread is not None:
            self._thread.join()
        for each in self._bell:
            each.close()
        self.selector.close()

    def _run(self) -> None:
        try:
            while not self._ending:
                self._turn()
        except BaseException as fault:
            self._failed.append(fault)
            raise

    def _turn(self) -> None:
        now = time.monotonic()
        streams = [stream for road in self.all for pair in road.pairs for stream in pair]
        dues = [due for stream in streams if (due := stream.next_due(now)) is not None]
        for key, _ in self.selector.select(min(dues, default=None)):
            if key.data is None:
                self._obey()
            elif isinstance(key.data, Road):
                key.data.accept()
            else:
                stream, pair = key.data
                stream.road.receive(stream, pair, time.monotonic())
        now = time.monotonic()
        for road in self.all:
            road.give(now)

    def _obey(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._bell[0].recv(64)
        while not self._asked.empty():
            what, done = self._asked.get()
            try:
                what()
            finally:
                done.set()


def _reset(connection: socket.socket) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    connection.close()
