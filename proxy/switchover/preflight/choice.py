"""Which replica it shall be, and under which address the old primary will follow it."""

from collections.abc import Sequence

from proxy.switchover.facts import NodeFacts, UnreadError


class NoCandidateError(Exception):
    """No replica can be the candidate; the text says of each why."""


class UnclearError(Exception):
    """It cannot be told under which address the old primary reaches the candidate."""


def choose(primary: NodeFacts, replicas: Sequence[NodeFacts]) -> NodeFacts:
    """Return the replica whose link is up, with the lowest priority that is not 0, and the least lag."""
    flaws = [_flaw(primary, replica) for replica in replicas]
    fit = [replica for replica, flaw in zip(replicas, flaws, strict=True) if not flaw]
    if not fit:
        raise NoCandidateError("; ".join(flaws) or f"{primary.address} has no replica among the nodes")
    return min(fit, key=lambda replica: (replica.number("slave_priority"), -replica.offset))


def _flaw(primary: NodeFacts, replica: NodeFacts) -> str:
    try:
        if replica.is_primary:
            return f"{replica.address} is a primary itself"
        if replica.said("master_replid") != primary.said("master_replid"):
            return f"{replica.address} has another history than the primary"
        if replica.said("master_link_status") != "up":
            return f"{replica.address} has lost its link to the primary"
        if replica.said("slave_priority") == "0":
            return f"{replica.address} has replica-priority 0"
    except UnreadError as error:
        return str(error)
    return ""


def announced(
    primary: NodeFacts, candidate: NodeFacts, override: tuple[str, int] | None = None
) -> tuple[str, int]:
    """Return host and port under which the primary sees the candidate: they go into REPLICAOF.

    The proxy may reach the candidate by another way than the primary does. The primary knows the address from
    which each replica connected, and the port that it announced.
    """
    if override is not None:
        return override
    if candidate.config.get("replica-announce-ip"):
        ports = _announced_ports(candidate)
        return candidate.config["replica-announce-ip"], ports[0]
    lines = [(line["ip"], int(line["port"])) for line in primary.replicas()]
    follows = candidate.info.get("master_host"), int(candidate.info.get("master_port", 0))
    if follows in lines:
        raise UnclearError(f"{candidate.address} follows another replica, {follows[0]}:{follows[1]}")
    fitting = [line for line in lines if line[1] in _announced_ports(candidate)]
    same_host = [line for line in fitting if line[0] == candidate.host]
    if len(same_host) == 1:
        return same_host[0]
    if len(fitting) == 1:
        return fitting[0]
    listed = ", ".join(f"{ip}:{port}" for ip, port in lines) or "none"
    raise UnclearError(
        f"which of the replicas that {primary.address} sees ({listed}) is {candidate.address}? "
        f"Set `announce` for {candidate.address}"
    )


def _announced_ports(candidate: NodeFacts) -> list[int]:
    """Return the ports that the candidate may have told the primary, the likeliest first."""
    config = candidate.config
    announced_port = int(config.get("replica-announce-port", 0))
    by_tls = config.get("tls-replication") == "yes"
    listening = [int(config.get("port", 0)), int(config.get("tls-port", 0)), candidate.number("tcp_port")]
    if by_tls:
        listening[0], listening[1] = listening[1], listening[0]
    return [port for port in (announced_port, *listening, candidate.port) if port]
