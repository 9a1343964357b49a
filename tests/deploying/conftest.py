"""What several of these tests need: the image's folder, and the tools that scripts/kubectl gets."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import pytest

from tests.binaries import ROOT, find_main
from tests.servers import RedisServer


@attrs.frozen
class Image:
    """What ./scripts/image made."""

    folder: Path
    told: dict[str, Any]
    said: str


@pytest.fixture(scope="session")
def image() -> Iterator[Image]:
    # Not below pytest's own folders, which other users may not enter.
    with tempfile.TemporaryDirectory(prefix="baton-image-") as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "image"
        done = subprocess.run(
            [sys.executable, "-m", "scripts.baton_image", str(folder)],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        yield Image(folder, json.loads((folder / "image.json").read_text()), done.stdout)


def tool(name: str) -> Path:
    """One of those that scripts/kubectl gets, or else the PATH's."""
    found = shutil.which(ROOT / ".venv/tools" / name) or shutil.which(name)
    if found is None:
        pytest.skip(f"no {name}, neither in .venv/tools nor on the PATH: run scripts/kubectl")
    return Path(found)


@pytest.fixture(scope="session")
def kubectl() -> Path:
    return tool("kubectl")


@pytest.fixture(scope="session")
def promtool() -> Path:
    return tool("promtool")


@pytest.fixture
def one_pair(tmp_path: Path) -> Iterator[tuple[RedisServer, RedisServer]]:
    """A primary and its replica, of the machine's own version: what is deployed does not ask which it is."""
    binary = next(iter(find_main().values()))
    servers = [RedisServer.start(binary, tmp_path / name) for name in ("primary", "replica")]
    try:
        servers[1].replicate(servers[0])
        servers[1].wait_link_up()
        servers[0].wait_replicas(1)
        yield servers[0], servers[1]
    finally:
        for server in servers:
            server.end()
