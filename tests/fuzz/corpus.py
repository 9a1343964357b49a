"""Conversations as clients have them, and what can be done to their bytes.

Every answer is the same on two servers that were told the same: no clock, no chance, no ids, no order of a
hash table. So a conversation can be held twice and compared byte for byte, whatever was done to it.
"""

from __future__ import annotations

import re
from random import Random

from proxy.wire.encoding import command

CONVERSATIONS = """
SET fruit fig | GET fruit | APPEND fruit s | STRLEN fruit | GETRANGE fruit 1 2 | DEL fruit | GET fruit
MSET a 1 b 2 c 3 | MGET a b none c | INCR a | INCRBY b 40 | DECR c | INCRBYFLOAT a 0.5 | LPUSH a x |
EXISTS a b zz
RPUSH list one two three | LRANGE list 0 -1 | LPOP list | LLEN list | LINDEX list -1 | LPUSH |
RPOPLPUSH list to
HSET hash f 1 g 2 | HGETALL hash | HGET hash f | HINCRBY hash g 5 | HDEL hash f | HLEN hash | TYPE hash
ZADD zset 1 fig 2 pear | ZRANGE zset 0 -1 WITHSCORES | ZSCORE zset fig | ZINCRBY zset 0.5 fig |
ZPOPMIN zset
SADD set 1 2 3 | SCARD set | SISMEMBER set 2 | SREM set 1 | SMOVE set other 2 | SCARD other
XADD stream 1-1 f v | XADD stream 1-2 f w | XLEN stream | XRANGE stream - + |
XREAD COUNT 1 STREAMS stream 0
XGROUP CREATE stream g 0 MKSTREAM | XADD stream 3-1 f v | XREADGROUP GROUP g me COUNT 1 STREAMS stream > |
XACK stream g 3-1
MULTI | SET fruit fig | INCR count | EXEC | MULTI | GET fruit | DISCARD | EXEC | MULTI | NOSUCH | EXEC
WATCH fruit | MULTI | SET fruit pear | EXEC | WATCH a b | UNWATCH | GET fruit | MULTI | SELECT 1 |
SET x 1 | EXEC
SELECT 2 | SET here 2 | SELECT 99 | SELECT 0 | GET here | SWAPDB 0 2 | GET here | DBSIZE
HELLO 3 | HGETALL hash | HSET hash f 1 | HGETALL hash | GET none | ZADD z 1 a | ZRANGE z 0 -1 WITHSCORES |
HELLO 2 | GET none
CLIENT SETNAME worker | CLIENT GETNAME | CLIENT NO-EVICT on | CLIENT SETNAME | RESET | CLIENT GETNAME |
CLIENT NOSUCH
CLIENT REPLY OFF | SET quiet 1 | GET quiet | CLIENT REPLY ON | GET quiet | CLIENT REPLY SKIP |
INCR quiet | GET quiet
SUBSCRIBE news sport | PING | PUBLISH news x | UNSUBSCRIBE sport | PSUBSCRIBE n* | UNSUBSCRIBE |
PUNSUBSCRIBE | PING
HELLO 3 | SUBSCRIBE news | PUBLISH news hello | GET fruit | UNSUBSCRIBE news | PING hi
EVAL return{1,2,{3,'x'}} 0 | EVAL return{ok='fine'} 0 | EVAL return{err='odd'} 0 | EVAL | EVALSHA abc 0 |
EVAL return(ARGV[1]) 0 x
EVAL return(redis.call('incr',KEYS[1])) 1 count | SCRIPT LOAD return(7) | EVAL_RO return(7) 0 |
FCALL none 0
RPUSH list x | BLPOP list other 9 | RPUSH list y | BRPOP list 9 | RPUSH list z |
BLMOVE list to LEFT RIGHT 9 | LRANGE to 0 -1
ZADD zset 1 fig | BZPOPMIN zset 9 | XADD stream 5-1 f v | XREAD BLOCK 9000 STREAMS stream 0 |
BLPOP list none
AUTH nobody nothing | AUTH | ECHO hello | PING | PING hello | ECHO | QUIT
SETRANGE long 200 x | GET long | SETBIT bits 100 1 | BITCOUNT bits | GETBIT bits 100 | SETEX soon 100 x |
TTL soon | PERSIST soon
GET fruit NOSUCH | OBJECT ENCODING fruit | ACL WHOAMI | MEMORY NOSUCH |
SORT list ALPHA
"""
LINES = [
    [each.split() for each in line.split("|")]
    for line in CONVERSATIONS.strip().replace("|\n", "|").splitlines()
]
TOKENS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\0",
        b"*",
        b"$",
        b"$-1\r\n",
        b"*0\r\n",
        b"*-1\r\n",
        b"*1\r\n",
        b"$0\r\n",
        b"+OK\r\n",
    ),
    *(
        b":1\r\n",
        b">2\r\n",
        b"_\r\n",
        b"=",
        b"~2\r\n",
        b"|1\r\n",
        b"%1\r\n",
        b'"',
        b"'",
        b" ",
        b"\\x",
        b"\xff",
        b"-1",
    ),
    *(
        b"*99999\r\n",
        b"$99999\r\n",
        b"*2147483648\r\n",
        b"$536870913\r\n",
        b"PING\r\n",
        b"GET a\r\n",
        b"EXEC\r\n",
    ),
    *(
        b"MULTI\r\n",
        b"*1\r\n$4\r\nEXEC\r\n",
        b"*1\r\n$5\r\nMULTI\r\n",
        b"*1\r\n$4\r\nPING\r\n",
        b"HELLO 3\r\n",
    ),
)


