"""HTTP's connections: Hypercorn speaks the protocol, and this is the loop that feeds it.

It is the loop of ``hypercorn.trio.serve`` with what that one has not, since the process has better to do
than HTTP:

1. The number of connections has a limit. At it the one that has been silent the longest gives way, or who
   opens many and says nothing could keep the probes out, and have the process restarted.
2. An answer must be taken within `TAKE_S`. Hypercorn shields its sending from cancellation, so that
   otherwise one reader that does not read would keep the process from ending.
3. A fault on one connection closes that one; there it would end the process.
4. When it is cancelled, all connections are closed at once.
5. A connection is over when the asker has closed it; there it lives on for as long as it might be idle.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import trio
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.config import Config
from hypercorn.trio.tcp_server import TCPServer
from hypercorn.trio.worker_context import WorkerContext
from hypercorn.typing import ConnectionState

from proxy.admin.http.application import application
from proxy.admin.http.calls import Act, Carried, T
from proxy.admin.http.door import Door, is_loopback
from proxy.admin.http.problems import Problem, from_switchover
from proxy.admin.operator import Operator
from proxy.admin.roles import Brake
from proxy.admin.welcome import NotWelcome, Stream, welcome
from proxy.nodes.address import Address
from proxy.switchover.errors import SwitchoverError
from proxy.telling import tell
from proxy.transport.contexts import Served
from proxy.transport.naming import peer_of

CONNECTIONS_MAX = 256
STREAMS_MAX = 32
"""Streams of events, of all askers together: each costs a little with every event."""
TAKE_S = 10.0
"""How long an answer may wait for whoever asked to read it."""
IDLE_S = 20.0
"""How long a connection may say nothing, or take to say what it wants."""
HEADERS_MAX = 16 * 1024
"""Bytes of a request's head, if it does not come in one piece."""


async def serve_http(
    listeners: Sequence[trio.SocketListener],
    operator: Operator,
    certificate: Served | None = None,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Answer whoever connects, until cancelled; by TLS alone, where there is a certificate to show."""
    places = [Address(*listener.socket.getsockname()[:2]) for listener in listeners]
    async with trio.open_nursery() as nursery:
        server = _Server(operator, nursery, all(is_loopback(place.host) for place in places), certificate)
        for place in places:
            tell("+http", address=str(place))
        task_status.started()
        try:
            await trio.serve_listeners(server.receive, list(listeners), handler_nursery=nursery)
        finally:
            server.close()


class _Server:
    def __init__(
        self, operator: Operator, nursery: trio.Nursery, loopback: bool, certificate: Served | None
    ) -> None:
        self.operator = operator
        self.brake = Brake()
        self._certificate = certificate
        self._nursery = nursery
        self._streams = 0
        self._connections: set[_Connection] = set()
        self._config = Config()
        self._config.errorlog = None  # what is to be told, is told by us
        self._config.keep_alive_timeout = IDLE_S
        self._config.h11_max_incomplete_size = HEADERS_MAX
        self._config.h2_max_concurrent_streams = 8
        self._config.include_server_header = False
        self._context = WorkerContext(None)
        self._application = ASGIWrapper(Door(application(self), loopback))  # type: ignore[arg-type]

    async def receive(self, stream: trio.SocketStream) -> None:
        """One connection, from its acceptance to its end."""
        if len(self._connections) >= CONNECTIONS_MAX:
            min(self._connections, key=_Connection.worth).give_way()
        connection = _Connection(stream)
        self._connections.add(connection)
        try:
            connection.speak_over(*await welcome(stream, self._certificate, "http", connection.peer))
            await _Speaking(
                self._application,
                self._config,
                self._context,
                ConnectionState({"subject": connection.subject}),
                connection,  # type: ignore[arg-type]
            )
        except NotWelcome:
            pass
        except Exception:
            tell("-fault", where="http", exc_info=True)
        finally:
            self._connections.discard(connection)
            stream.socket.close()

    def close(self) -> None:
        """Whoever is still being answered is answered no more."""
        for connection in self._connections:
            connection.socket.close()

    def admit_stream(self) -> Callable[[], None]:
        if self._streams >= STREAMS_MAX:
            raise Problem("crowded", f"{STREAMS_MAX} streams of events are open", {"Retry-After": "1"})
        self._streams += 1

        def ended() -> None:
            self._streams -= 1

        return ended

    def begin(self, act: Act[T], then: Callable[[], None] = lambda: None) -> Carried[T]:
        carried = Carried[T]()
        self._nursery.start_soon(partial(_carry, act, carried, then))
        return carried


class _Speaking(TCPServer):
    async def _read_data(self) -> None:
        # No other protocol: after an upgrade to HTTP/2, whose client then goes, Hypercorn waits for ever.
        self.protocol.protocol._check_protocol = _stay  # type: ignore[method-assign, union-attr]
        await super()._read_data()
        await self.idle_task.stop()


async def _stay(request: object) -> None:
    """With HTTP/1.1, whatever else the request asks for."""


async def _carry(act: Act[Any], carried: Carried[Any], then: Callable[[], None]) -> None:
    try:
        carried.value = await act()
    except SwitchoverError as fault:
        carried.problem = from_switchover(fault)
    except Exception:
        tell("-fault", where="http", exc_info=True)
        carried.problem = Problem("fault", "the log tells more")
    finally:
        then()
        carried.over.set()


class _Connection:
    """A stream as Hypercorn knows it, whose sending has a time limit."""

    def __init__(self, stream: trio.SocketStream) -> None:
        self._stream: Stream = stream
        self.socket = stream.socket
        self.subject = ""
        self._asking = False  # something came, and nothing was answered to it yet
        self._since = trio.current_time()

    @property
    def peer(self) -> str:
        return peer_of(self.socket)

    def speak_over(self, stream: Stream, subject: str) -> None:
        """Hands are shaken, where there is TLS."""
        self._stream, self.subject = stream, subject

    def worth(self) -> tuple[bool, float]:
        """Who asks is worth more than who is silent, and then who came later."""
        return self._asking, self._since

    def give_way(self) -> None:
        """Make room for another one."""
        self._asking, self._since = True, math.inf  # only once
        self.socket.close()

    async def send_all(self, data: bytes) -> None:
        self._asking, self._since = False, trio.current_time()
        try:
            with trio.fail_after(TAKE_S):
                await self._stream.send_all(data)
        except trio.TooSlowError:
            self.socket.close()
            raise trio.BrokenResourceError("it does not read") from None
        except trio.BusyResourceError:  # Hypercorn ends the sending, and one more request came meanwhile
            raise trio.BrokenResourceError("it is being closed") from None

    async def receive_some(self, max_bytes: int | None = None) -> bytes:
        data = bytes(await self._stream.receive_some(max_bytes))
        self._asking, self._since = True, trio.current_time()
        return data

    async def send_eof(self) -> None:
        if isinstance(self._stream, trio.SocketStream):  # TLS has no such thing
            await self._stream.send_eof()

    async def aclose(self) -> None:
        await self._stream.aclose()
