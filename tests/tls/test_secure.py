"""Secure is a stream like any other, and leaves nothing behind of which epoll does not know."""

import random
import select
import socket
import ssl
from collections.abc import Iterator
from threading import Thread

import pytest

from proxy.transport.faults import TlsFault
from proxy.transport.secure import RECORD, UNASKED_MAX
from tests.tls.authority import Papers
from tests.tls.secured import Ends, connected
from tests.waiting import wait_until

VERSIONS = [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3]


@pytest.fixture(params=VERSIONS, ids=["1.2", "1.3"])
def ends(request: pytest.FixtureRequest, papers: Papers) -> Iterator[Ends]:
    with connected(papers, request.param) as made:
        yield made


def readable(ends: Ends, limit: float = 10.0) -> bool:
    """As epoll sees it, which the reactor is told by."""
    return bool(select.select([ends.ours], [], [], limit)[0])


def receive(ends: Ends, size: int) -> bytes:
    """So much, when the kernel tells of it only."""
    data = b""
    while len(data) < size:
        assert readable(ends), f"nothing is told of after {len(data)} bytes"
        try:
            piece = ends.ours.receive(64 * 1024)
        except BlockingIOError:
            continue
        assert piece, "it has ended"
        data += piece
    return data


def test_what_is_sent_arrives_both_ways(ends: Ends) -> None:
    ends.theirs.sendall(b"PING\r\n")
    assert receive(ends, 6) == b"PING\r\n"
    assert ends.ours.send(b"+PONG\r\n") == 7
    assert ends.theirs.recv(100) == b"+PONG\r\n"
    with pytest.raises(BlockingIOError):
        ends.ours.receive(100)


def test_many_records_that_come_at_once_are_all_opened_at_once(ends: Ends) -> None:
    for number in range(50):
        ends.theirs.sendall(b"%4d" % number)
    wait_until(lambda: len(ends.ours._sock.recv(64 * 1024, socket.MSG_PEEK)) > 50 * 20, lambda: "all came")
    assert ends.ours.receive(64 * 1024) == b"".join(b"%4d" % number for number in range(50))


def test_a_long_stream_arrives_whole_whatever_its_pieces(ends: Ends) -> None:
    stream = random.Random(1).randbytes(3_000_000)
    sender = Thread(target=ends.theirs.sendall, args=(stream,))
    sender.start()
    assert receive(ends, len(stream)) == stream
    sender.join()


def test_half_a_record_is_nothing_yet(ends: Ends) -> None:
    """The rest is told of by epoll, and then all of it is there."""
    kernel = ends.ours._sock = Throttled(ends.ours._sock)  # type: ignore[assignment]
    ends.theirs.sendall(b"whole")
    assert readable(ends)
    kernel.gives = 7
    with pytest.raises(BlockingIOError):
        ends.ours.receive(100)
    kernel.gives = 0
    assert readable(ends)
    assert ends.ours.receive(100) == b"whole"


