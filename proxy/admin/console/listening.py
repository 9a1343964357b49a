"""SUBSCRIBE: what happens, as it happens."""

from proxy.admin.console.command import Command, Form
from proxy.admin.console.encoding import Push, Reply
from proxy.admin.console.feed import CHANNEL
from proxy.admin.console.syntax import Given
from proxy.admin.console.visitor import Visitor

GROUP = "asking"


async def _subscribe(visitor: Visitor, given: Given) -> Reply:
    visitor.feed.begin()
    return Push(["subscribe", CHANNEL, 1])


async def _unsubscribe(visitor: Visitor, given: Given) -> Reply:
    """As Redis: without a channel, of all there are; and a count of those left."""
    channel = given.text("channel") or (CHANNEL if visitor.feed.on else None)
    if channel is None or channel.lower() == CHANNEL:
        visitor.feed.end()
    return Push(["unsubscribe", channel, int(visitor.feed.on)])


COMMANDS = {
    "SUBSCRIBE": Command(
        group=GROUP,
        meaning="What happens, as it happens: each step of a switchover, and everything else that is logged.",
        forms=[Form("SUBSCRIBE events", "From now on each event as a message, one JSON object.", _subscribe)],
        more=[
            "All levels, whatever LOG LEVEL says. In RESP2 only UNSUBSCRIBE, PING, RESET and QUIT may",
            "follow, as in Redis; in RESP3 (HELLO 3) events are pushes, and anything may be asked meanwhile.",
            "Who does not read is disconnected; nothing waits for it.",
        ],
        example="redis-cli -p 7379 SUBSCRIBE events",
        while_subscribed=True,
    ),
    "UNSUBSCRIBE": Command(
        group=GROUP,
        meaning="The end of SUBSCRIBE.",
        forms=[Form("UNSUBSCRIBE [channel]", "No more events.", _unsubscribe)],
        while_subscribed=True,
    ),
}
