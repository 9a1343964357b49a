"""The nodes, the lanes to them, and the switchover from one to another."""

from proxy import kinds
from proxy.kinds import (
    ANNOUNCE,
    BYTES,
    MILLISECONDS,
    PATH,
    TEXT,
    TRUTH,
    choice,
    number,
)
from proxy.settings.setting import setting
from proxy.settings.values import BUDGET_MAX_MS

NODES = {
    "nodes": setting(
        "nodes.addresses",
        kinds.NODES,
        "The primary and its replicas, in any order. Names are resolved anew at each connect.",
        env="NODES",
        flag="--node",
    ),
    "user": setting(
        "nodes.user",
        TEXT,
        """The ACL user as which the proxy's own connections log in to the nodes; without it, the default
        user.""",
        flag="--nodes-user",
    ),
    "password_file": setting(
        "nodes.password_file",
        PATH,
        """A file that holds the password for the nodes; the newline at its end does not count. A relative
        path in a file of settings begins where that file is.""",
        flag="--nodes-password-file",
    ),
    "password": setting(
        "nodes",
        TEXT,
        "The password for the nodes. In the environment only, since other users of a machine can read flags.",
        env="NODES_PASSWORD",
    ),
    "nodes_tls": setting(
        "nodes.tls",
        TRUTH,
        "Speak TLS, 1.2 or later, to the nodes; their certificates are checked, names included.",
        flag="--nodes-tls",
    ),
    "nodes_tls_ca_file": setting(
        "nodes.tls_ca_file",
        PATH,
        "Who may have signed the nodes' certificates, PEM; without it, those whom the system trusts.",
        flag="--nodes-tls-ca-file",
    ),
    "nodes_tls_server_name": setting(
        "nodes.tls_server_name",
        TEXT,
        "The name that the nodes' certificates must be for; without it, each node's own host.",
    ),
    "nodes_tls_certificate_file": setting(
        "nodes.tls_certificate_file",
        PATH,
        "The certificate that the nodes are shown, with its chain, PEM, where they want one.",
    ),
    "nodes_tls_key_file": setting(
        "nodes.tls_key_file",
        PATH,
        """The key of that certificate, PEM, without a password; without it, the key is in the certificate's
        file.""",
    ),
    "announce": setting(
        "nodes.announce",
        ANNOUNCE,
        """By node, the address under which the other nodes reach it, where that is not the one that the
        proxy uses. It goes into REPLICAOF.""",
    ),
    "lanes": setting(
        "lanes.mode",
        choice("shared", "private"),
        """shared: the commands of many clients go down one lane, and a client has a lane of its own only
        while its session needs one. private: a lane for every client.""",
        flag="--lanes",
    ),
    "lanes_per_identity": setting(
        "lanes.per_identity",
        number(1, 64),
        "How many shared lanes there are for each user, protocol version and database.",
    ),
    "budget_ms": setting(
        "switchover.budget_ms",
        number(1, BUDGET_MAX_MS),
        """The longest hold. When it runs out before the promotion, the switchover is called off and the
        clients go on where they were.""",
        flag="--budget-ms",
        live=True,
    ),
    "fence_ms": setting(
        "switchover.fence_ms",
        MILLISECONDS,
        """How long the old primary stays paused from the promotion on, should the proxy die before the
        demotion. While the proxy lives, it renews this.""",
        live=True,
    ),
    "allow_sentinel": setting(
        "switchover.allow_sentinel",
        TRUTH,
        """Switch over although a Sentinel watches the nodes. Unless it is told, it undoes the promotion
        after some seconds.""",
        live=True,
    ),
    "maint_notifications": setting(
        "switchover.maint_notifications",
        TRUTH,
        """Clients may ask to be told of switchovers (CLIENT MAINT_NOTIFICATIONS ON), so that they relax
        their timeouts meanwhile. If not, the node answers them with its own error.""",
        live=True,
    ),
    "max_lag_bytes": setting(
        "switchover.max_lag_bytes",
        BYTES,
        """How far a candidate's replication may be behind for a switchover to begin. What is missing is sent
        during the hold: 16 MiB take 0.14 s at 1 Gbit/s.""",
        live=True,
    ),
}
