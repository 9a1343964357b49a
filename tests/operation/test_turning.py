"""Whether the reactor turns."""

import trio

from proxy.operation.turning import TURN_SECONDS, Pulse
from proxy.relay.reactor import Reactor


async def test_an_idle_reactor_turns_when_it_is_asked() -> None:
    reactor = Reactor()
    pulse = Pulse(reactor)
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        for _ in range(3):
            assert await pulse.beats()
        reactor.hold("a reason")
        assert await pulse.beats()
        nursery.cancel_scope.cancel()
    pulse.close()
    reactor.close()


async def test_many_who_ask_at_once_are_all_answered() -> None:
    reactor = Reactor()
    pulse = Pulse(reactor)
    answers = []

    async def ask() -> None:
        answers.append(await pulse.beats())

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        async with trio.open_nursery() as askers:
            for _ in range(100):
                askers.start_soon(ask)
        nursery.cancel_scope.cancel()
    assert answers == [True] * 100
    pulse.close()
    reactor.close()


async def test_a_reactor_that_has_ended_is_found_out_within_its_time_and_comes_back_to_life() -> None:
    reactor = Reactor()
    pulse = Pulse(reactor)
    began = trio.current_time()
    assert not await pulse.beats()
    assert TURN_SECONDS <= trio.current_time() - began < 3 * TURN_SECONDS
    async with trio.open_nursery() as nursery:
        nursery.start_soon(reactor.run)
        assert await pulse.beats()
        nursery.cancel_scope.cancel()
    pulse.close()
    reactor.close()
