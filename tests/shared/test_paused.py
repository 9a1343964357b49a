"""The node is paused by somebody else, is busy, or refuses: each gets its own answers, and reads go on."""

from __future__ import annotations

import pytest

from tests.shared.scene import SOON_SECONDS, Shared, latency
from tests.shared.throng import Throng, plain
from tests.talking import Talk
from tests.waiting import wait_until

LONG_MS = 60_000


def pause(scene: Shared, steering: Talk) -> Talk:
    """Pause writes, and wait until the proxy has noticed it by a write that waits; gives who wrote."""
    assert steering.ask("CLIENT", "PAUSE", LONG_MS, "WRITE") == "OK"
    writer = scene.talk("ECHO x")
    writer.send("INCR", "first")

    def noticed() -> bool:
        """A read that comes later goes on: it is on another connection than the write."""
        reader = Talk(scene.proxy.raw(0.5))
        try:
            return bool(reader.ask("ECHO", "x") == "x")
        except TimeoutError:
            return False
        finally:
            reader.socket.close()

    wait_until(noticed, "reads go on")
    return writer


@pytest.mark.parametrize("through_the_proxy", [False, True])
def test_reads_go_on_while_writes_are_paused_and_all_writes_run_afterwards(
    lone: Shared, through_the_proxy: bool
) -> None:
    writers = [lone.talk("PING") for _ in range(20)]
    readers = [lone.talk("PING") for _ in range(20)]
    lone.primary.command("SET", "fruit", "fig")
    steering = lone.talk("PING") if through_the_proxy else lone.straight()
    first = pause(lone, steering)
    for turn in range(3):
        for number, writer in enumerate(writers):
            writer.send_all(f"INCR count:{number}", f"GET count:{number}")
        for reader in readers:
            reader.send_all("GET fruit", "EXISTS fruit", "ECHO here")
        for reader in readers:
            assert reader.replies(3) == ["fig", 1, "here"], turn
    assert max(latency(reader) for reader in readers) < SOON_SECONDS
    late = lone.talk()
    assert late.ask("GET", "fruit") == "fig", "who comes now is served, too"
    assert lone.primary.command("KEYS", "count:*") == []
    assert all(writer.is_quiet() for writer in writers)
    assert steering.ask("CLIENT", "UNPAUSE") == "OK"
    assert first.reply() == 1
    for writer in writers:
        assert writer.replies(6) == [1, "1", 2, "2", 3, "3"]
    assert all(writer.is_quiet() for writer in writers)
    assert [lone.primary.command("GET", f"count:{number}") for number in range(20)] == ["3"] * 20
    lone.wait_shared(*readers, *writers)


def test_reads_behind_a_held_write_of_somebody_else_go_on_too(lone: Shared) -> None:
    """They have gone down the same lane before anybody knew of the pause."""
    writers = [lone.talk("PING") for _ in range(5)]
    readers = [lone.talk("PING") for _ in range(5)]
    lone.primary.command("CLIENT", "PAUSE", LONG_MS, "WRITE")
    for number, (writer, reader) in enumerate(zip(writers, readers, strict=True)):
        writer.send("INCR", f"count:{number}")
        reader.send("ECHO", number)
    assert [reader.reply() for reader in readers] == [str(number) for number in range(5)]
    assert all(writer.is_quiet() for writer in writers)
    lone.primary.command("CLIENT", "UNPAUSE")
    assert [writer.reply() for writer in writers] == [1] * 5
    assert all(talk.is_quiet() for talk in (*readers, *writers))


def test_a_client_that_writes_and_reads_keeps_its_order_under_a_pause(lone: Shared) -> None:
    mixed = [lone.talk("SET fruit old") for _ in range(10)]
    pause(lone, lone.straight())
    for talk in mixed:
        talk.send_all("GET fruit", "SET fruit new", "GET fruit")
    assert [talk.reply() for talk in mixed] == ["old"] * 10
    lone.primary.command("CLIENT", "UNPAUSE")
    assert [talk.replies(2) for talk in mixed] == [["OK", "new"]] * 10


def test_whatever_a_pause_holds_waits_and_runs_once(lone: Shared) -> None:
    held = ("EVAL return{redis.call('incr','n')} 0", "PUBLISH news x", "PFCOUNT hll", "GETEX n", "SORT list")
    talks, reader, whole = [lone.talk("PING") for _ in held], lone.talk("PING"), lone.talk("PING")
    pause(lone, lone.straight())
    for talk, command in zip(talks, held, strict=True):
        talk.send(*command.split())
        assert latency(reader) < SOON_SECONDS, command
    whole.send_all("MULTI", "INCR m", "GET m", "EXEC")
    assert latency(reader) < SOON_SECONDS
    assert all(talk.is_quiet() for talk in talks)
    lone.primary.command("CLIENT", "UNPAUSE")
    told = [talk.reply() for talk in talks]
    assert [told[0], told[1], told[2], told[4]] == [[1], 0, 0, []]
    assert whole.replies(4) == ["OK", "QUEUED", "QUEUED", [1, "1"]]
    assert all(talk.is_quiet() for talk in talks)


def test_a_hiccup_of_the_node_is_no_pause(lone: Shared) -> None:
    """A slow command holds up everybody, and then it is over."""
    talks, slow = [lone.talk("PING") for _ in range(10)], lone.straight()
    before = lone.received()
    for turn in range(3):
        slow.send("DEBUG", "SLEEP", "0.2")
        for number, talk in enumerate(talks):
            talk.send_all(f"INCR count:{number}", f"GET count:{number}")
        assert slow.reply() == "OK"
        assert [talk.replies(2) for talk in talks] == [[turn + 1, str(turn + 1)]] * 10
    assert lone.received() == before


