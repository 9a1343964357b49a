"""A control connection to one node.

The rules:

1. Requests are sent at once and answered in order. Redis answers a connection in the order in which it was
   asked, so any number of tasks may use one link, and requests posted together are never mixed with those
   of another task.
2. `post` never waits and so is never cut short: what the kernel does not take is kept, and sent by whoever
   waits.
3. A wait that is abandoned leaves the link in step: the replies still find their owner, who has gone.
   `calls`, whose caller keeps nothing to wait with, closes the link all the same: what did not answer in
   time may be gone for good, and a new connection resolves the name anew.
4. Whatever breaks the order (garbage, a reply that nobody asked for) loses the link; a lost link stays lost.
5. A link that is given up while something is owed is reset, so that what is still on its way never arrives.
   A REPLICAOF or a CLIENT PAUSE that a bad network delivers seconds later would meet another switchover.
"""

import errno
from collections import deque
from typing import Any, Self, TypeAlias

import trio
from attrs import Factory, define, field, frozen

from proxy.nodes.address import Address, SockAddr
from proxy.nodes.dialing import dial
from proxy.nodes.errors import LinkLost, ReplyError
from proxy.nodes.understanding import Nonsense, Understanding
from proxy.transport.contexts import Dialled
from proxy.transport.naming import named
from proxy.transport.transport import Transport
from proxy.wire.encoding import command

Word: TypeAlias = bytes | str | int
Request: TypeAlias = tuple[Word, ...]
Reply: TypeAlias = Any
"""What hiredis makes of RESP2: bytes, int, None, a list of these, or a `ReplyError`."""

RECEIVE_BYTES = 65536
ALERT = b"\x15\x03"
"""How a TLS server begins that gets something else than a handshake; no reply of RESP does."""
CONTAINERS = {"ACL", "CLIENT", "CONFIG", "FUNCTION", "MODULE", "SCRIPT", "XINFO"}


