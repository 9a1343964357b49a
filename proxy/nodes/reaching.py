"""Reaching one node: the control connections to it, and what is said over them.

One link carries nearly everything; others are opened for a purpose of their own. What a node was told and did
not answer is taken back when it is reached again: see :meth:`Reachable._revoke`.
"""

import re

import trio
from attrs import define, field

from proxy.nodes.address import Address
from proxy.nodes.dialing import dial
from proxy.nodes.errors import ReplyError, Slow, understood
from proxy.nodes.link import Link, Login, Reply, Request, Word, name_of
from proxy.nodes.parsing import parse_client_ids, parse_info
from proxy.nodes.role import Role, parse_role
from proxy.transport.contexts import Dialled
from proxy.transport.transport import Transport


@define(eq=False)
class Reachable:
    """A node, its place and the links to it. Waits have no limit of their own, except for connecting."""

    address: Address
    login: Login
    name: str
    """Of the control connections, as CLIENT LIST shows it: ``baton:<instance>``."""
    connect_within: float = 1.0
    """Seconds for connecting and logging in."""
    security: Dialled | None = None
    """With which TLS is spoken to it; without, none is."""
    run_id: str = field(default="", init=False)
    """Of the process that was there at the last connect; a restart changes it."""
    version: tuple[int, ...] = field(default=(), init=False)
    """The Redis version of that process, or with which it is compatible (Valkey): (7, 0, 15)."""
    sees_others: bool = field(default=False, init=False)
    """Its CLIENT LIST has other addresses for our connections than we: they are translated on the way."""
    seen: Role | None = field(default=None, init=False)
    """What the node said when it was last asked for its role."""
    _link: Link | None = field(default=None, init=False)
    _links: list[Link] = field(factory=list, init=False)
    """All that were opened, until they are lost and the node has been told so."""
    _opening: trio.Lock = field(factory=trio.Lock, init=False)

    def __str__(self) -> str:
        return str(self.address)

    async def link(self) -> Link:
        """Return the open link, or connect; a process that is new at the address is asked who it is."""
        if self._link is not None and self._link.alive:
            return self._link
        async with self._opening:
            if self._link is None or not self._link.alive:
                self._link = await self.open_link()
            return self._link

    @understood
    async def open_link(self, purpose: str = "") -> Link:
        """Open one more link, for a purpose of its own; note role and run_id of who is there (ROLE, INFO)."""
        try:
            with trio.fail_after(self.connect_within):
                name = f"{self.name}{purpose and ':'}{purpose}"
                link = await Link.open(self.address, self.login, name, self.security)
                try:
                    asked: list[Request] = [("ROLE",), ("INFO", "server"), ("CLIENT", "LIST", "ID", link.id)]
                    role, info, listed = await link.calls(asked)
                    self.seen = self.read_role(role)
                    self.sees_others = isinstance(listed, bytes) and link.here not in parse_client_ids(listed)
                    server = parse_info(self._value(info, "INFO"))
                    link.run_id = self.run_id = server["run_id"]
                    self.version = tuple(map(int, re.findall("[0-9]+", server["redis_version"])))
                    await self._revoke(link)
                except BaseException:
                    link.close()
                    raise
                return link
        except trio.TooSlowError:
            kind = "connection" if self.security is None else "TLS connection"
            raise Slow(f"{self}: no {kind} within {self.connect_within:g} s") from None

    async def _revoke(self, link: Link) -> None:
        """Have the node close connections on which it was told what it has not answered. The network may
        still hold that, and deliver it when it is not true any more: a demotion of who is primary again."""
        lost = {each for each in self._links if each.is_lost}
        left = [each.id for each in lost if each.owes and each.run_id == link.run_id]
        if left:
            *killed, role = await link.calls([*(("CLIENT", "KILL", "ID", id) for id in left), ("ROLE",)])
            self.seen = self.read_role(role)
            if any(isinstance(reply, ReplyError) for reply in killed):
                lost.clear()  # we may not: it is tried again the next time
        self._links = [each for each in self._links if each not in lost]
        self._links.append(link)

    async def dial(self) -> Transport:
        """A new connection on which nothing has been said; LinkLost. The caller sets a deadline."""
        return (await dial(self.address, self.security))[1]

    def close(self) -> None:
        """Close the link. The node may be used again, over a new one."""
        if self._link is not None:
            self._link.close()

    async def _call(self, *request: Word) -> Reply:
        return await (await self.link()).call(*request)

    async def _calls(self, *requests: Request) -> list[Reply]:
        return await (await self.link()).calls(list(requests))

    async def _all(self, requests: list[Request]) -> list[Reply]:
        replies = await self._calls(*requests) if requests else []
        return [self._value(reply, name_of(asked)) for asked, reply in zip(requests, replies, strict=True)]

    def _value(self, reply: Reply, asked: str) -> Reply:
        if isinstance(reply, ReplyError):
            raise ReplyError(reply.text, f"{self}: {asked}")
        return reply

    def read_role(self, reply: Reply) -> Role:
        """Read the reply to a ROLE that was sent over a link of this node, and remember it as `seen`."""
        try:
            self.seen = parse_role(self._value(reply, "ROLE"))
        except ValueError as error:
            raise ReplyError(str(error), str(self)) from None
        return self.seen
