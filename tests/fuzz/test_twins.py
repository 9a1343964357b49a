"""Whatever bytes a client sends, it gets what Redis would give: byte for byte, up to the close."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from tests.baton import BatonProcess
from tests.fuzz.corpus import conversation, mutate
from tests.fuzz.twins import MOVED, ODD, Twins, differ, shortest
from tests.servers import Pair, RedisServer

ROUNDS_PER_SWITCHOVER = 40


def test_a_mutated_conversation_gets_the_bytes_that_redis_gives(
    redis_server: Callable[..., RedisServer],
    pair: Pair,
    baton: Callable[..., BatonProcess],
    rounds: Callable[[], Iterator[Random]],
) -> None:
    twins = Twins(redis_server(), pair, baton(*pair))
    for number, random in enumerate(rounds(), 1):
        chunks = conversation(random)
        if random.random() < 0.9:
            chunks = mutate(random, chunks)
        if ODD.search(b"".join(chunks)):
            continue
        switch = number % ROUNDS_PER_SWITCHOVER == 0 and not MOVED.search(b"".join(chunks))
        straight, proxied = twins.hold(random, chunks, switch)
        if differ(straight, proxied):
            least = shortest(chunks, lambda fewer: differ(*twins.hold(Random(0), fewer, False)))
            straight, proxied = twins.hold(Random(0), least, False)
            raise AssertionError(
                f"round {number}, switchover {switch}: {least}\nstraight {straight!r}\nproxied {proxied!r}"
            )
