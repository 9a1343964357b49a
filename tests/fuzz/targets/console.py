"""What comes to the console: answers in RESP, no fault of ours, and nothing done for who has not logged in.

The first byte of an input says who may come in: ``0`` anybody, else whoever knows the password; what stands
behind it is said, cut in pieces by :data:`CUT`.
"""

from proxy.admin.console.commands import COMMANDS
from proxy.admin.console.serving import _Console
from proxy.telling import Told, listen
from proxy.wire.replies import ReplyCutter
from tests.admin.recorder import Recorder
from tests.fuzz.streams import Memory, serve
from tests.fuzz.tape import CUT, pieces
from tests.fuzz.vocabulary import words

PASSWORD = "swordfish-4711"
_FORMS = sorted(form for command in COMMANDS.values() for form, _ in command.described)
WORDS = (*words("console"), *(form.split("[")[0].strip().encode() + b"\r\n" for form in _FORMS))


def throw(data: bytes) -> None:
    told: list[Told] = []
    stop = listen(told.append)
    operator = Recorder(admin_password=None if data[:1] == b"0" else PASSWORD)
    stream = Memory(pieces(data[1:]))
    try:
        serve(stream, lambda nursery: _Console(operator, nursery, None).receive)
    finally:
        stop()
    faults = [event for event in told if event["event"] == "-fault"]
    assert not faults, faults
    cutter = ReplyCutter()
    for _ in cutter.feed(bytes(stream.heard)):
        pass
    assert cutter.at_boundary, "half an answer"
    if operator.admin_password and PASSWORD.encode() not in data.replace(CUT, b""):
        assert not operator.asked, operator.asked
    assert (PASSWORD not in repr(told) and PASSWORD.encode() not in stream.heard) or data[:1] == b"0"
