"""Those who look on: visitors of the console, scrapes of the metrics, readers of the page and the events."""

from __future__ import annotations

import random
import socket
import struct
import time
import urllib.request
from contextlib import closing

import hiredis
from attrs import frozen

from proxy.wire.encoding import command
from tests.talking import Talk

from .callers import Party

ANSWER_LIMIT_S = 30.0
ASKED = ("PING", "INFO", "NODES", "CLIENTS", "SWITCHOVER STATUS", "CONFIG GET *", "HELP", "CHECK")
PATHS = ("/livez", "/v1/status", "/v1/nodes", "/v1/clients", "/v1/history", "/v1/info", "/v1/openapi.json")


@frozen
class Onlookers:
    admin_port: int
    http_port: int

    def visit_console(self, party: Party, dice: random.Random) -> None:
        """Asks a few things; some listen to the events for a while, some go rudely."""
        while party.rest(dice, 700, party.over):
            party.book.add("console", clients=1)
            try:
                with closing(socket.create_connection(("127.0.0.1", self.admin_port), ANSWER_LIMIT_S)) as raw:
                    asked = self._converse(Talk(raw), dice)
                    if dice.random() < 0.3:
                        raw.send(command("CLIENTS"))
                        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                party.book.add("console", operations=asked)
            except (OSError, EOFError, AssertionError) as fault:
                party.book.wrong("console", "errors", f"{type(fault).__name__} {fault}")

    def _converse(self, talk: Talk, dice: random.Random) -> int:
        asked = dice.randrange(1, 5)
        for _ in range(asked):
            words = dice.choice(ASKED)
            reply = talk.ask(*words.split())
            # CHECK is refused while something is under way.
            assert not isinstance(reply, hiredis.ReplyError) or words == "CHECK", f"{words}: {reply}"
        if dice.random() < 0.3:
            talk.ask("SUBSCRIBE", "*" if dice.random() < 0.5 else "events")
            time.sleep(dice.random() * 2)
        return asked

    def scrape(self, party: Party, dice: random.Random) -> None:
        while party.rest(dice, 1000, party.over):
            self._get(party, "/metrics", "scrapes")

    def read(self, party: Party, dice: random.Random) -> None:
        """The page and what it asks for; now and then the stream of events, broken off."""
        while party.rest(dice, 1500, party.over):
            for path in ("/", dice.choice(PATHS)):
                self._get(party, path, "page")
            if dice.random() < 0.3:
                self._listen(party, dice)

    def _get(self, party: Party, path: str, row: str) -> None:
        party.book.add(row, clients=1)
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.http_port}{path}", timeout=ANSWER_LIMIT_S
            ) as got:
                assert got.read(), "nothing was answered"
            party.book.add(row, operations=1)
        except (OSError, AssertionError) as fault:  # an HTTPError is an OSError
            party.book.wrong(row, "errors", f"GET {path}: {type(fault).__name__} {fault}")

    def _listen(self, party: Party, dice: random.Random) -> None:
        try:
            with closing(socket.create_connection(("127.0.0.1", self.http_port), ANSWER_LIMIT_S)) as raw:
                host = f"127.0.0.1:{self.http_port}"
                raw.sendall(f"GET /v1/events HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
                assert (said := raw.recv(4096)).startswith(b"HTTP/1.1 200"), said[:100]
                time.sleep(dice.random() * 2)
            party.book.add("page", operations=1)
        except (OSError, AssertionError) as fault:
            party.book.wrong("page", "errors", f"events: {type(fault).__name__} {fault}")
