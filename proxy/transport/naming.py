"""How an end of a connection is written, as Redis's CLIENT LIST does."""


def named(place: object) -> str:
    """``127.0.0.1:6379``, ``[::1]:6379``; of a Unix socket its path and port 0, ``:0`` where it has none."""
    match place:
        case (str(host), int(port), *_):
            return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        case str(path):
            return f"{path}:0"
    return ":0"
