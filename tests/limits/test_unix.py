"""Clients by a Unix socket: who may come, what is found at its place, and what they are called."""

from __future__ import annotations

import os
import socket
import stat
from pathlib import Path

import pytest

from proxy.config import SettingsError
from proxy.operation.door.listening import PATH_MAX, local_entrance
from tests.limits.conftest import Limited
from tests.limits.visitors import PING, PONG, Visitors
from tests.servers import RedisServer
from tests.waiting import wait_until


def test_clients_come_by_a_unix_socket_and_are_named_as_redis_names_them(
    limited: Limited, visitors: Visitors, unix_path: Path, tmp_path: Path, node: RedisServer
) -> None:
    proxy = limited("--unix-listen", str(unix_path))
    talk, other = visitors.stay(unix_path, 2)
    assert f"addr={unix_path}:0 " in talk.ask("CLIENT", "INFO")
    assert any(f"addr={unix_path}:0" in each for each in proxy.admin("CLIENTS"))
    assert talk.ask("MULTI") == "OK" and talk.ask("INCR", "n") == "QUEUED" and talk.ask("EXEC") == [1]
    other.send("BLPOP", "list", 0)
    wait_until(lambda: node.info("clients")["blocked_clients"] == 1, "it is blocked")
    assert talk.ask("RPUSH", "list", "x") == 1
    assert other.reply() == ["list", "x"]
    big = "x" * 3_000_000
    assert talk.ask("SET", "big", big) == "OK" and talk.ask("GET", "big") == big
    assert proxy.terminate() == 0
    assert talk.rest() == b""
    assert not unix_path.exists()


def test_who_kills_the_address_kills_all_who_came_by_the_socket(
    limited: Limited, visitors: Visitors, unix_path: Path
) -> None:
    proxy = limited("--unix-listen", str(unix_path))
    talks = visitors.stay(unix_path, 4)
    for talk in talks[1:3]:  # two have a lane of their own
        assert talk.ask("WATCH", "key") == "OK"
    other = visitors.come(proxy)
    assert other.ask("CLIENT", "KILL", "ADDR", f"{unix_path}:0") == 4
    assert [talk.rest() for talk in talks] == [b""] * 4
    assert other.ask("PING") == "PONG"


def test_what_a_dead_process_left_is_replaced(limited: Limited, visitors: Visitors, unix_path: Path) -> None:
    proxy = limited("--unix-listen", str(unix_path))
    proxy.kill()
    assert stat.S_ISSOCK(unix_path.stat().st_mode)
    proxy.restart()
    visitors.come(unix_path, first=PING).expect(PONG)


def refusal(path: Path) -> str:
    with pytest.raises(SettingsError) as told:
        local_entrance("--unix-listen", path, 0o700)
    [mistake] = str(told.value).splitlines()
    return mistake


@pytest.mark.parametrize("mode", [0o700, 0o770, 0o777, 0o600])
def test_the_socket_has_its_mode_from_the_first_moment_on(
    unix_path: Path, mode: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes = []

    class Watched(socket.socket):
        def bind(self, where: object, /) -> None:
            super().bind(where)  # type: ignore[arg-type]
            modes.append(stat.S_IMODE(unix_path.stat().st_mode))

    before = os.umask(0o022)
    try:
        monkeypatch.setattr(socket, "socket", Watched)
        entrance = local_entrance("--unix-listen", unix_path, mode)
        assert modes == [mode]
        assert os.umask(0o022) == 0o022
    finally:
        os.umask(before)
    entrance.close()
    entrance.close()
    assert not unix_path.exists()


def test_a_socket_on_which_a_process_listens_is_left_alone(unix_path: Path) -> None:
    entrance = local_entrance("--unix-listen", unix_path, 0o700)
    assert refusal(unix_path) == f"--unix-listen: {unix_path}: a process that lives listens there"
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(str(unix_path))
    entrance.close()


def test_a_socket_of_somebody_elses_is_not_taken_away_at_the_end(unix_path: Path) -> None:
    ours = local_entrance("--unix-listen", unix_path, 0o700)
    unix_path.unlink()
    theirs = local_entrance("--unix-listen", unix_path, 0o700)
    ours.close()
    assert unix_path.exists()
    theirs.close()


def test_what_is_no_socket_is_left_alone(unix_path: Path) -> None:
    unix_path.write_text("precious")
    assert refusal(unix_path).endswith("something is there already, and it is no socket")
    assert unix_path.read_text() == "precious"


def test_a_path_too_long_or_nowhere_is_a_clear_error(tmp_path: Path) -> None:
    long = Path("/tmp") / ("x" * PATH_MAX)
    assert refusal(long) == f"--unix-listen: {long}: the path of a Unix socket has {PATH_MAX} bytes at most"
    nowhere = tmp_path / "no" / "s"
    assert refusal(nowhere) == f"--unix-listen: {nowhere}: No such file or directory"
