"""TLS on the console and on HTTP: who is let in, whose certificate is told, what a plain stranger gets."""

import functools
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import httpx
import pytest
import trio

from proxy.admin import welcome
from proxy.admin.console import serving as console_serving
from proxy.admin.http import serving as http_serving
from proxy.admin.http.serving import serve_http
from proxy.nodes.address import Address
from proxy.telling import Told
from proxy.transport.contexts import Served
from tests.admin.recorder import Recorder
from tests.admin.talking import connect, exchange, whole
from tests.binaries import ROOT
from tests.guarding.conftest import LOOKING, PASSWORD, console
from tests.http.recorder import Recorder as HttpRecorder
from tests.http.recorder import listening
from tests.tls.authority import Authority, Papers, trusting
from tests.waiting import until

OPERATOR = b"AUTH '%s'\r\n" % PASSWORD.encode()


async def secured(port: int, context: ssl.SSLContext) -> trio.SSLStream[trio.SocketStream]:
    stream = await trio.open_tcp_stream("127.0.0.1", port)
    found = trio.SSLStream(stream, context, server_hostname="localhost", https_compatible=True)
    await found.do_handshake()
    return found


async def ask(port: int, context: ssl.SSLContext, said: bytes) -> bytes:
    """What is answered to who says that and QUIT."""
    async with await secured(port, context) as stream:
        await stream.send_all(said + b"QUIT\r\n")
        return b"".join([bytes(data) async for data in stream])


def denials(told: list[Told]) -> list[str]:
    return [event["why"] for event in told if event["event"] == "-not-secured"]


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_the_console_speaks_tls(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, version: ssl.TLSVersion
) -> None:
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, None))
    context = trusting(papers.ca)
    context.minimum_version = context.maximum_version = version
    assert await ask(port, context, b"PING\r\n") == b"-NOAUTH Authentication required.\r\n+OK\r\n"
    assert await ask(port, context, OPERATOR + b"PING\r\n") == b"+OK\r\n+PONG\r\n+OK\r\n"
    long = await ask(port, context, OPERATOR + 4 * b"COMMAND DOCS\r\n")  # in many records
    assert len(long) > 36_000 and long.endswith(b"+OK\r\n")


async def test_what_is_not_tls_is_closed_unanswered_and_told(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, told: list[Told]
) -> None:
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, None))
    for said in (b"PING\r\n", b"*1\r\n$4\r\nPING\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 100):
        assert b"PONG" not in await exchange(port, said)
    await until(lambda: len(denials(told)) == 4, "all are told")
    assert {"the other side does not speak TLS"} <= set(denials(told))
    assert all(event["face"] == "console" and event["peer"].startswith("127.0.0.1:") for event in told)
    assert await ask(port, trusting(papers.ca), OPERATOR) == b"+OK\r\n+OK\r\n"


async def test_who_does_not_shake_hands_is_closed_in_time(
    nursery: trio.Nursery,
    recorder: Recorder,
    papers: Papers,
    monkeypatch: pytest.MonkeyPatch,
    told: list[Told],
) -> None:
    monkeypatch.setattr(welcome, "HANDSHAKE_S", 0.05)
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, None))
    async with await connect(port) as silent:
        assert await whole(silent) == b""
    assert denials(told) == ["no TLS handshake within 0.05 s"]


async def test_the_silent_give_way_at_the_console_though_it_has_no_password(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    recorder.admin_password = None
    monkeypatch.setattr(console_serving, "VISITORS_MAX", 3)
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, None))
    silent = [await connect(port) for _ in range(6)]
    assert await ask(port, trusting(papers.ca), b"PING\r\n") == b"+PONG\r\n+OK\r\n"
    for stream in silent:
        await stream.aclose()


@pytest.fixture
def ops(authority: Authority) -> Papers:
    return authority.issue("ops.example", called="ops")


async def test_with_client_certificates_who_has_one_is_the_operator_and_is_named(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, ops: Papers, told: list[Told]
) -> None:
    recorder.admin_password = None
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, papers.ca))
    reply = await ask(port, trusting(papers.ca, ops), b"RELEASE\r\n")
    assert b"held_ms" in reply
    asked = next(event for event in told if event["event"] == "+asked")
    assert (asked["role"], asked["face"]) == ("operator", "console")
    assert "O=" in asked["subject"] and "ops.example" not in asked["peer"]


async def test_who_shows_no_certificate_is_told_so_and_let_in_nowhere(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, tmp_path: Path, told: list[Told]
) -> None:
    recorder.admin_password = None
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, papers.ca))
    with pytest.raises((trio.BrokenResourceError, ssl.SSLError)) as fault:
        await ask(port, trusting(papers.ca), b"RELEASE\r\n")
    assert "CERTIFICATE_REQUIRED" in str(fault.value.__cause__).upper().replace(" ", "_")
    stranger = Authority(tmp_path, "another").issue("ops.example", called="stranger")
    context = trusting(papers.ca)
    context.load_cert_chain(stranger.certificate, stranger.key)
    with pytest.raises((trio.BrokenResourceError, ssl.SSLError)):
        await ask(port, context, b"RELEASE\r\n")
    assert denials(told)[0] == "the other side showed no certificate"
    assert denials(told)[1].startswith("the other side's certificate is not good: ")
    assert recorder.asked == []


