"""What each command does to a session: the one table, and the way into this room.

A command without a row is forwarded as it came and owes one reply; that is how modules and tomorrow's
commands work. Where the server's own table says that one may block, that is believed.
"""

from collections.abc import Callable, Mapping

from attrs import frozen

from proxy.session import (
    blocking,
    client_command,
    identity,
    scanning,
    scripts,
    subscriptions,
    tracking,
    transactions,
    waiting,
    watching,
)
from proxy.session.muting import muted, with_mute
from proxy.session.session import Say, Send, SendAndWait, Session, Step, Want
from proxy.session.sharing import UNSHARED, last
from proxy.session.transactions import Ask
from proxy.wire.commands import CommandTable
from proxy.wire.encoding import command, error, nil
from proxy.wire.requests import Frame, arguments

Named = Callable[[Session, bytes, Frame], tuple[Step, ...]]

ALONE: Mapping[bytes, Ask] = {
    b"MULTI": transactions.multi,
    b"EXEC": transactions.execute,
    b"DISCARD": transactions.discard,
    b"WATCH": watching.watch,
    b"RESET": identity.reset,
    b"QUIT": identity.leave,
}
"""These mean the same inside MULTI as outside: they are not queued."""

SESSION: Mapping[bytes, Ask] = {
    b"AUTH": identity.auth,
    b"HELLO": identity.hello,
    b"SELECT": identity.select,
    b"CLIENT": client_command.client,
    b"UNWATCH": watching.unwatch,
    b"EVAL": scripts.evaluate,
    b"EVAL_RO": scripts.evaluate,
    b"EVALSHA": scripts.call,
    b"EVALSHA_RO": scripts.call,
    b"SCRIPT": scripts.script,
    b"MONITOR": identity.monitor,
    **dict.fromkeys((b"ASKING", b"READONLY", b"READWRITE"), last),
    b"SCAN": scanning.at(1),
    **dict.fromkeys((b"SSCAN", b"HSCAN", b"ZSCAN"), scanning.at(2)),
}
"""Inside MULTI these take effect when EXEC answers."""

CHANNELS: Mapping[bytes, Ask] = dict.fromkeys(
    (b"SUBSCRIBE", b"UNSUBSCRIBE", b"PSUBSCRIBE", b"PUNSUBSCRIBE", b"SSUBSCRIBE", b"SUNSUBSCRIBE"),
    subscriptions.subscribe,
)

BLOCKING: Mapping[bytes, Named] = {
    **dict.fromkeys(blocking.SECONDS, blocking.may_block),
    b"XREAD": blocking.stream_read,
    b"XREADGROUP": blocking.stream_read,
    **dict.fromkeys(blocking.WAITS, waiting.wait),
}
"""Inside MULTI these do not block."""

REFUSED: Mapping[bytes, str] = {
    **dict.fromkeys(
        (b"PSYNC", b"SYNC", b"REPLCONF"),
        "ERR this is a proxy: a replica connects to a node, not through Baton",
    ),
    **dict.fromkeys(
        (b"REPLICAOF", b"SLAVEOF", b"FAILOVER"),
        "ERR this is a proxy: the primary is moved by SWITCHOVER at Baton's admin port",
    ),
}

SPECIAL = frozenset((*ALONE, *SESSION, *CHANNELS, *BLOCKING, *REFUSED))
"""Names, in capitals, that have a row."""

_INSTEAD = command("BATON.REFUSED")
"""No command: what the node gets where it must get something in the place of a command that is refused."""


@frozen
class Refused(Want):
    """The reply to what was sent in place of a command refused inside MULTI: an error, so that EXEC
    aborts."""

    transaction: transactions.Transaction
    text: str

    def take(self, session: Session, piece: bytes, last: bool) -> bytes:
        self.transaction.failed = True
        return error(self.text)


def plain(commands: CommandTable) -> frozenset[bytes]:
    """Names, as clients write them, of which the server says nothing special and this table neither: they
    are forwarded and owe one reply each."""
    names = commands.names - SPECIAL - UNSHARED - commands.blocking - commands.foreign
    return names | {name.lower() for name in names}


def ask(session: Session, name: bytes, frame: Frame) -> tuple[Step, ...]:
    """What to do with a whole command; ``name`` is its first word in capitals."""
    caching, queued = session.caching, session.transaction is not None
    if session.mute is None:
        steps = _ask(session, name, frame)
    else:
        steps = with_mute(session, lambda: _ask(session, name, frame))
    if caching is not None:
        steps = tracking.behind_caching(session, caching, name, steps, queued)
    session.plain = session.transaction is None and session.mute is None and session.caching is None
    return steps


def resume(session: Session, now: float) -> tuple[Step, ...]:
    """Issue a parked command again where the client is now; ``now`` is the clock that filled in ``since``."""
    parked = session.blocked
    if parked is None or not parked.parked:
        return ()
    frame = parked.again(now)
    if frame is None:
        session.blocked = None
        steps: tuple[Step, ...] = (Say(nil(session.protocol)),)
    elif parked.name in blocking.WAITS:
        steps = waiting.begin(session, parked, frame)
    else:
        steps = (SendAndWait(frame, parked),)
    return steps if parked.mute is None else tuple(muted(parked.mute, step) for step in steps)


def _ask(session: Session, name: bytes, frame: Frame) -> tuple[Step, ...]:
    if name in REFUSED:
        return _refuse(session, REFUSED[name])
    if name in ALONE and not _misspelt(name, frame):
        return ALONE[name](session, frame)
    if session.transaction is not None:
        if _unsettles_exec(session, name, frame):
            return _refuse(session, f"ERR Baton does not take {name.decode()} inside MULTI")
        return transactions.queue(session, frame, SESSION.get(name))
    if name in SESSION:
        return SESSION[name](session, frame)
    if name in CHANNELS:
        return CHANNELS[name](session, frame)
    if name in BLOCKING:
        return BLOCKING[name](session, name, frame)
    if name in session.common.commands.blocking:
        return blocking.unknown(session, name, frame)
    return (Send(frame),)


def _misspelt(name: bytes, frame: Frame) -> bool:
    """Redis rejects it for its number of arguments: it opens, ends and resets nothing, and inside MULTI it
    makes EXEC abort."""
    return name != b"EXEC" and (len(arguments(frame)) == 1) == (name == b"WATCH")


def _unsettles_exec(session: Session, name: bytes, frame: Frame) -> bool:
    """Inside MULTI it leaves EXEC's answer out of step, on Redis too: with more elements than EXEC announces
    (two channels), or with fewer, so that it never ends (CLIENT REPLY OFF; from 7.2 on a login that
    fails)."""
    if name == b"HELLO":
        return session.common.loses_logins and b"AUTH" in map(bytes.upper, arguments(frame)[2:])
    if name == b"CLIENT":
        words = [word.upper() for word in arguments(frame)[1:]]
        return words[:1] == [b"REPLY"] and (words != [b"REPLY", b"ON"] or session.mute is not None)
    return (session.common.loses_logins and name == b"AUTH") or name in CHANNELS


def _refuse(session: Session, text: str) -> tuple[Step, ...]:
    if session.transaction is None:
        return (Say(error(text)),)
    session.transaction.keep(transactions.POISON, session.common.limits.transaction_bytes)
    return (Send(_INSTEAD, Refused(session.transaction, text)),)
