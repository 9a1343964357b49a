"""Addresses are read strictly, and resolved anew, once for all who ask at the same time."""

import socket
import threading
from typing import Any

import pytest
import trio

from proxy.nodes import address as module
from proxy.nodes.address import Address, resolve


@pytest.mark.parametrize(
    ("text", "host", "port", "shown"),
    [
        ("127.0.0.1:6379", "127.0.0.1", 6379, "127.0.0.1:6379"),
        (" redis-0.redis:1 ", "redis-0.redis", 1, "redis-0.redis:1"),
        ("[::1]:6379", "::1", 6379, "[::1]:6379"),
        ("localhost:0", "localhost", 0, "localhost:0"),
    ],
)
def test_an_address_is_read_and_written(text: str, host: str, port: int, shown: str) -> None:
    address = Address.parse(text)
    assert address == Address(host, port)
    assert str(address) == shown
    assert Address.parse(shown) == address


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6379",
        "host",
        "host:",
        ":6379",
        "[]:6379",
        "::1:6379",
        "h:65536",
        "h:-1",
        "h:0x1",
        "h:٣",
        "a b:1",
        "a,b:1",
        "a\nb:1",
        "redis://h:1",
        "u@h:1",
    ],
)
def test_what_is_no_address_is_one_clear_line(text: str) -> None:
    with pytest.raises(ValueError, match=r".+") as caught:
        Address.parse(text)
    assert "\n" not in str(caught.value)


async def test_a_number_is_resolved_without_a_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(trio.to_thread, "run_sync")
    assert await resolve(Address("127.0.0.1", 5)) == [(socket.AF_INET, ("127.0.0.1", 5))]
    assert await resolve(Address("::1", 5)) == [(socket.AF_INET6, ("::1", 5, 0, 0))]


class Resolver:
    """Stands for the system's; a name is answered when the test lets go of it."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.lookups = 0
        self.answer: list[tuple[socket.AddressFamily, tuple[str, int]]] | OSError = []
        self.go = threading.Event()
        self._real = module._lookup
        monkeypatch.setattr(module, "_lookup", self)

    def __call__(self, host: str, flags: int) -> Any:
        if flags:
            return self._real(host, flags)
        self.lookups += 1
        assert self.go.wait(10)
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    return Resolver(monkeypatch)


async def test_all_who_ask_meanwhile_share_one_lookup(resolver: Resolver) -> None:
    resolver.answer = [(socket.AF_INET, ("10.0.0.1", 0))]
    found = {}

    async def ask(port: int) -> None:
        found[port] = await resolve(Address("node", port))

    async with trio.open_nursery() as nursery:
        for port in range(1, 6):
            nursery.start_soon(ask, port)
        await trio.testing.wait_all_tasks_blocked()
        resolver.go.set()
    assert resolver.lookups == 1
    assert found == {port: [(socket.AF_INET, ("10.0.0.1", port))] for port in range(1, 6)}


async def test_nothing_is_remembered_once_it_is_answered(resolver: Resolver) -> None:
    resolver.go.set()
    for number in ("10.0.0.1", "10.0.0.2"):
        resolver.answer = [(socket.AF_INET, (number, 0))]
        assert await resolve(Address("node", 7)) == [(socket.AF_INET, (number, 7))]
    assert resolver.lookups == 2


async def test_who_asked_first_may_leave_and_the_others_are_answered(resolver: Resolver) -> None:
    resolver.answer = [(socket.AF_INET, ("10.0.0.1", 0))]
    with trio.move_on_after(0):
        await resolve(Address("node", 7))
    async with trio.open_nursery() as nursery:
        nursery.start_soon(resolve, Address("node", 8))
        await trio.testing.wait_all_tasks_blocked()
        resolver.go.set()
    assert resolver.lookups == 1


async def test_a_name_that_does_not_exist_is_an_error_for_all_and_forgotten(resolver: Resolver) -> None:
    resolver.go.set()
    resolver.answer = socket.gaierror(socket.EAI_NONAME, "Name or service not known")
    with pytest.raises(OSError, match="node does not resolve: Name or service not known"):
        await resolve(Address("node", 7))
    resolver.answer = [(socket.AF_INET, ("10.0.0.1", 0))]
    assert await resolve(Address("node", 7)) == [(socket.AF_INET, ("10.0.0.1", 7))]


async def test_a_name_that_cannot_be_written_is_an_error_too() -> None:
    with pytest.raises(OSError, match="does not resolve"):
        await resolve(Address("a" * 70, 7))
