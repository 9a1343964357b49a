"""Who is let in where the console has a password; and where it has none, everybody, in Redis's own words.

What is expected here stood at a real redis-server with ``requirepass``, too: see the last test.
"""

import hmac
from collections.abc import Callable

import pytest
import trio

from proxy.admin.console import serving
from proxy.admin.console.handshake import NO_PASSWORD
from proxy.telling import Told, tell
from tests.admin.recorder import Recorder
from tests.admin.talking import answered, connect, exchange, whole
from tests.servers import RedisServer

PASSWORD = "pomegranate-seed ü"
RIGHT = b"AUTH '%s'\r\n" % PASSWORD.encode()
NOAUTH = b"-NOAUTH Authentication required.\r\n"
WRONGPASS = b"-WRONGPASS invalid username-password pair or user is disabled.\r\n"
HELLO_FIRST = b"-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO "


@pytest.fixture
def locked(recorder: Recorder) -> Recorder:
    recorder.admin_password = PASSWORD
    return recorder


ASKS_OR_ACTS = [
    "PING",
    "NODES",
    "SWITCHOVER",
    "DRAIN",
    "HELP",
    "COMMAND",
    "COMMAND DOCS",
    "CLIENT ID",
    "SELECT 0",
]


@pytest.mark.parametrize("line", [*ASKS_OR_ACTS, "SUBSCRIBE events", "CONFIG GET *", "NO SUCH"])
async def test_a_stranger_is_told_nothing_and_nothing_is_done(port: int, locked: Recorder, line: str) -> None:
    assert await exchange(port, line.encode() + b"\r\n") == NOAUTH
    assert locked.asked == []


async def test_with_the_password_one_is_let_in_until_reset(port: int, locked: Recorder) -> None:
    async with await connect(port) as stream:
        await answered(stream, RIGHT + b"PING\r\n", b"+OK\r\n+PONG\r\n")
        await answered(stream, b"RESET\r\nPING\r\n", b"+RESET\r\n" + NOAUTH)
        await answered(stream, b"AUTH default '%s'\r\nPING\r\n" % PASSWORD.encode(), b"+OK\r\n+PONG\r\n")
        await answered(stream, b"AUTH wrong\r\nPING\r\n", WRONGPASS + b"+PONG\r\n")  # as in Redis
        await answered(stream, b"QUIT\r\n", b"+OK\r\n")
        assert await whole(stream) == b""


async def test_hello_lets_in_with_the_password_alone(port: int, locked: Recorder) -> None:
    async with await connect(port) as stream:
        await stream.send_all(
            b"HELLO\r\nHELLO 3\r\nHELLO 3 SETNAME x\r\nPING\r\nHELLO 3 AUTH default x\r\nPING\r\nQUIT\r\n"
        )
        refused = (await whole(stream)).split(b"\r\n")
    assert [line[:20] for line in refused[:3]] == [HELLO_FIRST[:20]] * 3
    assert [line + b"\r\n" for line in refused[3:6]] == [NOAUTH, WRONGPASS, NOAUTH]
    async with await connect(port) as stream:
        await stream.send_all(
            b"HELLO 3 AUTH default '%s' SETNAME me\r\nCLIENT GETNAME\r\nQUIT\r\n" % PASSWORD.encode()
        )
        assert (await whole(stream)).endswith(b"$2\r\nme\r\n+OK\r\n")


REFUSED = [
    (b"AUTH wrong\r\n", WRONGPASS),
    (b"AUTH '%s '\r\n" % PASSWORD.encode(), WRONGPASS),
    (b"AUTH ''\r\n", WRONGPASS),
    (b"AUTH '\xff\xfe'\r\n", WRONGPASS),
    (b"AUTH admin '%s'\r\n" % PASSWORD.encode(), WRONGPASS),
    (b"AUTH default wrong\r\n", WRONGPASS),
    (b"HELLO 2 AUTH default wrong\r\n", WRONGPASS),
    (b"HELLO 2 AUTH admin '%s'\r\n" % PASSWORD.encode(), WRONGPASS),
    (b"AUTH\r\n", b"-ERR wrong number of arguments for 'auth' command\r\n"),
    (b"AUTH a b c\r\n", b"-ERR syntax error\r\n"),
    (b"HELLO 4\r\n", b"-NOPROTO unsupported protocol version\r\n"),
]


@pytest.mark.parametrize(("said", "reply"), REFUSED)
async def test_who_says_it_wrong_is_not_let_in(
    port: int, locked: Recorder, said: bytes, reply: bytes
) -> None:
    assert await exchange(port, said + b"PING\r\n") == reply + NOAUTH


async def test_a_wrong_password_is_told_by_the_address_alone(
    port: int, locked: Recorder, told: list[Told]
) -> None:
    await exchange(
        port, b"AUTH fig-leaf\r\nAUTH fig-leaf fig-leaf\r\nHELLO 2 AUTH fig-leaf fig-leaf\r\n" + RIGHT
    )
    assert [event["event"] for event in told] == ["-console-login"] * 3
    assert {frozenset(event) for event in told} == {frozenset(("time", "event", "peer"))}
    assert all(event["peer"].startswith("127.0.0.1:") for event in told)


