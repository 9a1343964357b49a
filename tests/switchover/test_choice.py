"""The best replica is chosen, and found in what the primary says of its replicas."""

import pytest

from proxy.switchover.facts import NodeFacts
from proxy.switchover.preflight.choice import NoCandidateError, UnclearError, announced, choose
from tests.switchover.fabricated import CANDIDATE, CANDIDATE_INFO, PRIMARY, configured, node, said


def replica(host: str, **info: str) -> NodeFacts:
    return said(node(host, CANDIDATE_INFO), **info)


def test_the_lowest_priority_wins() -> None:
    replicas = [replica("a"), replica("b", slave_priority="10", slave_repl_offset="1"), replica("c")]
    assert choose(PRIMARY, replicas) is replicas[1]


def test_among_equals_the_least_lag_wins_and_then_the_first() -> None:
    replicas = [replica("a", slave_repl_offset="1"), replica("b"), replica("c")]
    assert choose(PRIMARY, replicas) is replicas[1]


@pytest.mark.parametrize(
    ("info", "why"),
    [
        ({"master_link_status": "down"}, "a:6379 has lost its link to the primary"),
        ({"slave_priority": "0"}, "a:6379 has replica-priority 0"),
        ({"master_replid": "x"}, "a:6379 has another history than the primary"),
        ({"role": "master"}, "a:6379 is a primary itself"),
    ],
)
def test_a_replica_with_a_flaw_is_not_chosen(info: dict[str, str], why: str) -> None:
    flawed, fit = replica("a", **info), replica("b", slave_priority="200", slave_repl_offset="1")
    assert choose(PRIMARY, [flawed, fit]) is fit
    with pytest.raises(NoCandidateError, match=f"^{why}$"):
        choose(PRIMARY, [flawed])


def test_all_flaws_are_told() -> None:
    with pytest.raises(NoCandidateError, match="a:6379 has replica-priority 0; b:6379: INFO has no role"):
        choose(PRIMARY, [replica("a", slave_priority="0"), node("b", {})])


def test_no_replica_is_told() -> None:
    with pytest.raises(NoCandidateError, match="has no replica among the nodes"):
        choose(PRIMARY, [])


def seeing(*replicas: str) -> NodeFacts:
    lines = {f"slave{n}": _line(replica) for n, replica in enumerate(replicas)}
    return said(PRIMARY, connected_slaves=str(len(replicas)), **lines)


def _line(replica: str) -> str:
    ip, _, port = replica.rpartition(":")
    return f"ip={ip},port={port},state=online,offset=1,lag=0"


CLEAR = [
    ("the same host and port", seeing("10.0.0.2:6379"), CANDIDATE, ("10.0.0.2", 6379)),
    ("one of several", seeing("10.0.0.3:6379", "10.0.0.2:6379"), CANDIDATE, ("10.0.0.2", 6379)),
    ("IPv6", seeing("fd00::2:6379"), node("fd00::2", CANDIDATE_INFO), ("fd00::2", 6379)),
    ("only one has the port", seeing("172.17.0.2:6379", "172.17.0.3:6380"), CANDIDATE, ("172.17.0.2", 6379)),
    (
        "the port is the server's own, not that of a mapping",
        seeing("172.17.0.2:7001"),
        said(configured(CANDIDATE, port="7001"), tcp_port="7001"),
        ("172.17.0.2", 7001),
    ),
    (
        "an announced port",
        seeing("10.0.0.2:30001", "10.0.0.2:30002"),
        configured(CANDIDATE, replica_announce_port="30002"),
        ("10.0.0.2", 30002),
    ),
    (
        "an announced name",
        seeing("redis-1:6379", "redis-2:6379"),
        configured(CANDIDATE, replica_announce_ip="redis-1"),
        ("redis-1", 6379),
    ),
    (
        "the port for TLS",
        seeing("10.0.0.2:6380"),
        configured(CANDIDATE, tls_replication="yes", tls_port="6380"),
        ("10.0.0.2", 6380),
    ),
    (
        "an announced name, and the port for TLS",
        seeing("redis-1:6380"),
        configured(CANDIDATE, replica_announce_ip="redis-1", tls_replication="yes", tls_port="6380"),
        ("redis-1", 6380),
    ),
]


@pytest.mark.parametrize(
    ("primary", "candidate", "expected"), [row[1:] for row in CLEAR], ids=[r[0] for r in CLEAR]
)
def test_a_candidate_is_found_among_the_replicas(
    primary: NodeFacts, candidate: NodeFacts, expected: tuple[str, int]
) -> None:
    assert announced(primary, candidate) == expected


def test_what_the_operator_set_goes_before_everything() -> None:
    assert announced(seeing(), CANDIDATE, ("redis-1", 7000)) == ("redis-1", 7000)


UNCLEAR = [
    ("none", seeing(), "(none)"),
    ("another port", seeing("10.0.0.2:7000"), "(10.0.0.2:7000)"),
    (
        "two that could be it",
        seeing("172.17.0.2:6379", "172.17.0.3:6379"),
        "(172.17.0.2:6379, 172.17.0.3:6379)",
    ),
    ("it follows a replica", seeing("10.0.0.1:6379"), "follows another replica, 10.0.0.1:6379"),
]


@pytest.mark.parametrize(("primary", "says"), [row[1:] for row in UNCLEAR], ids=[row[0] for row in UNCLEAR])
def test_a_candidate_that_cannot_be_told_apart_is_an_error(primary: NodeFacts, says: str) -> None:
    with pytest.raises(UnclearError) as caught:
        announced(primary, CANDIDATE)
    assert says in str(caught.value)
