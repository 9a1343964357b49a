"""Behind a load balancer: its PROXY headers name the real client, and are believed from nowhere else."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

import pytest

from tests.baton import BatonProcess
from tests.limits.conftest import Beside, Limited
from tests.limits.events import told_of
from tests.limits.headers import block, line, local_block
from tests.limits.visitors import FULL, PING, PONG, Visitors
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.tls.authority import Authority, trusting
from tests.waiting import wait_until

BALANCER, ELSEWHERE = "127.0.0.5", "127.0.0.1"


@pytest.fixture
def trusted(limited: Limited) -> BatonProcess:
    """It believes what comes from one address."""
    return limited(
        proxy_proxy_protocol_from=f"{BALANCER} 10.0.0.0/8", clients_per_address=2, handshake_ms=700
    )


def named(proxy: BatonProcess) -> set[str]:
    """Where clients are, as the console tells it."""
    found = {dict(pair.split("=", 1) for pair in each.split())["addr"] for each in proxy.admin("CLIENTS")}
    return {address for address in found if not address.startswith(f"{ELSEWHERE}:")}


@pytest.mark.parametrize(
    ("header", "name"),
    [
        (line("192.0.2.7", 4711), "192.0.2.7:4711"),
        (block("192.0.2.7", 4711, b"\x03\0\x04crc?"), "192.0.2.7:4711"),
        (line("2001:db8::7", 4711), "[2001:db8::7]:4711"),
        (block("2001:db8::7", 4711), "[2001:db8::7]:4711"),
    ],
)
def test_a_client_is_who_the_header_names_wherever_it_is_told(
    trusted: BatonProcess, visitors: Visitors, header: bytes, name: str
) -> None:
    talk = visitors.come(trusted, BALANCER, header + PING)  # all in one packet
    talk.expect(PONG)
    assert named(trusted) == {name}
    other = visitors.come(trusted)
    assert f" addr={name} " in str(other.ask("CLIENT", "LIST"))
    assert f" addr={name} " in str(talk.ask("CLIENT", "INFO"))
    assert other.ask("CLIENT", "KILL", "ADDR", name) == 1
    assert talk.rest() == b""
    talk = visitors.come(trusted, BALANCER, header)
    assert talk.ask("PING") == "PONG"
    assert other.ask("CLIENT", "KILL", name) == "OK"
    assert talk.rest() == b""


def test_a_header_may_come_byte_by_byte(trusted: BatonProcess, visitors: Visitors) -> None:
    for header in (line("192.0.2.7", 1), block("192.0.2.7", 2)):
        talk = visitors.come(trusted, BALANCER)
        talk.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for byte in header + PING:
            talk.socket.sendall(bytes((byte,)))
        talk.expect(PONG)
    assert named(trusted) == {"192.0.2.7:1", "192.0.2.7:2"}


def test_a_check_of_the_balancers_own_is_the_balancers(trusted: BatonProcess, visitors: Visitors) -> None:
    for header in (local_block(), b"PROXY UNKNOWN\r\n"):
        talk = visitors.come(trusted, BALANCER, header + PING)
        talk.expect(PONG)
        assert all(name.startswith(f"{BALANCER}:") for name in named(trusted))


def test_from_elsewhere_a_header_is_what_it_is_to_redis(
    trusted: BatonProcess, node: RedisServer, visitors: Visitors
) -> None:
    first = line("192.0.2.7", 1) + PING
    straight, talk = visitors.come(node, first=first), visitors.come(trusted, first=first)
    told = straight.replies(2)
    assert "unknown command" in str(told[0]) and told[1] == "PONG"
    assert [str(reply) for reply in talk.replies(2)] == [str(reply) for reply in told]
    assert "192.0.2.7" not in str(trusted.admin("CLIENTS"))


@pytest.mark.parametrize("first", [PING, b"PROXY TCP4 x x 1 1\r\n", b"\r\n\r\n\0\r\nQUIT\n\x31\x11\0\0"])
def test_without_a_header_the_balancer_is_not_let_in(
    trusted: BatonProcess, beside: Beside, visitors: Visitors, first: bytes
) -> None:
    beside(trusted)
    assert visitors.come(trusted, BALANCER, first).rest() == b""
    wait_until(lambda: told_of(trusted, "-client-refused"), "it is told of")
    [event] = told_of(trusted, "-client-refused")
    assert event["limit"] == "proxy_header" and event["address"].startswith(BALANCER) and event["why"]
    assert trusted.admin("INFO", "stats")["rejected_connections"] == 1


def test_the_share_of_an_address_is_that_of_the_real_client(
    trusted: BatonProcess, beside: Beside, visitors: Visitors
) -> None:
    beside(trusted)
    for port in (1, 2):
        visitors.come(trusted, BALANCER, line("192.0.2.7", port) + PING).expect(PONG)
    assert visitors.come(trusted, BALANCER, line("192.0.2.7", 3) + PING).rest() == FULL
    visitors.come(trusted, BALANCER, block("192.0.2.8", 4) + PING).expect(PONG)


def test_who_does_not_finish_its_header_is_closed_and_harms_nobody(
    trusted: BatonProcess, beside: Beside, visitors: Visitors
) -> None:
    beside(trusted)
    slow = [visitors.come(trusted, BALANCER, b"PROXY TCP4 192."[:size]) for size in range(15)]
    assert [talk.rest() for talk in slow] == [b""] * 15
    assert trusted.admin("INFO", "stats")["rejected_connections"] == 15
    assert {event["limit"] for event in told_of(trusted, "-client-refused")} == {"handshake_ms"}


class Encrypted:
    """The same with TLS behind the header."""

    def __init__(self, proxy: BatonProcess, authority: Authority, visitors: Visitors) -> None:
        [_, event] = told_of(proxy, "+serving")
        assert event["tls"] == "true"
        self.port = int(event["address"].rpartition(":")[2])
        self._context = trusting(authority.ca)
        self._visitors = visitors
        self.wrapped: list[ssl.SSLSocket] = []

    def come(self, source: str, header: bytes = b"") -> Talk:
        talk = self._visitors.come(self.port, source, header)
        self.wrapped.append(self._context.wrap_socket(talk.socket, server_hostname="localhost"))
        return Talk(self.wrapped[-1])


@pytest.fixture
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture
def encrypted(
    limited: Limited, authority: Authority, visitors: Visitors
) -> Iterator[tuple[BatonProcess, Encrypted]]:
    papers = authority.issue()
    proxy = limited(
        *("--tls-listen", "127.0.0.1:0"),
        *("--tls-certificate-file", str(papers.certificate), "--tls-key-file", str(papers.key)),
        proxy_proxy_protocol_from=BALANCER,
        clients=3,
        handshake_ms=700,
    )
    made = Encrypted(proxy, authority, visitors)
    yield proxy, made
    for sock in made.wrapped:
        sock.close()


def test_with_tls_the_header_comes_first_and_all_limits_hold(
    encrypted: tuple[BatonProcess, Encrypted], beside: Beside, visitors: Visitors
) -> None:
    proxy, tls = encrypted
    beside(proxy)
    talk = tls.come(BALANCER, block("192.0.2.7", 9))
    assert talk.ask("PING") == "PONG"
    assert named(proxy) == {"192.0.2.7:9"}
    assert tls.come(ELSEWHERE).ask("PING") == "PONG"  # from there without one
    assert visitors.come(tls.port).rest() == b""  # the fourth, as by Redis: closed without a word
    talk.socket.close()
    wait_until(lambda: proxy.admin("INFO", "clients")["connected_clients"] == 2, "it is gone")
    silent = visitors.come(tls.port, first=b"\x16\x03\x01")
    assert silent.rest() == b""  # the handshake's time is over
    wrong = visitors.come(tls.port, first=PING + b"?" * 99)
    assert PONG not in wrong.rest()
    wait_until(lambda: len(told_of(proxy, "-client-refused")) == 3, "each was told of")
    assert [event["limit"] for event in told_of(proxy, "-client-refused")] == [
        "clients",
        "handshake_ms",
        "tls",
    ]


def test_who_shakes_hands_while_a_switchover_comes_is_let_in_behind_it(
    pair: Pair, baton: object, visitors: Visitors
) -> None:
    proxy: BatonProcess = baton(*pair, environment={"BATON_PROXY_PROXY_PROTOCOL_FROM": BALANCER})  # type: ignore[operator]
    header = line("192.0.2.7", 1)
    begun = [visitors.come(proxy, BALANCER, header[:size]) for size in (0, 1, 20, len(header) - 1)]
    proxy.admin("HOLD", "10000")
    begun += [visitors.come(proxy, BALANCER, header[:7])]
    begun[0].socket.sendall(header)
    proxy.admin("RELEASE")
    assert proxy.switchover()["outcome"] == "done"
    for talk, size in zip(begun, (len(header), 1, 20, len(header) - 1, 7), strict=True):
        talk.socket.sendall(header[size:] + b"*2\r\n$4\r\nINCR\r\n$1\r\nn\r\n")
    assert sorted(talk.reply() for talk in begun) == [1, 2, 3, 4, 5]
    assert int(pair.replica.command("GET", "n")) == 5
