"""The shell examples of README and docs: what is run of them, how, and what is not, with the reason.

Each ```sh block, and what stands behind a prompt in a ```console one, is run by a shell as it stands, but for
the places that it names: ports, nodes and files of the text become those of the test. Commands that end only
when they are told to are let go once they have said what they were asked for.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

from attrs import frozen

from tests.docs.pages import PAGES, blocks, name_of

NOT_RUN: Mapping[str, str] = {
    "./scripts/setup": "makes the environment in which the tests run",
    "./scripts/test": "is this very run",
    "./scripts/demo": "tests/test_demo.py runs it",
    "./scripts/docs": "tests/docs/test_site.py builds the site; the script looks after .venv first",
    "./scripts/soak": "takes as long as it is told; tests/soak runs it in short",
    "./scripts/lock": "writes the locks anew; tests/supply holds them against pyproject.toml",
    "./scripts/check": "wants a registry; tests/supply runs it before one of its own",
    "./scripts/bench": "takes hours; tests/test_bench.py runs it in short",
    "./scripts/clients": "takes minutes and a registry; tests/test_clients.py runs it in short",
    "./scripts/fuzz": "takes as long as it is told; tests/fuzz runs it in short",
    "docker": "there may be no engine; tests/deploying/test_image.py performs the Dockerfile",
    "kubectl": "wants a cluster; tests/deploying/test_kubernetes.py validates what it would apply",
    "REDISCLI_AUTH=the-console's": "asks a proxy in that cluster",
    "install -m": "changes the machine",
    "systemctl": "changes the machine; tests/deploying/test_systemd.py looks after the unit",
}
"""By how the line begins, why it is not run. An entry that no page needs is a mistake, too."""

ENDLESS: Mapping[str, str] = {
    "baton serve": "+serving",
    ".venv/bin/baton serve": "+serving",
    "baton watch": "primary",
    "redis-cli -p 7379 SUBSCRIBE events": "subscribe",
}
"""What goes on until it is told to end, and what it says before that."""


@frozen
class Example:
    """One block, without what is not run of it."""

    page: Path
    number: int
    script: str
    until: str = ""
    """What it has said when it may be ended; empty if it ends by itself."""

    @property
    def name(self) -> str:
        return f"{name_of(self.page)}-{self.number}"


def blocks_of(page: Path) -> Iterator[str]:
    """Yield what a page has people type into a shell, block by block."""
    yield from blocks(page, "sh")
    for block in blocks(page, "console"):
        yield "\n".join(line[2:] for line in block.splitlines() if line.startswith(("$ ", "# ")))


def lines_of(block: str) -> list[str]:
    """The block's lines, those that go on joined."""
    return [line for line in block.replace("\\\n", " ").splitlines() if line.strip()]


def reason(line: str) -> str:
    """Why a line is not run, or nothing if it is."""
    return next((why for begin, why in NOT_RUN.items() if line.strip().startswith(begin)), "")


def examples() -> Iterator[Example]:
    """Every block of which something is run, page by page."""
    for page in PAGES:
        for number, block in enumerate(blocks_of(page), 1):
            run = [line for line in lines_of(block) if not reason(line)]
            if run:
                last = next((said for begin, said in ENDLESS.items() if run[-1].startswith(begin)), "")
                yield Example(page, number, "\n".join(run), last)
