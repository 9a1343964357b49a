"""Who else is there, is there room, and may the proxy do what it must?"""

from proxy.switchover.facts import NEEDS, Need, NodeFacts, Verdict, cursor_tag, ok, refuse, warn
from proxy.switchover.preflight.case import Case, Check

SPARE_CONNECTIONS = 8
"""For the proxy's control connections and the replicas that come over."""


def masterauth(case: Case) -> Verdict:
    return case.probes.login


def pause(case: Case) -> Verdict:
    found = sorted(
        (case.probes.primary_pause, case.probes.candidate_pause),
        key=lambda verdict: ("refuse", "warn", "ok").index(verdict.level),
    )
    return found[0] if found[0].level != "ok" else ok("nobody has paused either node")


def sentinel(case: Case) -> Verdict:
    if not _named(case, "sentinel-"):
        return ok("no Sentinel is connected")
    text = "a Sentinel watches the nodes"
    if case.terms.allow_sentinel:
        return warn(f"{text}; it is up to the operator to keep it from undoing the promotion")
    return refuse(f"{text}: it would undo the promotion after some seconds")


def other_baton(case: Case) -> Verdict:
    instances = {name.split(":")[1] for name in _named(case, "baton:")} - {case.terms.instance}
    if instances:
        return refuse(f"another Baton is connected, and would not hold its clients: {', '.join(instances)}")
    return ok("no other Baton is connected")


def _named(case: Case, prefix: str) -> list[str]:
    for facts in case.both:
        facts.require("CLIENT LIST")
    names = [connection.name for facts in case.both for connection in facts.connections]
    return [name for name in names if name.startswith(prefix)]


def commands(case: Case) -> Verdict:
    absent = [f"{facts.address} has no {name}" for facts in case.both for name in sorted(facts.absent)]
    vital = {need.words[0] for need in NEEDS if need.vital}
    if any(facts.absent & vital for facts in case.both):
        return refuse("; ".join(absent))
    denials = [(facts, need) for facts in case.both for need in NEEDS if str(need) in facts.denied]
    denied = [f"{facts.user} may not {need} on {facts.address}" for facts, need in denials]
    if any(need.vital for _, need in denials):
        return refuse("; ".join(denied))
    unknown = [_uncertain(facts) for facts in case.both if _uncertain(facts)]
    flaws = absent + denied + unknown
    return warn("; ".join(flaws)) if flaws else ok("the proxy's user may do all that it must")


def _uncertain(facts: NodeFacts) -> str:
    """Say why it is not known what the control user may do: ACL DRYRUN came with 7.0."""
    why = next((facts.unread[asked] for asked in map(_dry_run, NEEDS) if asked in facts.unread), "")
    rules = facts.acl.get(facts.user, ())
    all_powerful = {"~*", "+@all"} <= set(rules) and not any(rule.startswith("-") for rule in rules)
    if not why or all_powerful:
        return ""
    return f"cannot tell what {facts.user} may do on {facts.address}: {why}"


def _dry_run(need: Need) -> str:
    return f"ACL DRYRUN {need}"


def maxclients(case: Case) -> Verdict:
    room = case.candidate.number("maxclients") - case.candidate.number("connected_clients")
    if room < case.terms.lanes + SPARE_CONNECTIONS:
        return refuse(f"{case.candidate.address} has room for {room} of {case.terms.lanes} lanes")
    return ok(f"the candidate has room for {room} clients")


def min_replicas(case: Case) -> Verdict:
    needed = int(case.candidate.setting("min-replicas-to-write"))
    if needed == 0 or case.candidate.setting("min-replicas-max-lag") == "0":
        return ok("the candidate needs no replicas to take writes")
    available = 1 + sum(facts.info.get("master_link_status") == "up" for facts in case.others)
    text = f"to take writes the candidate needs {needed} replicas, and will have {available}"
    return refuse(text) if needed > available else ok(text)


def persistence(case: Case) -> Verdict:
    facts = case.candidate
    if facts.said("aof_last_write_status") != "ok":
        return refuse(f"{facts.address} could not write its AOF: it would refuse writes")
    if facts.said("rdb_last_bgsave_status") != "ok":
        text = f"the last BGSAVE of {facts.address} failed"
        stops = facts.config.get("stop-writes-on-bgsave-error", "yes") == "yes"
        return refuse(f"{text}: it would refuse writes") if stops else warn(text)
    if (case.primary.said("aof_enabled"), facts.said("aof_enabled")) == ("1", "0"):
        return warn("the primary writes an AOF, the candidate does not")
    return ok("the candidate's last BGSAVE and AOF write went well")


def cursors(case: Case) -> Verdict:
    # The cursor of a scan under way may be any node's that was primary once; one process in 65535 is a twin.
    tag = cursor_tag(case.candidate.said("run_id"))
    for facts in (case.primary, *case.others):
        if cursor_tag(facts.said("run_id")) == tag:
            return refuse(
                f"the cursors of SCAN cannot be told apart on {facts.address} and {case.candidate.address}: "
                "restart the candidate"
            )
    return ok("the cursors of SCAN can be told apart")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("commands", commands),
    ("masterauth", masterauth),
    ("pause", pause),
    ("sentinel", sentinel),
    ("other-baton", other_baton),
    ("maxclients", maxclients),
    ("min-replicas", min_replicas),
    ("persistence", persistence),
    ("cursors", cursors),
)
