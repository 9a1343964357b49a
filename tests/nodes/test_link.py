"""A control connection: logged in, in step, and lost rather than out of step."""

import contextlib
import socket
from collections.abc import AsyncIterator, Callable

import pytest
import trio

from proxy.nodes.address import Address
from proxy.nodes.errors import LinkLost, ReplyError
from proxy.nodes.link import Link, Login
from tests.servers import RedisServer
from tests.waiting import until

START = Callable[..., RedisServer]
OPEN = Callable[..., object]


@pytest.fixture
async def links() -> AsyncIterator[list[Link]]:
    """What is appended is closed at the end."""
    opened: list[Link] = []
    yield opened
    for link in opened:
        link.close()


async def connect(server: RedisServer, links: list[Link], login: Login | None = None) -> Link:
    links.append(await Link.open(Address.parse(server.address), login or Login(), "baton:x"))
    return links[-1]


async def test_a_link_has_a_name_and_knows_its_id(redis_server: START, links: list[Link]) -> None:
    server = redis_server()
    link = await connect(server, links)
    mine = [line for line in server.client().client_list() if line["name"] == "baton:x"]
    assert [int(line["id"]) for line in mine] == [link.id]
    assert link.peer == ("127.0.0.1", server.port)


@pytest.mark.parametrize("login", [Login(None, "one"), Login("default", "one"), Login("op", "two")])
async def test_a_link_logs_in(redis_server: START, links: list[Link], login: Login) -> None:
    server = redis_server("requirepass one", "user op on >two ~* &* +@all")
    link = await connect(server, links, login)
    assert await link.call("ACL", "WHOAMI") == login.name.encode()


@pytest.mark.parametrize(
    ("login", "says"),
    [
        (Login(), "CLIENT SETNAME as default: NOAUTH Authentication required."),
        (Login(None, "wrong!"), "AUTH as default: WRONGPASS"),
        (Login("op", "wrong!"), "AUTH as op: WRONGPASS"),
    ],
)
async def test_a_refused_login_is_an_error_without_the_password(
    redis_server: START, login: Login, says: str
) -> None:
    server = redis_server("requirepass secret")
    with pytest.raises(ReplyError) as caught:
        await Link.open(Address.parse(server.address), login, "baton:x")
    assert f"{server.address}: {says}" in str(caught.value)
    assert "wrong!" not in str(caught.value) + repr(caught.value) + repr(login)


async def test_a_server_without_auth_does_not_make_us_tell_the_password(redis_server: START) -> None:
    server = redis_server('rename-command AUTH ""')
    with pytest.raises(ReplyError) as caught:
        await Link.open(Address.parse(server.address), Login("op", "op-secret"), "baton:x")
    assert "unknown command" in str(caught.value) and "op-secret" not in str(caught.value)


async def test_replies_come_in_order_and_errors_are_values(redis_server: START, links: list[Link]) -> None:
    link = await connect(redis_server(), links)
    one, error, two = await link.calls([("ECHO", "1"), ("NOSUCH",), ("ECHO", "2")])
    assert (one, two) == (b"1", b"2")
    assert isinstance(error, ReplyError) and error.text.startswith("ERR unknown command")


async def test_a_single_error_reply_is_raised_and_names_node_and_command(
    redis_server: START, links: list[Link]
) -> None:
    server = redis_server()
    link = await connect(server, links)
    with pytest.raises(ReplyError, match=f"^{server.address}: CLIENT KILL: ERR") as caught:
        await link.call("CLIENT", "KILL", "ID", "secret")
    assert "secret" not in str(caught.value)
    assert await link.call("PING") == b"PONG"


async def test_many_tasks_share_a_link_and_each_gets_its_own(redis_server: START, links: list[Link]) -> None:
    link = await connect(redis_server(), links)
    answers = {}

    async def ask(number: int) -> None:
        answers[number] = await link.calls([("ECHO", number), ("ECHO", -number)])

    async with trio.open_nursery() as nursery:
        for number in range(50):
            nursery.start_soon(ask, number)
    assert answers == {n: [str(n).encode(), str(-n).encode()] for n in range(50)}


async def test_what_does_not_fit_into_the_socket_is_sent_all_the_same(
    redis_server: START, links: list[Link]
) -> None:
    link = await connect(redis_server(), links)
    large = b"x" * (16 << 20)
    assert await link.calls([("STRLEN", "none"), ("ECHO", large), ("PING",)]) == [0, large, b"PONG"]


