"""Clients that neither send nor get anything for a long time are closed, where that is wanted.

As Redis does it with ``timeout`` (``clientsCronHandleTimeout``): who is subscribed, in MONITOR or blocked is
not meant. Nor is who waits here for something: for an answer, for the gate, or in the kernel for being
received from. Who does not read what it asked for is. When something went over a connection last, the kernel
tells (TCP_INFO), so the data path stamps nothing.
"""

import select
from time import perf_counter as clock
from typing import TYPE_CHECKING

import trio

from proxy.telling import tell
from proxy.transport.resting import idle_seconds

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route

OFTEN, SELDOM = 0.25, 5.0
"""Seconds between two sweeps: a tenth of what is allowed, within these."""
SHARE = 19
"""However many clients there are, a twentieth of the time at most goes into looking at them."""
SLICE_SECONDS = 0.000_5


async def close_idle(route: "Route") -> None:
    """Until cancelled."""
    while True:
        allowed = route.allowance.idle_s
        looked = 0.0
        if allowed and not route.gate.closed:
            looked = await _sweep(route)
        await trio.sleep(max(OFTEN, min(allowed / 10, SELDOM), SHARE * looked))


async def _sweep(route: "Route") -> float:
    """Tells how many seconds went into it."""
    closed, looked, since = 0, 0.0, clock()
    for client in tuple(route.clients):
        if route.gate.closed or not (allowed := route.allowance.idle_s):
            break
        if not client.closed and idle(client, route.now()) >= allowed and not is_busy(client):
            closed += 1
            route.closed["idle_s"] += 1
            client.close()
        if (now := clock()) - since > SLICE_SECONDS:
            looked += now - since
            await trio.lowlevel.checkpoint()
            since = clock()
    if closed:
        tell("-clients-idle", clients=closed, idle_s=route.allowance.idle_s)
    return looked + clock() - since


def idle(client: "Client", now: float) -> float:
    """Seconds since the client sent or got something, as Redis counts ``idle``; `now` by the route's
    clock."""
    age, silent = now - client.since, idle_seconds(client.transport)
    return age if silent is None else min(age, silent)


def is_busy(client: "Client") -> bool:
    """It is right to be silent."""
    session = client.session
    return bool(
        session.listening
        or session.blocked is not None
        or client.waiting
        or client.answering is not None
        or (client.is_owed and client.unsent is None)
        or _has_sent(client)
    )


def _has_sent(client: "Client") -> bool:
    """Something waits in the kernel, or was taken out of it by a look, as after a hold: it will be
    received in a moment."""
    if client.transport.has_more:
        return True
    look = select.poll()
    look.register(client.fd, select.POLLIN)
    return bool(look.poll(0))
