"""SCAN and its family over a switchover: what was there throughout is found, and every scan ends."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import attrs
import pytest

from proxy.session.scanning import TAG_SHIFT
from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.servers import RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

MANY = 30_000
STEPS_MAX = 10_000
"""Of one scan; the longest needs 400 from its beginning."""
FILL = """
for number = 1, ARGV[1] do
    redis.call('SET', 'key:' .. number, number)
    redis.call('SADD', 'set', 'member:' .. number)
    redis.call('HSET', 'hash', 'field:' .. number, number)
    redis.call('ZADD', 'zset', number, 'member:' .. number)
end
for number = 1, 50 do redis.call('RPUSH', 'list:' .. number, number) end
"""
CHURN = """
local from = tonumber(ARGV[1])
for number = from, from + 499 do
    redis.call(ARGV[2], 'passing:' .. number, unpack(ARGV, 3))
end
"""


def names(kind: str, numbers: Iterable[int] = range(1, MANY + 1)) -> set[str]:
    return {f"{kind}:{number}" for number in numbers}


ENDING_IN_7 = [number for number in range(1, MANY + 1) if number % 10 == 7]
KINDS: list[tuple[list[str], list[str], int, set[str]]] = [
    # what comes before the cursor, what comes behind it, words to each element, and what must be found
    (["SCAN"], ["COUNT", "100"], 1, names("key") | {"set", "hash", "zset"}),
    (["SCAN"], ["COUNT", "150", "MATCH", "key:*7"], 1, names("key", ENDING_IN_7)),
    (["SCAN"], ["COUNT", "120", "TYPE", "list"], 1, names("list", range(1, 51))),
    (["SSCAN", "set"], ["COUNT", "100"], 1, names("member")),
    (["HSCAN", "hash"], ["COUNT", "100"], 2, names("field")),
    (["ZSCAN", "zset"], ["COUNT", "100", "MATCH", "*7"], 2, names("member", ENDING_IN_7)),
]


@attrs.define(eq=False)
class Scan:
    """One scan, in steps."""

    talk: Talk
    before: Sequence[str]
    behind: Sequence[str]
    width: int = 1
    in_exec: bool = False
    cursor: str = "0"
    tags: set[int] = attrs.Factory(set)
    found: set[str] = attrs.Factory(set)

    def step(self) -> bool:
        """Go on by one step; False when the scan has ended."""
        words = [*self.before, self.cursor, *self.behind]
        if self.in_exec:
            answers = [self.talk.ask("MULTI"), self.talk.ask(*words), self.talk.ask("EXEC")]
            assert answers[:2] == ["OK", "QUEUED"]
            [(self.cursor, found)] = answers[2]
        else:
            self.cursor, found = self.talk.ask(*words)
        self.found.update(found[:: self.width])
        self.tags.add(int(self.cursor) >> TAG_SHIFT)
        return self.cursor != "0"

    def finish(self) -> set[str]:
        """Go on to the end."""
        for _ in range(STEPS_MAX):
            if not self.step():
                return self.found
        raise AssertionError(f"{self.before} {self.behind} does not end")


@pytest.fixture
def filled(scene: Scene) -> Scene:
    scene.primary.command("EVAL", FILL, 0, MANY)
    return scene


def scans(scene: Scene) -> Iterator[tuple[Scan, set[str]]]:
    """All kinds of scans, in both protocols, inside MULTI and outside, each with what it must find."""
    for number, (before, behind, width, wanted) in enumerate(KINDS):
        for protocol in (2 + number % 2, 3 - number % 2):
            talk = scene.talk()
            talk.ask("HELLO", protocol)
            yield Scan(talk, before, behind, width, in_exec=number % 3 == 2), wanted


def test_a_scan_that_a_switchover_comes_into_finds_everything(filled: Scene) -> None:
    under_way = list(scans(filled))
    for turn, (scan, _) in enumerate(under_way):
        for _ in range(3 + turn):
            assert scan.step(), "it is in the middle"
    filled.switch()
    for scan, wanted in under_way:
        assert wanted - scan.finish() == set(), scan.before
        assert len(scan.tags - {0}) == 2


def test_scans_go_on_while_a_switchover_and_others_writes_come_into_them(filled: Scene) -> None:
    over = threading.Event()

    def again_and_again(scan: Scan, wanted: set[str]) -> int:
        """One scan after the other; the last one begins when the switchovers are over."""
        across = 0
        while True:
            last = over.is_set()
            assert wanted - scan.finish() == set(), scan.before
            across += len(scan.tags - {0}) > 1
            scan.found, scan.tags = set(), set()
            if last:
                return across

    def churn() -> None:
        """Others come and go, so that the tables grow and shrink while they are scanned."""
        talk, turn = filled.talk(), 0
        while not over.is_set():
            words = ["SET", "x"] if turn % 16 < 8 else ["DEL"]
            assert talk.ask("EVAL", CHURN, 0, turn % 8 * 500, *words) is None
            turn += 1

    with ThreadPoolExecutor(16) as pool:
        running = [pool.submit(again_and_again, *each) for each in list(scans(filled))[::2]]
        churning = pool.submit(churn)
        try:
            for _ in range(4):
                filled.switch()
        finally:
            over.set()
        churning.result()
        assert sum(each.result() for each in running) >= 4, "switchovers came into scans"


def test_the_iterators_of_a_client_library_find_everything(filled: Scene) -> None:
    clients = [filled.proxy.client(protocol=protocol) for protocol in (2, 3)]
    under_way: list[tuple[Iterator[Any], set[Any]]] = []
    for client in clients:
        fields = {(f"field:{number}", str(number)) for number in range(1, MANY + 1)}
        scores = {(f"member:{number}", float(number)) for number in range(1, MANY + 1)}
        under_way += [
            (client.scan_iter(count=300), names("key")),
            (client.scan_iter(match="key:*7", count=300), names("key", ENDING_IN_7)),
            (client.scan_iter(count=300, _type="list"), names("list", range(1, 51))),
            (client.sscan_iter("set", count=300), names("member")),
            (client.hscan_iter("hash", count=300), fields),
            (client.zscan_iter("zset", count=300), scores),
        ]
    begun = [{next(iterator) for _ in range(20)} for iterator, _ in under_way]
    filled.switch()
    for (iterator, wanted), found in zip(under_way, begun, strict=True):
        assert wanted - found.union(iterator) == set()


def test_a_scan_queued_before_a_switchover_starts_over_in_it(filled: Scene) -> None:
    scan = Scan(filled.talk(), ["SCAN"], ["COUNT", "1000"])
    for _ in range(5):
        scan.step()
    scan.talk.ask_all("MULTI", f"SCAN {scan.cursor} COUNT 1000")
    filled.switch()
    [(scan.cursor, found)] = scan.talk.ask("EXEC")
    scan.found.update(found)
    assert names("key") - scan.finish() == set()


def test_back_on_the_node_that_gave_it_out_a_cursor_goes_on_where_it_was(filled: Scene) -> None:
    scan = Scan(filled.talk(), ["HSCAN", "hash"], ["COUNT", "1000"], width=2)
    for _ in range(10):
        scan.step()
    cursor = scan.cursor
    expected = scan.talk.ask("HSCAN", "hash", cursor, "COUNT", 1000)
    filled.switch()
    filled.switch()
    assert scan.talk.ask("HSCAN", "hash", cursor, "COUNT", 1000) == expected
    assert names("field") - scan.finish() == set()
    assert len(scan.tags - {0}) == 1


def test_a_node_that_was_restarted_is_another_one(
    redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess], lanes: str
) -> None:
    server = redis_server()
    server.command("EVAL", FILL, 0, MANY)
    proxy = baton(server)
    scan = Scan(Talk(proxy.raw()), ["SSCAN", "set"], ["COUNT", "1000"])
    for _ in range(10):
        scan.step()
    server.command("SAVE")
    server.restart()
    if lanes == "private":
        wait_until(scan.talk.is_closed, "the client is closed with its lane")
        scan.talk = Talk(proxy.raw())
    assert names("member") - scan.finish() == set()
    assert len(scan.tags - {0}) == 2


def test_check_tells_that_cursors_can_be_told_apart(scene: Scene) -> None:
    assert any(line.split()[:2] == ["ok", "cursors"] for line in scene.proxy.admin("CHECK"))
