"""Faults that must not cost any client anything; each is done by the one who operates, between switchovers.

A primary that dies is none of them: Redis itself would let its clients see that.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from typing import Final

from .ground import Ground, Outcome
from .samples import Sampler

HOLD_MS = 400
"""The longest hold by hand."""
FROZEN_BUDGET_MS = 300
LATE_S = 0.06
"""At most so long behind the question: it may come in any step, and behind the last."""
ALLOWED: Final = frozenset({"done", "promoted", "calledoff", "refused"})
"""What may become of a switchover that is made hard; `promoted` where the new primary then stands still."""


class Surprise(Exception):
    """Something of which a fault, or a switchover, should not have been the cause."""


def brief(ground: Ground, dice: random.Random, sampler: Sampler) -> Outcome:
    """A budget that ends in any of the steps."""
    longest = max(ground.holds_ms[-20:], default=10.0)
    return ground.switch_over(dice.choice(ground.replicas), 1 + int(dice.random() * longest * 1.2))


def frozen(ground: Ground, dice: random.Random, sampler: Sampler) -> Outcome:
    """The candidate stands still before it is asked, or while it is.

    Or when it has just become the primary: then clients have to wait for it, with a proxy or without.
    """
    candidate = dice.choice(ground.replicas)
    with sampler.aside:
        freezer = threading.Timer(dice.random() * LATE_S, candidate.freeze)
        freezer.start()
        if dice.random() < 0.5:
            freezer.join()
        thawer = threading.Timer(1.0 + dice.random(), candidate.thaw)
        thawer.start()
        try:
            outcome = ground.switch_over(candidate, FROZEN_BUDGET_MS)
        finally:
            freezer.join()
            thawer.join()
            candidate.thaw()
    return outcome


def cancelled(ground: Ground, dice: random.Random, sampler: Sampler) -> Outcome:
    """SWITCHOVER CANCEL at any time of it."""
    usual_ms = max(ground.holds_ms[-20:], default=10.0) + 20
    canceller = threading.Timer(dice.random() * usual_ms / 1000, lambda: ground.ask("SWITCHOVER", "CANCEL"))
    canceller.start()
    try:
        return ground.switch_over(dice.choice(ground.replicas), 10_000)
    finally:
        canceller.join()


def rehearsed(ground: Ground, dice: random.Random, sampler: Sampler) -> None:
    told = ground.ask("SWITCHOVER", "TO", dice.choice(ground.replicas).address, "DRYRUN")
    if not isinstance(told, list):
        raise Surprise(f"a dry run was answered {told}")


def held(ground: Ground, dice: random.Random, sampler: Sampler) -> None:
    """HOLD, and RELEASE or not: it ends by itself as well."""
    told = ground.ask("HOLD", str(HOLD_MS))
    if isinstance(told, str) and told.startswith(("BUSY", "CALLEDOFF")):
        return
    if not isinstance(told, list):
        raise Surprise(f"HOLD was answered {told}")
    if dice.random() < 0.7:
        time.sleep(dice.random() * HOLD_MS / 2000)
        if "held_ms" not in (told := ground.ask("RELEASE")) and "not held" not in told:
            raise Surprise(f"RELEASE was answered {told}")
    else:
        time.sleep(HOLD_MS / 1000)


def reloaded(ground: Ground, dice: random.Random, sampler: Sampler) -> None:
    told = ground.ask("CONFIG", "RELOAD")
    if isinstance(told, str) and told != "OK":
        raise Surprise(f"RELOAD was answered {told}")


def killed(ground: Ground, dice: random.Random, sampler: Sampler) -> None:
    """A replica dies, and comes back with nothing."""
    replica = dice.choice(ground.replicas)
    with sampler.aside:
        replica.kill()
        time.sleep(dice.random() * 2)
        ground.restart(replica)


SWITCHOVERS: Final[dict[str, Callable[[Ground, random.Random, Sampler], Outcome]]] = {
    "budget too small": brief,
    "candidate frozen": frozen,
    "cancelled": cancelled,
}
"""Those that may end in a switchover that is called off."""
OTHERS: Final[dict[str, Callable[[Ground, random.Random, Sampler], None]]] = {
    "dry run": rehearsed,
    "held by hand": held,
    "reload": reloaded,
    "replica killed": killed,
}
