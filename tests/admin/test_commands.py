"""What can be asked, how, and that a wrong question is answered with what would be right."""

import pytest

from proxy.admin.commands import COMMANDS, Usage, ask
from proxy.admin.encoding import Line, Reply, Text
from tests.admin.recorder import REPORT, Recorder


def lines(reply: Reply) -> list[str]:
    assert isinstance(reply, list)
    return [each.text for each in reply if isinstance(each, Line)]


ASKED: list[tuple[str, tuple[object, ...]]] = [
    ("NODES", ("nodes",)),
    ("clients", ("clients",)),
    ("CHECK", ("check", None)),
    ("check to redis-b:6379", ("check", "redis-b:6379")),
    ("SWITCHOVER", ("switchover", None, None)),
    ("SWITCHOVER TO [::1]:6379", ("switchover", "[::1]:6379", None)),
    ("switchover budget 250", ("switchover", None, 250)),
    ("SWITCHOVER BUDGET 600000 TO a:1", ("switchover", "a:1", 600000)),
    ("SWITCHOVER STATUS", ("status",)),
    ("switchover resolve a:1", ("resolve", "a:1")),
]


@pytest.mark.parametrize(("line", "asked"), ASKED)
async def test_a_command_asks_the_operator(recorder: Recorder, line: str, asked: tuple[object, ...]) -> None:
    name, *words = line.split()
    await ask(recorder, name, words)
    assert recorder.asked == [asked]


WRONG = [
    ("FOO", "unknown command 'FOO'; the console knows PING, HELP, NODES, INFO, "),
    ("SWITCHOVR", "unknown command 'SWITCHOVR'; did you mean SWITCHOVER?"),
    ("x" * 100, f"unknown command '{'x' * 64}…'"),
    ("HELP FOO", "unknown command 'FOO'"),
    ("NODES x", "NODES does not take all that; it is NODES"),
    ("PING a b", "PING does not take all that; it is PING [text]"),
    ("INFO nothing", "INFO has no section 'nothing'; it has server, gate"),
    ("CHECK a:1", "CHECK: 'A:1' is not understood; it is CHECK [TO host:port]"),
    ("CHECK BUDGET 5", "CHECK: 'BUDGET' is not understood; it is CHECK [TO host:port]"),
    ("CHECK TO", "TO wants the host:port of a node, not ''"),
    ("CHECK TO a", "TO wants the host:port of a node, not 'a'"),
    ("CHECK TO a:0", "TO wants the host:port of a node, not 'a:0'"),
    ("SWITCHOVER NOW", "SWITCHOVER: 'NOW' is not understood; it is SWITCHOVER [TO host:port] [BUDGET ms] | "),
    ("SWITCHOVER TO a:1 TO b:1", "SWITCHOVER: TO is there twice"),
    ("SWITCHOVER TO a:1 BUDGET", "BUDGET wants milliseconds, from 1 to 600000, not ''"),
    ("SWITCHOVER BUDGET 0", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET -5", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET 1s", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET 600001", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET " + "9" * 5000, "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET ٣", "BUDGET wants milliseconds"),
    ("SWITCHOVER STATUS a:1", "it is SWITCHOVER STATUS"),
    ("SWITCHOVER RESOLVE", "it is SWITCHOVER RESOLVE host:port"),
    ("SWITCHOVER RESOLVE a", "RESOLVE wants the host:port of a node, not 'a'"),
    ("SWITCHOVER TO a:1 BUDGET 5 x", "SWITCHOVER does not take all that"),
]


@pytest.mark.parametrize(("line", "expected"), WRONG)
async def test_a_wrong_question_is_told_what_would_be_right(
    recorder: Recorder, line: str, expected: str
) -> None:
    name, *words = line.split()
    with pytest.raises(Usage) as caught:
        await ask(recorder, name, words)
    assert str(caught.value).startswith(expected)
    assert {asked[0] for asked in recorder.asked} <= {"info"}


async def test_check_shows_its_findings_in_columns(recorder: Recorder) -> None:
    assert lines(await ask(recorder, "CHECK", [])) == [
        "ok     same-history  both have 8ab3",
        "warn   lag           12 bytes",
        "REFUSE link          down since 3 s",
    ]


async def test_a_switchover_answers_with_its_report(recorder: Recorder) -> None:
    assert await ask(recorder, "SWITCHOVER", []) == REPORT


async def test_info_has_the_form_of_redis(recorder: Recorder) -> None:
    whole = "# Server\r\nversion:1.0\r\nuptime_s:3\r\n\r\n# Gate\r\nstate:open\r\nheld:0\r\n"
    for words in ([], ["ALL"], ["server", "Gate"]):
        assert await ask(recorder, "INFO", words) == Text(whole)
    assert await ask(recorder, "INFO", ["GATE"]) == Text("# Gate\r\nstate:open\r\nheld:0\r\n")


async def test_help_has_a_line_for_each_form(recorder: Recorder) -> None:
    told = lines(await ask(recorder, "HELP", []))
    assert [line.split("  ")[0] for line in told] == [
        form for command in COMMANDS.values() for form, _ in command.forms
    ]
    assert max(map(len, told)) <= 120


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_has_help_of_its_own(recorder: Recorder, name: str) -> None:
    told = lines(await ask(recorder, name, ["help"]))
    assert told[0].startswith(name)
    assert told == lines(await ask(recorder, "HELP", [name.lower()]))
    assert recorder.asked == []
