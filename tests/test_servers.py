import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest
import redis

from tests import servers
from tests.binaries import version_of
from tests.servers import Pair, RedisServer, Trio

Start = Callable[..., RedisServer]


def test_a_server_says_the_version_by_which_its_binary_was_found(
    redis_server: Start, redis_binaries: dict[str, Path]
) -> None:
    server = redis_server()
    assert redis_binaries[server.version] == server.binary
    assert server.info("server")["redis_version"].startswith(server.version)
    assert server.info("server")["process_id"] == server.pid


def test_a_pair_replicates(pair: Pair) -> None:
    pair.primary.command("SET", "fruit", "fig")
    assert pair.primary.command("WAIT", 1, 5000) == 1
    assert pair.replica.client().get("fruit") == "fig"
    assert pair.replica.info()["master_replid"] == pair.primary.info()["master_replid"]


def test_two_replicas_follow_the_primary_of_a_trio(trio_of_nodes: Trio) -> None:
    trio_of_nodes.primary.command("SET", "fruit", "fig")
    assert trio_of_nodes.primary.command("WAIT", 2, 5000) == 2
    assert trio_of_nodes.other.client().get("fruit") == "fig"


def test_a_frozen_server_takes_connections_and_answers_when_it_is_thawed(redis_server: Start) -> None:
    server = redis_server()
    server.freeze()
    connection = server.raw(timeout=0.05)
    connection.sendall(b"PING\r\n")
    with pytest.raises(TimeoutError):
        connection.recv(100)
    server.thaw()
    connection.settimeout(10)
    assert connection.recv(100) == b"+PONG\r\n"


def test_a_server_can_be_frozen_twice(redis_server: Start) -> None:
    server = redis_server()
    for _ in range(2):
        server.freeze()
        assert "State:\tT" in Path(f"/proc/{server.pid}/status").read_text()
        server.thaw()
        assert server.command("PING")


def test_a_killed_server_with_aof_comes_back_with_its_data_at_its_address(redis_server: Start) -> None:
    server = redis_server("appendonly yes", "appendfsync always")
    address = server.address
    server.command("SET", "fruit", "fig")
    server.kill()
    with pytest.raises(redis.ConnectionError):
        server.client().ping()
    server.restart()
    assert server.address == address
    assert server.command("GET", "fruit") == "fig"


def test_a_rewritten_config_outlives_a_restart(pair: Pair) -> None:
    pair.replica.command("CONFIG", "REWRITE")
    pair.replica.restart()
    pair.replica.wait_link_up()
    assert pair.replica.info()["master_port"] == pair.primary.port


def test_a_password_in_the_config_is_used_by_the_clients(redis_server: Start) -> None:
    server = redis_server("requirepass seed")
    assert server.client().ping()
    with pytest.raises(redis.AuthenticationError):
        server.client(password=None).ping()


def test_a_server_without_debug_restrictions_can_be_made_slow(redis_server: Start) -> None:
    assert redis_server().command("DEBUG", "SLEEP", "0.001")


def test_a_port_that_is_taken_after_all_is_given_up_for_another(
    redis_server: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        ports = [holder.getsockname()[1], servers.free_port()]
        monkeypatch.setattr(servers, "free_port", lambda: ports.pop(0))
        assert redis_server().command("PING")
        assert ports == []


def test_a_server_that_cannot_start_says_why(redis_server: Start) -> None:
    with pytest.raises(AssertionError, match="CONFIG FILE ERROR"):
        redis_server("no-such-setting yes")


def test_a_frozen_server_and_its_clients_are_ended(redis_binary: Path, tmp_path: Path) -> None:
    server = RedisServer.start(redis_binary, tmp_path)
    pid, connection = server.pid, server.raw()
    server.freeze()
    server.end()
    assert connection.fileno() == -1
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_version_is_read_from_what_the_binary_says(tmp_path: Path) -> None:
    binary = tmp_path / "valkey-server"
    binary.write_text("#!/bin/sh\necho 'Valkey server v=8.0.1 sha=0:0 malloc=libc bits=64'\n")
    binary.chmod(0o755)
    assert version_of(binary) == "8.0"
