"""A primary, a replica and a proxy, with roads between each two of them, and the playing of cases."""

import threading
import time
from collections.abc import Callable
from typing import Any, Generic, Protocol, TypeVar

import attrs
import redis

from tests.baton import BatonProcess
from tests.faults.grid import Case, What
from tests.faults.load import Connect, Load
from tests.faults.prompter import Prompter
from tests.waiting import wait_until

BUDGET_MS = 600
TAKEN_FOR_GONE = "CALLEDOFF promote: the candidate process is gone"
"""Connections that are reset and then refused are what is seen of a process that has ended. Where something
between does so, and the candidate has done what it was told, the operator decides: see docs/limits.md."""
TOLD = 12
"""Of what is wrong with one case, as much is told."""
AMPLE_MS = 5000
"""The budget where nothing goes wrong, on a machine that may be busy."""
ENVIRONMENT = {
    "BATON_SWITCHOVER_FENCE_MS": "10000",
    # A connect whose first packet was lost in a cut takes 3 s: TCP tries after 1 s and after 3.
    "BATON_LIMITS_CONNECT_TIMEOUT_MS": "4000",
}
ANSWER_SECONDS = 25.0
"""A switchover under which something went wrong is over within this."""
HEAL_SECONDS = 20.0
"""Once nothing goes wrong any more all is as it should be within this: in sync, and to be switched over."""


class Eye(Protocol):
    """How the test sees a node, past everything that goes wrong."""

    name: str

    @property
    def address(self) -> str:
        """As the proxy knows it."""

    def command(self, *words: Any) -> Any: ...

    def info(self, section: str = "replication") -> dict[str, Any]: ...


Given = TypeVar("Given", contravariant=True)


class Place(Protocol[Given]):
    """The connections between the processes."""

    def begin(self, pair: str, what: Given, old: str, new: str) -> None:
        """It goes wrong from now on, between the two processes; the nodes are given by name."""

    def heal(self) -> None:
        """All is well from now on."""

    def written(self) -> list[str] | None:
        """To which nodes writes of clients went since this was asked last, in order, without repetitions;
        None where that cannot be seen."""


@attrs.define(eq=False)
class Outcome:
    """How a case ended, and what was wrong with that."""

    case: Case[Any]
    answer: str = ""
    """done, promoted, CALLEDOFF and the step, REFUSED and the check."""
    closed: list[str] = attrs.field(factory=list)
    wrong: list[str] = attrs.field(factory=list)
    seconds: float = 0.0
    tries: int = 0
    """How many switchovers it took afterwards until one was done."""

    def __str__(self) -> str:
        what = f"{self.case}: {self.answer}, {self.seconds:.1f} s, {len(self.closed)} closed"
        return "\n    ".join([what, *self.wrong[:TOLD], *(["…"] if self.wrong[TOLD:] else [])])


