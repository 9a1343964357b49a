"""TLS: the same stream over a non-blocking socket, with OpenSSL between two buffers in memory.

Theory. OpenSSL reads from a socket record by record, header and body apart: two system calls where one will
do. So the bytes are received here, in one call, and handed to it. Rules:

1. Nothing readable is left behind of which the kernel does not know: ``receive`` opens every record that is
   there. Only what `peek` has opened is kept; then `has_more` is true, and whoever peeked sees to it.
2. A record is sealed once. What of it the kernel does not take is kept here, and ``send`` is answered as by
   SSL_write over a full socket: with BlockingIOError until it is out. Who tries again offers the same bytes
   first, and is then told that they are taken.
3. No more is sealed or opened at once than :data:`RECORD`, since OpenSSL's buffers in memory never shrink: an
   idle client must not keep what one long reply took.
4. The end is b"", whether the other side says so (close_notify) or hangs up. Replies have lengths of their
   own, so that one cut short does not pass for a whole one. A fault of TLS is an OSError.
5. What OpenSSL wants to say meanwhile (an alert, the answer to a KeyUpdate) goes out with what is sent next,
   at once if it can.
"""

import contextlib
import socket
import ssl
from typing import Any

from proxy.transport.faults import TlsFault, words_of
from proxy.transport.plain import RESET, Plain

RECORD = 16 * 1024
"""The most bytes in a record of TLS, and so what is sealed at once."""
UNASKED_MAX = 64 * 1024
"""Bytes of answers to the peer's own records that it does not take. More is an attack: it goes on asking."""


