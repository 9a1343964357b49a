"""What the clients do all day. A program is given a player, and goes on until it is time to stop.

The keys say which rule they are for; many clients share them, those that bypass the proxy too. Lists are
short: a new one is begun again and again, for they are read whole.
"""

import time
from collections.abc import Callable

import hiredis

from tests.chaos import deeds
from tests.chaos.history import Append, Fate, Snapshot, Span
from tests.chaos.player import Deed, Player
from tests.chaos.rules.swaps import FIRST

Program = Callable[[Player], None]

EPOCH_SECONDS = 0.5
APPEND_SCRIPT = "return redis.call('RPUSH', KEYS[1], ARGV[1])"
COUNTERS = 2
REGISTERS = ("swap:0", "swap:1")
QUEUES = ("fifo:0", "fifo:1")
RANKED = "ranked:0"
MOVED_FROM, MOVED_TO = "fifo:moved", "list:moved"
STREAM, TASKS, GROUP = "stream:0", "tasks:0", "group"
CHANNELS = ("news:0", "news:1")
SHARD = "shard:0"
TIMEOUTS = (0.02, 0.05, 0.3, 1.0)
"""Seconds that a blocking command waits: some are over within a hold, some outlast it."""


def this_list(player: Player, name: str) -> str:
    """Return the list that all write to now; some are late, and write to the one before."""
    epoch = int(time.monotonic() / EPOCH_SECONDS)
    return f"list:{name}:{epoch - (player.dice.random() < 0.1)}"


def mixed(player: Player) -> None:
    """Lists, counters and what is the client's own, in pipelines of all lengths; a script too."""
    own, wrote = f"own:{player.name}", None
    sha = str(player.ask("SCRIPT", "LOAD", APPEND_SCRIPT))
    while player.goes_on(rest_ms=2):
        pipeline: list[Deed] = []
        for _ in range(player.dice.choice((1, 1, 2, 5, 12))):
            kind, value = player.dice.randrange(7), player.fresh()
            name, counter = this_list(player, "mixed"), f"counter:{player.dice.randrange(COUNTERS)}"
            if kind == 0:
                pipeline.append(deeds.append(name, value))
            elif kind == 1:
                pipeline.append(
                    Deed(("EVALSHA", sha, 1, name, value), deeds.append(name, value).told, deeds.is_number)
                )
            elif kind == 2:
                pipeline.append(deeds.read(name))
            elif kind == 3:
                pipeline.append(deeds.count(counter))
            elif kind == 4:
                pipeline.append(deeds.look(counter))
            elif kind == 5:
                pipeline.append(deeds.echo(value))
            else:
                pipeline += [deeds.recall_own(own, wrote), Deed(("SET", own, value))]
                wrote = value
        player.do(*pipeline)


def settled(player: Player) -> None:
    """A session with a name and a database of its own, which has to come along."""
    own, wrote = f"own:{player.name}", None
    player.ask("SELECT", 5)
    player.ask("CLIENT", "SETNAME", player.name)
    while player.goes_on(rest_ms=4):
        if (name := player.ask("CLIENT", "GETNAME")) != player.name:
            player.notice(f"is called {name!r}")
        value = player.fresh()
        player.do(deeds.recall_own(own, wrote), Deed(("SET", own, value)), deeds.echo(value))
        wrote = value


def twins(player: Player) -> None:
    """Two lists that are written and read together, in transactions sent whole or in pieces."""
    while player.goes_on(rest_ms=2):
        rest_ms = player.dice.choice((-1.0, 0.0, 3.0))
        name, value = this_list(player, "twin"), player.fresh()
        first, second = f"{name}:a", f"{name}:b"
        kind = player.dice.randrange(4)
        if kind == 0:
            begun = time.monotonic()
            found = player.transact(deeds.read(first), deeds.read(second), rest_ms=rest_ms)
            if found is not None:
                span = Span(player.name, begun, time.monotonic())
                player.events.append(Snapshot(span, tuple(found[0]), tuple(found[1])))
        elif kind == 1:
            give_up(player, first, value)
        else:
            both = deeds.append(first, value), deeds.append(second, value)
            player.transact(*both, deeds.count("counter:twins"), rest_ms=rest_ms)


def give_up(player: Player, key: str, value: str) -> None:
    """A transaction that must not take place: discarded, or with a command that cannot be queued."""
    player.events.append(Append(Span(player.name, time.monotonic(), fate=Fate.REFUSED), key, value))
    player.ask("MULTI")
    player.ask("RPUSH", key, value)
    player.goes_on(rest_ms=2)
    if player.dice.random() < 0.5:
        answer = player.ask("DISCARD")
        if answer != "OK":
            player.notice(f"DISCARD was answered {answer!r}")
    else:
        wrong = player.expect_error("NOSUCHCOMMAND")
        player.goes_on(rest_ms=20)
        aborted = player.expect_error("EXEC")
        if not str(wrong).startswith("ERR unknown command") or not str(aborted).startswith("EXECABORT"):
            player.notice(f"a spoilt transaction was answered {wrong!r} and {aborted!r}")


