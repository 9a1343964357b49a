"""Each client is who it says it is, on the old primary and on the new, and its password is told to nobody."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.console import ask
from tests.servers import Pair, RedisServer
from tests.talking import Talk

SECRETS = ("quince-blossom", "medlar-bark", "sorb-leaf", "damson-thorn", "bullace-root")
OWN, PICKER, READER, WRONG, NEW = SECRETS
USERS = (
    f"user default on >{OWN} ~* &* +@all",
    f"masterauth {OWN}",
    f"user picker on >{PICKER} ~fruit:* resetchannels &orchard:* +@all -@dangerous +client +acl|whoami",
    f"user reader on >{READER} ~* &* +@read +@connection +@transaction +@pubsub +acl|whoami -get",
)
QUESTIONS = ("PING", "HELP", "NODES", "INFO", "CLIENTS", "CHECK", "SWITCHOVER STATUS", "NO SUCH")
LINES = {
    "picker": (
        "SET fruit:a fig",
        "GET stone",
        "SET stone x",
        "ACL LIST",
        "FLUSHALL",
        "PUBLISH orchard:a x",
        "PUBLISH x y",
    ),
    "reader": (
        "GET fruit:a",
        "SET fruit:a x",
        "STRLEN fruit:a",
        "CONFIG GET maxmemory",
        "MULTI",
        "GET fruit:a",
        "EXEC",
    ),
}


@pytest.fixture
def orchard(redis_server: Callable[..., RedisServer], baton: Callable[..., BatonProcess]) -> Scene:
    """Nodes that know some users, and the proxy with a password of its own."""
    pair = Pair(redis_server(*USERS), redis_server(*USERS))
    for node in pair:
        node.password = OWN
    pair.replica.replicate(pair.primary)
    pair.replica.wait_link_up()
    pair.primary.wait_replicas(1)
    return Scene(pair, baton(*pair, environment={"BATON_NODES_PASSWORD": OWN}))


def logged_in(talk: Talk, user: str, password: str) -> Talk:
    assert talk.ask("AUTH", user, password) == "OK"
    return talk


def texts(talk: Talk, lines: tuple[str, ...]) -> list[str]:
    return [str(answer) for answer in talk.ask_all(*lines)]


def test_every_user_may_do_the_same_on_the_new_primary_and_is_told_so_in_redis_own_words(
    orchard: Scene,
) -> None:
    passwords = {"picker": PICKER, "reader": READER}
    talks = {user: logged_in(orchard.talk(), user, passwords[user]) for user in LINES}
    for _ in range(3):
        for user, talk in talks.items():
            straight = texts(logged_in(orchard.bypass(), user, passwords[user]), LINES[user])
            assert texts(talk, LINES[user]) == straight
            assert any(text.startswith("NOPERM") for text in straight)
            assert talk.ask("ACL", "WHOAMI") == user
        orchard.switch()


def test_a_password_that_was_changed_meanwhile_is_refused_and_then_carried(orchard: Scene) -> None:
    """Who is logged in stays so on a Redis whose password changes; on another node it could not log in."""
    talk, new = logged_in(orchard.talk(), "picker", PICKER), orchard.talk()
    for node in orchard.pair:
        node.command("ACL", "SETUSER", "picker", "resetpass", f">{NEW}")
    assert talk.ask("SET", "fruit:a", "fig") == "OK"
    assert logged_in(new, "picker", NEW).ask("ACL", "WHOAMI") == "picker"
    with pytest.raises(redis.ResponseError, match=r"REFUSED identity: .*picker") as refused:
        orchard.proxy.switchover()
    assert not [secret for secret in SECRETS if secret in str(refused.value)]
    assert talk.ask("SET", "fruit:a", "pear") == "OK"
    logged_in(talk, "picker", NEW)
    orchard.switch()
    assert [each.ask("ACL", "WHOAMI") for each in (talk, new)] == ["picker"] * 2


@pytest.mark.parametrize("differs", ["+get", "~*", "off", "resetpass"])
def test_a_candidate_on_which_a_connected_user_would_be_another_is_refused(
    orchard: Scene, differs: str
) -> None:
    talk = logged_in(orchard.talk(), "reader", READER)
    orchard.replica.command("ACL", "SETUSER", "reader", *(["-strlen"] if differs == "~*" else [differs]))
    with pytest.raises(redis.ResponseError, match="REFUSED") as refused:
        orchard.proxy.switchover()
    assert "reader" in str(refused.value)
    assert talk.ask("ACL", "WHOAMI") == "reader"
    assert_secret(orchard)


def test_a_login_that_fails_behind_another_command_is_answered_and_vetoes_nothing(orchard: Scene) -> None:
    """From 7.2 on the node itself forgets the error of an AUTH while it owes another reply."""
    talk = logged_in(orchard.talk(), "picker", PICKER)
    for words in (("AUTH", "picker", WRONG), ("HELLO", "2", "AUTH", "reader", WRONG)):
        talk.send("SET", "fruit:a", "fig")
        talk.send(*words)
        talk.send_all("GET fruit:a", "ACL WHOAMI")
        answers = talk.replies(4)
        assert (answers[0], *answers[2:]) == ("OK", "fig", "picker")
        assert str(answers[1]).startswith("WRONGPASS")
    orchard.switch()
    assert talk.ask("ACL", "WHOAMI") == "picker"


def assert_secret(scene: Scene, *told: object) -> None:
    """No password in the log, in what the console says, in the arguments, nor in what clients were told."""
    said = {question: str(ask(scene.proxy, *question.split())) for question in QUESTIONS}
    said |= {f"told {number}": str(each) for number, each in enumerate(told)}
    said["log"] = scene.proxy.log()
    said["arguments"] = Path(f"/proc/{scene.proxy.pid}/cmdline").read_text()
    assert [(place, secret) for place, text in said.items() for secret in SECRETS if secret in text] == []


def test_no_password_is_told_to_anybody_whatever_happens(orchard: Scene) -> None:
    """Logins good and bad, in every form and place, over switchovers done, refused and called off."""
    told: list[object] = []
    picker, reader, greeted, queue, restless = (orchard.talk() for _ in range(5))
    told += [picker.ask("AUTH", "picker", PICKER), reader.ask("AUTH", "reader", READER)]
    told.append(greeted.ask("HELLO", 3, "AUTH", "picker", PICKER, "SETNAME", "greeted"))
    told += [queue.ask("AUTH", OWN), queue.ask("MULTI"), queue.ask("AUTH", "picker", PICKER)]
    for words in (
        ("AUTH", WRONG),
        ("AUTH", "picker", WRONG),
        ("HELLO", 3, "AUTH", "reader", WRONG),
        ("AUTH", "no", OWN),
    ):
        told.append(restless.ask(*words))
    told.append(restless.ask("AUTH", OWN, WRONG, NEW))
    assert_secret(orchard, *told)
    orchard.switch()
    told += [each.ask("ACL", "WHOAMI") for each in (picker, reader, greeted)]
    assert told[-3:] == ["picker", "reader", "picker"]
    told.append(queue.ask("EXEC"))
    orchard.replica.command("ACL", "SETUSER", "picker", "resetpass", f">{NEW}")
    with pytest.raises(redis.ResponseError, match="REFUSED") as refused:
        orchard.proxy.switchover()
    told.append(refused.value)
    orchard.replica.command("ACL", "SETUSER", "picker", "resetpass", f">{PICKER}")
    stopped = orchard.replica
    stopped.freeze()
    with pytest.raises(redis.ResponseError) as called_off:
        orchard.proxy.switchover(budget_ms=100)
    told.append(called_off.value)
    stopped.thaw()
    picker.send("BLPOP", "fruit:list", 0)
    orchard.wait_blocked(1)
    orchard.primary.kill()
    told.append(picker.rest())
    assert_secret(orchard, *told)


def test_a_subscriber_that_logged_in_later_keeps_its_channel_as_on_redis(scene: Scene) -> None:
    for node in scene.pair:
        node.command("ACL", "SETUSER", "narrow", "on", ">pw", "~*", "+@all", "resetchannels")
    talk = scene.talk()
    talk.ask("HELLO", 3)
    assert talk.ask("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    assert talk.ask("AUTH", "narrow", "pw") == "OK"
    for text in ("one", "two"):
        scene.switch()
        scene.bypass().ask("PUBLISH", "news", text)
        assert talk.reply() == ["message", "news", text]
    assert talk.ask("ACL", "WHOAMI") == "narrow"
