"""Notices of a switchover, for clients that asked for them.

``CLIENT MAINT_NOTIFICATIONS ON`` is Redis Enterprise's; redis-py, Jedis, go-redis and others send it on RESP3
connections. Between FAILING_OVER and FAILED_OVER they relax their own timeouts (seen in redis-py 8.1).
"""

from proxy.session.session import Say, Send, Session, Step
from proxy.wire.encoding import OK, error
from proxy.wire.requests import Frame, arguments


def notifications(session: Session, frame: Frame) -> tuple[Step, ...]:
    """CLIENT MAINT_NOTIFICATIONS ON [option value …] or OFF. Where the feature is disabled the node answers
    its own error, from which clients learn that it is not there."""
    if not session.common.maintenance:
        return (Send(frame),)
    words = arguments(frame)
    mode = words[2].upper() if len(words) > 2 else b""
    if mode not in (b"ON", b"OFF") or len(words) % 2 == 0 or (mode == b"OFF" and len(words) > 3):
        return (Say(error("ERR syntax error")),)
    session.notices = mode == b"ON"
    return (Say(OK),)


def failing_over(sequence: int, seconds: int) -> bytes:
    """The push that tells of a switchover, which takes so long at most."""
    return b">3\r\n$12\r\nFAILING_OVER\r\n:%d\r\n:%d\r\n" % (sequence, seconds)


def failed_over(sequence: int) -> bytes:
    """The push that tells that it is over, however it ended."""
    return b">2\r\n$11\r\nFAILED_OVER\r\n:%d\r\n" % sequence


def is_told(session: Session) -> bool:
    """This client gets the pushes: in RESP2 they could not be told from replies."""
    return session.notices and session.protocol == 3
