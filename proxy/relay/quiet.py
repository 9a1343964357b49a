"""Waiting until lanes owe nothing."""

from collections.abc import Iterable

import trio

from proxy.relay.connection import Connection


async def until_idle(lanes: Iterable[Connection]) -> None:
    """Return when every one of the lanes has owed nothing once, or is dead. They must not be given more to
    do."""
    left = 0
    done = trio.Event()

    def one_less() -> None:
        nonlocal left
        left -= 1
        if not left:
            done.set()

    owing = [lane for lane in lanes if lane.owes and not lane.closed]
    left = len(owing)
    for lane in owing:
        lane.when_idle(one_less)
    if not owing:
        await trio.lowlevel.checkpoint()  # or who asks again and again would never let anybody else
    else:
        try:
            await done.wait()
        finally:
            for lane in owing:
                lane.forget_idle(one_less)
