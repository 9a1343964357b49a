"""WAIT over a connection of the proxy's own, for a user who may not send what must go ahead of it.

What the proxy's own user sends there propagates later than anything that the client has had acknowledged, so
the count is never too high.
"""

from typing import TYPE_CHECKING

import trio

from proxy.nodes.errors import LinkLost, ReplyError
from proxy.session.waiting import COUNTS_WORDS, PROPAGATES_WORDS
from proxy.wire.encoding import error

if TYPE_CHECKING:
    from proxy.relay.performer import Performer
    from proxy.relay.route import Route


async def wait_outside(route: "Route", client: "Performer", words: tuple[bytes, ...]) -> None:
    """Answer the client's WAIT or WAITAOF; asked again where a switchover cuts it short."""
    since, timeout = route.now(), int(words[-1]) / 1000
    while not client.closed:
        node = route.primary
        left = max(0.001, since + timeout - route.now()) if timeout else 0.0
        asked = (*words[:-1], b"%d" % round(left * 1000))
        try:
            if node is None:
                raise LinkLost("there is no primary")
            with await node.open_link("wait") as link:
                ahead, _, reply = await link.calls([PROPAGATES_WORDS, COUNTS_WORDS, asked])
        except ReplyError as fault:
            client.answered_outside(error(f"ERR {fault}"))
            return
        except LinkLost as fault:
            if timeout and left <= 0.001:
                client.answered_outside(error(f"ERR {fault}"))
                return
            await trio.sleep(0.01)
            continue
        if isinstance(reply, ReplyError) and reply.text.startswith("UNBLOCKED"):
            continue
        if isinstance(ahead, ReplyError) and not ahead.text.startswith("ERR unknown command"):
            reply = ahead  # without it the count would be from no write at all, and might be a lie
        client.answered_outside(_encoded(reply))
        return


def _encoded(reply: object) -> bytes:
    if isinstance(reply, ReplyError):
        return error(reply.text)
    if isinstance(reply, list):
        return b"*%d\r\n" % len(reply) + b"".join(b":%d\r\n" % number for number in reply)
    assert isinstance(reply, int)
    return b":%d\r\n" % reply
