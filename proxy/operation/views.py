"""What an operator sees, as values; each face of ``admin/`` renders them in its own way.

Addresses are HOST:PORT. Times are in seconds or milliseconds, as the names say.
"""

from collections.abc import Mapping, Sequence
from typing import Literal

from attrs import frozen

Values = Mapping[str, str | int | float | bool]


@frozen(kw_only=True)
class NodeView:
    """One node, as it last said of itself."""

    address: str
    role: Literal["primary", "replica", "unknown"]
    leads: bool
    """Clients go there."""
    follows: str = ""
    """Of a replica, whom it follows."""
    link_up: bool = False
    """Of a replica, its link to that."""
    offset: int = -1
    lag_bytes: int = -1
    """How far a replica is behind the node that leads; -1 where that is not known."""
    version: str = ""
    history: str = ""
    """Which history of writes it has, in words."""
    silent: str = ""
    """Why it says nothing; empty if it answers."""


@frozen(kw_only=True)
class ClientView:
    """One client."""

    id: int
    address: str
    name: str
    user: str
    protocol: int
    db: int
    lane: Literal["shared", "private", "none"]
    why: str = ""
    """Why it has a lane of its own."""
    owed: int = 0
    """Replies that its lane owes it."""
    unread_bytes: int = 0
    """What waits in the proxy for it to read."""
    state: Sequence[str] = ()
    """multi, watch, blocked, subscribed, waiting, monitor, silent, tracking."""


@frozen(kw_only=True)
class Overview:
    """The route at a glance, for a terminal or a page that is drawn again every second."""

    primary: str
    """Where clients go; empty while there is none."""
    why: str
    """What is wrong with the nodes; empty if all is well."""
    gate: Sequence[str]
    """Why the gate is closed; empty while it is open."""
    draining: bool
    nodes: Sequence[NodeView]
    clients: int
    held: int
    """Clients that have something to say and wait."""
    lanes_private: int
    lanes_shared: int
    commands: int
    """Since the start; a face makes the rate of it."""
    uptime_s: float
    switchover: Values
    """What is under way, or how the last one ended."""
    done: int
