"""Who is connected to the console: what it said of itself, whether it is let in, what it listens to."""

import secrets

from attrs import define, field

from proxy.admin.console.feed import Feed
from proxy.admin.operator import Operator

USER = "default"
"""The console has this user alone."""


@define(eq=False)
class Visitor:
    """One connection to the console."""

    id: int
    peer: str
    operator: Operator
    protocol: int = 2
    name: str = ""
    leaving: bool = False
    logged_in: bool = False
    feed: Feed = field(factory=Feed)

    @property
    def let_in(self) -> bool:
        """It may ask: it knew the password, or there is none."""
        return self.logged_in or self.operator.admin_password is None

    @property
    def listens_only(self) -> bool:
        """In RESP2 a subscriber could not tell a message from an answer, so it may ask next to nothing."""
        return self.feed.on and self.protocol == 2

    def accepts(self, user: str, password: str) -> bool:
        """Is this the user and the password? Without a password any will do for the user, as in Redis
        (nopass). How long it takes does not tell how much of it was right."""
        right = self.operator.admin_password
        known = right is None or secrets.compare_digest(password.encode(*_BYTES), right.encode(*_BYTES))
        return known and user == USER


_BYTES = ("utf-8", "surrogateescape")
