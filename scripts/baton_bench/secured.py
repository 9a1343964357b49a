"""TLS on the clients' leg: what it costs Baton, and what it costs HAProxy, in the same rounds.

Each proxy listens twice, with TLS and without, before the same Redis, to which both speak without. So the
same workload down each of the four ways tells what a request takes and what TLS adds to it. Handshakes are
not counted: redis-benchmark connects once, and its connections carry thousands of requests.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import trio
from attrs import evolve, frozen

from proxy.terminal.stage.baton import start_proxy
from proxy.terminal.stage.direct import Address
from proxy.terminal.stage.nodes import Server, start_nodes
from proxy.terminal.stage.processes import (
    StageFailed,
    free_port,
    last_line,
    running,
)
from proxy.terminal.stage.screen import Screen

from .figures import Figures
from .peers import HAPROXY, answers
from .sizes import Sizes
from .throughput import Meter, redis_benchmark
from .ways import REDIS, SHARED, Way, start_way
from .workloads import GET, GET_PIPELINED, SET, Workload

CASE: Final = "TLS, "
"""Before the name of a workload in that of its case."""
PLAIN, SECURED = "without TLS", "with TLS"
BOTH: Final = (SHARED, HAPROXY.name)
SECURED_WORKLOADS: Final = (GET, SET, GET_PIPELINED)
TURNS = 2
"""Each round is so many short turns of each way: noise lasts longer than a turn."""

HAPROXY_SETTINGS = """\
global
    nbthread 1
    maxconn 1000
    ssl-default-bind-options ssl-min-ver TLSv1.2
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
listen redis
    bind {plain}
    bind {secured} ssl crt {papers}
    server redis {node}
"""
MAKE_PAPERS = (
    *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
    *("-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-days", "2"),
)


@frozen
class Secured:
    """A proxy that listens twice."""

    plain: Way
    secured: Way


def can_be_secured() -> str:
    """Why this part cannot be measured here; empty where it can."""
    for program in ("redis-benchmark", "haproxy", "openssl"):
        if shutil.which(program) is None:
            return f"no {program} on this machine"
    told = subprocess.run(
        ["redis-benchmark", "--help"], capture_output=True, text=True, check=False, timeout=30
    )
    return "" if "--tls" in told.stdout + told.stderr else "this redis-benchmark speaks no TLS"


async def measure_secured(
    screen: Screen, server: Server, directory: Path, sizes: Sizes, figures: Figures
) -> None:
    """StageFailed where a proxy does not start."""
    papers = await make_papers(directory)
    async with AsyncExitStack() as stack:
        (node,) = await start_nodes(stack, server, directory, 1)
        redis = await start_way(stack, directory, REDIS, node, clients=1_000)
        proxies = [
            await start_baton(stack, directory, node, papers),
            await start_haproxy(stack, directory, node, papers),
        ]
        ways = [way for proxy in proxies for way in (proxy.plain, proxy.secured)]
        for number in range(sizes.secured_rounds):
            for workload in SECURED_WORKLOADS:
                await workload.prepare(node)
                screen.show(f"TLS, round {number + 1} of {sizes.secured_rounds}: {workload.name}")
                await measure_round(directory, ways, redis, workload, number, sizes, figures)


async def measure_round(
    directory: Path,
    ways: list[Way],
    redis: Way,
    workload: Workload,
    number: int,
    sizes: Sizes,
    figures: Figures,
) -> None:
    spent_s, requests, speeds = (dict.fromkeys((way.name for way in ways), 0.0) for _ in range(3))
    for turn in range(TURNS):
        first = (number + turn) % len(ways)  # who comes first goes round
        for way in (*ways[first:], *ways[:first]):
            meter = Meter(way, redis)
            seen = await redis_benchmark(directory, meter, dressed(workload, way, directory), sizes.share)
            spent_s[way.name] += meter.proxy_s
            requests[way.name] += seen.requests
            speeds[way.name] += seen.requests_per_s / TURNS
    for way in ways:
        figures.note(
            CASE + workload.name,
            way.name,
            proxy_cpu_us=spent_s[way.name] * 1e6 / requests[way.name],
            requests_per_s=speeds[way.name],
        )


def dressed(workload: Workload, way: Way, directory: Path) -> Workload:
    """With redis-benchmark's arguments for TLS, where the way wants it."""
    if not way.name.endswith(SECURED):
        return workload
    return evolve(workload, more=("--tls", "--cacert", str(directory / "certificate.pem")))


async def make_papers(directory: Path) -> Path:
    """A certificate and its key, as HAProxy wants them: in one file."""
    certificate, key, both = (directory / name for name in ("certificate.pem", "key.pem", "both.pem"))
    command = [*MAKE_PAPERS, "-keyout", str(key), "-out", str(certificate)]
    done = await trio.run_process(command, capture_stdout=True, capture_stderr=True, check=False)
    if done.returncode:
        raise StageFailed(f"openssl: {done.stderr.decode(errors='replace').strip()}")
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    return both


async def start_baton(stack: AsyncExitStack, directory: Path, node: Address, papers: Path) -> Secured:
    """It tells of the plain port first."""
    arguments = ("--tls-listen", "127.0.0.1:0", "--tls-certificate-file", str(papers), "--lanes", "shared")
    proxy = await start_proxy(stack, directory, [node], *arguments)
    told = re.findall(r" \+serving .*\baddress=(\S+:\d+)\b", (directory / "baton.log").read_text())
    return both_ways(SHARED, proxy.clients, Address.parse(told[-1]), proxy.pid)


async def start_haproxy(stack: AsyncExitStack, directory: Path, node: Address, papers: Path) -> Secured:
    plain, secured = (Address("127.0.0.1", free_port()) for _ in range(2))
    settings, log = directory / "haproxy.cfg", directory / "haproxy.log"
    settings.write_text(HAPROXY_SETTINGS.format(plain=plain, secured=secured, papers=papers, node=node))
    path = HAPROXY.path()
    assert path is not None, "it was looked for"
    with log.open("wb") as output:
        command = [path, *HAPROXY.arguments(settings, 0)]
        process = await stack.enter_async_context(running(command, stdout=output, stderr=output))
    if not await answers(plain, process):
        raise StageFailed(f"haproxy does not start: {last_line(log)}")
    return both_ways(HAPROXY.name, plain, secured, process.pid)


def both_ways(name: str, plain: Address, secured: Address, pid: int) -> Secured:
    return Secured(Way(f"{name} {PLAIN}", plain, pid), Way(f"{name} {SECURED}", secured, pid))
