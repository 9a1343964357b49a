"""What can go wrong between the proxy and a node. The text always names the node."""

from proxy.nodes.address import SockAddr


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