@attrs.define(eq=False)
class Scene(Generic[What]):
    """Everything that takes part; any number of cases may be played, one after the other."""

    nodes: tuple[Eye, Eye]
    proxy: BatonProcess
    place: Place[What]
    prompter: Prompter
    connect: Connect
    operate: Callable[..., dict[str, Any]]
    """SWITCHOVER at the proxy's console."""
    console: Callable[..., Any]
    """Anything else there."""
    played: int = 0

    def warm_up(self) -> None:
        """What is asked of each node only once has been asked, and is not in the way of a slow road."""
        for _ in self.nodes:
            assert self.operate(None, AMPLE_MS)["outcome"] == "done"
        self._wait_in_sync(Outcome(Case("", None, "")))

    def play(self, case: Case[What]) -> Outcome:
        """One switchover with the fault, and one after it."""
        outcome, began = Outcome(case), time.monotonic()
        self.played += 1
        old, new = self._roles()
        load = Load.start(f"case{self.played}", self.connect)
        self.place.written()
        try:
            self._switch(case, old, new, outcome)
            self._judge_way(outcome, old, new)
            load.goes_on()
            winner = new if outcome.answer in ("done", "promoted") else old
            if outcome.answer.startswith(TAKEN_FOR_GONE):
                self._resolve(old, new)
            self._wait_in_sync(outcome, winner)
            outcome.closed = load.closed
            self._again(outcome)
            load.goes_on()
        except AssertionError as fault:
            outcome.wrong.append(str(fault))
        finally:
            self.place.heal()
            self.prompter.disarm()
            try:
                load.stop()
            except AssertionError as fault:
                outcome.wrong.append(str(fault))
        outcome.wrong += load.errors
        primary, _ = self._roles()
        outcome.wrong += load.judge(primary.command)
        outcome.seconds = time.monotonic() - began
        if not may_close(case, outcome):
            outcome.wrong += [f"closed without need: {each}" for each in outcome.closed]
        return outcome

    def _resolve(self, old: Eye, new: Eye) -> None:
        """What the documentation says is to be done."""
        wait_until(
            lambda: new.info()["role"] == "slave" or "both call themselves" in self.console("NODES")[-1],
            lambda: f"the operator is told: {self.console('NODES')}",
            HEAL_SECONDS,
        )
        if new.info()["role"] == "master":
            self.console("SWITCHOVER", "RESOLVE", old.address)

    def _switch(self, case: Case[What], old: Eye, new: Eye, outcome: Outcome) -> None:
        """Begin one, and again where it does not come as far as the fault."""

        def acted() -> bool:
            self._try(case, old, new, outcome)
            return self.prompter.acted.is_set()

        wait_until(acted, lambda: f"{case.step} comes: {outcome.answer}", HEAL_SECONDS)
        if not outcome.answer.startswith(("done", "promoted", "CALLEDOFF", "REFUSED")):
            outcome.wrong.append(f"the answer is {outcome.answer}")

    def _try(self, case: Case[What], old: Eye, new: Eye, outcome: Outcome) -> None:
        over = threading.Event()

        def operate() -> None:
            outcome.answer = self._operate(BUDGET_MS)
            over.set()

        self.prompter.arm(case.step, lambda: self.place.begin(case.pair, case.what, old.name, new.name))
        threading.Thread(target=operate, daemon=True).start()
        limit = ANSWER_SECONDS + case.seconds
        wait_until(lambda: self.prompter.acted.is_set() or over.is_set(), f"{case.step} comes", limit)
        over.wait(case.seconds)
        self.place.heal()
        wait_until(over.is_set, lambda: f"an answer: {self.proxy.log()[-1000:]}", limit)

    def _operate(self, budget_ms: int) -> str:
        try:
            return str(self.operate(None, budget_ms)["outcome"])
        except redis.ResponseError as fault:
            return str(fault)

    def _judge_way(self, outcome: Outcome, old: Eye, new: Eye) -> None:
        """Clients reach one node, and after it at most the other."""
        fair = [[], [old.name]]
        if outcome.answer in ("done", "promoted"):
            fair += [[old.name, new.name], [new.name]]
        if (way := self.place.written()) is not None and way not in fair:
            outcome.wrong.append(f"clients wrote to {', '.join(way)}: from {old.name} to {new.name}")

    def _roles(self) -> tuple[Eye, Eye]:
        """Primary and replica."""
        one, other = self.nodes
        return (one, other) if one.info()["role"] == "master" else (other, one)

    def _wait_in_sync(self, outcome: Outcome, winner: Eye | None = None) -> None:
        """One is primary, and the other follows it."""
        said: list[dict[str, Any]] = []

        def in_sync() -> bool:
            said[:] = [node.info() for node in self.nodes]
            roles = sorted(each["role"] for each in said)
            links = [each.get("master_link_status", "up") for each in said]
            return roles == ["master", "slave"] and links == ["up", "up"]

        wait_until(in_sync, lambda: f"in sync; they say {said}", HEAL_SECONDS)
        if winner is not None and self._roles()[0] is not winner:
            outcome.wrong.append(f"{winner.name} is not primary, though the answer was {outcome.answer}")

    def _again(self, outcome: Outcome) -> None:
        """Now that nothing is wrong any more."""
        answers: list[str] = []

        def done() -> bool:
            outcome.tries += 1
            answers.append(self._operate(AMPLE_MS))
            return answers[-1] == "done"

        wait_until(done, lambda: f"another switchover is done: {answers[-3:]}", HEAL_SECONDS)
        if odd := [each for each in answers[:-1] if not each.startswith("REFUSED")]:
            outcome.wrong.append(f"the next switchover was {odd}")


def may_close(case: Case[Any], outcome: Outcome) -> bool:
    """Clients whose own connection to Redis would have been lost, too, may lose theirs to the proxy; and
    where packets are lost at random, those whose lane does not get through several times in a row."""
    return bool(case.what.cuts) and case.pair != "replica-primary"
