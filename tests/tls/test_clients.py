"""The clients' leg: who is let in, what he is shown, and that he is served like one without TLS."""

import os
import socket
import ssl
import subprocess
from contextlib import ExitStack
from threading import Thread

import pytest

from tests.servers import RedisServer
from tests.tls.authority import LONG_AGO, Authority, trusting
from tests.tls.legs import Face, ask, command, line, read, start_face
from tests.waiting import wait_until

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_client_with_tls_and_one_without_are_served_side_by_side(
    face: Face, version: ssl.TLSVersion
) -> None:
    context = trusting(face.papers.ca)
    context.minimum_version = context.maximum_version = version
    with face.connect(context) as secured, face.proxy.raw() as plain:
        assert ask(secured, "SET", "side", "by") == b"+OK\r\n"
        assert ask(plain, "STRLEN", "side") == b":2\r\n"
        assert secured.version() == version.name.replace("_", ".")


def test_what_is_older_than_tls_1_2_is_refused_in_words(face: Face) -> None:
    command_line = ["openssl", "s_client", "-connect", f"127.0.0.1:{face.port}", "-tls1_1"]
    command_line += ["-cipher", "ALL:@SECLEVEL=0"]
    done = subprocess.run(command_line, input=b"", capture_output=True, timeout=30, check=False)
    assert done.returncode and b"protocol version" in done.stderr
    wait_until(lambda: any("is not TLS 1.2 or later" in why for why in face.refusals()), face.proxy.log)


def test_renegotiation_is_refused(face: Face) -> None:
    """In TLS 1.2 a client could make the proxy calculate, again and again, over one connection."""
    command_line = ["openssl", "s_client", "-connect", f"127.0.0.1:{face.port}", "-tls1_2", "-msg"]
    with subprocess.Popen(
        command_line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    ) as openssl:
        assert openssl.stdin is not None and openssl.stdout is not None
        openssl.stdin.write(b"R\n")  # its own way to ask for one
        openssl.stdin.flush()
        said = b""
        while b"no_renegotiation" not in said and (piece := os.read(openssl.stdout.fileno(), 65536)):
            said += piece
        openssl.kill()
    assert b"no_renegotiation" in said


def test_a_client_that_does_not_trust_the_authority_goes_away_and_it_is_told(
    face: Face, stranger: Authority
) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match=r"self-signed|unable to get"):
        face.connect(trusting(stranger.ca))
    wait_until(lambda: any("does not trust who signed" in why for why in face.refusals()), face.proxy.log)


def test_a_client_that_expects_another_name_goes_away(face: Face) -> None:
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        face.connect(name="redis.example.org")


@pytest.mark.parametrize(
    "said", [b"*1\r\n$4\r\nPING\r\n", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff"]
)
def test_who_speaks_no_tls_is_closed_and_nobody_else_is_disturbed(strict: Face, said: bytes) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), 10) as connection:
        connection.sendall(said)
        seen = b""
        while piece := connection.recv(100):
            seen += piece
    assert not seen.startswith(b"+PONG")
    with strict.proxy.raw() as other:
        assert ask(other, "PING") == b"+PONG\r\n"


def test_half_a_handshake_has_a_limit(strict: Face) -> None:
    with socket.create_connection(("127.0.0.1", strict.port), 10) as connection:
        connection.sendall(b"\x16\x03\x01")
        assert connection.recv(100) == b""
    wait_until(lambda: "limit=handshake_ms" in strict.proxy.log(), strict.proxy.log)


def test_a_client_must_show_a_certificate_where_that_is_wanted(strict: Face, authority: Authority) -> None:
    shown = authority.issue("worker", called="worker")
    with strict.connect(trusting(authority.ca, shown)) as known:
        assert ask(known, "PING") == b"+PONG\r\n"


def refused(face: Face, context: ssl.SSLContext) -> None:
    """In TLS 1.3 a client knows only when it receives."""
    with pytest.raises(OSError, match=r"alert|reset|closed"), face.connect(context) as connection:
        connection.sendall(command("PING"))
        if not connection.recv(1):
            raise ConnectionError("closed")


@pytest.mark.parametrize("version", VERSIONS)
def test_without_one_it_is_refused(strict: Face, authority: Authority, version: ssl.TLSVersion) -> None:
    context = trusting(authority.ca)
    context.maximum_version = version
    refused(strict, context)
    wait_until(lambda: any("showed no certificate" in why for why in strict.refusals()), strict.proxy.log)


def test_with_a_strangers_it_is_refused(strict: Face, authority: Authority, stranger: Authority) -> None:
    refused(strict, trusting(authority.ca, stranger.issue("worker")))


def test_with_an_expired_one_it_is_refused(strict: Face, authority: Authority) -> None:
    old = authority.issue("worker", called="old", not_after=LONG_AGO)
    refused(strict, trusting(authority.ca, old))
    wait_until(lambda: any("expired" in why for why in strict.refusals()), strict.proxy.log)


