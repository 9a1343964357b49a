"""Every check is seen to pass, to refuse, to warn, and to say what it could not find out."""

from typing import Any, TypeAlias

import attrs
import pytest

from proxy.switchover.facts import NEEDS, Connection, NodeFacts, refuse, warn
from proxy.switchover.preflight import CHECKS, check
from proxy.switchover.preflight.case import Case
from tests.switchover.fabricated import CANDIDATE, HEALTHY, PRIMARY, configured, find, node, said, unread


def case(primary: NodeFacts = PRIMARY, candidate: NodeFacts = CANDIDATE, **terms: Any) -> Case:
    return attrs.evolve(
        HEALTHY, primary=primary, candidate=candidate, terms=attrs.evolve(HEALTHY.terms, **terms)
    )


def old(**info: str) -> Case:
    """The primary's INFO differs."""
    return case(primary=said(PRIMARY, **info))


def new(**info: str) -> Case:
    """The candidate's INFO differs."""
    return case(candidate=said(CANDIDATE, **info))


def old_set(**config: str) -> Case:
    """The primary's settings differ."""
    return case(primary=configured(PRIMARY, **config))


def new_set(**config: str) -> Case:
    """The candidate's settings differ."""
    return case(candidate=configured(CANDIDATE, **config))


def new_has(**facts: Any) -> Case:
    """Something else of the candidate differs."""
    return case(candidate=attrs.evolve(CANDIDATE, **facts))


def named(name: str, **terms: Any) -> Case:
    """Somebody is connected to the candidate under this name."""
    return case(candidate=attrs.evolve(CANDIDATE, connections=(Connection(1, "a:1", name, "N"),)), **terms)


def probed(**found: Any) -> Case:
    return attrs.evolve(HEALTHY, probes=attrs.evolve(HEALTHY.probes, **found))


def limits(old: str, new: str) -> Case:
    """The output limits of normal clients: hard bytes, soft bytes, seconds."""
    lines = [f"normal {normal} slave 268435456 67108864 60 pubsub 1000 500 60" for normal in (old, new)]
    sides = (PRIMARY, CANDIDATE)
    return case(*[configured(f, client_output_buffer_limit=x) for f, x in zip(sides, lines, strict=True)])


def events(old: str, new: str) -> Case:
    return case(
        configured(PRIMARY, notify_keyspace_events=old), configured(CANDIDATE, notify_keyspace_events=new)
    )


def modules(old: dict[str, int], new: dict[str, int]) -> Case:
    return case(attrs.evolve(PRIMARY, modules=old), attrs.evolve(CANDIDATE, modules=new))


Row: TypeAlias = tuple[str, Case, str]

DRY_RUNS = [f"ACL DRYRUN {need}" for need in NEEDS]
LIMITED = {"default": ("&*", "nopass", "on", "~*", "+@all", "-debug")}
ALIEN = {"default": ("&*", "#123", "on", "~*", "+@all")}
SYNCING = "ip=10.0.0.3,port=6379,state=wait_bgsave,offset=0,lag=0"
OVER_TLS = configured(PRIMARY, tls_replication="yes")
TWIN = node("10.0.0.3", CANDIDATE.info)
HELD = refuse("10.0.0.2:6379 is paused by somebody else")

