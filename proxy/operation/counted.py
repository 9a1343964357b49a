"""What is counted, as a value. It is made in :mod:`proxy.operation.counting`."""

from collections.abc import Mapping, Sequence

from attrs import frozen

from proxy.operation.views import NodeView

OUTCOMES = ("done", "promoted", "refused", "called_off", "failed")
REASONS = (
    *("multi", "watch", "blocked", "subscribed", "monitor", "tracking", "reply", "large", "mode", "other"),
)
"""Why a client has a lane of its own."""


@frozen
class Distribution:
    """How often something took how long."""

    bounds: Sequence[float]
    """Seconds, the highest of each bucket; one more bucket has what is longer."""
    counts: Sequence[int]
    seconds: float
    """All together."""


@frozen(kw_only=True)
class Counted:
    """Everything. Counters are since the start of the process."""

    version: str
    counting: str
    """How the bytes are counted: compiled or plain."""
    clients: Mapping[str, int]
    """By kind of lane: shared, private, none."""
    apart: Mapping[str, int]
    """Clients with a lane of their own, by :data:`REASONS`."""
    held: int
    accepted: int
    refused: Mapping[str, int]
    """Connections that did not become clients, by :data:`proxy.operation.door.admitting.REFUSED`."""
    let_go: Mapping[str, int]
    """Clients that were closed at a limit, by its name (:data:`proxy.relay.allowance.LET_GO`)."""
    kept: int
    """Bytes, for clients."""
    lanes: Mapping[str, int]
    """By kind: shared, private, spare."""
    lanes_lost: int
    commands: Mapping[str, int]
    """By who answered: a node, over a shared or a private lane, or the proxy."""
    received: Mapping[str, int]
    """Bytes, by peer: client, node."""
    sent: Mapping[str, int]
    took: Mapping[str, Distribution]
    """How long commands took, by kind of lane."""
    holds: Distribution
    steps: Mapping[str, Distribution]
    switchovers: Mapping[str, int]
    """By outcome."""
    under_way: bool
    gate: Mapping[str, bool]
    """Closed, by :data:`GATE`."""
    nodes: Sequence[NodeView]
    events: Mapping[str, int]
    """By name."""
    faults: int
    """Handlers of the reactor that failed."""
    process: Mapping[str, float]
    """As prometheus-client names them, without ``process_``."""
