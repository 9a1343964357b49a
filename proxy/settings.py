"""What may be set: each setting is declared here once, with its default, its places and its meaning.

The flags of ``cli.py``, the reading in ``config.py`` and the annotated example in ``configs/`` follow these
declarations. Bytes and milliseconds are last in the names.
"""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from attrs import field, frozen

from proxy.nodes.address import Address

BUDGET_MAX_MS = 600_000
"""The longest hold that anybody may ask for."""


@frozen
class Kind:
    """What a value looks like.

    `from_text` makes of an environment variable or a flag what TOML would have held, or leaves it as it is;
    `check` returns the value. Both raise ValueError, whose text says what would be right.
    """

    what: str
    from_text: Callable[[str], object]
    check: Callable[[object], Any]


def _shown(raw: object) -> str:
    return f"not {str(raw).lower() if isinstance(raw, bool) else repr(raw)}"


def _text(raw: object) -> str:
    if not isinstance(raw, str) or not raw:
        raise ValueError(f"must be text, {_shown(raw)}")
    return raw


def _address(raw: object) -> Address:
    if not isinstance(raw, str):
        raise ValueError(f"must be text, HOST:PORT, {_shown(raw)}")
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


def _nodes(raw: object) -> tuple[Address, ...]:
    if not isinstance(raw, list):
        raise ValueError(f'must be a list of "HOST:PORT", {_shown(raw)}')
    nodes = tuple(_node(item) for item in raw)
    for index, node in enumerate(nodes):
        if endpoint(node) in map(endpoint, nodes[:index]):
            raise ValueError(f"{node} is named twice")
    return nodes


def _announce(raw: object) -> dict[Address, Address]:
    if not isinstance(raw, dict):
        raise ValueError(f'must be a table of "HOST:PORT" = "HOST:PORT", {_shown(raw)}')
    return {_node(node): _node(announced) for node, announced in raw.items()}


def _pairs(text: str) -> dict[str, str]:
    pairs = [word.partition("=") for word in _words(text)]
    for node, equals, _ in pairs:
        if not equals:
            raise ValueError(f"must be NODE=HOST:PORT, not {node!r}")
    return {node: announced for node, _, announced in pairs}


def _words(text: str) -> list[str]:
    return text.replace(",", " ").split()


def _number(least: int, most: int) -> Kind:
    def check(raw: object) -> int:
        if not isinstance(raw, int) or isinstance(raw, bool):
            raise ValueError(f"must be a whole number, {_shown(raw)}")
        if not least <= raw <= most:
            raise ValueError(f"must be from {least} to {most}, not {raw}")
        return raw

    return Kind("NUMBER", lambda text: int(text) if re.fullmatch("-?[0-9]{1,19}", text) else text, check)


def _choice(*choices: str) -> Kind:
    def check(raw: object) -> str:
        if raw not in choices:
            raise ValueError(f"must be {' or '.join(choices)}, {_shown(raw)}")
        return str(raw)

    return Kind("|".join(choices).upper(), str, check)


