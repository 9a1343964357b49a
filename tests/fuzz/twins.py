"""Two servers that are told the same, one of them through the proxy."""

from __future__ import annotations

import contextlib
import re
import socket
from collections.abc import Callable
from random import Random

import attrs

from tests.baton import BatonProcess
from tests.fuzz.corpus import cut
from tests.servers import Pair, RedisServer
from tests.talking import RECEIVE, Talk

PATIENCE_SECONDS = 5.0
PROXYS_OWN = b"-ERR Baton does not take "
"""SUBSCRIBE and CLIENT REPLY OFF inside MULTI, which leave the EXEC of Redis itself out of step."""
TOO_BIG = b"-ERR Protocol error: too big "
"""When a line without an end is too long depends on how much of it came at once, in Redis too."""
DIFFERENT = [
    (re.compile(rb"(\$2\r\nid\r\n):\d+"), rb"\1:0"),  # HELLO
    (re.compile(rb"\d{13}-\d+"), b"now-0"),  # XADD with an id made by the server
    # the order in which all channels are unsubscribed from
    (re.compile(rb"(3\r\n\$1[12]\r\np?unsubscribe\r\n)\$\d+\r\n.*?\r\n:\d+", re.DOTALL), rb"\1"),
]
AT_ONCE = 50_000
"""Bytes that a kernel takes at once in any case. Of a longer answer Redis drops what is not sent when the
client ends its side; the proxy gives it out."""
ODD = re.compile(
    rb"reply.*multi|multi.*reply|skip.*(\*0|\*-|\n\s*\n)|skip(?!\r\n)..\s*\n", re.IGNORECASE | re.DOTALL
)
"""With CLIENT REPLY ON inside MULTI, Redis gives an element of an EXEC that it keeps silent about; and an
empty command, which owes no reply, uses up a CLIENT REPLY SKIP."""
MOVED = re.compile(rb"watch", re.IGNORECASE)
"""Whose EXEC may be answered nil after a switchover."""


@attrs.define(eq=False)
class Twins:
    """A node straight, and a pair behind the proxy; both are empty when a conversation begins."""

    straight: RedisServer
    pair: Pair
    proxy: BatonProcess
    _brooms: list[Talk] = attrs.field(factory=list)

    def hold(self, random: Random, chunks: list[bytes], switch: bool) -> tuple[bytes, bytes]:
        """Hold the conversation on both; give what each of them said until it closed."""
        self.sweep()
        data = b"".join(chunks)
        straight = said(Talk(self.straight.raw()), [data], bool, 0)
        middle: Callable[[], object] = self.proxy.switchover if switch else bool
        proxied = said(Talk(self.proxy.raw()), cut(random, data), middle, len(comparable(straight)))
        return straight, proxied

    def sweep(self) -> None:
        """Empty both; through the proxy, so that it forgets the scripts too."""
        if not self._brooms:
            self._brooms = [Talk(self.straight.raw()), Talk(self.proxy.raw())]
        for broom in self._brooms:
            assert broom.ask_all("FLUSHALL", "SCRIPT FLUSH") == ["OK", "OK"]


def said(talk: Talk, pieces: list[bytes], middle: Callable[[], object], size: int) -> bytes:
    """Send the pieces, do something in the middle of them, and send no more once so many bytes are back.

    Gives all that comes back; what stays away is a difference, and no reason to wait for ever.
    """
    heard = b""
    try:
        for number, piece in enumerate(pieces):
            talk.socket.sendall(piece)
            if number == len(pieces) // 2:
                middle()
        talk.socket.settimeout(PATIENCE_SECONDS)
        while len(comparable(heard)) < size and (data := talk.socket.recv(RECEIVE)):
            heard += data
    except OSError:
        pass  # it has been refused before all was sent, or it keeps silent
    with contextlib.suppress(OSError):
        talk.socket.shutdown(socket.SHUT_WR)
    try:
        heard += talk.rest()
    except TimeoutError:
        heard += b" AND IS NOT CLOSED"
    talk.socket.close()
    return heard


def comparable(said: bytes) -> bytes:
    """Without what differs between any two servers."""
    for expression, by in DIFFERENT:
        said = expression.sub(by, said)
    return said


def differ(straight: bytes, proxied: bytes) -> bool:
    """What the proxy gave is not what Redis gave."""
    straight, proxied = comparable(straight), comparable(proxied)
    for text in (PROXYS_OWN, TOO_BIG):
        ends = [said.find(text) for said in (straight, proxied) if text in said]
        if ends:
            straight, proxied = straight[: min(ends)], proxied[: min(ends)]
    if len(straight) > AT_ONCE:
        proxied = proxied[: len(straight)]
    return straight != proxied


def shortest(chunks: list[bytes], fails: Callable[[list[bytes]], bool]) -> list[bytes]:
    """Leave out what is not needed for it to fail."""
    at = 0
    while at < len(chunks):
        fewer = chunks[:at] + chunks[at + 1 :]
        if fewer and fails(fewer):
            chunks = fewer
        else:
            at += 1
    return chunks
