"""Network namespaces of the tests' own.

A namespace has no name: it is made by a thread that leaves its own, and is gone with that thread and the
processes that were started from it, however they end. So nothing can collide, and nothing is left behind.
Whatever is to happen inside is done by that thread: a process that it starts lives there, a socket that it
opens stays there, whoever uses it.
"""

import ctypes
import fcntl
import os
import shutil
import struct
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import attrs

CLONE_NEWNET = 0x40000000
TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
Given = ParamSpec("Given")
Answer = TypeVar("Answer")


@attrs.define(eq=False)
class Namespace:
    """One of them, and the thread that lives there."""

    name: str
    _thread: ThreadPoolExecutor = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, self.name)
        try:
            self.run(_leave)
            self.run(tell, "ip link set lo up")
        except BaseException:
            self.close()
            raise

    def run(self, what: Callable[Given, Answer], *arguments: Given.args, **named: Given.kwargs) -> Answer:
        """Have it done inside, and return what it gives."""
        return self._thread.submit(what, *arguments, **named).result()

    @property
    def task(self) -> int:
        """The number by which `ip` finds this namespace while it exists."""
        return self.run(threading.get_native_id)

    def close(self) -> None:
        self._thread.shutdown()


def tell(command: str) -> None:
    """Run a command without a shell; one that fails is an AssertionError with what it said."""
    done = subprocess.run(command.split(), capture_output=True, text=True)
    assert done.returncode == 0, f"{command}: {done.stderr.strip()}"


def make_tun(name: str) -> int:
    """Make a TUN device of this name in the namespace of the thread, and return its file. OSError where one
    cannot be made."""
    file = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    try:
        fcntl.ioctl(file, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError:
        os.close(file)
        raise
    return file


def why_not() -> str:
    """Why there can be no namespaces here; empty where there can."""
    if shutil.which("ip") is None:
        return "no network namespaces: there is no `ip` (iproute2)"
    try:
        trial = Namespace("trial")
        try:
            os.close(trial.run(make_tun, "trial"))
            trial.run(tell, "ip link add one type veth peer name other")
        finally:
            trial.close()
    except (OSError, AssertionError) as fault:
        return f"no network namespaces: {fault}"
    return ""


def why_no_netem() -> str:
    """Why `tc netem` cannot be used; empty where it can."""
    if shutil.which("tc") is None:
        return "there is no `tc` (iproute2)"
    trial = Namespace("trial")
    try:
        trial.run(tell, "tc qdisc add dev lo root netem delay 1ms")
    except AssertionError as fault:
        return f"the kernel has no netem: {fault}"
    finally:
        trial.close()
    return ""


def _leave() -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
