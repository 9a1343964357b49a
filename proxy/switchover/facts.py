"""What is known of the nodes: plain values, and nothing that could be asked again.

`Standing` says who a node is and is cheap; `NodeFacts` is all that preflight judges by. ``nodes`` fills them
from Redis's answers. A `Verdict` is what somebody found, in words for the operator.
"""

import zlib
from collections.abc import Mapping
from typing import Literal, TypeAlias

from attrs import Factory, field, frozen

Level: TypeAlias = Literal["ok", "warn", "refuse"]
PING_BYTES = 14
"""Of one PING in the replication stream: a primary feeds it to its replicas, and it changes no data."""
PROVABLE_BYTES = 64 * 1024
"""How much of a stream is read to prove that it is PINGs alone: 13 hours of them, at Redis's default."""


@frozen
class Verdict:
    """What was found, and what it means for a switchover."""

    level: Level
    text: str


def ok(text: str) -> Verdict:
    return Verdict("ok", text)


def warn(text: str) -> Verdict:
    return Verdict("warn", text)


def refuse(text: str) -> Verdict:
    return Verdict("refuse", text)


class UnreadError(Exception):
    """A fact that could not be read, and why. Without a vital one, no switchover can be judged."""

    def __init__(self, text: str, vital: bool) -> None:
        super().__init__(text)
        self.vital = vital


@frozen
class Need:
    """A command that the control user must be allowed to run; `vital` where the story cannot do without."""

    words: tuple[str, ...]
    vital: bool = True

    def __str__(self) -> str:
        second = self.words[1] if len(self.words) > 1 and self.words[0] in CONTAINERS else ""
        return f"{self.words[0]} {second}".strip()


CONTAINERS = {"ACL", "CLIENT", "CONFIG", "FUNCTION", "MODULE", "SCRIPT", "XINFO"}
NEEDS = (
    Need(("CLIENT", "SETNAME", "baton")),
    Need(("CLIENT", "ID")),
    Need(("ROLE",)),
    Need(("INFO",)),
    Need(("PING",)),
    Need(("COMMAND",)),
    Need(("SELECT", "0")),
    Need(("REPLICAOF", "NO", "ONE")),
    Need(("SCRIPT", "LOAD", "return 0")),
    Need(("CLIENT", "PAUSE", "1", "WRITE")),
    Need(("CLIENT", "UNPAUSE")),
    Need(("CLIENT", "LIST")),
    Need(("CLIENT", "UNBLOCK", "1", "ERROR")),
    Need(("CLIENT", "KILL", "ID", "1")),
    Need(("XINFO", "STREAM", "baton")),
    # Without what follows a switchover works, and something is not found out, or not kept over a restart.
    Need(("PFCOUNT", "baton"), vital=False),
    Need(("CONFIG", "GET", "maxmemory"), vital=False),
    Need(("CONFIG", "REWRITE"), vital=False),
    Need(("ACL", "LIST"), vital=False),
    Need(("MODULE", "LIST"), vital=False),
    Need(("WAIT", "0", "1"), vital=False),
    Need(("REPLCONF", "capa", "psync2"), vital=False),
    Need(("PSYNC", "?", "-1"), vital=False),
)
"""What is sent on control connections, with arguments for which ACL DRYRUN accepts it; but for what 6.2 does
not know: FUNCTION LIST, ACL DRYRUN itself, and SPUBLISH ahead of a WAIT."""

SETTINGS = (
    "appendonly",
    "client-output-buffer-limit",
    "databases",
    "masterauth",
    "masteruser",
    "maxmemory",
    "maxmemory-policy",
    "min-replicas-max-lag",
    "min-replicas-to-write",
    "notify-keyspace-events",
    "port",
    "repl-ping-replica-period",
    "replica-announce-ip",
    "replica-announce-port",
    "stop-writes-on-bgsave-error",
    "tls-port",
    "tls-replication",
)
"""What is asked with CONFIG GET, one by one: 6.2 takes one name, and a user may be allowed some only."""