REFUSED = [
    ("role", old(role="slave"), "has the role slave, not master"),
    ("role", new(role="master"), "has the role master, not slave"),
    ("cluster", new(cluster_enabled="1"), "is a node of a Redis Cluster"),
    ("same-history", new(master_replid="b" * 40), "has another history"),
    ("link", new(master_link_status="down"), "is down"),
    ("link-lag", new(master_last_io_seconds_ago="16"), "heard nothing of its primary for 16 s"),
    ("lag", old(master_repl_offset="1049577"), "is 1048577 bytes behind, limit 1048576"),
    ("sync", new(master_sync_in_progress="1"), "is being synchronized"),
    ("sync", new(loading="1"), "is loading"),
    ("sync", old(connected_slaves="2", slave1=SYNCING), "is synchronizing 10.0.0.3:6379"),
    ("failover", old(master_failover_state="waiting-for-sync"), "FAILOVER under way: waiting-for-sync"),
    ("read-only", new(slave_read_only="0"), "replica-read-only no"),
    ("priority", new(slave_priority="0"), "replica-priority 0"),
    ("announce", old(connected_slaves="0"), "Set `announce` for 10.0.0.2:6379"),
    ("version", old(redis_version="6.0.16"), "older than 6.2"),
    ("version", new(redis_version="6.2.14"), "from 7.0.15 to 6.2.14"),
    ("acl", new_has(acl={}), "are not replicated: default"),
    ("acl", new_has(acl=LIMITED), "are not replicated: default"),
    ("acl", case(said(PRIMARY, redis_version="6.2.14"), attrs.evolve(CANDIDATE, acl={})), "default"),
    ("acl", case(said(PRIMARY, redis_version="6.2.14"), attrs.evolve(CANDIDATE, acl=ALIEN)), "default"),
    ("maxmemory", new_set(maxmemory="999999"), "shrinks from 1000000 to 999999"),
    ("maxmemory", old_set(maxmemory="0"), "shrinks from no limit to 1000000"),
    ("maxmemory", new_set(maxmemory_policy="allkeys-lru"), "from noeviction to allkeys-lru"),
    ("databases", new_set(databases="4"), "has 4 databases, the primary 16"),
    ("notify-keyspace-events", events("KEx", "KE"), "keyspace events x"),
    ("notify-keyspace-events", events("KA", "Kg$lshzxe"), "keyspace events dt"),
    ("output-limits", limits("0 0 0", "1 0 0"), "tighter on the candidate for: normal"),
    ("output-limits", limits("9 0 0", "8 0 0"), "for: normal"),
    ("output-limits", limits("0 9 60", "0 9 59"), "for: normal"),
    ("output-limits", limits("0 0 0", "0 9 60"), "for: normal"),
    ("modules", modules({"json": 1}, {}), "lacks modules: json"),
    ("modules", modules({"json": 2}, {"json": 1}), "older on the candidate: json"),
    ("functions", new_has(functions="digest"), "libraries differ"),
    ("tls", case(OVER_TLS), "the candidate has no tls-port"),
    ("tls", case(OVER_TLS, configured(CANDIDATE, tls_port="6380")), "tls-replication differs"),
    ("commands", new_has(absent={"REPLICAOF", "PSYNC"}), "10.0.0.2:6379 has no PSYNC; 10.0.0.2:6379 has no"),
    ("commands", new_has(denied={"CLIENT KILL": "no"}), "default may not CLIENT KILL on 10.0.0.2:6379"),
    ("masterauth", probed(login=refuse("no entry")), "no entry"),
    ("pause", probed(primary_pause=HELD), "is paused"),
    ("pause", probed(primary_pause=warn("?"), candidate_pause=HELD), "is paused"),
    ("sentinel", named("sentinel-0a1b2c3d-cmd"), "it would undo the promotion"),
    ("other-baton", named("baton:you"), "another Baton is connected, and would not hold its clients: you"),
    ("other-baton", named("baton:mee:probe"), "its clients: mee"),
    ("maxclients", new(maxclients="110"), "has room for 107 of 100 lanes"),
    ("min-replicas", new_set(min_replicas_to_write="2"), "needs 2 replicas, and will have 1"),
    ("persistence", new(aof_last_write_status="err"), "could not write its AOF"),
    ("persistence", new(rdb_last_bgsave_status="err"), "BGSAVE of 10.0.0.2:6379 failed: it would refuse"),
    ("cursors", new(run_id="1" * 40), "on 10.0.0.1:6379 and 10.0.0.2:6379: restart the candidate"),
    ("cursors", attrs.evolve(HEALTHY, others=(TWIN,)), "on 10.0.0.3:6379 and 10.0.0.2:6379"),
]

WARNED = [
    (
        "acl",
        case(said(PRIMARY, redis_version="6.2.14"), attrs.evolve(CANDIDATE, acl=LIMITED)),
        "compare what",
    ),
    ("maxmemory", new_set(maxmemory="0"), "grows from 1000000 to no limit"),
    ("maxmemory", new_set(maxmemory="2000000"), "grows from 1000000 to 2000000"),
    ("maxmemory", new_set(maxmemory="0", maxmemory_policy="allkeys-lru"), "without a maxmemory"),
    ("databases", new_set(databases="32"), "grow from 16 to 32"),
    ("notify-keyspace-events", events("KE", "KEx"), "more keyspace events: x"),
    ("output-limits", limits("9 9 9", "0 0 0"), "wider"),
    ("modules", modules({}, {"json": 1}), "more or newer modules"),
    ("modules", modules({"json": 1}, {"json": 2}), "more or newer modules"),
    ("commands", new_has(absent={"PSYNC"}), "10.0.0.2:6379 has no PSYNC"),
    ("commands", new_has(denied={"CONFIG REWRITE": "no"}), "may not CONFIG REWRITE"),
    (
        "commands",
        case(attrs.evolve(unread(PRIMARY, *DRY_RUNS), acl=LIMITED)),
        "cannot tell what default may do",
    ),
    ("masterauth", probed(login=warn("cannot tell")), "cannot tell"),
    ("pause", probed(candidate_pause=warn("cannot tell")), "cannot tell"),
    ("sentinel", named("sentinel-0a1b2c3d-cmd", allow_sentinel=True), "up to the operator"),
    ("persistence", old(aof_enabled="1"), "the primary writes an AOF, the candidate does not"),
    (
        "persistence",
        case(
            candidate=said(
                configured(CANDIDATE, stop_writes_on_bgsave_error="no"), rdb_last_bgsave_status="err"
            )
        ),
        "BGSAVE of 10.0.0.2:6379 failed",
    ),
]

