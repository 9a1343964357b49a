"""GET /metrics of the real proxy: right after known traffic, during a hold, and over a switchover."""

import urllib.request
from collections.abc import Callable
from itertools import pairwise
from threading import Event, Thread
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from proxy.admin.metrics import FAMILIES
from proxy.telling import EVENTS
from proxy.wire.encoding import command
from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.waiting import wait_until

HTTP = ("--http", "127.0.0.1:0")
LIMIT = 10.0
GET = command("GET", "fruit")
FIG = b"$3\r\nfig\r\n"


class Scraped(dict[str, dict[str, float]]):
    """Samples by name, then by the values of their labels, in the order of the labels' names."""

    def __init__(self, proxy: BatonProcess) -> None:
        super().__init__()
        with urllib.request.urlopen(f"http://127.0.0.1:{proxy.http_port}/metrics", timeout=LIMIT) as answer:
            assert answer.headers["Content-Type"].startswith("text/plain; version=0.0.4")
            self.families = list(cast(Any, text_string_to_metric_families)(answer.read().decode()))
        for family in self.families:
            for sample in family.samples:
                labels = " ".join(sample.labels[name] for name in sorted(sample.labels))
                self.setdefault(sample.name, {})[labels] = sample.value

    def more(self, before: "Scraped", name: str) -> dict[str, float]:
        """By how much it has grown, where it has."""
        grown = {label: value - before[name][label] for label, value in self[name].items()}
        return {label: value for label, value in grown.items() if value}


def kind_of(proxy: BatonProcess) -> str:
    return proxy.environment["BATON_LANES_MODE"]


def warm(proxy: BatonProcess, count: int) -> list[Talk]:
    """Clients that have their lanes, so that nothing but what a test says is sent from now on."""
    talks = [Talk(proxy.raw()) for _ in range(count)]
    for talk in talks:
        assert talk.ask("SET", "fruit", "fig") == "OK"
    return talks


@pytest.fixture
def proxy(baton: Callable[..., BatonProcess], redis_server: Callable[..., RedisServer]) -> BatonProcess:
    return baton(redis_server(), *HTTP)


def test_after_known_traffic_the_numbers_are_known(proxy: BatonProcess) -> None:
    talks = warm(proxy, 3)
    before = Scraped(proxy)
    for _ in range(7):
        for talk in talks:
            talk.socket.sendall(GET * 5)
        for talk in talks:
            talk.expect(FIG * 5)
    after = Scraped(proxy)
    count = 7 * 3 * 5
    assert after.more(before, "baton_commands_total") == {kind_of(proxy): count}
    received, sent = (after.more(before, f"baton_{what}_bytes_total") for what in ("received", "sent"))
    assert received["client"] == count * len(GET) and sent["client"] == count * len(FIG)
    fences = kind_of(proxy) == "shared"
    assert (sent["node"] > count * len(GET)) == fences and (received["node"] > count * len(FIG)) == fences
    assert after.more(before, "baton_clients_accepted_total") == {}
    assert after["baton_clients"] == {"shared": 0, "private": 0, "none": 0} | {kind_of(proxy): 3}
    timed = after.more(before, "baton_command_seconds_count")
    assert 0 < timed[kind_of(proxy)] <= count
    seconds = after.more(before, "baton_command_seconds_sum")[kind_of(proxy)]
    assert 0 < seconds < timed[kind_of(proxy)] * LIMIT


def test_every_family_is_there_with_its_type_and_no_others(proxy: BatonProcess) -> None:
    found = {family.name: family for family in Scraped(proxy).families}
    assert len(found) == len(FAMILIES)
    for family in FAMILIES:
        served = found[family.name.removesuffix("_total") if family.kind == "counter" else family.name]
        assert (served.type, served.documentation) == (family.kind, family.help)
        for sample in served.samples:
            assert set(sample.labels) - {"le"} == set(family.labels)


def test_what_the_proxy_itself_answers_is_told_apart(
    baton: Callable[..., BatonProcess], redis_server: Callable[..., RedisServer]
) -> None:
    proxy = baton(redis_server(), *HTTP)
    talks = warm(proxy, 2)
    before = Scraped(proxy)
    assert "ERR" in str(talks[0].ask("REPLICAOF", "NO", "ONE"))
    assert Scraped(proxy).more(before, "baton_commands_total") == {"proxy": 1}


