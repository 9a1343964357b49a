"""The list: what is not said to the twins, and what may differ in their replies. Nothing else may.

Each entry has its reason. ``test_differences.py`` shows that each is needed, and that none hides more than it
says.
"""

from __future__ import annotations

from attrs import frozen

from tests.transparency import sameness
from tests.transparency.sameness import Same


@frozen
class LeftOut:
    """Commands, by name or by first word, that are not said at all."""

    commands: tuple[str, ...]
    reason: str


@frozen
class Differs:
    """Commands whose replies are compared by ``same``, where their bytes are not the same."""

    commands: tuple[str, ...]
    same: Same
    reason: str


LEFT_OUT = (
    LeftOut(("SHUTDOWN", "DEBUG"), "ends or stops the server"),
    LeftOut(("MIGRATE",), "needs a third server, and blocks the one that it is sent to"),
    LeftOut(("SAVE", "BGSAVE", "BGREWRITEAOF"), "writes files, and fails while another child runs"),
    LeftOut(("PFSELFTEST",), "takes seconds"),
    LeftOut(("SLOWLOG", "LATENCY"), "tell which commands were slow, by the clock"),
    LeftOut(("OBJECT IDLETIME",), "in a conversation it is 0, or 1 where the second has changed"),
    LeftOut(("SCRIPT DEBUG",), "forks the server, or blocks all its clients"),
    LeftOut(("CLIENT PAUSE",), "its effect is on time alone"),
    LeftOut(
        ("PSYNC", "SYNC", "REPLCONF"), "refused by the proxy: a replica connects to a node (docs: Limits)"
    ),
    LeftOut(("REPLICAOF", "SLAVEOF", "FAILOVER"), "refused by the proxy: the primary is moved by SWITCHOVER"),
)
SWITCHED = (
    LeftOut(
        ("CONFIG SET", "CONFIG REWRITE", "ACL SETUSER", "ACL DELUSER", "ACL LOAD"),
        "changes one node only, and preflight refuses a candidate that is not set up alike",
    ),
    LeftOut(
        ("ACL LOG", "CONFIG RESETSTAT"),
        "a log of one node, which begins anew on the other",
    ),
)
"""Besides, where there is a switchover."""
IN_MULTI = (
    LeftOut(
        ("SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE"),
        "refused by the proxy: EXEC's answer then has another number of elements than it says",
    ),
    LeftOut(
        ("CLIENT REPLY", "AUTH", "HELLO AUTH"),
        "refused by the proxy: EXEC's answer would never end (from 7.2 on, where the login fails)",
    ),
)
"""Besides, inside MULTI."""
PROTOCOL_ERROR = "what is no command"
REFUSED = tuple(
    name for each in LEFT_OUT if each.reason.startswith("refused by the proxy") for name in each.commands
)
MUTED = (
    LeftOut(
        (PROTOCOL_ERROR,),
        "6.2 leaves such a connection open and looks at nothing that comes; the proxy closes it",
    ),
)
"""Besides, behind CLIENT REPLY OFF."""

DIFFERS = (
    Differs(
        ("SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "HVALS", "SPOP", "SORT", "SORT_RO"),
        sameness.unordered,
        "in the order of a hash table, whose seed is each server's own",
    ),
    Differs(("HGETALL", "CONFIG GET"), sameness.pairs, "the same, as pairs"),
    Differs(
        ("PUBSUB CHANNELS", "PUBSUB SHARDCHANNELS", "COMMAND LIST", "COMMAND DOCS", "COMMAND INFO"),
        sameness.unordered,
        "the same: tables of the server's own",
    ),
    Differs(("COMMAND", "ACL CAT", "FUNCTION LIST"), sameness.unordered, "the same"),
    Differs(
        ("SRANDMEMBER", "HRANDFIELD", "ZRANDMEMBER", "RANDOMKEY", "ACL GENPASS"),
        sameness.picked,
        "chosen at random",
    ),
    Differs(("SCAN", "SSCAN", "HSCAN", "ZSCAN"), sameness.cursor, "cursors follow the hash seed"),
    Differs(("DUMP", "FUNCTION DUMP"), sameness.kind, "serialized in the order of a hash table"),
    Differs(("TIME",), sameness.near(1_000_000), "seconds and microseconds of the clock"),
    Differs(("LASTSAVE",), sameness.near(3600), "seconds by the clock"),
    Differs(("TTL", "EXPIRETIME"), sameness.near(5), "seconds by the clock"),
    Differs(("PTTL", "PEXPIRETIME"), sameness.near(5000), "milliseconds by the clock"),
    Differs(
        ("XADD", "XRANGE", "XREVRANGE", "XREAD", "XREADGROUP", "XCLAIM", "XAUTOCLAIM"),
        sameness.moments,
        "ids made by XADD * are the time",
    ),
    Differs(("XINFO STREAM",), sameness.moments, "the same"),
    Differs(("XPENDING", "XINFO CONSUMERS"), sameness.ages, "how long ago, in milliseconds"),
    Differs(("INFO",), sameness.fields, "about the process"),
    Differs(("MEMORY STATS",), sameness.numbers, "about the process"),
    Differs(("MEMORY MALLOC-STATS",), sameness.kind, "about the process"),
    Differs(("ACL LOG",), sameness.picked, "has ages and addresses"),
    Differs(("ROLE",), sameness.first, "the proxied twin has a replica"),
    Differs(("WAIT",), sameness.near(1), "the proxied twin has a replica"),
    Differs(
        ("CLIENT ID", "HELLO", "CLIENT GETREDIR", "CLIENT TRACKINGINFO"),
        sameness.clients,
        "the proxy's ids are its own",
    ),
    Differs(("CLIENT LIST", "CLIENT INFO"), sameness.client_lines, "ids, addresses, ages, buffers"),
    Differs(("MONITOR",), sameness.monitored, "the time, and the address of the lane"),
)


def left_out(name: str, *besides: LeftOut) -> bool:
    """This command is not said."""
    return any(covers(each.commands, name) for each in (*LEFT_OUT, *besides))


def rules_for(name: str) -> tuple[Differs, ...]:
    """The entries for a command, by its whole name in capitals."""
    return tuple(each for each in DIFFERS if covers(each.commands, name))


def covers(commands: tuple[str, ...], name: str) -> bool:
    """By the whole name, or by the first word; but COMMAND alone does not stand for its subcommands."""
    first = name.partition(" ")[0]
    return name in commands or (first in commands and first != "COMMAND")
