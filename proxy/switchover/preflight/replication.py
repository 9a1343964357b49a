"""Does the candidate have the primary's data, and follow it closely?"""

from proxy.switchover.facts import Verdict, ok, refuse
from proxy.switchover.preflight.case import Case, Check
from proxy.switchover.preflight.choice import UnclearError, announced

SILENCE_SECONDS = 5
"""How much longer than a ping period a primary may be unheard."""


def roles(case: Case) -> Verdict:
    for facts, role in zip(case.both, ("master", "slave"), strict=True):
        if facts.said("role") != role:
            return refuse(f"{facts.address} has the role {facts.said('role')}, not {role}")
    return ok(f"{case.primary.address} is the primary, {case.candidate.address} a replica")


def cluster(case: Case) -> Verdict:
    for facts in case.both:
        if facts.said("cluster_enabled") != "0":
            return refuse(f"{facts.address} is a node of a Redis Cluster")
    return ok("neither node belongs to a Redis Cluster")


def same_history(case: Case) -> Verdict:
    one, other = (facts.said("master_replid") for facts in case.both)
    if one != other:
        return refuse(f"{case.candidate.address} has another history than the primary: {other}, not {one}")
    return ok(f"both have the history {one}")


def link(case: Case) -> Verdict:
    status = case.candidate.said("master_link_status")
    if status != "up":
        return refuse(f"the link of {case.candidate.address} to its primary is {status}")
    return ok("the candidate's link to the primary is up")


def link_lag(case: Case) -> Verdict:
    # A link may count as up although nothing has come for long; the primary sends a PING every period.
    period = int(case.primary.config.get("repl-ping-replica-period", 10))
    silent = case.candidate.number("master_last_io_seconds_ago")
    if silent > period + SILENCE_SECONDS:
        return refuse(f"{case.candidate.address} has heard nothing of its primary for {silent} s")
    return ok(f"the candidate heard of the primary {silent} s ago")


def lag(case: Case) -> Verdict:
    # The two offsets were read at the same time at best, so the candidate may be ahead of an older number.
    behind = max(0, case.primary.offset - case.candidate.offset)
    if behind > case.terms.max_lag_bytes:
        return refuse(f"{case.candidate.address} is {behind} bytes behind, limit {case.terms.max_lag_bytes}")
    return ok(f"the candidate is {behind} bytes behind")


def sync(case: Case) -> Verdict:
    for facts in case.both:
        if facts.said("loading") != "0":
            return refuse(f"{facts.address} is loading its data")
    if case.candidate.said("master_sync_in_progress") != "0":
        return refuse(f"{case.candidate.address} is being synchronized")
    for replica in case.primary.replicas():
        if replica["state"] != "online":
            return refuse(f"the primary is synchronizing {replica['ip']}:{replica['port']}")
    return ok("no synchronization is under way")


def failover(case: Case) -> Verdict:
    for facts in case.both:
        if facts.said("master_failover_state") != "no-failover":
            return refuse(f"{facts.address} has a FAILOVER under way: {facts.said('master_failover_state')}")
    return ok("no FAILOVER is under way")


def read_only(case: Case) -> Verdict:
    if case.candidate.said("slave_read_only") != "1":
        return refuse(f"{case.candidate.address} has replica-read-only no: it may have data of its own")
    return ok("the candidate takes no writes as a replica")


def priority(case: Case) -> Verdict:
    if case.candidate.said("slave_priority") == "0":
        return refuse(f"{case.candidate.address} has replica-priority 0: it shall never be primary")
    return ok(f"replica-priority is {case.candidate.said('slave_priority')}")


def announce(case: Case) -> Verdict:
    try:
        host, port = announced(case.primary, case.candidate, case.terms.announce)
    except UnclearError as error:
        return refuse(str(error))
    return ok(f"{case.primary.address} will follow {host}:{port}")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("role", roles),
    ("cluster", cluster),
    ("same-history", same_history),
    ("link", link),
    ("link-lag", link_lag),
    ("lag", lag),
    ("sync", sync),
    ("failover", failover),
    ("read-only", read_only),
    ("priority", priority),
    ("announce", announce),
)
