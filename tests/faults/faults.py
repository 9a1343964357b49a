"""What can go wrong with the connections between two processes, as values.

The first table is for a forwarder between them: it owns both connections, and so can do to a stream of bytes
whatever a bad network, a busy middlebox or a load balancer can. The second is for a wire that carries
packets, where the kernels at its ends see to it that the bytes arrive, if late.
"""

from attrs import frozen


@frozen
class Fault:
    """What a forwarder does to all connections of a road, those that are new meanwhile too."""

    name: str
    least_ms: float = 0.0
    most_ms: float = 0.0
    """For how long each piece is held back; pieces of one connection do not overtake each other."""
    by_connection: bool = False
    """The delay is drawn once for each connection, which so overtake each other."""
    sips: bool = False
    """A byte at a time."""
    deaf: bool = False
    """Nothing arrives at the node; no connection ends."""
    mute: bool = False
    """Nothing that the node says arrives; no connection ends."""
    only_old: bool = False
    """Of stalls: new connections are well."""
    resets: bool = False
    """Connections are reset, new ones refused."""
    closes: bool = False
    """Connections are closed in good order, and so is each new one at once."""
    hangs_up: bool = False
    """As soon as the node says anything it does as `resets` does: the node has done what it was told, and
    nobody hears of it."""
    resets_after: bool = False
    """Where it is over, the connections that lived through it are reset."""

    def __str__(self) -> str:
        return self.name

    @property
    def cuts(self) -> bool:
        """Connections end by it."""
        return self.resets or self.closes or self.hangs_up or self.resets_after

    @property
    def only_slows(self) -> bool:
        """All arrives within moments."""
        return not (self.cuts or self.deaf or self.mute)


FAULTS = (
    Fault("delay", least_ms=20, most_ms=20),
    Fault("jitter", least_ms=0, most_ms=40),
    Fault("overtaking", least_ms=0, most_ms=60, by_connection=True),
    Fault("sips", sips=True),
    Fault("stall", deaf=True, mute=True),
    Fault("deaf", deaf=True),
    Fault("old-stall", deaf=True, mute=True, only_old=True),
    Fault("mute", mute=True),
    Fault("reset", resets=True),
    Fault("close", closes=True),
    Fault("hang-up", hangs_up=True),
    Fault("deaf-then-reset", deaf=True, resets_after=True),
    Fault("mute-then-reset", mute=True, resets_after=True),
)


@frozen
class Trouble:
    """What a wire does to packets. What has no direction is done both ways."""

    name: str
    delay_ms: float = 0.0
    jitter_ms: float = 0.0
    """Each packet is delayed for so much more or less, and so they overtake each other."""
    loss: float = 0.0
    """Of so many packets out of one; 1 is a cut."""
    doubles: float = 0.0
    """Of so many packets out of one a second copy arrives."""
    only_to_node: bool = False
    only_from_node: bool = False
    unplugs: bool = False
    """The link is set down at the node's end, and up again afterwards: there the kernel knows, and says so
    to whoever sends."""

    def __str__(self) -> str:
        return self.name

    @property
    def cuts(self) -> bool:
        """Single connections may find no way through within any time."""
        return 0 < self.loss < 1

    def spares(self, to_node: bool) -> bool:
        """Nothing is done to what goes in this direction."""
        return self.only_from_node if to_node else self.only_to_node

    @property
    def only_slows(self) -> bool:
        """Sooner or later all arrives while it lasts."""
        return self.loss < 0.5 and not self.unplugs


TROUBLES = (
    Trouble("delay", delay_ms=20),
    Trouble("jitter", delay_ms=15, jitter_ms=15),
    Trouble("loss", loss=0.2),
    Trouble("heavy-loss", loss=0.4),
    Trouble("doubling", delay_ms=3, jitter_ms=3, doubles=0.5),
    Trouble("cut", loss=1.0),
    Trouble("cut-to-node", loss=1.0, only_to_node=True),
    Trouble("cut-from-node", loss=1.0, only_from_node=True),
    Trouble("unplugged", unplugs=True),
)

FINE = Fault("fine")
CALM = Trouble("calm")
