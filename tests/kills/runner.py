"""`baton` that does harm at one place of its first switchover.

``python -m tests.kills.runner WHEN STEP SIGNAL PID serve …`` sends the signal, before or after the step, to
the process, or with PID 0 to itself; the rest is baton's own command line. What is waited for beyond the edge
for many seconds is given up sooner here.
"""

import functools
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from proxy.cli import main
from proxy.operation import switching
from proxy.relay import gathering
from proxy.relay.stage import Stage
from proxy.switchover import story
from tests.kills.harm import harm

VERBS = {
    "warm": "warm",
    "hold": "drain",
    "pause": "pause",
    "converge": "converge",
    "promote": "promote",
    "demote": "demote",
    "swap": "swap",
    "settle": "settle",
}
"""The verb that performs each step."""


def harmed(when: str, step: str, act: Callable[[], None]) -> type[Stage]:
    """Return a stage that acts once, before or after a step."""
    verb = VERBS[step]
    original: Callable[..., Awaitable[Any]] = getattr(Stage, verb)
    act_once = functools.cache(act)

    async def perform(*arguments: Any, **named: Any) -> Any:
        if when == "before":
            act_once()
        answer = await original(*arguments, **named)
        if when == "after":
            act_once()
        return answer

    return type("HarmedStage", (Stage,), {verb: perform})


if __name__ == "__main__":
    when, step, number, pid, *arguments = sys.argv[1:]
    story.DEMOTE_SECONDS = float(os.environ.get("DEMOTE_SECONDS", 3.0))
    gathering.KEEP_SECONDS = 0.5
    gathering.LINK_SECONDS = 1.0
    switching.Stage = harmed(when, step, lambda: harm(int(number), int(pid) or os.getpid()))  # type: ignore[attr-defined]
    sys.exit(main(arguments))
