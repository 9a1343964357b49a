"""Which commands may go down a lane that many clients share, and what keeps a client on a lane of its own.

Theory. A shared lane must be left by every command exactly as it was found: same user, protocol and database,
no transaction, nothing watched or subscribed, one reply for one command, and none that waits. So a command
goes down it only if the server lists it and this room knows that it is such; in any other case it goes down a
private lane, and the client comes back when its session holds nothing that a shared lane cannot hold:

1. :func:`apart` says why a command may not be shared, :func:`pinned` why the client may not come back.
2. What nobody knows (a command that the server does not list, DEBUG, READONLY …) pins for the rest of the
   connection, since nothing tells what it left behind.
3. MULTI … EXEC that arrived whole is left as it was found, if every command between is plain.
"""

from collections.abc import Container, Iterable

from attrs import frozen

from proxy.session.identity import fails
from proxy.session.session import Send, Session, Step, Want
from proxy.wire.counting import count_requests
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments, size_of

LARGE = 64 * 1024
"""Bytes of a command, or of a reply, that the others on a lane should not have to wait for."""

BEGIN, END = command("MULTI"), command("EXEC")

ALIKE = frozenset((b"EVAL", b"EVAL_RO", b"EVALSHA", b"EVALSHA_RO", b"SCAN", b"SSCAN", b"HSCAN", b"ZSCAN"))
"""They have a row in the table because their answers are looked at; they leave a lane as it was."""
STREAMS = frozenset((b"XREAD", b"XREADGROUP"))
"""They block only if they say BLOCK."""
BEHIND_A_SCRIPT = frozenset((b"FUNCTION", b"SHUTDOWN"))
"""Like SCRIPT KILL they must get past a busy script, which may be one of the lane's own."""
LASTING = frozenset((b"ASKING", b"READONLY", b"READWRITE", b"DEBUG", b"POST", b"HOST:"))
"""They change the connection in a way that no answer tells, or end it (``securityWarningCommand``)."""
UNSHARED = BEHIND_A_SCRIPT | LASTING
PASSING = frozenset(
    b"CACHING GETNAME GETREDIR HELP ID INFO KILL LIST MAINT_NOTIFICATIONS NO-EVICT NO-TOUCH PAUSE REPLY"
    b" SETINFO SETNAME TRACKING TRACKINGINFO UNBLOCK UNPAUSE".split()
)
"""Subcommands of CLIENT that leave nothing behind, or what the session knows of."""


def apart(session: Session, name: bytes, frame: Frame, plain: Container[bytes]) -> str:
    """Why this command may not go down a shared lane; empty if it may. ``plain`` are names of which neither
    the server nor the table says anything special."""
    if session.strange:
        return session.strange
    if name in STREAMS and any(word.upper() == b"BLOCK" for word in arguments(frame)):
        return "XREAD BLOCK"
    if name in plain or name in ALIKE or name in STREAMS:
        return "large transfers" if size_of(frame) > LARGE else ""
    known = name in session.common.commands.names or name in LASTING
    why = name.decode("latin-1") if known else "unknown command"
    if not known or _lasts(name, frame):
        session.strange = why
    return why


@frozen
class Tried(Want):
    """The reply to a command that may last. An error leaves nothing behind."""

    why: str

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        if fails(piece) and session.strange == self.why:
            session.strange = ""
        return piece


def last(session: Session, frame: Frame) -> tuple[Step, ...]:
    """READONLY, READWRITE, ASKING: a server that is no part of a cluster may refuse them."""
    return (Send(frame, Tried(arguments(frame)[0].upper().decode())),)


def _lasts(name: bytes, frame: Frame) -> bool:
    """Nobody knows what the connection is after this command."""
    if name in LASTING:
        return True
    if name in (b"CLIENT", b"SCRIPT"):
        words = [word.upper() for word in arguments(frame)[1:2]]
        return words == [b"DEBUG"] if name == b"SCRIPT" else bool(words) and words[0] not in PASSING
    return False


def ends_script(name: bytes, frame: Frame) -> bool:
    """It must get past a busy script, under which a node sets nothing up."""
    if name not in (b"SCRIPT", b"FUNCTION"):
        return name == b"SHUTDOWN"
    return [word.upper() for word in arguments(frame)[1:2]] in ([b"KILL"], [b"STATS"])


def pinned(session: Session) -> str:
    """Why the client must stay on its private lane; empty if it may go back to a shared one."""
    if session.transaction is not None:
        return "MULTI"
    if session.watch is not None:
        return "WATCH"
    if session.monitoring:
        return "MONITOR"
    if session.subscriptions is not None:
        return "SUBSCRIBE"
    if session.tracking is not None or session.caching is not None:
        return "CLIENT TRACKING"
    if session.mute is not None:
        return "CLIENT REPLY"
    if session.blocked is not None:
        return session.blocked.name.decode("latin-1")
    if session.quitting:
        return "QUIT"
    return session.strange or _kept(session)


def _kept(session: Session) -> str:
    for what in (b"NO-EVICT", b"NO-TOUCH"):
        said = (session.settings or {}).get(what)
        if said is not None and arguments(said)[-1].upper() != b"OFF":
            return f"CLIENT {what.decode()}"
    return ""


def whole(commands: Iterable[tuple[bytes, Frame]], plain: Container[bytes]) -> int:
    """How many commands a transaction has that begins here, has arrived whole and may go down a shared lane
    in one piece, its MULTI and its EXEC included; 0 if there is none such."""
    size = 0
    for count, (name, frame) in enumerate(commands, 1):
        size += size_of(frame)
        if size > LARGE:
            return 0
        if count == 1 or name == b"EXEC":
            if name not in (b"MULTI", b"EXEC") or len(arguments(frame)) != 1:
                return 0  # misspelt, it opens or ends nothing
            if name == b"EXEC":
                return count
        elif name not in plain:
            return 0
    return 0


def count_whole(data: bytes, plain: Container[bytes]) -> int:
    """How many commands these bytes are, if they are one transaction as libraries write it, of which
    :func:`whole` would say the same; else 0."""
    if not (data.startswith(BEGIN) and data.endswith(END)) or len(data) > LARGE:
        return 0
    inner = count_requests(data[len(BEGIN) : -len(END)], plain)
    return inner + 2 if inner else 0
