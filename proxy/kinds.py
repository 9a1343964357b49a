"""What the values of settings look like: how each is read from text, and checked."""

import ipaddress
import re
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeAlias

from attrs import frozen

from proxy.nodes.address import Address

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


@frozen
class Kind:
    """What a value looks like.

    `from_text` makes of an environment variable or a flag what TOML would have held, or leaves it as it is;
    `check` returns the value. Both raise ValueError, whose text says what would be right. `to_text` writes a
    value as it could be set again.
    """

    what: str
    from_text: Callable[[str], object]
    check: Callable[[object], Any]
    to_text: Callable[[Any], str] = str


def shown(raw: object) -> str:
    return f"not {str(raw).lower() if isinstance(raw, bool) else repr(raw)}"


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"must be text, {shown(raw)}")
    return raw


def _address(raw: object) -> Address:
    if not isinstance(raw, str):
        raise ValueError(f"must be text, HOST:PORT, {shown(raw)}")
    return Address.parse(raw)


def _node(raw: object) -> Address:
    address = _address(raw)
    if address.port == 0:
        raise ValueError(f"{address}: port 0 is no place for a node")
    return address


def endpoint(address: Address) -> tuple[str, int]:
    """For telling whether two addresses are the same without asking a resolver."""
    host = address.host.lower()
    return ("127.0.0.1" if host == "localhost" else host), address.port


def is_loopback(address: Address) -> bool:
    """Nobody on another machine can reach it. A name other than localhost may stand for anything."""
    host = endpoint(address)[0]
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _nodes(raw: object) -> tuple[Address, ...]:
    if not isinstance(raw, list):
        raise ValueError(f'must be a list of "HOST:PORT", {shown(raw)}')
    nodes = tuple(_node(item) for item in raw)
    for index, node in enumerate(nodes):
        if endpoint(node) in map(endpoint, nodes[:index]):
            raise ValueError(f"{node} is named twice")
    return nodes


def _announce(raw: object) -> dict[Address, Address]:
    if not isinstance(raw, dict):
        raise ValueError(f'must be a table of "HOST:PORT" = "HOST:PORT", {shown(raw)}')
    return {_node(node): _node(announced) for node, announced in raw.items()}


def _pairs(text: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in _words(text)]
    for node, equals, _ in pairs:
        if not equals:
            raise ValueError(f"must be NODE=HOST:PORT, not {node!r}")
    return {node: announced for node, _, announced in pairs}


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def number(least: int, most: int) -> Kind:
    def check(raw: object) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise ValueError(f"must be a whole number, {shown(raw)}")
        if not least <= raw <= most:
            raise ValueError(f"must be from {least} to {most}, not {raw}")
        return raw

    return Kind("NUMBER", lambda text: int(text) if re.fullmatch("-?[0-9]{1,19}", text) else text, check)


def choice(*choices: str) -> Kind:
    def check(raw: object) -> str:
        if raw not in choices:
            raise ValueError(f"must be {' or '.join(choices)}, {shown(raw)}")
        return str(raw)

    return Kind("|".join(choices).upper(), str, check)


def _truth(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"must be true or false, {shown(raw)}")
    return raw


def _place(raw: object) -> Address | None:
    return None if raw == "off" else _address(raw)


def _mode(raw: object) -> int:
    if not isinstance(raw, str) or not re.fullmatch("0?[0-7]{3}", raw):
        raise ValueError(f'must be an octal mode as text, as "770", {shown(raw)}')
    return int(raw, 8)


def _networks(raw: object) -> tuple[Network, ...]:
    if not isinstance(raw, list):
        raise ValueError(f'must be a list of "ADDRESS" or "ADDRESS/BITS", {shown(raw)}')
    return tuple(map(_network, raw))


def _network(raw: object) -> Network:
    try:
        return ipaddress.ip_network(_text(raw))
    except ValueError:
        text = 'must be an address or a network, as "10.1.0.0/16"'
        raise ValueError(f"{text}, {shown(raw)}") from None


def _several(values: Iterable[object]) -> str:
    return " ".join(map(str, values))


ADDRESS = Kind("HOST:PORT", str, _address)
PLACE = Kind("HOST:PORT|off", str, _place, lambda place: str(place or "off"))
MODE = Kind("OCTAL", str, _mode, lambda mode: f"{mode:03o}")
NETWORKS = Kind("NETWORK …", _words, _networks, _several)
NODES = Kind("HOST:PORT …", _words, _nodes, _several)
ANNOUNCE = Kind(
    "NODE=HOST:PORT …",
    _pairs,
    _announce,
    lambda pairs: _several(f"{one}={other}" for one, other in pairs.items()),
)
TEXT = Kind("TEXT", str, _text)
PATH = Kind("FILE", str, lambda raw: Path(_text(raw)))
TRUTH = Kind(
    "TRUE|FALSE",
    lambda text: {"true": True, "false": False}.get(text.lower(), text),
    _truth,
    lambda truth: str(truth).lower(),
)
MILLISECONDS = number(1, 3_600_000)
BYTES = number(1024, 2**40)
