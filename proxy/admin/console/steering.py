"""Commands that do something to the route. What they raise is an error reply; see ``serving``."""

from proxy.admin.console.command import Command, Form
from proxy.admin.console.encoding import Line, Parting, Reply
from proxy.admin.console.rendering import finding_lines, node_line
from proxy.admin.console.syntax import Given, Usage
from proxy.admin.console.visitor import Visitor

GROUP = "steering"
OK = Line("OK")


async def _check(visitor: Visitor, given: Given) -> Reply:
    return finding_lines(await visitor.operator.check(given.text("TO")))


async def _switchover(visitor: Visitor, given: Given) -> Reply:
    report = await visitor.operator.switchover(given.text("TO"), given.number("BUDGET"), "DRYRUN" in given)
    return report.flat()


async def _status(visitor: Visitor, given: Given) -> Reply:
    return visitor.operator.status()


async def _cancel(visitor: Visitor, given: Given) -> Reply:
    return Line(visitor.operator.cancel())


async def _resolve(visitor: Visitor, given: Given) -> Reply:
    return Line(await visitor.operator.resolve(_address(given)))


async def _hold(visitor: Visitor, given: Given) -> Reply:
    return {"held_at_most_ms": await visitor.operator.hold(given.number("ms"))}


async def _release(visitor: Visitor, given: Given) -> Reply:
    return {"held_ms": f"{visitor.operator.release():.3f}"}


async def _drain(visitor: Visitor, given: Given) -> Reply:
    return Parting(OK, visitor.operator.drain)


async def add_node(visitor: Visitor, given: Given) -> Reply:
    return Line(node_line(await visitor.operator.add_node(_address(given))))


async def remove_node(visitor: Visitor, given: Given) -> Reply:
    await visitor.operator.remove_node(_address(given))
    return OK


async def kill_client(visitor: Visitor, given: Given) -> Reply:
    number = given.number("id") or 0
    if not visitor.operator.kill_client(number):
        raise Usage(f"no client has the id {number}; CLIENTS tells them")
    return OK


def _address(given: Given) -> str:
    return given.text("host:port") or ""


COMMANDS = {
    "CHECK": Command(
        group=GROUP,
        meaning="Would a switchover be refused, and why?",
        forms=[
            Form(
                "CHECK [TO host:port]",
                "The preflight of a switchover alone, check by check; touches nothing.",
                _check,
            )
        ],
        more=[
            "Each line: ok, warn or REFUSE, the check, what it found. One REFUSE, and SWITCHOVER is refused."
        ],
    ),
    "SWITCHOVER": Command(
        group=GROUP,
        meaning="Move the primary, while clients notice a pause at most.",
        forms=[
            Form(
                "SWITCHOVER [TO host:port] [BUDGET ms] [DRYRUN]",
                "Move the primary; answers with the report when it is done.",
                _switchover,
                acts=True,
            ),
            Form("SWITCHOVER STATUS", "What is under way, or how the last one ended.", _status),
            Form(
                "SWITCHOVER CANCEL",
                "Call off the one under way, if it has not promoted yet.",
                _cancel,
                acts=True,
            ),
            Form(
                "SWITCHOVER RESOLVE host:port",
                "After a crash: make this node the primary.",
                _resolve,
                acts=True,
            ),
        ],
        more=[
            "TO: without it, the candidate with its link up, the lowest replica-priority and the least lag.",
            "BUDGET: the longest hold; beyond it, before the promotion, the switchover is called off.",
            "DRYRUN: preflight and warm lanes only; no client is held, nothing is moved.",
            "REFUSED check: why     nothing was touched",
            "CALLEDOFF step: why    it was undone, clients go on with the old primary",
            "BUSY                   one is under way; SWITCHOVER STATUS tells its step",
            "Whoever asked may leave: it is carried through all the same.",
        ],
        example="redis-cli -p 7379 SWITCHOVER TO redis-b:6379 BUDGET 500",
    ),
    "HOLD": Command(
        group=GROUP,
        meaning="Hold all clients for a while, for maintenance that the proxy knows nothing of.",
        forms=[
            Form(
                "HOLD [ms]",
                "Close the gate; answers once nothing is in flight: how long it may last.",
                _hold,
                acts=True,
            )
        ],
        more=["After so many ms, or the budget of a switchover if none are given, it opens by itself."],
        example="redis-cli -p 7379 HOLD 2000",
    ),
    "RELEASE": Command(
        group=GROUP,
        meaning="End a HOLD.",
        forms=[Form("RELEASE", "Open the gate; answers how long it was closed.", _release, acts=True)],
    ),
    "DRAIN": Command(
        group=GROUP,
        meaning="Leave without cutting anybody short.",
        forms=[Form("DRAIN", "Take no new clients, let those there finish, then exit.", _drain, acts=True)],
        more=["It waits for proxy.drain_ms at most. SIGTERM does the same. There is no way back."],
    ),
}
