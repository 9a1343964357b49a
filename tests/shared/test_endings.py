"""Who is closed, and who goes on, when a connection ends before its time."""

from __future__ import annotations

from functools import partial
from itertools import islice

import pytest

from tests.shared.scene import Shared, address
from tests.shared.throng import Throng, plain
from tests.talking import Talk
from tests.waiting import wait_until

MIB = 1024 * 1024


def crowd(scene: Shared, count: int) -> list[Talk]:
    """Clients on one shared lane that can be told at the node."""
    talks = [scene.picker() for _ in range(count)]
    scene.wait_shared(*talks)
    return talks


def all_served(talks: list[Talk]) -> bool:
    for number, talk in enumerate(talks):
        talk.send("ECHO", number)
    return [talk.reply() for talk in talks] == [str(number) for number in range(len(talks))]


def test_a_client_that_is_killed_by_another_is_closed_alone(fresh: Shared) -> None:
    killer, *others = crowd(fresh, 12)
    by_id, by_address, by_old_form, owed, *others = others
    number = by_id.ask("CLIENT", "ID")
    assert killer.ask("CLIENT", "KILL", "ID", number) == 1
    assert killer.ask("CLIENT", "KILL", "ADDR", address(by_address)) == 1
    assert killer.ask("CLIENT", "KILL", address(by_old_form)) == "OK"
    assert [talk.rest() for talk in (by_id, by_address, by_old_form)] == [b""] * 3
    number = owed.ask("CLIENT", "ID")
    fresh.wait_shared(killer, owed)
    [node] = fresh.nodes
    node.freeze()
    owed.send("GET", "fruit")
    for talk in others:
        talk.send("ECHO", "here")
    node.thaw()
    assert killer.ask("CLIENT", "KILL", "ID", number) == 1
    assert owed.rest() in (b"", b"$-1\r\n")
    assert [talk.reply() for talk in others] == ["here"] * len(others)
    assert all_served([killer, *others])
    own = killer.ask("CLIENT", "ID")
    killer.send_all(f"CLIENT KILL ID {own} SKIPME no", "SET never 1")
    assert killer.rest() == b":1\r\n"
    assert all_served(others)
    assert others[0].ask("EXISTS", "never") == 0


def test_a_shared_lane_that_is_killed_while_nothing_is_owed_is_replaced_unnoticed(fresh: Shared) -> None:
    talks = crowd(fresh, 20)
    for _ in range(5):
        before = ids(fresh)
        assert fresh.primary.command("CLIENT", "KILL", "USER", "picker") >= 1
        wait_until(partial(replaced, fresh, before), "there is another")
        assert all_served(talks)
    fresh.wait_shared(*talks)


def replaced(fresh: Shared, before: set[str]) -> bool:
    return bool(ids(fresh)) and not before & ids(fresh)


def ids(fresh: Shared) -> set[str]:
    """Of the lanes of the crowd at the node."""
    return {line["id"] for line in fresh.connections(user="picker")}


def test_a_shared_lane_that_dies_closes_those_to_whom_it_owed_and_nobody_else(fresh: Shared) -> None:
    """The node kills it before it reads what was sent meanwhile: nothing of that was executed."""
    talks = crowd(fresh, 20)
    owed, idle = talks[:10], talks[10:]
    other = fresh.talk("PING")
    straight, probe = fresh.straight(), Talk(fresh.nodes[0].raw(0.05))
    straight.send_all("DEBUG SLEEP 0.4", "CLIENT KILL USER picker")
    wait_until(lambda: is_asleep(probe), "the node sleeps")
    for number, talk in enumerate(owed):
        talk.send("INCR", f"count:{number}")
    assert [talk.rest() for talk in owed] == [b""] * 10
    assert straight.replies(2)[1] >= 1
    assert all_served([*idle, other])
    assert other.ask("KEYS", "count:*") == []
    fresh.wait_shared(*idle, other)


def is_asleep(probe: Talk) -> bool:
    """A PING is not answered soon."""
    try:
        probe.ask("PING")
    except TimeoutError:
        return True
    return False


def test_a_lane_killed_in_the_middle_of_traffic_gives_nobody_anothers_reply(fresh: Shared) -> None:
    kept = Throng(fresh)
    for number in range(10):
        kept.add(f"k{number}", plain(f"k{number}"))
    talks = crowd(fresh, 20)
    with kept:
        for _ in range(10):
            for number, talk in enumerate(talks):
                talk.send_all(f"SET own:{number} {number}", f"GET own:{number}", f"ECHO {number}")
            fresh.primary.command("CLIENT", "KILL", "USER", "picker")
            for number, talk in enumerate(talks):
                wanted = b"+OK\r\n" + b"$%d\r\n%d\r\n" % (len(str(number)), number) * 2
                talk.send("QUIT")
                assert (wanted + b"+OK\r\n").startswith(talk.rest()), "what comes is its own, to a point"
            talks = crowd(fresh, 20)
        kept.wait_checked(100)
    kept.assert_well()


def test_a_deleted_user_is_closed_and_others_go_on(fresh: Shared) -> None:
    deleted, others = crowd(fresh, 10), [fresh.talk("PING") for _ in range(5)]
    pinned = fresh.talk("AUTH picker fig", "WATCH fruit")
    blocked = fresh.talk("AUTH picker fig", "PING")
    blocked.send("BLPOP", "none", 0)
    wait_until(lambda: fresh.primary.info("clients")["blocked_clients"] == 1, "it is blocked")
    assert others[0].ask("ACL", "DELUSER", "picker") == 1
    assert pinned.rest() == blocked.rest() == b""
    assert [talk.rest() for talk in deleted] == [b""] * 10
    assert all_served(others)
    assert "WRONGPASS" in str(fresh.talk().ask("AUTH", "picker", "fig"))
    fresh.primary.command("ACL", "SETUSER", "picker", "on", ">fig", "~*", "&*", "+@all")
    assert all_served(crowd(fresh, 3))


