"""The console's connections: whatever one of them does, the others are answered."""

import socket
import struct
from collections import Counter
from collections.abc import Iterator
from random import Random

import attrs
import pytest
import trio

from proxy.admin.console import asking, serving
from proxy.admin.console.encoding import Reply, pieces
from proxy.operation.views import ClientView
from proxy.switchover.errors import Busy, CalledOff, Refused, SwitchoverError
from proxy.telling import Told
from proxy.wire.encoding import command
from tests.admin.recorder import CLIENTS, NODES, REPORT, Recorder
from tests.admin.talking import answered, connect, exchange, whole
from tests.waiting import until

PIPELINE = (
    b"PING\r\n*2\r\n$4\r\nPING\r\n$3\r\na b\r\n\r\n*0\r\nSWITCHOVER STATUS\nNODES x\r\n*1\r\n$4\r\nQUIT\r\n"
)
ANSWERS = (
    b"+PONG\r\n$3\r\na b\r\n*2\r\n$5\r\nstate\r\n$4\r\nidle\r\n"
    b"-ERR NODES does not take all that; it is NODES\r\n+OK\r\n"
)


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


async def test_whatever_bytes_come_the_console_goes_on(port: int, told: list[Told]) -> None:
    """Pieces of commands, cut, mixed with noise, and left in the middle."""
    chance = Random(5)
    words = [
        b"SWITCHOVER",
        b"TO",
        b"a:1",
        b"STATUS",
        b"CLIENTS",
        b"ID",
        b"HELLO",
        b"3",
        b"AUTH",
        b"SUBSCRIBE",
    ]
    words += [
        b"events",
        b"CONFIG",
        b"GET",
        b"*",
        b"HELP",
        b"COMMAND",
        b"DOCS",
        b"\xff\xfe",
        b"",
        b"\r\n",
        b"9" * 30,
    ]
    for _ in range(150):
        data = b""
        for _ in range(chance.randint(1, 6)):
            some = chance.choices(words, k=chance.randint(1, 5))
            data += chance.choice(
                [command(*some), b" ".join(some) + b"\r\n", chance.randbytes(9), b"*1\r\n$4\r\nPI"]
            )
        cut = chance.randint(0, len(data))
        async with await connect(port) as stream:
            try:
                await stream.send_all(data[:cut])
                await stream.send_all(data[cut : chance.randint(cut, len(data))])
                if chance.random() < 0.5:
                    await stream.send_eof()
                    with trio.fail_after(10):
                        await whole(stream)
            except trio.BrokenResourceError:
                pass
    assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"
    assert [event for event in told if event["event"] == "-fault"] == []


@pytest.mark.parametrize("reset", [False, True])
async def test_a_switchover_is_carried_through_when_whoever_asked_has_gone(
    port: int, recorder: Recorder, reset: bool
) -> None:
    recorder.pause()
    stream = await connect(port)
    await stream.send_all(b"SWITCHOVER TO a:1 BUDGET 5\r\n")
    await recorder.begun.wait()
    if reset:
        stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.aclose()
    assert b"idle" in await exchange(port, b"SWITCHOVER STATUS\r\n")
    assert not recorder.ended.is_set()
    recorder.go_on.set()
    await recorder.ended.wait()
    assert recorder.asked == [("switchover", "a:1", 5, False), ("status",)]
    assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"


async def test_others_are_answered_during_a_switchover(port: int, recorder: Recorder) -> None:
    recorder.pause()
    async with await connect(port) as stream:
        await stream.send_all(b"HELLO 3 SETNAME me\r\nSWITCHOVER\r\n")
        await recorder.begun.wait()
        assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"
        recorder.go_on.set()
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


ACTS = ("SWITCHOVER", "SWITCHOVER CANCEL", "HOLD 5", "RELEASE", "NODES ADD a:1", "NODES REMOVE a:1")
ASKS = ("NODES", "INFO", "CLIENTS", "CHECK", "SWITCHOVER STATUS", "HISTORY", "CONFIG GET *", "LOG LEVEL")


@pytest.mark.parametrize("asked", [*ACTS, *ASKS, "CLIENTS KILL 1", "CONFIG RELOAD", "LOG LEVEL debug"])
async def test_a_bug_is_an_error_an_event_and_no_end(
    port: int, recorder: Recorder, asked: str, told: list[Told]
) -> None:
    recorder.trouble = KeyError("x\ny")
    bug = b"-ERR internal: KeyError: 'x\\ny'\r\n"
    assert await exchange(port, f"{asked}\r\nPING\r\n".encode()) == bug + b"+PONG\r\n"
    [fault] = [event for event in told if event["event"] == "-fault"]
    assert asked.startswith(fault["where"].removeprefix("console "))
    assert "KeyError" in fault["fault"]


def asked_for(told: list[Told]) -> list[str]:
    assert all(event["peer"].startswith("127.0.0.1:") for event in told if event["event"] == "+asked")
    return [event["command"] for event in told if event["event"] == "+asked"]


