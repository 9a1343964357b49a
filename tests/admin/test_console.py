"""The console's connections: whatever one of them does, the others are answered."""

import logging
import socket
import struct

import pytest
import trio

from proxy.admin import console
from proxy.switchover.errors import Busy, CalledOff, Refused, SwitchoverError
from tests.admin.recorder import REPORT, Recorder
from tests.waiting import until

PIPELINE = (
    b"PING\r\n*2\r\n$4\r\nPING\r\n$3\r\na b\r\n\r\n*0\r\nSWITCHOVER STATUS\nNODES x\r\n*1\r\n$4\r\nQUIT\r\n"
)
ANSWERS = (
    b"+PONG\r\n$3\r\na b\r\n*2\r\n$5\r\nstate\r\n$4\r\nidle\r\n"
    b"-ERR NODES does not take all that; it is NODES\r\n+OK\r\n"
)


async def connect(port: int) -> trio.SocketStream:
    return await trio.open_tcp_stream("127.0.0.1", port)


async def whole(stream: trio.SocketStream) -> bytes:
    """Everything until the console closes."""
    return b"".join([bytes(data) async for data in stream])


async def exchange(port: int, data: bytes) -> bytes:
    """What comes back to someone who sends `data` and then nothing more, as nc does."""
    async with await connect(port) as stream:
        await stream.send_all(data)
        await stream.send_eof()
        return await whole(stream)


async def answered(stream: trio.SocketStream, data: bytes, reply: bytes) -> None:
    await stream.send_all(data)
    got = b""
    while len(got) < len(reply):
        more = await stream.receive_some()
        assert more, f"closed after {got!r}"
        got += more
    assert got == reply


async def test_a_line_typed_through_a_pipe_is_answered(port: int) -> None:
    assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"
    assert await exchange(port, b"ping 'one word'\n") == b"$8\r\none word\r\n"


async def test_pipelined_commands_are_answered_in_their_order_until_quit(port: int) -> None:
    async with await connect(port) as stream:
        await stream.send_all(PIPELINE + b"PING\r\n")
        assert await whole(stream) == ANSWERS


async def test_commands_may_come_in_pieces_of_any_size(port: int) -> None:
    async with await connect(port) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for index in range(len(PIPELINE)):
            await stream.send_all(PIPELINE[index : index + 1])
        assert await whole(stream) == ANSWERS


async def test_half_a_command_is_no_command(port: int, recorder: Recorder) -> None:
    assert await exchange(port, b"*1\r\n$10\r\nSWITCH") == b""
    assert await exchange(port, b"SWITCHOVER") == b""
    assert recorder.asked == []


GARBAGE = [
    (b"*1\r\n+PING\r\n", b"expected '$', got '+'"),
    (b"*x\r\n", b"invalid multibulk length"),
    (b"*1\r\n$-1\r\n", b"invalid bulk length"),
    (b'PING "\r\n', b"unbalanced quotes in request"),
    (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"a command does not begin with byte 0x16"),
    (b"\0", b"a command does not begin with byte 0x00"),
    (b"*1\r\n$500000000\r\n", b"a request is at most 65536 bytes long"),
    (b"*1\r\n$100000\r\n" + b"x" * 90000, b"a request is at most 65536 bytes long"),
    (b"*9999\r\n" + b"$9\r\nxxxxxxxxx\r\n" * 5000, b"a request is at most 65536 bytes long"),
    (b"x" * 200_000, b"too big inline request"),
    (b"POST / HTTP/1.1\r\nHost: x\r\n\r\nSWITCHOVER\r\n", b"this is not HTTP"),
]


@pytest.mark.parametrize(("data", "why"), GARBAGE)
async def test_garbage_is_told_why_and_closed_and_nobody_else_notices(
    port: int, recorder: Recorder, data: bytes, why: bytes
) -> None:
    async with await connect(port) as other, await connect(port) as stream:
        await answered(other, b"PING\r\n", b"+PONG\r\n")
        await answered(stream, b"PING\r\n", b"+PONG\r\n")
        await stream.send_all(data)
        assert await whole(stream) == b"-ERR Protocol error: " + why + b"\r\n"
        await answered(other, b"PING\r\n", b"+PONG\r\n")
    assert recorder.asked == []


async def test_a_page_in_a_browser_cannot_make_it_switch_over(port: int, recorder: Recorder) -> None:
    reply = await exchange(port, b"PUT / HTTP/1.1\r\nHost: localhost:7379\r\n\r\nSWITCHOVER\r\n")
    assert reply.endswith(b"-ERR Protocol error: this is not HTTP\r\n")
    assert recorder.asked == []


