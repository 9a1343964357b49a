"""What can be asked, how, and that a wrong question is answered with what would be right."""

import attrs
import pytest

from proxy.admin.console.commands import COMMANDS, COURTESIES, understand
from proxy.admin.console.encoding import Line, Parting, Reply, Text
from proxy.admin.console.syntax import KINDS, Syntax, Usage
from proxy.admin.console.visitor import Visitor
from proxy.config import SettingsError
from proxy.terminal.reading import pairs
from tests.admin.recorder import CLIENTS, NODES, REPORT, Recorder


async def ask(recorder: Recorder, line: str) -> Reply:
    """What the console answers to this line."""
    name, *words = line.split()
    form, given = understand(name, words)
    reply = await form.run(Visitor(1, "127.0.0.1:4711", recorder), given)
    if isinstance(reply, Parting):
        reply.deed()
    return reply


def lines(reply: Reply) -> list[str]:
    assert isinstance(reply, list)
    return [each.text for each in reply if isinstance(each, Line)]


ASKED: list[tuple[str, tuple[object, ...]]] = [
    ("NODES", ("overview",)),
    ("nodes add redis-c:6379", ("add_node", "redis-c:6379")),
    ("NODES REMOVE [::1]:6379", ("remove_node", "[::1]:6379")),
    ("clients", ("clients",)),
    ("CLIENTS KILL 1", ("kill_client", 1)),
    ("CHECK", ("check", None)),
    ("check to redis-b:6379", ("check", "redis-b:6379")),
    ("SWITCHOVER", ("switchover", None, None, False)),
    ("SWITCHOVER TO [::1]:6379", ("switchover", "[::1]:6379", None, False)),
    ("switchover budget 250", ("switchover", None, 250, False)),
    ("SWITCHOVER BUDGET 600000 TO a:1", ("switchover", "a:1", 600000, False)),
    ("SWITCHOVER dryrun", ("switchover", None, None, True)),
    ("SWITCHOVER TO a:1 DRYRUN BUDGET 5", ("switchover", "a:1", 5, True)),
    ("SWITCHOVER STATUS", ("status",)),
    ("switchover Cancel", ("cancel",)),
    ("switchover resolve a:1", ("resolve", "a:1")),
    ("HOLD", ("hold", None)),
    ("HOLD 2000", ("hold", 2000)),
    ("RELEASE", ("release",)),
    ("HISTORY", ("history",)),
    ("CONFIG GET switchover.*", ("settings", "switchover.*")),
    ("config set switchover.budget_ms 2000", ("change_setting", "switchover.budget_ms", "2000")),
    ("CONFIG RELOAD", ("reload_settings",)),
    ("LOG LEVEL", ("settings", "log.level")),
    ("log level DEBUG", ("change_setting", "log.level", "debug")),
    ("DRAIN", ("drain",)),
]


@pytest.mark.parametrize(("line", "asked"), ASKED)
async def test_a_command_asks_the_operator(recorder: Recorder, line: str, asked: tuple[object, ...]) -> None:
    await ask(recorder, line)
    assert recorder.asked == [asked]


