"""The story: lay the ground, let everybody in, operate, let everybody leave, judge."""

from __future__ import annotations

import random
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from attrs import define, frozen

from proxy.terminal.stage.screen import Screen
from tests.servers import direct_client
from tests.waiting import wait_until

from .book import Book
from .callers import Party
from .ground import Ground, lay
from .growth import course, left_over
from .keepers import KEEPERS
from .onlookers import Onlookers
from .operating import Operator
from .report import Report
from .residents import RESIDENTS
from .rude import intrude
from .samples import MEASURES, Sample, Sampler, descriptors, take
from .shifts import Shifts
from .visits import visit

VISITORS, INTRUDERS = 4, 3
"""Threads that come and go as one client after the other."""
LEFT_S = 40.0
"""Within which a proxy that everybody has left lets go of everything, but for lanes that it keeps a while."""
COMPARE_S = 30.0
SHOW_EVERY_S = 0.5


@frozen
class Settings:
    binary: Path
    version: str
    seconds: float
    switchovers: int
    """0: as many as there is time for."""
    every_s: float
    nodes: int
    seed: int
    lanes: str
    calm: float
    urgent: bool
    tls: bool
    logs: Path | None = None
    """Where what nodes, proxy and load logged is kept."""

    @property
    def shift_s(self) -> float:
        """Of those who work in shifts."""
        return 45.0 if self.switchovers else min(60.0, max(6.0, self.seconds / 5))

    @property
    def sample_s(self) -> float:
        return 5.0 if self.switchovers else min(10.0, max(0.5, self.seconds / 60))

    @property
    def words(self) -> str:
        long = f"{self.switchovers:,} switchovers" if self.switchovers else f"{self.seconds:,.0f} s"
        return (
            f"{long}, one every {self.every_s:g} s, {self.nodes} nodes of redis {self.version},"
            f" {self.lanes} lanes, {'TLS on every leg, ' if self.tls else ''}seed {self.seed}"
        )


