"""What makes another lane the same as the one that a client has: the session, replayed, its replies
swallowed.

A *score* is what a lane was set up with. A session goes on changing after its warm lane was set up;
``difference`` gives what the lane still lacks, so that during the hold little is left to be done.
"""

from attrs import define, evolve, field, frozen

from proxy.session.identity import fails
from proxy.session.session import MARK, Send, Session, Want
from proxy.session.subscriptions import is_confirmation
from proxy.session.tracking import Tracking, Unheard
from proxy.wire.encoding import command
from proxy.wire.requests import arguments


@define
class Faults:
    """What a node would not accept of a replay; empty if all went well."""

    texts: list[str] = field(factory=list)

    def __bool__(self) -> bool:
        return bool(self.texts)

    @property
    def identity(self) -> bool:
        """The node does not know the client as who it is."""
        return any(text.startswith(LOGIN) for text in self.texts)

    def add(self, what: str, reply: bytes) -> None:
        text = reply[1:].split(b"\r\n")[0].decode("utf-8", "replace")
        text = text.partition(", with args")[
            0
        ]  # where a command was renamed away, the node quotes a password
        self.texts.append(f"{what}: {text}")


@frozen
class Swallowed(Want):
    """The reply to a replayed command: the client has had it already."""

    faults: Faults | None
    what: str
    mixes: bool = False

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if self.faults is not None and fails(piece):
            self.faults.add(self.what, piece)
        return b""


@define
class SwallowedConfirmations(Want):
    """The answers to a replayed subscription command and to the mark behind it."""

    faults: Faults
    mixes: bool = field(default=True, init=False)
    finished: bool = False
    _answered: bool = False
    _inside: bool = False
    """In the middle of a confirmation that does not come in one piece."""

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if self._inside or is_confirmation(piece):
            self._inside = not last
            self._answered = True
        elif self._answered or not fails(piece):
            self.finished = True
        else:
            self._answered = True
            self.faults.add("SUBSCRIBE", piece)
        return b""


@frozen
class Score:
    """What a lane was set up with."""

    auth: bytes | None = field(repr=False)
    protocol: int
    db: int
    settings: frozenset[tuple[bytes, bytes]]
    channels: frozenset[bytes]
    patterns: frozenset[bytes]
    shards: frozenset[bytes]
    monitoring: bool = False
    tracking: Tracking | None = None

    @classmethod
    def of(cls, session: Session) -> "Score":
        subscriptions = session.subscriptions
        return cls(
            session.auth,
            session.protocol,
            session.db,
            frozenset((session.settings or {}).items()),
            frozenset(subscriptions.channels if subscriptions else ()),
            frozenset(subscriptions.patterns if subscriptions else ()),
            frozenset(subscriptions.shards if subscriptions else ()),
            session.monitoring,
            session.tracking,
        )

    @property
    def user(self) -> bytes:
        """As whom the lane is logged in."""
        return b"default" if self.auth is None else arguments(self.auth)[1]

    @classmethod
    def shared(cls, session: Session) -> "Score":
        """Of a shared lane for this session: only what others have alike."""
        nothing = frozenset[bytes]()
        return cls(session.auth, session.protocol, session.db, frozenset(), nothing, nothing, nothing)

    def redirected(self, node_id: int | None) -> "Score":
        """Of a session that redirects its invalidations: to the lane that has this id at the node. While
        that is not known they wait, and so do subscriptions, behind which RESP2 takes no CLIENT."""
        if node_id is None or self.tracking is None:
            nothing = frozenset[bytes]()
            return evolve(self, tracking=None, channels=nothing, patterns=nothing, shards=nothing)
        return evolve(self, tracking=evolve(self.tracking, redirect=node_id))


LOGIN = "AUTH"
_NAMED_BY_HELLO = b"*3\r\n$5\r\nHELLO\r\n"
BLANK = Score(None, 2, 0, frozenset(), frozenset(), frozenset(), frozenset())
"""A connection that has just been made."""


