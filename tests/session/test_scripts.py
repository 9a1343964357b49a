"""The scripts that passed through are kept, within bounds, and a NOSCRIPT is repaired where that is safe."""

from collections.abc import Callable
from hashlib import sha1

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.session.common import Nobody
from proxy.session.scripts import Scripts
from proxy.session.session import LoadScript, Send, SendAndWait, Session, Step, Want
from proxy.session.table import ask
from proxy.wire.encoding import command
from proxy.wire.requests import Frame
from tests.servers import RedisServer
from tests.session.conversation import Conversation, new_session

GONE = b"-NOSCRIPT No matching script. Please use EVAL.\r\n"
TAG = 7


def digest(body: bytes) -> bytes:
    return sha1(body).hexdigest().encode()


def saw(scripts: Scripts, body: bytes) -> None:
    scripts.saw(digest(body), body)


@given(st.lists(st.binary(min_size=1, max_size=6), max_size=40), st.integers(0, 5), st.integers(0, 12))
def test_the_bounds_hold_and_the_latest_are_kept(bodies: list[bytes], count: int, size: int) -> None:
    scripts = Scripts(count, size)
    for body in bodies:
        saw(scripts, body)
        scripts.confirm(digest(body), TAG)
        assert len(scripts) <= count and sum(map(len, scripts)) <= size
        if len(body) <= size and count:
            assert list(scripts)[-1] == body
    kept = {digest(body) for body in scripts}
    assert {each for each in map(digest, bodies) if scripts.confirmed(each, TAG)} == kept


def test_the_least_recently_used_goes_first() -> None:
    scripts = Scripts(2, 100)
    for body in (b"one", b"two", b"one", b"three"):
        saw(scripts, body)
    assert list(scripts) == [b"one", b"three"]
    assert scripts.use(digest(b"one")) == b"one" and scripts.use(digest(b"two")) is None
    saw(scripts, b"four")
    assert list(scripts) == [b"one", b"four"]


def test_the_version_grows_with_every_body_that_is_new() -> None:
    scripts = Scripts(2, 100)
    versions = []
    for body in (b"one", b"one", b"two", b"x" * 101):
        saw(scripts, body)
        versions.append(scripts.version)
    assert versions == [1, 1, 2, 2]
    assert (scripts.newer(0), scripts.newer(1), scripts.newer(2)) == ([b"one", b"two"], [b"two"], [])


def test_what_is_confirmed_holds_for_one_process_until_there_is_doubt() -> None:
    scripts = Scripts(2, 100)
    one = digest(b"one")
    scripts.confirm(one, TAG)
    assert not scripts.confirmed(one, TAG), "its body is not kept"
    saw(scripts, b"one")
    scripts.confirm(one, TAG)
    assert scripts.confirmed(one, TAG) and not scripts.confirmed(one, TAG + 1)
    scripts.doubt()
    assert not scripts.confirmed(one, TAG) and scripts.use(one) == b"one"
    scripts.confirm(one, TAG)
    scripts.confirm(digest(b"two"), TAG + 1)
    assert not scripts.confirmed(one, TAG) and not scripts.confirmed(one, TAG + 1)


def said(session: Session, *words: str | bytes, reply: bytes) -> bytes:
    """Send a command and let the node reply."""
    return answer(session, ask_for(session, *words), reply)


def ask_for(session: Session, *words: str | bytes) -> Step:
    name = words[0] if isinstance(words[0], bytes) else words[0].encode()
    [step] = ask(session, name.upper(), command(*words))
    return step


def answer(session: Session, step: Step, reply: bytes) -> bytes:
    want = want_of(step)
    return reply if want is None else want.take(session, reply, True)


def want_of(step: Step) -> Want | None:
    assert isinstance(step, Send | SendAndWait)
    return step.want


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        (["EVAL", "one", "0"], b":1\r\n"),
        (["eval_ro", "one", "0"], b"$-1\r\n"),
        (["SCRIPT", "load", "one"], b"$40\r\n" + digest(b"one") + b"\r\n"),
    ],
)
def test_a_script_is_kept_once_the_node_has_taken_it(words: list[str], reply: bytes) -> None:
    session = new_session()
    scripts = session.common.scripts
    for refusal in (b"-NOPERM x\r\n", b"!9\r\nNOPERM xx\r\n"):
        assert said(session, *words, reply=refusal) == refusal
        assert not list(scripts), "what this client may not run must not come to the next primary"
    assert said(session, *words, reply=reply) == reply
    assert list(scripts) == [b"one"] and scripts.confirmed(digest(b"one"), session.tag)
    assert want_of(ask_for(session, *words)) is None, "what is known need not be looked at"


