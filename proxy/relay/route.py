"""A route: a primary, its replicas, and all that hangs off them. There is one today; a cluster has many."""

from collections import Counter
from collections.abc import Iterable

import trio
from attrs import define, field

from proxy.nodes.node import Node
from proxy.relay.admission import Admission
from proxy.relay.allowance import LET_GO, Allowance
from proxy.relay.client import Client
from proxy.relay.directory import Directory, load_script
from proxy.relay.gate import Gate
from proxy.relay.giving import give_lane
from proxy.relay.hoard import Hoard
from proxy.relay.lane import Lane
from proxy.relay.lanes import Lanes
from proxy.relay.ledger import LaneLost
from proxy.relay.opening import LaneRefused, ask_outside
from proxy.relay.outside import wait_outside
from proxy.relay.performer import UNREAD_MAX, Performer
from proxy.relay.reactor import Reactor
from proxy.relay.shared import SharedLane
from proxy.relay.stalls import Stalls
from proxy.session.common import Common
from proxy.session.learned import Learned
from proxy.session.session import LoadScript
from proxy.session.table import plain
from proxy.telling import tell
from proxy.transport.contexts import Dialled
from proxy.transport.transport import Transport
from proxy.wire.encoding import error
from proxy.wire.requests import ARGUMENTS_MAX, ARGUMENTS_MAX_6, Frame

FULL = "ERR max number of clients reached"


