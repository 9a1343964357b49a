"""``baton demo``: a primary replaced under load, on this machine; see ``demo/``."""

import sys

import click

from proxy.terminal.exits import DONE, FAILED, INTERRUPTED, USAGE, Failure
from proxy.terminal.writing import show_json


@click.command("demo")
@click.option("--switchovers", type=click.IntRange(1), default=10, metavar="N", help="How many. [10]")
@click.option("--nodes", type=click.Choice(["2", "3"]), default="2", help="redis-server processes. [2]")
@click.option(
    "--seconds", type=click.FloatRange(0), default=1.0, metavar="S", help="Load between two of them. [1]"
)
@click.option("--redis-server", metavar="PATH", help="By default the one on the PATH, else the one of setup.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout; the progress on stderr.")
def demo_verb(switchovers: int, nodes: str, seconds: float, redis_server: str | None, as_json: bool) -> int:
    """Switch a real Redis primary over, again and again, under a load of real clients, and count what they
    noticed. Everything runs on free loopback ports, in a temporary directory; it takes a redis-server.

    Exit status: 0 if no client noticed anything, 1 if one did or a switchover was not done, 2 if nothing can
    be said because the stage could not be set.
    """
    from proxy.terminal.demo.report import Report
    from proxy.terminal.demo.run import Settings, perform
    from proxy.terminal.demo.table import show_report
    from proxy.terminal.stage.nodes import find_server
    from proxy.terminal.stage.processes import conduct
    from proxy.terminal.stage.screen import Screen

    screen = Screen(sys.stderr if as_json else sys.stdout)

    async def demo() -> tuple[Report, dict[str, str]]:
        server = find_server(redis_server)
        return await perform(Settings(server, switchovers, int(nodes), seconds), screen)

    outcome, failure = conduct(demo)
    screen.clear()
    if outcome is None:
        raise Failure(f"demo: {failure or 'interrupted'}", USAGE if failure else INTERRUPTED)
    report, letters = outcome
    show_report(screen, report, letters)
    if as_json:
        show_json(report.as_json())
    return DONE if report.ok else FAILED
