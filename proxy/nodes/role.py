"""What ROLE says: the cheapest question to a node, and the only one that is asked within a hold."""

from typing import Literal

from attrs import frozen

from proxy.nodes.link import Reply


@frozen
class Role:
    """A node's role at one moment, in Redis's own words."""

    kind: Literal["master", "slave"]
    offset: int
    """Bytes of the replication stream written, or by a replica applied; -1 if it has lost its primary."""
    primary_host: str = ""
    primary_port: int = 0
    """Of a replica: whom it follows, as it was told by REPLICAOF."""
    link: str = ""
    """Of a replica: "connected" when it follows, else "connect", "connecting", "handshake" or "sync"."""

    @property
    def is_primary(self) -> bool:
        return self.kind == "master"

    def __str__(self) -> str:
        if self.is_primary:
            return f"primary, offset {self.offset}"
        place = f"[{self.primary_host}]" if ":" in self.primary_host else self.primary_host
        return f"replica of {place}:{self.primary_port}, {self.link}, offset {self.offset}"


def parse_role(reply: Reply) -> Role:
    """Read the reply to ROLE; ValueError where it is none, as from a Sentinel."""
    match reply:
        case [b"master", int(offset), list()]:
            return Role("master", offset)
        case [b"slave", bytes(host), int(port), bytes(link), int(offset)]:
            return Role("slave", offset, host.decode(errors="replace"), port, link.decode(errors="replace"))
    raise ValueError(f"not an answer to ROLE: {reply!r:.100}")