PASSED = [
    ("version", old(redis_version="6.2.14"), "from 6.2.14 to 7.0.15"),
    ("version", new(redis_version="8.0.1"), "from 7.0.15 to 8.0.1"),
    ("lag", new(slave_repl_offset="1500"), "0 bytes behind"),
    ("lag", new(slave_repl_offset="400"), "600 bytes behind"),
    (
        "maxmemory",
        case(configured(PRIMARY, maxmemory="0"), configured(CANDIDATE, maxmemory="0")),
        "without limit",
    ),
    ("notify-keyspace-events", events("KA", "dtg$lshzxeK"), "agrees"),
    ("output-limits", limits("9 9 9", "9 9 9"), "agrees"),
    ("functions", case(said(unread(PRIMARY, "FUNCTION LIST"), redis_version="6.2.14")), "too old"),
    ("tls", case(OVER_TLS, configured(CANDIDATE, tls_port="6380", tls_replication="yes")), "over TLS"),
    ("commands", case(unread(PRIMARY, *DRY_RUNS)), "may do all that it must"),
    ("other-baton", named("baton:me:promotion"), "no other"),
    ("maxclients", new(maxclients="111"), "108"),
    ("min-replicas", new_set(min_replicas_to_write="1"), "needs 1 replicas, and will have 1"),
    ("min-replicas", new_set(min_replicas_to_write="9", min_replicas_max_lag="0"), "needs no replicas"),
    ("announce", case(announce=("redis-1.internal", 7000)), "will follow redis-1.internal:7000"),
]


@pytest.mark.parametrize("row", REFUSED, ids=lambda row: f"{row[0]}: {row[2]}")
def test_a_switchover_is_refused(row: Row) -> None:
    name, judged, says = row
    finding = find(name, judged)
    assert finding.verdict == "refuse" and says in finding.text, finding.text


@pytest.mark.parametrize("row", WARNED, ids=lambda row: f"{row[0]}: {row[2]}")
def test_a_difference_that_hurts_nobody_is_a_warning(row: Row) -> None:
    name, judged, says = row
    finding = find(name, judged)
    assert finding.verdict == "warn" and says in finding.text, finding.text


@pytest.mark.parametrize("row", PASSED, ids=lambda row: f"{row[0]}: {row[2]}")
def test_what_is_fine_is_told_too(row: Row) -> None:
    name, judged, says = row
    finding = find(name, judged)
    assert finding.verdict == "ok" and says in finding.text, finding.text


def test_a_healthy_pair_passes_every_check() -> None:
    findings = check(PRIMARY, CANDIDATE, [], HEALTHY.probes, HEALTHY.terms)
    assert [finding for finding in findings if finding.verdict != "ok"] == []


def test_every_check_is_seen_to_refuse() -> None:
    assert {name for name, _ in CHECKS} == {name for name, _, _ in REFUSED}
    assert len(CHECKS) == len({name for name, _ in CHECKS})


def test_a_third_node_that_follows_counts_for_min_replicas() -> None:
    needs_two = new_set(min_replicas_to_write="2")
    third = said(TWIN, run_id="3" * 40)
    assert find("min-replicas", attrs.evolve(needs_two, others=(third,))).verdict == "ok"
    third = said(third, master_link_status="down")
    assert find("min-replicas", attrs.evolve(needs_two, others=(third,))).verdict == "refuse"


UNREADABLE = [
    ("acl", "ACL LIST"),
    ("maxmemory", "CONFIG GET maxmemory"),
    ("databases", "CONFIG GET databases"),
    ("notify-keyspace-events", "CONFIG GET notify-keyspace-events"),
    ("output-limits", "CONFIG GET client-output-buffer-limit"),
    ("min-replicas", "CONFIG GET min-replicas-to-write"),
    ("modules", "MODULE LIST"),
    ("functions", "FUNCTION LIST"),
    ("sentinel", "CLIENT LIST"),
    ("other-baton", "CLIENT LIST"),
]


@pytest.mark.parametrize(("name", "asked"), UNREADABLE)
def test_what_may_not_be_read_is_a_warning_that_names_it(name: str, asked: str) -> None:
    finding = find(name, case(candidate=unread(CANDIDATE, asked)))
    assert finding.verdict == "warn"
    assert finding.text == f"not checked: 10.0.0.2:6379: {asked}: NOPERM so there"


def test_a_setting_that_a_server_does_not_have_is_a_warning_too() -> None:
    config = {name: value for name, value in CANDIDATE.config.items() if name != "databases"}
    finding = find("databases", new_has(config=config))
    assert finding.verdict == "warn" and "the server has no such setting" in finding.text


@pytest.mark.parametrize(
    "name", ["role", "same-history", "link", "lag", "read-only", "version", "maxclients"]
)
def test_without_the_vital_facts_nothing_is_begun(name: str) -> None:
    finding = find(name, new_has(info={}))
    assert finding.verdict == "refuse" and "10.0.0.2:6379: INFO has no " in finding.text
