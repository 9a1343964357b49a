"""One Redis server, and what it can be told and asked.

The verbs of the hold (`pause`, `reach`, `demote`, `unpause`) cost one round trip each on a link that is open
already; nothing in them asks INFO or connects anew where it can be helped.
"""

import re
from collections.abc import Iterable, Sequence

import trio
from attrs import define, field

from proxy.nodes.address import Address
from proxy.nodes.errors import LinkLost, ReplyError
from proxy.nodes.inquiry import inquire
from proxy.nodes.link import Link, Login, Reply, Request, Word, name_of
from proxy.nodes.parsing import pairs, parse_client_ids, parse_info, parse_settings, parse_standing
from proxy.nodes.role import Role, parse_role
from proxy.switchover.facts import NodeFacts, Standing
from proxy.wire.commands import CommandTable, parse_commands

POLL_FIRST_SECONDS = 0.0002
POLL_LONGEST_SECONDS = 0.001
SCRIPTS_BYTES = 1 << 20
"""How much of scripts is sent in one go."""


@define(eq=False)
class Node:
    """A node as the proxy's own user sees it. Every error is a `NodeError` whose text names the node.

    Waits have no limit of their own, except for connecting: the caller sets a deadline. A verb that is cut
    short by one closes the link, and the next verb opens another.
    """

    address: Address
    login: Login
    name: str
    """Of the control connections, as CLIENT LIST shows it: ``baton:<instance>``."""
    connect_within: float = 1.0
    """Seconds for connecting and logging in."""
    run_id: str = field(default="", init=False)
    """Of the process that was there at the last connect; a restart changes it."""
    commands: CommandTable = field(factory=CommandTable, init=False)
    """What the process of ``_learnt`` said to COMMAND; empty until it was asked."""
    version: tuple[int, ...] = field(default=(), init=False)
    """The Redis version of that process, or with which it is compatible (Valkey): (7, 0, 15)."""
    seen: Role | None = field(default=None, init=False)
    """What the node said when it was last asked for its role."""
    _link: Link | None = field(default=None, init=False)
    _opening: trio.Lock = field(factory=trio.Lock, init=False)
    _learnt: str = field(default="", init=False)

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

    async def open_link(self, purpose: str = "") -> Link:
        """Open one more link, for a purpose of its own; note role and run_id of who is there (ROLE, INFO)."""
        try:
            with trio.fail_after(self.connect_within):
                link = await Link.open(self.address, self.login, f"{self.name}{purpose and ':'}{purpose}")
                try:
                    role, info = await link.calls([("ROLE",), ("INFO", "server")])
                    self.seen = self.read_role(role)
                    server = parse_info(self._value(info, "INFO"))
                    link.run_id = self.run_id = server["run_id"]
                    self.version = tuple(map(int, re.findall("[0-9]+", server["redis_version"])))
                except BaseException:
                    link.close()
                    raise
                return link
        except trio.TooSlowError:
            raise LinkLost(f"{self}: no connection within {self.connect_within:g} s") from None

    def close(self) -> None:
        """Close the link. The node may be used again, over a new one."""
        if self._link is not None:
            self._link.close()

    # Asking.

    async def role(self) -> Role:
        """Ask ROLE."""
        return self.read_role(await self._call("ROLE"))

    async def standing(self) -> Standing:
        """Ask ROLE and INFO server, replication in one go."""
        role, *sections = await self._calls(("ROLE",), ("INFO", "server"), ("INFO", "replication"))
        info = [parse_info(self._value(section, "INFO")) for section in sections]
        try:
            return parse_standing(str(self), self.read_role(role), info[0] | info[1])
        except ValueError as error:
            raise ReplyError(str(error), str(self)) from None

    async def facts(self) -> NodeFacts:
        """Ask everything that preflight judges by: INFO, CONFIG GET, ACL LIST, CLIENT LIST and more."""
        return await inquire(await self.link(), self.login.name)

    async def sync_full(self) -> int:
        """Count the full resyncs that this node has served since it started (INFO stats)."""
        return int(parse_info(await self._call("INFO", "stats"))["sync_full"])

    async def learn_commands(self) -> None:
        """Ask COMMAND, once for each process at this address."""
        if self._learnt != self.run_id:
            run_id = self.run_id
            try:
                self.commands = parse_commands(self._value(await self._call("COMMAND"), "COMMAND"))
            except ValueError as error:
                raise ReplyError(str(error), str(self)) from None
            self._learnt = run_id

    async def client_ids(self) -> dict[str, int]:
        """Return the ids of the connections by the addresses from which the node sees them (CLIENT LIST).

        It takes the node about 3 ms for 1000 connections, and nobody else is served meanwhile.
        """
        replies = await self._calls(*[("CLIENT", "LIST", "TYPE", kind) for kind in ("normal", "pubsub")])
        ids: dict[str, int] = {}
        for reply in replies:
            ids |= parse_client_ids(self._value(reply, "CLIENT LIST"))
        return ids

    async def stream_last_ids(self, db: int, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the last id that each stream gave out (XINFO STREAM); b"0-0" for a key that is no stream."""
        # Redis runs what comes in one send before anything that another task sends over this link: nobody
        # else is in the wrong database.
        selected, *streams, _ = await self._calls(
            ("SELECT", db), *[("XINFO", "STREAM", key) for key in keys], ("SELECT", 0)
        )
        self._value(selected, f"SELECT {db}")
        ids = {}
        for key, reply in zip(keys, streams, strict=True):
            empty = isinstance(reply, ReplyError) and reply.text.startswith(("ERR no such key", "WRONGTYPE"))
            info = {} if empty else pairs(self._value(reply, "XINFO STREAM"))
            ids[key] = bytes(info.get("last-generated-id", b"0-0"))
        return ids

    async def wants_replicas(self) -> bool:
        """Whether a minimum of replicas is set, below which the node takes no writes (INFO replication)."""
        return "min_slaves_good_slaves" in parse_info(await self._call("INFO", "replication"))

    async def min_replicas_met(self) -> bool:
        """Whether the replicas suffice for writing (min-replicas-to-write against INFO replication)."""
        info, config = await self._calls(("INFO", "replication"), ("CONFIG", "GET", "min-replicas-to-write"))
        good = parse_info(self._value(info, "INFO")).get("min_slaves_good_slaves")
        if good is None:  # the field is there only where such a minimum is set
            return True
        # Where CONFIG is forbidden, one is the least that such a minimum can be.
        settings = {} if isinstance(config, ReplyError) else parse_settings(config)
        return int(good) >= int(settings.get("min-replicas-to-write", 1))

    # Telling.

    async def pause(self, ms: int) -> int:
        """CLIENT PAUSE ms WRITE, and the primary's replication offset after it (ROLE), in one send.

        A pause that is running already can only become longer. ReplyError if the node is no primary.
        """
        paused, said = await self._calls(("CLIENT", "PAUSE", ms, "WRITE"), ("ROLE",))
        self._value(paused, "CLIENT PAUSE")
        role = self.read_role(said)
        if not role.is_primary:
            raise ReplyError(f"no primary any more but {role}", str(self))
        return role.offset

    async def fence(self, ms: int) -> None:
        """CLIENT PAUSE ms WRITE. Who stops waiting for the answer takes nothing back, and keeps the link."""
        link = await self.link()
        [paused] = await link.wait(link.post(("CLIENT", "PAUSE", ms, "WRITE")))
        self._value(paused, "CLIENT PAUSE")

    async def unpause(self) -> None:
        """CLIENT UNPAUSE. It ends a pause of anybody."""
        await self._call("CLIENT", "UNPAUSE")

    async def reach(self, offset: int) -> int:
        """Ask ROLE again and again until this replica has applied `offset`; return how far it is then.

        The replica itself is asked: its primary learns of its progress once a second only. NodeError if it
        does not follow any more, for then it never would.
        """
        pause = POLL_FIRST_SECONDS
        while True:
            role = await self.role()
            if role.is_primary or role.link != "connected":
                raise ReplyError(f"cannot reach offset {offset}: {role}", str(self))
            if role.offset >= offset:
                return role.offset
            await trio.sleep(pause)
            pause = min(pause * 1.5, POLL_LONGEST_SECONDS)

    async def follow(self, host: str, port: int) -> None:
        """REPLICAOF host port, and ROLE to see that it is so. Nothing happens to a node that does already."""
        told, said = await self._calls(("REPLICAOF", host, port), ("ROLE",))
        self._value(told, "REPLICAOF")
        role = self.read_role(said)
        if (role.primary_host.lower(), role.primary_port) != (host.lower(), port):
            raise ReplyError(f"was told to follow {host}:{port} and is {role}", str(self))

    async def demote(self, host: str, port: int) -> None:
        """REPLICAOF host port, and once ROLE shows it, CLIENT UNPAUSE. To be repeated until it succeeds.

        Not in one MULTI: there, UNPAUSE would run even where REPLICAOF is refused, and free a primary.
        """
        await self.follow(host, port)
        await self.unpause()

    async def rewrite_config(self) -> str:
        """CONFIG REWRITE where the server has a file; return "", or why it was not done."""
        if not parse_info(await self._call("INFO", "server")).get("config_file"):
            return f"{self}: runs without a config file"
        try:
            await self._call("CONFIG", "REWRITE")
        except ReplyError as error:
            return str(error)
        return ""

    async def load_scripts(self, bodies: Iterable[bytes]) -> None:
        """SCRIPT LOAD for each. A script that the node already has costs little; one that it cannot compile
        is passed over, for it could not be called there either."""
        batch: list[Request] = []
        size = 0
        for body in bodies:
            batch.append(("SCRIPT", "LOAD", body))
            size += len(body)
            if size >= SCRIPTS_BYTES:
                await self._load(batch)
                batch, size = [], 0
        await self._load(batch)

    async def _load(self, batch: list[Request]) -> None:
        for reply in await self._calls(*batch) if batch else []:
            if not isinstance(reply, ReplyError) or not reply.text.startswith("ERR Error compiling script"):
                self._value(reply, "SCRIPT LOAD")

    async def unblock(self, ids: Sequence[int]) -> list[int]:
        """CLIENT UNBLOCK id ERROR for each; 1 where that connection was blocked."""
        return await self._all([("CLIENT", "UNBLOCK", number, "ERROR") for number in ids])

    # Speaking.

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
