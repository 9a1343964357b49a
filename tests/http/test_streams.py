"""Events as they happen: whoever reads gets them, and whoever does not disturbs nobody."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

import h11
import httpx
import pytest
import trio

from proxy.admin.http import streaming
from proxy.admin.http.serving import STREAMS_MAX
from proxy.admin.http.streaming import EVENT_STREAM, WAITING_MAX
from proxy.switchover.errors import Busy, CalledOff
from proxy.telling import publishing, tell
from tests.http.recorder import REPORT, TOKEN, Recorder
from tests.waiting import until

STREAM = {"Accept": EVENT_STREAM}


class Stream:
    """What comes down a stream, block by block."""

    def __init__(self, connection: trio.SocketStream) -> None:
        self._connection = connection
        self._protocol = h11.Connection(h11.CLIENT)
        self._text = ""
        self.answer: h11.Response | None = None

    @classmethod
    async def open(cls, port: int, method: str, path: str) -> Self:
        stream = cls(await trio.open_tcp_stream("127.0.0.1", port))
        headers = [("Host", "localhost"), ("Authorization", f"Bearer {TOKEN}"), ("Accept", EVENT_STREAM)]
        asked = stream._protocol.send(h11.Request(method=method, target=path, headers=headers))
        ended = stream._protocol.send(h11.EndOfMessage())
        assert asked is not None and ended is not None
        await stream._connection.send_all(asked + ended)
        return stream

    async def close(self) -> None:
        await self._connection.aclose()

    async def block(self) -> list[str]:
        """The lines up to the next empty one; none at the end."""
        with trio.fail_after(10):
            while "\n\n" not in self._text:
                event = self._protocol.next_event()
                if event is h11.NEED_DATA:
                    self._protocol.receive_data(bytes(await self._connection.receive_some()))
                elif isinstance(event, h11.Response):
                    self.answer = event
                elif isinstance(event, h11.Data):
                    self._text += event.data.decode()
                else:
                    return []
        block, _, self._text = self._text.partition("\n\n")
        return block.split("\n")

    async def event(self) -> tuple[str, dict[str, Any]]:
        """The next event's name, if it has one, and its data."""
        fields = dict(line.split(": ", 1) for line in await self.block())
        return fields.get("event", ""), json.loads(fields["data"])


@asynccontextmanager
async def listening(port: int, query: str = "") -> AsyncIterator[Stream]:
    stream = await Stream.open(port, "GET", f"/v1/events{query}")
    try:
        assert await stream.block() == ["retry: 1000", ": baton"]
        assert stream.answer is not None and stream.answer.status_code == 200
        assert (b"content-type", b"text/event-stream; charset=utf-8") in list(stream.answer.headers)
        yield stream
    finally:
        await stream.close()


def listeners() -> int:
    return len(publishing._teller.listeners)


async def test_events_come_as_they_are_told(port: int) -> None:
    async with listening(port) as stream:
        tell("+held", switchover=3, budget_ms=500)
        name, told = await stream.event()
        assert name == "" and told.pop("time") > 1_700_000_000
        assert told == {"event": "+held", "switchover": 3, "budget_ms": 500}


async def test_a_listener_chooses_how_bad_it_must_be(port: int) -> None:
    async with listening(port, "?level=warning") as stream:
        tell("+held", switchover=3, budget_ms=500)
        tell("-called-off", switchover=3, kind="CALLEDOFF", why="converge: no")
        assert (await stream.event())[1]["event"] == "-called-off"


async def test_a_value_cannot_forge_an_event(port: int) -> None:
    async with listening(port) as stream:
        tell("-note", switchover=1, note='x\n\ndata: {"event":"+promoted"}\r\n\u2028')
        assert '{"event":"+promoted"}' in (await stream.event())[1]["note"]
        tell("+held", switchover=2)
        assert (await stream.event())[1]["switchover"] == 2


