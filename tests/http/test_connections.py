"""Whatever one connection does, the others are answered, and the process can leave."""

import contextlib
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import trio
from hypercorn.config import Config

from proxy.admin.http import door, serving
from proxy.admin.http.application import application
from proxy.admin.http.serving import serve_http
from proxy.config import SettingsError
from proxy.nodes.address import Address
from proxy.operation.door.listening import listen
from proxy.telling import Told
from tests.http.recorder import TOKEN, Recorder, listening
from tests.waiting import until

BEARS = f"Authorization: Bearer {TOKEN}\r\n".encode()


async def exchange(port: int, sent: bytes) -> bytes:
    """What comes back until the connection is closed."""
    with trio.fail_after(10):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            try:
                await stream.send_all(sent)
                return b"".join([bytes(data) async for data in stream])
            except trio.BrokenResourceError:
                return b""


async def lives(client: httpx.AsyncClient) -> bool:
    return (await client.get("/livez")).status_code == 200


def get(path: bytes = b"/livez", host: bytes = b"localhost", more: bytes = b"") -> bytes:
    return b"GET " + path + b" HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n" + more + b"\r\n"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:80", "127.0.0.1", "127.8.8.8:7380", "[::1]", "[::1]:80", "baton.localhost:1"],
)
async def test_on_loopback_the_hosts_of_loopback_are_answered(port: int, host: str) -> None:
    assert b" 200 " in (await exchange(port, get(host=host.encode()))).splitlines()[0]


