"""Is told by a proxy ahead of each step of its switchovers, and does something when one of them comes."""

import contextlib
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

import attrs


@attrs.define(eq=False)
class Prompter:
    """One listening socket, for one proxy."""

    path: Path
    come: list[str] = attrs.field(factory=list)
    """The steps that were begun, in order, since `arm`."""
    acted: threading.Event = attrs.field(factory=threading.Event)
    _step: str = ""
    _act: Callable[[], None] = lambda: None
    _listener: socket.socket = attrs.field(factory=lambda: socket.socket(socket.AF_UNIX))
    _failed: list[BaseException] = attrs.field(factory=list)

    def open(self) -> Self:
        self._listener.bind(str(self.path))
        self._listener.listen(1)
        threading.Thread(target=self._serve, name="prompter", daemon=True).start()
        return self

    def arm(self, step: str, act: Callable[[], None]) -> None:
        """Do it once, right before the next time that this step comes."""
        self.come.clear()
        self.acted.clear()
        self._act, self._step = act, step

    def disarm(self) -> None:
        self._step = ""
        if self._failed:
            raise self._failed[0]

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.path.unlink(missing_ok=True)

    def _serve(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        with connection, contextlib.suppress(OSError), connection.makefile("rb") as lines:
            for line in lines:
                self._prompt(line.decode().strip())
                connection.sendall(b".")

    def _prompt(self, step: str) -> None:
        self.come.append(step)
        if step == self._step:
            self._step = ""
            try:
                self._act()
            except BaseException as fault:
                self._failed.append(fault)
            self.acted.set()
