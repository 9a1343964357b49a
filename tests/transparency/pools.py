"""The values that conversations are made of: few, so that commands meet the data of others.

What a server starts a conversation with is in :data:`DATA`; each kind of data has a key that is missing.
"""

from __future__ import annotations

import hashlib

from attrs import frozen


@frozen
class Ref:
    """Stands for what is different on each side: the id or the address of one of the clients."""

    what: str
    client: int


@frozen
class Patience:
    """Stands for a time limit: none at all, or one that has soon passed, as the conversation has it."""

    milliseconds: bool


Word = bytes | str | Ref | Patience
Words = tuple[Word, ...]

KEYS: dict[str, tuple[str, ...]] = {
    "string": ("s1", "s2", "n1", "s9"),
    "bitmap": ("s1", "b1", "b9"),
    "list": ("l1", "l2", "l9"),
    "set": ("e1", "e2", "e3", "e9"),
    "sorted-set": ("z1", "z2", "z9"),
    "geo": ("g1", "g9"),
    "hash": ("h1", "h2", "h9"),
    "stream": ("x1", "x2", "x9"),
    "hyperloglog": ("p1", "p2", "p9"),
}
ANY_KEY = tuple(dict.fromkeys(key for keys in KEYS.values() for key in keys))
LONG = "v" * 80  # longer than what a small hash or set keeps in one piece: then the order is by hash

DATA = tuple(
    tuple(line.split())
    for line in f"""
    SET s1 hello
    SET s2 {LONG} EX 100000
    SET n1 10
    SETBIT b1 7 1
    RPUSH l1 a b c 1 2
    RPUSH l2 c b a {LONG}
    SADD e1 1 2 3
    SADD e2 a b c 1 {LONG}
    SADD e3 a
    ZADD z1 1 a 2 b 3 c
    ZADD z2 2.5 b inf c -1 {LONG}
    GEOADD g1 13.4 52.5 a 2.35 48.85 b
    HSET h1 f1 a f2 2 f3 3.5
    HSET h2 f1 {LONG} f2 1
    XADD x1 1-1 f1 a
    XADD x1 2-1 f2 b
    XADD x2 1-1 f1 {LONG}
    XGROUP CREATE x1 gr1 0
    XREADGROUP GROUP gr1 co1 COUNT 1 STREAMS x1 >
    PFADD p1 a b c
    PFADD p2 c d
    """.strip().splitlines()
)

SCRIPTS = (
    "return {KEYS[1] or 'none', ARGV[1] or 'none'}",
    "return redis.call('INCR', KEYS[1] or 'n1')",
    "return redis.pcall('GET', KEYS[1] or 'l1')",
    "return redis.call('SET', KEYS[1] or 's1', ARGV[1] or 'x')",
    "return {1, {2, 'x'}, redis.status_reply('z'), redis.error_reply('E no'), false}",
    "redis.setresp(3); return redis.call('HGETALL', 'h1')",
    "return {map = {a = 1}, double = 3.5}",
    "return nonsense",
    "return 1 +",
    "redis.call('PUBLISH', 'ch1', 'from a script'); return 1",
    "#!lua flags=no-writes\nreturn redis.call('TYPE', 'l1')",
)
SHAS = (*(hashlib.sha1(script.encode()).hexdigest() for script in SCRIPTS), "0" * 40, "short")
CODE = (
    "#!lua name=lib1\n"
    "redis.register_function('fn1', function(keys, args) return redis.call('INCR', keys[1] or 'n1') end)",
    "#!lua name=lib2\n"
    "redis.register_function{function_name='fn2', callback=function(keys, args) return {keys, args} end,"
    " flags={'no-writes'}}",
    "#!lua name=lib1\nnonsense(",
    "no code",
)
LIMITED = "resetchannels &ch1 +@read +@write +client|id"
USERS = {"u1": "p1", "u2": "p2"}
ACL = (
    ("ACL", "LOG", "RESET"),
    ("ACL", "SETUSER", "u1", "reset", "on", ">p1", "~*", "&*", "+@all"),
    tuple(
        [
            "ACL",
            "SETUSER",
            "u2",
            "reset",
            "on",
            ">p2",
            "~s*",
            "~l*",
            "resetchannels",
            "&ch1",
            "+@read",
            "+@write",
            "+client|id",
        ]
    ),
)
"""Somebody who may do everything, and somebody who may not."""