def _truth(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise ValueError(f"must be true or false, {_shown(raw)}")
    return raw


ADDRESS = Kind("HOST:PORT", str, _address)
NODES = Kind("HOST:PORT …", _words, _nodes)
ANNOUNCE = Kind("NODE=HOST:PORT …", _pairs, _announce)
TEXT = Kind("TEXT", str, _text)
PATH = Kind("FILE", str, lambda raw: Path(_text(raw)))
TRUTH = Kind("TRUE|FALSE", lambda text: {"true": True, "false": False}.get(text.lower(), text), _truth)
MILLISECONDS = _number(1, 3_600_000)
BYTES = _number(1024, 2**40)


@frozen(kw_only=True)
class Settings:
    """Everything that can be set, with its default. What each means stands in `SETTINGS`."""

    listen: Address = field(default=Address("127.0.0.1", 7000))
    admin: Address = field(default=Address("127.0.0.1", 7379))
    nodes: tuple[Address, ...] = ()
    user: str | None = None
    password_file: Path | None = None
    password: str | None = field(default=None, repr=False)
    announce: Mapping[Address, Address] = field(factory=dict)
    lanes: str = "shared"
    lanes_per_identity: int = 1
    budget_ms: int = 1000
    fence_ms: int = 30_000
    allow_sentinel: bool = False
    maint_notifications: bool = True
    max_lag_bytes: int = 16 * 1024 * 1024
    client_output_bytes: int = 64 * 1024 * 1024
    transaction_bytes: int = 16 * 1024 * 1024
    scripts_count: int = 1000
    scripts_bytes: int = 64 * 1024 * 1024
    no_primary_wait_ms: int = 10_000
    connect_timeout_ms: int = 1000


@frozen
class Setting:
    """Where one setting may be written, and its meaning in plain text."""

    table: str
    key: str | None  # None: not in a file
    env: str
    flag: str | None
    kind: Kind
    doc: str

    @property
    def in_file(self) -> str:
        return f"[{self.table}] {self.key}"


def _setting(where: str, kind: Kind, doc: str, env: str = "", flag: str | None = None) -> Setting:
    table, _, key = where.partition(".")
    env = "BATON_" + (env or f"{table}_{key}".upper())
    return Setting(table, key or None, env, flag, kind, " ".join(doc.split()))


SETTINGS = {
    "listen": _setting(
        "proxy.listen",
        ADDRESS,
        "Where clients connect. Port 0 takes a free one, which the log names.",
        env="LISTEN",
        flag="--listen",
    ),
    "admin": _setting(
        "admin.listen",
        ADDRESS,
        "Where the admin console listens. It asks for no password: whoever reaches it may switch over.",
        env="ADMIN",
        flag="--admin",
    ),
    "nodes": _setting(
        "nodes.addresses",
        NODES,
        "The primary and its replicas, in any order. Names are resolved anew at each connect.",
        env="NODES",
        flag="--node",
    ),
    "user": _setting(
        "nodes.user",
        TEXT,
        """The ACL user as which the proxy's own connections log in to the nodes; without it, the default
        user.""",
        flag="--nodes-user",
    ),
    "password_file": _setting(
        "nodes.password_file",
        PATH,
        """A file that holds the password for the nodes; the newline at its end does not count. A relative
        path in a file of settings begins where that file is.""",
        flag="--nodes-password-file",
    ),
    "password": _setting(
        "nodes",
        TEXT,
        """The password for the nodes. In the environment only, since other users of a machine can read
        flags.""",
        env="NODES_PASSWORD",
    ),
    "announce": _setting(
        "nodes.announce",
        ANNOUNCE,
        """By node, the address under which the other nodes reach it, where that is not the one that the
        proxy uses. It goes into REPLICAOF.""",
    ),
    "lanes": _setting(
        "lanes.mode",
        _choice("shared", "private"),
        """shared: the commands of many clients go down one lane, and a client has a lane of its own only
        while its session needs one. private: a lane for every client.""",
        flag="--lanes",
    ),
    "lanes_per_identity": _setting(
        "lanes.per_identity",
        _number(1, 64),
        "How many shared lanes there are for each user, protocol version and database.",
    ),
    "budget_ms": _setting(
        "switchover.budget_ms",
        _number(1, BUDGET_MAX_MS),
        """The longest hold. When it runs out before the promotion, the switchover is called off and the
        clients go on where they were.""",
        flag="--budget-ms",
    ),
    "fence_ms": _setting(
        "switchover.fence_ms",
        MILLISECONDS,
        """How long the old primary stays paused from the promotion on, should the proxy die before the
        demotion. While the proxy lives, it renews this.""",
    ),
    "allow_sentinel": _setting(
        "switchover.allow_sentinel",
        TRUTH,
        """Switch over although a Sentinel watches the nodes. Unless it is told, it undoes the promotion
        after some seconds.""",
    ),
    "maint_notifications": _setting(
        "switchover.maint_notifications",
        TRUTH,
        """Clients may ask to be told of switchovers (CLIENT MAINT_NOTIFICATIONS ON), so that they relax their
        timeouts meanwhile. If not, the node answers them with its own error.""",
    ),
    "max_lag_bytes": _setting(
        "switchover.max_lag_bytes",
        BYTES,
        """How far a candidate's replication may be behind for a switchover to begin. What is missing is
        sent during the hold: 16 MiB take 0.14 s at 1 Gbit/s.""",
    ),
    "client_output_bytes": _setting(
        "limits.client_output_bytes",
        BYTES,
        """How much may wait in the proxy for a client that does not read, while its replies are drained
        for a hold, or while others wait behind them on a shared lane. Beyond it, that client is closed.""",
    ),
    "transaction_bytes": _setting(
        "limits.transaction_bytes",
        BYTES,
        """How much of a client's open MULTI is kept for replay on the new primary. Of a longer one, EXEC
        is answered EXECABORT if a switchover came between.""",
    ),
    "scripts_count": _setting(
        "limits.scripts_count",
        _number(0, 1_000_000),
        "How many scripts are remembered, to be loaded on a candidate so that EVALSHA finds them.",
    ),
    "scripts_bytes": _setting("limits.scripts_bytes", BYTES, "How long those scripts may be together."),
    "no_primary_wait_ms": _setting(
        "limits.no_primary_wait_ms", MILLISECONDS, "How long clients are held while there is no primary."
    ),
    "connect_timeout_ms": _setting(
        "limits.connect_timeout_ms",
        MILLISECONDS,
        "How long a connection to a node, its login included, may take.",
    ),
}
"""By the name of the field in `Settings`."""