WRONG = [
    ("FOO", "unknown command 'FOO'; the console knows HELP, PING, NODES, "),
    ("SWITCHOVR", "unknown command 'SWITCHOVR'; did you mean SWITCHOVER?"),
    ("x" * 100, f"unknown command '{'x' * 64}…'"),
    ("HELP FOO", "unknown command 'FOO'"),
    ("NODES x", "NODES does not take all that; it is NODES"),
    ("NODES ADD", "NODES ADD wants host:port; it is NODES ADD host:port"),
    ("NODES ADD a", "ADD wants the host:port of a node, not 'a'"),
    ("NODES REMOVE a:1 b:1", "NODES REMOVE does not take all that; it is NODES REMOVE host:port"),
    ("CLIENTS FOO x", "CLIENTS: 'FOO' is not understood; it is CLIENTS [ID id] [ADDR addr] [USER user]"),
    ("CLIENTS ID x", "ID wants the id of a client, from 0 to 9223372036854775807, not 'x'"),
    ("CLIENTS LANE blue", "LANE wants one of shared, private, none, not 'blue'"),
    ("CLIENTS STATE sad", "STATE wants one of plain, multi, watch, blocked, subscribed, waiting, monitor, "),
    ("CLIENTS LIMIT 0", "LIMIT wants a number, from 1"),
    ("CLIENTS USER", "USER wants something, not ''"),
    ("CLIENTS ID 1 ID 2", "CLIENTS: ID is there twice"),
    ("CLIENTS KILL", "CLIENTS KILL wants id; it is CLIENTS KILL id"),
    ("CLIENTS KILL -1", "KILL wants the id of a client"),
    ("CLIENTS KILL ALL", "KILL wants the id of a client"),
    ("PING a b", "PING does not take all that; it is PING [text]"),
    ("INFO nothing", "INFO has no section 'nothing'; it has server, route, clients"),
    ("INFO " + "x " * 65, "INFO does not take all that"),
    ("HISTORY 0", "HISTORY wants a number, from 1 to "),
    ("CHECK a:1", "CHECK: 'A:1' is not understood; it is CHECK [TO host:port]"),
    ("CHECK BUDGET 5", "CHECK: 'BUDGET' is not understood; it is CHECK [TO host:port]"),
    ("CHECK TO", "TO wants the host:port of a node, not ''"),
    ("CHECK TO a", "TO wants the host:port of a node, not 'a'"),
    ("CHECK TO a:0", "TO wants the host:port of a node, not 'a:0'"),
    ("SWITCHOVER NOW", "SWITCHOVER: 'NOW' is not understood; it is SWITCHOVER [TO host:port] [BUDGET ms] ["),
    ("SWITCHOVER TO a:1 TO b:1", "SWITCHOVER: TO is there twice"),
    ("SWITCHOVER DRYRUN DRYRUN", "SWITCHOVER: DRYRUN is there twice"),
    ("SWITCHOVER TO a:1 BUDGET", "BUDGET wants milliseconds, from 1 to 600000, not ''"),
    ("SWITCHOVER BUDGET 0", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET -5", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET 1s", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET 600001", "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET " + "9" * 5000, "BUDGET wants milliseconds"),
    ("SWITCHOVER BUDGET ٣", "BUDGET wants milliseconds"),
    ("SWITCHOVER STATUS a:1", "SWITCHOVER STATUS does not take all that; it is SWITCHOVER STATUS"),
    ("SWITCHOVER CANCEL NOW", "SWITCHOVER CANCEL does not take all that"),
    ("SWITCHOVER RESOLVE", "SWITCHOVER RESOLVE wants host:port; it is SWITCHOVER RESOLVE host:port"),
    ("SWITCHOVER RESOLVE a", "RESOLVE wants the host:port of a node, not 'a'"),
    ("SWITCHOVER TO a:1 BUDGET 5 DRYRUN x", "SWITCHOVER does not take all that"),
    ("HOLD 0", "HOLD wants milliseconds, from 1 to 600000, not '0'"),
    ("HOLD 1 2", "HOLD does not take all that; it is HOLD [ms]"),
    (
        "CONFIG",
        "CONFIG: something is missing; it is CONFIG GET pattern | CONFIG SET name value | CONFIG RELOAD",
    ),
    ("CONFIG RESETSTAT", "CONFIG: 'RESETSTAT' is not understood; it is CONFIG GET pattern | "),
    ("CONFIG GET", "CONFIG GET wants pattern; it is CONFIG GET pattern"),
    ("CONFIG SET a", "CONFIG SET wants value; it is CONFIG SET name value"),
    ("CONFIG SET no.such 5", "no.such: unknown setting; did you mean another?"),
    ("LOG", "LOG: something is missing; it is LOG LEVEL [debug|info|warning|error]"),
    ("LOG LEVEL loud", "LEVEL wants one of debug, info, warning, error, not 'loud'"),
    ("SUBSCRIBE", "SUBSCRIBE: something is missing; it is SUBSCRIBE events"),
    ("SUBSCRIBE news", "SUBSCRIBE: 'news' is not understood; it is SUBSCRIBE events"),
    ("SUBSCRIBE events news", "SUBSCRIBE events does not take all that"),
    ("DRAIN NOW", "DRAIN does not take all that"),
]


@pytest.mark.parametrize(("line", "expected"), WRONG)
async def test_a_wrong_question_is_told_what_would_be_right(
    recorder: Recorder, line: str, expected: str
) -> None:
    with pytest.raises(Usage) as caught:
        await ask(recorder, line)
    assert str(caught.value).startswith(expected)
    assert {asked[0] for asked in recorder.asked} <= {"overview", "info", "change_setting"}


async def test_nodes_has_a_line_for_each_and_what_is_wrong(recorder: Recorder) -> None:
    recorder.why = "two call themselves primary"
    assert lines(await ask(recorder, "NODES")) == [
        "* 127.0.0.1:6379: primary, offset 12, history 8ab3c2d1",
        "  127.0.0.1:6380: replica of 127.0.0.1:6379, offset 9, history 8ab3c2d1, 3 bytes behind",
        "  [::1]:6381: replica of 127.0.0.1:6379, link down, offset 0,"
        " history 00000000, up to byte 4 the same as 8ab3c2d1",
        "  redis-d:6379: no answer within 1 s",
        "! two call themselves primary",
    ]
    assert await ask(recorder, "NODES ADD a:1") == Line(
        "  127.0.0.1:6380: replica of 127.0.0.1:6379, offset 9, history 8ab3c2d1, 3 bytes behind"
    )


CLIENT_LINES = [
    "id=1 addr=127.0.0.1:4711 user=default name=shop resp=2 db=0 lane=shared owed=2 unread=0 state=plain",
    "id=2 addr=127.0.0.1:4712 user=picker name= resp=3 db=5 lane=private why=client-tracking owed=0 unread=9"
    " state=blocked,tracking",
    "id=3 addr=[::1]:4713 user=default name=idle resp=2 db=0 lane=none owed=0 unread=0 state=plain",
]


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ("", [1, 2, 3]),
        ("ID 2", [2]),
        ("ID 9", []),
        ("ADDR 127.0.0.1:4711", [1]),
        ("ADDR 127.0.0.1", [1, 2]),
        ("ADDR [::1]", [3]),
        ("ADDR 127.0.0", []),
        ("user default", [1, 3]),
        ("NAME shop", [1]),
        ("LANE none", [3]),
        ("LANE Private", [2]),
        ("STATE tracking", [2]),
        ("STATE plain", [1, 3]),
        ("STATE multi", []),
        ("DB 0", [1, 3]),
        ("LIMIT 2", [1, 2]),
        ("DB 0 LIMIT 1", [1]),
        ("USER default DB 0 LANE none", [3]),
        ("USER default DB 5", []),
    ],
)
async def test_clients_are_those_for_which_all_filters_hold(
    recorder: Recorder, filters: str, ids: list[int]
) -> None:
    expected = [line for line, view in zip(CLIENT_LINES, CLIENTS, strict=True) if view.id in ids]
    assert lines(await ask(recorder, f"CLIENTS {filters}")) == expected