@pytest.mark.parametrize(
    "host",
    ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:80", "10.0.0.1", "[", "a:b:c", ""],
)
async def test_on_loopback_any_other_host_is_refused(port: int, host: str) -> None:
    answer = await exchange(port, get(b"/v1/status", host.encode()))
    assert b" 421 " in answer.splitlines()[0] and b"wrong-host" in answer


async def test_elsewhere_any_host_may_be_right(
    nursery: trio.Nursery, recorder: Recorder, port_of: Any
) -> None:
    await nursery.start(serve_http, await listening("0.0.0.0"), recorder)
    assert b" 200 " in (await exchange(port_of(), get(host=b"baton.shop.svc:80"))).splitlines()[0]


async def test_every_answer_forbids_framing_sniffing_and_reading_from_elsewhere(
    client: httpx.AsyncClient,
) -> None:
    for path in ("/", "/v1/status", "/v1/events?level=x", "/nothing"):
        headers = (await client.get(path, headers={"Origin": "http://evil.example"})).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy and "*" not in policy and "http" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert "access-control-allow-origin" not in headers
        assert headers["cache-control"] == ("no-cache" if path == "/" else "no-store")
    preflight = await client.options("/v1/switchover", headers={"Origin": "http://evil.example"})
    assert preflight.status_code == 405


@pytest.mark.parametrize("size", [16 * 1024 + 1, 5_000_000])
@pytest.mark.parametrize("path", ["/v1/switchover", "/livez"])
async def test_a_body_that_is_too_large_is_refused(
    client: httpx.AsyncClient, recorder: Recorder, path: str, size: int
) -> None:
    answer = await client.request("POST" if "v1" in path else "GET", path, content=b" " * size)
    assert answer.status_code == 413
    assert answer.headers["connection"] == "close"
    assert "at most 16384 bytes" in answer.json()["detail"]
    assert recorder.asked == [] and await lives(client)


async def test_a_body_that_never_ends_is_answered_and_its_connection_closed(
    nursery: trio.Nursery,
    recorder: Recorder,
    port_of: Callable[[], int],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(door, "DROP_S", 0.05)
    monkeypatch.setattr(Config, "max_app_queue_size", 1)  # full as soon as nobody takes from it
    servers: list[Any] = []

    def made_for(server: Any) -> Any:
        servers.append(server)
        return application(server)

    monkeypatch.setattr(serving, "application", made_for)
    await nursery.start(serve_http, await listening(), recorder)
    with trio.fail_after(10):
        stream = await trio.open_tcp_stream("127.0.0.1", port_of())
        await stream.send_all(b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\n" + BEARS)
        await stream.send_all(b"Transfer-Encoding: chunked\r\n\r\n")
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await stream.send_all((b"100\r\n" + b" " * 256 + b"\r\n") * 64)
    await until(lambda: not servers[0]._connections, "the server has closed it, too")
    await stream.aclose()


async def test_a_body_that_comes_too_slowly_is_not_waited_for(
    port: int, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "BODY_S", 0.05)
    answer = await exchange(
        port, b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\n" + BEARS + b"Content-Length: 9\r\n\r\n{"
    )
    assert b" 408 " in answer.splitlines()[0] and recorder.asked == []


async def test_a_head_that_is_too_large_is_refused(port: int, client: httpx.AsyncClient) -> None:
    answer = await exchange(port, get(more=b"X-Much: " + b"x" * 200_000 + b"\r\n"))
    assert answer == b"" or b" 431 " in answer.splitlines()[0]
    assert await lives(client)


async def test_whoever_says_nothing_or_half_a_request_is_let_go(
    nursery: trio.Nursery, recorder: Recorder, port_of: Callable[[], int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "IDLE_S", 0.05)
    await nursery.start(serve_http, await listening(), recorder)
    for sent in (b"", b"GET /livez HT"):
        assert await exchange(port_of(), sent) == b""


GARBAGE = [
    b"\x00\xff\x16\x03\x01\r\n\r\n",
    b"*1\r\n$4\r\nPING\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    b"GET /%ff%00 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
    b"GET / HTTP/1.1\r\n\r\n",
    b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    b"POST /v1/check HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\xff" * 64,
    b"GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: !!!\r\n\r\n" + b"\x00" * 64,
    b"GET /v1/events HTTP/1.1\r\nHost: localhost\r\nConnection: upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
]


@pytest.mark.parametrize("sent", GARBAGE, ids=lambda each: repr(each[:24]))
async def test_garbage_ends_its_own_connection_only(
    port: int, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, sent: bytes
) -> None:
    with trio.fail_after(10):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            try:
                await stream.send_all(sent)
                await stream.send_eof()
                async for _ in stream:
                    pass
            except trio.BrokenResourceError:
                pass
    assert await lives(client)


@pytest.mark.parametrize("said", [b"", b"G"])
async def test_beyond_the_limit_the_one_that_was_silent_the_longest_gives_way(
    port: int, client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS_MAX", 3)
    silent = []
    for _ in range(9):
        silent.append(await trio.open_tcp_stream("127.0.0.1", port))
        await silent[-1].send_all(said)
        assert (await exchange(port, get())).startswith(b"HTTP/1.1 200")
    with trio.fail_after(5):  # the first have been closed by the server
        for stream in silent[:6]:
            assert await stream.receive_some() == b""
    for stream in silent:
        await stream.aclose()


async def test_who_is_asking_does_not_give_way_while_others_are_silent(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "CONNECTIONS_MAX", 3)
    with trio.fail_after(10):
        asking = await trio.open_tcp_stream("127.0.0.1", port)
        await asking.send_all(get()[:4])
        silent = [await trio.open_tcp_stream("127.0.0.1", port) for _ in range(6)]
        assert await silent[0].receive_some() == b""  # it gave way
        await asking.send_all(get()[4:])
        assert (await asking.receive_some()).startswith(b"HTTP/1.1 200")
    for stream in [asking, *silent]:
        await stream.aclose()


@pytest.fixture
def sending(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """What is being sent just now."""
    under_way: list[bytes] = []
    send = serving._Connection.send_all

    async def send_all(self: serving._Connection, data: bytes) -> None:
        under_way.append(data)
        try:
            await send(self, data)
        finally:
            under_way.remove(data)

    monkeypatch.setattr(serving._Connection, "send_all", send_all)
    return under_way


async def stick(port: int, sending: list[bytes]) -> trio.SocketStream:
    """Somebody who asks for more than any buffer of the kernel holds, and reads none."""
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    await stream.send_all(get(b"/v1/openapi.json").replace(b"Connection: close\r\n", b"") * 600)
    still = 0

    def stuck() -> bool:
        nonlocal still
        still = still + 1 if sending else 0
        return still > 15

    await until(stuck, "an answer is waiting to be read")
    return stream


async def test_one_that_does_not_read_cannot_keep_the_server_from_ending(
    recorder: Recorder, port_of: Callable[[], int], sending: list[bytes]
) -> None:
    began = 0.0
    async with trio.open_nursery() as nursery:
        await nursery.start(serve_http, await listening(), recorder)
        stream = await stick(port_of(), sending)
        began = trio.current_time()
        nursery.cancel_scope.cancel()
    await stream.aclose()
    assert trio.current_time() - began < 2


async def test_one_that_does_not_read_is_let_go(
    port: int, sending: list[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(serving, "TAKE_S", 0.3)
    async with await stick(port, sending) as stream:
        await until(lambda: not sending, "nothing is being sent any more")
        with pytest.raises(trio.BrokenResourceError):
            while True:
                await stream.send_all(b"GET ")
                await trio.sleep(0.01)


async def test_a_fault_in_the_protocol_ends_one_connection_and_the_log_has_it(
    port: int, client: httpx.AsyncClient, told: list[Told], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def burst(self: object) -> None:
        raise RuntimeError("a bug in a library")

    with monkeypatch.context() as broken:
        broken.setattr(serving._Speaking, "run", burst)
        assert await exchange(port, get()) == b""
    assert await lives(client)
    assert [event["where"] for event in told if event["event"] == "-fault"] == ["http"]


async def test_asking_again_after_the_last_answer_is_no_fault(
    port: int, client: httpx.AsyncClient, told: list[Told]
) -> None:
    last = b"GET /livez HTTP/1.0\r\n\r\n"
    for _ in range(60):  # it is a race: without care, every fourth is lost
        with trio.fail_after(10):
            async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
                await stream.send_all(last)
                await stream.receive_some()
                with contextlib.suppress(trio.BrokenResourceError):
                    await stream.send_all(last)
                    async for _ in stream:
                        pass
    assert await lives(client)
    assert not any(event["event"] == "-fault" for event in told)


async def test_an_address_that_cannot_be_listened_on_is_a_mistake_in_the_settings() -> None:
    [taken] = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = taken.socket.getsockname()[1]
    with pytest.raises(SettingsError, match=rf"--http: 127\.0\.0\.1:{port}: Address already in use"):
        await listen("--http", Address("127.0.0.1", port))
    await taken.aclose()


async def test_requests_beyond_what_can_be_under_way_at_once_are_told_to_come_again(
    port: int, client: httpx.AsyncClient, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "REQUESTS_MAX", 2)
    recorder.wait()
    async with trio.open_nursery() as nursery:
        for _ in range(2):
            nursery.start_soon(client.post, "/v1/switchover")
        await until(lambda: len(recorder.asked) == 2, "two are under way")
        answer = await client.get("/v1/status")
        assert (answer.status_code, json.loads(answer.text)["type"]) == (
            503,
            "urn:redis-baton:problem:crowded",
        )
        probes = [(await client.get(probe)).status_code for probe in ("/livez", "/readyz")]
        assert probes == [200, 200]  # who asks for these ends a process that does not answer
        recorder.go_on.set()
    assert (await client.get("/v1/status")).status_code == 200
