"""The real `baton serve` as a process, as an operator would start it."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import attrs
import redis

from tests import control, encryption
from tests.binaries import ROOT
from tests.servers import direct_client
from tests.waiting import wait_until

TERMINATE_LIMIT_SECONDS = 10.0
ADMIN_TIMEOUT_SECONDS = 40.0  # SWITCHOVER answers when it is done, which a stopped node may delay
ANY_PORT = "127.0.0.1:0"
MODES = ("private", "shared")
READABLE = {"BATON_LOG_FORMAT": "text"}
"""Its log as lines for people, which a failed test then shows."""


def with_lanes(mode: str) -> dict[str, str]:
    """What a proxy that runs its lanes in this mode is to find in its environment."""
    return {"BATON_LANES_MODE": mode}


@attrs.define(eq=False)
class BatonProcess:
    """One `baton serve`, which can be started again; everything that it logs is kept in one file."""

    command: Sequence[str]
    environment: Mapping[str, str]
    log_file: Path
    port: int = 0
    admin_port: int = 0
    http_port: int = 0
    """0 where it was not asked to serve HTTP."""
    _process: subprocess.Popen[bytes] | None = None
    _closing: list[Callable[[], None]] = attrs.field(factory=list)

    @classmethod
    def start(
        cls,
        nodes: Sequence[str],
        log_file: Path,
        *arguments: str,
        listen: str = ANY_PORT,
        environment: Mapping[str, str] | None = None,
    ) -> Self:
        """Start a proxy for `nodes` (HOST:PORT) and wait until it serves.

        One that ends before it serves is an AssertionError with all that it logged. A test that restarts the
        proxy behind the back of clients chooses `listen` itself, with `free_port`.
        """
        proxy = cls(serve_command(nodes, *arguments, listen=listen), environment or {}, log_file)
        proxy._launch()
        return proxy

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def pid(self) -> int:
        return self._running().pid

    def client(self, **options: Any) -> redis.Redis:
        """Return a new redis-py client of the proxy, without retries; `options` are redis-py's own."""
        client = direct_client(self.port, **options)
        self._closing.append(client.close)
        return client

    def raw(self, timeout: float = 10.0) -> socket.socket:
        """Return a new connection to the proxy as a plain socket; `timeout` in seconds."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = encryption.wrapped(connection)
        self._closing.append(connection.close)
        return connection

    def admin(self, *words: str) -> Any:
        """Send one command to the admin port and return its reply; an error reply is a ResponseError."""
        options = {"protocol": 2, "socket_timeout": ADMIN_TIMEOUT_SECONDS, "ssl": False}
        with direct_client(self.admin_port, **options) as console:
            return console.execute_command(*words)

    def switchover(self, to: str | None = None, budget_ms: int | None = None) -> dict[str, Any]:
        """Switch over and return the report as a dictionary of its names and values."""
        words = ["SWITCHOVER"]
        words += [] if to is None else ["TO", to]
        words += [] if budget_ms is None else ["BUDGET", str(budget_ms)]
        flat = self.admin(*words)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def kill(self) -> None:
        """SIGKILL: the proxy can say nothing and undo nothing."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def terminate(self) -> int:
        """SIGTERM, as an init system would send it; return the exit status."""
        self._running().terminate()
        return self.wait()

    def wait(self, limit: float = TERMINATE_LIMIT_SECONDS) -> int:
        """Wait until the proxy has ended, where a test expects that; return the exit status."""
        status = self._running().wait(limit)
        self._process = None
        return status

    def restart(self) -> None:
        """Start it again with the same arguments, after `kill` if it still runs."""
        if self._process is not None:
            self.kill()
        self._launch()

    def end(self) -> None:
        """Kill it if it runs, close every client that was handed out, and tell what nobody asked for.

        That it ended by itself, or told of a fault of its own, is an AssertionError with the log.
        """
        died = self._process is not None and self._process.poll() is not None
        if self._process is not None:
            self.kill()
        for close in self._closing:
            close()
        self._closing.clear()
        if died or any(sign in self.log() for sign in ("  -fault ", '"-fault"', "Traceback")):
            raise AssertionError(f"baton {'ended by itself' if died else 'failed'}; its log:\n{self.log()}")

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError("this baton is not running")
        return self._process

    def _launch(self) -> None:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("BATON_")}
        environment = inherited | READABLE | encryption.proxy_environment() | dict(self.environment)
        environment |= control.environment(self.command, environment)
        listening = ["+serving", "+admin"]
        if "--http" in self.command or "BATON_HTTP" in environment:
            listening.append("+http")
        with open(self.log_file, "ab") as log:
            before = log.tell()
            self._process = process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

        def said() -> str:
            return self.log_file.read_bytes()[before:].decode(errors="replace")

        def serves() -> bool:
            return all(port_in(said(), event) for event in listening)

        try:
            wait_until(
                lambda: serves() or process.poll() is not None, lambda: f"baton serves; its log:\n{said()}"
            )
        except BaseException:
            self.kill()
            raise
        if process.returncode is not None:
            self._process = None
            raise AssertionError(f"baton ended with {process.returncode}; its log:\n{said()}")
        self.port, self.admin_port = port_in(said(), "+serving"), port_in(said(), "+admin")
        self.http_port = port_in(said(), "+http")


def serve_command(nodes: Sequence[str], *arguments: str, listen: str = ANY_PORT) -> list[str]:
    """Return the command line of a proxy for `nodes`, for a test that wants to see it fail."""
    given = [word for node in nodes for word in ("--node", node)]
    command = [sys.executable, "-m", "proxy.cli", "serve", *encryption.proxy_words(listen)]
    return [*command, "--admin", ANY_PORT, *given, *arguments]


def port_in(log: str, event: str) -> int:
    """Return the port of the address that this event tells, in either format; 0 while the log has no such
    whole line."""
    found = re.search(rf"""[ "]{re.escape(event)}[ "].*\baddress\W+\S+:(\d+)\b.*\n""", log)
    return int(found[1]) if found else 0
