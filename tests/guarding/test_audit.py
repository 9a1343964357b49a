"""Whatever changes something leaves two lines: who asked for what, and what became of it."""

import os
import signal
from collections.abc import Callable

import pytest
import trio

from proxy.operation.auditing import Asker, audited, denied
from proxy.switchover.errors import Busy, CalledOff, Refused
from proxy.telling import Told, set_level, set_up
from tests.admin.recorder import Recorder
from tests.admin.talking import connect, exchange
from tests.baton import BatonProcess
from tests.console import ask, events
from tests.guarding.conftest import PASSWORD
from tests.servers import Pair
from tests.waiting import until, wait_until

OPERATOR = b"AUTH '%s'\r\n" % PASSWORD.encode()


def audit(told: list[Told]) -> list[Told]:
    return [event for event in told if event["event"] in ("+asked", "+steered", "-steered", "-denied")]


async def test_what_is_done_is_told_before_and_after(port: int, told: list[Told]) -> None:
    await exchange(port, OPERATOR + b"RELEASE\r\n")
    asked, done = audit(told)
    assert (asked["event"], done["event"]) == ("+asked", "+steered")
    same = ("request", "face", "peer", "role", "command")
    assert {name: asked[name] for name in same} == {name: done[name] for name in same}
    assert (asked["face"], asked["role"], asked["command"]) == ("console", "operator", "RELEASE")
    assert asked["peer"].startswith("127.0.0.1:") and "subject" not in asked
    assert done["outcome"] == "done" and done["ms"] >= 0


TROUBLES = [
    (Refused("lag: too far"), "refused", "lag: too far"),
    (CalledOff("converge: too slow"), "called off", "converge: too slow"),
    (Busy("another"), "busy", "another"),
    (KeyError("x\ny"), "failed", r"'x\\ny'"),
]


@pytest.mark.parametrize(("trouble", "outcome", "why"), TROUBLES, ids=[each[1] for each in TROUBLES])
async def test_what_comes_to_nothing_is_told_with_the_reason(
    port: int, recorder: Recorder, told: list[Told], trouble: Exception, outcome: str, why: str
) -> None:
    recorder.trouble = trouble
    await exchange(port, OPERATOR + b"NODES ADD a:1\r\n")
    _, end = audit(told)
    assert (end["event"], end["outcome"], end["command"]) == ("-steered", outcome, "NODES ADD a:1")
    assert end["why"].replace("\\\\", "\\") == why.replace("\\\\", "\\")


async def test_whoever_asked_may_leave_and_the_end_is_told(
    port: int, recorder: Recorder, told: list[Told]
) -> None:
    recorder.pause()
    async with await connect(port) as stream:
        await stream.send_all(OPERATOR + b"SWITCHOVER\r\n")
        await recorder.begun.wait()
    recorder.go_on.set()
    await until(lambda: len(audit(told)) == 2, lambda: str(told))
    assert audit(told)[1]["event"] == "+steered"


async def test_the_value_of_a_setting_is_told_neither_before_nor_after(port: int, told: list[Told]) -> None:
    await exchange(port, OPERATOR + b"CONFIG SET log.level hunter2\r\nCONFIG SET no.such hunter2\r\n")
    assert [event["event"] for event in audit(told)] == ["+asked", "+steered", "+asked", "-steered"]
    assert "hunter2" not in str(audit(told))


def test_an_error_that_quotes_what_is_hidden_is_told_without_it(told: list[Told]) -> None:
    with pytest.raises(ValueError), audited(Asker(face="console"), "CONFIG SET x …", "hunter2", ""):
        raise ValueError("must be a number, not 'hunter2'")
    assert audit(told)[1]["why"] == "must be a number, not '…'"


async def test_what_is_cut_off_by_the_end_is_told(told: list[Told]) -> None:
    with trio.move_on_after(0), audited(Asker(face="console"), "SWITCHOVER"):
        await trio.sleep_forever()
    assert (audit(told)[1]["event"], audit(told)[1]["outcome"]) == ("-steered", "cut off")


FORGED = "x\n12:00:00.000  +steered  request=1 outcome=done\r\x1b[2J\u2028y"


@pytest.mark.parametrize("format", ["text", "json"])
def test_nobody_can_write_a_line_of_his_own(format: str, capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    set_up("info", format, sys.stderr)
    denied(Asker(face="console", peer=FORGED, subject=FORGED), FORGED, FORGED)
    with pytest.raises(Refused), audited(Asker(face="http", peer=FORGED), FORGED):
        raise Refused(FORGED)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 3
    assert not any(letter in line for line in lines for letter in "\r\x1b\u2028")


def test_it_is_written_at_every_level(capsys: pytest.CaptureFixture[str]) -> None:
    import sys

    set_up("info", "text", sys.stderr)
    set_level("error")
    try:
        with audited(Asker(face="console"), "RELEASE"):
            pass
        denied(Asker(face="console"), "RELEASE", "no")
    finally:
        set_level("info")
    written = [line.split("  ")[1] for line in capsys.readouterr().err.splitlines()]
    assert written == ["+asked", "+steered", "-denied"]


def test_signals_are_told_too(pair: Pair, baton: Callable[..., BatonProcess]) -> None:
    proxy = baton(*pair)
    assert ask(proxy, "LOG", "LEVEL", "error") == "OK"
    os.kill(proxy.pid, signal.SIGHUP)
    wait_until(lambda: events(proxy, "+steered"), lambda: proxy.log())
    ask(proxy, "HOLD", "50")
    assert proxy.terminate() == 0
    commands = [
        (each["event"], each["face"], each["command"]) for each in events(proxy, "+asked", "+steered")
    ]
    for face, command in (("signal", "SIGHUP"), ("console", "HOLD 50"), ("signal", "SIGTERM")):
        assert [each[0] for each in commands if each[1:] == (face, command)] == ["+asked", "+steered"]
