"""``baton clients``: who is connected; and the end of one."""

from typing import Any

import click

from proxy.terminal.exits import DONE
from proxy.terminal.reaching import Place, reaching
from proxy.terminal.reading import Values, pairs
from proxy.terminal.writing import say, show_json, show_table

COLUMNS = ("id", "addr", "user", "name", "resp", "db", "lane", "why", "owed", "unread", "state")
STATES = ("multi", "watch", "blocked", "subscribed", "waiting", "monitor", "silent", "tracking", "plain")


@click.group("clients", invoke_without_command=True)
@click.option("--id", "id_", metavar="ID", type=click.IntRange(0), help="This one only.")
@click.option("--addr", metavar="ADDRESS", help="From this HOST:PORT, or host.")
@click.option("--user", help="Logged in as this user.")
@click.option("--name", help="With this name.")
@click.option("--lane", type=click.Choice(["shared", "private", "none"]), help="On such a lane.")
@click.option("--state", type=click.Choice(STATES), metavar="STATE", help=f"One of {', '.join(STATES)}.")
@click.option("--db", type=click.IntRange(0), help="In this database.")
@click.option("--limit", metavar="N", type=click.IntRange(1), help="So many at most.")
@click.option("--json", "as_json", is_flag=True, help="A JSON array on stdout, and nothing else.")
@reaching
@click.pass_context
def clients_verb(
    context: click.Context, /, place: Place, id_: int | None, as_json: bool, **filters: Any
) -> int:
    """The clients, a line for each, of those for which all filters hold. `clients kill ID` closes one."""
    if context.invoked_subcommand is not None:
        return DONE
    filters["id"] = id_
    words = [(name.upper(), str(value)) for name, value in filters.items() if value is not None]
    clients = [client(line) for line in place.ask("CLIENTS", *(word for pair in words for word in pair))]
    if as_json:
        show_json(clients)
    else:
        show_table(COLUMNS, [[each.get(name, "") for name in COLUMNS] for each in clients])
    return DONE


def client(line: str) -> Values:
    """One client, as the console tells it."""
    return pairs(line)


@clients_verb.command("kill")
@click.argument("number", metavar="ID", type=click.IntRange(0))
@reaching
def kill_verb(place: Place, number: int) -> int:
    """Close a client by its id, as CLIENT KILL would."""
    place.ask("CLIENTS", "KILL", number)
    say(f"client {number} is closed")
    return DONE
