"""Whoever follows the README and the docs, word by word, gets there: the examples are run."""

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

import pytest
from attrs import frozen

from tests.baton import BatonProcess
from tests.binaries import ROOT, find_main
from tests.docs.examples import NOT_RUN, Example, blocks_of, examples, lines_of, reason
from tests.docs.pages import PAGES, acl_lines, blocks
from tests.servers import RedisServer, free_port
from tests.waiting import wait_until

EXAMPLES = list(examples())
LIMIT_SECONDS = 20.0
MISUNDERSTOOD = re.compile(r"^(\(error\) )?(ERR|NOAUTH|WRONGPASS) ", re.MULTILINE)
"""redis-cli ends well though the command was not understood."""


@frozen
class World:
    """A primary and its replica with the README's user, and Baton before them."""

    nodes: Mapping[str, RedisServer]
    """By the address that the text gives them."""
    proxy: BatonProcess
    http_port: int
    files: Path

    def translate(self, script: str) -> str:
        """The script with the places of the text replaced by those of this world."""
        places = {address: node.address for address, node in self.nodes.items()}
        places |= {
            "-p 7379": f"-p {self.proxy.admin_port}",
            "-p 7000": f"-p {self.proxy.port}",
            "127.0.0.1:7379": f"127.0.0.1:{self.proxy.admin_port}",
            "127.0.0.1:7000": self.proxy.address,
            "baton.password": str(self.files / "password"),
        }
        if "baton serve" in script:  # another proxy beside that of this world: it wants ports of its own
            script = f"export BATON_ADMIN=127.0.0.1:0 BATON_ADMIN_PASSWORD=secret\n{script}"
            places |= {"0.0.0.0:7000": "127.0.0.1:0", "127.0.0.1:7380": "127.0.0.1:0"}
        else:
            places["127.0.0.1:7380"] = f"127.0.0.1:{self.http_port}"
        for place, here in places.items():
            script = script.replace(place, here)
        return script

    def environment(self) -> dict[str, str]:
        """As in a shell in the project's folder, with `baton` installed, and this proxy the one it means."""
        plain = {name: value for name, value in os.environ.items() if not name.startswith("BATON_")}
        path = f"{ROOT / '.venv/bin'}:{os.environ['PATH']}"
        console = f"127.0.0.1:{self.proxy.admin_port}"
        token = {"TOKEN": (self.files / "token").read_text().strip()}
        return plain | token | {"PATH": path, "BATON_ADMIN": console, "TERM": "dumb"}

    def as_the_text_begins(self) -> None:
        """The primary is where the text has it, whatever the last example did."""
        first = self.nodes["redis-a:6379"]
        if first.command("ROLE")[0] != "master":
            self.proxy.switchover(first.address)
        first.wait_replicas(1)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    files = tmp_path_factory.mktemp("etc-baton")
    (files / "password").write_text("PASSWORD\n")
    (files / "token").write_text("a-token-of-the-tests\n")
    version, binary = max(find_main().items())
    with ExitStack() as started:
        servers = [RedisServer.start(binary, files / name) for name in ("a", "b")]
        for server in servers:
            started.callback(server.end)
            server.command(*shlex.split(acl_lines()[version == "6.2"]))
        servers[1].replicate(servers[0])
        servers[1].wait_link_up()
        servers[0].wait_replicas(1)
        nodes = dict(zip(("redis-a:6379", "redis-b:6379"), servers, strict=True))
        addresses = [server.address for server in servers]
        settings = "\n".join(next(iter(blocks(PAGES[0], "toml"))).splitlines())
        http_port = free_port()
        (files / "baton.toml").write_text(
            settings.replace("0.0.0.0:7000", "127.0.0.1:0")
            .replace("127.0.0.1:7380", f"127.0.0.1:{http_port}")
            .replace("redis-a:6379", addresses[0])
            .replace("redis-b:6379", addresses[1])
            .replace("baton.password", "password")
        )
        arguments = ("--config", str(files / "baton.toml"), "--http-token-file", str(files / "token"))
        proxy = BatonProcess.start([], files / "baton.log", *arguments)
        started.callback(proxy.end)
        yield World(nodes, proxy, http_port, files)


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.name)
def test_the_example_does_what_the_text_says(example: Example, world: World) -> None:
    world.as_the_text_begins()
    script = world.translate(example.script)
    output = world.files / f"{example.page.stem}-{example.number}.out"
    with open(output, "wb") as said:
        process = subprocess.Popen(
            ["/bin/sh", "-eu", "-c", script],
            cwd=ROOT,
            env=world.environment(),
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            if example.until:
                wait_until(
                    lambda: example.until in output.read_text(errors="replace") or process.poll() is not None,
                    lambda: f"{example.until!r} is said by\n{script}\n{output.read_text(errors='replace')}",
                    LIMIT_SECONDS,
                )
                assert process.poll() is None, output.read_text()
            else:
                process.wait(LIMIT_SECONDS)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGTERM)
                process.wait(LIMIT_SECONDS)
    told = output.read_text(errors="replace")
    assert example.until or process.returncode == 0, f"{script}\n{told}"
    assert not MISUNDERSTOOD.search(told), f"{script}\n{told}"


def test_what_is_not_run_is_there_and_has_a_reason() -> None:
    lines = [line for page in PAGES for block in blocks_of(page) for line in lines_of(block)]
    unused = [begin for begin in NOT_RUN if not any(line.strip().startswith(begin) for line in lines)]
    assert unused == []
    assert all(NOT_RUN.values())


def test_a_line_that_nobody_listed_is_run() -> None:
    assert not reason("rm -rf /tmp/whatever")
    assert reason("./scripts/test tests/switchover")
