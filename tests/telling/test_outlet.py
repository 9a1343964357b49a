"""A log that nobody takes: who tells is not held up, and what was lost is told."""

import contextlib
import fcntl
import itertools
import json
import os
import pty
import re
import select
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from proxy.telling import set_up, tell
from proxy.telling.outlet import WAITING_MAX, Outlet
from tests import encryption
from tests.baton import port_in, serve_command
from tests.binaries import ROOT
from tests.servers import Pair
from tests.talking import Talk
from tests.waiting import wait_until

LINE = "x" * 99 + "\n"
TAKES_S = 10.0


class Pipe:
    """As small as the kernel makes them; nobody reads it unless told."""

    def __init__(self) -> None:
        self.end, self.into = os.pipe()
        self.size = fcntl.fcntl(self.into, fcntl.F_SETPIPE_SZ, select.PIPE_BUF)
        os.set_blocking(self.end, False)

    def read(self) -> str:
        return os.read(self.end, 1 << 20).decode()

    def close(self) -> None:
        for descriptor in (self.end, self.into):
            os.close(descriptor)


Opened = Callable[[int, Callable[[int], None]], Outlet]


@pytest.fixture
def opened() -> Iterator[Opened]:
    """Makes one, and closes it in the end."""
    with contextlib.ExitStack() as stack:
        yield lambda descriptor, lost: stack.enter_context(contextlib.closing(Outlet(descriptor, lost)))


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    made = Pipe()
    yield made
    made.close()


def read_until(pipe: Pipe, done: Callable[[str], bool], turn: Callable[[], object] = lambda: None) -> str:
    """What is read by the time that what is read is enough."""
    read = ""

    def enough() -> bool:
        nonlocal read
        turn()
        with contextlib.suppress(BlockingIOError):
            read += pipe.read()
        return done(read)

    wait_until(enough, lambda: read[-1000:])
    return read


def test_what_a_reader_does_not_take_waits_for_him(pipe: Pipe, opened: Opened) -> None:
    lost: list[int] = []
    outlet = opened(pipe.into, lost.append)
    lines = [f"{at} {LINE}" for at in range(1000)]
    for line in lines:
        outlet.write(line)
    size = sum(map(len, lines))
    assert read_until(pipe, lambda read: len(read) >= size) == "".join(lines)
    assert lost == []


def test_what_is_too_much_is_lost_whole_and_counted(pipe: Pipe, opened: Opened) -> None:
    lost: list[int] = []
    outlet = opened(pipe.into, lost.append)
    count = (WAITING_MAX + 2 * pipe.size) // len(LINE)
    for _ in range(count):
        outlet.write(LINE)
    assert lost == []
    kept = (count - outlet._lines_lost) * len(LINE)
    read = read_until(pipe, lambda read: len(read) >= kept)
    outlet.write("again\n")
    assert read_until(pipe, lambda read: read != "") == "again\n"
    assert set(read.splitlines(keepends=True)) == {LINE}
    [missing] = lost
    assert missing == count - read.count("\n") > 0


def test_a_descriptor_that_does_not_block_is_not_waited_for_either(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    os.set_blocking(pipe.into, False)
    os.write(pipe.into, b"y" * pipe.size)
    monkeypatch.setattr(Outlet, "_has_room", lambda outlet, within_s=None: True)  # and it is gone
    opened(pipe.into, lambda lines: None).write(LINE)
    wanted = "y" * pipe.size + LINE
    assert read_until(pipe, lambda read: len(read) >= len(wanted)) == wanted


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    """Its end, where somebody would look at it, and what is written to."""
    end, into = pty.openpty()
    yield end, into
    os.close(end)
    os.close(into)


def test_a_terminal_that_nobody_looks_at_holds_up_nobody(terminal: tuple[int, int], opened: Opened) -> None:
    """It is called writable when one byte fits, and a line that does not fit is waited for."""
    end, into = terminal
    outlet = opened(into, lambda lines: None)
    lines = [f"{at} {LINE}" for at in range(1000)]
    for line in lines:
        outlet.write(line)
    size = sum(map(len, lines))
    read = b""
    while len(read) < size + len(lines):  # each line end comes as two bytes
        read += os.read(end, 1 << 16)
    assert read.decode() == "".join(lines).replace("\n", "\r\n")


def test_the_socket_of_a_journal_holds_up_nobody(opened: Opened) -> None:
    end, into = socket.socketpair()
    with end, into:
        outlet = opened(into.fileno(), lambda lines: None)
        lines = [f"{at} {LINE}" for at in range(5000)]
        for line in lines:
            outlet.write(line)
        size, read = sum(map(len, lines)), b""
        while len(read) < size:
            read += end.recv(1 << 16)
        assert read.decode() == "".join(lines)


def test_a_pipe_that_may_not_be_opened_once_more_is_given_what_it_has_room_for(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch, opened: Opened
) -> None:
    def forbidden(*_: object) -> int:
        raise PermissionError

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", forbidden)
        outlet = opened(pipe.into, lambda lines: None)
    lines = [f"{at} {LINE}" for at in range(1000)]
    for line in lines:
        outlet.write(line)
    size = sum(map(len, lines))
    assert read_until(pipe, lambda read: len(read) >= size) == "".join(lines)


def test_without_a_standard_error_it_goes_nowhere() -> None:
    program = "from proxy.telling import set_up, tell; set_up('info', 'json'); tell('+held'); print('alive')"
    ran = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -c "$1" 2>&-', sys.executable, program],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        timeout=30,
    )
    assert ran.stdout == b"alive\n"