def test_a_user_whose_rights_are_taken_is_refused_and_goes_on(fresh: Shared) -> None:
    talks, others = crowd(fresh, 5), [fresh.talk("PING") for _ in range(5)]
    fresh.primary.command("ACL", "SETUSER", "picker", "-get", "-ping")
    for talk in talks:
        talk.send_all("GET fruit", "PING", "ECHO fig")
    for talk in talks:
        refused, also, told = talk.replies(3)
        assert "NOPERM" in str(refused) and "NOPERM" in str(also) and told == "fig"
    assert all_served(talks) and all_served(others)
    fresh.wait_shared(*others)


@pytest.mark.parametrize("change", ["CONFIG SET requirepass pear", "ACL SETUSER default off"])
def test_who_comes_after_the_default_user_got_a_password_is_not_let_in(fresh: Shared, change: str) -> None:
    """Redis lets those go on who were there before."""
    before = [fresh.talk("SET fruit fig") for _ in range(3)]
    logged_in = fresh.picker()
    assert logged_in.ask(*change.split()) == "OK"
    late = fresh.talk()
    assert "NOAUTH" in str(late.ask("GET", "fruit"))
    assert [talk.ask("GET", "fruit") for talk in before] == ["fig"] * 3
    assert "NOAUTH" in str(late.ask("SET", "fruit", "pear"))
    assert late.ask_all("AUTH picker fig", "GET fruit") == ["OK", "fig"]
    assert all_served([*before, logged_in, late])


def test_who_is_idle_longer_than_the_timeout_of_the_node_loses_nothing(fresh: Shared) -> None:
    """The shared lane is idle when everybody is; who comes back is served, down a new one."""
    talks, pinned = crowd(fresh, 10), fresh.talk("AUTH picker fig", "WATCH fruit")
    fresh.primary.command("CONFIG", "SET", "timeout", 1)
    assert pinned.rest() == b"", "Redis closes a connection that is idle"
    fresh.primary.command("CONFIG", "SET", "timeout", 0)
    for number, talk in enumerate(talks):
        talk.send_all(f"INCR count:{number}", f"ECHO {number}")
    for number, talk in enumerate(talks):
        assert talk.replies(2) == [1, str(number)]


def test_at_maxclients_those_on_shared_lanes_go_on_and_who_needs_a_lane_is_told(fresh: Shared) -> None:
    """First the spare lanes are taken; then a client gets Redis's own error, and its end."""
    talks = crowd(fresh, 10)
    full = [fresh.straight() for _ in range(3)]
    assert [talk.ask("PING") for talk in full] == ["PONG"] * 3
    fresh.primary.command("CONFIG", "SET", "maxclients", fresh.primary.info("clients")["connected_clients"])
    for db in range(1, 12):
        talk = Talk(fresh.connect())
        talk.send_all(f"SELECT {db}", "WATCH fruit", "ECHO in")
        told = [str(reply) for reply in islice(talk, 3)]
        if told != ["OK", "OK", "in"]:
            break
    assert told[-1] == "ERR max number of clients reached"
    assert talk.rest() == b""
    assert all_served(talks)
    fresh.primary.command("CONFIG", "SET", "maxclients", 10_000)
    assert fresh.talk().ask_all("SELECT 12", "WATCH a", "UNWATCH") == ["OK"] * 3
    assert all_served(talks)


def test_a_reply_beyond_the_nodes_output_limit_closes_who_asked(fresh: Shared) -> None:
    others, neighbours = [fresh.talk("PING") for _ in range(5)], crowd(fresh, 5)
    fresh.primary.command("SETRANGE", "large", 8 * MIB, "x")
    fresh.primary.command("CONFIG", "SET", "client-output-buffer-limit", "normal 2mb 0 0")
    for _ in range(3):
        asker = fresh.picker()
        fresh.wait_shared(asker)
        asker.send_all("ECHO ahead", "GET large", "SET never 1")
        assert b"+OK" not in asker.rest()
        assert all_served([*others, *neighbours])
    assert others[0].ask("EXISTS", "never") == 0
    fresh.wait_shared(*others, *neighbours)


def test_who_is_evicted_for_its_memory_is_closed_alone(fresh: Shared) -> None:
    if fresh.primary.version == "6.2":  # it came with 7.0
        assert "ERR" in str(fresh.straight().ask("CONFIG", "SET", "maxmemory-clients", "1mb"))
        return
    talks = crowd(fresh, 10)
    sender = fresh.picker(timeout=20)
    fresh.primary.command("CONFIG", "SET", "maxmemory-clients", "5mb")
    with pytest.raises(OSError):
        sender.socket.sendall(b"*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n" % (50 * MIB))
        for _ in range(50):
            sender.socket.sendall(bytes(MIB))
        sender.socket.sendall(b"\r\n")
        assert sender.rest() == b""
        raise ConnectionResetError
    assert all_served(talks)
    assert fresh.primary.info("stats")["evicted_clients"] >= 1
    assert talks[0].ask("EXISTS", "large") == 0
    fresh.wait_shared(*talks)
