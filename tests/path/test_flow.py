"""Large values, slow readers, deep pipelines, ends and kills on the way through."""

from __future__ import annotations

import socket
import struct
import threading
import time

import pytest
import redis

from proxy.wire.encoding import command
from tests.console import events
from tests.path.way import Way
from tests.talking import Talk
from tests.waiting import wait_until

MIB = 1024 * 1024


def test_a_deep_pipeline_is_answered_in_order(way: Way) -> None:
    talk = way.talk()
    sender = threading.Thread(target=talk.socket.sendall, args=(command("INCR", "count") * 10_000,))
    sender.start()
    assert talk.replies(10_000) == list(range(1, 10_001))
    sender.join()
    client = way.proxy.client()
    pipe = client.pipeline(transaction=False)
    for number in range(10_000):
        pipe.set(f"key:{number}", number)
        pipe.get(f"key:{number}")
    assert pipe.execute()[1::2] == [str(number) for number in range(10_000)]


def test_resp2_and_resp3_are_passed_on_as_they_are(way: Way) -> None:
    way.straight().ask_all("HSET hash a 1 b 2", "ZADD zset 1.5 m")
    asked = [
        "HGETALL hash",
        "ZSCORE zset m",
        "SMEMBERS none",
        "GET none",
        "EXISTS hash",
        "CONFIG GET maxmemory*",
    ]
    for protocol in (2, 3):
        talk, straight = way.talk(), way.straight()
        for each in (talk, straight):
            each.ask("HELLO", protocol)
            each.send_all(*asked, "QUIT")
        assert talk.rest().split(b"\r\n", 1)[1] == straight.rest().split(b"\r\n", 1)[1]


def test_errors_leave_replies_in_step(way: Way) -> None:
    talk = way.talk()
    for number in range(50):
        got = talk.ask_all(
            f"SET key {number}", "LPUSH key x", "NOSUCH", "GET", "GET key", "EVAL error 0", "ECHO end"
        )
        assert got[0] == "OK" and got[4] == str(number) and got[6] == "end"
        assert [isinstance(reply, Exception) for reply in got] == [
            False,
            True,
            True,
            True,
            False,
            True,
            False,
        ]


