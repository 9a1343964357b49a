"""The scripts that passed through are kept, within bounds."""

from hypothesis import given
from hypothesis import strategies as st

from proxy.session.scripts import Scripts
from proxy.session.session import Send
from proxy.session.table import ask
from proxy.wire.encoding import command
from tests.session.conversation import new_session


@given(st.lists(st.binary(min_size=1, max_size=6), max_size=40), st.integers(0, 5), st.integers(0, 12))
def test_the_bounds_hold_and_the_latest_are_kept(bodies: list[bytes], count: int, size: int) -> None:
    scripts = Scripts(count, size)
    for body in bodies:
        scripts.saw(body)
        assert len(scripts) <= count and sum(map(len, scripts)) <= size
        if len(body) <= size and count:
            assert list(scripts)[-1] == body


def test_the_least_recently_used_goes_first() -> None:
    scripts = Scripts(2, 100)
    for body in (b"one", b"two", b"one", b"three"):
        scripts.saw(body)
    assert list(scripts) == [b"one", b"three"]


def test_the_version_grows_with_every_body_that_is_new() -> None:
    scripts = Scripts(2, 100)
    versions = []
    for body in (b"one", b"one", b"two", b"x" * 101):
        scripts.saw(body)
        versions.append(scripts.version)
    assert versions == [1, 1, 2, 2]


def test_scripts_are_seen_in_eval_and_in_script_load_inside_multi_too() -> None:
    session = new_session()
    lines = [["EVAL", "one", "0"], ["eval_ro", "two", "0"], ["SCRIPT", "load", "three"], ["MULTI"]]
    lines += [
        ["EVAL", "four", "0"],
        ["EVALSHA", "abc", "0"],
        ["SCRIPT", "EXISTS", "abc"],
        ["EVAL"],
        ["SCRIPT"],
    ]
    for words in lines:
        ask(session, words[0].upper().encode(), command(*words))
    assert list(session.common.scripts) == [b"one", b"two", b"three", b"four"]


def test_a_flush_forgets_them_when_the_node_agrees() -> None:
    session = new_session()
    session.common.scripts.saw(b"one")
    for reply, left in ((b"-NOPERM x\r\n", 1), (b"+OK\r\n", 0)):
        [step] = ask(session, b"SCRIPT", command("SCRIPT", "FLUSH"))
        assert isinstance(step, Send) and step.want is not None
        assert step.want.take(session, reply, True) == reply
        assert len(session.common.scripts) == left
    session.common.scripts.saw(b"four")
    assert list(session.common.scripts) == [b"four"]
