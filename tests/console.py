"""Everything that the console tells of one proxy at one moment, errors included."""

from __future__ import annotations

import json
import re
from typing import Any

import attrs
import redis

from tests.baton import BatonProcess
from tests.waiting import wait_until


@attrs.frozen
class View:
    """What each question was answered; an error is its text."""

    nodes: list[str]
    info: dict[str, Any]
    clients: list[str]
    check: list[str] | str
    status: dict[str, str]

    @property
    def gate(self) -> str:
        return str(self.info["gate"])

    @property
    def complaint(self) -> str:
        """The line of NODES that says what is wrong; empty if all is well."""
        return "".join(line.removeprefix("! ") for line in self.nodes if line.startswith("! "))

    @property
    def refusals(self) -> list[str]:
        """The lines of CHECK for which a switchover would be refused."""
        assert isinstance(self.check, list), self.check
        return [line for line in self.check if line.startswith("REFUSE")]

    @property
    def is_well(self) -> bool:
        """Clients flow and nothing stands in the way of a switchover."""
        return self.gate == "open" and not self.complaint and not self.refusals


def ask(proxy: BatonProcess, *words: str) -> Any:
    """Ask the console one thing; an error is its text, its kind in front."""
    try:
        return proxy.admin(*words)
    except redis.ResponseError as fault:
        return str(fault)


def view(proxy: BatonProcess) -> View:
    """Ask everything that changes nothing."""
    assert ask(proxy, "PING") is True  # what redis-py makes of PONG
    assert {line.split()[0] for line in ask(proxy, "HELP")} >= {"NODES", "CHECK", "SWITCHOVER"}
    flat = ask(proxy, "SWITCHOVER", "STATUS")
    return View(
        nodes=ask(proxy, "NODES"),
        info=ask(proxy, "INFO"),
        clients=ask(proxy, "CLIENTS"),
        check=ask(proxy, "CHECK"),
        status=dict(zip(flat[::2], flat[1::2], strict=True)),
    )


def wait_open(proxy: BatonProcess) -> None:
    """Wait until the proxy has a primary, and nothing to complain of."""
    wait_until(
        lambda: ask(proxy, "INFO", "route")["gate"] == "open" and "! " not in "\n".join(ask(proxy, "NODES")),
        lambda: f"all is well: {ask(proxy, 'NODES')}",
    )


def facts(proxy: BatonProcess) -> list[str]:
    """The lines of the log without the time of day, which each of them has."""
    lines = [re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  (.*)", line) for line in proxy.log().splitlines()]
    assert all(lines), proxy.log()
    return [line[1] for line in lines if line]


def events(proxy: BatonProcess, *names: str) -> list[dict[str, Any]]:
    """What it has told, in order, ``event`` and the values of each; of these names only, if any are given."""
    told = [read_event(line) for line in facts(proxy)]
    return [each for each in told if not names or each["event"] in names]


def read_event(line: str) -> dict[str, Any]:
    """A line of the log without its time: a value is as JSON has it, or else a text."""
    name, _, rest = line.partition("  ")
    told: dict[str, Any] = {"event": name}
    while rest:
        key, _, rest = rest.partition("=")
        try:
            told[key], end = json.JSONDecoder().raw_decode(rest)
            assert rest[end : end + 1] in ("", " ")
        except (ValueError, AssertionError):
            told[key] = rest.partition(" ")[0]
            end = len(told[key])
        rest = rest[end + 1 :]
    return told
