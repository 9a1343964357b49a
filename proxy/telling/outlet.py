"""Where lines go whose reader may be slow, or stand still: a pipe, a terminal, the socket of a journal.

Nobody waits for a reader. What he does not take at once waits here, for a thread to hand it out; of that
there is so much at most, and what is more is lost, and is counted. A pipe that poll(2) calls writable takes
PIPE_BUF bytes without blocking (pipe(7)), so no more is written at a time. A file is always writable, and a
disk that hangs holds up whoever writes to it: that is not seen here.
"""

import contextlib
import os
import select
import threading
import time
from collections.abc import Callable

from attrs import define, field

WAITING_MAX = 1 << 20
"""Bytes."""


@define(eq=False)
class Outlet:
    """Of one descriptor, which stays blocking: others may have it too, as a shell has its terminal."""

    _descriptor: int
    _lost: Callable[[int], None]
    """Called with their number, where lines were lost and there is room again, ahead of the next."""
    _waiting: bytearray = field(factory=bytearray, init=False)
    _lines_lost: int = field(default=0, init=False)
    _lock: threading.Lock = field(factory=threading.Lock, init=False)
    """Of what waits, and of whether somebody hands it out."""
    _is_handed_out: bool = field(default=False, init=False)

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, line: str) -> None:
        """OSError where nobody can read it any more."""
        if self._lines_lost and len(self._waiting) < WAITING_MAX // 2:
            lost, self._lines_lost = self._lines_lost, 0
            self._lost(lost)
        data = line.encode("utf-8", "backslashreplace")
        with self._lock:
            if len(self._waiting) + len(data) > WAITING_MAX:
                self._lines_lost += 1
                return
            self._waiting += data
            self._pour()
            if self._waiting and not self._is_handed_out:
                self._is_handed_out = True
                threading.Thread(target=self._hand_out, name="log", daemon=True).start()

    def finish(self, within_s: float) -> None:
        """Hand out what waits, as far as it is taken within that time. OSError as of write."""
        end = time.monotonic() + within_s
        while self._waiting and _has_room(self._descriptor, end - time.monotonic()):
            with self._lock:
                self._pour()

    def _hand_out(self) -> None:
        while _has_room(self._descriptor):
            with self._lock:
                with contextlib.suppress(OSError):  # who writes the next line is told
                    self._pour()
                if not self._waiting:
                    self._is_handed_out = False
                    return

    def _pour(self) -> None:
        while self._waiting and _has_room(self._descriptor, 0):
            try:
                del self._waiting[: os.write(self._descriptor, self._waiting[: select.PIPE_BUF])]
            except BlockingIOError:  # somebody else made it so, and took the room
                return
            except OSError:
                self._waiting.clear()
                raise


def _has_room(descriptor: int, within_s: float | None = None) -> bool:
    """Or it has an error to tell, which is as good as room for not having to wait. None: however long."""
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return bool(poll.poll(None if within_s is None else max(0.0, within_s) * 1000))
