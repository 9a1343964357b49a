"""Every event that the proxy tells of, by name: how bad it is, what it means, and what to do.

The documentation is made from this; a test holds it and the code together. A text may say which values the
event has, as `why`. What is empty under `advice` calls for nothing.
"""

from proxy.telling.event import LEVELS, Event
from proxy.telling.guarding import GUARDING
from proxy.telling.steered import STEERING, SWITCHOVERS

__all__ = ["EVENTS", "LEVELS", "Event"]

_PROCESS = {
    "+node": Event(
        "info",
        "At the start: what a node says of itself; `leads` marks the one that clients go to.",
    ),
    "+serving": Event(
        "info",
        "It accepts clients at `address`; the port is the real one. `tls`: they speak TLS there.",
    ),
    "+admin": Event(
        "info",
        "The console listens at `address`.",
    ),
    "+http": Event(
        "info",
        "HTTP is served at `address`.",
    ),
    "+leaving": Event(
        "info",
        "It was told to end.",
    ),
    "+left": Event(
        "info",
        "It has ended in good order.",
    ),
    "-fault": Event(
        "error",
        """A fault of the proxy's own, at `where`, with a traceback. What it hit, one connection mostly, was
        closed; all else goes on.""",
        "Please report it, with the line.",
    ),
    "-library": Event(
        "warning",
        "A library that the proxy uses warns of something.",
        "Mostly nothing; if clients are harmed, report it, with the line.",
    ),
    "-lines-lost": Event(
        "warning",
        "So many `lines` of the log were lost before this one: nobody took them. No client waited for that.",
        "Look at what reads the log: a collector that stands still, or a disk that is full.",
    ),
    "-not-accepted": Event(
        "warning",
        "A client, or a visitor of the console, could not be accepted.",
        """Out of file descriptors, mostly: raise `ulimit -n`. One for each client, one for each lane, and
        one more for each lane during a switchover.""",
    ),
}

_CLIENTS = {
    "-client-closed": Event(
        "warning",
        "A client (`client` is its id) was closed by the proxy; `why` says for what.",
        """`did not read`: it is too slow for what it asks for, or `limits.client_output_bytes` is too small.
        `no lane`: the node could not be reached, was full, or did not accept the user. `no primary`: it
        waited for `limits.no_primary_wait_ms`. `it kept`: it was the greediest when all together kept more
        than `limits.clients_bytes`. `a command of more than`: see `limits.command_bytes`. By a switchover
        (`switchover`): what it had set up could not
        be carried over.""",
    ),
    "-client-refused": Event(
        "warning",
        """So many `clients` were not let in since that was told last, once a second at most; `address` is the
        last one's. `limit` says at which limit, or `tls` or `proxy_header`: what came first was not right,
        and `why`.""",
        """`clients`, `clients_per_address`: let more in, or find out who does not close connections.
        `handshake_ms`: somebody connects and says nothing. `process_bytes`: see -memory. `proxy_header`: the
        load balancer is to send PROXY headers, or is not to be in `proxy.proxy_protocol_from`.""",
    ),
    "-clients-idle": Event(
        "info",
        "So many `clients` had neither sent nor got anything for `limits.idle_s`, and were closed.",
    ),
    "-memory": Event(
        "warning",
        """The process has more memory than `limits.process_bytes`: nobody is let in, and clients for whom
        much is `kept` are closed.""",
        "Find out who sends or asks for so much (CLIENTS, `unread_bytes`), or allow more.",
    ),
    "+memory": Event(
        "info",
        "The process has less memory than `limits.process_bytes` again.",
    ),
    "-clients-closed": Event(
        "warning",
        "Several `clients` at once could get no lane to `node`, and were closed.",
        "See `why`: the node could not be reached, was full, or did not accept the user.",
    ),
    "-not-carried": Event(
        "warning",
        """By a switchover: the candidate accepts the client's user, and refuses what the client had set up.
        It will be closed.""",
        "Compare the two nodes' ACLs and settings.",
    ),
    "-lane-lost": Event(
        "info",
        """A node closed a connection. A private lane's client (`client`) is closed; of a shared lane those
        are to whom it owed something (`owed`), the others go on.""",
        """Look at the node: CLIENT KILL, `timeout`, `client-output-buffer-limit`, `maxmemory-clients`. `out
        of step` as the why: replies were not what had been asked for, and nobody got any of them; please
        report that.""",
    ),
    "-spare-lane": Event(
        "debug",
        "A lane that was kept for the next client that needs one turned out unfit.",
    ),
    "-script-not-loaded": Event(
        "warning",
        "A script that the node has lost could not be loaded again; its EVALSHA is answered NOSCRIPT.",
        "See `why`; most client libraries then send the script themselves.",
    ),
    "-writes-held": Event(
        "warning",
        "Somebody else has a CLIENT PAUSE running at `node`: writes wait, reads go on.",
        "Find out who, if you do not know: CLIENT UNPAUSE at the node ends it.",
    ),
    "+writes-go-on": Event(
        "info",
        "The CLIENT PAUSE that was not the proxy's is over.",
    ),
}

_NODES = {
    "+primary": Event(
        "info",
        "`node` was found to be the primary, and clients go there.",
    ),
    "-primary-moved": Event(
        "warning",
        "`to` is primary now, without a switchover; clients that were on `from` are closed.",
        "Something else moved it: FAILOVER, Sentinel, a person. Use SWITCHOVER instead.",
    ),
    "-half-done": Event(
        "warning",
        """`node` took over from `from`, which was not told: a switchover was left half done. `surplus_bytes`
        is what only the old one has.""",
        "What follows says whether it was finished; if not, SWITCHOVER RESOLVE decides.",
    ),
    "+completed": Event(
        "info",
        "The switchover that was left half done is finished: `from` follows `node`.",
    ),
    "-nodes-amiss": Event(
        "warning",
        "Something is wrong with the nodes, as NODES tells too; `why` says what.",
        """`no node is primary`: it does not answer, or calls itself a replica. The proxy does no failover:
        bring it back, or promote a replica. Where a crash left it open, SWITCHOVER RESOLVE decides.""",
    ),
    "+nodes-well": Event(
        "info",
        "What the last -nodes-amiss complained of is over.",
    ),
    "-role-not-kept": Event(
        "warning",
        "CONFIG REWRITE failed at `node`: after a restart it may not know its role.",
        "Give the node a config file that it may write.",
    ),
    "-not-following": Event(
        "warning",
        "`node` could not be set behind the primary.",
        "It is told again with the next look; if it does not follow then, see `why`.",
    ),
}

EVENTS = {
    name: Event(event.level, " ".join(event.meaning.split()), " ".join(event.advice.split()), event.always)
    for group in (_PROCESS, GUARDING, _CLIENTS, _NODES, SWITCHOVERS, STEERING)
    for name, event in group.items()
}
"""By name, in the order in which the documentation has them."""
