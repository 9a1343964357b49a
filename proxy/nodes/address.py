"""Where a node listens, and what that means just now: names are resolved anew at each connect."""

import socket
from typing import Self, TypeAlias

import trio
from attrs import Factory, define, frozen

SockAddr: TypeAlias = tuple[str, int] | tuple[str, int, int, int]
Resolved: TypeAlias = list[tuple[socket.AddressFamily, SockAddr]]


@frozen
class Address:
    """A host, by name or by number, and a port; port 0 is for who wants to listen on any."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read HOST:PORT or [IPv6]:PORT; ValueError, in one line, where it is neither."""
        host, colon, port = text.strip().rpartition(":")
        if not colon:
            raise ValueError(f"{text!r} is not HOST:PORT")
        bracketed = host.startswith("[") and host.endswith("]")
        if ":" in host and not bracketed:
            raise ValueError(f"{text!r}: an IPv6 address goes in brackets, [::1]:6379")
        host = host[1:-1] if bracketed else host
        if not host or not host.isprintable() or set(host) & set(" []/,@"):
            raise ValueError(f"{text!r} is not HOST:PORT: the host is missing or malformed")
        if not (port.isascii() and port.isdigit() and int(port) <= 65535):
            raise ValueError(f"{text!r} is not HOST:PORT: the port must be a number up to 65535")
        return cls(host, int(port))


@define
class _Flight:
    """A resolution under way, and who asks meanwhile waits for it too."""

    landed: trio.Event = Factory(trio.Event)
    result: Resolved | OSError = Factory(list)


_flights: trio.lowlevel.RunVar[dict[str, _Flight]] = trio.lowlevel.RunVar("resolutions under way")


async def resolve(address: Address) -> Resolved:
    """Return what a socket can connect to, in the system's order of preference, or raise OSError.

    Nothing is remembered once it is answered: a pod comes back with another address.
    """
    try:
        # This flag looks nothing up, so it needs no thread.
        found = _lookup(address.host, socket.AI_NUMERICHOST)
    except socket.gaierror:
        found = await _shared_lookup(address.host)
    return [(family, (where[0], address.port, *where[2:])) for family, where in found]


async def _shared_lookup(host: str) -> Resolved:
    try:
        flights = _flights.get()
    except LookupError:
        _flights.set(flights := {})
    if host not in flights:
        flights[host] = _Flight()
        # A task of its own: the one who asked first may be cancelled, and the others still be answered.
        # However slow the name server is, one thread at most waits for one name.
        trio.lowlevel.spawn_system_task(_fly, host, flights)
    flight = flights[host]
    await flight.landed.wait()
    if isinstance(flight.result, OSError):
        raise OSError(f"{host} does not resolve: {flight.result.strerror}") from flight.result
    return flight.result


async def _fly(host: str, flights: dict[str, _Flight]) -> None:
    flight = flights[host]
    try:
        flight.result = await trio.to_thread.run_sync(_lookup, host, 0, abandon_on_cancel=True)
    except OSError as error:
        flight.result = error
    finally:
        del flights[host]
        flight.landed.set()


def _lookup(host: str, flags: int) -> Resolved:
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=flags)
    except UnicodeError as error:  # a label of more than 63 characters
        raise socket.gaierror(socket.EAI_NONAME, str(error)) from None
    return [(family, where) for family, _, _, _, where in found]  # type: ignore[misc]
