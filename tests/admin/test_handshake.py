"""Real client programs at the console: they connect, introduce themselves, and are content."""

import os
import pty
import re
import select
import shutil
import subprocess
from functools import partial
from typing import Any

import pytest
import redis
import trio
from redis.backoff import NoBackoff
from redis.retry import Retry

from proxy.admin.commands import COMMANDS, Usage
from proxy.admin.encoding import Error, Line
from proxy.admin.handshake import HANDSHAKE, Visitor
from tests.admin.recorder import REPORT, Recorder

REDIS_CLI = shutil.which("redis-cli")


@pytest.fixture
def visitor() -> Visitor:
    return Visitor(7, "127.0.0.1:4711")


def say(visitor: Visitor, line: str) -> object:
    name, *words = line.split()
    return HANDSHAKE[name](visitor, words)


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


@pytest.mark.parametrize("rest", ["AUTH u p", "SETNAME x AUTH u p", "SETNAME", "SETNAME x FOO", "AUTH u"])
def test_a_hello_that_is_refused_changes_nothing(visitor: Visitor, rest: str) -> None:
    with pytest.raises(Usage):
        say(visitor, f"HELLO 3 {rest}")
    assert visitor == Visitor(7, "127.0.0.1:4711")
    assert say(visitor, "HELLO 4") == Error("NOPROTO unsupported protocol version")


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


def by_redis_py(port: int, protocol: int) -> dict[str, Any]:
    retry = Retry(NoBackoff(), 0)
    with redis.Redis(
        port=port, protocol=protocol, client_name="ops", decode_responses=True, retry=retry
    ) as client:
        replies = {
            "ping": client.ping(),
            "name": client.client_getname(),
            "id": client.client_id() > 0,
            "info": client.info(),
            "nodes": client.execute_command("NODES"),
            "check": client.execute_command("CHECK", "TO", "a:1"),
            "switchover": client.execute_command("SWITCHOVER", "BUDGET", 9),
            "commands": client.command_count() > 5,
        }
        with pytest.raises(redis.ResponseError, match="unknown command 'GET'"):
            client.get("x")
    with (
        redis.Redis(port=port, protocol=protocol, password="p", retry=retry) as locked,
        pytest.raises(redis.AuthenticationError, match="without any password configured"),
    ):
        locked.ping()
    return replies


@pytest.mark.parametrize("protocol", [2, 3])
async def test_redis_py_connects_and_asks(port: int, recorder: Recorder, protocol: int) -> None:
    replies = await trio.to_thread.run_sync(by_redis_py, port, protocol)
    flat = [word for pair in REPORT.items() for word in pair]
    assert replies == {
        "ping": True,
        "name": "ops",
        "id": True,
        "info": {"version": 1.0, "uptime_s": 3, "state": "open", "held": 0},
        "nodes": recorder.lines,
        "check": [
            "ok     same-history  both have 8ab3",
            "warn   lag           12 bytes",
            "REFUSE link          down since 3 s",
        ],
        "switchover": REPORT if protocol == 3 else flat,
        "commands": True,
    }
    assert ("check", "a:1") in recorder.asked
    assert ("switchover", None, 9) in recorder.asked


def typed(port: int, line: str, until: bytes) -> bytes:
    """What an operator sees at a terminal who types `line` into an interactive redis-cli."""
    outer, inner = pty.openpty()
    command = [str(REDIS_CLI), "-p", str(port)]
    env = os.environ | {"TERM": "dumb", "REDISCLI_HISTFILE": "/dev/null"}
    with subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=env) as process:
        os.close(inner)
        seen, waited_for, said = b"", b"> ", False
        while select.select([outer], [], [], 10)[0]:
            seen += os.read(outer, 65536)
            if waited_for in seen and not said:
                os.write(outer, line.encode() + b"\r")
                seen, waited_for, said = b"", until, True
            elif waited_for in seen:
                break
        process.terminate()
    os.close(outer)
    return seen


if REDIS_CLI:

    @pytest.mark.parametrize("options", [[], ["-3"], ["-n", "0"]])
    async def test_redis_cli_asks(port: int, options: list[str]) -> None:
        run = partial(trio.run_process, capture_stdout=True, capture_stderr=True, stdin=b"")
        cli = [str(REDIS_CLI), *options, "-p", str(port)]
        for words, expected in (
            (["PING"], "PONG\n"),
            (["NODES"], "127.0.0.1:6379  primary  offset 12\n127.0.0.1:6380  replica  offset 12\n"),
            (["INFO", "gate"], "# Gate\r\nstate:open\r\nheld:0\r\n"),
            (["SWITCHOVER", "RESOLVE", "a:1"], "a:1 is the primary\n"),
        ):
            ran = await run([*cli, *words])
            assert (ran.stdout.decode().rstrip("\n"), ran.stderr) == (expected.rstrip("\n"), b"")
        ran = await run([*cli, "NODES", "HELP"])
        assert ran.stdout.startswith(b"NODES  ")
        ran = await run([*cli, "SWITCHOVER"])
        assert ran.stdout.split()[:2] == [b"outcome", b"done"]

    async def test_redis_cli_at_a_terminal_shows_lines_without_quotes(port: int) -> None:
        seen = await trio.to_thread.run_sync(typed, port, "CHECK", b"down since 3 s")
        assert b"1) ok     same-history  both have 8ab3" in seen


def has_help_from_the_server() -> bool:
    """From 7.0 on, redis-cli asks the server for its help; before, it knew what Redis had."""
    if REDIS_CLI is None:
        return False
    version = subprocess.run([REDIS_CLI, "--version"], capture_output=True, text=True, check=True).stdout
    return int(version.split()[1].split(".")[0]) >= 7


if has_help_from_the_server():

    async def test_the_help_of_redis_cli_itself_tells_of_baton(port: int) -> None:
        ran = await trio.run_process([str(REDIS_CLI), "-p", str(port), "help", "@baton"], capture_stdout=True)
        text = re.sub(r"\x1b\[\d*m", "", ran.stdout.decode())
        shown = {line.strip() for line in text.splitlines()}
        assert shown >= {form for command in COMMANDS.values() for form, _ in command.forms}
