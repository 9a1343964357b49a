"""Real Redis servers for the tests: each a process of its own with its port, folder and config file.

The rules:

1. A server is up when its own log says so. A PING would not do: were the port taken after all, the
   answer would come from a stranger.
2. Ports are chosen below the range from which the kernel takes the ports of outgoing connections. Otherwise
   a connection might hold the port of a killed server when it comes back, and a proxy that keeps dialling
   the dead port would in the end connect to itself. Tests side by side never choose the same (ports.py).
3. Whatever was started is ended by its process id, frozen or not, and its clients are closed.
"""

import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Self

import attrs
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from tests import control, encryption
from tests.binaries import version_of
from tests.ports import free_port as free_port
from tests.waiting import wait_until

START_ATTEMPTS = 5
TERMINATE_LIMIT_SECONDS = 15.0  # from 7.0 on SIGTERM waits up to 10 s for replicas that lag

# A first sync from disk takes the 100 ms of one serverCron tick. Diskless it may look faster, but where
# the replica's first ACK overtakes the primary's notice that its child has ended, 7.0 starts the stream
# only at the next ACK, a second later. `save ""`: tests that need durability ask for `appendonly yes`.
DEFAULTS = ("bind 127.0.0.1", 'save ""', "repl-diskless-sync no")
READY = "Ready to accept connections"
PORT_TAKEN = "Address already in use"


def direct_client(port: int, **options: Any) -> redis.Redis:
    """Return a redis-py client that tries once and reports what happened, and answers in `str`."""
    given: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "retry": Retry(NoBackoff(), 0),
        "decode_responses": True,
        "socket_timeout": 10,
    }
    return redis.Redis(**(given | encryption.client_options() | options))