async def test_a_blank_in_a_name_does_not_break_the_line(recorder: Recorder) -> None:
    [line] = CLIENT_LINES[:1]
    recorder.connected = [attrs.evolve(CLIENTS[0], name="a b\n", user="x y")]
    [shown] = lines(await ask(recorder, "CLIENTS"))
    assert len(shown.split()) == len(line.split())


@pytest.mark.parametrize(
    ("said", "shown"),
    [("x\x1b[2Jid=9", "x_[2Jid=9"), ("\u202e", "_"), ('"', '"\\""'), ('"x"', '"\\"x\\""'), ('a"b', 'a"b')],
)
async def test_no_name_passes_for_more_than_a_name(recorder: Recorder, said: str, shown: str) -> None:
    recorder.connected = [attrs.evolve(CLIENTS[0], name=said)]
    [line] = lines(await ask(recorder, "CLIENTS"))
    assert f" name={shown} resp=2 " in line
    assert pairs(line)["name"] == (said if said.isprintable() else shown)


async def test_a_client_that_is_not_there_cannot_be_killed(recorder: Recorder) -> None:
    assert await ask(recorder, "CLIENTS KILL 1") == Line("OK")
    with pytest.raises(Usage, match="no client has the id 0"):
        await ask(recorder, "CLIENTS KILL 0")


