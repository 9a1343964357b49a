"""`python -m scripts.baton_demo`, see --help.

Exit code: 0 if no client noticed anything, 1 if one did or a switchover was not done, 2 if nothing can be
said because the stage could not be set, 130 if interrupted.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
from collections.abc import Sequence

import trio

from .report import Report
from .run import Settings, perform
from .screen import Screen
from .stage import DemoFailed, find_server
from .table import show_report

INTERRUPTED = 130
"""The exit code of a shell command ended by Ctrl-C."""


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="demo",
        description="Switches a real Redis primary over, again and again, under a load of real clients, and"
        " counts what they noticed. Everything runs on free loopback ports, in a temporary directory.",
    )
    parser.add_argument("--switchovers", type=int, default=10, metavar="N", help="how many (default: 10)")
    parser.add_argument(
        "--nodes", type=int, choices=(2, 3), default=2, help="redis-server processes (default: 2)"
    )
    parser.add_argument(
        "--seconds", type=float, default=1.0, metavar="S", help="load between two of them (default: 1)"
    )
    parser.add_argument(
        "--redis-server", metavar="PATH", help="default: the one on the PATH, else the one of setup"
    )
    parser.add_argument(
        "--json", action="store_true", help="one JSON object in the end; the progress goes to stderr"
    )
    options = parser.parse_args(arguments)
    if options.switchovers < 1 or options.seconds < 0:
        parser.error("--switchovers must be at least 1, and --seconds not negative")
    return options


async def until_interrupted(settings: Settings, screen: Screen) -> tuple[Report, dict[str, str]] | None:
    """The report and the nodes' letters; None if Ctrl-C or a SIGTERM came first. No child outlives it."""
    outcome = None
    with trio.open_signal_receiver(signal.SIGINT, signal.SIGTERM, signal.SIGHUP) as signals:
        async with trio.open_nursery() as nursery:

            async def cancel_on_signal() -> None:
                async for _ in signals:
                    nursery.cancel_scope.cancel()

            nursery.start_soon(cancel_on_signal)
            outcome = await perform(settings, screen)
            nursery.cancel_scope.cancel()
    return outcome


def main(arguments: Sequence[str] | None = None) -> int:
    options = parse(arguments)
    screen = Screen(sys.stderr if options.json else sys.stdout)
    outcome = None
    failure = ""
    try:
        settings = Settings(
            find_server(options.redis_server), options.switchovers, options.nodes, options.seconds
        )
        outcome = trio.run(until_interrupted, settings, screen)
    except* DemoFailed as group:
        failure = first_of(group)
    except* KeyboardInterrupt:  # before trio heard of it
        pass
    screen.clear()
    if outcome is None:
        print(f"demo: {failure or 'interrupted'}", file=sys.stderr)
        return 2 if failure else INTERRUPTED
    report, letters = outcome
    show_report(screen, report, letters)
    if options.json:
        print(json.dumps(report.as_json()))
    return 0 if report.ok else 1


def first_of(group: BaseExceptionGroup[DemoFailed]) -> str:
    """The message of the first failure, however deep the nurseries have wrapped it."""
    first = group.exceptions[0]
    return first_of(first) if isinstance(first, BaseExceptionGroup) else str(first)


if __name__ == "__main__":
    sys.exit(main())
