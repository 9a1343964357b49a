"""The whole run: each suite straight, straight again, and through Baton; then the comparison."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import trio
from attrs import frozen

from proxy.terminal.stage.nodes import Server
from proxy.terminal.stage.screen import Screen

from .compare import Comparison, compare
from .document import Chapter
from .endings import Endings
from .ground import Ground, prepare
from .runners import run_suite
from .suites import Suite
from .ways import Way, server_of

STRAIGHT_ROUNDS = 2


@frozen
class Settings:
    suites: Sequence[Suite]
    only: Sequence[str] = ()
    """Tests or units; nothing for all."""
    moving: bool = False
    """Also with a switchover each second."""
    at_once: int = 1
    """Rounds that run side by side. Some tests listen on a fixed port, and clash with more than one."""


async def run_all(settings: Settings, screen: Screen) -> list[Chapter]:
    chapters: list[Chapter] = []
    for suite in settings.suites:
        screen.show(f"{suite.name}: getting it and what it needs")
        ground, server = await prepare(suite), server_of(suite.server)
        screen.say(f"{suite.name} ({suite.distribution}), redis-server {server.version}", "bold")
        rounds = await _run_rounds(suite, ground, server, settings, screen)
        straight = [endings for way, endings, _ in rounds if way is Way.STRAIGHT]
        for way in (Way.THROUGH, Way.MOVING):
            through = [endings for taken, endings, _ in rounds if taken is way]
            if not through:
                continue
            comparison = compare(straight, through, _expected(suite, settings, straight[0]))
            switchovers: Mapping[str, int] = next(ended for taken, _, ended in rounds if taken is way)
            chapters.append(Chapter(suite, server.version, way.value, comparison, switchovers))
            screen.say(f"  {way.value}: {_verdict(comparison)}")
    return chapters


def _expected(suite: Suite, settings: Settings, told: Endings) -> Mapping[str, str]:
    """What must differ by design: in a part of the suite only what belongs to that part."""
    return {test: why for test, why in suite.by_design.items() if test in told or not settings.only}


async def _run_rounds(
    suite: Suite, ground: Ground, server: Server, settings: Settings, screen: Screen
) -> list[tuple[Way, Endings, Mapping[str, int]]]:
    """As many side by side as is set: most of a round is waiting, and every round has its own servers."""
    ways = [Way.STRAIGHT] * STRAIGHT_ROUNDS + [Way.THROUGH] + [Way.MOVING] * settings.moving
    rounds: list[tuple[Way, Endings, Mapping[str, int]]] = []
    limit = trio.CapacityLimiter(settings.at_once)

    async def run(way: Way) -> None:
        async with limit:
            screen.show(f"{suite.name}: {way.value}")
            endings, switchovers = await run_suite(suite, ground, way, server, settings.only)
            rounds.append((way, endings, switchovers))

    async with trio.open_nursery() as nursery:
        for way in ways:
            nursery.start_soon(run, way)
    return rounds


def _verdict(comparison: Comparison) -> str:
    passed = len(comparison.named("passed", "xpassed", "xfailed"))
    return (
        f"{len(comparison.straight)} tests, {passed} pass straight, {len(comparison.flapping)} flap,"
        f" {len(comparison.differing)} differ, {len(comparison.by_design)} by design,"
        f" {len(comparison.stale)} stale"
    )
