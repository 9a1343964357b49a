"""Is the candidate set up as the primary is? What clients relied on must be there after the switchover.

Where a difference takes nothing away from anybody (more memory, more databases), it is a warning only: moving
to a larger machine is what switchovers are for.
"""

from proxy.switchover.facts import NodeFacts, Verdict, ok, refuse, warn
from proxy.switchover.preflight.case import Case, Check

OLDEST = (6, 2)
"""Below, CLIENT PAUSE has no WRITE."""


def version(case: Case) -> Verdict:
    old, new = (facts.version for facts in case.both)
    for facts in case.both:
        if facts.version < OLDEST:
            return refuse(f"{facts.address} runs {facts.said('redis_version')}, older than 6.2")
    shown = f"{case.primary.said('redis_version')} to {case.candidate.said('redis_version')}"
    if new < old:
        return refuse(f"from {shown}: the candidate is older and may not know all of the data")
    return ok(f"from {shown}")


def acl(case: Case) -> Verdict:
    for facts in case.both:
        facts.require("ACL LIST")
    old, new = (facts.acl for facts in case.both)
    different = sorted(user for user in old.keys() | new.keys() if old.get(user) != new.get(user))
    if not different:
        return ok(f"ACL users agree: {len(old)}")
    # What a category comes to depends on the version: "+@read -@dangerous" takes SORT_RO away on 7.0 only.
    same_writing = case.primary.version[:2] == case.candidate.version[:2]
    if same_writing or any(_identity(old.get(user)) != _identity(new.get(user)) for user in different):
        return refuse(f"ACL users differ, and are not replicated: {', '.join(different)}")
    return warn(f"compare what these users may do, the versions say it differently: {', '.join(different)}")


def _identity(rules: tuple[str, ...] | None) -> list[str]:
    """Keep the rules that every version writes alike: flags, passwords, keys, channels."""
    return ["absent"] if rules is None else [rule for rule in rules if rule[0] not in "+- "]


def maxmemory(case: Case) -> Verdict:
    old, new = (int(facts.setting("maxmemory")) for facts in case.both)
    if new and (not old or new < old):
        return refuse(f"maxmemory shrinks from {old or 'no limit'} to {new}")
    policies = [facts.setting("maxmemory-policy") for facts in case.both]
    if policies[0] != policies[1]:
        text = f"maxmemory-policy changes from {policies[0]} to {policies[1]}"
        return refuse(text) if new else warn(f"{text}, without a maxmemory")
    if new != old:
        return warn(f"maxmemory grows from {old} to {new or 'no limit'}")
    return ok(f"maxmemory is {old or 'without limit'} on both, {policies[0]}")


def databases(case: Case) -> Verdict:
    old, new = (int(facts.setting("databases")) for facts in case.both)
    if new < old:
        return refuse(f"the candidate has {new} databases, the primary {old}")
    return ok(f"{new} databases") if new == old else warn(f"databases grow from {old} to {new}")


def keyspace_events(case: Case) -> Verdict:
    # "A" stands for the events of every type; on it Redis and Valkey agree.
    old, new = (
        set(facts.setting("notify-keyspace-events").replace("A", "g$lshzxetd")) for facts in case.both
    )
    if old - new:
        return refuse(f"the candidate does not publish the keyspace events {''.join(sorted(old - new))}")
    if new - old:
        return warn(f"the candidate publishes more keyspace events: {''.join(sorted(new - old))}")
    return ok("notify-keyspace-events agrees")


def output_limits(case: Case) -> Verdict:
    old, new = (_limits(facts) for facts in case.both)
    tighter = [kind for kind in old if _tighter(new.get(kind, (0, 0, 0)), old[kind])]
    if tighter:
        return refuse(f"client-output-buffer-limit is tighter on the candidate for: {', '.join(tighter)}")
    return ok("client-output-buffer-limit agrees") if old == new else warn("output limits are wider")


def _limits(facts: NodeFacts) -> dict[str, tuple[int, int, int]]:
    words = facts.setting("client-output-buffer-limit").split()
    groups = zip(words[::4], words[1::4], words[2::4], words[3::4], strict=True)
    return {kind: (int(hard), int(soft), int(seconds)) for kind, hard, soft, seconds in groups}


def _tighter(new: tuple[int, int, int], old: tuple[int, int, int]) -> bool:
    """Whether a client that `old` lets live could be closed by `new`; 0 bytes mean no limit."""
    (new_hard, new_soft, new_seconds), (old_hard, old_soft, old_seconds) = new, old
    if new_hard and (not old_hard or new_hard < old_hard):
        return True
    return bool(new_soft) and (not old_soft or new_soft < old_soft or new_seconds < old_seconds)


def modules(case: Case) -> Verdict:
    for facts in case.both:
        facts.require("MODULE LIST")
    old, new = (facts.modules for facts in case.both)
    if missing := sorted(old.keys() - new.keys()):
        return refuse(f"the candidate lacks modules: {', '.join(missing)}")
    if older := sorted(name for name in old if new[name] < old[name]):
        return refuse(f"modules are older on the candidate: {', '.join(older)}")
    return ok(f"modules agree: {len(old)}") if old == new else warn("the candidate has more or newer modules")


def functions(case: Case) -> Verdict:
    if case.primary.version < (7,):
        return ok("the primary is too old to have functions")
    for facts in case.both:
        facts.require("FUNCTION LIST")
    if case.primary.functions != case.candidate.functions:
        return refuse("the function libraries differ")
    return ok("function libraries agree")


def tls(case: Case) -> Verdict:
    """Each node connects to its primary as its own tls-replication says, to the port that the other tells as
    its own: with tls-replication that is its tls-port."""
    primary, candidate = (facts.config.get("tls-replication", "no") == "yes" for facts in case.both)
    if primary and case.candidate.setting("tls-port") == "0":
        return refuse(f"{case.primary.address} would follow over TLS, and the candidate has no tls-port")
    if primary != candidate and case.terms.announce is None:
        how, other = ("over TLS", "without") if primary else ("without TLS", "with")
        return refuse(
            f"tls-replication differs: {case.primary.address} would follow {how}, and"
            f" {case.candidate.address} tells of its port {other} TLS; set it alike on both"
        )
    return ok(f"the old primary will follow {'over' if primary else 'without'} TLS")


CHECKS: tuple[tuple[str, Check], ...] = (
    ("version", version),
    ("acl", acl),
    ("maxmemory", maxmemory),
    ("databases", databases),
    ("notify-keyspace-events", keyspace_events),
    ("output-limits", output_limits),
    ("modules", modules),
    ("functions", functions),
    ("tls", tls),
)
