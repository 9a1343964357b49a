"""The server's own table of commands, as real servers tell it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import hiredis
import pytest

from proxy.session.table import BLOCKING, SPECIAL, plain
from proxy.wire.commands import CommandTable, parse_commands
from proxy.wire.encoding import command
from tests.binaries import version_of
from tests.servers import RedisServer


def told_by(server: RedisServer) -> Any:
    reader = hiredis.Reader(notEnoughData=server)
    with server.raw(5) as connection:
        connection.sendall(command("COMMAND"))
        while (reply := reader.gets()) is server:
            reader.feed(connection.recv(1 << 20))
    return reply


def test_a_server_tells_its_commands_and_which_may_block(
    redis_server: Callable[..., RedisServer], redis_binary: Path
) -> None:
    server = redis_server()
    table = parse_commands(told_by(server))
    assert {b"GET", b"XREAD", b"CLIENT", b"EVALSHA"} <= table.names and b"NOSUCH" not in table.names
    if version_of(redis_binary) == "6.2":
        assert not table.blocking
    else:
        assert {b"BLPOP", b"XREADGROUP", b"BZMPOP"} <= table.blocking <= BLOCKING.keys()


@pytest.mark.parametrize("reply", [[[b"get"]], [b"get"], [[b"get", b"2", []]], [[1, 2, []]], [None]])
def test_what_is_no_table_is_an_error(reply: list[Any]) -> None:
    with pytest.raises(ValueError, match="COMMAND answered"):
        parse_commands(reply)


def test_plain_is_what_neither_the_server_nor_the_proxy_knows_anything_special_of() -> None:
    table = CommandTable(frozenset((b"GET", b"SELECT", b"MOD.WAIT", b"BLPOP")), frozenset((b"MOD.WAIT",)))
    assert plain(table) == {b"GET", b"get"}
    assert b"SELECT" in SPECIAL