async def test_check_shows_its_findings_in_columns(recorder: Recorder) -> None:
    assert lines(await ask(recorder, "CHECK")) == [
        "ok     same-history  both have 8ab3",
        "warn   lag           12 bytes",
        "REFUSE link          down since 3 s",
    ]


async def test_a_switchover_answers_with_its_report(recorder: Recorder) -> None:
    assert await ask(recorder, "SWITCHOVER") == REPORT
    assert await ask(recorder, "SWITCHOVER CANCEL") == Line("called off in hold")


async def test_a_hold_tells_its_limit_and_a_release_how_long_it_was(recorder: Recorder) -> None:
    assert await ask(recorder, "HOLD 1000") == {"held_at_most_ms": 998}
    assert await ask(recorder, "RELEASE") == {"held_ms": "12.346"}


async def test_history_is_a_line_each_that_people_and_scripts_read(recorder: Recorder) -> None:
    told = lines(await ask(recorder, "HISTORY"))
    assert len(told) == 10
    assert len(await ask(recorder, "HISTORY 3")) == 3  # type: ignore[arg-type]
    assert len(await ask(recorder, "HISTORY 99")) == 20  # type: ignore[arg-type]
    assert told[0] == (
        "number=3 began=2026-11-21T16:00:00.250Z outcome=refused kind=REFUSED"
        r' why="lag: it said \"no\"" from=127.0.0.1:6379 hold_ms=1.482 steps_ms.preflight=0.310'
        ' clients_carried=0 notes="one; two"'
    )


async def test_settings_are_told_changed_and_read_again(recorder: Recorder) -> None:
    assert await ask(recorder, "CONFIG GET *") == {"switchover.budget_ms": "1000", "log.level": "info"}
    assert await ask(recorder, "LOG LEVEL") == Line("info")
    assert await ask(recorder, "LOG LEVEL error") == Line("OK")
    assert await ask(recorder, "CONFIG GET log.*") == {"log.level": "error"}
    assert lines(await ask(recorder, "CONFIG RELOAD")) == ["switchover.budget_ms: 2000, was 1000"]
    recorder.trouble = SettingsError("a.toml: [x] y: wrong")
    with pytest.raises(Usage, match=r"^nothing was changed: a.toml: \[x\] y: wrong$"):
        await ask(recorder, "CONFIG RELOAD")


async def test_info_has_the_form_of_redis(recorder: Recorder) -> None:
    assert await ask(recorder, "INFO ROUTE") == Text("# Route\r\ngate:open\r\nwhy:a  b\r\n")
    both = await ask(recorder, "INFO route clients")
    assert both == Text("# Route\r\ngate:open\r\nwhy:a  b\r\n\r\n# Clients\r\nconnected_clients:3\r\n")
    for words in ("ALL", "default", "everything", "route all"):
        assert isinstance(whole := await ask(recorder, f"INFO {words}"), Text)
        assert len(whole.text.split("\r\n\r\n")) == 7
    assert await ask(recorder, "INFO commandstats") == Text("")


