"""A conversation over a plain socket: what was said and what came back, byte by byte where that matters."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator
from typing import Any

import attrs
import hiredis

from proxy.wire.encoding import command

RECEIVE = 1024 * 1024


@attrs.define(eq=False)
class Talk:
    """One connection, read in order; a reply that does not come in time is a TimeoutError."""

    socket: socket.socket
    _reader: hiredis.Reader = attrs.field(
        factory=lambda: hiredis.Reader(notEnoughData=Talk, encoding="utf-8", errors="surrogateescape")
    )

    def send(self, *words: bytes | str | int) -> None:
        """Send one command and wait for nothing."""
        self.socket.sendall(command(*words))

    def send_all(self, *commands: str) -> None:
        """Send several commands in one piece, each written as words with blanks between."""
        self.socket.sendall(b"".join(command(*each.split()) for each in commands))

    def ask(self, *words: bytes | str | int) -> Any:
        """Send one command and return its reply; an error reply is a value."""
        self.send(*words)
        return self.reply()

    def ask_all(self, *commands: str) -> list[Any]:
        """Send several commands in one piece and return their replies."""
        self.send_all(*commands)
        return self.replies(len(commands))

    def reply(self) -> Any:
        """Return the next whole reply, message or push; an EOFError if the connection ends first."""
        while (value := self._reader.gets()) is Talk:
            data = self.socket.recv(RECEIVE)
            if not data:
                raise EOFError("the connection was closed")
            self._reader.feed(data)
        return value

    def replies(self, count: int) -> list[Any]:
        return [self.reply() for _ in range(count)]

    def expect(self, wanted: bytes) -> None:
        """Read exactly these bytes."""
        got = b""
        while len(got) < len(wanted):
            data = self.socket.recv(len(wanted) - len(got))
            if not data:
                raise AssertionError(f"the connection was closed after {got!r}; wanted {wanted!r}")
            got += data
        assert got == wanted, f"{got!r} came; wanted {wanted!r}"

    def rest(self) -> bytes:
        """Read until the other side closes, and return all of it."""
        got = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while data := self.socket.recv(RECEIVE):
                got += data
        return bytes(got)

    def is_quiet(self) -> bool:
        """Nothing has come that was not read, and the connection stands."""
        return not self._reader.has_data() and not self._has_come()

    def is_closed(self) -> bool:
        """The other side has closed; what it said before that is passed over."""
        try:
            while self._has_come():
                if not self.socket.recv(RECEIVE):
                    return True
        except ConnectionResetError:
            return True
        return False

    def _has_come(self) -> bool:
        return bool(select.select([self.socket], [], [], 0)[0])

    def __iter__(self) -> Iterator[Any]:
        while True:
            try:
                yield self.reply()
            except EOFError:
                return