async def test_a_certificate_does_not_replace_the_password_where_there_is_one(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, ops: Papers
) -> None:
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, papers.ca))
    context = trusting(papers.ca, ops)
    assert (await ask(port, context, b"RELEASE\r\n")).startswith(b"-NOAUTH")
    assert b"-NOPERM" in await ask(port, context, b"AUTH viewer %s\r\nRELEASE\r\n" % LOOKING.encode())


async def test_redis_cli_speaks_it(nursery: trio.Nursery, recorder: Recorder, papers: Papers) -> None:
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, None))
    command = ["redis-cli", "-p", str(port), "-h", "localhost", "--tls", "--cacert", str(papers.ca), "PING"]
    run = functools.partial(
        subprocess.run,
        text=True,
        capture_output=True,
        env={"REDISCLI_AUTH": PASSWORD, "PATH": "/usr/bin:/bin"},
    )
    done = await trio.to_thread.run_sync(run, command)
    assert done.stdout == "PONG\n", done.stderr


async def baton(port: int, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command line, asked for the history."""
    command = [sys.executable, "-m", "proxy.cli", "history", "--admin", f"localhost:{port}", *flags]
    run = functools.partial(
        subprocess.run,
        command,
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={"BATON_ADMIN_PASSWORD": PASSWORD, "PATH": "/usr/bin:/bin", **environment},
    )
    return await trio.to_thread.run_sync(run)


async def test_the_command_line_speaks_it(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, ops: Papers, tmp_path: Path
) -> None:
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, None))
    done = await baton(port, "--tls-ca-file", str(papers.ca))
    assert done.returncode == 0, done.stderr
    done = await baton(port, BATON_CONSOLE_TLS_CA_FILE=str(papers.ca))
    assert done.returncode == 0, done.stderr
    # Beside the proxy its own settings suffice: its certificate is known by itself.
    done = await baton(port, BATON_ADMIN_TLS_CERTIFICATE_FILE=str(papers.certificate))
    assert done.returncode == 0, done.stderr
    other = Authority(tmp_path, "another").issue("localhost", called="other")
    done = await baton(port, BATON_ADMIN_TLS_CERTIFICATE_FILE=str(other.certificate))
    assert done.returncode == 1 and "certificate is not good" in done.stderr
    done = await baton(port, "--tls")  # the system has never heard of who signed it
    assert done.returncode == 1 and "certificate is not good" in done.stderr
    done = await baton(port)
    assert done.returncode == 1 and "--tls" in done.stderr, done.stderr
    done = await baton(port, "--tls-ca-file", str(tmp_path / "none"))
    assert (done.returncode, done.stderr) == (
        2,
        f"baton: --tls-ca-file: {tmp_path / 'none'}: No such file or directory\n",
    )


async def test_the_command_line_shows_a_certificate(
    nursery: trio.Nursery, recorder: Recorder, papers: Papers, ops: Papers
) -> None:
    port = await console(nursery, recorder, Served(papers.certificate, papers.key, papers.ca))
    trust = ("--tls-ca-file", str(papers.ca))
    shown = ("--tls-certificate-file", str(ops.certificate), "--tls-key-file", str(ops.key))
    done = await baton(port, *trust, *shown)
    assert done.returncode == 0, done.stderr
    done = await baton(port, *trust)
    assert done.returncode == 1 and "wants a certificate" in done.stderr, done.stderr


async def https(nursery: trio.Nursery, papers: Papers, ca: bool = False) -> int:
    listeners = await listening()
    served = Served(papers.certificate, papers.key, papers.ca if ca else None)
    await nursery.start(serve_http, listeners, HttpRecorder(), served)
    return Address.parse("{}:{}".format(*listeners[0].socket.getsockname()[:2])).port


async def test_http_is_https(nursery: trio.Nursery, papers: Papers) -> None:
    port = await https(nursery, papers)
    async with httpx.AsyncClient(verify=trusting(papers.ca), base_url=f"https://localhost:{port}") as client:
        for path in ("/livez", "/v1/status", "/", "/v1/openapi.json"):
            answer = await client.get(path)
            assert answer.status_code == 200, path
    async with httpx.AsyncClient(base_url=f"http://localhost:{port}") as client:
        with pytest.raises(httpx.TransportError):
            await client.get("/livez")


async def test_the_silent_do_not_keep_the_probes_out(
    nursery: trio.Nursery, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_serving, "CONNECTIONS_MAX", 4)
    port = await https(nursery, papers)
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
    async with httpx.AsyncClient(verify=trusting(papers.ca), base_url=f"https://localhost:{port}") as client:
        assert (await client.get("/livez")).status_code == 200
    for each in silent:
        each.close()


async def test_http_wants_certificates_too(
    nursery: trio.Nursery, papers: Papers, ops: Papers, told: list[Told]
) -> None:
    port = await https(nursery, papers, ca=True)
    base = f"https://localhost:{port}"
    async with httpx.AsyncClient(verify=trusting(papers.ca, ops), base_url=base) as client:
        assert (await client.get("/livez")).status_code == 200
        answer = await client.post("/v1/release")  # whoever it is, the token is wanted
        assert answer.status_code == 401
        token = {"Authorization": "Bearer swordfish-23"}
        assert (await client.post("/v1/release", headers=token)).status_code == 200
    [asked] = [event for event in told if event["event"] == "+asked"]
    assert asked["face"] == "http" and "O=" in asked["subject"] and asked["role"] == "operator"
    async with httpx.AsyncClient(verify=trusting(papers.ca), base_url=base) as client:
        with pytest.raises(httpx.TransportError):
            await client.get("/livez")