def test_under_a_pause_of_all_everybody_waits_and_nothing_is_lost(lone: Shared) -> None:
    talks = [lone.talk("PING") for _ in range(20)]
    lone.straight().ask("CLIENT", "PAUSE", 700, "ALL")
    for number, talk in enumerate(talks):
        talk.send_all(f"INCR count:{number}", f"ECHO {number}", f"INCR count:{number}")
    late = lone.talk()
    late.send("ECHO", "late")
    for number, talk in enumerate(talks):
        assert talk.replies(3) == [1, str(number), 2]
    assert late.reply() == "late"


def test_a_pause_that_runs_out_by_itself_lets_everything_go_on(lone: Shared) -> None:
    writers, reader = [lone.talk("PING") for _ in range(10)], lone.talk("PING")
    for turn in range(1, 4):
        lone.primary.command("CLIENT", "PAUSE", 300, "WRITE")
        for number, writer in enumerate(writers):
            writer.send("INCR", f"count:{number}")
        assert latency(reader) < SOON_SECONDS
        assert [writer.reply() for writer in writers] == [turn] * 10
    lone.wait_shared(reader, *writers)


def test_traffic_over_many_pauses_loses_and_doubles_nothing(lone: Shared) -> None:
    throng = Throng(lone)
    for number in range(30):
        throng.add(f"p{number}", plain(f"p{number}"))
    with throng:
        for _ in range(8):
            throng.wait_checked(60)
            lone.primary.command("CLIENT", "PAUSE", 100, "WRITE")
            throng.wait_checked(30)
            lone.primary.command("CLIENT", "UNPAUSE")
    throng.assert_well()


def test_a_busy_script_is_killed_and_everybody_goes_on(lone: Shared) -> None:
    lone.primary.command("CONFIG", "SET", "lua-time-limit", 20)
    talks = [lone.talk("SET fruit fig") for _ in range(20)]
    busy, rescuer = lone.talk("PING"), lone.talk("PING")
    lone.wait_shared(busy, rescuer, *talks)
    busy.send("EVAL", "while true do end", 0)
    wait_until(lambda: is_busy(lone), "the script runs")
    for number, talk in enumerate(talks):
        talk.send_all(f"INCR count:{number}", "GET fruit")
    assert rescuer.ask("SCRIPT", "KILL") == "OK"
    assert "killed by user" in str(busy.reply()).lower()
    for number, talk in enumerate(talks):
        counted, fruit = (str(reply) for reply in talk.replies(2))
        assert counted == "1" or "BUSY" in counted
        assert fruit == "fig" or "BUSY" in fruit
        assert talk.ask("ECHO", number) == str(number)
    lone.wait_shared(busy, rescuer, *talks)


def is_busy(lone: Shared) -> bool:
    return "BUSY" in str(Talk(lone.nodes[0].raw()).ask("GET", "fruit"))


def test_others_are_told_busy_or_wait_while_a_script_runs_and_nobody_is_closed(lone: Shared) -> None:
    lone.primary.command("CONFIG", "SET", "lua-time-limit", 20)
    busy, rescuer = lone.talk("PING"), lone.talk("PING")
    talks = [lone.talk("PING") for _ in range(10)]
    for talk in talks:
        talk.send_all("EVAL return{KEYS[1]} 1 a", "GET fruit")
    assert [talk.replies(2) for talk in talks] == [[["a"], None]] * 10
    busy.send("EVAL", "while true do end", 0)
    wait_until(lambda: is_busy(lone), "the script runs")
    for talk in talks:
        talk.send_all("MULTI", "SET fruit fig", "EXEC", "ECHO here")
    assert rescuer.ask("SCRIPT", "KILL") == "OK"
    busy.reply()
    for talk in talks:
        told = [str(reply) for reply in talk.replies(4)]
        assert told[0] == "OK" and (told[2] == "['OK']" or "EXECABORT" in told[2]), told
        assert talk.ask("GET", "fruit") in (None, "fig")


def test_a_node_that_cannot_save_refuses_writes_and_pings_and_nothing_else(lone: Shared) -> None:
    talks = [lone.talk("SET fruit fig") for _ in range(10)]
    lone.wait_shared(*talks)
    (lone.primary.directory / "dump.rdb").mkdir()
    lone.primary.command("CONFIG", "SET", "save", "100000 100000")
    lone.primary.command("BGSAVE")
    wait_until(lambda: "MISCONF" in str(lone.straight().ask("PING")), "it refuses a PING")
    for _ in range(5):
        for number, talk in enumerate(talks):
            talk.send_all("GET fruit", "SET fruit pear", f"ECHO {number}", "PING")
        for number, talk in enumerate(talks):
            fruit, refused, here, pong = talk.replies(4)
            assert (fruit, here) == ("fig", str(number))
            assert "MISCONF" in str(refused) and "MISCONF" in str(pong)
    lone.primary.command("CONFIG", "SET", "save", "")
    for talk in talks:
        talk.send_all("SET fruit pear", "PING")
    assert [talk.replies(2) for talk in talks] == [["OK", "PONG"]] * 10
    lone.wait_shared(*talks)