async def test_what_acts_is_told_with_who_asked_and_what_only_asks_is_not(
    port: int, told: list[Told]
) -> None:
    await exchange(port, b"".join(f"{line}\r\n".encode() for line in ASKS))
    await exchange(port, b"switchover help\r\nSWITCHOVER TO nowhere\r\n")
    assert asked_for(told) == []
    wanted = [
        "SWITCHOVER TO a:1 BUDGET 5 DRYRUN",
        "SWITCHOVER RESOLVE a:1",
        "CLIENTS KILL 1",
        "LOG LEVEL debug",
        "DRAIN",
        *ACTS,
    ]
    said = [
        "switchover dryrun to a:1 Budget 5",
        "switchover Resolve a:1",
        "clients kill 1",
        "log level debug",
        "drain",
        *ACTS,
    ]
    for line in said:
        await exchange(port, f"{line}\r\n".encode())
    assert asked_for(told) == wanted


async def test_a_value_that_somebody_tries_to_set_is_not_told(port: int, told: list[Told]) -> None:
    await exchange(port, b"CONFIG SET admin.password pomegranate\r\nAUTH pomegranate\r\n")
    assert asked_for(told) == ["CONFIG SET admin.password …"]
    assert "pomegranate" not in str(told)


async def test_beyond_the_limit_a_connection_is_told_so_until_another_leaves(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "VISITORS_MAX", 2)
    async with await connect(port) as first, await connect(port) as second:
        await answered(first, b"PING\r\n", b"+PONG\r\n")
        await answered(second, b"PING\r\n", b"+PONG\r\n")
        assert await exchange(port, b"PING\r\n") == b"-ERR max number of clients reached\r\n"
        await second.aclose()
        with trio.fail_after(10):
            while await exchange(port, b"PING\r\n") != b"+PONG\r\n":
                await answered(first, b"PING\r\n", b"+PONG\r\n")


async def test_one_that_does_not_read_is_closed_and_disturbs_nobody(
    port: int, recorder: Recorder, monkeypatch: pytest.MonkeyPatch, told: list[Told]
) -> None:
    monkeypatch.setattr(serving, "TAKE_TIMEOUT_S", 0.05)
    recorder.seen = [attrs.evolve(NODES[3], silent="x" * 100_000)] * 100
    async with await connect(port) as deaf:
        await deaf.send_all(b"NODES\r\n" * 5)
        assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"
        await until(
            lambda: [each for each in told if "does not read" in each.get("why", "")],
            "the console gives up on the one that does not read",
        )
    assert await exchange(port, b"PING\r\n") == b"+PONG\r\n"


async def test_while_a_long_answer_is_made_and_sent_others_have_their_turns(
    port: int, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    turn = 0
    made: Counter[int] = Counter()
    sent: Counter[int] = Counter()

    def each_client() -> Iterator[ClientView]:
        for number in range(5000):
            made[turn] += 1
            yield attrs.evolve(CLIENTS[0], id=number)

    def note(reply: Reply, protocol: int) -> Iterator[bytes]:
        for piece in pieces(reply, protocol):
            sent[turn] += len(piece)
            yield piece

    async def take_turns() -> None:
        nonlocal turn
        while True:
            await trio.lowlevel.checkpoint()
            turn += 1

    monkeypatch.setattr(recorder.__class__, "clients", lambda self: each_client())
    monkeypatch.setattr(serving, "pieces", note)
    async with trio.open_nursery() as nursery, await connect(port) as stream:
        nursery.start_soon(take_turns)
        await stream.send_all(b"CLIENTS\r\nQUIT\r\n")
        assert len(await whole(stream)) > 400_000
        nursery.cancel_scope.cancel()
    assert max(made.values()) <= 3 * asking.TURN
    assert max(sent.values()) <= 3 * serving.PIECE


async def test_one_that_goes_while_it_is_answered_is_no_fault(
    port: int, recorder: Recorder, told: list[Told]
) -> None:
    recorder.seen = [attrs.evolve(NODES[3], silent="x" * 1000)] * 2000
    stream = await connect(port)
    stream.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    await stream.send_all(b"NODES\r\n")
    await stream.receive_some(1)
    await stream.aclose()
    await until(lambda: told, "its end is told")
    assert [event["event"] for event in told] == ["-console-closed"]


async def test_a_console_that_ends_closes_its_connections(recorder: Recorder) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(serving.serve_console, listeners, recorder)
        stream = await connect(listeners[0].socket.getsockname()[1])
        await answered(stream, b"PING\r\n", b"+PONG\r\n")
        nursery.cancel_scope.cancel()
    async with stream:
        assert await whole(stream) == b""


async def test_a_drain_is_answered_before_it_begins(
    port: int, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may leave nobody to answer."""
    order: list[str] = []
    real = trio.SocketStream.send_all

    async def send_all(stream: trio.SocketStream, data: bytes) -> None:
        await real(stream, data)
        if data == b"+OK\r\n":
            order.append("answered")

    async with await connect(port) as stream:
        monkeypatch.setattr(trio.SocketStream, "send_all", send_all)
        monkeypatch.setattr(Recorder, "drain", lambda recorder: order.append("drained"))
        await answered(stream, b"DRAIN\r\n", b"+OK\r\n")
        await until(lambda: len(order) == 2, "it drains")
    assert order == ["answered", "drained"]
