"""A limit on everything that anybody may take of the proxy."""

from proxy.kinds import (
    BYTES,
    MILLISECONDS,
    number,
)
from proxy.settings.setting import setting

LIMITS = {
    "clients": setting(
        "limits.clients",
        number(1, 1_000_000),
        "How many clients there may be. Who is one too many gets Redis's own error, and is closed.",
        flag="--clients",
        live=True,
    ),
    "clients_per_address": setting(
        "limits.clients_per_address",
        number(0, 1_000_000),
        """The same, from one address; 0: as many as there may be. Behind a load balancer that sends no PROXY
        header all have one.""",
        live=True,
    ),
    "connections_per_second": setting(
        "limits.connections_per_second",
        number(1, 1_000_000),
        "How many clients are let in each second. More wait in the kernel, and are not refused.",
        live=True,
    ),
    "handshake_ms": setting(
        "limits.handshake_ms",
        MILLISECONDS,
        "How long a client may take for its TLS handshake and PROXY header.",
        live=True,
    ),
    "idle_s": setting(
        "limits.idle_s",
        number(0, 31_536_000),
        """How long a client may neither send nor get anything, as Redis's ``timeout``; 0: for ever. Who is
        subscribed or blocked is not meant.""",
        live=True,
    ),
    "command_bytes": setting(
        "limits.command_bytes",
        number(64 * 1024, 2**40),  # a shorter one goes straight through
        "The longest command; who sends a longer one is closed, as at Redis's ``client-query-buffer-limit``.",
        live=True,
    ),
    "command_arguments": setting(
        "limits.command_arguments",
        number(16 * 1024, 2**31 - 1),  # 64 KiB, which go straight through, never have as many
        "The most arguments of one command; more is a protocol error in Redis's own words.",
        live=True,
    ),
    "waiting_bytes": setting(
        "limits.waiting_bytes",
        BYTES,
        """How much of a client's commands may wait in the proxy, for the gate or for an answer, before it is
        not received from; one command may be longer.""",
        live=True,
    ),
    "waiting_commands": setting(
        "limits.waiting_commands",
        number(1, 10_000_000),
        "The same, in commands.",
        live=True,
    ),
    "client_output_bytes": setting(
        "limits.client_output_bytes",
        BYTES,
        """How much may wait in the proxy for a client that does not read, while its replies are drained for
        a hold, or while others wait behind them on a shared lane. Beyond it, that client is closed.""",
        live=True,
    ),
    "clients_bytes": setting(
        "limits.clients_bytes",
        BYTES,
        """How much may be kept for all clients together: commands that wait, halves of commands, replies
        that were not read, what sessions have set up. Beyond it the greediest is closed, as by Redis's
        ``maxmemory-clients``.""",
        live=True,
    ),
    "process_bytes": setting(
        "limits.process_bytes",
        number(0, 2**40),
        """How much memory the process may have; 0: as much as there is. Beyond it nobody is let in, and the
        greediest clients are closed.""",
        live=True,
    ),
    "transaction_bytes": setting(
        "limits.transaction_bytes",
        BYTES,
        """How much of a client's open MULTI is kept for replay on the new primary. Of a longer one, EXEC is
        answered EXECABORT if a switchover came between.""",
    ),
    "scripts_count": setting(
        "limits.scripts_count",
        number(0, 1_000_000),
        "How many scripts are remembered, to be loaded on a candidate so that EVALSHA finds them.",
    ),
    "scripts_bytes": setting("limits.scripts_bytes", BYTES, "How long those scripts may be together."),
    "no_primary_wait_ms": setting(
        "limits.no_primary_wait_ms",
        MILLISECONDS,
        "How long clients are held while there is no primary.",
        live=True,
    ),
    "connect_timeout_ms": setting(
        "limits.connect_timeout_ms",
        MILLISECONDS,
        """How long a connection to a node, its login included, may take; then it is tried anew, while a
        client waits for it.""",
        live=True,
    ),
}