def test_a_value_of_100_mb_is_kept_once(way: Way) -> None:
    size = 100 * MIB
    talk, other = way.talk(30), way.talk()
    other.ask("PING")
    before = way.peak_kib()
    talk.socket.sendall(b"*3\r\n$3\r\nSET\r\n$5\r\nlarge\r\n$%d\r\n" % size)
    piece = bytes(MIB)
    longest = 0.0
    for _ in range(size // MIB):
        talk.socket.sendall(piece)
        longest = max(longest, latency(other))
    talk.socket.sendall(b"\r\n")
    assert talk.reply() == "OK"
    assert way.node.command("STRLEN", "large") == size
    assert way.peak_kib() - before < 1.3 * size / 1024
    assert longest < 1


def latency(talk: Talk) -> float:
    began = time.monotonic()
    assert talk.ask("PING") == "PONG"
    return time.monotonic() - began


def test_a_reply_of_100_mb_to_a_slow_reader_stays_in_the_node(way: Way) -> None:
    size = 100 * MIB
    way.node.command("SETRANGE", "large", size - 1, "x")
    slow, other = way.talk(30), way.talk()
    other.ask("PING")
    before = way.peak_kib()
    slow.send_all("GET large", "ECHO behind")
    head = b"$%d\r\n" % size
    slow.expect(head)
    for _ in range(200):
        assert latency(other) < 1
    received = 0
    while received < size:
        received += len(slow.socket.recv(min(MIB, size - received)))
        if received % (10 * MIB) < MIB:
            assert latency(other) < 1
    slow.expect(b"\r\n$6\r\nbehind\r\n")
    assert way.peak_kib() - before < 10 * 1024


def test_many_replies_to_a_slow_reader_are_bounded(way: Way) -> None:
    way.node.command("SETRANGE", "piece", MIB - 1, "x")
    slow, other = way.talk(30), way.talk()
    other.ask("PING")
    before = way.peak_kib()
    slow.send_all(*["GET piece"] * 100, "ECHO behind")
    wait_until(lambda: unread(way) > 0, "replies wait")
    for _ in range(100):
        assert latency(other) < 1
    got = slow.replies(101)
    assert {len(reply) for reply in got[:-1]} == {MIB} and got[-1] == "behind"
    assert way.peak_kib() - before < 10 * 1024


def unread(way: Way) -> int:
    return max(int(line.split("unread=")[1].split()[0]) for line in way.proxy.admin("CLIENTS"))


def test_a_client_that_sends_and_never_reads_costs_the_proxy_little(way: Way) -> None:
    """Redis takes all that it sends and keeps the replies, without a limit; the proxy keeps neither."""
    deaf, other = way.talk(), way.talk()
    other.ask("PING")
    before = way.peak_kib()
    data = command("ECHO", "x" * 10_000) * 100
    for _ in range(60):
        deaf.socket.sendall(data)
        assert latency(other) < 1
    assert way.peak_kib() - before < 10 * 1024
    deaf.socket.close()
    wait_until(lambda: way.proxy.admin("INFO", "clients")["connected_clients"] == 1, "it is gone")


def test_frames_byte_by_byte(way: Way) -> None:
    talk = way.talk()
    data = (
        command("SET", "fruit", "fig")
        + b"GET fruit\r\n"
        + command("MULTI")
        + command("INCR", "n")
        + command("EXEC")
    )
    for byte in data:
        talk.socket.sendall(bytes([byte]))
    assert talk.replies(5) == ["OK", "fig", "OK", "QUEUED", [1]]


@pytest.mark.parametrize("count", [1, 3, 20_000])
def test_a_half_closed_client_gets_all_its_replies_and_then_the_end(way: Way, count: int) -> None:
    talk = way.talk()
    sender = threading.Thread(target=send_and_shut, args=(talk, command("INCR", "count") * count))
    sender.start()
    said = talk.rest()
    sender.join()
    assert said == b"".join(b":%d\r\n" % (number + 1) for number in range(count))


def send_and_shut(talk: Talk, data: bytes) -> None:
    talk.socket.sendall(data)
    talk.socket.shutdown(socket.SHUT_WR)


def test_a_half_closed_client_gets_a_large_reply_to_the_end(way: Way) -> None:
    way.node.command("SETRANGE", "large", 20 * MIB - 1, "x")
    talk = way.talk()
    send_and_shut(talk, command("GET", "large") + command("ECHO", "end"))
    assert len(talk.rest()) == len(b"$20971520\r\n") + 20 * MIB + 2 + len(b"$3\r\nend\r\n")


def test_half_a_command_and_the_end_is_no_command(way: Way) -> None:
    talk = way.talk()
    send_and_shut(talk, command("SET", "a", 1) + command("SET", "b", 1)[:-3])
    assert talk.rest() == b"+OK\r\n"
    assert way.node.command("EXISTS", "a", "b") == 1


def test_a_client_that_vanishes_with_replies_outstanding_leaves_nothing_behind(way: Way, lanes: str) -> None:
    way.node.command("SETRANGE", "large", 20 * MIB - 1, "x")
    other = way.talk()
    for asked in ("GET large", "BLPOP list 0", "SUBSCRIBE news", "MULTI", "DEBUG SLEEP 0.05"):
        talk = way.talk()
        talk.send(*asked.split())
        wait_until(lambda: len(way.proxy.admin("CLIENTS")) >= 1, "it has come")
        talk.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        talk.socket.close()
        assert other.ask("ECHO", asked) == asked
    wait_until(lambda: way.proxy.admin("INFO", "clients")["connected_clients"] == 1, "they are gone")
    own = int(lanes == "private")
    wait_until(lambda: way.proxy.admin("INFO", "clients")["lanes"] == own, "and their lanes")
    wait_until(lambda: way.node.info("clients")["blocked_clients"] == 0, "and nobody is blocked")
    assert other.ask("PING") == "PONG"


@pytest.mark.parametrize(
    "asked", ["PSYNC ? -1", "SYNC", "REPLCONF capa eof", "REPLICAOF NO ONE", "SLAVEOF NO ONE", "FAILOVER"]
)
def test_what_is_for_replicas_and_operators_is_refused(way: Way, asked: str) -> None:
    talk = way.talk()
    got = talk.ask_all("SET a 1", asked, "GET a")
    assert got[0] == "OK" and "this is a proxy" in str(got[1]) and got[2] == "1"
    got = talk.ask_all("MULTI", asked.lower(), "SET a 2", "EXEC", "GET a")
    assert "this is a proxy" in str(got[1]) and str(got[3]).startswith("EXECABORT") and got[4] == "1"
    assert way.node.info()["role"] == "master"


def test_quit_ends_the_conversation_and_what_follows_is_ignored(way: Way) -> None:
    talk = way.talk()
    talk.send_all("SET a 1", "QUIT", "SET a 2")
    assert talk.rest() == b"+OK\r\n+OK\r\n"
    assert way.node.command("GET", "a") == "1"


def test_quit_is_an_orderly_end_and_no_lost_lane(way: Way) -> None:
    for _ in range(5):
        talk = way.talk()
        assert talk.ask_all("PING", "QUIT") == ["PONG", "OK"]
        assert talk.rest() == b""
    wait_until(lambda: way.proxy.admin("INFO", "clients")["connected_clients"] == 0, "they are gone")
    assert way.proxy.admin("INFO")["lost_lanes"] == 0
    assert events(way.proxy, "-lane-lost") == []


def test_reply_off_skip_and_on_are_obeyed(way: Way) -> None:
    for ask in (
        ["CLIENT REPLY SKIP", "SET a 1", "GET a"],
        ["CLIENT REPLY OFF", "SET a 2", "GET a", "NOSUCH", "CLIENT REPLY ON", "GET a"],
        ["CLIENT REPLY OFF", "CLIENT REPLY SKIP", "GET a", "CLIENT REPLY ON", "GET a"],
        ["CLIENT REPLY SKIP", "CLIENT REPLY SKIP", "GET a", "GET a"],
        ["CLIENT REPLY OFF", "MULTI", "INCR n", "EXEC", "CLIENT REPLY ON", "GET a"],
        ["CLIENT REPLY OFF", "RESET", "GET a"],
        ["CLIENT REPLY SKIP", "RESET", "GET a"],
        ["CLIENT REPLY", "CLIENT REPLY NO", "CLIENT REPLY ON"],
    ):
        talk, straight = way.talk(), way.straight()
        for each in (talk, straight):
            send_and_shut(each, b"".join(command(*words.split()) for words in [*ask, "ECHO end", "QUIT"]))
        assert talk.rest() == straight.rest(), ask


def test_a_node_that_is_killed_closes_its_clients_and_serves_new_ones_when_it_is_back(
    way: Way, lanes: str
) -> None:
    idle, busy, blocked = (way.talk() for _ in range(3))
    idle.ask("PING")
    blocked.send("BLPOP", "list", 0)
    wait_until(lambda: way.node.info("clients")["blocked_clients"] == 1, "it is blocked")
    busy.send("DEBUG", "SLEEP", 5)
    way.node.kill()
    assert [talk.rest() for talk in (busy, blocked)] == [b"", b""]
    if lanes == "private":
        assert idle.rest() == b""
    way.node.restart()
    wait_until(lambda: serves(way), "a new client is served")
    if lanes == "shared":
        assert idle.ask("PING") == "PONG", "nothing was owed to it, so it has lost nothing"


def serves(way: Way) -> bool:
    try:
        return bool(way.proxy.client().ping())
    except redis.ConnectionError:
        return False


def test_a_lane_killed_by_the_node_closes_its_client_alone(way: Way) -> None:
    killed, other = way.talk(), way.talk()
    assert killed.ask_all("CLIENT SETNAME victim", "WATCH fruit") == ["OK", "OK"]
    assert other.ask("PING") == "PONG"
    [line] = [line for line in way.node.client().client_list() if line["name"] == "victim"]
    assert way.node.command("CLIENT", "KILL", "ID", line["id"]) == 1
    assert killed.rest() == b""
    assert other.ask("PING") == "PONG"