@define(eq=False)
class Route:
    """The clients of one primary, and the way to it."""

    reactor: Reactor
    nursery: trio.Nursery
    nodes: list[Node]
    common: Common
    client_output_bytes: int
    connect_timeout: float
    """Seconds."""
    security: Dialled | None = None
    """With which TLS is spoken to the nodes."""
    primary: Node | None = None
    gate: Gate = field(factory=Gate)
    clients: dict[Client, None] = field(factory=dict)
    shares: bool = False
    """Clients share lanes while they can."""
    per_identity: int = 1
    lanes: Lanes = field(init=False)
    """Those that belong to no client."""
    stalls: Stalls = field(init=False)
    admission: Admission = field(init=False)
    learned: Learned = field(factory=Learned)
    directory: Directory = field(init=False)
    apart: dict[Client, None] = field(factory=dict)
    """Clients that have a lane of their own, or need one."""
    unblocking: set[Lane] = field(factory=set)
    """Lanes on which the node was told to answer what is blocked, and has not said that it did."""
    taking_back: bool = False
    """What was recalled for a switchover that was called off is being issued again."""
    plain: frozenset[bytes] = frozenset()
    """Names, as clients write them, of commands that the hot path may forward without looking."""
    arguments_max: int = ARGUMENTS_MAX
    """What the primary takes in one command."""
    suspect: trio.Event = field(factory=trio.Event)
    """Set when a lane died unasked: whoever watches over the nodes should look at once."""
    altered: set[Performer] | None = None
    """Clients whose session may have changed since warm lanes are being set up; None while there are none."""
    allowance: Allowance = field(factory=Allowance)
    hoard: Hoard = field(init=False)
    hosts: Counter[str] = field(factory=Counter)
    """How many clients come from where."""
    arriving: int = 0
    """Connections that still have to shake hands before they are clients."""
    refused: Counter[str] = field(factory=Counter)
    """Connections that did not become clients, by why."""
    closed: Counter[str] = field(factory=lambda: Counter(dict.fromkeys(LET_GO, 0)))
    """Clients that were closed, by the limit at which."""
    accepted: int = 0
    lost_lanes: int = 0
    announced: int = 0
    """Switchovers of which clients were told."""
    _opening: set[Client] = field(factory=set)

    def __attrs_post_init__(self) -> None:
        self.lanes = Lanes(self, self.per_identity)
        self.stalls = Stalls(self)
        self.admission = Admission(self)
        self.hoard = Hoard(self)
        self.common.directory = self.directory = Directory(self)

    @staticmethod
    def now() -> float:
        """The clock of deadlines, in seconds."""
        return trio.current_time()

    def accept(self, transport: Transport, host: str = "") -> None:
        """Take in a client. `host`: where it comes from, where that is to count."""
        self.accepted += 1
        client = Client(self.reactor, transport, self, self.accepted)
        self.clients[client] = None
        if host:
            client.host = host
            self.hosts[host] += 1
        if transport.has_more:  # it came with the end of the handshake, and epoll knows nothing of it
            self.reactor.unseen.add(client)

    def allow(self, allowance: Allowance) -> None:
        """These limits are in force from now on."""
        self.allowance = allowance
        self._choose_arguments()

    def lead(self, node: Node) -> None:
        """This node is the primary from now on, and what its process says of its commands counts."""
        self.primary = node
        self.learned.forget()
        self.admission.forget_node()
        self.common.loses_logins = node.version >= (7, 2)
        self._choose_arguments()
        if self.common.commands is not node.commands:
            self.common.commands = node.commands
            self.choose_plain()

    def _choose_arguments(self) -> None:
        old = self.primary is not None and self.primary.version < (7,)
        self.arguments_max = min(self.allowance.command_arguments, ARGUMENTS_MAX_6 if old else ARGUMENTS_MAX)

    def choose_plain(self) -> None:
        """The hot path forwards what is plain, and does not wait for the end of somebody's pause."""
        held = self.stalls.held
        self.plain = plain(self.common.commands) - held - {name.lower() for name in held}

    def node(self, address: object) -> Node | None:
        """The node of this address."""
        return next((node for node in self.nodes if str(node.address) == str(address)), None)

    def own_lanes(self) -> list[tuple[Client, Lane]]:
        """The clients that have a lane of their own, and the lanes."""
        return [(client, lane) for client in self.apart if (lane := client.own_lane) is not None]

    def unowned(self) -> Iterable[tuple[Lane | SharedLane, bytes]]:
        """The lanes that belong to no client alone, or to none at all, and their users."""
        asking = self.admission.lane
        return [*self.lanes.with_users(), *([(asking, b"default")] if asking is not None else [])]

    def want_lane(self, client: Client) -> None:
        """Open a lane for a client that has a command to send; it goes on when it has one."""
        if client not in self._opening:
            self._opening.add(client)
            self.nursery.start_soon(self._give_lane, client)

    async def _give_lane(self, client: Client) -> None:
        try:
            await give_lane(self, client)
        finally:
            self._opening.discard(client)
        client.go_on()

    def wait_outside(self, client: Performer, words: tuple[bytes, ...]) -> None:
        """Answer a WAIT over a connection of the proxy's own."""
        self.nursery.start_soon(wait_outside, self, client, words)

    def ask_outside(self, client: Client, frame: Frame) -> None:
        """Send a command that must get past a busy script over a connection that has nothing set up."""
        self.nursery.start_soon(ask_outside, self, client, frame)

    def look_up(self, client: Performer, name: bytes, frame: Frame) -> None:
        """Find out the ids of all lanes, for a command of this client that needs them."""
        self.nursery.start_soon(self.directory.look_up, client, name, frame)

    def load_script(self, client: Performer, step: LoadScript) -> None:
        """Load a script that the primary has lost, for a command of this client that calls it."""
        self.nursery.start_soon(load_script, self, client, step)

    @staticmethod
    async def ask_role(node: Node) -> None:
        """Raise LaneRefused where the node is no primary any more."""
        await node.link()  # asks ROLE where the connection is new
        if node.seen is not None and not node.seen.is_primary:
            raise LaneRefused(f"it is no primary but {node.seen}")

    @staticmethod
    def turn_away(client: Performer, fault: Exception) -> None:
        """Close a client that gets no lane, as Redis would: where it is full, it says so."""
        if FULL in str(fault):
            client.deliver(error(FULL))
        client.close()

    def unread(self, client: Performer) -> None:
        """A client does not read. Its own lane is not received from; while draining for a hold it is, up to a
        limit. What it is owed by a shared lane is not left there, up to the same limit."""
        lane = client.own_lane
        if lane is not None and not self.gate.closed:
            lane.listen(False)
        elif client.unsent_bytes > max(self.client_output_bytes, UNREAD_MAX):
            self.let_go(client, "client_output_bytes", f"it did not read {client.unsent_bytes} bytes")
        elif lane is None:
            client.listen(False)
            client.burden()
            if client.lane is not None and client.lane.shared:
                for left in client.lane.left:
                    left.spare(client)

    def let_go(self, client: Performer, limit: str, why: str) -> None:
        """Close a client that takes more than it may; `limit` is one of :data:`LET_GO`."""
        self.closed[limit] += 1
        tell("-client-closed", client=client.number, why=why)
        client.close()

    def lane_lost(self, event: LaneLost) -> None:
        """A lane died. Whom it owed something is closed, as Redis would have done; a failover will decide
        otherwise. The owner of a private lane is, whatever it owed."""
        lane = event.lane
        if isinstance(lane, SharedLane):
            self._shared_lost(lane, event)
        elif (owner := lane.owner) is not None and owner.lane is lane:
            if not (owner.leaving or owner.ended or owner.session.quitting):
                self.lost_lanes += 1
                tell("-lane-lost", lane="private", client=owner.number, owed=len(event.owed), why=event.why)
                self.suspect.set()
            owner.lane = None
            owner.leave()

    def _shared_lost(self, lane: SharedLane, event: LaneLost) -> None:
        self.lost_lanes += 1
        tell("-lane-lost", lane="shared", owed=len(event.owed), why=event.why)
        self.suspect.set()
        for client in event.owed:
            if not client.closed:
                client.leave()
        if lane.clients and not self.gate.closed:
            self.lanes.open(lane)  # at once, for a user who is no more is to be closed as Redis would have

    def forget(self, client: Client) -> None:
        """A client is gone, and its own lane with it."""
        self.clients.pop(client, None)
        self.apart.pop(client, None)
        self.gate.forget(client)
        self.stalls.forget(client)
        self.lanes.forget(client)
        self.admission.forget(client)
        self.hoard.forget(client)
        if client.host:
            self._leaves(client.host)
        lane, client.lane = client.lane, None
        if lane is None:
            return
        if isinstance(lane, SharedLane):
            lane.forget(client)
        else:
            lane.owner = None
            lane.drop()

    def _leaves(self, host: str) -> None:
        self.hosts[host] -= 1
        if not self.hosts[host]:
            del self.hosts[host]