class Throttled:
    """Stands for the kernel: it takes, and gives, what it is told to."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock, self.takes, self.gives = sock, 0, 0

    def recv(self, size: int) -> bytes:
        return self.sock.recv(self.gives or size)

    def send(self, data: bytes) -> int:
        if not self.takes:
            raise BlockingIOError
        taken = self.sock.send(data[: self.takes])
        self.takes -= taken
        return taken

    def __getattr__(self, name: str) -> object:
        return getattr(self.sock, name)


def test_what_the_kernel_takes_by_halves_goes_out_once(ends: Ends) -> None:
    kernel = ends.ours._sock = Throttled(ends.ours._sock)  # type: ignore[assignment]
    data = b"abcdefghij" * 10
    kernel.takes = 30
    with pytest.raises(BlockingIOError):
        ends.ours.send(data)
    with pytest.raises(BlockingIOError):
        ends.ours.send(memoryview(data))
    kernel.takes = 10_000
    assert ends.ours.send(data + b"and more") in (100, 108)
    assert ends.theirs.recv(1000)[:100] == data


def test_random_halves_and_retries_neither_lose_nor_double(ends: Ends) -> None:
    chance = random.Random(2)
    kernel = ends.ours._sock = Throttled(ends.ours._sock)  # type: ignore[assignment]
    stream = chance.randbytes(1_000_000)
    got = bytearray()

    def read() -> None:
        while len(got) < len(stream):
            got.extend(ends.theirs.recv(65536))

    reader = Thread(target=read)
    reader.start()
    sent = 0
    while sent < len(stream):
        kernel.takes = chance.choice((0, 1, 7, 40, 5_000, 40_000))
        offered = memoryview(stream)[sent : sent + chance.choice((1, 100, RECORD, RECORD + 1, 200_000))]
        while True:
            try:
                sent += ends.ours.send(offered)
                break
            except BlockingIOError:
                kernel.takes += chance.choice((0, 1, 7, 40, 5_000, 40_000))
                if chance.random() < 0.3:  # more has been queued behind it meanwhile
                    offered = memoryview(stream)[sent : sent + len(offered) + chance.randrange(1000)]
    reader.join()
    assert bytes(got) == stream


def test_the_answer_to_a_record_of_the_peers_does_not_double_what_was_kept(ends: Ends) -> None:
    """A half record is kept; then all of it goes out beside an answer; the retry must not seal it again."""
    kernel = ends.ours._sock = Throttled(ends.ours._sock)  # type: ignore[assignment]
    kernel.takes = 10
    with pytest.raises(BlockingIOError):
        ends.ours.send(b"once")
    kernel.takes = 10_000
    ends.ours._outgoing.write(b"")
    ends.ours._sealed = ends.ours._sealed[kernel.send(ends.ours._sealed) :]
    assert ends.ours.send(b"once") == 4
    assert ends.theirs.recv(100) == b"once"
    ends.ours.send(b"more")
    assert ends.theirs.recv(100) == b"more"


def test_peek_keeps_what_it_opens(ends: Ends) -> None:
    with pytest.raises(BlockingIOError):
        ends.ours.peek()
    ends.theirs.sendall(b"GET key\r\n")
    assert readable(ends)
    assert ends.ours.peek() == b"G" == ends.ours.peek()
    assert ends.ours.has_more
    assert ends.ours.receive(100) == b"GET key\r\n"
    assert not ends.ours.has_more


@pytest.mark.parametrize("how", ["close_notify", "hangs up", "half closes"])
def test_an_end_is_an_end(ends: Ends, how: str) -> None:
    ends.theirs.sendall(b"last")
    if how == "hangs up":
        ends.theirs.shutdown(socket.SHUT_WR)
    elif how == "half closes":
        ends.theirs.settimeout(0.01)
        with pytest.raises(OSError, match=r"timed out|unwrap"):
            ends.theirs.unwrap()  # waits in vain for ours
    else:
        ends.theirs.settimeout(0.01)
        with pytest.raises(OSError, match="timed out"):
            ends.theirs.unwrap()
        ends.theirs.close()
    assert receive(ends, 4) == b"last"
    assert readable(ends), "epoll does not know of the end"
    assert ends.ours.peek() == b""
    assert ends.ours.receive(100) == b""
    assert readable(ends, 1), "epoll has forgotten the end"
    assert ends.ours.receive(100) == b""


def test_behind_an_end_can_still_be_sent(ends: Ends) -> None:
    ends.theirs.settimeout(0.01)
    with pytest.raises(OSError, match="timed out"):
        ends.theirs.unwrap()
    assert readable(ends)
    assert ends.ours.receive(100) == b""
    assert ends.ours.send(b"+OK\r\n") == 5


def test_garbage_is_a_dead_peer_with_a_reason(ends: Ends) -> None:
    raw = socket.socket(fileno=socket.dup(ends.theirs.fileno()))
    with raw:
        raw.sendall(b"*1\r\n$4\r\nPING\r\n")
    assert readable(ends)
    with pytest.raises(TlsFault, match="does not speak TLS"):
        ends.ours.receive(100)


def test_closing_says_so(ends: Ends) -> None:
    """A bare end might be somebody's who cuts the connection off."""
    ends.theirs.suppress_ragged_eofs = False  # type: ignore[attr-defined]  # typeshed forgot it
    ends.ours.close()
    assert ends.theirs.recv(100) == b""


def test_nothing_is_sealed_of_nothing(ends: Ends) -> None:
    assert ends.ours.send(b"") == 0


def test_who_asks_and_does_not_read_the_answers_is_given_up(ends: Ends) -> None:
    """As by one KeyUpdate after the other: what OpenSSL has to say must not pile up."""
    ends.ours._sock = Throttled(ends.ours._sock)  # type: ignore[assignment]
    with pytest.raises(TlsFault, match="does not read the answers"):
        for _ in range(UNASKED_MAX):
            ends.ours._outgoing.write(b"x" * 100)
            ends.ours._answer()
