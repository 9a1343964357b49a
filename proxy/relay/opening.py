"""Opening a lane: connect, and make it what the session needs."""

from functools import partial
from typing import TYPE_CHECKING, cast

from attrs import define, evolve

from proxy.nodes.errors import LinkLost, NodeError
from proxy.nodes.node import Node
from proxy.relay.lane import Lane
from proxy.relay.ledger import Nobody
from proxy.relay.patience import patiently
from proxy.relay.quiet import until_idle
from proxy.relay.reactor import IN
from proxy.session.replay import BLANK, Faults, Score, Swallowed, difference, is_login
from proxy.session.session import Session, Want
from proxy.switchover.facts import cursor_tag
from proxy.telling import tell
from proxy.wire.encoding import command
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.relay.client import Client
    from proxy.relay.route import Route


class LaneRefused(Exception):
    """The node does not accept the session: the text says which command, and what it answered."""

    def __init__(self, text: str, identity: bool = False) -> None:
        super().__init__(text)
        self.identity = identity
        """It was the login."""


async def open_lane(route: "Route", node: Node, client: "Client", score: Score) -> Lane:
    """A lane set up for the client as the score says. Raises LinkLost or LaneRefused; the caller sets a
    deadline."""
    try:
        return await _open(route, node, client, score)
    except LaneRefused as fault:
        if fault.identity or score.auth is None:
            raise
        return await _open(route, node, client, score, login_last=True)


async def _open(route: "Route", node: Node, client: "Client", score: Score, login_last: bool = False) -> Lane:
    transport = await node.dial()
    lane = Lane(route.reactor, transport, route.lane_lost)
    try:
        if transport.has_more:  # it spoke first, and epoll does not know: mostly that it will not have us
            lane.ready(IN)
        await set_up(lane, client, BLANK, score, login_last)
        if node.sees_others:
            lane.id = await _ask_id(lane, client)
        # A link that lives now leads to the process to which the lane was connected before.
        lane.tag = cursor_tag((await node.link()).run_id)
        if lane.closed:
            raise LinkLost("the node closed the connection as soon as it was set up")
    except BaseException:
        lane.drop()
        raise
    return lane


@define(eq=False)
class Heard(Want):
    """A reply that is kept."""

    reply: bytes = b""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        self.reply += piece
        return b""


async def _ask_id(lane: Lane, client: "Client") -> int | None:
    """The node's id of this lane, where its address tells nothing. None where the user may not ask."""
    if client.session.mute is not None:
        return None  # nothing is answered on this lane
    heard = Heard()
    lane.ask(client, command("CLIENT", "ID"), heard)
    await until_idle([lane])
    return int(heard.reply[1:]) if heard.reply.startswith(b":") else None


async def open_shared(route: "Route", node: Node, score: Score) -> tuple[Lane, str]:
    """A lane that many clients can share, and why they cannot, since the fence is a PING; as
    :func:`open_lane`."""
    nobody = cast("Client", Nobody(Session(0, route.common)))
    lane = await open_lane(route, node, nobody, score)
    answer = Heard()
    try:
        lane.ask(nobody, command("PING", "baton"), answer)
        await until_idle([lane])
        if lane.closed:
            told = answer.reply.decode("utf-8", "replace").strip()
            raise LinkLost(told or "the node closed the connection while it was set up")
    except BaseException:
        lane.drop()
        raise
    return lane, "PING is not allowed" if answer.reply.startswith((b"-NOPERM", b"-NOAUTH")) else ""


async def ask_outside(route: "Route", client: "Client", frame: Frame) -> None:
    """Answer one command over a lane on which nothing is set up but the login."""
    node, session = route.primary, client.session
    heard, lane = Heard(), None
    try:
        if node is not None:
            nobody = cast("Client", Nobody(Session(0, route.common)))
            score = evolve(Score.shared(session), db=0)
            opened = partial(open_lane, route, node, nobody, score)
            lane = await patiently(route, node, lambda: not client.closed, opened)
        if lane is not None:
            lane.ask(nobody, frame, heard)
            await until_idle([lane])
    except (NodeError, LaneRefused) as fault:
        tell("-client-closed", client=client.number, why=f"no lane to {node}: {fault}")
    finally:
        if lane is not None:
            lane.drop()
    if heard.reply:
        client.answered_outside(heard.reply)
    else:
        client.close()


async def make_blank(lane: Lane, client: "Client", score: Score) -> None:
    """Take back all that was set up on a lane. Raises LinkLost or LaneRefused: 6.2 asks who may RESET."""
    faults = Faults()
    lane.cork()
    for what, _ in score.settings:  # RESET leaves these
        if what.startswith(b"SETINFO "):
            clear = command("CLIENT", "SETINFO", what.split()[1].lower(), "")
            lane.ask(client, clear, Swallowed(faults, "CLIENT SETINFO"))
    lane.ask(client, command("RESET"), Swallowed(faults, "RESET"))
    lane.flush()
    await until_idle([lane])
    if lane.closed:
        raise LinkLost("the node closed the connection while it was made blank")
    if faults:
        raise LaneRefused("; ".join(faults.texts))


async def set_up(lane: Lane, client: "Client", old: Score, new: Score, login_last: bool = False) -> None:
    """Take a lane from one score to another. Raises LinkLost or LaneRefused."""
    faults = Faults()
    steps = difference(old, new, faults, login_last)
    if steps is None:
        raise LaneRefused("it cannot be made blank again")
    if steps:
        for step in steps:
            assert step.want is not None
            if is_login(step):  # from 7.2 on its error is not told while replies are still to be written
                lane.flush()
                await until_idle([lane])
            lane.cork()
            lane.owe_wanted(client, step.want)
            lane.send_frame(step.frame)
        lane.flush()
        await until_idle([lane])
    if lane.closed:  # a node that is full says so, in answer to the first command
        raise LinkLost("; ".join(faults.texts) or "the node closed the connection while it was set up")
    if faults:
        raise LaneRefused("; ".join(faults.texts), faults.identity)
