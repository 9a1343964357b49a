"""What a node has just answered to one client, it answers to the next, but nothing that is its to decide."""

import pytest

from proxy.session.common import Common
from proxy.session.ids import IDS_FROM
from proxy.session.learned import KEPT_MAX, KEPT_SECONDS, Learned, learn, recall
from proxy.session.scripts import Scripts
from proxy.session.session import Send, Session
from proxy.session.transactions import Transaction
from proxy.wire.encoding import OK, command
from proxy.wire.requests import RequestCutter

NOW = 1000.0
GREETING = b"%2\r\n$5\r\nproto\r\n:3\r\n$2\r\nid\r\n:77\r\n"
LEARNT = {
    "SELECT 2": OK,
    "CLIENT SETNAME fig": OK,
    "client setinfo lib-name redis-py": OK,
    "CLIENT TRACKING off": OK,
    "HELLO 3": GREETING,
    "HELLO 3 SETNAME fig": GREETING,
}
NOT_LEARNT = {
    "HELLO 3 AUTH fig secret": GREETING,
    "hello 3 setname fig auth fig secret": GREETING,
    "CLIENT ID": b":7\r\n",
    "CLIENT LIST": b"$2\r\nid\r\n",
    "CLIENT GETNAME": b"$3\r\nfig\r\n",
    "CLIENT NO-EVICT on": OK,
    "CLIENT TRACKING on": OK,
    "CLIENT REPLY off": OK,
    "CLIENT KILL ID 3": b":1\r\n",
    "CLIENT PAUSE 100": OK,
    "CLIENT SETNAME": b"-ERR wrong number of arguments\r\n",
}


def new_session(auth: bytes | None = None, protocol: int = 2) -> Session:
    session = Session(5, Common(Scripts(10, 1000)))
    session.auth, session.protocol = auth, protocol
    return session


def asks(learned: Learned, session: Session, said: str, reply: bytes, now: float = NOW) -> bytes:
    """A client asks the node and is answered this; gives what the client gets of it."""
    frame = command(*said.split())
    [(name, _)] = RequestCutter().feed(frame)
    steps = learn(session, learned, name, frame, now)
    for step in steps:
        if isinstance(step, Send) and step.want is not None:
            return step.want.take(session, reply, True)
    return reply


def recalls(learned: Learned, session: Session, said: str, now: float = NOW) -> bytes | None:
    frame = command(*said.split())
    [(name, _)] = RequestCutter().feed(frame)
    return recall(session, learned, name, frame, now)


@pytest.mark.parametrize("said", LEARNT)
def test_who_says_the_same_gets_the_same_answer_and_is_set_up_as_by_the_node(said: str) -> None:
    learned, first, second = Learned(), new_session(), new_session()
    assert recalls(learned, first, said) is None
    got = asks(learned, first, said, LEARNT[said])
    assert recalls(learned, second, said) == got
    assert (second.db, second.protocol, second.settings) == (first.db, first.protocol, first.settings)


def test_in_a_greeting_each_client_finds_its_own_id() -> None:
    learned, second = Learned(), new_session()
    second.number = 6
    told = [asks(learned, new_session(), "HELLO 3", GREETING), recalls(learned, second, "HELLO 3")]
    assert told == [GREETING.replace(b":77", b":%d" % (IDS_FROM + number)) for number in (5, 6)]
    assert second.protocol == 3


@pytest.mark.parametrize("said", NOT_LEARNT)
def test_what_has_a_password_or_is_about_this_client_alone_is_asked_anew(said: str) -> None:
    learned = Learned()
    asks(learned, new_session(), said, NOT_LEARNT[said])
    assert recalls(learned, new_session(), said) is None
    assert not learned._answers, "nothing of it is kept"


@pytest.mark.parametrize("error", [b"-NOPERM no\r\n", b"-NOAUTH first\r\n", b"!6\r\nERR no\r\n"])
@pytest.mark.parametrize("said", LEARNT)
def test_an_error_is_not_kept_and_changes_nothing(said: str, error: bytes) -> None:
    learned, session = Learned(), new_session()
    assert asks(learned, session, said, error) == error
    assert recalls(learned, new_session(), said) is None and not learned._answers
    assert (session.db, session.protocol, session.settings) == (0, 2, None)


def test_an_answer_counts_for_a_second() -> None:
    learned = Learned()
    asks(learned, new_session(), "SELECT 2", OK)
    assert recalls(learned, new_session(), "SELECT 2", NOW + KEPT_SECONDS - 0.01) == OK
    assert recalls(learned, new_session(), "SELECT 2", NOW + KEPT_SECONDS) is None
    asks(learned, new_session(), "SELECT 2", OK, NOW + 50)
    assert recalls(learned, new_session(), "SELECT 2", NOW + 50.5) == OK


def test_what_is_recalled_does_not_count_anew() -> None:
    """Or a user whose rights were taken could go on for ever."""
    learned = Learned()
    asks(learned, new_session(), "SELECT 2", OK)
    assert recalls(learned, new_session(), "SELECT 2", NOW + 0.9) == OK
    assert recalls(learned, new_session(), "SELECT 2", NOW + 1.1) is None


def test_an_answer_is_for_who_is_the_same_user_speaks_the_same_and_says_the_same() -> None:
    learned, fig = Learned(), command("AUTH", "fig", "secret")
    asks(learned, new_session(fig), "SELECT 2", OK)
    for other in (
        new_session(),
        new_session(command("AUTH", "fig", "another")),
        new_session(command("AUTH", "plum", "secret")),
        new_session(fig, protocol=3),
    ):
        assert recalls(learned, other, "SELECT 2") is None and other.db == 0
    assert recalls(learned, new_session(fig), "SELECT 3") is None
    assert recalls(learned, new_session(fig), "select 2") is None, "the very words"
    assert recalls(learned, new_session(fig), "SELECT 2") == OK


def test_within_multi_nothing_is_learnt_or_recalled() -> None:
    learned = Learned()
    asks(learned, new_session(), "SELECT 2", OK)
    session = new_session()
    session.transaction = Transaction()
    assert recalls(learned, session, "SELECT 2") is None
    asks(learned, session, "SELECT 4", b"+QUEUED\r\n")
    assert recalls(learned, new_session(), "SELECT 4") is None


def test_who_tracks_keys_is_asked_anew_when_he_stops() -> None:
    learned, session = Learned(), new_session(protocol=3)
    asks(learned, new_session(protocol=3), "CLIENT TRACKING off", OK)
    asks(learned, session, "CLIENT TRACKING on", OK)
    assert session.tracking is not None and recalls(learned, session, "CLIENT TRACKING off") is None


def test_another_node_is_asked_anew() -> None:
    learned = Learned()
    asks(learned, new_session(), "SELECT 2", OK)
    learned.forget()
    assert recalls(learned, new_session(), "SELECT 2") is None


def test_what_is_kept_has_a_limit() -> None:
    learned = Learned()
    for n in range(KEPT_MAX + 10):
        asks(learned, new_session(), f"CLIENT SETNAME fig{n}", OK)
        assert len(learned._answers) <= KEPT_MAX
    assert recalls(learned, new_session(), f"CLIENT SETNAME fig{KEPT_MAX + 9}") == OK


def test_a_password_is_not_shown() -> None:
    learned = Learned()
    asks(learned, new_session(command("AUTH", "fig", "secret")), "SELECT 2", OK)
    assert "secret" not in repr(learned)
    frame = command("SELECT", 2)
    steps = learn(new_session(command("AUTH", "fig", "secret")), learned, b"SELECT", frame, NOW)
    assert "secret" not in repr(steps)
