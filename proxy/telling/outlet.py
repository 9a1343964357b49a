"""Where lines go whose reader may be slow, or stand still: a pipe, a terminal, the socket of a journal.

Nobody waits for a reader. What he does not take at once waits here, for a thread to hand it out; of that
there is so much at most, and what is more is lost, and is counted. The descriptor itself stays blocking, for
others may have it too, as a shell has its terminal: so pipes and terminals are opened once more, and sockets
are written to with MSG_DONTWAIT. Where opening is not allowed, as of another user's pipe, no more is written
than poll(2) promises room for: PIPE_BUF bytes (pipe(7)). A file is always writable, and a disk that hangs
holds up whoever writes to it.
"""

import contextlib
import os
import select
import socket
import stat
import threading
import time
from collections.abc import Callable

from attrs import define, field

WAITING_MAX = 1 << 20
"""Bytes."""
PAUSE_S = 0.05
"""Where there is said to be room and there is none."""


def without_waiting(descriptor: int, own: contextlib.ExitStack) -> Callable[[bytes], int]:
    """What writes there as much as there is room for, and says how much that was; else BlockingIOError. What
    it opens for that is `own`."""
    mode = os.fstat(descriptor).st_mode
    if stat.S_ISSOCK(mode):
        twin = own.enter_context(socket.socket(fileno=os.dup(descriptor)))
        return lambda data: twin.send(data, socket.MSG_DONTWAIT)
    if stat.S_ISFIFO(mode) or os.isatty(descriptor):
        with contextlib.suppress(OSError):
            flags = os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
            opened = os.open(f"/proc/self/fd/{descriptor}", flags)
            own.callback(os.close, opened)
            return lambda data: os.write(opened, data)
    return lambda data: os.write(descriptor, data[: select.PIPE_BUF])


@define(eq=False)
class Outlet:
    """Of one descriptor."""

    _descriptor: int
    _lost: Callable[[int], None]
    """Called with their number, where lines were lost and there is room again, ahead of the next."""
    _own: contextlib.ExitStack = field(factory=contextlib.ExitStack, init=False)
    _put: Callable[[bytes], int] = field(init=False)
    _waiting: bytearray = field(factory=bytearray, init=False)
    _lines_lost: int = field(default=0, init=False)
    _lock: threading.RLock = field(factory=threading.RLock, init=False)
    """Of what waits, and of whether somebody hands it out."""
    _is_handed_out: bool = field(default=False, init=False)

    def __attrs_post_init__(self) -> None:
        self._put = without_waiting(self._descriptor, self._own)

    def close(self) -> None:
        """Forget what waits. The descriptor stays open."""
        with self._lock:
            self._waiting.clear()
            self._own.close()

    def isatty(self) -> bool:
        return os.isatty(self._descriptor)

    def write(self, line: str) -> None:
        """OSError where nobody can read it any more."""
        if len(self._waiting) < WAITING_MAX // 2:
            self._tell_lost()
        data = line.encode("utf-8", "backslashreplace")
        with self._lock:
            if len(self._waiting) + len(data) > WAITING_MAX:
                self._lines_lost += 1
                return
            self._waiting += data
            self._pour()
            if not self._waiting or self._is_handed_out:
                return
            self._is_handed_out = True
        try:
            threading.Thread(target=self._hand_out, name="log", daemon=True).start()
        except RuntimeError:  # there may be no more threads: the next line tries it again
            self._is_handed_out = False

    def finish(self, within_s: float) -> None:
        """Hand out what waits, as far as it is taken within that time. OSError as of write."""
        end = time.monotonic() + within_s
        while self._waiting and time.monotonic() < end and self._has_room(end - time.monotonic()):
            self._turn()
        if not self._waiting:
            self._tell_lost()

    def _tell_lost(self) -> None:
        if self._lines_lost:
            lost, self._lines_lost = self._lines_lost, 0
            self._lost(lost)

    def _hand_out(self) -> None:
        while self._has_room():
            with contextlib.suppress(OSError):  # who writes the next line is told
                self._turn()
            with self._lock:
                if not self._waiting:
                    self._is_handed_out = False
                    return

    def _turn(self) -> None:
        before = len(self._waiting)
        with self._lock:
            self._pour()
        if len(self._waiting) >= before:
            time.sleep(PAUSE_S)

    def _pour(self) -> None:
        while self._waiting and self._has_room(0):
            try:
                del self._waiting[: self._put(bytes(self._waiting[: select.PIPE_BUF]))]
            except BlockingIOError:
                return
            except OSError:
                self._waiting.clear()
                raise

    def _has_room(self, within_s: float | None = None) -> bool:
        """Or it has an error to tell, which is as good as room for not having to wait. None: however long."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLOUT)
        return bool(poll.poll(None if within_s is None else max(0.0, within_s) * 1000))
