"""Real client programs at the console: they connect, introduce themselves, and are content."""

import re
import subprocess
from functools import partial
from typing import Any, cast

import pytest
import redis
import trio
from redis.backoff import NoBackoff
from redis.retry import Retry

from proxy.admin.console.commands import COMMANDS, COURTESIES
from proxy.admin.console.encoding import Error, Line
from proxy.admin.console.syntax import Usage
from proxy.admin.console.visitor import Visitor
from tests.admin.recorder import NODES, REPORT, Recorder
from tests.admin.terminal import REDIS_CLI, redis_cli


@pytest.fixture
def visitor(recorder: Recorder) -> Visitor:
    return Visitor(7, "127.0.0.1:4711", recorder)


def say(visitor: Visitor, line: str) -> object:
    name, *words = line.split()
    return COURTESIES[name].answer(visitor, words)


def test_hello_sets_protocol_and_name_and_tells_them(visitor: Visitor) -> None:
    told = say(visitor, "HELLO 3 SETNAME me")
    assert isinstance(told, dict)
    assert (told["server"], told["proto"], told["id"]) == ("baton", 3, 7)
    assert (visitor.protocol, visitor.name) == (3, "me")
    told = say(visitor, "HELLO")
    assert isinstance(told, dict)
    assert told["proto"] == 3
    assert say(visitor, "CLIENT GETNAME") == "me"
    assert say(visitor, "RESET") == Line("RESET")
    assert (visitor.protocol, visitor.name) == (2, "")
    assert say(visitor, "CLIENT GETNAME") is None


@pytest.mark.parametrize("rest", ["SETNAME", "SETNAME x FOO", "AUTH u", "AUTH default p FOO"])
def test_a_hello_that_is_refused_changes_nothing(visitor: Visitor, rest: str) -> None:
    with pytest.raises(Usage):
        say(visitor, f"HELLO 3 {rest}")
    assert say(visitor, "HELLO 4") == Error("NOPROTO unsupported protocol version")
    assert say(visitor, "HELLO 3 SETNAME x AUTH nobody p") == Error(
        "WRONGPASS invalid username-password pair or user is disabled."
    )
    assert (visitor.protocol, visitor.name, visitor.logged_in) == (2, "", None)


@pytest.mark.parametrize("line", ["AUTH p", "SELECT 1", "SELECT", "CLIENT", "CLIENT LIST", "CLIENT SETNAME"])
def test_what_the_console_has_not_is_refused(visitor: Visitor, line: str) -> None:
    with pytest.raises(Usage):
        say(visitor, line)


@pytest.mark.parametrize(
    "line", ["SELECT 0", "CLIENT SETNAME x", "CLIENT SETINFO LIB-NAME x", "client setinfo lib-ver 1", "QUIT"]
)
def test_what_client_libraries_set_up_is_ok(visitor: Visitor, line: str) -> None:
    name, _, rest = line.partition(" ")
    assert say(visitor, f"{name.upper()} {rest}") == Line("OK")


