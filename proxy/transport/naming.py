"""How an end of a connection is written, as Redis's CLIENT LIST does."""

from typing import Any, Protocol


class HasPeer(Protocol):
    """A socket, or what stands for one."""

    def getpeername(self) -> Any: ...


def named(place: object) -> str:
    """``127.0.0.1:6379``, ``[::1]:6379``; of a Unix socket its path and port 0, ``:0`` where it has none."""
    match place:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case str(path):
            return f"{path}:0"
    return ":0"


def peer_of(connection: HasPeer) -> str:
    """The other end; ``?:0``, as Redis says, of one that has gone."""
    try:
        return named(connection.getpeername())
    except OSError:
        return "?:0"
