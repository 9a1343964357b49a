"""Many connections that send rubbish, and others beside them that never notice, through many switchovers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

from tests.baton import BatonProcess
from tests.fuzz.crowd import Crowd
from tests.servers import Pair

THROWERS, WELL_BEHAVED, SUBSCRIBERS = 6, 4, 2
SETTLED_ROUNDS = 2
GROWTH_MAX_KIB = 60_000
"""What the proxy may hold in the end beyond what it held after the first rounds: buffers of clients that are
being served."""
BUDGET_MS = 5000


def resident_kib(proxy: BatonProcess) -> int:
    status = Path(f"/proc/{proxy.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0])


def test_nobody_gets_a_byte_meant_for_another(
    pair: Pair,
    baton: Callable[..., BatonProcess],
    rounds: Callable[[], Iterator[Random]],
) -> None:
    """Each round is one switchover, on the way to which a few hundred conversations are thrown."""
    proxy = baton(*pair)
    held: list[int] = []
    with Crowd(proxy) as crowd:
        started = False
        for random in rounds():
            if not started:
                for _ in range(THROWERS):
                    crowd.add(crowd.throw, Random(random.random()))
                for number in range(WELL_BEHAVED):
                    crowd.add(crowd.well_behaved(f"w{number}", 2 + number % 2), Random(random.random()))
                for number in range(SUBSCRIBERS):
                    crowd.add(crowd.subscriber(f"s{number}"), Random(random.random()))
                started = True
            crowd.stop.wait(random.uniform(0, 1))
            if crowd.stop.is_set():
                break
            report = proxy.switchover(budget_ms=BUDGET_MS)
            assert report["outcome"] == "done", report
            held.append(resident_kib(proxy))
    assert crowd.faults == []
    assert crowd.checked > 100 and crowd.thrown > 100
    assert held[-1] - max(held[: SETTLED_ROUNDS + 1]) < GROWTH_MAX_KIB, held