def test_why_clients_have_lanes_of_their_own_is_counted(
    baton: Callable[..., BatonProcess], redis_server: Callable[..., RedisServer]
) -> None:
    proxy = baton(redis_server(), *HTTP, environment={"BATON_LANES_MODE": "shared"})
    opening = {
        "multi": "MULTI",
        "watch": "WATCH fruit",
        "subscribed": "SUBSCRIBE news",
        "monitor": "MONITOR",
        "other": "NO.SUCH.COMMAND",
    }
    talks = warm(proxy, 3)
    for words in opening.values():
        talks.append(Talk(proxy.raw()))
        talks[-1].ask(*words.split())
    talks.append(Talk(proxy.raw()))
    talks[-1].send("BLPOP", "nothing", 0)
    silent = Talk(proxy.raw())
    silent.send("CLIENT", "REPLY", "OFF")
    idle = proxy.raw()
    wanted = dict.fromkeys(opening, 1.0) | {"blocked": 1.0, "reply": 1.0}

    def apart() -> dict[str, float]:
        return {reason: count for reason, count in Scraped(proxy)["baton_clients_apart"].items() if count}

    wait_until(lambda: apart() == wanted, lambda: f"{apart()} is {wanted}")
    seen = Scraped(proxy)
    assert seen["baton_clients"] == {"shared": 3, "private": len(wanted), "none": 1}
    assert seen["baton_lanes"]["private"] == len(wanted) and seen["baton_lanes"]["shared"] == 1
    assert talks[0].ask("SELECT", 1) == "OK"
    wait_until(lambda: Scraped(proxy)["baton_lanes"]["spare"] == 1, "it has given back what it had for that")
    idle.close()
    for talk in (*talks, silent):
        talk.socket.close()
    wait_until(
        lambda: Scraped(proxy)["baton_clients"] == {"shared": 0, "private": 0, "none": 0}, "all have gone"
    )


def test_who_is_held_is_counted_during_the_hold(proxy: BatonProcess) -> None:
    talks = warm(proxy, 5)
    assert sum(Scraped(proxy)["baton_gate_closed"].values()) == 0
    proxy.admin("HOLD", "20000")
    for talk in talks[:3]:
        talk.send("GET", "fruit")
    wait_until(lambda: Scraped(proxy)["baton_clients_held"] == {"": 3}, "three wait")
    assert Scraped(proxy)["baton_gate_closed"] == {"switchover": 0, "no_primary": 0, "by_hand": 1}
    proxy.admin("RELEASE")
    assert [talk.reply() for talk in talks[:3]] == ["fig"] * 3
    seen = Scraped(proxy)
    assert seen["baton_clients_held"] == {"": 0} and not any(seen["baton_gate_closed"].values())


def test_a_switchover_is_counted_with_its_steps_and_one_refused_as_such(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(*pair, *HTTP)
    warm(proxy, 2)
    before = Scraped(proxy)
    primary, replica = pair.primary.address, pair.replica.address
    assert before["baton_node_leads"] == {primary: 1, replica: 0} == before["baton_node_primary"]
    assert before["baton_node_up"] == {primary: 1, replica: 1} and before["baton_node_link_up"] == {
        replica: 1
    }
    assert before["baton_node_lag_bytes"].keys() == {replica}
    report = proxy.switchover(budget_ms=5000)
    after = Scraped(proxy)
    assert after.more(before, "baton_switchovers_total") == {"done": 1}
    assert after["baton_hold_seconds_count"] == {"": 1}
    assert after["baton_hold_seconds_sum"][""] == pytest.approx(float(report["hold_ms"]) / 1000, abs=0.0005)
    assert set(after["baton_switchover_step_seconds_count"].values()) == {1}
    assert len(after["baton_switchover_step_seconds_count"]) == 9
    assert after["baton_node_leads"] == {primary: 0, replica: 1}
    assert after["baton_switchover_under_way"] == {"": 0}
    events = after.more(before, "baton_events_total")
    assert events.items() >= {"+switchover": 1, "+held": 1, "+released": 1, "+switched-over": 1}.items()
    assert set(after["baton_events_total"]) == set(EVENTS)
    with pytest.raises(Exception, match="REFUSED"):
        proxy.switchover(to="127.0.0.1:1")
    assert Scraped(proxy).more(after, "baton_switchovers_total") == {"refused": 1}


def test_a_node_that_was_removed_is_there_no_more(pair: Pair, baton: Callable[..., BatonProcess]) -> None:
    proxy = baton(*pair, *HTTP)
    names = [family.name for family in FAMILIES if family.labels == ("node",)]
    assert any(pair.replica.address in Scraped(proxy)[name] for name in names)
    proxy.admin("NODES", "REMOVE", pair.replica.address)
    seen = Scraped(proxy)
    assert not any(pair.replica.address in seen.get(name, {}) for name in names)


def test_it_is_answered_under_load_and_what_counts_only_grows(proxy: BatonProcess) -> None:
    over = Event()

    def load() -> None:
        [talk] = warm(proxy, 1)
        while not over.is_set():
            talk.socket.sendall(GET * 100)
            talk.expect(FIG * 100)

    threads = [Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        seen = [Scraped(proxy) for _ in range(10)]
    finally:
        over.set()
        for thread in threads:
            thread.join()
    counters = [family for family in seen[0].families if family.type in ("counter", "histogram")]
    names = {sample.name for family in counters for sample in family.samples}
    for earlier, later in pairwise(seen):
        for name in names:
            assert all(value >= earlier[name][label] for label, value in later[name].items()), name
    assert seen[-1].more(seen[0], "baton_commands_total")[kind_of(proxy)] > 0
