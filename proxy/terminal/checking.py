"""``baton check``: may a switchover begin?"""

from collections.abc import Sequence

import click

from proxy.terminal.addresses import ADDRESS
from proxy.terminal.exits import DONE, REFUSED, Failure
from proxy.terminal.reaching import Place, reaching
from proxy.terminal.writing import say, show_json, show_table, styled

VERDICTS = {"ok": "green", "warn": "yellow", "refuse": "bold red"}


@click.command("check")
@click.argument("to", metavar="[HOST:PORT]", required=False, type=ADDRESS)
@click.option("--json", "as_json", is_flag=True, help="One JSON object on stdout, and nothing else.")
@reaching
def check_verb(place: Place, to: str | None, as_json: bool) -> int:
    """The preflight of a switchover alone, to HOST:PORT or to the replica that fits best. Touches nothing.

    Exit status: 0 if it may begin, 3 if a check refuses.
    """
    try:
        findings = found(place.ask("CHECK", *(["TO", to] if to else [])))
    except Failure as failure:
        if not as_json:
            raise
        show_json({"outcome": failure.outcome, "why": str(failure), "findings": []})
        return failure.status
    refused = [name for verdict, name, _ in findings if verdict == "refuse"]
    if as_json:
        rows = [dict(zip(("verdict", "name", "text"), each, strict=True)) for each in findings]
        show_json({"outcome": "refused" if refused else "ok", "findings": rows})
    else:
        show_table(("", "", ""), [(styled(v, VERDICTS.get(v, "")), name, text) for v, name, text in findings])
        say(*(("it may begin", "green") if not refused else (f"refused by {', '.join(refused)}", "bold red")))
    return REFUSED if refused else DONE


def found(lines: Sequence[str]) -> list[tuple[str, str, str]]:
    """Verdict, name of the check, and what it found."""
    findings = []
    for line in lines:
        verdict, name, text = (*line.split(None, 2), "", "")[:3]
        findings.append((verdict.lower(), name, text))
    return findings
