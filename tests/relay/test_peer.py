"""A peer's bytes go out whole and in order, whatever its socket takes."""

import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.relay.peer import JOIN, Peer
from proxy.relay.reactor import IN, OUT, Reactor
from tests.relay.bench import ends, received


class Drained(Peer):
    times = 0

    def ready(self, events: int) -> None:
        self.flush()

    def abandon(self) -> None:
        self.shut()

    def drained(self) -> None:
        self.times += 1


def new_peer() -> tuple[Drained, socket.socket]:
    ours, theirs = ends()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    reactor = Reactor()
    peer = Drained(reactor, ours)
    reactor.add(peer.fd, peer)
    return peer, theirs


def test_what_goes_out_at_once_leaves_nothing_behind() -> None:
    peer, other = new_peer()
    peer.send(b"one")
    assert received(other) == b"one" and peer.unsent is None and peer.events == IN
    peer.shut()
    other.close()


@settings(max_examples=40)
@given(
    st.lists(st.sampled_from([0, 1, 100, JOIN - 1, JOIN, 200_000]), min_size=1, max_size=12), st.booleans()
)
def test_what_does_not_fit_goes_out_later_in_order(sizes: list[int], corked: bool) -> None:
    peer, other = new_peer()
    if corked:
        peer.cork()
    pieces = [bytes([65 + n]) * size for n, size in enumerate(sizes)]
    for piece in pieces:
        peer.send_frame(piece if len(piece) % 2 else [piece[:5], piece[5:]])
    if corked:
        assert received(other) == b"" and peer.unsent_bytes == sum(sizes)
    found = b""
    while peer.unsent is not None:
        peer.flush()
        found += received(other)
        assert peer.unsent is None or (peer.events == IN | OUT and 0 < peer.unsent_bytes <= sum(sizes))
    found += received(other)
    assert found == b"".join(pieces)
    assert peer.unsent_bytes == 0 and peer.events == IN and (peer.times or not corked)
    peer.shut()
    other.close()


def test_a_corked_peer_sends_together() -> None:
    peer, other = new_peer()
    peer.cork()
    for _ in range(3):
        peer.send(b"x")
    assert received(other) == b""
    peer.flush()
    assert received(other) == b"xxx"
    peer.shut()
    other.close()


def test_a_dead_peer_is_no_error_until_it_is_received_from() -> None:
    peer, other = new_peer()
    other.close()
    peer.send(b"one")
    peer.cork()
    peer.send(b"two")
    peer.flush()
    assert peer.unsent is None and peer.unsent_bytes == 0 and not peer.closed
    peer.shut()


def test_not_listening_leaves_the_wish_to_send() -> None:
    peer, other = new_peer()
    peer.send(b"x" * 1_000_000)
    peer.listen(False)
    assert peer.events == OUT
    peer.listen(True)
    assert peer.events == IN | OUT
    peer.shut()
    other.close()


def test_shutting_is_done_once_and_what_comes_later_is_nothing() -> None:
    peer, other = new_peer()
    peer.shut()
    peer.shut()
    peer.listen(False)
    assert received(other) == b"<end>"
    with pytest.raises(OSError, match="Bad file descriptor"):
        peer.transport.receive(1)
    other.close()