STRINGS: dict[str, tuple[Word, ...]] = {
    "field": ("f1", "f2", "f3", "f9"),
    "member": ("a", "b", "c", "1", LONG, "zz"),
    "member1": ("a", "b"),
    "member2": ("a", "b", "zz"),
    "element": ("a", "b", "1", b"\x00\xff\r\n", ""),
    "pivot": ("a", "c", "zz"),
    "value": ("1", "x", "-7", "3.5", "", LONG, b"\r\n+OK\r\n", b"*1\r\n$4\r\nPING\r\n"),
    "message": ("m1", "m2", b"+OK\r\n"),
    "channel": ("ch1", "ch2", "ch3"),
    "shardchannel": ("sh1", "sh2"),
    "group": ("gr1", "gr2"),
    "groupname": ("gr1", "gr2"),
    "consumer": ("co1", "co2"),
    "consumername": ("co1", "co2"),
    "id": ("1-1", "2-1", "3-1", "7-1", "7", "0", "0-0", "$", ">", "*", "1-*", "x"),
    "last-id": ("2-1", "9-9", "0"),
    "max_deleted_entry_id": ("0-0", "1-1"),
    "start": ("-", "0", "1-1", "(1-1", "1", "[a", "-inf", "(1"),
    "end": ("+", "2-1", "7", "-1", "[c"),
    "stop": ("+", "-1", "[c", "(3", "inf"),
    "min": ("-inf", "1", "(1", "-", "[a", "0"),
    "max": ("+inf", "2", "(3", "+", "[c"),
    "threshold": ("1", "0", "2-0"),
    "min-idle-time": ("0", "100000000"),
    "script": SCRIPTS,
    "sha1": SHAS,
    "function-code": CODE,
    "function": ("fn1", "fn2", "fn9"),
    "library-name": ("lib1", "lib2", "lib9"),
    "library-name-pattern": ("*", "lib1", "l?b*"),
    "username": ("u1", "u2", "u3", "default"),
    "password": ("p1", "p2", "no"),
    "category": ("read", "write", "all", "nosuch"),
    "categoryname": ("read", "pubsub", "nosuch"),
    "connection-name": ("name1", "name2", "bad name", ""),
    "clientname": ("name1", ""),
    "command": ("GET", "SET", "EVAL"),
    "command-name": ("GET", "config|get", "nosuch", "XADD"),
    "encoding": ("u8", "i16", "i64", "u63", "i65"),
    "parameter": ("maxmemory", "notify-keyspace-events", "nosuch*", "list-max-*"),
    "section": ("clients", "server", "keyspace", "nosuch"),
    "prefix": ("s", "l", "h1"),
    "operation": ("AND", "OR", "NOT"),
    "rule": ("on", "off", ">p1", "~*", "+@all", "-get", "nopass", "bad rule"),
    "serialized-value": (b"\x00\x01x\x0a\x00", b"junk"),
    "ip:port": (Ref("address", 0), Ref("address", 1), Ref("address", 2), "127.0.0.1:1"),
    "event": ("command", "nosuch"),
    "arg": ("1", "x", "s1"),
    "path": ("/nonexistent/module.so",),
    "yes/no": ("yes", "no"),
    "host": ("127.0.0.1",),
    "name": ("maxmemory", "nosuch"),
}
INTEGERS: dict[str, tuple[Word, ...]] = {
    "client-id": (Ref("id", 0), Ref("id", 1), Ref("id", 2), "0", "987654321"),
    "count": ("1", "2", "100", "0", "-1", "-3"),
    "cursor": ("0", "0", "0", "7", "x"),
    "db": ("0", "1"),
    "destination-db": ("1", "0", "16"),
    "index": ("0", "1", "-1", "50"),
    "index1": ("0", "1", "16"),
    "index2": ("0", "1"),
    "offset": ("0", "1", "7", "100", "-1"),
    "limit": ("0", "1", "2"),
    "seconds": ("100000", "1000000", "-1", "0"),
    "ttl": ("0", "100000"),
    "ms": ("0", "100000"),
    "min-idle-time": ("0", "100000000"),
    "numreplicas": ("0",),
    "protover": ("2", "3", "9"),
    "port": ("1",),
    "version": ("5", "6"),
}
NUMBERS: tuple[Word, ...] = ("0", "1", "2", "-1", "5", "9223372036854775807", "x", "1.5")
DOUBLES: tuple[Word, ...] = ("1", "0", "2.5", "-1", "inf", "3e2", "nan", "x")
PATTERNS: tuple[Word, ...] = ("*", "s*", "[elz]1", "?1", "ch*", "f*", "nosort", "h1->f1", "#")
UNIX_TIMES: tuple[Word, ...] = ("1", "99999999999", "9999999999000")