def test_who_cannot_be_written_to_any_more_is_told_once_for_each_line(opened: Opened) -> None:
    end, into = os.pipe()
    outlet = opened(into, lambda lines: None)
    os.close(end)
    try:
        for _ in range(2):
            with pytest.raises(BrokenPipeError):
                outlet.write(LINE)
            outlet.finish(TAKES_S)  # nothing is kept for nobody
    finally:
        os.close(into)


def test_that_lines_were_lost_is_told(pipe: Pipe, monkeypatch: pytest.MonkeyPatch) -> None:
    with os.fdopen(os.dup(pipe.into), "w") as stderr:
        monkeypatch.setattr("sys.stderr", stderr)
        set_up("info", "json")
        for number in range(WAITING_MAX // 60):
            tell("+held", switchover=number)
        more = itertools.count()
        read = read_until(
            pipe,
            lambda read: re.search(r'"-lines-lost".*\n.*\n', read) is not None,
            lambda: tell("+released", switchover=next(more)),
        )
    told = [json.loads(line) for line in read[: read.rindex("\n")].splitlines()]
    held = [each["switchover"] for each in told if each["event"] == "+held"]
    [lost] = [at for at, each in enumerate(told) if each["event"] == "-lines-lost"]
    assert held == list(range(len(held))) and told[lost]["level"] == "warning"
    before = WAITING_MAX // 60 + told[lost + 1]["switchover"]
    assert told[lost]["lines"] == before - lost > 0


PROGRAM = """
from proxy.telling import set_up, tell
set_up("info", "json")
for number in range(2000):
    tell("+held", switchover=number)
print("told", flush=True)
"""


def test_at_the_end_of_the_process_what_waits_is_offered_once_more() -> None:
    ran = subprocess.Popen(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    with ran:
        assert ran.stdout is not None and ran.stderr is not None
        assert ran.stdout.readline() == b"told\n"  # though nobody has read any of it
        lines = ran.stderr.read().splitlines()
    assert [json.loads(line)["switchover"] for line in lines] == list(range(2000))


def test_a_proxy_whose_log_nobody_takes_serves_on(pair: Pair, pipe: Pipe) -> None:
    command = [*serve_command([node.address for node in pair]), "--log-format", "json"]
    environment = {**os.environ, **encryption.proxy_environment()}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stderr=pipe.into) as proxy:
        try:
            started = ("+serving", "+admin")
            log = read_until(pipe, lambda log: all(port_in(log, event) for event in started))
            places = [("127.0.0.1", port_in(log, event)) for event in started]
            with socket.create_connection(places[1], TAKES_S) as console:
                for _ in range(10 * pipe.size // len(LINE)):
                    assert Talk(console).ask("LOG", "LEVEL", "info") == "OK"
            with encryption.wrapped(socket.create_connection(places[0], TAKES_S)) as client:
                assert Talk(client).ask("SET", "fruit", "fig") == "OK"
            proxy.terminate()
            assert proxy.wait(TAKES_S) == 0  # with nobody there to the last
        finally:
            proxy.kill()