def test_a_pipeline_in_the_first_flight_is_answered(face: Face) -> None:
    """The last bytes of the handshake and the first commands come in one piece: epoll never tells of them."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    way = trusting(face.papers.ca).wrap_bio(back, there, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", face.port), 10) as raw:
        while True:
            try:
                way.do_handshake()
                break
            except ssl.SSLWantReadError:
                raw.sendall(there.read())
                back.write(raw.recv(65536))
        for number in range(20):
            way.write(command("SETEX", f"flight-{number}", "60", "x"))
        raw.sendall(there.read())  # Finished, and all of these
        answers = b""
        while answers.count(b"\r\n") < 20:
            back.write(raw.recv(65536))
            try:
                while piece := way.read(65536):
                    answers += piece
            except ssl.SSLWantReadError:
                pass
    assert answers == 20 * b"+OK\r\n"


@pytest.mark.parametrize("version", VERSIONS)
def test_big_values_pass_both_ways_past_a_slow_reader(face: Face, version: ssl.TLSVersion) -> None:
    context = trusting(face.papers.ca)
    context.maximum_version = version
    value = bytes(range(256)) * 80_000  # 20 MB
    with face.connect(context) as slow, face.connect(context) as other:
        slow.sendall(command("SET", "big", value))
        assert line(slow) == b"+OK\r\n"
        slow.sendall(3 * command("GET", "big"))
        for _ in range(20):  # what the slow one leaves unread keeps nobody waiting
            assert ask(other, "PING") == b"+PONG\r\n"
        for _ in range(3):
            assert line(slow) == b"$%d\r\n" % len(value)
            assert read(slow, len(value) + 2) == value + b"\r\n"
        assert ask(slow, "DEL", "big") == b":1\r\n"


def test_both_sides_may_send_at_the_same_time(face: Face) -> None:
    value = b"y" * 200_000
    with face.connect() as client:
        sender = Thread(target=client.sendall, args=(60 * command("ECHO", value),))
        sender.start()
        for _ in range(60):
            assert line(client) == b"$200000\r\n"
            assert read(client, len(value) + 2) == value + b"\r\n"
        sender.join()


@pytest.mark.parametrize("how", ["says so", "just goes"])
def test_an_element_is_not_popped_for_a_client_that_has_gone(face: Face, node: RedisServer, how: str) -> None:
    client = face.connect()
    blocked = int(node.info("clients")["blocked_clients"])
    client.sendall(command("BLPOP", "queue", "0"))
    wait_until(lambda: node.info("clients")["blocked_clients"] == blocked + 1, "it is blocked")
    if how == "says so":
        client.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()  # close_notify, and no FIN
    else:
        client.close()
    wait_until(lambda: node.info("clients")["blocked_clients"] == blocked, "the node freed it")
    node.command("RPUSH", "queue", "element")
    assert node.command("LPOP", "queue") == "element"
    client.close()


def test_a_client_that_ends_its_side_gets_what_it_is_owed(face: Face) -> None:
    with face.connect() as client:
        client.sendall(command("SET", "owed", "x") + command("GET", "owed"))
        client.settimeout(0)
        with pytest.raises(ssl.SSLWantReadError):
            client.unwrap()
        client.settimeout(10)
        assert read(client, 12) == b"+OK\r\n$1\r\nx\r\n"
        with pytest.raises(ssl.SSLZeroReturnError):  # both have said so
            client.recv(10)


def test_quit_is_answered_and_the_end_is_said(face: Face) -> None:
    """A client that is told of no end must fear that something was cut off."""
    with face.connect() as client:
        client.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # typeshed forgot it
        assert ask(client, "QUIT") == b"+OK\r\n"
        assert client.recv(10) == b""


def test_client_list_has_the_clients_own_end(face: Face) -> None:
    with face.connect() as client:
        host, port = client.getsockname()
        client.sendall(command("CLIENT", "INFO"))
        size = int(line(client)[1:])
        assert f"addr={host}:{port} ".encode() in read(client, size + 2)


def test_a_new_certificate_is_shown_without_a_restart_and_nobody_is_disturbed(
    node: RedisServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    authority = Authority(tmp_path_factory.mktemp("changing"))
    papers = authority.issue()
    with ExitStack() as started:
        face = start_face(started, node, tmp_path_factory.mktemp("changing-face"), papers)
        with face.connect() as before:
            first = before.getpeercert(binary_form=True)
            authority.issue()  # the files change in place
            wait_until(lambda: shown(face) != first, face.proxy.log)
            assert ask(before, "PING") == b"+PONG\r\n"
            papers.key.write_text("not a key")
            wait_until(lambda: "-certificate-not-reloaded" in face.proxy.log(), face.proxy.log)
            assert shown(face) != first, "the last good one stays in force"
            assert ask(before, "PING") == b"+PONG\r\n"


def shown(face: Face) -> bytes | None:
    with face.connect() as client:
        return client.getpeercert(binary_form=True)
