"""The console of a real proxy before real servers: what is asked is done, and told."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import redis

from proxy.admin.console.commands import COMMANDS
from proxy.switchover.report import STEPS
from tests.baton import BatonProcess
from tests.console import ask, view
from tests.servers import Pair, RedisServer, direct_client
from tests.talking import Talk
from tests.waiting import wait_until

Start = Callable[..., BatonProcess]
PASSWORD = "pomegranate-seed"
STEPS_TOLD = ("preflight", "warmed", "held", "drained", "paused", "converged", "promoted")


@contextmanager
def listening(proxy: BatonProcess, protocol: int) -> Iterator[Callable[[str], list[dict[str, Any]]]]:
    """Subscribed; what is yielded waits for an event of this name and returns all up to it."""
    with direct_client(proxy.admin_port, protocol=protocol) as client, client.pubsub() as events:
        events.subscribe("events")
        events.get_message(timeout=5)

        def until(name: str) -> list[dict[str, Any]]:
            told: list[dict[str, Any]] = []
            while not told or told[-1]["event"] != name:
                message = events.get_message(timeout=10)
                assert message is not None, f"{name} is not told, only {told}"
                told.append(json.loads(message["data"]))
            return told

        yield until


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_subscriber_sees_each_step_of_a_switchover_in_order(
    pair: Pair, baton: Start, protocol: int
) -> None:
    proxy = baton(*pair)
    with listening(proxy, protocol) as until:
        report = proxy.switchover()
        told = until("+switched-over")
    names = [event["event"].removeprefix("+") for event in told]
    assert names[:2] == ["asked", "switchover"] and tuple(names[2:9]) == STEPS_TOLD
    assert set(names[9:]) == {"demoted", "swapped", "released", "settled", "switched-over"}
    assert {event["switchover"] for event in told[1:]} == {1}
    assert told[-1]["outcome"] == report["outcome"] == "done"
    assert [event["time"] for event in told] == sorted(event["time"] for event in told)


def test_a_dry_run_moves_nothing_and_is_remembered(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    report = dict(zip(*[iter(ask(proxy, "SWITCHOVER", "DRYRUN"))] * 2, strict=True))
    assert (report["outcome"], report["hold_ms"]) == ("dry run", "0.000")
    assert view(proxy).info["primary"] == pair.primary.address
    assert ask(proxy, "SWITCHOVER", "TO", "nowhere:1").startswith("REFUSED candidate: ")
    refused, tried = ask(proxy, "HISTORY")
    assert 'outcome=refused kind=REFUSED why="candidate: nowhere:1 ' in refused
    assert 'outcome="dry run"' in tried and f"to={pair.replica.address}" in tried
    assert all(f"steps_ms.{step}=" in tried for step in STEPS[:2])


def test_a_hold_by_hand_holds_until_it_is_released(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    talk = Talk(proxy.raw())
    assert talk.ask("SET", "fruit", "fig") == "OK"
    name, limit = ask(proxy, "HOLD", "5000")
    assert name == "held_at_most_ms" and 4000 < limit <= 5000
    talk.send("GET", "fruit")
    wait_until(lambda: view(proxy).info["waiting_clients"] == 1, "it waits")
    assert view(proxy).gate == "closed: by hand"
    assert str(ask(proxy, "SWITCHOVER")).startswith("BUSY ")
    name, held = ask(proxy, "RELEASE")
    assert name == "held_ms" and float(held) < 5000
    assert talk.reply() == "fig"
    assert str(ask(proxy, "RELEASE")).startswith("REFUSED release: ")


def test_a_client_is_found_and_killed_and_nobody_else(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    talks = [Talk(proxy.raw()) for _ in range(3)]
    for number, talk in enumerate(talks):
        assert talk.ask("CLIENT", "SETNAME", f"c{number}") == "OK"
        assert talk.ask("SELECT", number) == "OK"
    assert talks[1].ask("MULTI") == "OK"
    [line] = ask(proxy, "CLIENTS", "NAME", "c1")
    assert " user=default name=c1 resp=2 db=1 " in line and line.endswith("state=multi")
    assert (
        ask(proxy, "CLIENTS", "STATE", "multi")
        == ask(proxy, "CLIENTS", "DB", "1", "LANE", "private")
        == [line]
    )
    assert len(ask(proxy, "CLIENTS", "LIMIT", "2")) == 2
    number = line.split()[0].removeprefix("id=")
    assert ask(proxy, "CLIENTS", "KILL", number) in ("OK", b"OK", True)
    assert talks[1].is_closed()
    assert [talk.ask("PING") for talk in (talks[0], talks[2])] == ["PONG", "PONG"]
    assert str(ask(proxy, "CLIENTS", "KILL", number)).startswith("no client has the id ")


def test_nodes_come_and_go_while_it_runs(
    pair: Pair, baton: Start, redis_server: Callable[..., RedisServer]
) -> None:
    proxy = baton(*pair)
    third = redis_server()
    assert str(ask(proxy, "NODES", "ADD", third.address)).startswith("REFUSED node: ")
    third.replicate(pair.primary)
    third.wait_link_up()
    assert ask(proxy, "NODES", "ADD", third.address).startswith(f"  {third.address}: replica of ")
    assert len(view(proxy).nodes) == 3
    assert str(ask(proxy, "NODES", "REMOVE", pair.primary.address)).startswith("REFUSED node: ")
    assert ask(proxy, "NODES", "REMOVE", third.address) in ("OK", b"OK", True)
    assert len(view(proxy).nodes) == 2


def test_settings_change_while_it_runs(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    assert ask(proxy, "CONFIG", "SET", "switchover.budget_ms", "2500")
    assert ask(proxy, "CONFIG", "GET", "switchover.b*") in (
        ["switchover.budget_ms", "2500"],
        {"switchover.budget_ms": "2500"},
    )
    assert "must be" in ask(proxy, "CONFIG", "SET", "switchover.budget_ms", "soon")
    assert "restart" in ask(proxy, "CONFIG", "SET", "proxy.listen", "127.0.0.1:1")
    assert ask(proxy, "CONFIG", "RELOAD") == ["switchover.budget_ms: 1000, was 2500"]
    assert ask(proxy, "LOG", "LEVEL") == "info"
    assert ask(proxy, "LOG", "LEVEL", "error")
    proxy.switchover()
    assert "+switched-over" not in proxy.log()


def test_the_password_is_wanted_of_everybody_and_shown_to_nobody(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair, environment={"BATON_ADMIN_PASSWORD": PASSWORD})
    with pytest.raises(redis.AuthenticationError, match=r"Authentication required\."):
        proxy.admin("NODES")
    for wrong in ("fig", f"{PASSWORD} "):
        with (
            pytest.raises(redis.AuthenticationError),
            direct_client(proxy.admin_port, password=wrong) as client,
        ):
            client.ping()
    for protocol in (2, 3):
        with direct_client(proxy.admin_port, password=PASSWORD, protocol=protocol) as client:
            assert len(client.execute_command("NODES")) == 2
            everything = str([client.execute_command(name) for name in ("INFO", "HISTORY", "CLIENTS")])
            everything += str(client.execute_command("CONFIG GET", "*"))
    assert PASSWORD not in everything + proxy.log() and "fig" not in proxy.log()
    assert proxy.log().count("-console-login") == 2


def test_a_drain_lets_clients_finish_and_ends_the_process(pair: Pair, baton: Start) -> None:
    proxy = baton(*pair)
    assert Talk(proxy.raw()).ask("SET", "fruit", "fig") == "OK"
    assert ask(proxy, "DRAIN") in ("OK", b"OK", True)
    assert proxy.wait() == 0


def test_every_form_has_an_answer(pair: Pair, baton: Start) -> None:
    """Whatever is in the table is known to the proxy behind it."""
    proxy = baton(*pair)
    for command in COMMANDS.values():
        for form in command.forms:
            words = [*form.text.split("[")[0].replace("host:port", "a:1").replace(" id", " 0").split()]
            if words[0] not in ("DRAIN", "SUBSCRIBE"):
                assert "internal" not in str(ask(proxy, *words)), words
