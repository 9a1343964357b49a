"""What a new primary changes for the clients of a route."""

from proxy.nodes.address import Address
from proxy.nodes.link import Login
from proxy.nodes.node import Node
from proxy.wire.commands import CommandTable
from proxy.wire.encoding import command
from tests.relay.bench import Bench


def node(version: tuple[int, ...], names: set[bytes], blocking: set[bytes]) -> Node:
    made = Node(Address("127.0.0.1", 1), Login(None, None), "baton:test")
    made.version = version
    made.commands = CommandTable(frozenset(names | blocking), frozenset(blocking))
    return made


def test_the_commands_and_the_limits_are_those_of_the_present_primary(bench: Bench) -> None:
    bench.route.lead(node((6, 2, 14), {b"GET"}, set()))
    assert bench.route.plain == {b"GET", b"get"}
    assert bench.route.arguments_max == 1024 * 1024
    lost = [bench.route.common.loses_logins]
    bench.says(command("MOD.WAIT") + command("PING"))
    assert bench.at_node() == command("MOD.WAIT") + command("PING"), "nobody says that it may block"
    bench.route.lead(node((7, 0, 15), {b"GET", b"LCS"}, {b"MOD.WAIT"}))
    assert bench.route.plain == {b"GET", b"get", b"LCS", b"lcs"}
    assert bench.route.arguments_max == 2**31 - 1
    bench.route.lead(node((7, 4, 1), {b"GET"}, {b"MOD.WAIT"}))
    lost.append(bench.route.common.loses_logins)
    assert lost == [False, True]
    bench.answers(b"+OK\r\n+PONG\r\n")
    bench.says(command("MOD.WAIT") + command("PING"))
    assert bench.at_node() == command("MOD.WAIT")
    bench.answers(b"+OK\r\n")
    assert bench.at_node() == command("PING")