@frozen
class Login:
    """As whom the proxy logs in to nodes: an ACL user, or with a password alone the default user."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)

    @property
    def name(self) -> str:
        return self.user or "default"

    def requests(self) -> list[Request]:
        if self.password is None:
            return []
        return [("AUTH", self.user, self.password) if self.user else ("AUTH", self.password)]


@define(eq=False)
class Pending:
    """Replies that are owed to one `post`; complete when all are there."""

    count: int
    replies: list[Reply] = Factory(list)

    @property
    def complete(self) -> bool:
        return len(self.replies) == self.count


@define(eq=False)
class Link:
    """One logged-in connection; see the rules above. It is made by `open` and ends with `close`."""

    address: Address
    peer: SockAddr
    _transport: Transport
    id: int = 0
    """The node's own number for this connection (CLIENT ID)."""
    run_id: str = ""
    """Of the process at the other end, once somebody asked; a restart changes it."""
    closed_by_peer: bool = False
    """The other kernel ended the connection, in order or by a reset, as it does when the process ends."""
    _lost: str | None = None
    _heard: bool = False
    _plain: bool = False
    """No TLS is spoken."""
    _unsent: bytearray = Factory(bytearray)
    _owed: deque[Pending] = Factory(deque)
    _understanding: Understanding = Factory(Understanding)
    _turn: trio.Lock = Factory(trio.Lock)

    @classmethod
    async def open(
        cls, address: Address, login: Login, name: str = "", security: Dialled | None = None
    ) -> Self:
        """Connect, in TLS where there is security, and log in; `LinkLost`, or `ReplyError` where the node
        refuses.

        With a name, the connection gets it, and learns its `id`. There is no limit on the time it takes: the
        caller sets a deadline.
        """
        link = cls(address, *await dial(address, security), plain=security is None)
        try:
            await link._introduce([*login.requests(), *_naming(name)], login.name)
        except BaseException:
            link.close()
            raise
        return link

    async def _introduce(self, requests: list[Request], user: str) -> None:
        replies = await self.calls(requests)
        for request, reply in zip(requests, replies, strict=True):
            if isinstance(reply, ReplyError):
                # A server whose AUTH was renamed away quotes the arguments of the unknown command.
                text = reply.text.partition(", with args")[0]
                raise ReplyError(text, f"{self.address}: {name_of(request)} as {user}")
            self.id = reply if isinstance(reply, int) else self.id

    @property
    def here(self) -> str:
        """The link's own end, as CLIENT LIST writes it."""
        return named(self._transport.getsockname())

    @property
    def owes(self) -> bool:
        """The node was told something here and has not answered; of a lost link, it never will."""
        return bool(self._owed)

    @property
    def is_lost(self) -> bool:
        return self._lost is not None

    @property
    def alive(self) -> bool:
        """Whether the link can be used, as far as this machine knows: one call of the kernel."""
        if self._lost is None and not self._owed:
            try:
                ended = self._transport.peek() == b""
            except BlockingIOError:
                return True
            except OSError as error:
                self._lose_to(error)
            else:
                self._lose("closed the connection" if ended else "sent what nobody asked for", by_peer=ended)
        return self._lost is None

    async def call(self, *request: Word) -> Reply:
        """Send one command and return its reply; an error reply is raised, and names node and command."""
        [reply] = await self.calls([request])
        if isinstance(reply, ReplyError):
            raise ReplyError(reply.text, f"{self.address}: {name_of(request)}")
        return reply

    async def calls(self, requests: list[Request]) -> list[Reply]:
        """Send commands in one go and return their replies, error replies as values."""
        pending = self.post(*requests)
        try:
            return await self.wait(pending)
        except trio.Cancelled:
            self._lose("did not answer in time")
            raise

    def post(self, *requests: Request, replies: int | None = None) -> Pending:
        """Send commands without waiting; `replies` where they are answered by more or fewer than one each."""
        if self._lost is not None:
            raise LinkLost(self._lost)
        pending = Pending(len(requests) if replies is None else replies)
        if not pending.complete:
            self._owed.append(pending)
        self._unsent += b"".join(command(*request) for request in requests)
        self._send()
        return pending

    async def wait(self, pending: Pending) -> list[Reply]:
        """Return the replies once they are complete. Whoever comes first reads for all."""
        while not pending.complete:
            # The lock's own acquire() would let every other task run first even where the lock is free.
            if self._turn.locked():
                await self._turn.acquire()
            else:
                self._turn.acquire_nowait()
            try:
                if not pending.complete:
                    await self._pump()
            finally:
                self._turn.release()
        return pending.replies

    def close(self) -> None:
        """End the connection; who still waits gets `LinkLost`."""
        self._lose("the proxy closed the connection")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def _pump(self) -> None:
        if self._lost is not None:
            raise LinkLost(self._lost)
        try:
            if self._unsent:
                await trio.lowlevel.wait_writable(self._transport)
                self._send()
            else:
                if not self._transport.has_more:
                    await trio.lowlevel.wait_readable(self._transport)
                self._receive()
        except trio.ClosedResourceError:
            raise LinkLost(self._lost or f"{self.address}: closed") from None

    def _send(self) -> None:
        try:
            while self._unsent:
                with memoryview(self._unsent) as view:
                    sent = self._transport.send(view)
                del self._unsent[:sent]
        except BlockingIOError:
            return
        except (BrokenPipeError, ConnectionResetError):
            # What the peer said before it left may still be there to be read, and reading finds the end.
            self._unsent.clear()
        except OSError as error:
            self._lose_to(error)

    def _receive(self) -> None:
        try:
            data = self._transport.receive(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lose_to(error)
            return
        if not data:
            self._lose("closed the connection", by_peer=True)
            return
        if data.startswith(ALERT) and not self._heard:
            self._lose("speaks TLS, and nodes.tls is not set")
            return
        self._heard = True
        try:
            for reply in self._understanding.feed(data):
                self._hand_out(reply)
        except Nonsense as error:
            self._lose(f"does not speak RESP: {error}")

    def _hand_out(self, reply: Reply) -> None:
        if not self._owed:
            self._lose("sent what nobody asked for")
            return
        self._owed[0].replies.append(reply)
        if self._owed[0].complete:
            self._owed.popleft()

    def _lose_to(self, error: OSError) -> None:
        self._lose(f"lost the connection: {error.strerror}", by_peer=error.errno == errno.ECONNRESET)

    def _lose(self, why: str, by_peer: bool = False) -> None:
        if self._lost is None:
            # A server without room says so in one error, as if to the first request, and hangs up.
            last = self._owed[0].replies[-1:] if by_peer and self._owed else []
            farewell = f" after saying {last[0].text}" if last and isinstance(last[0], ReplyError) else ""
            # Redis says nothing to who does not speak TLS where it does.
            guess = " without a word; it may speak TLS" if by_peer and not self._heard and self._plain else ""
            self._lost = f"{self.address}: {why}{farewell or guess}"
            self.closed_by_peer = by_peer
            trio.lowlevel.notify_closing(self._transport)
            if self._owed:
                self._transport.abort()
            else:
                self._transport.close()


def _naming(name: str) -> list[Request]:
    return [("CLIENT", "SETNAME", name), ("CLIENT", "ID")] if name else []


def name_of(request: Request) -> str:
    """Name a command without its arguments, among which there may be secrets."""
    words = [str(word) for word in request[:2]]
    return " ".join(words) if words[0] in CONTAINERS else words[0]