def scraped(text: str) -> dict[str, dict[str, str]]:
    """As redis_exporter and telegraf cut it: ``# `` begins a section, the first colon ends a name."""
    found: dict[str, dict[str, str]] = {}
    fields: dict[str, str] = {}
    for line in text.split("\n"):
        line = line.strip()
        if line.startswith("# "):
            fields = found.setdefault(line[2:], {})
        elif ":" in line:
            name, value = line.split(":", 1)
            fields[name] = value
    return found


async def test_info_has_what_scrapers_of_redis_look_for(recorder: Recorder) -> None:
    info = await ask(recorder, "INFO ALL")
    assert isinstance(info, Text)
    seen = scraped(info.text)
    assert seen["Server"] == {
        "baton_version": "1.0",
        "uptime_in_seconds": "3",
        "process_id": "4711",
        "redis_version": "7.0.15",
        "redis_mode": "standalone",
    }
    assert seen["Replication"] == {
        "role": "master",
        "connected_slaves": "1",
        "slave0": "ip=127.0.0.1,port=6380,state=online,offset=9",
        "slave1": "ip=::1,port=6381,state=wait_bgsave,offset=0",
        "master_repl_offset": "12",
    }
    assert seen["Stats"] == {"total_commands_processed": "77"}
    assert float(seen["CPU"]["used_cpu_user"]) >= 0 and int(seen["Memory"]["used_memory_rss"]) > 1_000_000
    large = bytearray(50_000_000)
    info = await ask(recorder, "INFO MEMORY")
    assert isinstance(info, Text)
    before, after = (int(each["Memory"]["malloc_bytes"]) for each in (seen, scraped(info.text)))
    assert after - before >= len(large)


async def test_info_does_not_invent_a_version_while_no_node_has_answered(recorder: Recorder) -> None:
    recorder.seen = [NODES[3]]
    info = await ask(recorder, "INFO")
    assert isinstance(info, Text)
    assert "redis_version" not in info.text and "connected_slaves:0" in info.text


async def test_help_has_a_line_for_each_form(recorder: Recorder) -> None:
    told = lines(await ask(recorder, "HELP"))
    forms = [form for command in COMMANDS.values() for form, _ in command.described]
    assert [line.split("  ")[0] for line in told if not line.startswith(" ")] == forms
    assert max(map(len, told)) <= 120


@pytest.mark.parametrize("name", COMMANDS)
async def test_every_command_has_help_of_its_own(recorder: Recorder, name: str) -> None:
    told = lines(await ask(recorder, f"{name} help"))
    assert told[0].startswith(name)
    assert told == lines(await ask(recorder, f"HELP {name.lower()}"))
    assert max(map(len, told)) <= 120
    assert recorder.asked == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_described(name: str) -> None:
    command = COMMANDS[name]
    assert command.group in ("asking", "steering", "setting")
    assert all(
        text.endswith((".", "?")) for text in (command.meaning, *(why for _, why in command.described))
    )
    assert not command.example or command.example.startswith(f"redis-cli -p 7379 {name}")


@pytest.mark.parametrize("text", [form.text for each in COMMANDS.values() for form in each.forms])
def test_every_value_of_a_form_is_of_a_known_kind(text: str) -> None:
    syntax = Syntax.of(text)
    for argument in syntax.arguments:
        assert not argument.name or argument.choices or argument.many or argument.name in KINDS
    assert [text.split()[at] for at in range(len(syntax.verb))] == list(syntax.verb)


def test_the_examples_are_understood() -> None:
    for command in COMMANDS.values():
        if command.example:
            name, *words = command.example.removeprefix("redis-cli -p 7379 ").split()
            understand(name, words)
    assert not COMMANDS.keys() & COURTESIES.keys()