CONTAINERS = {
    "SWITCHOVER": {"status", "cancel", "resolve"},
    "NODES": {"add", "remove"},
    "CLIENTS": {"kill"},
    "CONFIG": {"get", "set", "reload"},
    "LOG": {"level"},
    "SUBSCRIBE": {"events"},
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_programs_are_told_what_may_follow_a_command(visitor: Visitor, name: str) -> None:
    wanted = {f"{name}|{word}".lower() for word in CONTAINERS[name]}
    docs = say(visitor, f"COMMAND DOCS {name}")
    assert isinstance(docs, dict) and docs[name.lower()]["subcommands"].keys() == wanted
    [info] = cast(list[Any], say(visitor, f"COMMAND INFO {name}"))
    assert {entry[0] for entry in info[9]} == wanted
    assert info[1] < 0  # so many words or more


def test_what_is_asked_of_command_alone_is_told_for_all_there_is(visitor: Visitor) -> None:
    names = [name.lower() for name in (*COMMANDS, *COURTESIES)]
    entries = cast(list[Any], say(visitor, "COMMAND"))
    assert [entry[0] for entry in entries] == say(visitor, "COMMAND LIST") == names
    assert say(visitor, "COMMAND COUNT") == len(names)
    assert list(cast(dict[str, Any], say(visitor, "COMMAND DOCS"))) == names
    assert say(visitor, "COMMAND INFO nosuch") == [None] and say(visitor, "COMMAND DOCS nosuch") == {}
    arity = {entry[0]: entry[1] for entry in entries}
    assert (arity["check"], arity["release"], arity["select"], arity["auth"]) == (-1, 1, 2, -2)
    with pytest.raises(Usage, match="of COMMAND the console knows COUNT, DOCS, INFO and LIST"):
        say(visitor, "COMMAND GETKEYS GET x")


def by_redis_py(port: int, protocol: int) -> dict[str, Any]:
    retry = Retry(NoBackoff(), 0)
    with redis.Redis(
        port=port, protocol=protocol, client_name="ops", decode_responses=True, retry=retry
    ) as client:
        replies = {
            "ping": client.ping(),
            "name": client.client_getname(),
            "id": client.client_id() > 0,
            "info": client.info()["redis_mode"],
            "nodes": client.execute_command("NODES"),
            "check": client.execute_command("CHECK", "TO", "a:1"),
            "switchover": client.execute_command("SWITCHOVER", "BUDGET", 9),
            "commands": client.command_count() == len(client.command()) > 5,
        }
        with pytest.raises(redis.ResponseError, match="unknown command 'GET'"):
            client.get("x")
    return replies


@pytest.mark.parametrize("protocol", [2, 3])
async def test_redis_py_connects_and_asks(port: int, recorder: Recorder, protocol: int) -> None:
    recorder.seen = NODES[:2]
    replies = await trio.to_thread.run_sync(by_redis_py, port, protocol)
    flat = [word for pair in REPORT.items() for word in pair]
    assert replies == {
        "ping": True,
        "name": "ops",
        "id": True,
        "info": "standalone",
        "nodes": [
            "* 127.0.0.1:6379: primary, offset 12, history 8ab3c2d1",
            "  127.0.0.1:6380: replica of 127.0.0.1:6379, offset 9, history 8ab3c2d1, 3 bytes behind",
        ],
        "check": [
            "ok     same-history  both have 8ab3",
            "warn   lag           12 bytes",
            "REFUSE link          down since 3 s",
        ],
        "switchover": REPORT if protocol == 3 else flat,
        "commands": True,
    }
    assert ("check", "a:1") in recorder.asked
    assert ("switchover", None, 9, False) in recorder.asked


if REDIS_CLI:

    @pytest.mark.parametrize("options", [[], ["-3"], ["-n", "0"]])
    async def test_redis_cli_asks(port: int, options: list[str]) -> None:
        run = partial(trio.run_process, capture_stdout=True, capture_stderr=True, stdin=b"")
        cli = [str(REDIS_CLI), *options, "-p", str(port)]
        for words, expected in (
            (["PING"], "PONG\n"),
            (["NODES", "REMOVE", "a:1"], "OK\n"),
            (["INFO", "route"], "# Route\r\ngate:open\r\nwhy:a  b\r\n"),
            (["CONFIG", "GET", "log.*"], f"log.level{' ' if '-3' in options else chr(10)}info\n"),
            (["SWITCHOVER", "RESOLVE", "a:1"], "a:1 is the primary\n"),
        ):
            ran = await run([*cli, *words])
            assert (ran.stdout.decode().rstrip("\n"), ran.stderr) == (expected.rstrip("\n"), b"")
        ran = await run([*cli, "NODES", "HELP"])
        assert ran.stdout.startswith(b"NODES  ")
        ran = await run([*cli, "SWITCHOVER"])
        assert ran.stdout.split()[:2] == [b"outcome", b"done"]

    async def test_redis_cli_at_a_terminal_shows_lines_without_quotes(port: int) -> None:
        def check() -> str:
            with redis_cli(port) as terminal:
                return terminal.type("CHECK\r", "down since 3 s")

        assert "1) ok     same-history  both have 8ab3" in await trio.to_thread.run_sync(check)

    @pytest.mark.parametrize("options", [[], ["-3"]])
    async def test_redis_cli_shows_events_as_they_happen(port: int, options: list[str]) -> None:
        def subscribe() -> None:
            with redis_cli(port, *options) as terminal:
                terminal.type("subscribe events\r", "(integer) 1")
                with redis.Redis(port=port) as other:
                    other.execute_command("RELEASE")
                terminal.see("RELEASE")

        await trio.to_thread.run_sync(subscribe)


def has_help_from_the_server() -> bool:
    """From 7.0 on, redis-cli asks the server for its help; before, it knew what Redis had."""
    if REDIS_CLI is None:
        return False
    version = subprocess.run([REDIS_CLI, "--version"], capture_output=True, text=True, check=True).stdout
    return int(version.split()[1].split(".")[0]) >= 7


HINTS = {
    "switchover ": "[TO host:port] [BUDGET ms] [DRYRUN]",
    "switchover TO a:1 ": "[BUDGET ms] [DRYRUN]",
    "switchover resolve ": "host:port",
    "hold ": "[ms]",
    "nodes add ": "host:port",
    "clients ": "[ID id] [ADDR addr] [USER user] [NAME name] [LANE shared|private|none] [STATE state]",
    "clients kill ": "id",
    "config set ": "name value",
    "log level ": "[debug|info|warning|error]",
    "auth ": "[username] password",
}
COMPLETED = {
    "switchover st\t": "SWITCHOVER STATUS",
    "switchover c\t": "SWITCHOVER CANCEL",
    "nodes r\t": "NODES REMOVE",
    "clients k\t": "CLIENTS KILL",
    "config rel\t": "CONFIG RELOAD",
    "log l\t": "LOG LEVEL",
    "subscribe e\t": "SUBSCRIBE EVENTS",
    "hist\t": "HISTORY",
}

if has_help_from_the_server():

    async def test_the_help_of_redis_cli_itself_tells_of_baton(port: int) -> None:
        ran = await trio.run_process([str(REDIS_CLI), "-p", str(port), "help", "@baton"], capture_stdout=True)
        text = re.sub(r"\x1b\[\d*m", "", ran.stdout.decode())
        shown = {line.strip().lower() for line in text.splitlines()}
        assert shown >= {form.lower() for command in COMMANDS.values() for form, _ in command.described}

    @pytest.mark.parametrize("password", ["", "pomegranate"])
    async def test_redis_cli_hints_at_what_may_follow_and_completes_it(
        port: int, recorder: Recorder, password: str
    ) -> None:
        recorder.admin_password = password or None

        def work() -> None:
            with redis_cli(port, password=password) as terminal:
                for keys, hint in {**HINTS, **COMPLETED}.items():
                    terminal.type(keys, hint)
                    terminal.type("\x15", "> ")  # the line is emptied

        await trio.to_thread.run_sync(work)
