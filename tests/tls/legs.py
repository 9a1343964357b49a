"""The clients' leg of a proxy, as a test sees it: who comes, with what, and what happens to him."""

import re
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from tests.baton import BatonProcess
from tests.servers import RedisServer
from tests.tls.authority import Papers, trusting

LIMIT_SECONDS = 10.0


class Face(NamedTuple):
    """A proxy with a port for TLS beside the plain one."""

    proxy: BatonProcess
    papers: Papers

    @property
    def port(self) -> int:
        """With TLS."""
        return int(re.findall(r"\+serving .*\baddress=\S+:(\d+)\b.*tls", self.proxy.log())[-1])

    def connect(self, context: ssl.SSLContext | None = None, name: str = "localhost") -> ssl.SSLSocket:
        """With TLS; OSError where one side does not like the other."""
        raw = socket.create_connection(("127.0.0.1", self.port), LIMIT_SECONDS)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            return (context or trusting(self.papers.ca)).wrap_socket(raw, server_hostname=name)
        except BaseException:
            raw.close()
            raise

    def refusals(self) -> list[str]:
        """Why clients were not let in."""
        return re.findall(r"-client-refused .*\blimit=tls\b.*\bwhy=(.*)", self.proxy.log())


def start_face(
    started: ExitStack,
    node: RedisServer,
    folder: Path,
    papers: Papers,
    environment: dict[str, str] | None = None,
) -> Face:
    words = ("--tls-listen", "127.0.0.1:0", "--tls-certificate-file", str(papers.certificate))
    proxy = BatonProcess.start(
        [node.address],
        folder / "baton.log",
        *(*words, "--tls-key-file", str(papers.key)),
        environment=environment,
    )
    started.callback(proxy.end)
    return Face(proxy, papers)


def ask(connection: socket.socket, *words: str) -> bytes:
    """One command and its whole answer, which is one line."""
    connection.sendall(command(*words))
    return line(connection)


def line(connection: socket.socket) -> bytes:
    data = b""
    while not data.endswith(b"\r\n"):
        piece = connection.recv(1)
        assert piece, f"it has ended after {data!r}"
        data += piece
    return data


def read(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(min(size - len(data), 1 << 16))
        assert piece, f"it has ended after {len(data)} bytes"
        data += piece
    return bytes(data)


def command(*words: str | bytes) -> bytes:
    made = [word.encode() if isinstance(word, str) else word for word in words]
    return b"*%d\r\n" % len(made) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in made)
