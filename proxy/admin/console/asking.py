"""Commands that ask and change nothing."""

import trio

from proxy.admin.console.command import Command, Form
from proxy.admin.console.encoding import Line, Push, Reply, Text, clean
from proxy.admin.console.informing import sections
from proxy.admin.console.rendering import client_line, node_line, report_line
from proxy.admin.console.steering import add_node, kill_client, remove_node
from proxy.admin.console.syntax import STATES, Given, Usage, shown
from proxy.admin.console.visitor import Visitor
from proxy.operation.views import ClientView

GROUP = "asking"
HISTORY_DEFAULT = 10
TURN = 100
"""Clients that are looked at before others have their turn: with thousands it takes tens of milliseconds."""


async def _ping(visitor: Visitor, given: Given) -> Reply:
    text = given.text("text")
    if visitor.listens_only:
        return Push(["pong", text or ""])
    return Line("PONG") if text is None else text


async def _nodes(visitor: Visitor, given: Given) -> Reply:
    overview = visitor.operator.overview()
    lines = [node_line(node) for node in overview.nodes]
    return [Line(line) for line in (*lines, *([f"! {overview.why}"] if overview.why else []))]


async def _clients(visitor: Visitor, given: Given) -> Reply:
    limit = given.number("LIMIT")
    lines: list[Line] = []
    for at, client in enumerate(visitor.operator.clients(), 1):
        if len(lines) == limit:
            break
        if _is_meant(client, given):
            lines.append(Line(client_line(client)))
        if at % TURN == 0:
            await trio.lowlevel.checkpoint()
    return lines


def _is_meant(client: ClientView, given: Given) -> bool:
    wanted = {
        "ID": given.number("ID") in (None, client.id),
        "ADDR": given.text("ADDR") in (None, client.address, client.address.rpartition(":")[0]),
        "USER": given.text("USER") in (None, client.user),
        "NAME": given.text("NAME") in (None, client.name),
        "LANE": given.text("LANE") in (None, client.lane),
        "STATE": given.text("STATE") in (None, *(client.state or ["plain"])),
        "DB": given.number("DB") in (None, client.db),
    }
    return all(wanted.values())


REDIS_HAS = {
    *("commandstats", "errorstats", "latencystats", "keyspace", "cluster", "modules", "persistence"),
    *("sentinel", "keysizes", "debug", "threads"),
}
"""Sections of Redis's INFO that the proxy has nothing for; like Redis, it answers with nothing."""


async def _info(visitor: Visitor, given: Given) -> Reply:
    """In the form of Redis's INFO, so that whatever reads that reads this."""
    found = sections(visitor.operator)
    by_name = {name.lower(): name for name in found}
    asked = [section.lower() for section in given.words("section")]
    if not asked or not {"all", "default", "everything"}.isdisjoint(asked):
        asked = list(by_name)
    parts = []
    for section in asked:
        if section not in by_name and section not in REDIS_HAS:
            raise Usage(f"INFO has no section '{shown(section)}'; it has {', '.join(by_name)}")
        if section in by_name:
            name = by_name[section]
            fields = (f"{field}:{value}" for field, value in found[name].items())
            parts.append("".join(f"{clean(line)}\r\n" for line in (f"# {name}", *fields)))
    return Text("\r\n".join(parts))


async def _history(visitor: Visitor, given: Given) -> Reply:
    reports = visitor.operator.history()[: given.number("n") or HISTORY_DEFAULT]
    return [Line(report_line(report)) for report in reports]


COMMANDS = {
    "PING": Command(
        group=GROUP,
        meaning="Is the process alive?",
        forms=[Form("PING [text]", "Answers PONG, or the text.", _ping)],
        while_subscribed=True,
    ),
    "NODES": Command(
        group=GROUP,
        meaning="The nodes, and which of them there are.",
        forms=[
            Form("NODES", "A line a node: role, offset, history, lag. A line with !: what is wrong.", _nodes),
            Form("NODES ADD host:port", "Take a node in while running.", add_node, acts=True),
            Form("NODES REMOVE host:port", "Forget a node that does not lead.", remove_node, acts=True),
        ],
        more=[
            "* marks the one that serves. Histories are shown by the first 8 digits of master_replid.",
            "ADD and REMOVE last until the proxy ends: write the node into the settings, too.",
        ],
        example="redis-cli -p 7379 NODES ADD redis-c:6379",
    ),
    "CLIENTS": Command(
        group=GROUP,
        meaning="The clients, and the end of one.",
        forms=[
            Form(
                "CLIENTS [ID id] [ADDR addr] [USER user] [NAME name] [LANE shared|private|none]"
                " [STATE state] [DB db] [LIMIT n]",
                "A line a client: those for which all filters hold, LIMIT at most.",
                _clients,
            ),
            Form("CLIENTS KILL id", "Close a client, as CLIENT KILL would.", kill_client, acts=True),
        ],
        more=[
            "ADDR: host:port, or the host alone. USER and NAME: exactly.",
            f"STATE: {', '.join(STATES)}.",
            "owed: replies it waits for. unread: bytes it has not read. why: why it has its own lane.",
        ],
        example="redis-cli -p 7379 CLIENTS LANE private STATE blocked LIMIT 20",
    ),
    "INFO": Command(
        group=GROUP,
        meaning="The proxy's numbers, in the form of Redis's INFO.",
        forms=[Form("INFO [section [section ...]]", "All sections, or these.", _info)],
        more=[
            "For scrapers of Redis: redis_version is the primary's, role is always master, what is counted",
            "are the proxy's clients, commands and bytes. What the proxy does not have is left out.",
        ],
        example="redis-cli -p 7379 INFO route",
    ),
    "HISTORY": Command(
        group=GROUP,
        meaning="What became of the last switchovers.",
        forms=[Form("HISTORY [n]", "A line each, the newest first; 10 unless told otherwise.", _history)],
        more=["name=value; a value with a blank in it as JSON writes it. Refused ones are there, too."],
        example="redis-cli -p 7379 HISTORY 3",
    ),
}
