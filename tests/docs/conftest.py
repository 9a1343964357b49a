"""The site, built once for all who look at it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.binaries import ROOT


def build(source: Path, site: Path) -> subprocess.CompletedProcess[str]:
    """Run mkdocs as scripts/docs does, from the project in `source` into `site`."""
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=source,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        timeout=50,
    )


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the site is."""
    folder = tmp_path_factory.mktemp("site")
    done = build(ROOT, folder)
    assert done.returncode == 0, done.stderr
    return folder