@define(eq=False)
class Soak:
    settings: Settings
    screen: Screen
    directory: Path

    def perform(self) -> Report:
        """The whole run. An AssertionError where nothing can be said, or the proxy has failed."""
        given = self.settings
        with lay(
            given.binary, self.directory, given.nodes, lanes=given.lanes, urgent=given.urgent, tls=given.tls
        ) as ground:
            began_s = time.monotonic()
            book = Book(self.teller(began_s))
            self.screen.say(f"soak: {given.words}; baton's process: {ground.proxy.pid}")
            before = take(ground, began_s)
            sampler = Sampler(ground, began_s, given.sample_s)
            operator = Operator(ground, book, sampler, random.Random(f"{given.seed} operator"), given.every_s)
            with self.party(ground, book):
                sampler.begin()
                with self.shown(book, operator, began_s):
                    operator.operate(self.goes_on(began_s))
                sampler.end()
            seconds = time.monotonic() - began_s
            left = self.until_left(ground, before, began_s)
            if left:
                self.screen.say(
                    "\n".join(["there still:", *ground.connections(), *descriptors(ground.proxy.pid)])
                )
            others = [*sampler.failures, *self.compare(ground)]
            after = take(ground, began_s)
        for each in others:
            book.say(each)
        samples = sampler.taken or [before]
        times = [sample.at_s for sample in samples]
        lines = {name: course(name, times, [each.values[name] for each in samples]) for name in MEASURES}
        return Report(
            what=given.words,
            seconds=seconds,
            rows=list(book.rows.values()),
            outcomes=operator.outcomes,
            hard=operator.hard,
            faults=operator.faults,
            holds_ms=ground.holds_ms,
            before=before,
            after=after,
            samples=samples,
            lines=lines,
            problems=book.problems,
            left=left,
            others=len(others),
        )

    def teller(self, began_s: float) -> Callable[[str], None]:
        """A problem is said at once: what happened just then is still to be seen in the logs."""
        return lambda problem: self.screen.say(f"! {time.monotonic() - began_s:,.1f} s: {problem}", "red")

    def goes_on(self, began_s: float) -> Callable[[int], bool]:
        given = self.settings
        if given.switchovers:
            return lambda done: done < given.switchovers
        return lambda done: time.monotonic() - began_s < given.seconds

    @contextmanager
    def party(self, ground: Ground, book: Book) -> Iterator[None]:
        """Everybody is there within the block; the guests leave before the residents do."""
        given = self.settings
        party = Party(ground.proxy.port, book, given.seed, calm=given.calm, plain_port=ground.plain_port)
        onlookers = Onlookers(ground.proxy.admin_port, ground.proxy.http_port)
        with (self.directory / "shifts.log").open("wb") as errors:
            shifts = Shifts(str(given.binary), given.shift_s, errors)
            for name, part in {**RESIDENTS, **KEEPERS}.items():
                party.begin(name, part, party.shut)
            for number in range(VISITORS):
                party.begin(f"visitor {number}", visit, party.over)
            for number in range(INTRUDERS):
                party.begin(f"intruder {number}", intrude, party.over)
            party.begin("demo", shifts.demo, party.over)
            party.begin("crew", shifts.crew, party.over)
            for number in range(2):
                party.begin(f"console {number}", onlookers.visit_console, party.over)
            party.begin("scraper", onlookers.scrape, party.over)
            party.begin("reader", onlookers.read, party.over)
            try:
                yield
            except BaseException:  # nothing more will be judged: nobody is waited for
                shifts.break_off()
                raise
            self.screen.show("the load ends")
            party.over.set()
            party.shut.set()
            party.end()

    @contextmanager
    def shown(self, book: Book, operator: Operator, began_s: float) -> Iterator[None]:
        """How it goes, on a line that keeps changing; where there is no terminal, in a line every minute."""
        over = threading.Event()

        def show() -> None:
            said_s = 0.0
            while not over.wait(SHOW_EVERY_S):
                sums, seconds = book.sums(), time.monotonic() - began_s
                text = (
                    f"{seconds:,.0f} s: {operator.outcomes['done']:,} switchovers, {sums.clients:,} clients,"
                    f" {sums.operations:,} operations, {sums.errors:,} errors,"
                    f" {sums.disconnects:,} disconnects, {sums.lost:,} lost, {sums.doubled:,} doubled"
                )
                self.screen.show(text)
                if not self.screen.is_terminal and seconds - said_s > 60:
                    said_s = seconds
                    self.screen.say(text)

        thread = threading.Thread(target=show, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()
            self.screen.clear()

    def until_left(self, ground: Ground, before: Sample, began_s: float) -> list[str]:
        """What is there still when everybody has left, and time was given to let go of it."""
        self.screen.show("everybody has left")
        left: list[str] = []
        late = int(
            self.settings.tls
        )  # see proxy/relay/unseen.py: an eventfd, where nobody needs it there is none

        def clear() -> bool:
            left[:] = left_over(before.values, take(ground, began_s).values, late)
            return not left

        with suppress(AssertionError):
            wait_until(clear, "all is let go of", LEFT_S)
        return left

    def compare(self, ground: Ground) -> list[str]:
        """All nodes hold the same, and nothing that should never have been written."""
        found = []
        try:
            ground.until_in_sync()
            wait_until(lambda: len(set(ground.digests().values())) == 1, "the nodes hold the same", COMPARE_S)
        except AssertionError as fault:
            found.append(f"{fault}: {ground.digests()}")
        with direct_client(ground.look().port, db=3) as client:
            if client.exists("rude:never"):
                found.append("a transaction that was never executed has been applied")
        return found


def perform(settings: Settings, screen: Screen) -> Report:
    with tempfile.TemporaryDirectory(prefix="baton-soak-") as directory:
        try:
            return Soak(settings, screen, Path(directory)).perform()
        finally:
            if settings.logs is not None:
                shutil.copytree(directory, settings.logs, dirs_exist_ok=True)
