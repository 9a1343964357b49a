"""Wires between network namespaces, with the troubles that a network has.

Of a `Tunnel`, both ends are TUN devices, and a thread of the tests carries the packets between them: it can
lose, delay, reorder and double them on any kernel that has TUN, and it sees them. Of a `Cable`, both ends are
veths, and the kernel does all: `tc netem` where it has that, and setting the link down everywhere. The TCP
above either is the kernel's own.
"""

import contextlib
import heapq
import os
import random
import selectors
import threading
import time
from collections.abc import Callable
from typing import Protocol, Self

import attrs

from tests.faults.faults import CALM, Trouble
from tests.faults.namespaces import Namespace, make_tun, tell

PACKET_BYTES = 65536
TCP = 6


@attrs.frozen
class End:
    """One end of a wire."""

    namespace: Namespace
    device: str
    address: str
    other: str
    """The address of the other end."""

    def set_up(self) -> None:
        """It has an address, and leads to the other end."""
        for command in (
            f"ip address add {self.address} peer {self.other} dev {self.device}",
            f"ip link set {self.device} up",
        ):
            self.namespace.run(tell, command)

    def plug(self, state: str) -> None:
        """Set it up or down."""
        self.namespace.run(tell, f"ip link set {self.device} {state}")


class Wire(Protocol):
    """What both kinds can do. Its near end is the one from which a fault has its directions."""

    near: End
    far: End

    def begin(self, trouble: Trouble) -> None:
        """From now on it is so."""

    def close(self) -> None: ...


def ends(near: Namespace, far: Namespace, number: int) -> tuple[End, End]:
    one, other = f"10.77.{number}.1", f"10.77.{number}.2"
    return End(near, f"wire{number}", one, other), End(far, f"wire{number}", other, one)


@attrs.define(eq=False)
class Tunnel:
    """A wire whose packets pass through the tests."""

    near: End
    far: End
    heard: Callable[[bytes], object] = len
    """Is given what clients' connections carry to the far end, each byte once, as it arrives."""
    dice: random.Random = attrs.field(factory=lambda: random.Random(0))
    trouble: Trouble = CALM
    _files: tuple[int, int] = (0, 0)
    _late: list[tuple[float, int, int, bytes]] = attrs.field(factory=list)
    _numbers: int = 0
    _come: dict[bytes, int] = attrs.field(factory=dict)
    """By connection, up to which byte something has arrived at the far end."""
    _ending: tuple[int, int] = attrs.field(factory=os.pipe)
    _thread: threading.Thread | None = None

    def open(self) -> Self:
        near, far = (end.namespace.run(make_tun, end.device) for end in (self.near, self.far))
        self._files = near, far
        self.near.set_up()
        self.far.set_up()
        self._thread = threading.Thread(target=self._carry, name=self.near.device, daemon=True)
        self._thread.start()
        return self

    def begin(self, trouble: Trouble) -> None:
        before, self.trouble = self.trouble, trouble
        if before.unplugs or trouble.unplugs:
            self.far.plug("down" if trouble.unplugs else "up")

    def close(self) -> None:
        os.write(self._ending[1], b"!")
        if self._thread is not None:
            self._thread.join()
        for file in (*self._files, *self._ending):
            os.close(file)

    def _carry(self) -> None:
        near, far = self._files
        with selectors.DefaultSelector() as selector:
            for file in (near, far, self._ending[0]):
                selector.register(file, selectors.EVENT_READ)
            while True:
                limit = max(0.0, self._late[0][0] - time.monotonic()) if self._late else None
                for key, _ in selector.select(limit):
                    if key.fd == self._ending[0]:
                        return
                    self._take(key.fd, far if key.fd == near else near)
                while self._late and self._late[0][0] <= time.monotonic():
                    _, _, to, packet = heapq.heappop(self._late)
                    self._give(to, packet)

    def _take(self, source: int, to: int) -> None:
        dice = self.dice
        with contextlib.suppress(OSError):
            while True:
                packet = os.read(source, PACKET_BYTES)
                trouble = self.trouble  # as it is by now: what was sent after `begin` is not spared
                if trouble.spares(to_node=to == self._files[1]):
                    self._give(to, packet)
                    continue
                for _ in range(2 if dice.random() < trouble.doubles else 1):
                    if dice.random() >= trouble.loss:
                        late = trouble.delay_ms + dice.uniform(-1, 1) * trouble.jitter_ms
                        self._send_late(late / 1000, to, packet)

    def _send_late(self, seconds: float, to: int, packet: bytes) -> None:
        if seconds <= 0:
            self._give(to, packet)
        else:
            self._numbers += 1
            heapq.heappush(self._late, (time.monotonic() + seconds, self._numbers, to, packet))

    def _give(self, to: int, packet: bytes) -> None:
        with contextlib.suppress(OSError):  # the link may be down
            os.write(to, packet)
            if to == self._files[1]:
                self._look(packet)

    def _look(self, packet: bytes) -> None:
        """A segment that was sent again, or doubled, tells nothing new."""
        if packet[0] >> 4 != 4 or packet[9] != TCP:
            return
        start = (packet[0] & 15) * 4
        ports, number = packet[start : start + 4], int.from_bytes(packet[start + 4 : start + 8], "big")
        payload = packet[start + (packet[start + 12] >> 4) * 4 :]
        end = number + len(payload)
        if payload and end > self._come.get(ports, 0):
            self._come[ports] = end
            self.heard(payload)


@attrs.define(eq=False)
class Cable:
    """A wire of the kernel's own."""

    near: End
    far: End
    trouble: Trouble = CALM

    def open(self) -> Self:
        peer = f"peer name {self.far.device} netns {self.far.namespace.task}"
        self.near.namespace.run(tell, f"ip link add {self.near.device} type veth {peer}")
        self.near.set_up()
        self.far.set_up()
        return self

    def begin(self, trouble: Trouble) -> None:
        before, self.trouble = self.trouble, trouble
        if before.unplugs or trouble.unplugs:
            self.far.plug("down" if trouble.unplugs else "up")
        for end in (self.near, self.far):
            if _shaped(before, end is self.far):
                end.namespace.run(tell, f"tc qdisc del dev {end.device} root")
            if _shaped(trouble, end is self.far):
                end.namespace.run(tell, f"tc qdisc add dev {end.device} root netem {netem(trouble)}")

    def close(self) -> None:
        """It is gone with its namespaces."""


def _shaped(trouble: Trouble, at_far_end: bool) -> bool:
    """Whether what leaves this end has something done to it."""
    return bool(netem(trouble)) and not trouble.spares(to_node=not at_far_end)


def netem(trouble: Trouble) -> str:
    """The words of `tc netem` for it."""
    words = f"delay {trouble.delay_ms:g}ms {trouble.jitter_ms:g}ms" if trouble.delay_ms else ""
    words += f" loss {trouble.loss:.0%}" if trouble.loss else ""
    words += f" duplicate {trouble.doubles:.0%}" if trouble.doubles else ""
    return words.strip()
