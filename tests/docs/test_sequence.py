"""The picture of a switchover is what happens: the steps, the verbs, and the commands that nodes get."""

from collections.abc import Callable
from typing import Any

from proxy.switchover.report import STEPS
from proxy.switchover.stage import Stage
from scripts.baton_docs.sequence import SEQUENCE
from tests.baton import BatonProcess
from tests.binaries import ROOT
from tests.servers import Pair, RedisServer
from tests.waiting import wait_until

STORY = (ROOT / "proxy/switchover/story.py").read_text()


def test_the_steps_are_those_of_the_code_in_their_order() -> None:
    assert tuple(step.name for step in SEQUENCE) == STEPS


def test_the_verbs_are_those_of_the_stage_and_told_in_the_order_of_the_story() -> None:
    verbs = [verb for step in SEQUENCE for verb in step.verbs]
    assert all(hasattr(Stage, verb) for verb in verbs)
    untold = {"fence", "unpause"}  # repeated while something fails, or undoing
    every = {name for name in vars(Stage) if not name.startswith("_")}
    assert every - set(verbs) == untold
    told = [STORY.index(f"stage.{verb}(") for verb in ("warm", "close_gate", "drain", "pause", "converge")]
    assert told == sorted(told)


def test_the_held_steps_are_those_between_the_two_movements_of_the_gate() -> None:
    held = [step.name for step in SEQUENCE if step.held]
    closing = next(step.name for step in SEQUENCE if "close_gate" in step.verbs)
    opening = next(step.name for step in SEQUENCE if "open_gate" in step.verbs)
    assert held == list(STEPS[STEPS.index(closing) : STEPS.index(opening) + 1])


def commands_at(server: RedisServer) -> list[str]:
    """Every command that the node has run since `log_all`, as words in capitals. MONITOR shows no admin's."""
    entries = server.command("SLOWLOG", "GET", "10000")
    return [" ".join(words).upper() for _, _, _, words, *_ in map(_plain, reversed(entries))]


def _plain(entry: Any) -> list[Any]:
    """An entry as a list, which redis-py makes a dictionary of."""
    if isinstance(entry, dict):
        return [entry["id"], entry["start_time"], entry["duration"], _text(entry["command"]).split()]
    return [*entry]


def _text(said: str | bytes) -> str:
    return said.decode() if isinstance(said, bytes) else said


def log_all(server: RedisServer) -> None:
    server.command("CONFIG", "SET", "slowlog-max-len", "10000")
    server.command("CONFIG", "SET", "slowlog-log-slower-than", "0")
    server.command("SLOWLOG", "RESET")


def test_each_node_gets_the_commands_that_are_drawn_in_their_order(
    pair: Pair, baton: Callable[..., BatonProcess]
) -> None:
    proxy = baton(*pair)
    client = proxy.client(db=1)
    assert client.eval("return 1", 0) == 1
    subscriber = proxy.raw()
    subscriber.sendall(b"SUBSCRIBE news\r\n")
    assert subscriber.recv(1000)
    transaction = proxy.raw()
    transaction.sendall(b"MULTI\r\nSET key value\r\n")
    wait_until(lambda: b"QUEUED" in transaction.recv(1000), "a transaction is open")
    blocked = proxy.raw()
    blocked.sendall(b"BLPOP queue 0\r\n")
    wait_until(lambda: pair.primary.client().info("clients")["blocked_clients"], "a client is blocked")
    for server in pair:
        log_all(server)
    assert proxy.switchover()["outcome"] == "done"
    for who, server in {"A": pair.primary, "B": pair.replica}.items():
        drawn = [
            message.sent
            for step in SEQUENCE
            for message in step.messages
            if message.target == who and message.sent
        ]
        sent = commands_at(server)
        place = 0
        for command in drawn:
            later = [index for index, told in enumerate(sent[place:], place) if told.startswith(command)]
            assert later, f"{who} is told {command} after {sent[:place][-3:]}; it was told {sent}"
            place = later[0] + 1
