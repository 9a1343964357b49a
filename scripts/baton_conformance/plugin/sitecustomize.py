"""Leads connections to Redis's well-known port on this machine to the server that the suite is to meet.

Many suites have that address written into their tests. Python imports a module of this name when it starts,
so the workers and commands that a suite starts are led like the suite itself.
"""

from __future__ import annotations

import os
import socket
from typing import Any

SERVER = "BATON_CONFORMANCE_SERVER"
"""The environment variable with the host:port of that server."""
WELL_KNOWN = ("localhost", 6379), ("127.0.0.1", 6379)


def lead_to(server: tuple[str, int]) -> None:
    """From now on a connection to the well-known port arrives at `server`."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex

    def meant(address: Any) -> Any:
        return server if address in WELL_KNOWN else address

    def connect_to(self: socket.socket, address: Any) -> None:
        connect(self, meant(address))

    def connect_ex_to(self: socket.socket, address: Any) -> int:
        return connect_ex(self, meant(address))

    socket.socket.connect = connect_to  # type: ignore[assignment,method-assign]
    socket.socket.connect_ex = connect_ex_to  # type: ignore[assignment,method-assign]


if SERVER in os.environ:
    host, _, port = os.environ[SERVER].rpartition(":")
    lead_to((host, int(port)))
