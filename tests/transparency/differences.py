"""The list: what is not said to the twins, and what may differ in their replies. Nothing else may.

Each entry has its reason. ``test_differences.py`` shows that each is needed, and that none hides more than it
says.
"""

from __future__ import annotations

import re
from collections.abc import Set

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


@frozen
class PassedOver:
    """Lines of MONITOR that are looked at on neither side."""

    words: bytes
    """A pattern of how the command begins."""
    reason: str
    own: bool = False
    """Only what the proxy's own connections, the replica's and the test's own say."""


PROTOCOL_ERROR = "what is no command"
BLANKS = "a line of blanks"
NOTHING = "nothing at all"

LEFT_OUT = (
    LeftOut(("SHUTDOWN", "DEBUG"), "ends or stops the server"),
    LeftOut(("MIGRATE",), "needs a third server, and blocks the one that it is sent to"),
    LeftOut(("SAVE", "BGSAVE", "BGREWRITEAOF"), "writes files, and fails while another child runs"),
    LeftOut(("PFSELFTEST",), "takes seconds; said once, by ``test_differences.py``"),
    LeftOut(
        ("SLOWLOG GET", "SLOWLOG LEN", "LATENCY HISTOGRAM"),
        "tell which commands were slow, by the clock; said once, by ``test_differences.py``",
    ),
    LeftOut(("MEMORY DOCTOR",), "about the process; said once, by ``test_differences.py``"),
    LeftOut(
        ("SCRIPT DEBUG",),
        "forks the server, or blocks all its clients; without YES and SYNC it is an error where something is "
        "owed to a command ahead of it, which is decided by timing; said alone by ``test_differences.py``",
    ),
    LeftOut(("CLIENT PAUSE",), "its effect is on time alone; said once, by ``test_differences.py``"),
    LeftOut(
        ("POST", "HOST:"),
        "stops HTTP requests: the server closes at once, and drops what it owes to commands ahead in the "
        "same send; said alone by ``test_differences.py``",
    ),
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
MONITORING = (
    LeftOut(
        ("CLIENT REPLY",),
        "the line about the command that SKIP is about does not come from Redis; from the proxy it does",
    ),
    LeftOut(
        (PROTOCOL_ERROR,),
        "from 7.0 on the line about a command comes behind its answer, and the proxy closes in between",
    ),
)
"""Besides, behind MONITOR."""
BEHIND_OTHERS = (
    LeftOut(
        ("CLIENT KILL",),
        "what a command ahead in the same send has just told the killed one is lost or not, by timing",
    ),
)
"""Besides, behind other commands of a step."""
SKIPPING = (
    LeftOut(
        (NOTHING, BLANKS),
        "an empty line is the command that Redis does not answer then; the proxy passes over it",
    ),
)
"""Besides, behind CLIENT REPLY SKIP."""
WATCHED_QUEUE = "EXEC, where a switchover finds a MULTI open behind WATCH: it may be answered nil (docs)"
"""So there is none at such a place: see ``conversations.elsewhere``."""
IN_MULTI = (
    LeftOut(
        ("SUBSCRIBE", "UNSUBSCRIBE", "PSUBSCRIBE", "PUNSUBSCRIBE", "SSUBSCRIBE", "SUNSUBSCRIBE"),
        "refused by the proxy: EXEC's answer then has another number of elements than it says",
    ),
    LeftOut(
        ("CLIENT REPLY", "AUTH", "HELLO AUTH"),  # CLIENT REPLY ON has a name of its own
        "refused by the proxy: EXEC's answer would never end (from 7.2 on, where the login fails)",
    ),
)
"""Besides, inside MULTI."""
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
MUTED_IN_MULTI = (
    LeftOut(
        ("CLIENT REPLY ON",), "refused by the proxy: EXEC's answer would have fewer elements than it says"
    ),
)
"""Besides, where both are so."""
ON_VALKEY = (
    LeftOut((BLANKS,), "Valkey 8.0 then takes the next command for lines, even one that is sent much later"),
)
"""Besides, on Valkey."""

PASSED_OVER = (
    PassedOver(rb"", "the proxy asks the nodes how they are, and the test if a command is done", own=True),
    PassedOver(rb'"PING" "baton:', "a mark on a client's lane, which tells where its messages end"),
)
PASSED_OVER_SHARED = (
    PassedOver(
        rb'"(?:(?i:CLIENT|HELLO|SELECT|RESET)"|SPUBLISH" "baton:wait"|PING" "[0-9a-f]{16}:'
        rb'|PING"(?=\r| "baton"))',
        "lanes are set up as the sessions of those who need them, a fence goes behind what many sent, and "
        "something that is propagated ahead of a WAIT",
    ),
)
"""Besides, where clients share lanes."""
PASSED_OVER_SWITCHED = (
    PassedOver(
        rb'"(?i:MULTI|WATCH|CLIENT|HELLO|SELECT|P?SUBSCRIBE|SSUBSCRIBE)"',
        "sessions are set up at the other node, an open MULTI among them",
    ),
    PassedOver(
        rb'"(?:INFO|ROLE|PFCOUNT|COMMAND|CONFIG|ACL|FUNCTION|SCRIPT|XINFO)"',
        "the proxy's connections of that time, whose names nobody has seen",
    ),
    PassedOver(
        rb'"(?i:B[LRZ][A-Z]+|XREAD|XREADGROUP)"',
        "who is blocked is blocked again, with what remains of its time and the stream's last id",
    ),
    PassedOver(
        rb'"(?:SPUBLISH" "baton:wait"|PING")',
        "goes ahead of the first WAIT after a switchover, so that it counts the client's writes",
    ),
)
"""Besides, where there is a switchover."""
INVALIDATED = re.compile(
    rb"(>2\r\n\$10\r\ninvalidate\r\n|\*3\r\n\$7\r\nmessage\r\n\$20\r\n__redis__:invalidate\r\n)"
    rb"(_\r\n|[*$]-1\r\n|\*1\r\n\$\d+\r\n[^\r]*\r\n)"
)
"""What CLIENT TRACKING tells. From the beginning of a switchover on, the proxied side may be told less: what
was read before is not told of again, since the proxy says that all of it is invalid. So there these are
taken out of what came, on both sides, and compared as sets: see ``invalidations.py``."""

DIFFERS = (
    Differs(
        ("SMEMBERS", "SINTER", "SUNION", "SDIFF", "KEYS", "HKEYS", "HVALS", "SPOP", "SORT", "SORT_RO"),
        sameness.unordered,
        "in the order of a hash table, whose seed is each server's own",
    ),
    Differs(
        ("UNSUBSCRIBE", "PUNSUBSCRIBE", "SUNSUBSCRIBE"), sameness.one_by_one, "the same, an answer for each"
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
    Differs(
        ("XINFO GROUPS", "XINFO STREAM"),
        sameness.groups,
        "a replica is not told how many entries a group has read; and the same as in XPENDING",
    ),
    Differs(
        ("XPENDING", "XINFO CONSUMERS"),
        sameness.ages,
        "ids made of the time, and how long ago, in milliseconds",
    ),
    Differs(("OBJECT IDLETIME",), sameness.near(5), "seconds by the clock"),
    Differs(("LOLWUT",), sameness.kind, "art, by chance"),
    Differs(("MEMORY USAGE",), sameness.numbers, "a sorted set's levels are chosen at random"),
    Differs(("INFO",), sameness.fields, "about the process"),
    Differs(("MEMORY STATS",), sameness.numbers, "about the process"),
    Differs(("MEMORY MALLOC-STATS",), sameness.kind, "about the process"),
    Differs(("ACL LOG",), sameness.picked, "has ages and addresses"),
    Differs(("ROLE",), sameness.first, "the proxied twin has a replica"),
    Differs(("WAIT", "WAITAOF"), sameness.near(1), "the proxied twin has a replica"),
    Differs(
        ("CLIENT ID", "HELLO", "CLIENT GETREDIR", "CLIENT TRACKINGINFO"),
        sameness.clients,
        "the proxy's ids are its own",
    ),
    Differs(("CLIENT LIST", "CLIENT INFO"), sameness.client_lines, "ids, addresses, ages, buffers"),
    Differs(
        ("MONITOR",),
        sameness.monitored,
        "the time, the lane's address; a lane gets the node's ids, and CLIENT REPLY ON for OFF and SKIP",
    ),
)


def left_out(name: str, *besides: LeftOut) -> bool:
    """This command is not said."""
    return any(covers(each.commands, name) for each in (*LEFT_OUT, *besides))


def rules_for(name: str) -> tuple[Differs, ...]:
    """The entries for a command, by its whole name in capitals."""
    return tuple(each for each in DIFFERS if covers(each.commands, name))


def monitor_filter(own: Set[bytes], switched: bool, shared: bool = False) -> re.Pattern[bytes]:
    """The lines of MONITOR that are passed over; ``own`` are the addresses of those who are no clients."""
    who = b"|".join(map(re.escape, sorted(own))) or b"(?!)"
    rules: tuple[PassedOver, ...] = PASSED_OVER
    rules += PASSED_OVER_SHARED if shared else ()
    rules += PASSED_OVER_SWITCHED if switched else ()
    said = b"|".join(rb"\[\d+ (?:%s)\] %s" % (who if each.own else rb"[^]]*", each.words) for each in rules)
    return re.compile(rb"\+\d+\.\d+ (?:%s)[^\r]*\r\n" % said)


def covers(commands: tuple[str, ...], name: str) -> bool:
    """By the whole name, or by the first word; but COMMAND alone does not stand for its subcommands."""
    first = name.partition(" ")[0]
    return name in commands or (first in commands and first != "COMMAND")
