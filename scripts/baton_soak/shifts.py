"""Load that is judged at the end of its shift, and then relieved: each shift is one or several processes.

The demo's are redis-py clients, one process a workload; what they wrote is asked for through the proxy, which
answers as its primary does, and then wiped away. The crew is that of tests/chaos.
"""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import IO

from attrs import Factory, define

from proxy.terminal.demo.workloads import WORKLOADS
from tests.binaries import ROOT
from tests.servers import direct_client

from .book import WRONGS
from .callers import Party

DEMO_DBS = (0, 1)
DEMO_CALM, CREW_CALM = 4.0, 6.0
"""By how much they are slower than where they are all the load there is."""
LOOK_S = 0.5
CREW_END_S = 120.0
"""Within which its players go home and its history is judged."""


@define(eq=False)
class Shifts:
    """The processes, and how long a shift is."""

    binary: str
    seconds: float
    errors: IO[bytes]
    """Where the processes say what went wrong with them."""
    running: list[subprocess.Popen[bytes]] = Factory(list)

    def break_off(self) -> None:
        """No child may outlive us."""
        for process in self.running:
            process.kill()

    def demo(self, party: Party, dice: random.Random) -> None:
        """One shift after the other, each with a process for every workload."""
        while not party.over.is_set():
            wipe(party, DEMO_DBS)  # the shift before may have broken off
            processes = [self._start_demo(name, party) for name in WORKLOADS]
            try:
                for name, process in zip(WORKLOADS, processes, strict=True):
                    clients = heard(process, "ready")["ready"]
                    party.book.add(f"redis-py: {name}", clients=int(str(clients)))
                party.over.wait(self.seconds)
                for process in processes:
                    say(process, "stop")
                for process in processes:
                    heard(process, "stopped")
                for name, process in zip(WORKLOADS, processes, strict=True):
                    say(process, f"judge 127.0.0.1:{party.plain_port}")
                    write_down(party, f"redis-py: {name}", heard(process, "result"))
            finally:
                for process in processes:
                    process.kill()
                    process.wait()

    def _start_demo(self, workload: str, party: Party) -> subprocess.Popen[bytes]:
        address = f"127.0.0.1:{party.plain_port}"
        calm = f"{DEMO_CALM * party.calm:g}"
        command = [sys.executable, "-m", "proxy.terminal.demo.load", workload, address, calm]
        return self._start(command)

    def _start(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        self.running = [process for process in self.running if process.poll() is None]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=self.errors)
        self.running.append(process)
        return process

    def crew(self, party: Party, dice: random.Random) -> None:
        """One shift after the other."""
        while not party.over.is_set():
            given = {
                "binary": self.binary,
                "port": party.plain_port,
                "seconds": self.seconds,
                "seed": dice.randrange(10**9),
                "calm": CREW_CALM * party.calm,
            }
            command = [sys.executable, "-m", "scripts.baton_soak.crew"]
            command += [f"--{name}={value}" for name, value in given.items()]
            with self._start(command) as process:
                try:
                    said = self._attend(process, party)
                finally:
                    process.kill()
            if process.returncode == -signal.SIGTERM:  # it had not yet begun
                return
            if process.returncode:
                raise RuntimeError(f"the crew ended with {process.returncode}")
            write_down(party, "chaos crew", json.loads(said))

    def _attend(self, process: subprocess.Popen[bytes], party: Party) -> bytes:
        """What the crew tells in the end, which comes early when it is over."""
        deadline_s = time.monotonic() + self.seconds + CREW_END_S
        told = False
        while True:
            try:
                return process.communicate(timeout=LOOK_S)[0]
            except subprocess.TimeoutExpired:
                if time.monotonic() > deadline_s:
                    raise
                if party.over.is_set() and not told:
                    process.terminate()
                    told = True


def say(process: subprocess.Popen[bytes], words: str) -> None:
    assert process.stdin is not None
    process.stdin.write(f"{words}\n".encode())
    process.stdin.flush()


def heard(process: subprocess.Popen[bytes], name: str) -> dict[str, object]:
    """What a load process tells next under this name; in between it tells how it goes."""
    assert process.stdout is not None
    for line in process.stdout:
        fact: dict[str, object] = json.loads(line)
        if name in fact:
            result = fact[name]
            return result if isinstance(result, dict) else fact
    raise RuntimeError(f"a load process ended before it told {name}")


def write_down(party: Party, row: str, told: dict[str, object]) -> None:
    counts = {what: int(str(told.get(what, 0))) for what in ("clients", "operations", *WRONGS)}
    party.book.add(row, **counts)
    problems = told["problems"]
    assert isinstance(problems, list)
    for problem in problems:
        party.book.say(f"{row}: {problem}")


def wipe(party: Party, dbs: Sequence[int]) -> None:
    for db in dbs:
        with direct_client(party.port, db=db) as client:
            client.flushdb()