@attrs.define(eq=False)
class RedisServer:
    """One redis-server process and the folder in which it can be started again."""

    binary: Path
    directory: Path
    port: int
    password: str | None = None
    _process: subprocess.Popen[bytes] | None = None
    _closing: list[Callable[[], None]] = attrs.field(factory=list)
    _own: redis.Redis | None = None

    @classmethod
    def start(cls, binary: Path, directory: Path, *config: str) -> Self:
        """Start a server that keeps everything in `directory`; each `config` is a line of redis.conf.

        The lines are written to a file, so CONFIG REWRITE works. A server that does not come up is an
        AssertionError with its log.
        """
        directory.mkdir(parents=True, exist_ok=True)
        passwords = [line.split()[1] for line in config if line.startswith("requirepass ")]
        for _ in range(START_ATTEMPTS):
            server = cls(binary, directory, free_port(), passwords[-1] if passwords else None)
            debug = () if version_of(binary) == "6.2" else ("enable-debug-command local",)
            debug = (*debug, *control.config_lines(version_of(binary)))
            lines = (*encryption.node_lines(server.port), f"dir {directory}", *DEFAULTS, *debug, *config)
            server.config_file.write_text("".join(f"{line}\n" for line in lines))
            try:
                server._launch()
            except PortTakenError:
                continue
            return server
        raise AssertionError(f"{START_ATTEMPTS} ports in a row were taken between probe and start")

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def config_file(self) -> Path:
        return self.directory / "redis.conf"

    @property
    def log_file(self) -> Path:
        return self.directory / "redis.log"

    @property
    def pid(self) -> int:
        return self._running().pid

    @property
    def version(self) -> str:
        return version_of(self.binary)

    def client(self, **options: Any) -> redis.Redis:
        """Return a new redis-py client, closed with the server; `options` are redis-py's own."""
        client = direct_client(self.port, **({"password": self.password} | options))
        self._closing.append(client.close)
        return client

    def raw(self, timeout: float = 10.0) -> socket.socket:
        """Return a new connection as a plain socket, closed with the server; `timeout` in seconds."""
        connection = socket.create_connection(("127.0.0.1", self.port), timeout)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = encryption.wrapped(connection)
        self._closing.append(connection.close)
        return connection

    def command(self, *words: Any) -> Any:
        """Send one command as the test's own eye on this server, past any proxy, and return its reply."""
        if self._own is None:
            self._own = self.client()
        return self._own.execute_command(*words)  # type: ignore[no-untyped-call]  # redis-py leaves it bare

    def info(self, section: str = "replication") -> dict[str, Any]:
        """Return one section of INFO."""
        answer: dict[str, Any] = self.command("INFO", section)
        return answer

    def replicate(self, primary: "RedisServer") -> None:
        """Tell this server to follow `primary`; it is in sync after `wait_link_up`."""
        self.command("REPLICAOF", "127.0.0.1", primary.port)

    def wait_link_up(self) -> None:
        """Wait until this replica has the data of its primary and follows it."""
        wait_until(
            lambda: self.info().get("master_link_status") == "up",
            lambda: f"{self.address} is in sync with its primary; it says {self.info()}",
        )

    def wait_replicas(self, count: int) -> None:
        """Wait until this primary counts `count` replicas as online."""

        def online() -> int:
            said = self.info()
            return sum(said[f"slave{n}"]["state"] == "online" for n in range(said["connected_slaves"]))

        wait_until(lambda: online() == count, lambda: f"{self.address} has {count} replicas: {self.info()}")

    def stop(self) -> None:
        """End the process as an init system would: SIGTERM, then wait."""
        process = self._running()
        self.thaw()
        process.terminate()
        process.wait(TERMINATE_LIMIT_SECONDS)
        self._process = None

    def kill(self) -> None:
        """End the process at once: SIGKILL, which a frozen process obeys too."""
        process = self._running()
        process.kill()
        process.wait()
        self._process = None

    def freeze(self) -> None:
        """Stop the process where it stands. Its sockets stay open and the kernel still accepts for it."""
        process = self._running()
        process.send_signal(signal.SIGSTOP)
        # The signal is delivered some time after kill() returns; the wait leaves the exit to Popen.
        os.waitid(os.P_PID, process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)

    def thaw(self) -> None:
        """Let a frozen process go on; nothing happens to one that runs."""
        self._running().send_signal(signal.SIGCONT)

    def restart(self) -> None:
        """Start again on the same port and files, after `stop` if it still runs."""
        if self._process is not None:
            self.stop()
        self._launch()

    def end(self) -> None:
        """Kill the process if it runs and close every client that was handed out.

        In the mode of the control user, what the server has to say against that is an AssertionError.
        """
        wrong: list[str] = []
        if self._process is not None:
            if control.MODE.on:
                with direct_client(
                    self.port, password=self.password, socket_timeout=1, encoding_errors="replace"
                ) as eye:
                    wrong = control.faults(eye)
            self.kill()
        for close in self._closing:
            close()
        self._closing.clear()
        assert not wrong, f"{self.address}: {wrong}"

    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            raise AssertionError(f"the server of {self.address} is not running")
        return self._process

    def _launch(self) -> None:
        with open(self.log_file, "ab") as log:
            before = log.tell()
            process = subprocess.Popen(
                [self.binary, self.config_file],
                cwd=self.directory,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        self._process = process

        def said() -> str:
            return self.log_file.read_bytes()[before:].decode(errors="replace")

        try:
            wait_until(
                lambda: READY in said() or process.poll() is not None,
                lambda: f"{self.binary} is up; its log:\n{said()}",
            )
        except BaseException:
            self.kill()
            raise
        if process.returncode is not None:
            self._process = None
            kind = PortTakenError if PORT_TAKEN in said() else AssertionError
            raise kind(f"{self.binary} ended with {process.returncode}:\n{said()}")


class PortTakenError(AssertionError):
    """Somebody took the port between the probe and the start."""


class Pair(NamedTuple):
    """A primary and its replica, in sync."""

    primary: RedisServer
    replica: RedisServer


class Trio(NamedTuple):
    """A primary and two replicas of it, in sync."""

    primary: RedisServer
    replica: RedisServer
    other: RedisServer
