"""A console that says what a test wants it to say, for what a real one says only on the worst of days."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Any, Self

import hiredis

from proxy.admin.console.encoding import Line, Push, Reply, encode

HELLO: Mapping[str, Reply] = {"server": "baton", "version": "0", "proto": 3, "id": 1, "mode": "standalone"}
Answer = Reply | Callable[[], Reply]


class HangUp(Exception):
    """Raised by an answer: the connection is closed instead."""


class PretendConsole:
    """Answers by the words that it was asked; what it was not told to know is an unknown command."""

    def __init__(self) -> None:
        self.answers: dict[str, Answer] = {"PING": Line("PONG"), "HELLO 3": HELLO}
        self.asked: list[str] = []
        self._subscribers: list[Any] = []
        pretend = self

        class Conversation(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                reader = hiredis.Reader(encoding="utf-8")
                while data := self.request.recv(65536):
                    reader.feed(data)
                    while (words := reader.gets()) is not False:
                        try:
                            self.request.sendall(encode(pretend.reply(words, self.request), 3))
                        except HangUp:
                            return

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True
            block_on_close = False

        self._server = Server(("127.0.0.1", 0), Conversation)
        self.port: int = self._server.server_address[1]
        threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        ).start()

    def reply(self, words: list[str], connection: Any) -> Reply:
        asked = " ".join(words)
        self.asked.append(asked)
        if asked.upper() == "SUBSCRIBE EVENTS" and "SUBSCRIBE" in self.answers:
            self._subscribers.append(connection)
            return Push(["subscribe", "events", 1])
        answer = self.answers.get(asked)
        if answer is None:
            from proxy.admin.console.encoding import Error

            return Error(f"ERR unknown command '{words[0]}'")
        return answer() if callable(answer) else answer

    def tell(self, event: str, **values: object) -> None:
        """Publish an event."""
        message = json.dumps({"time": 0.0, "event": event, **values})
        for connection in self._subscribers:
            connection.sendall(encode(Push(["message", "events", message]), 3))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, where: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
