"""`baton` that says ahead of each step of a switchover that it comes, and waits until it is told to go on.

``python -m tests.faults.runner SOCKET serve …``: SOCKET is the path of the Unix socket of a `Prompter`; the
rest is baton's own command line. The process stands still meanwhile, so that what the prompter does then has
happened when the step begins, and not before the step before it was over.
"""

import socket
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from proxy.cli import main
from proxy.operation import switching
from proxy.relay.examination import examine
from proxy.relay.stage import Stage

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
"""The verb that performs each step behind preflight."""


def prompted(
    step: str, original: Callable[..., Awaitable[Any]], ask: Callable[[str], None]
) -> Callable[..., Awaitable[Any]]:
    async def perform(*arguments: Any, **named: Any) -> Any:
        ask(step)
        return await original(*arguments, **named)

    return perform


def asking(path: str) -> Callable[[str], None]:
    prompter = socket.socket(socket.AF_UNIX)
    prompter.connect(path)

    def ask(step: str) -> None:
        prompter.sendall(f"{step}\n".encode())
        prompter.recv(1)

    return ask


if __name__ == "__main__":
    path, *arguments = sys.argv[1:]
    ask = asking(path)
    verbs = {verb: prompted(step, getattr(Stage, verb), ask) for step, verb in VERBS.items()}
    vars(switching)["Stage"] = type("PromptedStage", (Stage,), verbs)
    vars(switching)["examine"] = prompted("preflight", examine, ask)
    sys.exit(main(arguments))
