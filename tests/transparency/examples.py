"""For each entry of the list of differences, commands whose replies show that it is needed.

The last command of an example is the one that differs, between two servers without any proxy, or, where
that is said, between a server and the proxy.
"""

from __future__ import annotations

from attrs import frozen

from tests.transparency.pools import LONG, Ref, Words

Commands = tuple[Words, ...]


@frozen
class Example:
    """Commands of one client; the reply to the last is looked at."""

    commands: Commands
    proxied: bool = False
    """The twins without a proxy say the same; through the proxy it differs."""
    replica: bool = False
    """The other side is the replica of a pair."""
    resp3: bool = False
    alike_on: tuple[str, ...] = ()
    """There the order is fixed, or no statistics are kept."""
    answers: int = 0
    """How many, if it is not one."""
    later: bool = False
    """The other side is asked again and again, without being made anew in between."""


def _said(text: str) -> Commands:
    return tuple(tuple(line.split()) for line in text.split(" / "))


MEMBERS = " ".join(f"m{n}" for n in range(40))
FIELDS = " ".join(f"f{n} {n}" for n in range(40))
BIG_SET = f"SADD e1 {LONG} {MEMBERS}"
BIG_HASH = f"HSET h1 long {LONG} {FIELDS}"
BIG_SORTED_SET = f"ZADD z1 1 {LONG} " + " ".join(f"{n} m{n}" for n in range(40))

LIBRARIES: Commands = tuple(
    ("FUNCTION", "LOAD", f"#!lua name=l{n}\nredis.register_function('f{n}', function() return 1 end)")
    for n in range(8)
)
TAKEN = _said("XADD x1 * f v / XREADGROUP GROUP gr1 co1 STREAMS x1 >")
REDIRECTED: Commands = (("CLIENT", "TRACKING", "ON", "REDIRECT", Ref("id", 1)),)

