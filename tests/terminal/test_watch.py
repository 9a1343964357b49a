"""`baton watch`: in a real terminal, and its picture on terminals of any size."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator

import attrs
import pytest
from rich.console import Console

from proxy.terminal.picture import Picture
from proxy.terminal.sparkline import sparkline
from tests.baton import BatonProcess
from tests.binaries import ROOT
from tests.servers import Pair, free_port
from tests.terminal.conftest import LIMIT_S, Ask
from tests.waiting import wait_until


@attrs.define(eq=False)
class Terminal:
    """A terminal with `baton watch` in it, and what it has been sent."""

    process: subprocess.Popen[bytes]
    end: int
    sent: str = ""

    def shows(self, text: str) -> bool:
        """Whether this stands in what was sent since it was looked for last; it is read as far as it came."""
        while select.select([self.end], [], [], 0)[0]:
            try:
                self.sent += os.read(self.end, 65536).decode(errors="replace")
            except OSError:  # Linux: the other end was closed
                break
        _, found, rest = self.sent.partition(text)
        if found:
            self.sent = rest
        return bool(found)

    def key(self, text: str) -> None:
        os.write(self.end, text.encode())


@contextlib.contextmanager
def terminal(admin: str, columns: int = 80, lines: int = 24) -> Iterator[Terminal]:
    """`baton watch` in a terminal of this size."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    environment = {
        name: text for name, text in os.environ.items() if not name.startswith(("BATON_", "COLUMNS"))
    }
    process = subprocess.Popen(
        [sys.executable, "-m", "proxy.cli", "watch", "--admin", admin],
        cwd=ROOT,
        env=environment | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield Terminal(process, ours)
    finally:
        process.kill()
        process.wait()
        os.close(ours)


@pytest.mark.parametrize("ending", ["q", "Ctrl-C", "SIGTERM"])
def test_it_shows_how_things_stand_and_q_or_ctrl_c_ends_it(
    ending: str, pair: Pair, proxy: BatonProcess
) -> None:
    with terminal(f"127.0.0.1:{proxy.admin_port}") as screen:
        wait_until(lambda: screen.shows(pair.replica.address), lambda: f"a picture: {screen.sent}")
        if ending == "q":
            screen.key("q")
        else:
            screen.process.send_signal(signal.SIGINT if ending == "Ctrl-C" else signal.SIGTERM)
        assert screen.process.wait(LIMIT_S) == 0
        wait_until(lambda: screen.shows("\x1b[?1049l"), "the screen from before is there again")
        assert "Traceback" not in screen.sent
        echoed = termios.ICANON | termios.ECHO
        assert termios.tcgetattr(screen.end)[3] & echoed == echoed, "what is typed is seen again"


def test_it_survives_a_restart_of_the_proxy(pair: Pair, baton: Callable[..., BatonProcess]) -> None:
    admin = f"127.0.0.1:{free_port()}"
    proxy = baton(*pair, "--admin", admin)
    with terminal(admin) as screen:
        wait_until(lambda: screen.shows(pair.replica.address), "a picture")
        proxy.kill()
        wait_until(lambda: screen.shows("cannot reach baton"), lambda: f"a complaint: {screen.sent}")
        proxy.restart()
        wait_until(lambda: screen.shows(pair.replica.address), "a picture again")
        assert screen.process.poll() is None


def test_it_waits_for_a_proxy_that_does_not_run_yet() -> None:
    with terminal(f"127.0.0.1:{free_port()}") as screen:
        wait_until(lambda: screen.shows("cannot reach baton"), lambda: f"a complaint: {screen.sent}")
        screen.key("q")
        assert screen.process.wait(LIMIT_S) == 0


def test_once_prints_one_picture(pair: Pair, ask: Ask, proxy: BatonProcess) -> None:
    client = proxy.client()
    assert client.ping()
    said = ask("watch", "--once")
    assert (said.status, said.err) == (0, "")
    assert said.lines[0].startswith("baton ")
    assert any(re.fullmatch(r"commands/s +\d.*", line) for line in said.lines)
    assert any(line.startswith(f"{pair.primary.address}") and "primary" in line for line in said.lines)
    assert "clients     1 (0 waiting)" in said.lines


NODES = {
    f"node{at}": {
        "address": f"redis-{at}.redis.production.svc.cluster.local:6379",
        "role": "replica" if at else "primary",
        "leads": int(not at),
        "link": "up",
        "lag": 1234567,
        "version": "7.4.1",
        "why": "",
    }
    for at in range(6)
}
TOLD = {
    "baton_version": "0.1.0",
    "uptime_in_seconds": 100_000,
    "primary": "redis-0:6379",
    "gate": "closed: switchover, by hand",
    "connected_clients": 12345,
    "waiting_clients": 99,
    "blocked_clients": 3,
    "lanes": 7,
    "shared_lanes": 2,
    "state": "under way",
    **NODES,
}
MOMENT = "2026-11-21T16:00:00.000Z"
HISTORY = [
    {"number": n, "began": MOMENT, "outcome": "called off", "hold_ms": 1.0, "why": "converge: " * 9}
    for n in range(30)
]


def drawn(picture: Picture, columns: int, lines: int) -> list[str]:
    console = Console(width=columns, height=lines, force_terminal=True, color_system=None)
    with console.capture() as captured:
        console.print(picture)
    return captured.get().splitlines()


def seen() -> Picture:
    picture = Picture("127.0.0.1:7379")
    for at in range(300):
        picture.see(TOLD | {"total_commands_processed": at * at * 100}, HISTORY, float(at))
    return picture


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 60), (40, 24), (20, 24), (132, 20)])
def test_it_fits_every_terminal(columns: int, lines: int) -> None:
    picture = seen()
    for trouble in ("", "cannot reach baton at 127.0.0.1:7379: Connection refused; " * 2):
        picture.trouble = trouble
        shown = drawn(picture, columns, lines)
        assert max(map(len, shown)) <= columns
        assert len(shown) <= lines
        assert shown[-1].strip() == "q ends"


