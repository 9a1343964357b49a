"""Leaving in good order: SIGTERM, and DRAIN.

Theory. No client is accepted any more, and each one that is there is closed at the moment when it has nothing
in flight: no reply is owed to it, no transaction is open, it is not blocked, nothing that it has sent waits.
There is no word in Redis's protocol by which a server announces that it leaves, so between two commands is
the only moment at which a client loses nothing: a pool finds the closed connection when it takes it out, and
makes another. Envoy's Redis proxy closes a draining connection behind its last reply, nginx closes idle ones
at once, and so does this. To spare the idle ones for a while, as HAProxy does by default for TCP, would only
put off the same moment for those who never finish by themselves: pools keep connections for hours. They are
closed some at a time, so that thousands do not come back in the same millisecond. Rules:

1. What has come and has not been read yet counts as in flight.
2. Who is blocked, has a transaction open, or is slow to read is waited for until ``drain_ms``; then the
   process ends, and the rest is closed with it.
3. A switchover under way is waited for as long; from the promotion on it is carried through anyhow.
4. Whoever sends clients here should have been told before: behind a Service of Kubernetes a preStop hook
   sleeps for the seconds that the news takes to arrive, and SIGTERM comes after it.
"""

from time import perf_counter as clock

import trio
from attrs import define, field

from proxy.operation.ground import Ground
from proxy.relay.client import Client
from proxy.telling import tell

TICK_SECONDS = 0.01
SHARE = 9
"""However many clients there are, a tenth of the time at most goes into looking at them."""
SLICE_SECONDS = 0.000_5
"""How long clients are looked at in one go."""
LAST_WORDS_SECONDS = 0.1
"""For whoever asked for DRAIN, or for the switchover that has just ended, to be answered."""
CLOSED_AT_ONCE = 128
"""Clients that are closed in one tick."""


@define(eq=False)
class Leaving:
    """Of one process, once."""

    ground: Ground
    asked: trio.Event = field(factory=trio.Event)

    def drain(self) -> None:
        """Begin to leave; idempotent."""
        if not self.asked.is_set():
            self.ground.leaving = True
            tell("+leaving", clients=len(self.ground.route.clients), drain_ms=self.ground.settings.drain_ms)
            self.asked.set()

    async def let_finish(self) -> int:
        """Return when no client is left and nothing is under way, or at the limit; tells how many clients
        there were still."""
        route = self.ground.route
        began = trio.current_time()
        while trio.current_time() - began < self.ground.settings.drain_ms / 1000:
            looked = await self._close_idle()
            if not (route.clients or route.arriving or self.ground.busy):
                break
            await trio.sleep(max(TICK_SECONDS, SHARE * looked))
        left = len(route.clients)
        await trio.sleep(LAST_WORDS_SECONDS)
        return left

    async def _close_idle(self) -> float:
        """Tells how many seconds went into that. Others have their turn now and then: to look at ten thousand
        in one go takes twenty milliseconds."""
        closed, looked, since = 0, 0.0, clock()
        for client in list(self.ground.route.clients):
            if not client.closed and is_idle(client):
                client.close()
                closed += 1
                if closed == CLOSED_AT_ONCE:
                    break
            if (now := clock()) - since > SLICE_SECONDS:
                looked += now - since
                await trio.lowlevel.checkpoint()
                since = clock()
        return looked + clock() - since


def is_idle(client: Client) -> bool:
    """It is between two commands, and has got all that is due to it."""
    session = client.session
    return not (
        client.is_owed
        or client.waiting
        or client.answering is not None
        or client.cutter is not None
        or client.unsent is not None
        or session.transaction is not None
        or session.watch is not None
        or session.blocked is not None
        or _has_sent(client)
    )


def _has_sent(client: Client) -> bool:
    """Something waits to be read; that it has gone counts as nothing."""
    try:
        return bool(client.peek())
    except OSError:
        return False