async def test_passwords_are_compared_in_constant_time(
    port: int, locked: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[tuple[bytes, bytes]] = []
    real: Callable[[bytes, bytes], bool] = hmac.compare_digest

    def compare(one: bytes, other: bytes) -> bool:
        compared.append((one, other))
        return real(one, other)

    monkeypatch.setattr(hmac, "compare_digest", compare)
    await exchange(port, b"AUTH wrong\r\nAUTH nobody wrong\r\nHELLO 2 AUTH nobody wrong\r\n")
    assert compared == [(b"wrong", PASSWORD.encode()), (b"wrong", b"")] * 3  # the viewer's, too


async def refused(stream: trio.SocketStream) -> bytes:
    """What a stranger hears who asks again; nothing once the console has closed."""
    try:
        await stream.send_all(b"PING\r\n")
        return bytes(await stream.receive_some())
    except trio.BrokenResourceError:
        return b""


async def test_one_that_does_not_log_in_does_not_keep_its_place(
    port: int, locked: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "LOGIN_TIMEOUT_S", 0.05)
    async with await connect(port) as stranger, await connect(port) as known:
        await answered(known, RIGHT, b"+OK\r\n")
        with trio.fail_after(5):
            while await refused(stranger):  # however busy it is
                pass
        await answered(known, b"PING\r\n", b"+PONG\r\n")


async def test_strangers_cannot_keep_the_operator_out(
    port: int, locked: Recorder, monkeypatch: pytest.MonkeyPatch, told: list[Told]
) -> None:
    monkeypatch.setattr(serving, "VISITORS_MAX", 3)
    async with await connect(port) as known, await connect(port) as first, await connect(port) as second:
        await answered(known, RIGHT, b"+OK\r\n")
        for stranger in (first, second):
            await answered(stranger, b"PING\r\n", NOAUTH)
        assert await exchange(port, RIGHT + b"PING\r\n") == b"+OK\r\n+PONG\r\n"
        assert await whole(first) == b""
        await answered(second, RIGHT, b"+OK\r\n")
        await answered(known, b"PING\r\n", b"+PONG\r\n")
        async with await connect(port) as third:
            await answered(third, RIGHT, b"+OK\r\n")
            assert await exchange(port, b"PING\r\n") == b"-ERR max number of clients reached\r\n"
    assert [event["why"].split(",")[0] for event in told] == [
        "it had not logged in",
        "3 are connected already",
    ]


async def test_who_said_hello_before_there_was_a_password_has_not_logged_in(
    port: int, recorder: Recorder
) -> None:
    async with await connect(port) as stream:
        await answered(stream, b"AUTH default any\r\nPING\r\n", b"+OK\r\n+PONG\r\n")
        await stream.send_all(b"HELLO 2 AUTH default any\r\n")
        assert b"baton" in await stream.receive_some()
        recorder.admin_password = PASSWORD
        await answered(stream, b"PING\r\n", NOAUTH)


async def test_who_subscribed_before_there_was_a_password_hears_nothing_any_more(
    port: int, recorder: Recorder
) -> None:
    async with await connect(port) as stream:
        await answered(stream, b"SUBSCRIBE events\r\n", b"*3\r\n$9\r\nsubscribe\r\n$6\r\nevents\r\n:1\r\n")
        recorder.admin_password = PASSWORD
        tell("+asked", peer="x", command="SWITCHOVER")
        await trio.sleep(3 * serving.GATHER_S)
        await answered(stream, b"PING\r\n", NOAUTH)


OPEN = [
    (b"AUTH x\r\n", b"-ERR %s\r\n" % NO_PASSWORD.encode()),
    (b"AUTH default x\r\n", b"+OK\r\n"),
    (b"AUTH somebody x\r\n", WRONGPASS),
    (b"HELLO 2 AUTH somebody x\r\n", WRONGPASS),
    (b"PING\r\n", b"+PONG\r\n"),
]


@pytest.mark.parametrize(("said", "reply"), OPEN)
async def test_without_a_password_it_is_as_with_redis(port: int, said: bytes, reply: bytes) -> None:
    assert await exchange(port, said) == reply


async def test_redis_itself_answers_in_the_same_words(redis_server: Callable[..., RedisServer]) -> None:
    with_password, without = redis_server(f'requirepass "{PASSWORD}"'), redis_server()
    for said, reply in [(RIGHT, b"+OK\r\n"), *REFUSED]:
        then = b"+PONG\r\n" if said is RIGHT else NOAUTH
        assert await exchange(with_password.port, said + b"PING\r\n") == reply + then, said
    assert (await exchange(with_password.port, b"HELLO 3\r\n")).startswith(HELLO_FIRST[:24])
    for said, reply in OPEN:
        assert await exchange(without.port, said) == reply, said
