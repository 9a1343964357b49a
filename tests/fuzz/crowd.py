"""Who is in the storm: connections that send rubbish, and clients who look for their tag in each reply."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from random import Random

import attrs

from tests.baton import BatonProcess
from tests.fuzz.corpus import conversation, cut, mutate
from tests.talking import RECEIVE, Talk

RESET_AT_ONCE = struct.pack("ii", 1, 0)
LARGE = 30_000


@attrs.define(eq=False)
class Crowd:
    """Threads before one proxy, until they are told to stop; what went wrong is in `faults`."""

    proxy: BatonProcess
    stop: threading.Event = attrs.field(factory=threading.Event)
    faults: list[str] = attrs.field(factory=list)
    checked: int = 0
    thrown: int = 0
    _threads: list[threading.Thread] = attrs.field(factory=list)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        for thread in self._threads:
            thread.join()

    def add(self, act: Callable[[Random], object], random: Random) -> None:
        """Let it act, again and again."""

        def go() -> None:
            try:
                while not self.stop.is_set():
                    act(random)
            except Exception as fault:
                self.faults.append(f"{act!r}: {fault!r}")
                self.stop.set()

        self._threads.append(threading.Thread(target=go, daemon=True))
        self._threads[-1].start()

    def throw(self, random: Random) -> None:
        """One connection, one mutated conversation, one of the ways to go; the answers are read or not."""
        connection = self.proxy.raw()
        connection.settimeout(0.02)
        with contextlib.closing(connection), contextlib.suppress(OSError):
            for piece in cut(random, b"".join(mutate(random, conversation(random)))):
                connection.sendall(piece)
                if random.random() < 0.5:
                    connection.recv(RECEIVE)
            if random.random() < 0.3:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_ONCE)
            elif random.random() < 0.5:
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(RECEIVE):
                    pass
        self.thrown += 1

    def well_behaved(self, name: str, protocol: int) -> Callable[[Random], None]:
        """A client that keeps its connection, and knows each of its answers beforehand."""
        talk = Talk(self.proxy.raw())
        assert talk.ask("HELLO", protocol)
        assert talk.ask("SELECT", 15) == "OK"  # where no conversation of the corpus goes
        turns = iter(range(10**9))

        def act(random: Random) -> None:
            tag = f"{name}:{next(turns)}"
            if random.random() < 0.1:
                tag += "x" * LARGE
            told = list(exchange(name, tag, random))
            for words, _ in told:
                talk.send(*words)
            for words, wanted in told:
                got = talk.reply()
                assert got == wanted, (
                    f"{name} wants {str(wanted)[:80]}, and gets {str(got)[:200]} for {words[0]}"
                )
            self.checked += len(told)

        return act

    def subscriber(self, name: str) -> Callable[[Random], None]:
        """A client that hears its own channel, of which it publishes itself, and nothing else."""
        ears, mouth = Talk(self.proxy.raw()), Talk(self.proxy.raw())
        assert ears.ask("SUBSCRIBE", f"own:{name}") == ["subscribe", f"own:{name}", 1]
        turns = iter(range(10**9))

        def act(random: Random) -> None:
            tags = [f"{name}:{next(turns)}" for _ in range(random.randrange(1, 5))]
            for tag in tags:
                mouth.send("PUBLISH", f"own:{name}", tag)
            got = [ears.reply() for _ in tags]
            assert got == [["message", f"own:{name}", tag] for tag in tags], f"{name} hears {str(got)[:300]}"
            counts = mouth.replies(len(tags))
            # By more than itself where a mutated PSUBSCRIBE has come to be of a pattern that fits.
            assert all(count >= 1 for count in counts), f"{name} is heard by {counts}"
            self.checked += len(tags)

        return act


Told = tuple[tuple[str | int, ...], object]


def exchange(name: str, tag: str, random: Random) -> Iterator[Told]:
    """Commands and the answers that nobody but this client may get."""
    yield ("ECHO", tag), tag
    match random.randrange(4):
        case 0:
            yield ("SET", f"own:{name}", tag), "OK"
            yield ("GET", f"own:{name}"), tag
        case 1:
            yield ("RPUSH", f"own:list:{name}", tag), 1
            yield ("BLPOP", f"own:list:{name}", 0), [f"own:list:{name}", tag]
        case 2:
            yield ("MULTI",), "OK"
            yield ("ECHO", tag), "QUEUED"
            yield ("EXEC",), [tag]
        case _:
            yield ("EVAL", "return ARGV[1]", 0, tag), tag
    yield ("PING", tag), tag
