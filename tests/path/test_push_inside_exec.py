"""The message that a RESP3 client publishes to itself in MULTI stands in the array of EXEC, as no element."""

import socket
from collections.abc import Callable

from tests.baton import BatonProcess
from tests.servers import Pair


def _all(client: socket.socket, marker: bytes) -> bytes:
    seen = b""
    while not seen.endswith(marker):
        piece = client.recv(65536)
        assert piece, f"closed after {seen!r}"
        seen += piece
    return seen


def test_a_message_inside_exec_is_no_element(pair: Pair, baton: Callable[..., BatonProcess]) -> None:
    proxy = baton(pair.primary, pair.replica)
    answers = []
    for client in (pair.primary.raw(3), proxy.raw(3)):
        client.sendall(b"HELLO 3\r\n")
        _all(client, b"modules\r\n*0\r\n")
        client.sendall(b"SUBSCRIBE c\r\nMULTI\r\nECHO a\r\nPUBLISH c m\r\nECHO b\r\nEXEC\r\nECHO end\r\n")
        answers.append(_all(client, b"$3\r\nend\r\n"))
        client.close()
    assert answers[0].count(b">3") == answers[1].count(b">3") == 2
