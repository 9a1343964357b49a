"""The systemd unit: what systemd says of it, and that baton keeps what it promises in systemd's place."""

import configparser
import os
import re
import shutil
import signal
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import attrs
import pytest

from proxy.settings import SETTINGS, Settings
from tests.baton import BatonProcess
from tests.binaries import ROOT
from tests.servers import RedisServer
from tests.waiting import wait_until

FOLDER = ROOT / "configs/systemd"
UNIT = FOLDER / "baton.service"
DROP_IN = FOLDER / "baton.service.d/passwords.conf"
EXPOSURE_MAX = 20
"""Of `systemd-analyze security`, in tenths; 100 is a service that gives up nothing."""

WATCHDOG_SECONDS = 1.0

analyzed = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="there is no systemd-analyze")


def said(file: Path, section: str, name: str) -> list[str]:
    """All values of a name; systemd allows for several."""
    found, current = [], ""
    for line in file.read_text().splitlines():
        if line.startswith("["):
            current = line.strip("[]")
        elif current == section and line.startswith(f"{name}="):
            found.append(line.partition("=")[2])
    return found


def installed(folder: Path, unit: str) -> Path:
    """The unit, with a program that is there: systemd looks whether it can be run."""
    file = folder / "baton.service"
    file.write_text(unit.replace("/opt/baton/bin/baton", "/bin/true"))
    return file


def analyze(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemd-analyze", *words], capture_output=True, text=True, timeout=60)


@analyzed
def test_systemd_has_nothing_to_say_against_the_unit(tmp_path: Path) -> None:
    shutil.copytree(DROP_IN.parent, tmp_path / DROP_IN.parent.name)
    done = analyze("verify", str(installed(tmp_path, UNIT.read_text())))
    assert done.returncode == 0 and not done.stderr, done.stderr


@analyzed
def test_a_word_that_systemd_does_not_know_is_found(tmp_path: Path) -> None:
    unit = UNIT.read_text().replace("WatchdogSec=", "WatchdogSecs=")
    assert "WatchdogSecs" in analyze("verify", str(installed(tmp_path, unit))).stderr


@analyzed
def test_the_unit_gives_up_what_it_does_not_need(tmp_path: Path) -> None:
    words = ["security", "--offline=true", f"--threshold={EXPOSURE_MAX}"]
    assert analyze(*words, str(installed(tmp_path, UNIT.read_text()))).returncode == 0
    weaker = UNIT.read_text().replace("SystemCallFilter=", "#").replace("DynamicUser=yes", "")
    assert analyze(*words, str(installed(tmp_path, weaker))).returncode != 0


def test_the_unit_waits_longer_than_draining_takes() -> None:
    [stop] = said(UNIT, "Service", "TimeoutStopSec")
    assert int(stop) > (Settings().drain_ms + Settings().fence_ms) / 1000


def test_every_setting_of_the_drop_in_exists_and_has_its_credential() -> None:
    held = {line.partition(":")[0] for line in said(DROP_IN, "Service", "LoadCredential")}
    known = {setting.env for setting in SETTINGS.values()}
    for line in said(DROP_IN, "Service", "Environment"):
        name, _, path = line.partition("=")
        assert name in known and path.removeprefix("%d/") in held
    assert len(held) == 3


def test_the_files_are_what_configparser_reads_too() -> None:
    for file in (UNIT, DROP_IN):
        parser = configparser.ConfigParser(strict=False, interpolation=None)
        parser.optionxform = str  # type: ignore[assignment,method-assign]
        parser.read(file)
        assert "Service" in parser


@attrs.define
class Manager:
    """Who reads what the service says, in systemd's place."""

    listening: socket.socket
    told: list[str]

    def heard(self, line: str) -> bool:
        while True:
            try:
                self.told += self.listening.recv(4096, socket.MSG_DONTWAIT).decode().splitlines()
            except BlockingIOError:
                return line in self.told


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[Manager]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        yield Manager(listening, [])


def test_baton_tells_systemd_what_the_unit_has_it_wait_for(
    manager: Manager,
    redis_server: Callable[..., RedisServer],
    baton: Callable[..., BatonProcess],
) -> None:
    assert said(UNIT, "Service", "Type") == ["notify"]
    [reload_command] = said(UNIT, "Service", "ExecReload")
    found = re.search(r"-(\w+) \$MAINPID$", reload_command)
    assert found
    environment = {
        "NOTIFY_SOCKET": str(manager.listening.getsockname()),
        "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1e6)),
    }
    proxy = baton(redis_server(), environment=environment)
    wait_until(lambda: manager.heard("READY=1"), lambda: f"it is ready: {manager.told}")
    wait_until(lambda: manager.heard("WATCHDOG=1"), "it shows that it lives")

    manager.told.clear()
    os.kill(proxy.pid, getattr(signal, f"SIG{found[1]}"))
    wait_until(lambda: manager.heard("RELOADING=1"), "it reloads")
    wait_until(lambda: "READY=1" in manager.told or manager.heard("READY=1"), "it is ready again")

    manager.told.clear()
    assert proxy.terminate() == 0
    assert manager.heard("STOPPING=1")


def test_a_process_that_does_not_turn_is_silent_to_the_watchdog(
    manager: Manager,
    redis_server: Callable[..., RedisServer],
    baton: Callable[..., BatonProcess],
) -> None:
    environment = {
        "NOTIFY_SOCKET": str(manager.listening.getsockname()),
        "WATCHDOG_USEC": str(int(WATCHDOG_SECONDS * 1e6)),
    }
    proxy = baton(redis_server(), environment=environment)
    wait_until(lambda: manager.heard("WATCHDOG=1"), "it shows that it lives")
    os.kill(proxy.pid, signal.SIGSTOP)
    manager.heard("")
    manager.told.clear()
    manager.listening.settimeout(WATCHDOG_SECONDS)
    with pytest.raises(TimeoutError):
        manager.listening.recv(4096)
    os.kill(proxy.pid, signal.SIGCONT)
    manager.listening.settimeout(None)
    wait_until(lambda: manager.heard("WATCHDOG=1"), "it lives again")
