"""The image: the Dockerfile's steps on a bare folder, and what they made, confined as in a container."""

import json
import os
import re
import shutil
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path

import pytest

from proxy.release import VERSION
from scripts.baton_check import bills, locks
from scripts.baton_image.bill import normal
from scripts.baton_image.building import below, build
from scripts.baton_image.dockerfile import DockerfileError, read
from tests.binaries import ROOT
from tests.deploying.confinement import CONFINED, Process, confined
from tests.deploying.conftest import Image
from tests.servers import RedisServer, direct_client, free_port
from tests.waiting import wait_until

pytestmark = pytest.mark.timeout(420)  # the first of them waits for the build

GRACE_SECONDS = 30


class Running:
    """The image's own entrypoint, as its own user, with its own environment."""

    def __init__(self, image: Image, log: Path, nodes: str) -> None:
        self.image, self.log = image, log
        self.user = image.told["User"].partition(":")[0]
        self.port, self.http = free_port(), free_port()
        self.environment = {name: below(image.folder, text) for name, text in image.told["Env"].items()}
        self.environment |= {
            "BATON_LISTEN": f"127.0.0.1:{self.port}",
            "BATON_ADMIN": "127.0.0.1:0",
            "BATON_HTTP": f"127.0.0.1:{self.http}",
            "BATON_NODES": nodes,
        }
        command = [*(below(image.folder, word) for word in image.told["Entrypoint"]), "serve"]
        with log.open("wb") as said:
            self.process = Process.start(self.user, command, self.environment, said)

    def healthy(self) -> int:
        """The exit status of the image's own health check."""
        name, *rest = self.image.told["Healthcheck"]
        command = [str(shutil.which(name, path=self.environment["PATH"])), *rest]
        whole = confined(self.user, command) if CONFINED else command
        return subprocess.run(whole, env=self.environment, capture_output=True, timeout=20).returncode

    def wait_served(self) -> None:
        wait_until(
            lambda: self.healthy() == 0 or self.process.outer.poll() is not None, self.log.read_text, 30
        )
        assert self.process.outer.poll() is None, self.log.read_text()


@pytest.fixture
def running(image: Image, one_pair: tuple[RedisServer, RedisServer], tmp_path: Path) -> Iterator[Running]:
    nodes = ",".join(server.address for server in one_pair)
    run = Running(image, tmp_path / "log", nodes)
    try:
        run.wait_served()
        yield run
    finally:
        run.process.end()


def test_it_serves_as_another_user_in_a_tree_that_cannot_be_written(running: Running) -> None:
    with direct_client(running.port) as client:
        assert client.set("a", "1") and client.get("a") == "1"
    if CONFINED:
        status = Path(f"/proc/{running.process.pid}/status").read_text()
        assert re.search(r"^Uid:\s+10001\s+10001\s", status, re.MULTILINE)
        assert re.search(r"^CapEff:\s+0+$", status, re.MULTILINE)
        mounts = Path(f"/proc/{running.process.pid}/mounts").read_text().splitlines()
        assert [line.split()[3].split(",")[0] for line in mounts if line.split()[1] == "/"][-1] == "ro"
    said = running.log.read_text()
    assert "Read-only" not in said and "Traceback" not in said and "Warning" not in said


def test_sigterm_reaches_it_as_process_1_and_it_leaves_in_time(running: Running) -> None:
    if CONFINED:
        inner = Path(f"/proc/{running.process.pid}/status").read_text()
        assert re.search(r"^NSpid:\s+\d+\s+1$", inner, re.MULTILINE), "it is process 1 of its own"
    assert running.image.told["StopSignal"] == "SIGTERM"
    with direct_client(running.port) as client:
        assert client.ping()
        os.kill(running.process.pid, signal.SIGTERM)
        assert running.process.outer.wait(GRACE_SECONDS) == 0, running.log.read_text()


def test_the_health_check_fails_where_the_process_does_not_turn(running: Running) -> None:
    assert running.healthy() == 0
    os.kill(running.process.pid, signal.SIGSTOP)
    try:
        assert running.healthy() == 1
    finally:
        os.kill(running.process.pid, signal.SIGCONT)


def test_the_health_check_fails_where_nobody_listens(running: Running) -> None:
    running.process.end()
    assert running.healthy() == 1


def test_the_image_has_what_it_needs_and_no_more(image: Image) -> None:
    assert {each.name for each in image.folder.iterdir()} == {"opt", "usr", "image.json", "baton.cdx.json"}
    [packages] = image.folder.glob("opt/baton/lib/python*/site-packages")
    assert list(packages.glob("proxy/wire/counting.*.so")), "the hot path is compiled"
    assert not (packages / "pip").exists() and not (packages / "tests").exists()
    assert (packages / "proxy/admin/http").is_dir()
    uncompiled = [
        source
        for source in packages.glob("proxy/**/*.py")
        if not list(source.parent.glob(f"__pycache__/{source.stem}.cpython-*.pyc"))
    ]
    assert uncompiled == [], "Python would want to write these"


