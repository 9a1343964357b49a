"""Who is connected to the console: what it said of itself, whether it is let in, what it listens to."""

from attrs import define, field

from proxy.admin.console.feed import Feed
from proxy.admin.operator import Operator
from proxy.admin.roles import Brake, Role, same
from proxy.operation.auditing import Asker

USERS = {"default": Role.OPERATOR, "viewer": Role.VIEWER}
"""The console has these users alone."""
USER = "default"


@define(eq=False)
class Visitor:
    """One connection to the console."""

    id: int
    peer: str
    operator: Operator
    brake: Brake = field(factory=Brake)
    """On who guesses at passwords; all visitors share it."""
    protocol: int = 2
    name: str = ""
    leaving: bool = False
    logged_in: Role | None = None
    """What a password has made of it."""
    arriving: bool = False
    """It speaks TLS, or should, and has not proven yet that it can."""
    subject: str = ""
    """Of the certificate that it has shown."""
    feed: Feed = field(factory=Feed)

    @property
    def role(self) -> Role | None:
        """What it may do; nothing before it is let in. Without a password whoever comes is an operator."""
        if self.arriving:
            return None
        return self.logged_in or (Role.OPERATOR if self.operator.admin_password is None else None)

    @property
    def let_in(self) -> bool:
        """It may ask."""
        return self.role is not None

    @property
    def host(self) -> str:
        return self.peer.rpartition(":")[0]

    @property
    def user(self) -> str:
        """As whom it is known."""
        return next((name for name, role in USERS.items() if role is self.role), "")

    @property
    def asker(self) -> Asker:
        """How the audit tells who it is."""
        role = self.role
        return Asker(face="console", peer=self.peer, role=role.value if role else "", subject=self.subject)

    @property
    def listens_only(self) -> bool:
        """In RESP2 a subscriber could not tell a message from an answer, so it may ask next to nothing."""
        return self.feed.on and self.protocol == 2

    def known_as(self, user: str, password: str) -> Role | None:
        """Whom these make of it. Without a password any will do for the user default, as in Redis: nopass."""
        said = password.encode("utf-8", "surrogateescape")
        operator = same(said, self.operator.admin_password) or self.operator.admin_password is None
        viewer = same(said, self.operator.admin_viewer_password)
        right = {Role.OPERATOR: operator, Role.VIEWER: viewer}
        role = USERS.get(user)
        return role if role is not None and right[role] else None