def test_a_piece_of_a_long_answer_is_no_answer() -> None:
    session = new_session()
    want = want_of(ask_for(session, "EVAL", "one", "0"))
    assert want is not None
    for piece in (b"-ERR x", b":1\r\n"):
        assert want.take(session, piece, piece == b":1\r\n") == piece
    assert not list(session.common.scripts)
    called = kept_and_called(session)
    assert called.take(session, b"*2\r\n$9\r\n", False) and called.take(session, GONE, True) == GONE


def test_other_forms_keep_nothing() -> None:
    session = new_session()
    for words in (["EVAL"], ["EVAL", "x"], ["SCRIPT"], ["SCRIPT", "LOAD"], ["SCRIPT", "EXISTS", "abc"]):
        assert want_of(ask_for(session, *words)) is None


def test_scripts_inside_multi_are_kept_when_exec_answers(redis_server: Callable[..., RedisServer]) -> None:
    talk = Conversation(redis_server())
    talk.tell_all(command("MULTI"), command("EVAL", "return 4", 0), command("SCRIPT", "LOAD", "return 5"))
    assert not list(talk.session.common.scripts)
    assert talk.tell("EXEC").startswith(b"*2\r\n:4\r\n$40\r\n")
    assert list(talk.session.common.scripts) == [b"return 4", b"return 5"]
    talk.tell_all(command("MULTI"), command("EVALSHA", digest(b"return 4"), 0))
    assert talk.tell("EXEC") == b"*1\r\n:4\r\n"
    assert list(talk.session.common.scripts) == [b"return 5", b"return 4"], "a call counts as use"


def test_a_flush_forgets_them_when_the_node_agrees() -> None:
    session = new_session()
    scripts = session.common.scripts
    saw(scripts, b"one")
    scripts.confirm(digest(b"one"), session.tag)
    for reply, left in ((b"-NOPERM x\r\n", 1), (b"+OK\r\n", 0)):
        assert said(session, "SCRIPT", "FLUSH", reply=reply) == reply
        assert len(scripts) == scripts.confirmed(digest(b"one"), session.tag) == left
    saw(scripts, b"four")
    assert list(scripts) == [b"four"] and not scripts.confirmed(digest(b"one"), session.tag)


class Alone(Nobody):
    def nothing_behind(self, number: int) -> bool:
        return True


def kept_and_called(session: Session, confirmed: bool = False, body: bytes = b"one") -> Want:
    """The want of an EVALSHA whose script is kept."""
    saw(session.common.scripts, body)
    if confirmed:
        session.common.scripts.confirm(digest(body), session.tag)
    step = ask_for(session, "evalsha", digest(body).upper(), "0")
    assert isinstance(step, Send if confirmed else SendAndWait) and step.want is not None
    return step.want


def test_a_digest_that_is_not_known_is_simply_forwarded() -> None:
    session = new_session()
    for words in (["EVALSHA", "a" * 40, "0"], ["EVALSHA", "abc", "0"], ["EVALSHA"]):
        step = ask_for(session, *words)
        assert isinstance(step, Send) and step.want is None


def test_a_digest_is_waited_for_until_an_answer_confirms_it() -> None:
    session = new_session()
    scripts = session.common.scripts
    for reply in (b"-ERR x\r\n", b"-NOPERM x\r\n", b"-BUSY x\r\n"):
        assert kept_and_called(session).take(session, reply, True) == reply
        assert not scripts.confirmed(digest(b"one"), session.tag)
    assert kept_and_called(session).take(session, b":1\r\n", True) == b":1\r\n"
    assert isinstance(ask_for(session, "EVALSHA", digest(b"one"), "0"), Send)
    session.tag += 1
    assert isinstance(ask_for(session, "EVALSHA", digest(b"one"), "0"), SendAndWait)