def difference(old: Score, new: Score, faults: Faults, login_last: bool = False) -> list[Send] | None:
    """What to send down a lane set up as ``old`` so that it is as ``new``; None if only a new lane will do.

    First what goes, since a RESP2 subscriber may do little else; then who the client is, how it speaks, and
    the rest; what it subscribes to comes last, for the same reason. What stays subscribed is in the way only
    while the lane speaks RESP2, so RESP3 is left as late as it can be. A client may have set things up before
    it logged in as somebody who may not do that: then the login has to come last.
    """
    if (
        (new.auth is None and old.auth is not None)
        or (old.monitoring and not new.monitoring)
        or {what for what, _ in old.settings} - {what for what, _ in new.settings}
    ):
        return None
    steps = [
        _channels(form, old_names - new_names, faults)
        for form, old_names, new_names in _forms("UN", old, new)
    ]
    identity = _identity(old, new, faults, login_last)
    if identity and old.protocol == 2 and _kept(old, new):
        return None
    channels = [
        _channels(form, new_names - old_names, faults) for form, old_names, new_names in _forms("", old, new)
    ]
    late = []
    if (
        login_last and new.protocol == 3
    ):  # who logs in later keeps channels that only the former user may have
        late = [step for step in identity if is_login(step)]
        identity = [step for step in identity if not is_login(step)]
    steps += [*identity, *channels, *late]
    return [step for step in steps if step is not None]


def is_login(step: Send) -> bool:
    """The step says who the client is."""
    return isinstance(step.want, Swallowed) and step.want.what == LOGIN


def _kept(old: Score, new: Score) -> bool:
    return bool(old.channels & new.channels or old.patterns & new.patterns or old.shards & new.shards)


def _identity(old: Score, new: Score, faults: Faults, login_last: bool) -> list[Send]:
    steps = []
    if new.db != old.db:
        steps.append(Send(command("SELECT", new.db), Swallowed(faults, "SELECT")))
    for what, setting in sorted(new.settings - old.settings):
        if setting.startswith(_NAMED_BY_HELLO):  # who may do that, may lack CLIENT SETNAME
            setting = command("HELLO", max(old.protocol, new.protocol), *arguments(setting)[1:])
        steps.append(Send(setting, Swallowed(faults, f"CLIENT {what.decode()}")))
    if new.tracking != old.tracking:
        off = [command("CLIENT", "TRACKING", "OFF")] if old.tracking else []
        for frame in off + (new.tracking.commands() if new.tracking else []):
            steps.append(Send(frame, Swallowed(faults, "CLIENT TRACKING")))
    if new.protocol != old.protocol:
        hello = Send(command("HELLO", new.protocol), Swallowed(faults, "HELLO"))
        steps.insert(0 if new.protocol == 3 else len(steps), hello)
    if new.monitoring and not old.monitoring:
        steps.append(Send(command("MONITOR"), Swallowed(faults, "MONITOR", mixes=True)))
    if new.auth is not None and new.auth != old.auth:
        steps.insert(len(steps) if login_last else 0, Send(new.auth, Swallowed(faults, LOGIN)))
    return steps


def _forms(prefix: str, old: Score, new: Score) -> list[tuple[str, frozenset[bytes], frozenset[bytes]]]:
    return [
        (f"{prefix}SUBSCRIBE", old.channels, new.channels),
        (f"P{prefix}SUBSCRIBE", old.patterns, new.patterns),
        (f"S{prefix}SUBSCRIBE", old.shards, new.shards),
    ]


def _channels(form: str, names: frozenset[bytes], faults: Faults) -> Send | None:
    return Send(command(form, *sorted(names)) + MARK, SwallowedConfirmations(faults)) if names else None


def transaction(session: Session) -> list[Send]:
    """What opens the session's transaction on another lane. What failed to queue fails again, so EXEC
    aborts."""
    if session.transaction is None:
        return []
    steps = [Send(frame, Swallowed(None, "MULTI")) for frame in session.transaction.replay(session)]
    if session.caching is not None:  # MULTI was sent behind it, so it counts until EXEC
        session.caching.again = False
        steps.insert(0, Send(session.caching.command, Unheard()))
    return steps
