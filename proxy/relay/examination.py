"""The preflight's legwork: ask every node, choose the candidate, probe, and have it all judged."""

from collections.abc import Iterable, Mapping, Sequence

import trio
from attrs import evolve, frozen

from proxy.nodes.errors import NodeError
from proxy.nodes.node import Node
from proxy.nodes.probing import probe
from proxy.nodes.roster import ask_all
from proxy.switchover.facts import NodeFacts
from proxy.switchover.preflight import check
from proxy.switchover.preflight.case import Finding, Terms
from proxy.switchover.preflight.choice import NoCandidateError, UnclearError, announced, choose

WITHIN = 5.0
"""Seconds that a node may take to tell everything."""


@frozen
class Examination:
    """What preflight found. Without a candidate, the last finding says why."""

    findings: Sequence[Finding]
    candidate: Node | None = None
    follow: tuple[str, int] | None = None
    """The candidate's host and port as the other nodes reach it."""

    @property
    def refusal(self) -> Finding | None:
        """The first finding that forbids the switchover."""
        return next((finding for finding in self.findings if finding.verdict == "refuse"), None)


async def examine(
    primary: Node,
    nodes: Sequence[Node],
    to: Node | None,
    terms: Terms,
    announce: Mapping[Node, tuple[str, int]],
) -> Examination:
    """Judge a switchover from ``primary`` to ``to``, or to the best of the replicas. Touches nothing."""
    facts, silent = await ask_all(nodes, Node.facts, WITHIN)
    findings = [
        Finding("answers", "refuse" if node is primary else "warn", why) for node, why in silent.items()
    ]
    if primary not in facts:
        return Examination(findings)
    try:
        candidate = _candidate(facts, primary, to)
    except (NoCandidateError, NodeError) as error:
        return Examination([*findings, Finding("candidate", "refuse", _because(error, silent.values()))])
    try:
        follow = announced(facts[primary], facts[candidate], announce.get(candidate))
    except UnclearError:
        follow = None  # the check "announce" says so
    with trio.move_on_after(WITHIN) as limit:
        probes = await probe(primary, candidate, facts[primary])
    if limit.cancelled_caught:
        return Examination([*findings, Finding("probes", "refuse", f"not answered within {WITHIN:g} s")])
    terms = evolve(terms, announce=announce.get(candidate))
    others = [fact for node, fact in facts.items() if node not in (primary, candidate)]
    findings += check(facts[primary], facts[candidate], others, probes, terms)
    return Examination(findings, candidate, follow)


def _because(error: Exception, silent: Iterable[str]) -> str:
    """Why there is no candidate: a replica that does not answer would have been one."""
    return "; ".join([str(error), *silent])


def _candidate(facts: Mapping[Node, NodeFacts], primary: Node, to: Node | None) -> Node:
    if to is not None:
        if to not in facts:
            raise NoCandidateError(f"{to} does not answer")
        if to is primary:
            raise NoCandidateError(f"{to} is the primary already")
        return to
    others = {node: fact for node, fact in facts.items() if node is not primary}
    chosen = choose(facts[primary], list(others.values()))
    return next(node for node, fact in others.items() if fact is chosen)
