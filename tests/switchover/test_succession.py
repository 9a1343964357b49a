"""Who succeeded whom is concluded from histories, and doubted wherever they do not say it plainly."""

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.switchover.facts import PING_BYTES, PROVABLE_BYTES, Standing
from proxy.switchover.succession import Ambiguous, Finish, Settled, decide

OLD = Standing("10.0.0.1:6379", "run-1", True, replid="X", replid2="0", offset=1000, second_offset=-1)
NEW = Standing("10.0.0.2:6379", "run-2", True, replid="Y", replid2="X", offset=1000, second_offset=1001)


def at(offset: int) -> Standing:
    return attrs.evolve(OLD, offset=offset)


def test_one_primary_is_the_primary() -> None:
    assert decide([OLD]) == Settled(OLD)


def test_no_primary_is_nobody_s_to_guess() -> None:
    assert decide([]) == Ambiguous("no node is primary")


@pytest.mark.parametrize("offset", [0, 999, 1000])
def test_a_stale_primary_that_is_not_ahead_is_to_be_demoted(offset: int) -> None:
    assert decide([at(offset), NEW]) == decide([NEW, at(offset)]) == Finish(at(offset), NEW, 0)


@pytest.mark.parametrize("pings", [1, 7, PROVABLE_BYTES // PING_BYTES])
def test_what_may_be_pings_has_to_be_proven(pings: int) -> None:
    stale = at(1000 + pings * PING_BYTES)
    assert decide([stale, NEW]) == Finish(stale, NEW, pings * PING_BYTES)


@pytest.mark.parametrize("surplus", [1, 13, 15, PING_BYTES * (PROVABLE_BYTES // PING_BYTES + 1)])
def test_what_cannot_be_pings_alone_is_ambiguous(surplus: int) -> None:
    decision = decide([at(1000 + surplus), NEW])
    assert isinstance(decision, Ambiguous)
    assert f"written to since: {surplus} bytes that 10.0.0.2:6379 does not have" in decision.why


def test_primaries_without_a_common_history_are_ambiguous() -> None:
    stranger = attrs.evolve(NEW, replid2="Z")
    decision = decide([OLD, stranger])
    assert decision == Ambiguous(
        "10.0.0.1:6379 and 10.0.0.2:6379 both call themselves primary, and neither took over from the other"
    )


def test_two_that_took_over_from_the_same_are_ambiguous() -> None:
    restarted = attrs.evolve(OLD, replid="Z", replid2="X", second_offset=1001)
    assert isinstance(decide([restarted, NEW]), Ambiguous)


def test_fresh_servers_are_ambiguous() -> None:
    fresh = [attrs.evolve(OLD, replid=name, address=name, offset=0) for name in "XY"]
    assert isinstance(decide(fresh), Ambiguous)


def test_three_primaries_are_ambiguous() -> None:
    third = attrs.evolve(NEW, address="10.0.0.3:6379", replid="Z", replid2="Y")
    decision = decide([OLD, NEW, third])
    assert isinstance(decision, Ambiguous) and "3 nodes call themselves primary" in decision.why


FOLLOWER = attrs.evolve(NEW, address="10.0.0.3:6379", primary=False, follows="10.0.0.2:6379", link_up=True)


def test_a_replica_that_went_over_bears_witness_of_a_successor_that_is_silent() -> None:
    decision = decide([OLD], [FOLLOWER])
    assert isinstance(decision, Ambiguous)
    assert "10.0.0.3:6379 has gone over to 10.0.0.2:6379" in decision.why


@pytest.mark.parametrize(
    "replica",
    [
        attrs.evolve(FOLLOWER, replid="X", replid2="W"),
        attrs.evolve(FOLLOWER, replid="X", replid2="Y", second_offset=900),
        attrs.evolve(FOLLOWER, link_up=False),
    ],
    ids=["of the primary", "come back to the primary", "without a link"],
)
def test_other_replicas_bear_no_witness(replica: Standing) -> None:
    assert decide([OLD], [replica]) == Settled(OLD)


histories = st.sampled_from(["W", "X", "Y", "0"])
standings = st.builds(
    Standing,
    address=st.sampled_from(["a", "b"]),
    run_id=st.just("r"),
    primary=st.just(True),
    replid=histories,
    replid2=histories,
    offset=st.integers(0, 3000),
    second_offset=st.integers(-1, 3000),
)


@given(standings, standings)
def test_nobody_is_demoted_who_has_what_the_successor_has_not(one: Standing, other: Standing) -> None:
    decision = decide([one, other])
    if isinstance(decision, Finish):
        assert decision.successor.replid2 == decision.stale.replid
        assert max(0, decision.stale.offset - (decision.successor.second_offset - 1)) == decision.surplus
        assert decision.surplus % PING_BYTES == 0
