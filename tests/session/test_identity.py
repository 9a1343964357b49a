"""Who the client is and what it has set up: learnt when the node agrees, and only then."""

import pytest

from proxy.session.session import MARK, MARKED, Send, SendAndWait, Session, Step
from proxy.session.table import ask
from proxy.session.watching import Watch
from proxy.wire.encoding import command
from tests.session.conversation import new_session

GOOD, BAD = b"+OK\r\n", b"-NO x\r\n"
STATE = ("user", "auth", "protocol", "db", "settings", "monitoring")


def answered(session: Session, line: str, reply: bytes) -> None:
    [step] = ask(session, line.split()[0].upper().encode(), command(*line.split()))
    assert isinstance(step, Send | SendAndWait)
    if step.want is not None:
        assert step.want.take(session, reply, True) == reply


CHANGES = [
    ("AUTH pw", {"auth": command("AUTH", "default", "pw")}),
    ("AUTH al pw", {"user": b"al", "auth": command("AUTH", "al", "pw")}),
    ("HELLO", {}),
    ("HELLO 3", {"protocol": 3}),
    ("HELLO 2", {}),
    ("hello 3 auth al pw setname n", {"protocol": 3, "user": b"al", "auth": command("AUTH", "al", "pw")}),
    ("HELLO 3 SETNAME n", {"protocol": 3, "settings": {b"SETNAME": command("HELLO", "SETNAME", "n")}}),
    ("SELECT 3", {"db": 3}),
    ("SELECT x", {}),
    ("SELECT -1", {}),
    ("CLIENT SETNAME n", {"settings": {b"SETNAME": command("CLIENT", "SETNAME", "n")}}),
    (
        "client setinfo LIB-NAME n",
        {"settings": {b"SETINFO LIB-NAME": command("client", "setinfo", "LIB-NAME", "n")}},
    ),
    ("CLIENT NO-EVICT on", {"settings": {b"NO-EVICT": command("CLIENT", "NO-EVICT", "on")}}),
    ("CLIENT NO-TOUCH on", {"settings": {b"NO-TOUCH": command("CLIENT", "NO-TOUCH", "on")}}),
    ("CLIENT ID", {}),
    ("CLIENT", {}),
    ("MONITOR", {"monitoring": True}),
]


@pytest.mark.parametrize(("line", "changed"), CHANGES)
def test_a_session_changes_when_the_node_agrees_and_not_when_it_does_not(
    line: str, changed: dict[str, object]
) -> None:
    session, blank = new_session(), new_session()
    answered(session, line, BAD)
    assert session == blank
    answered(session, line, GOOD)
    for field in STATE:
        if field != "settings" or field in changed or "setname" not in line:
            assert getattr(session, field) == changed.get(field, getattr(blank, field)), field


def test_of_a_kind_of_setting_the_last_counts() -> None:
    session = new_session()
    for line in (
        "CLIENT SETNAME a",
        "CLIENT SETINFO lib-name x",
        "CLIENT SETINFO lib-ver 1",
        "CLIENT SETNAME b",
    ):
        answered(session, line, GOOD)
    assert (session.settings or {})[b"SETNAME"] == command("CLIENT", "SETNAME", "b")
    assert sorted(session.settings or {}) == [b"SETINFO LIB-NAME", b"SETINFO LIB-VER", b"SETNAME"]


def test_reset_leaves_a_session_as_new_but_for_the_name_of_its_library() -> None:
    """Redis keeps that too, and up to 7.0 NO-EVICT."""
    session, other = new_session(), new_session()
    session.common.loses_logins = True
    for line, _ in CHANGES:
        answered(session, line, GOOD)
    session.watch = Watch(lost=True)
    answered(session, "RESET", b"+RESET\r\n")
    answered(other, "client setinfo LIB-NAME n", GOOD)
    assert session == other
    answered(other := new_session(), "SELECT 3", GOOD)
    answered(other, "RESET", b"+RESET\r\n")
    assert other == new_session()


@pytest.mark.parametrize("line", ["AUTH al wrong", "HELLO 3 AUTH al wrong"])
def test_a_login_of_who_may_get_pushes_is_answered_or_not_but_always_marked(line: str) -> None:
    """From 7.2 on Redis tells of a failure only where it has nothing else to write."""
    name, frame = line.split()[0].encode(), command(*line.split())
    for reply in (b"-WRONGPASS x\r\n", b"+OK\r\n", b""):
        for marked in (MARKED, b"-NOAUTH x\r\n"):
            session = new_session()
            session.protocol = 3
            [step] = ask(session, name, frame)
            assert isinstance(step, Send) and step.want is not None
            assert step.frame == frame + MARK
            if reply:
                assert step.want.take(session, reply, True) == reply and not step.want.finished
            assert step.want.take(session, marked, True) == b"" and step.want.finished
            assert (session.user == b"al") == (reply == b"+OK\r\n")
    [step] = ask(new_session(), name, frame)
    assert isinstance(step, Send) and step.frame == frame, "in RESP2 nothing comes unasked"


def test_a_redirection_to_another_node_is_withheld() -> None:
    def sent(*words: str) -> tuple[Step, ...]:
        return ask(new_session(), b"CLIENT", command("CLIENT", "CAPA", *words))

    assert sent("redirect") == (Send(command("CLIENT", "CAPA", "BATON")),)
    assert sent("a", "Redirect", "b") == (Send(command("CLIENT", "CAPA", "a", "b")),)
    assert sent("a") == (Send(command("CLIENT", "CAPA", "a")),)
    assert sent() == (Send(command("CLIENT", "CAPA")),)


def test_a_password_is_never_shown() -> None:
    session = new_session()
    answered(session, "HELLO 3 AUTH al secret", GOOD)
    assert session.auth is not None and "secret" not in repr(session)
