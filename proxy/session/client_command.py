"""CLIENT: its subcommands, and what each does to a session. What is not in the table is forwarded."""

from collections.abc import Mapping

from proxy.session.identity import SetUp
from proxy.session.ids import tell_id, unblock
from proxy.session.killing import kill
from proxy.session.listing import choose, tell_line
from proxy.session.maintenance import notifications
from proxy.session.muting import reply_mode
from proxy.session.session import Send, Session, Step
from proxy.session.tracking import cache, tell_target, track
from proxy.session.transactions import Ask
from proxy.wire.encoding import command
from proxy.wire.requests import Frame, arguments


def setting(session: Session, frame: Frame) -> tuple[Step, ...]:
    """SETNAME, NO-EVICT, NO-TOUCH: the last one counts."""
    words = arguments(frame)
    if len(words) != 3:
        return (Send(frame),)
    return (Send(frame, SetUp(words[1].upper(), command(*words))),)


def set_info(session: Session, frame: Frame) -> tuple[Step, ...]:
    """SETINFO lib-name or lib-ver."""
    words = arguments(frame)
    if len(words) != 4:
        return (Send(frame),)
    return (Send(frame, SetUp(b"SETINFO " + words[2].upper(), command(*words))),)


def withheld(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CAPA: with ``redirect`` a Valkey node would tell the client to go elsewhere. Others it passes over."""
    words = arguments(frame)
    kept = [word for word in words[2:] if word.upper() != b"REDIRECT"]
    if len(kept) == len(words) - 2:
        return (Send(frame),)
    return (Send(command(*words[:2], *(kept or [b"BATON"]))),)


SUBCOMMANDS: Mapping[bytes, Ask] = {
    b"SETNAME": setting,
    b"NO-EVICT": setting,
    b"NO-TOUCH": setting,
    b"SETINFO": set_info,
    b"REPLY": reply_mode,
    b"CAPA": withheld,
    b"MAINT_NOTIFICATIONS": notifications,
    b"TRACKING": track,
    b"CACHING": cache,
    b"TRACKINGINFO": tell_target,
    b"GETREDIR": tell_target,
    b"ID": tell_id,
    b"INFO": tell_line,
    b"LIST": choose,
    b"KILL": kill,
    b"UNBLOCK": unblock,
}


def client(session: Session, frame: Frame) -> tuple[Step, ...]:
    words = arguments(frame)
    ask = SUBCOMMANDS.get(words[1].upper()) if len(words) > 1 else None
    return (Send(frame),) if ask is None else ask(session, frame)


def is_queued(session: Session) -> bool:
    """Its open transaction has a CLIENT command, which may name other clients."""
    queue = session.transaction
    return queue is not None and any(ask is client for _, ask in queue.frames)