def conversation(random: Random) -> list[bytes]:
    """Some commands in a row, as bytes, one element each; some of them inline."""
    chosen = [words for line in random.choices(LINES, k=random.choice((1, 1, 2, 3))) for words in line]
    if random.random() < 0.2:
        random.shuffle(chosen)
    if random.random() < 0.1:
        size = random.choice((1000, 20_000, 70_000, 200_000))
        chosen.insert(random.randrange(len(chosen) + 1), ["SET", "large", "x" * size])
        chosen.append(["GET", "large"])
    return [_written(random, words) for words in chosen]


def _written(random: Random, words: list[str]) -> bytes:
    if random.random() < 0.1 and len(words[-1]) < 1000:
        return " ".join(words).encode() + random.choice((b"\r\n", b"\n"))
    if random.random() < 0.1:
        words = [random.choice((words[0].lower(), words[0].title())), *words[1:]]
    return command(*words)


def mutate(random: Random, chunks: list[bytes]) -> list[bytes]:
    """The same with some of its bytes changed, lost, doubled, moved or cut off."""
    chunks = list(chunks)
    for _ in range(random.choice((1, 1, 2, 4))):
        at = random.randrange(len(chunks))
        chunks[at] = _mutate(random, chunks[at])
        if random.random() < 0.1:
            other = random.randrange(len(chunks))
            chunks[at], chunks[other] = chunks[other], chunks[at]
        if random.random() < 0.1:
            chunks.insert(at, chunks[random.randrange(len(chunks))])
    return chunks


def _mutate(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    to = at + random.choice((1, 1, 2, 3, 8))
    match random.randrange(7):
        case 0:
            return data[:at] + random.randbytes(1) + data[at + 1 :]
        case 1:
            return data[:at] + data[to:]
        case 2:
            return data[:to] + data[at:]
        case 3:
            return data[:at] + random.choice(TOKENS) + data[at:]
        case 4:
            return data[:at] + random.choice(TOKENS) + data[to:]
        case 5:
            return data[:at]
    numbers = list(re.finditer(rb"\d+", data))
    if not numbers:
        return data + random.choice(TOKENS)
    number = random.choice(numbers)
    other = random.choice((b"0", b"1", b"2", b"-1", b"5", b"10", b"01", b"9" * 20, b"", b"65536"))
    return data[: number.start()] + other + data[number.end() :]


def cut(random: Random, data: bytes) -> list[bytes]:
    """The data in chunks, as it may arrive."""
    if random.random() < 0.4:
        return [data]
    places = sorted(random.randrange(len(data) + 1) for _ in range(random.choice((1, 2, 5))))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]