EXAMPLES = {
    "SMEMBERS": Example(_said(f"{BIG_SET} / SMEMBERS e1")),
    "SINTER": Example(_said(f"{BIG_SET} / SINTER e1 e1")),
    "SUNION": Example(_said(f"{BIG_SET} / SUNION e1 e2")),
    "SDIFF": Example(_said(f"{BIG_SET} / SDIFF e1 e2")),
    "SPOP": Example(_said(f"{BIG_SET} / SPOP e1 100")),
    "SORT": Example(_said(f"{BIG_SET} / SORT e1 BY nosort")),
    "SORT_RO": Example(_said(f"{BIG_SET} / SORT_RO e1 BY nosort")),
    "KEYS": Example(_said("KEYS *")),
    "HKEYS": Example(_said(f"{BIG_HASH} / HKEYS h1")),
    "HVALS": Example(_said(f"{BIG_HASH} / HVALS h1")),
    "UNSUBSCRIBE": Example(_said(f"SUBSCRIBE {MEMBERS} / UNSUBSCRIBE"), answers=40),
    "PUNSUBSCRIBE": Example(
        _said(f"PSUBSCRIBE {MEMBERS} / PUNSUBSCRIBE"), answers=40, alike_on=("6.2", "7.0")
    ),
    "SUNSUBSCRIBE": Example(_said(f"SSUBSCRIBE {MEMBERS} / SUNSUBSCRIBE"), answers=40),
    "HGETALL": Example(_said(f"{BIG_HASH} / HGETALL h1")),
    "CONFIG GET": Example(_said("CONFIG GET *max*"), alike_on=("6.2",)),
    "PUBSUB CHANNELS": Example(_said(f"SUBSCRIBE {MEMBERS} / PUBSUB CHANNELS"), resp3=True),
    "PUBSUB SHARDCHANNELS": Example(_said(f"SSUBSCRIBE {MEMBERS} / PUBSUB SHARDCHANNELS"), resp3=True),
    "COMMAND": Example(_said("COMMAND")),
    "COMMAND LIST": Example(_said("COMMAND LIST")),
    "COMMAND DOCS": Example(_said("COMMAND DOCS")),
    "ACL CAT": Example(_said("ACL CAT read")),
    "SRANDMEMBER": Example(_said(f"{BIG_SET} / SRANDMEMBER e1 -50")),
    "HRANDFIELD": Example(_said(f"{BIG_HASH} / HRANDFIELD h1 -50")),
    "ZRANDMEMBER": Example(_said(f"{BIG_SORTED_SET} / ZRANDMEMBER z1 -50")),
    "RANDOMKEY": Example(_said("RANDOMKEY")),
    "ACL GENPASS": Example(_said("ACL GENPASS")),
    "SCAN": Example(_said("SCAN 0 COUNT 5")),
    "SSCAN": Example(_said(f"{BIG_SET} / SSCAN e1 0")),
    "HSCAN": Example(_said(f"{BIG_HASH} / HSCAN h1 0")),
    "ZSCAN": Example(_said(f"{BIG_SORTED_SET} / ZSCAN z1 0")),
    "DUMP": Example(_said(f"{BIG_SET} / DUMP e1")),
    "TIME": Example(_said("TIME")),
    "TTL": Example(_said("EXPIREAT s1 99999999999 / TTL s1")),
    "PTTL": Example(_said("EXPIREAT s1 99999999999 / PTTL s1")),
    "EXPIRETIME": Example(_said("EXPIRE s1 1000 / EXPIRETIME s1")),
    "PEXPIRETIME": Example(_said("EXPIRE s1 1000 / PEXPIRETIME s1")),
    "LASTSAVE": Example(_said("SAVE / LASTSAVE")),
    "COMMAND INFO": Example(_said("COMMAND INFO config cluster client xinfo"), alike_on=("6.2",)),
    "FUNCTION LIST": Example((*LIBRARIES, ("FUNCTION", "LIST"))),
    "FUNCTION DUMP": Example((*LIBRARIES, ("FUNCTION", "DUMP"))),
    "XADD": Example(_said("XADD x1 * f v")),
    "XRANGE": Example(_said("XADD x1 * f v / XRANGE x1 - +")),
    "XREVRANGE": Example(_said("XADD x1 * f v / XREVRANGE x1 + -")),
    "XREAD": Example(_said("XADD x1 * f v / XREAD STREAMS x1 0")),
    "XREADGROUP": Example(_said("XADD x1 * f v / XREADGROUP GROUP gr1 co1 STREAMS x1 >")),
    "XCLAIM": Example((*TAKEN, ("XAUTOCLAIM", "x1", "gr1", "co2", "0", "0"))),
    "XAUTOCLAIM": Example((*TAKEN, ("XAUTOCLAIM", "x1", "gr1", "co2", "0", "0"))),
    "XINFO STREAM": Example(_said("XADD x1 * f v / XINFO STREAM x1")),
    "XINFO CONSUMERS": Example((*TAKEN, ("XINFO", "CONSUMERS", "x1", "gr1"))),
    "XINFO GROUPS": Example(_said("XINFO GROUPS x1"), replica=True, alike_on=("6.2",)),
    "XPENDING": Example((*TAKEN, ("XPENDING", "x1", "gr1", "-", "+", "9"))),
    "OBJECT IDLETIME": Example(_said("OBJECT IDLETIME s1"), later=True),
    "LOLWUT": Example(_said("LOLWUT VERSION 5")),
    "MEMORY USAGE": Example(_said(f"{BIG_SORTED_SET} / MEMORY USAGE z1 SAMPLES 0")),
    "INFO": Example(_said("INFO server")),
    "MEMORY STATS": Example(_said("MEMORY STATS")),
    "MEMORY MALLOC-STATS": Example(_said("MEMORY MALLOC-STATS"), alike_on=("6.2",)),
    "ACL LOG": Example(_said("AUTH u1 no / ACL LOG")),
    "ROLE": Example(_said("ROLE"), proxied=True),
    "WAIT": Example(_said("SET s1 x / WAIT 1 50"), proxied=True),
    "WAITAOF": Example(_said("WAITAOF 0 0 1"), proxied=True),
    "CLIENT ID": Example(_said("CLIENT ID"), proxied=True),
    "HELLO": Example(_said("HELLO 2"), proxied=True),
    "CLIENT GETREDIR": Example((*REDIRECTED, ("CLIENT", "GETREDIR")), proxied=True),
    "CLIENT TRACKINGINFO": Example((*REDIRECTED, ("CLIENT", "TRACKINGINFO")), proxied=True),
    "CLIENT LIST": Example(_said("CLIENT LIST")),
    "CLIENT INFO": Example(_said("CLIENT INFO")),
    "MONITOR": Example(_said("MONITOR / ECHO x / ECHO y")),
}