class Secure:
    """A connected socket behind a handshake; see :class:`proxy.transport.transport.Transport`."""

    __slots__ = (
        *("_clear", "_incoming", "_kept", "_outgoing", "_read", "_sealed", "_sock", "_ssl", "_taken"),
        "_write",
    )

    def __init__(
        self, sock: Plain, way: ssl.SSLObject, incoming: ssl.MemoryBIO, outgoing: ssl.MemoryBIO
    ) -> None:
        self._sock = sock
        self._ssl = way
        self._incoming = incoming
        self._outgoing = outgoing
        self._read = way.read
        self._write = way.write
        self._kept: bytes | None = None  # what peek has opened; empty for the end
        self._clear = True  # all that was sealed is out, and the caller knows
        self._sealed = b""  # what the kernel has not taken yet
        self._taken = 0  # bytes of the caller's that it stands for, and of which he has not been told
        with contextlib.suppress(BlockingIOError):  # what came right behind the handshake
            self._kept = self._open(b"")

    @property
    def has_more(self) -> bool:
        return self._kept is not None

    @property
    def version(self) -> str:
        """TLSv1.2 or TLSv1.3."""
        return self._ssl.version() or "?"

    def receive(self, size: int, /) -> bytes:
        """What is there: so much at most, and what was left of a record."""
        if self._kept is not None:
            kept = self._kept
            if kept:  # the end stays
                self._kept = None
            return kept
        data = self._sock.recv(size)
        if not data:
            return b""
        if len(data) < RECORD:  # nearly always one record, and nothing else to do
            self._incoming.write(data)
            try:
                opened = self._read(RECORD)
            except ssl.SSLWantReadError:
                self._answer()
                raise BlockingIOError from None
            except ssl.SSLError as fault:
                return self._ended(fault)
            if opened and not self._incoming.pending and not self._outgoing.pending:
                return opened
            return self._open(b"", opened)
        return self._open(data)

    def _open(self, data: bytes, opened: bytes | None = None) -> bytes:
        """Open all records. A part of one stays with OpenSSL, and its rest will be told of."""
        pieces = [] if opened is None else [opened]
        offset = 0
        try:
            while opened != b"":
                if not self._incoming.pending and offset < len(data):
                    self._incoming.write(data[offset : offset + RECORD])
                    offset += RECORD
                try:
                    opened = self._read(RECORD)
                except ssl.SSLWantReadError:
                    if offset >= len(data):
                        break
                else:
                    pieces.append(opened)
            else:
                self._hear_end()
        except ssl.SSLError as fault:
            if not any(pieces):
                return self._ended(fault)
            self._hear_end()  # it shows again with what is received next
        self._answer()
        whole = b"".join(pieces)
        if whole or opened == b"":
            return whole
        raise BlockingIOError

    def _ended(self, fault: ssl.SSLError) -> bytes:
        """The other side has sent close_notify, or what cannot be understood."""
        if isinstance(fault, ssl.SSLZeroReturnError):
            self._hear_end()
            return b""
        with contextlib.suppress(OSError):
            self._answer()  # the alert
        raise TlsFault(words_of(fault)) from None

    def _hear_end(self) -> None:
        """From now on the kernel calls the socket readable, and at its end, whether a FIN comes or not."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RD)

    def _answer(self) -> None:
        """Send what OpenSSL has to say, as far as it goes."""
        if self._outgoing.pending:
            self._clear = False
            self._sealed += self._outgoing.read()
            try:
                self._sealed = self._sealed[self._sock.send(self._sealed) :]
            except BlockingIOError:
                if len(self._sealed) > UNASKED_MAX + 2 * RECORD:
                    raise TlsFault("the other side asks and does not read the answers") from None

    def peek(self) -> bytes:
        """As told by the protocol. What it opens is kept, and :attr:`has_more`."""
        if self._kept is None:
            self._kept = self.receive(RECORD)
        return self._kept[:1]

    def send(self, data: bytes | memoryview, /) -> int:
        """Seal and send; see rule 2."""
        if self._clear and 0 < (size := len(data)) <= RECORD:
            try:
                self._write(data)
            except ssl.SSLError as fault:
                raise TlsFault(words_of(fault)) from None
            sealed = self._outgoing.read()
            try:
                sent = self._sock.send(sealed)
            except BlockingIOError:
                sent = 0
            if sent == len(sealed):
                return size
            self._sealed, self._taken, self._clear = sealed[sent:], size, False
            raise BlockingIOError
        return self._send_on(data)

    def _send_on(self, data: bytes | memoryview) -> int:
        """The rest of what was sealed, and record by record what is behind it."""
        done = self._flush()
        with memoryview(data) as view:
            try:
                while done < len(view):
                    done += self.send(view[done : done + RECORD])
            except BlockingIOError:
                if not done:
                    raise
        return done

    def _flush(self) -> int:
        """Send what is sealed; tells for how much of the caller's bytes it stood."""
        while self._sealed:
            self._sealed = self._sealed[self._sock.send(self._sealed) :]
        taken, self._taken, self._clear = self._taken, 0, True
        return taken

    def shutdown(self, how: int, /) -> None:
        """Say that nothing more will be sent, then to the kernel what it is told of a plain socket."""
        if how != socket.SHUT_RD:
            self._say_end()
        self._sock.shutdown(how)

    def close(self) -> None:
        self._say_end()
        self._sock.close()

    def abort(self) -> None:
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        self._sock.close()

    def _say_end(self) -> None:
        """close_notify, if the kernel takes it now and nothing is in front of it."""
        with contextlib.suppress(OSError):  # of SSL, too: the peer's own close_notify is not waited for
            self._ssl.unwrap()
        with contextlib.suppress(OSError):
            self._flush()
            self._sock.send(self._outgoing.read())

    def fileno(self) -> int:
        return self._sock.fileno()

    def getsockname(self) -> Any:
        return self._sock.getsockname()

    def getpeername(self) -> Any:
        return self._sock.getpeername()

    def getsockopt(self, level: int, option: int, size: int, /) -> bytes:
        return self._sock.getsockopt(level, option, size)

    @property
    def peer_name(self) -> str:
        return self._sock.peer_name
