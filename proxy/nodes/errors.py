"""What can go wrong between the proxy and a node. The text always names the node."""

import functools
from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

from proxy.nodes.address import SockAddr

Given = ParamSpec("Given")
Told = TypeVar("Told")


class NodeError(Exception):
    """A node did not do what it was asked."""


class ReplyError(NodeError):
    """The node answered with an error, or with something that the command does not promise."""

    def __init__(self, text: str, asked: str = "") -> None:
        super().__init__(f"{asked}: {text}" if asked else text)
        self.text = text
        """What the server said, without who was asked what."""


class LinkLost(NodeError):
    """The connection could not be made, or ended, or cannot be trusted any more.

    `refused_by` has the socket addresses that were tried, if all of them refused: nobody listens there.
    """

    def __init__(self, text: str, refused_by: frozenset[SockAddr] = frozenset()) -> None:
        super().__init__(text)
        self.refused_by = refused_by


class Slow(LinkLost):
    """There is no connection yet. The node may be busy with something else."""


def understood(ask: Callable[Given, Awaitable[Told]]) -> Callable[Given, Awaitable[Told]]:
    """For what asks a node (its first argument) and reads the answer: where that is no answer, because the
    node is no Redis or not in its right mind, a ReplyError says so."""

    @functools.wraps(ask)
    async def asked(*args: Given.args, **words: Given.kwargs) -> Told:
        try:
            return await ask(*args, **words)
        except (LookupError, ValueError, TypeError, AttributeError) as fault:
            text = f"no answer to {ask.__name__}: {type(fault).__name__}: {fault!s:.100}"
            raise ReplyError(text, str(args[0])) from fault

    return asked
