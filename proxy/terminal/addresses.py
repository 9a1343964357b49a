"""Addresses of nodes on the command line, and who of them is the primary."""

from typing import Any

import click

from proxy.kinds import endpoint
from proxy.nodes.address import Address
from proxy.terminal.exits import Failure
from proxy.terminal.reaching import Place
from proxy.terminal.reading import info, nodes_in


class NodeAddress(click.ParamType[str]):
    """HOST:PORT, where a node listens."""

    name = "HOST:PORT"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            address = Address.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if address.port == 0:
            self.fail(f"{address}: port 0 is no place for a node", param, ctx)
        return str(address)


ADDRESS = NodeAddress()


def same(one: str, other: str) -> bool:
    """Whether they are one place, as far as can be told without asking a resolver."""
    return endpoint(Address.parse(one)) == endpoint(Address.parse(other))


def primary_of(place: Place, node: str) -> str:
    """The primary now. Raises Failure if there is none, or if `node` is no node of that proxy."""
    told = info(place, "route", "nodes")
    nodes = [str(each["address"]) for each in nodes_in(told)]
    if not any(same(each, node) for each in nodes):
        raise Failure(f"{node} is not among the nodes of {place.address}: {', '.join(nodes)}")
    primary = str(told.get("primary", ""))
    if not primary:
        raise Failure("there is no primary now; baton status tells more")
    return primary