async def test_a_call_that_is_cut_short_closes_the_link(
    redis_server: START, links: list[Link], frozen: Callable[[RedisServer], None]
) -> None:
    server = redis_server()
    link = await connect(server, links)
    frozen(server)
    with trio.move_on_after(0.05) as scope:
        await link.call("PING")
    assert scope.cancelled_caught and not link.alive
    with pytest.raises(LinkLost, match=f"{server.address}: did not answer in time"):
        await link.call("PING")


async def test_who_shares_a_link_that_is_closed_is_told(
    redis_server: START, links: list[Link], frozen: Callable[[RedisServer], None]
) -> None:
    server = redis_server()
    link = await connect(server, links)
    frozen(server)
    with pytest.RaisesGroup(LinkLost, LinkLost):
        async with trio.open_nursery(strict_exception_groups=True) as nursery:
            nursery.start_soon(link.call, "PING")
            nursery.start_soon(link.call, "PING")
            await trio.testing.wait_all_tasks_blocked()
            link.close()


async def test_a_wait_that_is_cut_short_keeps_the_link_in_step(
    redis_server: START, links: list[Link], frozen: Callable[[RedisServer], None]
) -> None:
    server = redis_server()
    link = await connect(server, links)
    frozen(server)
    abandoned, kept = link.post(("ECHO", "abandoned")), link.post(("ECHO", "kept"))
    with trio.move_on_after(0.05):
        await link.wait(abandoned)
    assert link.alive
    server.thaw()
    assert await link.wait(kept) == [b"kept"]


@pytest.mark.parametrize("end", ["kill", "client kill"])
async def test_a_connection_that_the_other_end_closed_is_lost(
    redis_server: START, links: list[Link], end: str
) -> None:
    server = redis_server()
    link = await connect(server, links)
    if end == "kill":
        server.kill()
    else:
        server.command("CLIENT", "KILL", "ID", link.id)
    with pytest.raises(LinkLost, match=f"{server.address}: "):
        await link.call("PING")
    assert link.closed_by_peer and not link.alive


async def test_an_idle_link_notices_the_end_before_it_is_used(redis_server: START, links: list[Link]) -> None:
    server = redis_server()
    link = await connect(server, links)
    assert link.alive
    server.kill()
    await until(lambda: not link.alive, "the link knows that it is closed")
    assert link.closed_by_peer


async def test_a_port_on_which_nobody_listens_has_refused(redis_server: START) -> None:
    server = redis_server()
    server.kill()
    with pytest.raises(LinkLost, match="Connection refused") as caught:
        await Link.open(Address.parse(server.address), Login(), "baton:x")
    assert caught.value.refused_by == {("127.0.0.1", server.port)}


@pytest.mark.parametrize("answered", [True, False])
async def test_what_was_not_answered_is_taken_back_with_the_connection(
    answered: bool, links: list[Link]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        link = await Link.open(Address("127.0.0.1", listener.getsockname()[1]), Login())
        links.append(link)
        node, _ = listener.accept()
        with node:
            with trio.move_on_after(0 if not answered else 5):
                if answered:
                    node.send(b"+OK\r\n")
                await link.calls([("REPLICAOF", "host", 1)])
            link.close()
            node.settimeout(5)
            assert b"REPLICAOF" in node.recv(1000)
            if answered:
                assert node.recv(1000) == b""
            else:
                with pytest.raises(ConnectionResetError):
                    node.recv(1000)


@pytest.mark.parametrize(
    ("sent", "why"),
    [
        (b"HTTP/1.1 400\r\n", "does not speak RESP"),
        (b"%1\r\n*0\r\n+x\r\n", "does not speak RESP: .* is no reply"),
        (b"+OK\r\n:7\r\n+MORE\r\n", "nobody asked for"),
    ],
)
async def test_garbage_loses_the_link(sent: bytes, why: str, links: list[Link]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        async def serve() -> None:
            server = trio.socket.from_stdlib_socket(listener)
            connection, _ = await server.accept()
            with connection, contextlib.suppress(ConnectionResetError):
                await connection.recv(1000)
                await connection.send(sent)
                await connection.recv(1000)

        async with trio.open_nursery() as nursery:
            nursery.start_soon(serve)
            with pytest.raises(LinkLost, match=why):
                links.append(await Link.open(Address("127.0.0.1", port), Login(), "baton:x"))
                await links[-1].call("PING")
            for link in links:
                link.close()


async def test_what_a_server_says_before_it_hangs_up_is_heard(redis_server: START, links: list[Link]) -> None:
    server = redis_server("maxclients 1")
    server.client().ping()
    with pytest.raises(LinkLost, match="after saying ERR max number of clients reached"):
        await connect(server, links)
