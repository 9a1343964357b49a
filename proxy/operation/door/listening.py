"""The sockets that listen: by TCP, plain or with TLS; and a Unix socket, for clients of this machine."""

import contextlib
import errno
import os
import socket
import stat
from pathlib import Path

import trio
from attrs import define

from proxy.config import SettingsError
from proxy.nodes.address import Address, resolve
from proxy.settings import Settings
from proxy.transport.contexts import Served

BACKLOG = 4096
"""Connections that the kernel keeps until they are accepted; a stampede of clients must not be refused."""
PATH_MAX = 107
"""Bytes of a Unix socket's path: ``sun_path`` has one more, for the zero at its end."""
ASK_SECONDS = 1.0
"""How long whoever holds a Unix socket may take to be found alive: its backlog may be full."""


@define(eq=False)
class Entrance:
    """A socket that listens for clients, and what they speak there."""

    socket: socket.socket
    served: Served | None = None
    """With it, TLS."""
    inode: int = 0
    """Of a Unix socket: which file is ours."""

    @property
    def place(self) -> Address | str:
        """The real one, where port 0 was asked for."""
        where = self.socket.getsockname()
        return where if isinstance(where, str) else Address(*where[:2])

    def close(self) -> None:
        """Listen no more; the file of a Unix socket goes with it, if it is still ours. Idempotent."""
        if self.socket.fileno() < 0:
            return
        place = self.place
        self.socket.close()
        if isinstance(place, str):
            with contextlib.suppress(OSError):
                if os.lstat(place).st_ino == self.inode:
                    os.unlink(place)


async def listen(flag: str, address: Address) -> list[trio.socket.SocketType]:
    """A listening socket for each place that the address stands for. Raises SettingsError."""
    try:
        places = await resolve(address)
    except OSError as fault:
        raise SettingsError(f"{flag}: {address}: {fault}") from None
    listeners = []
    for family, where in dict(places).items():
        listener = trio.socket.socket(family)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            await listener.bind(where)
            listener.listen(BACKLOG)
        except OSError as fault:
            listener.close()
            raise SettingsError(f"{flag}: {address}: {fault.strerror}") from None
        listeners.append(listener)
    return listeners


def place_of(listener: trio.socket.SocketType) -> Address:
    """The real one, where port 0 was asked for."""
    host, port, *_ = listener.getsockname()
    return Address(host, port)


async def open_entrances(settings: Settings, served: Served | None = None) -> list[Entrance]:
    """All places for clients, those without TLS first; `served` is of the others. Raises SettingsError."""
    entrances = []
    try:
        if settings.listen is not None:
            entrances += await entrances_at("--listen", settings.listen)
        if settings.tls_listen is not None:
            entrances += await entrances_at("--tls-listen", settings.tls_listen, served)
        if settings.unix_listen is not None:
            entrances.append(local_entrance("--unix-listen", settings.unix_listen, settings.unix_mode))
    except BaseException:
        for entrance in entrances:
            entrance.close()
        raise
    return entrances


async def entrances_at(flag: str, address: Address, served: Served | None = None) -> list[Entrance]:
    """For clients, as `listen`. Raises SettingsError."""
    return [Entrance(_plain(listener), served) for listener in await listen(flag, address)]


def _plain(listener: trio.socket.SocketType) -> socket.socket:
    family, kind, number = listener.family, listener.type, listener.proto
    sock = socket.socket(family, kind, number, listener.detach())
    sock.setblocking(False)
    return sock


def local_entrance(flag: str, path: Path, mode: int) -> Entrance:
    """A Unix socket with this mode. Raises SettingsError.

    The file is there with the mode that it is to have, from the first moment on: nobody can slip in between.
    One that a process left that has ended is replaced; anything else at this place is left alone.
    """
    name = os.fspath(path)
    if len(os.fsencode(name)) > PATH_MAX:
        raise SettingsError(f"{flag}: {name}: the path of a Unix socket has {PATH_MAX} bytes at most")
    listener = socket.socket(socket.AF_UNIX)
    try:
        _make_room(name)
        before = os.umask(0o777 & ~mode)
        try:
            listener.bind(name)
        finally:
            os.umask(before)
        listener.listen(BACKLOG)
        listener.setblocking(False)
        return Entrance(listener, inode=os.lstat(name).st_ino)
    except OSError as fault:
        listener.close()
        raise SettingsError(f"{flag}: {name}: {fault.strerror}") from None
    except BaseException:
        listener.close()
        raise


def _make_room(name: str) -> None:
    """Take away a socket on which nobody listens. Raises OSError where something else is there."""
    try:
        kind = os.lstat(name).st_mode
    except FileNotFoundError:
        return
    if not stat.S_ISSOCK(kind):
        raise FileExistsError(errno.EEXIST, "something is there already, and it is no socket")
    with socket.socket(socket.AF_UNIX) as asking:
        asking.settimeout(ASK_SECONDS)
        try:
            asking.connect(name)
        except ConnectionRefusedError:
            os.unlink(name)
            return
        except TimeoutError:
            pass  # somebody lives, and does not accept
    raise OSError(errno.EADDRINUSE, "a process that lives listens there")
