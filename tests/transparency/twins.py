"""The twins: one server straight, and a pair of nodes behind the proxy, kept for many conversations."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from attrs import define, field

from tests import control
from tests.baton import BatonProcess
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.transparency import pools
from tests.transparency.connection import LIMIT_SECONDS, Circle
from tests.transparency.conversations import Conversation
from tests.transparency.monitoring import EYE, Overhearing, is_stranger, own_addresses
from tests.transparency.proxied import Differed, Proxied
from tests.transparency.sameness import Known
from tests.transparency.straight import Straight, blocked_flags
from tests.waiting import wait_until


@define(eq=False, repr=False)
class Twins:
    """Everything that a conversation is held with."""

    server: RedisServer
    pair: Pair
    proxy: BatonProcess
    shared: bool
    """Its clients share lanes."""
    port: int = 0
    """Where the proxied side connects, if it is not the proxy itself."""
    eyes: dict[int, Talk] = field(factory=dict)
    swapped: bool = False
    pool: ThreadPoolExecutor = field(factory=lambda: ThreadPoolExecutor(1))

    @property
    def primary(self) -> RedisServer:
        return self.pair[self.swapped]

    def eye(self, port: int) -> Talk:
        """A connection of the test's own, kept."""
        if port not in self.eyes:
            servers = {self.server.port: self.server, **{node.port: node for node in self.pair}}
            opened = servers[port].raw() if port in servers else self.proxy.raw()
            self.eyes[port] = Talk(opened)
            if port in servers or not self.shared:  # else a lane has the name, which others have later
                self.eyes[port].ask("CLIENT", "SETNAME", EYE)
        return self.eyes[port]

    def hold(self, conversation: Conversation) -> None:
        """Hold one conversation on both sides; a Differed where they are not the same."""
        self.prepare()
        switched = conversation.switch_at is not None
        here, there = (
            Overhearing(self._own(*servers), switched, self.shared) for servers in ((self.server,), self.pair)
        )
        straight = Straight(self.server, self.eye(self.server.port), conversation, here)
        port = self.port or self.proxy.port
        circle = Circle(port, conversation.protocols, conversation.patient, there)
        switching: list[Future[Any]] = []

        def switch(beside: bool) -> None:
            switching.append(self.pool.submit(self.proxy.switchover))
            if not beside:
                switching[0].result()

        try:
            acts = straight.perform()
            known = Known(straight.circle.names, circle.names)
            proxied = Proxied(
                conversation, circle, known, self.eye(self.proxy.port), self.blocked_clients, switch
            )
            proxied.perform(acts)
        finally:
            straight.circle.close()
            circle.close()
            if switching:
                self._switched(switching[0].result())
        self._all_gone()

    def _switched(self, report: dict[str, Any]) -> None:
        if report["outcome"] == "done":
            self.swapped = not self.swapped
        if report["outcome"] != "done" or report["clients_closed"]:
            raise Differed(f"the switchover: {report}")

    def _own(self, *servers: RedisServer) -> set[bytes]:
        return {
            address
            for server in servers
            for address in own_addresses(self.eye(server.port).ask("CLIENT", "LIST").splitlines())
        }

    def blocked_clients(self) -> int:
        return sum(blocked for node in self.pair for blocked in blocked_flags(self.eye(node.port)).values())

    def prepare(self) -> None:
        """Make both sides what they were in the beginning: nothing of the last conversation is left."""
        self._clear()
        self.eye(self.proxy.port).ask("SCRIPT", "FLUSH")  # the proxy keeps scripts too
        for server in (self.server, self.primary):
            self._fill(server)
        replica = self.pair[not self.swapped]
        self._many(replica, ("SCRIPT", "FLUSH"), ("CONFIG", "SET", "notify-keyspace-events", ""), *pools.ACL)

    def _all_gone(self) -> None:
        """When the clients have gone, so have their lanes."""
        try:
            wait_until(lambda: not self._left(), "", LIMIT_SECONDS)
        except AssertionError:
            raise Differed(f"lanes without clients: {self._left()}") from None

    def _clear(self) -> None:
        """Where a conversation failed, something may be left of it."""
        for eye in self._overlooking():
            for line in strangers(eye):
                eye.ask("CLIENT", "KILL", "ID", line.split()[0].partition("=")[2])
        wait_until(lambda: not self._left(), "the clients of the last conversation have gone")

    def _left(self) -> list[str]:
        return [line for eye in self._overlooking() for line in strangers(eye)]

    def _overlooking(self) -> list[Talk]:
        """Those who see all connections. The primary is seen through the proxy: lanes whose client has
        gone are seen, but not those that clients share or take turns with."""
        replica = self.pair[not self.swapped]
        return [self.eye(port) for port in (self.server.port, self.proxy.port, replica.port)]

    def _fill(self, server: RedisServer) -> None:
        kept = ("default", *pools.USERS, *([control.NAME] if control.MODE.on else []))
        users = [name for name in self.eye(server.port).ask("ACL", "USERS") if name not in kept]
        functions = [] if server.version == "6.2" else [("FUNCTION", "FLUSH")]
        self._many(
            server,
            *(("ACL", "DELUSER", user) for user in users),
            ("CONFIG", "SET", "notify-keyspace-events", ""),
            ("SCRIPT", "FLUSH"),
            ("FLUSHALL",),
            *functions,
            *pools.ACL,
            *pools.DATA,
        )

    def _many(self, server: RedisServer, *commands: tuple[str, ...]) -> None:
        eye = self.eye(server.port)
        for words in commands:
            eye.send(*words)
        for words, answer in zip(commands, eye.replies(len(commands)), strict=True):
            if isinstance(answer, Exception):
                raise AssertionError(f"{words} is answered {answer}")


def strangers(eye: Talk) -> list[str]:
    """The connections of a server that are neither a replica's, nor the proxy's own, nor the test's."""
    found = []
    mine = "{}:{}".format(*eye.socket.getsockname())
    for line in eye.ask("CLIENT", "LIST").splitlines():
        said = dict(word.partition("=")[::2] for word in line.split(" "))
        if said["addr"] != mine and is_stranger(said["name"], said["flags"]):
            found.append(line)
    return found
