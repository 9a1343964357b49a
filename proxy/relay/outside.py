"""WAIT over a connection of the proxy's own, for a user who may not send what must go ahead of it.

What the proxy's own user sends there propagates later than anything that the client has had acknowledged, so
the count is never too high.
"""

import math
from typing import TYPE_CHECKING

import trio

from proxy.nodes.errors import LinkLost, ReplyError
from proxy.nodes.link import Link
from proxy.session.waiting import COUNTS_WORDS, PROPAGATES_WORDS
from proxy.wire.encoding import error

if TYPE_CHECKING:
    from proxy.relay.performer import Performer
    from proxy.relay.route import Route


SLICE_SECONDS = 1.0
"""How long is waited at a time: a client that has left meanwhile is waited for no longer."""


async def wait_outside(route: "Route", client: "Performer", words: tuple[bytes, ...]) -> None:
    """Answer the client's WAIT or WAITAOF; asked again where a switchover cuts it short."""
    since, timeout = route.now(), int(words[-1]) / 1000
    while not client.closed:
        deadline = since + timeout if timeout else math.inf
        try:
            if route.primary is None:
                raise LinkLost("there is no primary")
            with await route.primary.open_link("wait") as link:
                reply = await _wait(route, client, link, words, deadline)
        except ReplyError as fault:
            reply = error(f"ERR {fault}")
        except LinkLost as fault:
            if route.now() >= deadline:
                client.answered_outside(error(f"ERR {fault}"))
                return
            await trio.sleep(0.01)
            continue
        if reply is not None:
            client.answered_outside(reply)
            return


async def _wait(
    route: "Route", client: "Performer", link: Link, words: tuple[bytes, ...], deadline: float
) -> bytes | None:
    """The reply in the end; None if there is none, because the client has left or a switchover came."""
    ahead, _ = await link.calls([PROPAGATES_WORDS, COUNTS_WORDS])
    if isinstance(ahead, ReplyError) and not ahead.text.startswith("ERR unknown command"):
        return error(ahead.text)  # without it the count would be from no write at all, and might be a lie
    while not client.closed:
        left = min(max(0.001, deadline - route.now()), SLICE_SECONDS)
        [reply] = await link.calls([(*words[:-1], b"%d" % round(left * 1000))])
        if isinstance(reply, ReplyError):
            return None if reply.text.startswith("UNBLOCKED") else error(reply.text)
        counts = reply if isinstance(reply, list) else [reply]
        if not all(isinstance(count, int) for count in counts):
            raise ReplyError(f"the node answered {reply!r:.100} to {words[0].decode()}")
        enough = all(count >= int(wanted) for count, wanted in zip(counts, words[1:], strict=False))
        if enough or route.now() >= deadline:
            return _encoded(reply)
    return None


def _encoded(reply: object) -> bytes:
    if isinstance(reply, list):
        return b"*%d\r\n" % len(reply) + b"".join(b":%d\r\n" % number for number in reply)
    assert isinstance(reply, int)
    return b":%d\r\n" % reply
