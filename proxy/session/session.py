"""The session: what a client has set up on its connection, as a value.

It changes when a node's reply says so, never when the command is sent; only what decides how later commands
are read (an open MULTI, a blocking command, CLIENT REPLY) is known at once, because a client does not wait
for the answer.
"""

from typing import TYPE_CHECKING

from attrs import define, field, frozen

from proxy.session.common import Common
from proxy.wire.encoding import command
from proxy.wire.requests import Frame

if TYPE_CHECKING:
    from proxy.session.blocking import Blocking
    from proxy.session.muting import Mute
    from proxy.session.subscriptions import Subscriptions
    from proxy.session.tracking import Caching, Tracking
    from proxy.session.transactions import Transaction
    from proxy.session.watching import Watch

MARK = command("PING", "baton:mark")
"""Goes behind a command of which nobody knows how many answers it has: what answers it comes behind them."""
MARKED = b"$10\r\nbaton:mark\r\n"
"""The answer to it, but for a RESP2 subscriber's, and where it is an error."""


class Want:
    """What is to be done with a reply that must be looked at. One reply, unless ``finished`` says
    otherwise."""

    __slots__ = ()
    finished: bool = True
    mixes: bool = False
    """From here on, messages that look like replies may come between the replies."""
    withheld: bool = False
    """The client did not get what came; ``then`` tells how it gets an answer."""
    audible: bool = False
    """CLIENT REPLY does not silence it, unless it is an error."""

    def take(self, session: "Session", piece: bytes, last: bool) -> bytes:
        """Learn from the reply and give back what the client gets of it. Short replies come in one piece."""
        raise NotImplementedError

    def then(self, session: "Session") -> "tuple[Step, ...]":
        """What goes down the lane now that the reply is in, before anything else of this client."""
        return ()


@frozen
class Send:
    """Forward these bytes; the lane owes one reply, looked at by ``want`` if there is one."""

    frame: Frame = field(repr=False)
    want: Want | None = None


@frozen
class Say:
    """The proxy's own reply, in its turn behind those still owed."""

    reply: bytes
    close: bool = False


@frozen
class SendAndWait:
    """Forward these bytes, and nothing more of this client until they are answered."""

    frame: Frame = field(repr=False)
    want: Want


@frozen
class WaitOutside:
    """Answer this WAIT or WAITAOF over a connection of the proxy's own; nothing more of this client until
    then."""

    words: tuple[bytes, ...]
    silent: bool = False
    """The client does not want the answer (CLIENT REPLY)."""


@frozen
class LookUp:
    """Find out the ids that the node gave to the lanes, then ask about this command again."""

    name: bytes
    frame: Frame = field(repr=False)


@frozen
class LoadScript:
    """Load this script on the node, over a connection of the proxy's own, then ask about this command
    again."""

    body: bytes = field(repr=False)
    name: bytes
    frame: Frame = field(repr=False)


Step = Send | Say | SendAndWait | WaitOutside | LookUp | LoadScript


@define
class Session:
    """One client's conversation. ``plain`` is all that the hot path reads."""

    number: int
    """The client's id, the proxy's own."""
    common: Common = field(repr=False, eq=False)
    plain: bool = True
    """A command without a row in the table is simply forwarded and owes one reply."""
    user: bytes = b"default"
    auth: bytes | None = field(default=None, repr=False)
    """The AUTH command that logged in; it holds a password, so it is never shown."""
    protocol: int = 2
    db: int = 0
    settings: dict[bytes, bytes] | None = None
    """Commands that set something up, by what they set; the last of each kind counts (name, library, no-evict
    …)."""
    transaction: "Transaction | None" = None
    watch: "Watch | None" = None
    subscriptions: "Subscriptions | None" = None
    blocked: "Blocking | None" = None
    tag: int = 0
    """Stands for the process at the other end of the lane, which the cursors that it gives out carry; 0 where
    they carry none (see ``scanning``)."""
    called_again: Frame | None = field(default=None, repr=False)
    """The EVALSHA that is asked about for the second time (see ``scripts``)."""
    moved: bool = False
    """The lane has not carried this client's last write, so WAIT would be told a lie (see ``waiting``)."""
    mute: "Mute | None" = None
    """CLIENT REPLY OFF, or SKIP for the next command."""
    quitting: bool = False
    """QUIT was sent: the node will close the lane, and is right to do so."""
    admission: int = 0
    """Since when the node has let in who does not log in, as it does this client; 0 if that is not known (see
    ``relay.admission``)."""
    strange: str = ""
    """The command since which nobody knows what the connection is (see ``sharing``)."""
    monitoring: bool = False
    notices: bool = False
    """The client asked to be told of switchovers (see ``maintenance``)."""
    tracking: "Tracking | None" = None
    caching: "Caching | None" = None
    """CLIENT CACHING, for the next command."""

    @property
    def listening(self) -> bool:
        """Frames that are owed to no command may come, in RESP2 looking like replies."""
        return self.monitoring or self.subscriptions is not None

    def set_up(self, what: bytes, command: bytes) -> None:
        """Remember a command that must be replayed on another lane."""
        if self.settings is None:
            self.settings = {}
        self.settings[what] = command

    def _outlasts_reset(self, what: bytes) -> bool:
        """lib-name and lib-ver do, and up to 7.0 NO-EVICT does."""
        return what.startswith(b"SETINFO ") or (what == b"NO-EVICT" and not self.common.loses_logins)

    def reset(self) -> None:
        """RESET was answered. What decides how later commands are read was reset when it was sent."""
        self.user, self.auth, self.admission = b"default", None, 0
        self.protocol, self.db = 2, 0
        kept = {what: how for what, how in (self.settings or {}).items() if self._outlasts_reset(what)}
        self.settings = kept or None
        self.subscriptions = None
        self.monitoring = self.notices = False
        self.tracking = None
