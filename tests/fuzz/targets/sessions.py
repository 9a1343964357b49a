"""What a client sends and what a node answers, as a session sees them: it takes every command, every answer.

An input is the client's bytes, :data:`THEN`, and the node's, cut in pieces by :data:`CUT`: whatever the
session wants an answer to, it gets the next piece, and from the last one on the first again.
"""

from collections.abc import Container, Iterable
from itertools import cycle

from proxy.session.common import Entry, Nobody
from proxy.session.replay import BLANK, Faults, Score, difference, transaction
from proxy.session.session import Say, Send, SendAndWait, Session, Step, Want
from proxy.session.table import ask, resume
from proxy.wire.replies import BadReply, ReplyCutter
from proxy.wire.requests import BadRequest, RequestCutter
from tests.fuzz.tape import CUT, pieces
from tests.fuzz.targets import private
from tests.session.conversation import new_session
from tests.wire.streams import replies_of

THEN = b"\x1d"
WORDS = (THEN, CUT, *(word.removeprefix(CUT)[1:] for word in private.WORDS if len(word) > 2))
STEPS_MAX = 2000
PER_WANT = 20


class Alone(Nobody):
    """The directory of a session that is the only one."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def entries(self, numbers: Container[int] | None = None) -> Iterable[Entry]:
        here = Entry(self.session.number, b"127.0.0.1:1", self.session)
        return [here] if numbers is None or here.number in numbers else []


class Dialogue:
    """One session, and a node that goes through its pieces."""

    def __init__(self, answers: list[bytes]) -> None:
        self.session = new_session()
        self.session.common.directory = Alone(self.session)
        self.cutter = ReplyCutter()
        self.answers = cycle(answers)
        self.left = STEPS_MAX

    def do(self, steps: tuple[Step, ...] | list[Send], limit: int = PER_WANT) -> None:
        for step in steps:
            if isinstance(step, Send | SendAndWait) and step.want is not None:
                self.answer(step.want, limit)
            elif isinstance(step, Say):
                assert not step.close and (not step.reply or len(replies_of([step.reply])[0]) == 1)

    def answer(self, want: Want, limit: int) -> None:
        given = b""
        for _ in range(limit):
            self.left -= 1
            if self.left < 0:
                raise BadReply("enough")
            for piece, last in self.cutter.feed(next(self.answers)):
                given += want.take(self.session, piece, last)
            if want.finished:
                break
        replies_of([given])
        if limit:
            self.do(want.then(self.session), limit // 2)

    def move(self) -> None:
        """To another lane, as a switchover would."""
        steps = difference(BLANK, Score.of(self.session), Faults())
        assert steps is not None
        self.do(steps)
        self.do(transaction(self.session))
        if (blocked := self.session.blocked) is not None:
            for now in (0.0, 1e9):
                blocked.parked, blocked.since = True, 0.0
                self.do(resume(self.session, now))
                self.session.blocked = blocked
            self.session.blocked = None
        self.session.moved = True


def throw(data: bytes) -> None:
    said, _, answers = data.partition(THEN)
    dialogue = Dialogue(pieces(answers) or [b"+OK\r\n"])
    try:
        for number, (name, frame) in enumerate(RequestCutter().feed(said.replace(CUT, b""))):
            dialogue.do(ask(dialogue.session, name, frame))
            if number % 4 == 3:
                dialogue.move()
        dialogue.move()
    except (BadRequest, BadReply):
        pass  # the one is answered, for the other the lane is closed
