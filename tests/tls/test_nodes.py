"""The nodes' leg: whom the proxy believes, what it shows, and what is told where that does not fit."""

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests import encryption
from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer, direct_client, free_port
from tests.tls.authority import LONG_AGO, Authority, Papers
from tests.waiting import wait_until

Start = Callable[..., RedisServer]
Serve = Callable[..., BatonProcess]


def showing(papers: Papers, *, asks: bool = False) -> tuple[str, ...]:
    """Lines of a server that shows this certificate."""
    return (
        f"tls-cert-file {papers.certificate}",
        f"tls-key-file {papers.key}",
        f"tls-auth-clients {'yes' if asks else 'no'}",
    )


def why_not(proxy: BatonProcess) -> str:
    """What is told of the only node, which the proxy cannot reach."""
    wait_until(lambda: "-nodes-amiss" in proxy.log(), proxy.log)
    [line] = [line for line in proxy.log().splitlines() if "  +node " in line]
    return line.partition("why=")[2]


@pytest.mark.usefixtures("tls_on_every_leg")
def test_a_node_whose_authority_is_not_the_one_named_is_not_believed(
    redis_server: Start, baton: Serve, stranger: Authority
) -> None:
    proxy = baton(redis_server(*showing(stranger.issue())))
    assert "TLS: the other side's certificate is not good: " in why_not(proxy)


def test_a_node_with_an_expired_certificate_is_not_believed(
    tls_on_every_leg: Papers, redis_server: Start, baton: Serve, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "old")
    proxy = baton(
        redis_server(*showing(authority.issue(not_after=LONG_AGO))),
        *("--nodes-tls-ca-file", str(authority.ca)),
    )
    assert "certificate has expired" in why_not(proxy)


def test_a_nodes_certificate_must_be_for_its_host_or_for_the_name_that_is_set(
    tls_on_every_leg: Papers, redis_server: Start, baton: Serve, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "named")
    node = redis_server(*showing(authority.issue("redis.example.org")))
    proxy = baton(node, "--nodes-tls-ca-file", str(authority.ca))
    assert "IP address mismatch" in why_not(proxy)
    named = {"BATON_NODES_TLS_SERVER_NAME": "redis.example.org"}
    good = baton(node, "--nodes-tls-ca-file", str(authority.ca), environment=named)
    assert good.client().ping()


def test_an_address_that_stands_only_as_a_name_in_the_certificate_does_not_count(
    tls_on_every_leg: Papers, redis_server: Start, baton: Serve, tmp_path: Path
) -> None:
    authority = Authority(tmp_path / "names-only")
    proxy = baton(
        redis_server(*showing(authority.issue("localhost"))), "--nodes-tls-ca-file", str(authority.ca)
    )
    assert "IP address mismatch" in why_not(proxy)


@pytest.mark.usefixtures("tls_on_every_leg")
def test_a_node_that_wants_a_certificate_gets_the_one_that_is_set(
    redis_server: Start, baton: Serve, stranger: Authority
) -> None:
    node = redis_server()  # asks for one
    assert baton(node).client().set("shown", "x")
    nothing = {"BATON_NODES_TLS_CERTIFICATE_FILE": "", "BATON_NODES_TLS_KEY_FILE": ""}
    assert "the other side wants a certificate" in why_not(baton(node, environment=nothing))
    strange = stranger.issue("worker", called="strange-worker")
    wrong = {
        "BATON_NODES_TLS_CERTIFICATE_FILE": str(strange.certificate),
        "BATON_NODES_TLS_KEY_FILE": str(strange.key),
    }
    told = why_not(baton(node, environment=wrong))
    assert "does not trust who signed our certificate" in told or "refused" in told


def test_nodes_that_speak_tls_while_none_is_set_are_told_so(
    redis_server: Start, baton: Serve, tmp_path: Path
) -> None:
    with encryption.everywhere(tmp_path / "papers"):
        node = redis_server("tls-auth-clients no")
    assert "without a word; it may speak TLS" in why_not(baton(node))


def test_nodes_that_speak_none_while_it_is_set_are_told_so(
    redis_server: Start, baton: Serve, tmp_path: Path
) -> None:
    node = redis_server()
    with encryption.everywhere(tmp_path / "papers"):
        told = why_not(baton(node))
    assert "does not speak TLS" in told or "no answer in TLS within" in told


def test_a_switchover_over_tls_leaves_the_old_primary_following_over_tls(
    tls_on_every_leg: Papers, pair: Pair, baton: Serve
) -> None:
    proxy = baton(*pair)
    client = proxy.client()
    for number in range(4):
        assert client.set("carried", number)
        report = proxy.switchover()
        assert report["outcome"] == "done" and report["full_resyncs"] == 0
        assert client.get("carried") == str(number)
    pair.primary.command("PING")
    wait_until(lambda: pair.replica.info()["master_link_status"] == "up", lambda: str(pair.replica.info()))


def test_check_refuses_where_the_old_primary_could_not_follow(
    tls_on_every_leg: Papers, redis_server: Start, baton: Serve
) -> None:
    """The candidate follows over TLS, and tells its port with TLS; the primary would dial that without."""
    primary = redis_server("tls-replication no")
    replica = redis_server()
    replica.replicate(primary)
    replica.wait_link_up()
    proxy = baton(primary, replica)
    with pytest.raises(redis.ResponseError, match=r"REFUSED tls: tls-replication differs: .* without TLS"):
        proxy.switchover()


def test_replication_without_tls_beside_clients_with_it_is_carried(
    tls_on_every_leg: Papers, redis_server: Start, baton: Serve
) -> None:
    """Servers with two ports: replicas tell of the one without TLS, which the proxy does not use."""
    papers = tls_on_every_leg
    servers = []
    for _ in range(2):
        with_both = redis_server("tls-replication no")
        plain = direct_client(with_both.port)
        port = free_port()
        plain.config_set("port", port)
        servers.append((with_both, port))
    (primary, plain_port), (replica, _) = servers
    replica.command("REPLICAOF", "127.0.0.1", plain_port)
    replica.wait_link_up()
    proxy = baton(primary, replica)
    assert proxy.switchover()["outcome"] == "done", papers
    wait_until(lambda: primary.info().get("master_link_status") == "up", lambda: str(primary.info()))