@pytest.mark.parametrize("reset", [False, True])
async def test_a_switchover_is_carried_through_when_whoever_asked_has_gone(
    port: int, recorder: Recorder, reset: bool
) -> None:
    recorder.hold()
    stream = await connect(port)
    await stream.send_all(b"SWITCHOVER TO a:1 BUDGET 5\r\n")
    await recorder.begun.wait()
    if reset:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()
    assert b"idle" in await exchange(port, b"SWITCHOVER STATUS\r\n")
    assert not recorder.ended.is_set()
    recorder.release.set()
    await recorder.ended.wait()
    assert recorder.asked == [("switchover", "a:1", 5), ("status",)]
    assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"


async def test_others_are_answered_during_a_switchover(port: int, recorder: Recorder) -> None:
    recorder.hold()
    async with await connect(port) as stream:
        await stream.send_all(b"HELLO 3 SETNAME me\r\nSWITCHOVER\r\n")
        await recorder.begun.wait()
        assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"
        recorder.release.set()
        await stream.send_all(b"QUIT\r\n")
        reply = await whole(stream)
    assert b"%%%d\r\n$7\r\noutcome\r\n$4\r\ndone\r\n" % len(REPORT) in reply
    assert b"$15\r\nclients_carried\r\n:200\r\n" in reply


ERRORS = [
    (Refused("link: it is down"), b"-REFUSED link: it is down\r\n"),
    (CalledOff("converge: the budget\r\nran out"), b"-CALLEDOFF converge: the budget  ran out\r\n"),
    (Busy("in converge"), b"-BUSY in converge\r\n"),
    (SwitchoverError("no"), b"-ERR no\r\n"),
]


@pytest.mark.parametrize(("trouble", "reply"), ERRORS)
@pytest.mark.parametrize("asked", [b"SWITCHOVER\r\n", b"CHECK\r\n", b"SWITCHOVER RESOLVE a:1\r\n"])
async def test_an_error_begins_with_its_kind(
    port: int, recorder: Recorder, asked: bytes, trouble: SwitchoverError, reply: bytes
) -> None:
    recorder.trouble = trouble
    assert await exchange(port, asked) == reply


@pytest.mark.parametrize("asked", [b"SWITCHOVER", b"NODES", b"INFO", b"CLIENTS", b"CHECK"])
async def test_a_bug_is_an_error_a_traceback_in_the_log_and_no_end(
    port: int, recorder: Recorder, asked: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    recorder.trouble = KeyError("x\ny")
    bug = b"-ERR internal: KeyError: 'x\\ny'\r\n"
    assert await exchange(port, asked + b"\r\nPING\r\n") == bug + b"+PONG\r\n"
    [record] = [record for record in caplog.records if record.exc_info]
    assert record.getMessage() == f"admin: {asked.decode()} failed"


async def test_what_moves_the_primary_is_logged_with_who_asked(
    port: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    await exchange(
        port, b"switchover status\r\nswitchover help\r\nSwitchover to a:1\r\nswitchover resolve a:1\r\n"
    )
    asked = [record.getMessage().split(" asks ") for record in caplog.records]
    assert [what for _, what in asked] == ["SWITCHOVER to a:1", "SWITCHOVER resolve a:1"]
    assert all(who.startswith("admin: 127.0.0.1:") for who, _ in asked)


async def test_beyond_the_limit_a_connection_is_told_so_until_another_leaves(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(console, "VISITORS_MAX", 2)
    async with await connect(port) as first, await connect(port) as second:
        await answered(first, b"PING\r\n", b"+PONG\r\n")
        await answered(second, b"PING\r\n", b"+PONG\r\n")
        assert await exchange(port, b"PING\r\n") == b"-ERR max number of clients reached\r\n"
        await second.aclose()
        with trio.fail_after(10):
            while await exchange(port, b"PING\r\n") != b"+PONG\r\n":
                await answered(first, b"PING\r\n", b"+PONG\r\n")


async def test_one_that_does_not_read_is_closed_and_disturbs_nobody(
    port: int, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(console, "TAKE_TIMEOUT_S", 0.05)
    recorder.lines = ["x" * 100_000] * 100
    async with await connect(port) as deaf:
        await deaf.send_all(b"NODES\r\n" * 5)
        assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"
        await until(
            lambda: "does not read" in caplog.text, "the console gives up on the one that does not read"
        )
    assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"


async def test_a_console_that_ends_closes_its_connections(recorder: Recorder) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(console.serve_console, listeners, recorder)
        stream = await connect(listeners[0].socket.getsockname()[1])
        await answered(stream, b"PING\r\n", b"+PONG\r\n")
        nursery.cancel_scope.cancel()
    async with stream:
        assert await whole(stream) == b""