async def test_while_nothing_happens_a_comment_shows_that_the_stream_lives(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streaming, "HEARTBEAT_S", 0.02)
    async with listening(port) as stream:
        assert await stream.block() == [":"]
        assert await stream.block() == [":"]


async def test_whoever_leaves_is_told_no_more_and_counts_no_more(port: int) -> None:
    before = listeners()
    for _ in range(STREAMS_MAX + 1):
        async with listening(port):
            assert listeners() == before + 1
        await until(lambda: listeners() == before, "the listener is gone")


async def test_there_is_a_limit_to_streams_and_it_says_so(port: int, client: httpx.AsyncClient) -> None:
    before = listeners()
    async with trio.open_nursery() as nursery:

        async def listen() -> None:
            async with listening(port):
                await trio.sleep_forever()

        for _ in range(STREAMS_MAX):
            nursery.start_soon(listen)
        await until(lambda: listeners() == before + STREAMS_MAX, "all listen")
        answer = await client.get("/v1/events")
        assert answer.status_code == 503 and answer.headers["retry-after"] == "1"
        assert (await client.get("/livez")).status_code == 200
        nursery.cancel_scope.cancel()


async def test_a_reader_that_is_too_slow_is_let_go(port: int) -> None:
    before = listeners()
    async with listening(port) as stream:
        for number in range(WAITING_MAX + 9):  # in one go: nobody can read meanwhile
            tell("+held", switchover=number)
        assert listeners() == before
        came = 0
        while lines := await stream.block():
            assert json.loads(lines[0].partition(": ")[2])["switchover"] == came
            came += 1
        assert came in (WAITING_MAX, WAITING_MAX + 1)  # one may have been waited for


async def test_a_switchover_streams_its_own_events_and_ends_with_its_report(
    port: int, recorder: Recorder
) -> None:
    recorder.wait()
    stream = await Stream.open(port, "POST", "/v1/switchover")
    await stream.block()
    assert (await stream.event())[1]["event"] == "+switchover"
    assert (await stream.event())[1]["event"] == "+held"
    tell("-refused", switchover=2, kind="BUSY")  # somebody else's
    tell("+nodes-well")
    recorder.go_on.set()
    names = [(await stream.event())[1]["event"] for _ in range(2)]
    assert names == ["+released", "+switched-over"]
    assert await stream.event() == ("report", REPORT)
    assert await stream.block() == []
    await stream.close()


async def test_a_switchover_called_off_ends_its_stream_with_the_problem(
    client: httpx.AsyncClient, recorder: Recorder
) -> None:
    def call_off() -> None:
        raise CalledOff("converge: not within the budget")

    recorder.on_switchover = call_off
    answer = await client.post("/v1/switchover", headers=STREAM)
    last = answer.text.strip().split("\n\n")[-1]
    assert last.startswith("event: problem\ndata: ")
    problem = json.loads(last.partition("data: ")[2])
    assert (problem["status"], problem["detail"]) == (503, "converge: not within the budget")


async def test_what_does_not_even_begin_is_answered_as_without_a_stream(
    client: httpx.AsyncClient, recorder: Recorder
) -> None:
    recorder.trouble = Busy("a switchover is under way")
    before = listeners()
    for _ in range(STREAMS_MAX + 1):
        answer = await client.post("/v1/switchover", headers=STREAM)
        assert answer.status_code == 409
    assert listeners() == before


@pytest.mark.parametrize("accept", [EVENT_STREAM, "application/json"])
async def test_if_the_asker_goes_away_the_switchover_is_carried_through(
    port: int, recorder: Recorder, accept: str
) -> None:
    recorder.wait()
    before = listeners()
    async with await trio.open_tcp_stream("127.0.0.1", port) as asker:
        head = f"POST /v1/switchover HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
        await asker.send_all(f"{head}Accept: {accept}\r\n\r\n".encode())
        await recorder.begun.wait()
    await until(lambda: listeners() == before, "nobody listens for it")
    assert not recorder.ended.is_set()
    recorder.go_on.set()
    with trio.fail_after(5):
        await recorder.ended.wait()