def swapper(player: Player) -> None:
    """Read, think, write unless somebody else has: two or more fight over each register."""
    while player.goes_on(rest_ms=3):
        compare_and_set(player, player.dice.choice(REGISTERS), player.dice.choice((0.0, 5.0, 20.0, 60.0)))


def compare_and_set(player: Player, key: str, think_ms: float) -> None:
    watched, before = player.do(Deed(("WATCH", key)), Deed(("GET", key), fits=deeds.is_text_or_nil))
    if watched != "OK" or isinstance(before, hiredis.ReplyError):
        return
    player.goes_on(think_ms)
    rest_ms = -1.0 if player.dice.random() < 0.5 else think_ms / 4
    player.transact(deeds.swap(key, before or FIRST, player.fresh()), rest_ms=rest_ms, watches=True)


def pusher(player: Player) -> None:
    while player.goes_on(rest_ms=4):
        push_somewhere(player)


def push_somewhere(player: Player) -> None:
    value = player.fresh()
    kind = player.dice.randrange(6)
    if kind < 3:
        player.do(*[deeds.push(player.dice.choice(QUEUES), player.fresh()) for _ in range(kind + 1)])
    elif kind == 3:
        player.do(deeds.rank(RANKED, value, player.dice.randrange(1000)))
    elif kind == 4:
        player.do(deeds.push(MOVED_FROM, value))
    else:
        player.do(deeds.assign(TASKS, value))


def popper(player: Player) -> None:
    """Takes from one or several queues, blocked for most of the time; more is pipelined behind."""
    while player.goes_on(rest_ms=0.5):
        timeout = player.dice.choice(TIMEOUTS)
        keys = player.dice.sample(QUEUES, player.dice.choice((1, 2)))
        deed = deeds.pop("BLPOP", *keys, timeout=timeout)
        behind = [deeds.echo(player.fresh()) for _ in range(player.dice.choice((0, 0, 2)))]
        player.do(deed, *behind)


def ranked_popper(player: Player) -> None:
    while player.goes_on(rest_ms=0.5):
        player.do(deeds.pop("BZPOPMIN", RANKED, timeout=player.dice.choice(TIMEOUTS)))


def mover(player: Player) -> None:
    while player.goes_on(rest_ms=0.5):
        player.do(deeds.move(MOVED_FROM, MOVED_TO, player.dice.choice(TIMEOUTS)))


def worker(player: Player) -> None:
    """One of a consumer group."""
    while player.goes_on(rest_ms=0.5):
        block_ms = round(player.dice.choice(TIMEOUTS) * 1000)
        player.do(deeds.consume(TASKS, GROUP, player.name, block_ms))


def adder(player: Player) -> None:
    while player.goes_on(rest_ms=4):
        player.do(*[deeds.add(STREAM, player.fresh()) for _ in range(player.dice.choice((1, 1, 3)))])


def follower(player: Player) -> None:
    """Reads a stream as it grows."""
    place, value = "0", None
    while player.goes_on(rest_ms=0.5):
        block_ms = round(player.dice.choice(TIMEOUTS) * 1000)
        [reply] = player.do(deeds.follow(STREAM, place, value, block_ms))
        if not isinstance(reply, hiredis.ReplyError) and (entries := deeds.entries_of(reply)):
            place, value = entries[-1]


def publisher(player: Player) -> None:
    numbers = dict.fromkeys(CHANNELS, 0)
    while player.goes_on(rest_ms=2):
        channel = player.dice.choice(CHANNELS)
        numbers[channel] += 1
        player.do(deeds.publish(channel, player.name, numbers[channel]))


def shard_publisher(player: Player) -> None:
    number = 0
    while player.goes_on(rest_ms=4):
        number += 1
        player.do(deeds.publish(SHARD, player.name, number, form="SPUBLISH"))


def bypassing(player: Player) -> None:
    """Stays with one node, whatever it is at the moment, and writes there as soon as it takes writes."""
    while player.goes_on(rest_ms=1):
        kind = player.dice.randrange(4)
        if kind == 0:
            player.do(deeds.append(this_list(player, "mixed"), player.fresh()), deeds.count("counter:0"))
        elif kind == 1:
            push_somewhere(player)
        elif kind == 2:
            compare_and_set(player, player.dice.choice(REGISTERS), think_ms=1.0)
        else:
            name, value = this_list(player, "twin"), player.fresh()
            player.transact(deeds.append(f"{name}:a", value), deeds.append(f"{name}:b", value))


def bypassing_publisher(player: Player) -> None:
    """The same with messages. Each goes with a write: alone, a demoted primary would take it, for nobody."""
    numbers = dict.fromkeys(CHANNELS, 0)
    while player.goes_on(rest_ms=1):
        channel = player.dice.choice(CHANNELS)
        numbers[channel] += 1
        player.transact(deeds.publish(channel, player.name, numbers[channel]), deeds.count("counter:1"))
