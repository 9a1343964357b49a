"""What only a connection of its own can find out about a node. Each answer is a verdict for preflight."""

from collections.abc import Awaitable, Callable

import trio

from proxy.nodes.errors import NodeError, ReplyError, understood
from proxy.nodes.inquiry import SEVEN
from proxy.nodes.link import Link, Login, Pending
from proxy.nodes.node import Node
from proxy.switchover.facts import NodeFacts, Probes, Verdict, ok, refuse, warn

PURPOSE = "probe"
PAUSE_SECONDS = 0.1
"""How long to wait for PFCOUNT, which takes a thousandth of it."""
LIMIT_SECONDS = 2.0
"""How long a node may take altogether."""
ABSENT_KEY = "baton:absent"


async def probe(primary: Node, candidate: Node, facts: NodeFacts) -> Probes:
    """Find out all of it, at the same time; `facts` are those of the primary."""
    found: dict[str, Verdict] = {}

    async def note(name: str, ask: Callable[[], Awaitable[Verdict]]) -> None:
        found[name] = await ask()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(note, "login", lambda: probe_login(candidate, facts))
        nursery.start_soon(note, "primary_pause", lambda: probe_pause(primary))
        nursery.start_soon(note, "candidate_pause", lambda: probe_pause(candidate))
    return Probes(**found)


async def probe_pause(node: Node) -> Verdict:
    """Find out whether somebody has paused the node, which INFO does not tell.

    PFCOUNT is held by CLIENT PAUSE, WRITE or ALL, because it may have to be replicated; a key that is not
    there makes it harmless. Its own connection, because a held one answers nothing else either.
    """
    try:
        with trio.fail_after(LIMIT_SECONDS), await node.open_link(PURPOSE) as link:
            asked = link.post(("PFCOUNT", ABSENT_KEY))
            if not await _answered(link, asked):
                # It may have been busy only. Now it serves somebody who came later.
                await (await node.link()).call("PING")
                if not await _answered(link, asked):
                    return refuse(f"{node} is paused by somebody else: it does not answer to PFCOUNT")
    except NodeError as error:
        return refuse(str(error))
    except trio.TooSlowError:
        return refuse(f"{node} does not answer: it is busy, or somebody has paused everything")
    [reply] = asked.replies
    if isinstance(reply, ReplyError):
        return warn(f"cannot tell whether {node} is paused: {reply.text}")
    return ok(f"{node} is not paused")


async def _answered(link: Link, asked: Pending) -> bool:
    with trio.move_on_after(PAUSE_SECONDS):
        await link.wait(asked)
    return asked.complete


async def probe_login(candidate: Node, facts: NodeFacts) -> Verdict:
    """Log in to the candidate as the old primary will, once it is its replica; `facts` are the primary's.

    A replica gives up on any error in answer to its AUTH, also where no password would be needed.
    """
    if "masterauth" not in facts.config:
        why = facts.unread.get("CONFIG GET masterauth", "the server has no such setting")
        return warn(f"{facts.address}: cannot tell if it may log in to {candidate}: masterauth: {why}")
    user, password = facts.config.get("masteruser", ""), facts.config["masterauth"]
    login = Login(user or None, password) if password else Login()
    how = f"as {login.name}, {'with its masterauth' if password else 'without a masterauth'}"
    try:
        with trio.fail_after(LIMIT_SECONDS):
            with await Link.open(candidate.address, login, security=candidate.security) as link:
                await link.call("REPLCONF", "capa", "psync2")
            await _check_psync(candidate, login.name)
    except ReplyError as error:
        return refuse(f"{candidate} would not let {facts.address} in {how}: {error.text}")
    except NodeError as error:
        return refuse(str(error))
    except trio.TooSlowError:
        return refuse(f"{candidate} does not answer to a login within {LIMIT_SECONDS:g} s")
    return ok(f"{candidate} lets {facts.address} in {how}")


@understood
async def _check_psync(candidate: Node, user: str) -> None:
    """Raise ReplyError if the user is known not to be allowed PSYNC; trying it would cost a resync."""
    link = await candidate.link()
    if candidate.version < SEVEN:
        return  # it cannot tell, and asking would stand in its ACL LOG each time
    try:
        answer = await link.call("ACL", "DRYRUN", user, "PSYNC", "?", "-1")
    except ReplyError:
        return  # not allowed to ask: "commands" tells of it
    if answer != b"OK":
        raise ReplyError(answer.decode(errors="replace"))