@frozen
class Standing:
    """Who a node is, and where its history comes from (ROLE and INFO replication, read in one go)."""

    address: str
    run_id: str
    primary: bool
    replid: str
    replid2: str
    """The history before a promotion, which is the one of the primary that it replaced."""
    offset: int
    """Bytes of the replication stream that this node has, written or applied."""
    second_offset: int
    """The first byte that belongs to `replid` and no longer to `replid2`; -1 where there was no promotion."""
    follows: str = ""
    """Of a replica: host:port of its primary, as it sees it."""
    link_up: bool = False

    def surplus_over(self, successor: "Standing") -> int | None:
        """Count the bytes that this node has in its history beyond the promotion of `successor`.

        0 or less where the successor has all of it; None where the successor took over from somebody else.
        """
        if successor.replid2 != self.replid or successor.second_offset < 0:
            return None
        return self.offset - successor.second_offset + 1


def cursor_tag(run_id: str) -> int:
    """Return 16 bits, never 0, that stand for a process in the cursors of SCAN that it gives out."""
    return zlib.crc32(run_id.encode()) % 0xFFFF + 1


@frozen
class Connection:
    """One line of CLIENT LIST."""

    id: int
    addr: str
    name: str
    flags: str


@frozen
class NodeFacts:
    """Everything that the checks judge by, of one node at one time."""

    address: str
    """As the operator wrote it."""
    user: str
    """As whom the proxy's control connections are logged in."""
    host: str
    """The number to which the proxy is connected just now."""
    port: int
    info: Mapping[str, str]
    config: Mapping[str, str] = field(repr=False)
    """Of `SETTINGS`; in memory only, since a password is among them."""
    acl: Mapping[str, tuple[str, ...]] = field(repr=False)
    """The rules of each user, in a form that can be compared; password hashes are among them."""
    modules: Mapping[str, int]
    """Version numbers by name."""
    functions: str
    """A digest of all function libraries, "" where there are none."""
    connections: tuple[Connection, ...]
    absent: frozenset[str] = frozenset()
    """Commands of `NEEDS` that the server does not have, or not under this name."""
    denied: Mapping[str, str] = Factory(dict)
    """By `Need`: what the server says to why the control user may not."""
    unread: Mapping[str, str] = Factory(dict)
    """By command: the error that came instead of the fact."""

    def said(self, name: str) -> str:
        """Return a field of INFO. All are vital, and every server fit for a switchover has them."""
        if name not in self.info:
            raise UnreadError(f"{self.address}: INFO has no {name}", vital=True)
        return self.info[name]

    def number(self, name: str) -> int:
        return int(self.said(name))

    def setting(self, name: str) -> str:
        if name not in self.config:
            why = self.unread.get(f"CONFIG GET {name}", "the server has no such setting")
            raise UnreadError(f"{self.address}: CONFIG GET {name}: {why}", vital=False)
        return self.config[name]

    def require(self, asked: str) -> None:
        """Raise `UnreadError` if the answer to this command is not there."""
        if asked in self.unread:
            raise UnreadError(f"{self.address}: {asked}: {self.unread[asked]}", vital=False)

    @property
    def version(self) -> tuple[int, ...]:
        """As (7, 0, 15). Valkey tells of the Redis version with which it is compatible."""
        return tuple(int(part) for part in self.said("redis_version").split(".") if part.isdigit())

    @property
    def is_primary(self) -> bool:
        return self.said("role") == "master"

    @property
    def offset(self) -> int:
        """Bytes of the replication stream that the node has, written or applied."""
        return self.number("master_repl_offset" if self.is_primary else "slave_repl_offset")

    def replicas(self) -> list[Mapping[str, str]]:
        """Return what the node says of each replica that is connected to it: ip, port, state, offset, lag."""
        lines = (self.info.get(f"slave{n}", "") for n in range(self.number("connected_slaves")))
        return [dict(pair.split("=", 1) for pair in line.split(",")) for line in lines if line]


@frozen
class Probes:
    """What only a connection of its own can find out."""

    login: Verdict
    """Whether the old primary will be let in at the candidate, as its masteruser with its masterauth."""
    primary_pause: Verdict
    candidate_pause: Verdict
    """Whether somebody else has paused the node."""
