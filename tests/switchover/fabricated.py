"""Facts that never were: a healthy pair of Redis 7.0, from which a test departs in one point."""

from collections.abc import Mapping

import attrs

from proxy.switchover.facts import Connection, NodeFacts, Probes, ok
from proxy.switchover.preflight import CHECKS, check
from proxy.switchover.preflight.case import Case, Finding, Terms

HISTORY = "a" * 40
COMMON = {
    "redis_version": "7.0.15",
    "tcp_port": "6379",
    "maxclients": "10000",
    "connected_clients": "3",
    "loading": "0",
    "rdb_last_bgsave_status": "ok",
    "aof_enabled": "0",
    "aof_last_write_status": "ok",
    "master_failover_state": "no-failover",
    "master_replid": HISTORY,
    "cluster_enabled": "0",
}
PRIMARY_INFO = COMMON | {
    "run_id": "1" * 40,
    "role": "master",
    "connected_slaves": "1",
    "slave0": "ip=10.0.0.2,port=6379,state=online,offset=1000,lag=0",
    "master_repl_offset": "1000",
}
CANDIDATE_INFO = COMMON | {
    "run_id": "2" * 40,
    "role": "slave",
    "connected_slaves": "0",
    "master_host": "10.0.0.1",
    "master_port": "6379",
    "master_link_status": "up",
    "master_last_io_seconds_ago": "0",
    "master_sync_in_progress": "0",
    "slave_repl_offset": "1000",
    "slave_priority": "100",
    "slave_read_only": "1",
}
CONFIG = {
    "appendonly": "no",
    "client-output-buffer-limit": "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    "databases": "16",
    "masterauth": "",
    "masteruser": "",
    "maxmemory": "1000000",
    "maxmemory-policy": "noeviction",
    "min-replicas-max-lag": "10",
    "min-replicas-to-write": "0",
    "notify-keyspace-events": "",
    "port": "6379",
    "repl-ping-replica-period": "10",
    "replica-announce-ip": "",
    "replica-announce-port": "0",
    "stop-writes-on-bgsave-error": "yes",
    "tls-port": "0",
    "tls-replication": "no",
}


def node(host: str, info: Mapping[str, str]) -> NodeFacts:
    return NodeFacts(
        address=f"{host}:6379",
        user="default",
        host=host,
        port=6379,
        info=info,
        config=CONFIG,
        acl={"default": ("&*", "nopass", "on", "~*", "+@all")},
        modules={},
        functions="",
        connections=(Connection(7, "10.0.0.9:5000", "baton:me", "N"),),
    )


PRIMARY = node("10.0.0.1", PRIMARY_INFO)
CANDIDATE = node("10.0.0.2", CANDIDATE_INFO)
HEALTHY = Case(
    PRIMARY,
    CANDIDATE,
    (),
    Probes(ok("it may log in"), ok("not paused"), ok("not paused")),
    Terms(instance="me", lanes=100, max_lag_bytes=1 << 20),
)


def said(facts: NodeFacts, **info: str) -> NodeFacts:
    """Change what INFO said."""
    return attrs.evolve(facts, info={**facts.info, **info})


def configured(facts: NodeFacts, **config: str) -> NodeFacts:
    """Change settings; an underscore stands for a dash."""
    changed = {name.replace("_", "-"): value for name, value in config.items()}
    return attrs.evolve(facts, config={**facts.config, **changed})


def unread(facts: NodeFacts, *asked: str) -> NodeFacts:
    """Let the answers to these be errors."""
    config = {name: value for name, value in facts.config.items() if f"CONFIG GET {name}" not in asked}
    return attrs.evolve(facts, config=config, unread={name: "NOPERM so there" for name in asked})


def find(name: str, case: Case) -> Finding:
    """Run all checks and return the finding of one."""
    findings = check(case.primary, case.candidate, case.others, case.probes, case.terms)
    assert [finding.name for finding in findings] == [check_name for check_name, _ in CHECKS]
    return next(finding for finding in findings if finding.name == name)
