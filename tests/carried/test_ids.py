"""A client keeps its id over switchovers, and others reach it by that id wherever it is."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from proxy.session.ids import IDS_FROM
from tests.carried.scene import Scene
from tests.talking import Talk
from tests.waiting import wait_until


def own_address(talk: Talk) -> str:
    host, port = talk.socket.getsockname()
    return f"{host}:{port}"


def lines(said: str) -> dict[int, dict[str, str]]:
    """The lines of CLIENT LIST by id."""
    return {
        int(line["id"]): line
        for each in said.splitlines()
        if (line := dict(re.findall(r"([\w-]+)=(\S*)", each)))
    }


def rounds(scene: Scene) -> Iterator[int]:
    """Before any switchover, after one, and after one back."""
    yield 0
    for turn in (1, 2):
        scene.switch()
        yield turn


def test_a_client_has_the_same_id_after_every_switchover(scene: Scene) -> None:
    talks = [scene.talk() for _ in range(3)]
    ids = [talk.ask("CLIENT", "ID") for talk in talks]
    assert len(set(ids)) == 3 and min(ids) > IDS_FROM
    for _ in rounds(scene):
        for talk, own in zip(talks, ids, strict=True):
            assert talk.ask("CLIENT", "ID") == own
            assert talk.ask("HELLO", 3)["id"] == own
            greeting = talk.ask("HELLO", 2)
            assert greeting[greeting.index("id") + 1] == own
            assert talk.ask_all("MULTI", "CLIENT ID", "EXEC")[-1] == [own]
            [line] = lines(talk.ask("CLIENT", "INFO")).values()
            assert (int(line["id"]), line["addr"]) == (own, own_address(talk))


@pytest.mark.parametrize("protocol", [2, 3])
def test_a_list_shows_the_clients_with_their_ids_and_addresses(scene: Scene, protocol: int) -> None:
    asker, other = scene.talk(), scene.talk()
    asker.ask("HELLO", protocol)
    ids = [talk.ask("CLIENT", "ID") for talk in (asker, other)]
    for _ in rounds(scene):
        stranger = scene.bypass()
        theirs = stranger.ask("CLIENT", "ID")
        listed = lines(asker.ask("CLIENT", "LIST"))
        assert {ids[0], ids[1], theirs} <= set(listed)
        assert [listed[own]["addr"] for own in ids] == [own_address(asker), own_address(other)]
        assert listed[theirs]["addr"] == own_address(stranger)
        assert set(lines(asker.ask("CLIENT", "LIST", "ID", ids[1], theirs))) == {ids[1], theirs}
        assert set(lines(asker.ask("CLIENT", "LIST", "ID", IDS_FROM + 999_999))) == set()
        at_node = lines(stranger.ask("CLIENT", "LIST"))
        assert not set(ids) & set(at_node), "straight to the node nothing is changed"


@pytest.mark.parametrize("protocol", [2, 3])
def test_each_client_has_one_line_that_says_what_it_has_set_up(scene: Scene, protocol: int) -> None:
    """And in which a client that is told of itself finds the same as who lists it."""
    for node in scene.pair:
        node.command("ACL", "SETUSER", "picker", "on", ">fig", "~*", "&*", "+@all")
    asker, silent, plain, dressed, news = talks = [scene.talk() for _ in range(5)]
    dressed.ask("HELLO", protocol, "AUTH", "picker", "fig", "SETNAME", "100%")
    dressed.ask("SELECT", 3)
    news.ask("SUBSCRIBE", "news")
    scene.wait_connected(5)
    for _ in rounds(scene):
        plain.ask("PING")
        listed = lines(asker.ask("CLIENT", "LIST"))
        by_address = {line["addr"]: line for number, line in listed.items() if number > IDS_FROM}
        assert sorted(by_address) == sorted(map(own_address, talks))
        assert [line["addr"] for line in listed.values() if line["user"] == "picker"] == [
            own_address(dressed)
        ]
        for talk in (plain, dressed):
            [itself] = lines(talk.ask("CLIENT", "INFO")).values()
            one = by_address[own_address(talk)]
            same = itself.keys() & {
                "id",
                "addr",
                "name",
                "db",
                "flags",
                "multi",
                "user",
                "redir",
                "resp",
                "lib-name",
            }
            assert {what: one[what] for what in same} == {what: itself[what] for what in same}
            [named] = lines(asker.ask("CLIENT", "LIST", "ID", itself["id"])).values()
            assert {what: named[what] for what in same} == {what: itself[what] for what in same}
        assert by_address[own_address(silent)]["cmd"] == "NULL"
        ordinary = lines(asker.ask("CLIENT", "LIST", "TYPE", "normal")).values()
        assert {line["addr"] for line in ordinary} >= set(map(own_address, talks[:4]))
        assert own_address(news) not in {line["addr"] for line in ordinary}
        [subscriber] = lines(asker.ask("CLIENT", "LIST", "TYPE", "pubsub")).values()
        assert subscriber["addr"] == own_address(news)


def test_a_long_list_comes_whole(scene: Scene) -> None:
    talks = [scene.talk() for _ in range(400)]
    ids = [talk.ask("CLIENT", "ID") for talk in talks]
    said = talks[0].ask("CLIENT", "LIST")
    assert len(said) > 64 * 1024
    assert set(ids) <= set(lines(said))
    assert talks[0].ask_all("CLIENT LIST", "PING")[1] == "PONG"
    told, pong = talks[0].ask_all("MULTI", "CLIENT LIST", "PING", "EXEC")[-1]
    assert set(ids) <= set(lines(told)) and pong == "PONG"


def test_a_client_is_killed_by_its_id_or_address_and_nobody_else(scene: Scene) -> None:
    asker, bystander = scene.talk(), scene.talk()
    bystander.ask("PING")
    for _ in rounds(scene):
        by_id, by_address, by_old_form = victims = [scene.talk() for _ in range(3)]
        number, *_ = [talk.ask("CLIENT", "ID") for talk in victims]
        assert asker.ask("CLIENT", "KILL", "ID", number) == 1
        assert asker.ask("CLIENT", "KILL", "ADDR", own_address(by_address)) == 1
        assert asker.ask("CLIENT", "KILL", own_address(by_old_form)) == "OK"
        for talk in victims:
            assert talk.rest() == b""
        assert asker.ask("CLIENT", "KILL", "ID", number) == 0
        assert "No such client" in str(asker.ask("CLIENT", "KILL", own_address(by_id)))
        assert bystander.ask("PING") == asker.ask("PING") == "PONG"


def test_a_client_that_was_there_before_the_switchover_is_killed_after_it(scene: Scene) -> None:
    asker, victim = scene.talk(), scene.talk()
    number = victim.ask("CLIENT", "ID")
    assert asker.ask("CLIENT", "KILL", "ID", number, "TYPE", "pubsub") == 0, "the id at the node is known now"
    scene.switch()
    assert victim.is_quiet()
    assert asker.ask("CLIENT", "KILL", "ID", number) == 1
    assert victim.rest() == b""


def test_a_client_without_a_lane_is_killed_too(scene: Scene) -> None:
    asker = scene.talk()
    number = asker.ask("CLIENT", "ID")
    by_id, by_address, by_old_form = victims = [scene.talk() for _ in range(3)]
    scene.wait_connected(4)
    assert asker.ask("CLIENT", "KILL", "ID", number + 1) == 1
    assert asker.ask("CLIENT", "KILL", "ADDR", own_address(by_address), "TYPE", "normal") == 1
    assert asker.ask("CLIENT", "KILL", own_address(by_old_form)) == "OK"
    for talk in victims:
        assert talk.rest() == b"", (by_id, by_address, by_old_form).index(talk)


def test_the_clients_of_a_user_are_killed_and_counted_whatever_lanes_they_have(scene: Scene) -> None:
    for node in scene.pair:
        node.command("ACL", "SETUSER", "picker", "on", ">fig", "~*", "&*", "+@all")
    asker, bystander = scene.talk(), scene.talk()
    bystander.ask("PING")
    for _ in rounds(scene):
        pickers = [scene.talk() for _ in range(4)]
        for talk in pickers:
            assert talk.ask("AUTH", "picker", "fig") == "OK"
            talk.ask("PING")
        waiter, news, *_ = pickers
        waiter.send("BLPOP", "nothing", 0)
        news.ask("SUBSCRIBE", "news")
        scene.wait_blocked(1)
        assert asker.ask("CLIENT", "KILL", "USER", "picker") == 4
        for talk in pickers:
            assert talk.rest() == b""
        # A shared lane that was killed is opened again at once, and counted until the proxy knows it.
        wait_until(lambda: asker.ask("CLIENT", "KILL", "USER", "picker") == 0, "nobody is left")
        assert bystander.ask("PING") == asker.ask("PING") == "PONG"


def test_whoever_is_an_ordinary_client_is_killed_but_not_who_asks(scene: Scene) -> None:
    for _ in rounds(scene):
        asker, news, said_something, silent = (scene.talk() for _ in range(4))
        news.ask("SUBSCRIBE", "news")
        said_something.ask("PING")
        asker.ask("PING")
        assert asker.ask("CLIENT", "KILL", "TYPE", "normal") >= 2
        assert said_something.rest() == silent.rest() == b""
        assert asker.ask("PING") == "PONG"
        asker.ask("PUBLISH", "news", "fig")
        assert news.reply() == ["message", "news", "fig"]
        wait_until(lambda: not [line for line in scene.proxy.admin("NODES") if "!" in line], "it is back")


def test_who_kills_itself_is_answered_first(scene: Scene) -> None:
    for old_form in (False, True):
        talk = scene.talk()
        number = talk.ask("CLIENT", "ID")
        assert talk.ask("CLIENT", "KILL", "ID", number) == 0, "by default it skips itself"
        scene.switch()
        if old_form:
            talk.send_all(f"CLIENT KILL {own_address(talk)}", "PING")
            assert talk.rest() == b"+OK\r\n"
        else:
            talk.send_all(f"CLIENT KILL ID {number} SKIPME no", "PING")
            assert talk.rest() == b":1\r\n"


def test_a_blocked_client_is_unblocked_by_its_id(scene: Scene) -> None:
    asker, waiter = scene.talk(), scene.talk()
    number = waiter.ask("CLIENT", "ID")
    for _ in rounds(scene):
        for reason, answer in (("", "None"), ("TIMEOUT", "None"), ("ERROR", "UNBLOCKED")):
            waiter.send("BLPOP", "nothing", 0)
            scene.wait_blocked(1)
            assert asker.ask("CLIENT", "UNBLOCK", number, *reason.split()) == 1
            assert str(waiter.reply()).startswith(answer)
        assert asker.ask("CLIENT", "UNBLOCK", number) == 0


def test_a_client_that_is_blocked_throughout_is_unblocked_on_the_new_primary(scene: Scene) -> None:
    asker, waiter = scene.talk(), scene.talk()
    number = waiter.ask("CLIENT", "ID")
    waiter.send("BLPOP", "nothing", 0)
    for _ in range(2):
        scene.wait_blocked(1)
        scene.switch()
    scene.wait_blocked(1)
    assert asker.ask("CLIENT", "UNBLOCK", number, "ERROR") == 1
    assert str(waiter.reply()).startswith("UNBLOCKED")


def test_what_is_unknown_or_malformed_is_answered_as_the_node_does(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask("PING")
    straight = scene.bypass()
    for line in (
        "KILL", "KILL ID", "KILL ID x", "KILL ID -1", f"KILL ID 0{IDS_FROM}", f"KILL ID {IDS_FROM + 10**6}",
        f"KILL ID {IDS_FROM + 10**6} SKIPME no", f"KILL ID {2**63}", "KILL 1.2.3.4:5", "KILL ADDR 1.2.3.4:5",
        "KILL ID 1 2", "LIST ID", "LIST ID x", "LIST ID 0", f"LIST ID {IDS_FROM}", "LIST TYPE x",
        "LIST X y", "INFO x", "ID x", "UNBLOCK", "UNBLOCK x", f"UNBLOCK {IDS_FROM + 10**6}",
        f"UNBLOCK {IDS_FROM + 10**6} X", "UNBLOCK 1 TIMEOUT x", "NONSENSE",
    ):  # fmt: skip
        told, answer = talk.ask("CLIENT", *line.split()), straight.ask("CLIENT", *line.split())
        assert (type(told), str(told)) == (type(answer), str(answer)), line


def test_a_transaction_that_is_open_over_a_switchover_tells_the_same_id(scene: Scene) -> None:
    talk, other = scene.talk(), scene.talk()
    own, theirs = talk.ask("CLIENT", "ID"), other.ask("CLIENT", "ID")
    queued = talk.ask_all("MULTI", "CLIENT ID", "CLIENT INFO", f"CLIENT LIST ID {own} {theirs}")
    assert queued == ["OK", *["QUEUED"] * 3]
    scene.switch()
    told, line, _ = talk.ask("EXEC")
    assert told == own and set(lines(line)) == {own}
    assert other.ask("PING") == "PONG"


def test_what_nobody_answers_is_done_all_the_same(scene: Scene) -> None:
    asker, victim = scene.talk(), scene.talk()
    number = victim.ask("CLIENT", "ID")
    asker.send_all(
        "CLIENT REPLY SKIP", f"CLIENT KILL ID {number}", "CLIENT REPLY OFF", "CLIENT LIST", "CLIENT ID"
    )
    asker.send_all("CLIENT REPLY ON")
    assert asker.reply() == "OK"
    assert victim.rest() == b""
    assert asker.ask("PING") == "PONG"


def test_a_subscriber_is_listed_by_what_it_sent_and_not_by_the_proxys_mark(scene: Scene) -> None:
    asker, news, patterns, pings = (scene.talk() for _ in range(4))
    addresses = {
        own_address(news): "subscribe",
        own_address(patterns): "psubscribe",
        own_address(pings): "ping",
    }
    news.ask("SUBSCRIBE", "news")
    patterns.ask("PSUBSCRIBE", "n*")
    pings.ask("CLIENT", "TRACKING", "on")  # so that it has a lane of its own too
    for _ in rounds(scene):
        pings.ask("PING")
        shown = {line["addr"]: line["cmd"] for line in lines(asker.ask("CLIENT", "LIST")).values()}
        assert {address: shown[address] for address in addresses} == addresses


def test_ids_in_an_open_transaction_stay_valid_over_a_switchover(scene: Scene) -> None:
    victim, blocked, target, talk, cache = (scene.talk() for _ in range(5))
    killed, woken, told = (each.ask("CLIENT", "ID") for each in (victim, blocked, target))
    blocked.send("BLPOP", "nothing", 0)
    target.ask("SUBSCRIBE", "__redis__:invalidate")
    scene.wait_blocked(1)
    assert talk.ask_all("MULTI", f"CLIENT UNBLOCK {woken}", f"CLIENT KILL ID {killed}")[1:] == ["QUEUED"] * 2
    assert cache.ask_all("MULTI", f"CLIENT TRACKING ON REDIRECT {told}", "GET fruit")[1:] == ["QUEUED"] * 2
    scene.switch()
    scene.wait_blocked(1)
    assert talk.ask("EXEC") == [1, 1]
    assert blocked.reply() is None
    assert victim.rest() == b""
    assert cache.ask("EXEC") == ["OK", None]
    scene.bypass().ask("SET", "fruit", "fig")
    assert target.reply() == ["message", "__redis__:invalidate", ["fruit"]]


def test_a_look_up_that_failed_once_is_made_again(scene: Scene) -> None:
    """Else who is blocked on a lane without an id could not be recalled, and no switchover would be done."""
    blocked, asker, other = scene.talk(), scene.talk(), scene.talk()
    victim = other.ask("CLIENT", "ID")
    asker.ask("PING")
    blocked.send("BLPOP", "list", 0)
    scene.wait_blocked(1)
    primary = scene.primary
    primary.freeze()
    asker.send("CLIENT", "KILL", "ID", victim)
    wait_until(
        lambda: "owed=1 unread=0 state=plain" in str(scene.proxy.admin("CLIENTS")), "it is sent after all"
    )
    primary.thaw()
    assert asker.reply() == 1 and other.rest() == b"", "the proxy itself has closed it"
    wait_until(lambda: not [line for line in scene.proxy.admin("NODES") if "!" in line], "all is well")
    scene.switch()
    scene.bypass().ask("RPUSH", "list", "fig")
    assert blocked.reply() == ["list", "fig"]


def test_invalidations_are_redirected_to_a_client_that_subscribes_only_later(scene: Scene) -> None:
    """Redis asks of a target only that it exists."""
    target, cache = scene.talk(), scene.talk()
    told = target.ask("CLIENT", "ID")
    assert target.ask("PING") == "PONG"
    assert cache.ask("CLIENT", "TRACKING", "ON", "REDIRECT", told) == "OK"
    assert target.ask("SUBSCRIBE", "__redis__:invalidate") == ["subscribe", "__redis__:invalidate", 1]
    for turn in rounds(scene):
        while turn and not target.is_quiet():
            target.reply()  # to forget all, at the switchover
        cache.ask("GET", "fruit")
        scene.bypass().ask("SET", "fruit", turn)
        assert target.reply() == ["message", "__redis__:invalidate", ["fruit"]]


def test_a_client_that_has_said_nothing_can_be_named_as_a_target(scene: Scene) -> None:
    cache, silent = scene.talk(), scene.talk()
    number = cache.ask("CLIENT", "ID") + 1
    scene.wait_connected(2)
    assert cache.ask("CLIENT", "TRACKING", "ON", "REDIRECT", number) == "OK"
    assert cache.ask("CLIENT", "GETREDIR") == number
    assert silent.ask("CLIENT", "ID") == number
    gone = cache.ask("CLIENT", "TRACKING", "ON", "REDIRECT", number + 10)
    assert "does not exist" in str(gone)
