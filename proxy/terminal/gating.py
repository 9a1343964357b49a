"""``baton hold`` and ``release``: the gate, closed by hand for maintenance that Baton knows nothing of."""

import click

from proxy.settings import BUDGET_MAX_MS
from proxy.terminal.exits import DONE
from proxy.terminal.reaching import ANSWER_S, Place, reaching
from proxy.terminal.writing import say


@click.command("hold")
@click.argument("ms", metavar="[MS]", required=False, type=click.IntRange(1, BUDGET_MAX_MS))
@reaching
def hold_verb(place: Place, ms: int | None) -> int:
    """Close the gate: the clients wait, for MS milliseconds at most, the switchover's budget unless told.

    Returns when nothing is in flight any more. It opens by itself when the time is over, or by `release`.
    """
    within_s = ANSWER_S + (ms or BUDGET_MAX_MS) / 1000
    told = place.ask("HOLD", *([ms] if ms else []), within_s=within_s)
    left = told.get("held_at_most_ms", told) if isinstance(told, dict) else told
    say(f"the gate is closed, for {left} ms more at most; baton release opens it")
    return DONE


@click.command("release")
@reaching
def release_verb(place: Place) -> int:
    """Open the gate that was closed by hand."""
    told = place.ask("RELEASE")
    held = told.get("held_ms", told) if isinstance(told, dict) else told
    say(f"the gate is open; it was closed for {held} ms")
    return DONE
