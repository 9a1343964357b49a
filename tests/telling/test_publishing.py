"""Whoever listens is told everything; the log only what is bad enough; who tells is not disturbed."""

import io
from typing import Any

import pytest

from proxy.telling import EVENTS, LEVELS, Told, level, listen, set_level, set_up, tell
from proxy.telling.publishing import LIST_MAX, TEXT_MAX, write_by

ONE_OF_EACH = {event.level: name for name, event in EVENTS.items()}


def test_a_listener_is_told_everything_whatever_the_level_until_it_stops() -> None:
    heard: list[Told] = []
    stop = listen(heard.append)
    for wanted in LEVELS:
        set_level(wanted)
        heard.clear()
        for name in ONE_OF_EACH.values():
            tell(name, client=7)
        assert [(told["event"], told["client"]) for told in heard] == [(n, 7) for n in ONE_OF_EACH.values()]
        assert all(told["time"] > 1.7e9 for told in heard)
    stop()
    stop()
    heard.clear()
    tell("+held")
    assert heard == []


def test_who_listens_twice_is_told_twice_and_stops_each_time_by_itself() -> None:
    heard: list[Told] = []
    first, second = listen(heard.append), listen(heard.append)
    tell("+held")
    assert len(heard) == 2
    first()
    tell("+held")
    assert len(heard) == 3
    second()
    tell("+held")
    assert len(heard) == 3


@pytest.mark.parametrize("wanted", LEVELS)
def test_this_level_and_what_is_worse_is_written_from_now_on(wanted: str, stream: io.StringIO) -> None:
    set_up("error", "text", stream)
    listen(lambda told: None)
    set_level(wanted)
    assert level() == wanted
    for name in ONE_OF_EACH.values():
        tell(name)
    written = [line.split()[1] for line in stream.getvalue().splitlines()]
    bad_enough = LEVELS[LEVELS.index(wanted) :]
    assert written == [name for which, name in ONE_OF_EACH.items() if which in bad_enough]


@pytest.mark.parametrize("wrong", ["", "INFO", "warn", "10"])
def test_what_is_no_level_is_refused_and_changes_nothing(wrong: str) -> None:
    set_level("warning")
    with pytest.raises(ValueError, match="one of debug, info, warning, error"):
        set_level(wrong)
    assert level() == "warning"


def test_a_listener_that_raises_disturbs_neither_who_tells_nor_the_others_nor_the_log(
    stream: io.StringIO,
) -> None:
    heard: list[Told] = []

    def raises(told: Told) -> None:
        raise OverflowError("a bug")

    def changes(told: Told) -> None:
        told.clear()  # type: ignore[attr-defined]

    set_up("info", "text", stream)
    listen(raises)
    listen(changes)
    listen(heard.append)
    tell("+held", budget_ms=500)
    assert [told["budget_ms"] for told in heard] == [500]
    fault, held = stream.getvalue().splitlines()
    assert fault.endswith('-fault  where="a listener" fault="OverflowError: a bug"')
    assert held.endswith("+held  budget_ms=500")


def test_a_listener_may_stop_while_it_is_told() -> None:
    heard: list[Told] = []
    stops: list[Any] = []

    def once(told: Told) -> None:
        heard.append(told)
        stops.pop()()

    stops.append(listen(once))
    listen(heard.append)
    tell("+held")
    tell("+held")
    assert len(heard) == 3


def test_a_log_that_cannot_be_written_disturbs_nobody() -> None:
    def broken(told: dict[str, Any]) -> None:
        raise BrokenPipeError

    heard: list[Told] = []
    write_by(broken)
    listen(heard.append)
    tell("-fault", where="here")
    assert len(heard) == 1


def test_a_name_that_is_not_in_the_vocabulary_is_an_error_at_any_level() -> None:
    set_level("error")
    with pytest.raises(KeyError):
        tell("+no-such")


@pytest.mark.parametrize(
    ("value", "as_told"),
    [
        (7, 7),
        (True, True),
        (1.23456, 1.235),
        ("fruit", "fruit"),
        ("näher ok", "näher ok"),
        (b"fig\xff", "fig\N{REPLACEMENT CHARACTER}"),
        ("two\nlines\r\n", r"two\nlines\r\n"),
        ("\x1b[31mred\x07\x7f\x9b0m", r"\x1b[31mred\x07\x7f\x9b0m"),
        ("\u202etxt.exe\u2028", r"\u202etxt.exe\u2028"),
        ("\udcff", r"\udcff"),
        (OverflowError("a\tbug"), r"a\tbug"),
        (["a", 1, "b\n"], ["a", 1, r"b\n"]),
        ("x" * 5000, "x" * TEXT_MAX + "…"),
        (list(range(500)), list(range(LIST_MAX))),
    ],
)
def test_a_value_is_plain_on_one_line_of_bounded_length_and_tells_a_terminal_nothing(
    value: object, as_told: object
) -> None:
    heard: list[Told] = []
    listen(heard.append)
    tell("-note", note=value)
    assert heard[0]["note"] == as_told


def test_a_word_of_python_has_an_underscore_behind_it_and_none_is_not_told() -> None:
    heard: list[Told] = []
    listen(heard.append)
    tell("-half-done", from_="a:1", node=None)
    assert heard[0]["from"] == "a:1"
    assert set(heard[0]) == {"time", "event", "from"}


def test_an_exception_is_named_to_listeners_and_its_traceback_is_for_the_log(stream: io.StringIO) -> None:
    heard: list[Told] = []
    listen(heard.append)
    set_up("info", "text", stream)
    try:
        raise OverflowError("a\nbug")
    except OverflowError as fault:
        tell("-fault", where="here", exc_info=True)
        tell("-fault", where="there", exc_info=fault)
    assert [told["fault"] for told in heard] == [r"OverflowError: a\nbug"] * 2
    assert not any("traceback" in told for told in heard)
    lines = stream.getvalue().splitlines()
    assert len(lines) == 2 and all(line.count("Traceback") == 1 for line in lines)
    assert all("test_publishing.py" in line for line in lines)
