"""What may be set: each setting is declared here once, with its default, its places and its meaning.

The flags of ``cli.py``, the reading in ``config.py`` and the annotated example in ``configs/`` follow these
declarations. Bytes and milliseconds are last in the names. What a value looks like is told in ``kinds.py``.
"""

from collections.abc import Mapping
from pathlib import Path

from attrs import field, frozen

from proxy.kinds import (
    ADDRESS,
    ANNOUNCE,
    BYTES,
    MILLISECONDS,
    NODES,
    PATH,
    TEXT,
    TRUTH,
    Kind,
    choice,
    number,
)
from proxy.nodes.address import Address

BUDGET_MAX_MS = 600_000
"""The longest hold that anybody may ask for."""


@frozen(kw_only=True)
class Settings:
    """Everything that can be set, with its default. What each means stands in `SETTINGS`."""

    listen: Address = field(default=Address("127.0.0.1", 7000))
    drain_ms: int = 10_000
    admin: Address = field(default=Address("127.0.0.1", 7379))
    admin_password_file: Path | None = None
    admin_password: str | None = field(default=None, repr=False)
    http: Address | None = None
    http_token_file: Path | None = None
    http_token: str | None = field(default=None, repr=False)
    log_level: str = "info"
    log_format: str = "auto"
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
    live: bool = False
    """It may be changed while the proxy runs."""

    @property
    def in_file(self) -> str:
        return f"[{self.table}] {self.key}"


def _setting(
    where: str, kind: Kind, doc: str, env: str = "", flag: str | None = None, live: bool = False
) -> Setting:
    table, _, key = where.partition(".")
    env = "BATON_" + (env or f"{table}_{key}".upper())
    return Setting(table, key or None, env, flag, kind, " ".join(doc.split()), live)


SETTINGS = {
    "listen": _setting(
        "proxy.listen",
        ADDRESS,
        "Where clients connect. Port 0 takes a free one, which the log names.",
        env="LISTEN",
        flag="--listen",
    ),
    "drain_ms": _setting(
        "proxy.drain_ms",
        MILLISECONDS,
        """How long SIGTERM and DRAIN wait for clients to finish what is in flight, once no new ones are
        accepted.""",
        live=True,
    ),
    "admin": _setting(
        "admin.listen",
        ADDRESS,
        """Where the admin console listens. Without a password whoever reaches it may switch over, so then
        only an address of loopback will do.""",
        env="ADMIN",
        flag="--admin",
    ),
    "admin_password_file": _setting(
        "admin.password_file",
        PATH,
        "A file that holds the password of the console; the newline at its end does not count.",
        flag="--admin-password-file",
    ),
    "admin_password": _setting(
        "admin", TEXT, "The password of the console. In the environment only.", env="ADMIN_PASSWORD"
    ),
    "http": _setting(
        "http.listen",
        ADDRESS,
        """Where probes, metrics, the API and the page to watch are served by HTTP; without it, nowhere.
        Whoever reaches it may read all that but the token's part.""",
        env="HTTP",
        flag="--http",
    ),
    "http_token_file": _setting(
        "http.token_file",
        PATH,
        """A file that holds the token which HTTP requests that change something must bear; without a token
        they are refused.""",
        flag="--http-token-file",
    ),
    "http_token": _setting("http", TEXT, "The token. In the environment only.", env="HTTP_TOKEN"),
    "log_level": _setting(
        "log.level",
        choice("debug", "info", "warning", "error"),
        "What is logged: this and what is worse.",
        flag="--log-level",
        live=True,
    ),
    "log_format": _setting(
        "log.format",
        choice("auto", "text", "json"),
        "text: lines for people. json: an object a line. auto: text on a terminal, else json.",
        flag="--log-format",
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
        choice("shared", "private"),
        """shared: the commands of many clients go down one lane, and a client has a lane of its own only
        while its session needs one. private: a lane for every client.""",
        flag="--lanes",
    ),
    "lanes_per_identity": _setting(
        "lanes.per_identity",
        number(1, 64),
        "How many shared lanes there are for each user, protocol version and database.",
    ),
    "budget_ms": _setting(
        "switchover.budget_ms",
        number(1, BUDGET_MAX_MS),
        """The longest hold. When it runs out before the promotion, the switchover is called off and the
        clients go on where they were.""",
        flag="--budget-ms",
        live=True,
    ),
    "fence_ms": _setting(
        "switchover.fence_ms",
        MILLISECONDS,
        """How long the old primary stays paused from the promotion on, should the proxy die before the
        demotion. While the proxy lives, it renews this.""",
        live=True,
    ),
    "allow_sentinel": _setting(
        "switchover.allow_sentinel",
        TRUTH,
        """Switch over although a Sentinel watches the nodes. Unless it is told, it undoes the promotion
        after some seconds.""",
        live=True,
    ),
    "maint_notifications": _setting(
        "switchover.maint_notifications",
        TRUTH,
        """Clients may ask to be told of switchovers (CLIENT MAINT_NOTIFICATIONS ON), so that they relax their
        timeouts meanwhile. If not, the node answers them with its own error.""",
        live=True,
    ),
    "max_lag_bytes": _setting(
        "switchover.max_lag_bytes",
        BYTES,
        """How far a candidate's replication may be behind for a switchover to begin. What is missing is
        sent during the hold: 16 MiB take 0.14 s at 1 Gbit/s.""",
        live=True,
    ),
    "client_output_bytes": _setting(
        "limits.client_output_bytes",
        BYTES,
        """How much may wait in the proxy for a client that does not read, while its replies are drained
        for a hold, or while others wait behind them on a shared lane. Beyond it, that client is closed.""",
        live=True,
    ),
    "transaction_bytes": _setting(
        "limits.transaction_bytes",
        BYTES,
        """How much of a client's open MULTI is kept for replay on the new primary. Of a longer one, EXEC
        is answered EXECABORT if a switchover came between.""",
    ),
    "scripts_count": _setting(
        "limits.scripts_count",
        number(0, 1_000_000),
        "How many scripts are remembered, to be loaded on a candidate so that EVALSHA finds them.",
    ),
    "scripts_bytes": _setting("limits.scripts_bytes", BYTES, "How long those scripts may be together."),
    "no_primary_wait_ms": _setting(
        "limits.no_primary_wait_ms",
        MILLISECONDS,
        "How long clients are held while there is no primary.",
        live=True,
    ),
    "connect_timeout_ms": _setting(
        "limits.connect_timeout_ms",
        MILLISECONDS,
        "How long a connection to a node, its login included, may take.",
        live=True,
    ),
}
"""By the name of the field in `Settings`."""
