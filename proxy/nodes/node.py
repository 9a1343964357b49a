"""One Redis server, and what it can be told and asked.

The verbs of the hold (`pause`, `reach`, `demote`, `unpause`) cost one round trip each on a link that is open
already; nothing in them asks INFO or connects anew where it can be helped.
"""

from collections.abc import Iterable, Sequence

import trio
from attrs import define, field

from proxy.nodes.errors import ReplyError, understood
from proxy.nodes.inquiry import inquire
from proxy.nodes.link import Request
from proxy.nodes.parsing import pairs, parse_client_ids, parse_info, parse_settings, parse_standing
from proxy.nodes.reaching import Reachable
from proxy.nodes.role import Role
from proxy.switchover.facts import NodeFacts, Standing
from proxy.wire.commands import CommandTable, parse_commands

POLL_FIRST_SECONDS = 0.0002
POLL_LONGEST_SECONDS = 0.001
SCRIPTS_BYTES = 1 << 20
"""How much of scripts is sent in one go."""


@define(eq=False)
class Node(Reachable):
    """A node as the proxy's own user sees it. Every error is a `NodeError` whose text names the node.

    Waits have no limit of their own, except for connecting: the caller sets a deadline. A verb that is cut
    short by one closes the link, and the next verb opens another.
    """

    commands: CommandTable = field(factory=CommandTable, init=False)
    """What the process of ``_learnt`` said to COMMAND; empty until it was asked."""
    _learnt: str = field(default="", init=False)

    # Asking.

    async def role(self) -> Role:
        """Ask ROLE."""
        return self.read_role(await self._call("ROLE"))

    @understood
    async def standing(self) -> Standing:
        """Ask ROLE and INFO server, replication in one go."""
        role, *sections = await self._calls(("ROLE",), ("INFO", "server"), ("INFO", "replication"))
        info = [parse_info(self._value(section, "INFO")) for section in sections]
        try:
            return parse_standing(str(self), self.read_role(role), info[0] | info[1])
        except ValueError as error:
            raise ReplyError(str(error), str(self)) from None

    @understood
    async def facts(self) -> NodeFacts:
        """Ask everything that preflight judges by: INFO, CONFIG GET, ACL LIST, CLIENT LIST and more."""
        return await inquire(await self.link(), self.login.name, self.version)

    @understood
    async def sync_full(self) -> int:
        """Count the full resyncs that this node has served since it started (INFO stats)."""
        return int(parse_info(await self._call("INFO", "stats"))["sync_full"])

    @understood
    async def learn_commands(self) -> None:
        """Ask COMMAND, once for each process at this address."""
        if self._learnt != self.run_id:
            run_id = self.run_id
            try:
                self.commands = parse_commands(self._value(await self._call("COMMAND"), "COMMAND"))
            except ValueError as error:
                raise ReplyError(str(error), str(self)) from None
            self._learnt = run_id

    @understood
    async def client_ids(self) -> dict[str, int]:
        """Return the ids of the connections by their addresses (CLIENT LIST); none where the node sees others
        than we do, for what is ours here may be anybody's there.

        It takes the node about 3 ms for 1000 connections, and nobody else is served meanwhile.
        """
        await self.link()
        if self.sees_others:
            return {}
        replies = await self._calls(*[("CLIENT", "LIST", "TYPE", kind) for kind in ("normal", "pubsub")])
        ids: dict[str, int] = {}
        for reply in replies:
            ids |= parse_client_ids(self._value(reply, "CLIENT LIST"))
        return ids

    @understood
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

    @understood
    async def wants_replicas(self) -> bool:
        """Whether a minimum of replicas is set, below which the node takes no writes (INFO replication)."""
        return "min_slaves_good_slaves" in parse_info(await self._call("INFO", "replication"))

    @understood
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

    @understood
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
