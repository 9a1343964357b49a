"""The process is told by signals, as by an init system; what it says to that, and to systemd."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.baton import BatonProcess
from tests.operation.test_systemd import said
from tests.servers import Pair
from tests.talking import Talk
from tests.valve import ValvedPair
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
PATIENT = {"BATON_PROXY_DRAIN_MS": "60000"}


def tells(proxy: BatonProcess, event: str) -> None:
    wait_until(lambda: f"  {event}" in proxy.log(), lambda: f"{event}; its log: {proxy.log()}")


def test_with_idle_clients_it_leaves_at_once(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, environment=PATIENT)
    client = Talk(proxy.raw())
    assert client.ask("PING") == "PONG"
    assert proxy.terminate() == 0
    assert client.rest() == b""
    assert "  +left" in proxy.log()
    assert "-clients-left" not in proxy.log()


def test_a_transaction_is_finished_while_nobody_new_comes_in(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, environment=PATIENT)
    client = Talk(proxy.raw())
    assert client.ask_all("MULTI", "INCR n") == ["OK", "QUEUED"]
    os.kill(proxy.pid, signal.SIGTERM)
    tells(proxy, "+leaving")
    wait_until(lambda: refuses(proxy), "nobody new is accepted")
    assert proxy.admin("PING")
    assert client.ask("EXEC") == [1]
    assert client.rest() == b""
    assert proxy.wait() == 0


def refuses(proxy: BatonProcess) -> bool:
    try:
        proxy.raw().close()
    except ConnectionRefusedError:
        return True
    return False


def test_who_has_not_finished_in_time_is_closed(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, environment={"BATON_PROXY_DRAIN_MS": "100"})
    client = Talk(proxy.raw())
    client.send("BLPOP", "list", 0)
    wait_until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    assert proxy.terminate() == 0
    assert client.rest() == b""
    assert "-clients-left  clients=1" in proxy.log()


def test_told_twice_it_leaves_at_once(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, environment=PATIENT)
    client = Talk(proxy.raw())
    client.send("BLPOP", "list", 0)
    wait_until(lambda: pair.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    os.kill(proxy.pid, signal.SIGTERM)
    tells(proxy, "+leaving")
    assert proxy.terminate() == 0


def test_nothing_is_executed_unanswered_when_it_leaves_under_load(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, environment=PATIENT)
    acknowledged = [0] * 8
    ready = threading.Barrier(9)

    def count(number: int) -> None:
        client = proxy.client()
        client.ping()
        ready.wait()
        try:
            while True:
                client.incr("n")
                acknowledged[number] += 1
        except redis.ConnectionError:
            return

    threads = [threading.Thread(target=count, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    ready.wait()
    wait_until(lambda: min(acknowledged) > 5, "all of them are at work")
    assert proxy.terminate() == 0
    for thread in threads:
        thread.join()
    assert int(pair.primary.command("GET", "n")) == sum(acknowledged)


def test_a_switchover_under_way_is_finished_first(pair: Pair, baton: Start) -> None:
    valved = ValvedPair.of(pair)
    proxy = baton(*pair, environment=PATIENT)
    client = Talk(proxy.raw())
    assert client.ask("PING") == "PONG"
    with valved.hold(proxy) as future:
        client.send("INCR", "n")
        os.kill(proxy.pid, signal.SIGTERM)
        tells(proxy, "+leaving")
        valved.valve.open()
        assert future.result()["outcome"] == "done"
    assert client.reply() == 1
    assert client.rest() == b""
    assert proxy.wait() == 0
    assert valved.replica.info()["role"] == "master"
    valved.valve.close()


def test_a_switchover_without_any_client_is_finished_and_answered_too(pair: Pair, baton: Start) -> None:
    valved = ValvedPair.of(pair)
    proxy = baton(*pair, environment=PATIENT)
    with valved.hold(proxy) as future:
        os.kill(proxy.pid, signal.SIGTERM)
        tells(proxy, "+leaving")
        assert proxy.admin("PING")
        valved.valve.open()
        assert future.result()["outcome"] == "done"
    assert proxy.wait() == 0
    valved.valve.close()


def test_a_switchover_before_its_edge_is_undone_when_time_is_over(pair: Pair, baton: Start) -> None:
    valved = ValvedPair.of(pair)
    proxy = baton(*pair, environment={"BATON_PROXY_DRAIN_MS": "100"})
    valved.valve.shut()
    valved.primary.command("SET", "lag", "x")
    asked = Talk(socket.create_connection(("127.0.0.1", proxy.admin_port), 10))
    asked.send("SWITCHOVER", "BUDGET", "20000")
    tells(proxy, "+paused")
    assert proxy.terminate() == 0
    assert "-called-off" in proxy.log()
    assert valved.replica.info()["role"] == "slave"
    valved.primary.command("SET", "not", "paused")
    asked.socket.close()
    valved.valve.close()


def test_sighup_reads_the_settings_again(pair: Pair, baton: Start, tmp_path: Path) -> None:
    file = tmp_path / "baton.toml"
    file.write_text("[switchover]\nbudget_ms = 400\n")
    proxy = baton(*pair, "--config", str(file))
    file.write_text("[switchover]\nbudget_ms = 500\n")
    os.kill(proxy.pid, signal.SIGHUP)
    tells(proxy, "+reloaded")
    assert "switchover.budget_ms: 500, was 400" in proxy.log()
    file.write_text("[switchover]\nbudget_ms = 'soon'\n")
    os.kill(proxy.pid, signal.SIGHUP)
    tells(proxy, "-not-reloaded")
    assert proxy.client().ping()


@pytest.mark.parametrize(
    "odd", ["budget_ms = " + "9" * 5000, "budget_ms = " + "[" * 5000], ids=["long", "deep"]
)
def test_a_file_that_nobody_would_write_ends_nothing(
    pair: Pair, baton: Start, tmp_path: Path, odd: str
) -> None:
    file = tmp_path / "baton.toml"
    file.write_text("")
    proxy = baton(*pair, "--config", str(file))
    file.write_text(f"[switchover]\n{odd}\n")
    os.kill(proxy.pid, signal.SIGHUP)
    tells(proxy, "-not-reloaded")
    assert proxy.client().ping()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_systemd_is_told_of_everything(
    pair: Pair, baton: Start, tmp_path: Path, number: signal.Signals
) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(str(tmp_path / "n"))
        systemd.setblocking(False)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "n"), "WATCHDOG_USEC": "200000"}
        proxy = baton(*pair, environment=environment)
        heard: list[str] = []

        def hears(what: str) -> bool:
            heard.extend(said(systemd))
            return any(what in each for each in heard)

        wait_until(lambda: hears("READY=1"), "it is ready")
        assert heard[0] == "READY=1"
        wait_until(lambda: hears("WATCHDOG=1"), "it lives")
        heard.clear()
        os.kill(proxy.pid, signal.SIGHUP)
        wait_until(lambda: hears("RELOADING=1") and hears("READY=1"), "it has read its settings")
        os.kill(proxy.pid, number)
        assert proxy.wait() == 0
        assert hears("STOPPING=1")


def test_an_address_of_http_that_is_taken_is_one_line(pair: Pair, baton: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with pytest.raises(AssertionError, match=f"baton: --http: {address}: Address already in use"):
            baton(*pair, "--http", address)


def test_drain_is_answered_and_ends_it_as_sigterm_does(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, environment=PATIENT)
    client = Talk(proxy.raw())
    assert client.ask("PING") == "PONG"
    assert proxy.admin("DRAIN") in (b"OK", "OK", True)
    assert proxy.wait() == 0
    assert client.rest() == b""