def test_all_files_of_the_package_are_in_the_image(image: Image) -> None:
    """The page to watch is no Python: what a package leaves out by mistake is mostly that."""
    [packages] = image.folder.glob("opt/baton/lib/python*/site-packages")
    there = {str(path.relative_to(packages)) for path in packages.glob("proxy/**/*") if path.is_file()}
    own = {str(path.relative_to(ROOT)) for path in (ROOT / "proxy").rglob("*") if path.is_file()}
    missing = {name for name in own if "__pycache__" not in name and not name.endswith(".so")} - there
    assert not missing


def test_the_bill_of_materials_names_what_is_installed_and_what_is_locked_and_no_more(image: Image) -> None:
    text = (image.folder / "usr/share/baton/baton.cdx.json").read_text()
    assert (image.folder / "baton.cdx.json").read_text() == text, "beside the image too"
    locked, _ = locks.read((ROOT / "requirements/baton.txt").read_text())
    assert bills.faults(text, locked) == []

    [packages] = image.folder.glob("opt/baton/lib/python*/site-packages")
    installed = {normal(each.metadata["Name"]) for each in distributions(path=[str(packages)])}
    told = json.loads(text)
    named = {normal(each["name"]) for each in told["components"] if each["purl"].startswith("pkg:pypi/")}
    assert named == installed
    assert installed - {pin.name for pin in locked} <= {"redis-baton", "setuptools"}, "which 3.11's venv has"


def test_the_bill_says_what_it_does_not_know(image: Image) -> None:
    told = json.loads((image.folder / "baton.cdx.json").read_text())
    assert told["compositions"][0]["aggregate"] == "incomplete"
    assert not any(each["purl"].startswith("pkg:deb/") for each in told["components"])
    assert "there is no base image, and the bill says so" in image.said


def test_the_bill_names_the_image_that_it_stands_on() -> None:
    build_stage, last = read(ROOT / "Dockerfile")
    [billing] = [each.words for each in build_stage.said("RUN") if "bill.py" in each.text]
    assert billing[billing.index("--base") + 1] == build_stage.image == last.image


def test_the_labels_and_the_tags_are_of_this_version() -> None:
    *_, last = stages = read(ROOT / "Dockerfile")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert last.pairs("LABEL") == {
        "org.opencontainers.image.title": project["name"],
        "org.opencontainers.image.description": project["description"],
        "org.opencontainers.image.version": VERSION,
    }
    assert len({stage.image for stage in stages}) == 1
    assert re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", last.image), "the tag names the patch release"


def test_the_user_is_a_number_and_not_root() -> None:
    user = read(ROOT / "Dockerfile")[-1].said("USER")[-1].text
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", user)


GOOD = """\
FROM python:3.13.7-slim-bookworm AS build
WORKDIR /src
COPY pyproject.toml ./
RUN mkdir /opt/baton
FROM python:3.13.7-slim-bookworm
COPY --from=build /opt/baton /opt/baton
USER 1:1
STOPSIGNAL SIGTERM
HEALTHCHECK CMD ["true"]
ENTRYPOINT ["/opt/baton/bin/baton"]
CMD ["serve"]
"""


def repository(tmp_path: Path, dockerfile: str) -> Path:
    (tmp_path / "Dockerfile").write_text(dockerfile)
    for name in (".dockerignore", "pyproject.toml", "hatch_build.py"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "opt").mkdir(exist_ok=True)
    return tmp_path


def test_a_small_dockerfile_is_performed(tmp_path: Path) -> None:
    folder = tmp_path / "image"
    dockerfile = GOOD.replace("mkdir /opt/baton", "mkdir -p /opt/baton && cp pyproject.toml /opt/baton/")
    build(repository(tmp_path, dockerfile), folder)
    assert (folder / "opt/baton/pyproject.toml").exists() and not (folder / "src").exists()


@pytest.mark.parametrize(
    ("line", "instead", "said"),
    [
        ('["/opt/baton/bin/baton"]', "/opt/baton/bin/baton serve", "exec form"),
        ("USER 1:1", "VOLUME /data", "VOLUME is not understood"),
        ("USER 1:1\n", "", "no USER"),
        ("USER 1:1", "USER 1:1\nRUN true", "the last stage runs something"),
        ("pyproject.toml ./", "README.md ./", "leaves it out"),
        ("mkdir /opt/baton", "echo broken >&2; exit 3", "broken"),
        ("/opt/baton /opt/baton", "/opt/baton /opt/other", "to the same path"),
    ],
)
def test_what_the_script_cannot_do_as_an_engine_would_is_an_error(
    tmp_path: Path, line: str, instead: str, said: str
) -> None:
    assert line in GOOD
    dockerfile = GOOD.replace("mkdir /opt/baton", "mkdir -p /opt/baton").replace(line, instead)
    if line.startswith("mkdir"):
        dockerfile = GOOD.replace(line, instead)
    with pytest.raises(DockerfileError, match=re.escape(said)):
        build(repository(tmp_path, dockerfile), tmp_path / "image")
