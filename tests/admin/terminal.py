"""A real ``redis-cli`` at a pseudo-terminal: keys are typed, and what appears is waited for."""

import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
from collections.abc import Iterator
from contextlib import contextmanager

from attrs import define

REDIS_CLI = shutil.which("redis-cli")
ROWS, COLUMNS = 24, 200
LIMIT_SECONDS = 10.0
_ESCAPE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


@define
class Terminal:
    """Its outer end."""

    _end: int

    def type(self, keys: str, until: str) -> str:
        """Press `keys`; returns what appeared from then on, as soon as `until` is in it, without colours."""
        os.write(self._end, keys.encode())
        return self.see(until)

    def see(self, until: str) -> str:
        """Wait for `until`."""
        seen = ""
        while until not in seen:
            if not select.select([self._end], [], [], LIMIT_SECONDS)[0]:
                raise AssertionError(f"no {until!r} appears; there is {seen!r}")
            seen += _ESCAPE.sub("", os.read(self._end, 65536).decode("utf-8", "replace"))
        return seen


@contextmanager
def redis_cli(port: int, *options: str, password: str = "") -> Iterator[Terminal]:
    """An interactive redis-cli that has connected."""
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", ROWS, COLUMNS, 0, 0))
    env = os.environ | {"TERM": "xterm", "REDISCLI_HISTFILE": "/dev/null", "REDISCLI_RCFILE": "/dev/null"}
    env |= {"REDISCLI_AUTH": password} if password else {}
    command = [str(REDIS_CLI), "-p", str(port), *options]
    with subprocess.Popen(command, stdin=inner, stdout=inner, stderr=inner, env=env) as process:
        os.close(inner)
        try:
            terminal = Terminal(outer)
            terminal.see("> ")
            yield terminal
        finally:
            process.kill()
            os.close(outer)
