"""Each event is one line, which can be read again: by people, or as JSON."""

import io
import json
import logging
import re
import subprocess
import sys
import warnings
from datetime import UTC, datetime
from typing import Any

import pytest

from proxy.telling import set_level, set_up, tell
from tests.binaries import ROOT
from tests.console import read_event

VALUES: list[dict[str, Any]] = [
    {},
    {"switchover": 3, "budget_ms": 500},
    {"hold_ms": 3.142, "leads": True},
    {"why": "no lane to a:1: Connection refused"},
    {"why": ""},
    {"why": 'it said "no" = never'},
    {"address": "[::1]:7000"},
    {"why": '"quoted"', "more": "a=b"},
    {"why": "back\\slash", "more": "back \\slash"},
    {"changes": ["one", "two words", 3], "none": []},
    {"why": "[not a list", "that": '"neither'},
]


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_a_line_for_people_can_be_read_again(values: dict[str, Any], stream: io.StringIO) -> None:
    set_up("info", "text", stream)
    tell("+held", **values)
    [line] = stream.getvalue().splitlines()
    assert stream.getvalue().endswith("\n")
    found = re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  (.*)", line)
    assert found and read_event(found[1]) == {"event": "+held", **values}


def test_a_line_for_people_looks_as_the_documentation_shows_it(stream: io.StringIO) -> None:
    set_up("info", "text", stream)
    tell("+held", switchover=3, budget_ms=500)
    assert re.fullmatch(r"\d\d:\d\d:\d\d\.\d{3}  \+held  switchover=3 budget_ms=500\n", stream.getvalue())


@pytest.mark.parametrize("values", VALUES, ids=str)
def test_a_line_of_json_can_be_read_again(values: dict[str, Any], stream: io.StringIO) -> None:
    set_up("info", "json", stream)
    before = datetime.now(UTC)
    tell("-note", **values)
    [line] = stream.getvalue().splitlines()
    told = json.loads(line)
    assert list(told)[:3] == ["time", "level", "event"]
    assert told["time"].endswith("Z")
    assert abs((datetime.fromisoformat(told["time"]) - before).total_seconds()) < 5
    assert told == {"time": told["time"], "level": "warning", "event": "-note", **values}


@pytest.mark.parametrize("form", ["text", "json"])
def test_nothing_in_a_line_is_for_a_terminal_to_obey(form: str, stream: io.StringIO) -> None:
    set_up("info", form, stream)
    everything = "".join(map(chr, [*range(0x300), 0x2028, 0x2029, 0x202E, 0x2066, 0xFEFF, 0xD800, 0xE0001]))
    tell("-client-closed", why=everything, client=everything.encode("utf-8", "surrogatepass"))
    tell("-client-closed", why=everything + " ")
    try:
        raise OverflowError(everything)
    except OverflowError:
        tell("-fault", where="here", exc_info=True)
    written = stream.getvalue()
    assert [letter for letter in written if not (letter.isprintable() or letter == "\n")] == []
    assert written.count("\n") == 3 and written.endswith("\n")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("kind", "begins"), [(Terminal, "1"), (io.StringIO, "{")])
def test_auto_is_for_people_on_a_terminal_and_for_machines_elsewhere(
    kind: type[io.StringIO], begins: str
) -> None:
    stream = kind()
    set_up("info", "auto", stream)
    tell("+held")
    assert stream.getvalue().startswith("{") == (begins == "{")


@pytest.mark.parametrize("form", ["", "TEXT", "xml"])
def test_what_is_no_format_is_refused(form: str) -> None:
    with pytest.raises(ValueError, match="a format is one of auto, text, json"):
        set_up("info", form)


def test_what_a_library_says_comes_out_as_a_line_of_the_same_shape(stream: io.StringIO) -> None:
    set_up("info", "json", stream)
    logging.getLogger("hypercorn.error").warning("hm %s\n", 3)
    logging.getLogger("hypercorn.error").setLevel(logging.INFO)  # as it does itself
    logging.getLogger("hypercorn.error").info("all is well")
    try:
        raise OverflowError("theirs")
    except OverflowError:
        logging.getLogger("trio.serve").exception("so sad")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn("be careful", stacklevel=1)
    said = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [(line["event"], line["source"]) for line in said] == [
        ("-library", "hypercorn.error"),
        ("-library", "trio.serve"),
        ("-library", "py.warnings"),
    ]
    assert said[0]["says"] == r"hm 3\n"
    assert said[1]["fault"] == "OverflowError: theirs" and "traceback" in said[1]
    assert "be careful" in said[2]["says"]
    set_level("error")
    logging.getLogger("hypercorn.error").error("no")
    assert len(stream.getvalue().splitlines()) == 3


def test_a_record_that_cannot_be_formatted_disturbs_nobody(stream: io.StringIO) -> None:
    set_up("info", "text", stream)
    logging.getLogger("sloppy").warning("%d", "no number")
    [line] = stream.getvalue().splitlines()
    assert "-library  source=sloppy says=%d" in line


def test_a_log_that_nobody_reads_any_more_ends_nothing() -> None:
    """As `baton serve 2>&1 | head -1` does."""
    program = (
        "from proxy.telling import set_up, tell\n"
        "set_up('info', 'text')\n"
        "input()\n"
        "for _ in range(100): tell('+held')\n"
        "print('alive')"
    )
    ran = subprocess.Popen(
        [sys.executable, "-c", program],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with ran:
        assert ran.stderr is not None
        ran.stderr.close()
        said, _ = ran.communicate("\n", timeout=30)
    assert said == "alive\n"
