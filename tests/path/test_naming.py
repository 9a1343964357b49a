"""How an end of a connection is written, wherever one is told."""

import socket

import pytest

from proxy.transport.naming import named, peer_of


@pytest.mark.parametrize(
    ("place", "written"),
    [
        (("127.0.0.1", 6379), "127.0.0.1:6379"),
        (("::1", 6379, 0, 0), "[::1]:6379"),
        ("/run/baton.sock", "/run/baton.sock:0"),
        ("", ":0"),
        (b"", ":0"),
    ],
)
def test_it_is_written_as_redis_writes_it(place: object, written: str) -> None:
    assert named(place) == written


def test_who_has_gone_has_no_name() -> None:
    near, far = socket.socketpair()
    with near, far:
        assert peer_of(near) == ":0"
        near.close()
        assert peer_of(near) == "?:0"