@pytest.mark.parametrize("name", ["EVALSHA", "evalsha_ro"])
def test_a_noscript_is_withheld_and_the_command_asked_about_again_once(name: str) -> None:
    session = new_session()
    saw(session.common.scripts, b"one")
    frame: Frame = command(name, digest(b"one"), "0")
    [step] = ask(session, name.upper().encode(), frame)
    want = want_of(step)
    assert want is not None and want.take(session, GONE, True) == b"" and want.withheld
    assert want.then(session) == (LoadScript(b"one", name.upper().encode(), frame),)
    [step] = ask(session, name.upper().encode(), frame)
    want = want_of(step)
    assert want is not None and want.take(session, GONE, True) == GONE and not want.withheld
    assert want.then(session) == ()
    again = want_of(ask_for(session, name, digest(b"one"), "0"))
    assert again is not None and again.take(session, GONE, True) == b"", "another command is another matter"


def test_a_long_call_is_repaired_too() -> None:
    session = new_session()
    saw(session.common.scripts, b"one")
    whole = command("EVALSHA", digest(b"one"), "0", b"x" * 100)
    for cut in (20, 80, len(whole) - 1):
        [step] = ask(session, b"EVALSHA", [whole[:cut], whole[cut:]])
        want = want_of(step)
        assert want is not None and want.take(session, GONE, True) == b"", cut


def test_a_confirmed_one_is_repaired_where_nothing_was_sent_behind_it() -> None:
    session = new_session()
    behind = kept_and_called(session, confirmed=True)
    assert behind.take(session, GONE, True) == GONE and behind.then(session) == ()
    assert not session.common.scripts.confirmed(digest(b"one"), session.tag)
    session.common.directory = Alone()
    alone = kept_and_called(session, confirmed=True)
    assert alone.take(session, GONE, True) == b"" and len(alone.then(session)) == 1


def test_a_script_that_says_noscript_itself_is_not_run_twice() -> None:
    session = new_session()
    body = b"return redis.error_reply('NOSCRIPT No matching script.')"
    assert kept_and_called(session, body=body).take(session, GONE, True) == GONE
    other = kept_and_called(session)
    assert other.take(session, b"-NOSCRIPT my own\r\n", True) == b"-NOSCRIPT my own\r\n"


def test_inside_multi_nothing_is_sent_again() -> None:
    session = new_session()
    saw(session.common.scripts, b"one")
    ask_for(session, "MULTI")
    step = ask_for(session, "EVALSHA", digest(b"one"), "0")
    assert isinstance(step, Send)
    answer(session, step, b"+QUEUED\r\n")
    assert said(session, "EXEC", reply=b"*1\r\n" + GONE) == b"*1\r\n" + GONE


def test_a_call_that_the_client_wants_unanswered_stays_so_when_it_is_sent_again() -> None:
    for mode in ("OFF", "SKIP"):
        session = new_session()
        saw(session.common.scripts, b"one")
        said(session, "CLIENT", "REPLY", mode, reply=b"+OK\r\n")
        frame = command("EVALSHA", digest(b"one"), "0")
        [step] = ask(session, b"EVALSHA", frame)
        want = want_of(step)
        assert want is not None and want.take(session, GONE, True) == b"" and want.withheld
        assert want.then(session) == (LoadScript(b"one", b"EVALSHA", frame),)
        [step] = ask(session, b"EVALSHA", frame)
        assert answer(session, step, b":1\r\n") == b""
        assert answer(session, ask_for(session, "GET", "x"), b":2\r\n") == (
            b"" if mode == "OFF" else b":2\r\n"
        )


def test_what_servers_say_is_understood(redis_server: Callable[..., RedisServer]) -> None:
    """The texts on which a repair rests, of the versions at hand."""
    session = new_session()
    server = redis_server()
    talk = Conversation(server, session)
    reply = talk.tell("EVALSHA", digest(b"one"), 0)
    assert kept_and_called(session).take(session, reply, True) == b"", reply
    assert talk.tell("EVAL", "return 1", 0) == b":1\r\n"
    assert talk.tell("EVALSHA", digest(b"return 1"), 0) == b":1\r\n"