def test_at_80_by_24_nothing_that_matters_is_left_out() -> None:
    text = "\n".join(drawn(seen(), 80, 24))
    for word in (
        "closed: switchover, by hand",
        "1 d 3 h",
        "59,700",
        "12345 (99 waiting, 3 blocked)",
        "2 shared, 7 private",
        "under way",
        "replica",
        "1.2 MiB",
        "called off",
    ):
        assert word in text


def test_a_rate_is_made_of_two_counts_and_not_over_a_restart() -> None:
    picture = Picture("")
    for now, count in ((0.0, 100), (1.0, 300), (3.0, 500), (4.0, 10), (5.0, 20)):
        picture.see({"total_commands_processed": count}, [], now)
    picture.miss("gone")
    picture.see({"total_commands_processed": 40}, [], 9.0)
    picture.see({"total_commands_processed": 50}, [], 10.0)
    assert list(picture.rates) == [200.0, 100.0, None, 10.0, None, None, 10.0]


def test_a_sparkline_has_the_largest_as_the_highest_bar_and_shows_the_least() -> None:
    assert sparkline([0, 1, 1000, None, 500], 10) == "▁▂█ ▄"
    assert sparkline([1, 2, 3], 2) == "▅█"
    assert sparkline([], 5) == sparkline([1.0], 0) == ""
    assert sparkline([0, 0], 5) == "▁▁"


def test_what_a_picture_shows_is_never_obeyed_by_the_terminal() -> None:
    picture = Picture("here")
    node = {"address": "\x1b[H", "why": "\n\n"}
    told = {"primary": "\x1b[2J", "gate": "\x1b]0;x\x07", "baton_version": "\x1b", "node0": node}
    picture.see(told, [{"why": "\x1b[1m", "outcome": "\x1b"}], time.monotonic())
    picture.trouble = "\x1b[2J"
    assert not any("\x1b" in line or "\x07" in line for line in drawn(picture, 80, 24))
