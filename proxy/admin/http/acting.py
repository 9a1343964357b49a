"""What changes something, and the check: what was begun is carried through, though whoever asked has gone."""

from collections.abc import AsyncGenerator, Callable

import trio
from starlette.responses import Response

from proxy.admin.http.calls import Act, Asked, Carried, T
from proxy.admin.http.problems import Problem, as_details
from proxy.admin.http.streaming import BEGIN, EVENT_STREAM, HEARTBEAT, Listening, Slices, as_event
from proxy.admin.http.watching import as_answer
from proxy.admin.operator import Report
from proxy.telling import Told


async def switchover(asked: Asked) -> Response:
    if EVENT_STREAM in asked.accept:
        return await _streamed(asked)
    report: Report = await asked.carry_through(asked.steering(lambda: _switch_over(asked)))
    return as_answer(report.told())


async def _switch_over(asked: Asked) -> Report:
    values = asked.values
    return await asked.operator.switchover(
        values.get("to"), values.get("budget_ms"), values.get("dry_run", False)
    )


async def _streamed(asked: Asked) -> Response:
    """The events of this switchover as they happen, and at last the report, or the problem. Where it does
    not even begin, the answer is as without a stream."""
    no_more = asked.place.admit_stream()
    listening = Listening("debug", switchover_only=True)

    def leave() -> None:
        listening.leave()
        no_more()

    try:
        carried = asked.place.begin(asked.steering(lambda: _switch_over(asked)), listening.close)
        first = None
        while first is None or first["event"] != "+switchover":  # another's, which makes this one BUSY
            first = await listening.take()
    except trio.EndOfChannel:
        leave()
        return as_answer((await carried.outcome()).told())
    except BaseException:
        leave()
        raise
    return Slices(_progress(first, listening, carried), EVENT_STREAM, leave)


async def _progress(
    told_first: Told, listening: Listening, carried: Carried[Report]
) -> AsyncGenerator[bytes]:
    yield BEGIN
    told: Told | None = told_first
    number = told_first["switchover"]
    try:
        while True:
            if told is None:
                yield HEARTBEAT
            elif told["switchover"] == number:  # not of one that was refused because this one is under way
                yield as_event(told)
            told = await listening.take()
    except trio.EndOfChannel:
        pass
    try:
        yield as_event((await carried.outcome()).told(), "report")
    except Problem as problem:
        yield as_event(as_details(problem), "problem")


async def check(asked: Asked) -> Response:
    findings = await asked.carry_through(lambda: asked.operator.check(asked.values.get("to")))
    return as_answer(
        {"findings": [{"name": each.name, "verdict": each.verdict, "text": each.text} for each in findings]}
    )


async def hold(asked: Asked) -> Response:
    hold = asked.steering(lambda: asked.operator.hold(asked.values.get("hold_ms")))
    longest = await asked.carry_through(hold)
    return as_answer({"hold_ms": longest})


async def release(asked: Asked) -> Response:
    return as_answer({"held_ms": await asked.steering(_at_once(asked.operator.release))()})


async def cancel(asked: Asked) -> Response:
    return as_answer({"step": await asked.steering(_at_once(asked.operator.cancel))()})


def _at_once(act: Callable[[], T]) -> Act[T]:
    async def done() -> T:
        return act()

    return done
