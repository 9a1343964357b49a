"""The console's two users: the operator, who may steer, and the viewer, who may look."""

from collections.abc import Callable

import pytest

from proxy.admin.console.commands import COMMANDS
from proxy.telling import Told
from tests.admin.recorder import Recorder
from tests.admin.talking import exchange
from tests.guarding.conftest import LOOKING, PASSWORD
from tests.servers import RedisServer

VIEWER = b"AUTH viewer '%s'\r\n" % LOOKING.encode()
OPERATOR = b"AUTH '%s'\r\n" % PASSWORD.encode()
WRONGPASS = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
NOAUTH = b"-NOAUTH Authentication required.\r\n"
VALUES = {
    "host:port": "127.0.0.1:6380",
    "ms": "5",
    "id": "1",
    "n": "3",
    "name": "switchover.budget_ms",
    "value": "5",
    "pattern": "*",
    "text": "there",
    "section": "server",
    "debug|info|warning|error": "debug",
    "command": "PING",
    "channel": "events",
}

FORMS = [form for command in COMMANDS.values() for form in command.forms]


def whole(form_text: str) -> bytes:
    """The form, with a value for each of its arguments."""
    [form] = [form for form in FORMS if form.text == form_text]
    words = [*form.syntax.verb]
    for argument in form.syntax.arguments:
        if argument.token and argument.name:
            continue
        words.append(argument.token or VALUES[argument.name])
    return " ".join(words).encode() + b"\r\n"


@pytest.mark.parametrize("text", [form.text for form in FORMS if form.acts])
async def test_a_viewer_is_refused_whatever_acts_and_nothing_is_done(
    port: int, recorder: Recorder, told: list[Told], text: str
) -> None:
    line = whole(text)
    [form] = [form for form in FORMS if form.text == text]
    reply = await exchange(port, VIEWER + line)
    name = "|".join(form.syntax.verb).lower()
    assert reply == f"+OK\r\n-NOPERM User viewer has no permissions to run the '{name}' command\r\n".encode()
    assert recorder.asked == []
    [event] = [event for event in told if event["event"] != "-console-closed"]
    assert (event["event"], event["face"], event["role"]) == ("-denied", "console", "viewer")
    assert event["command"].startswith(" ".join(form.syntax.verb))
    assert event["peer"].startswith("127.0.0.1:")


@pytest.mark.parametrize("text", [form.text for form in FORMS if not form.acts])
async def test_a_viewer_may_look(port: int, text: str, told: list[Told]) -> None:
    reply = await exchange(port, VIEWER + whole(text))
    assert reply.startswith(b"+OK\r\n") and b"NOPERM" not in reply
    assert not [event for event in told if event["event"] == "-denied"]


async def test_a_viewer_may_ask_for_the_level_and_not_set_it(port: int) -> None:
    assert await exchange(port, VIEWER + b"LOG LEVEL\r\n") == b"+OK\r\n+info\r\n"


WRONG = [
    b"AUTH viewer '%s'" % PASSWORD.encode(),
    b"AUTH default '%s'" % LOOKING.encode(),
    b"AUTH '%s'" % LOOKING.encode(),
    b"AUTH viewer ''",
    b"AUTH Viewer '%s'" % LOOKING.encode(),
    b"HELLO 3 AUTH viewer wrong",
    b"HELLO 3 AUTH default '%s'" % LOOKING.encode(),
]


@pytest.mark.parametrize("said", WRONG)
async def test_each_has_a_password_of_its_own(port: int, said: bytes) -> None:
    assert await exchange(port, said + b"\r\nPING\r\n") == WRONGPASS + NOAUTH


async def test_without_a_viewers_password_there_is_no_viewer(port: int, recorder: Recorder) -> None:
    recorder.admin_viewer_password = None
    for password in (b"''", b"x", b"'%s'" % PASSWORD.encode()):
        assert await exchange(port, b"AUTH viewer %s\r\nPING\r\n" % password) == WRONGPASS + NOAUTH


async def test_hello_knows_the_viewer_and_who_one_is_can_be_asked(port: int) -> None:
    reply = await exchange(port, b"HELLO 2 AUTH viewer %s\r\nCLIENT INFO\r\n" % LOOKING.encode())
    assert b"baton" in reply and b" user=viewer " in reply
    reply = await exchange(port, OPERATOR + b"CLIENT INFO\r\n")
    assert b" user=default " in reply


async def test_the_last_login_counts(port: int, recorder: Recorder) -> None:
    reply = await exchange(port, OPERATOR + VIEWER + b"RELEASE\r\n" + OPERATOR + b"RELEASE\r\n")
    assert reply.count(b"-NOPERM") == 1
    assert recorder.asked == [("release",)]
    reply = await exchange(port, VIEWER + b"RESET\r\nPING\r\n")
    assert reply.endswith(b"+RESET\r\n" + NOAUTH)


async def test_redis_itself_refuses_in_the_same_words(redis_server: Callable[..., RedisServer]) -> None:
    """Since 7.4; before it did not name the user."""
    server = redis_server(f"user viewer on >{LOOKING} ~* +ping")
    reply = await exchange(server.port, VIEWER + b"CONFIG SET maxmemory 1\r\n")
    old, new = b"this user", b"User viewer"
    assert reply.startswith(b"+OK\r\n-NOPERM ")
    assert reply.replace(old, new).replace(
        b"'config' command or its subcommand", b"'config|set' command"
    ) == (b"+OK\r\n-NOPERM User viewer has no permissions to run the 'config|set' command\r\n")
