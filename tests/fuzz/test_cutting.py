"""The cutting of bytes and the sessions, fed with random, mutated and spliced conversations."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from random import Random

from proxy.session.replay import BLANK, Faults, Score, difference, transaction
from proxy.session.session import Say, Send, SendAndWait, Step, Want
from proxy.session.table import ask, resume
from proxy.session.transactions import Executed
from proxy.wire.counting import count_replies, count_requests
from proxy.wire.replies import BadReply, ReplyCutter
from proxy.wire.requests import BadRequest, RequestCutter
from tests.fuzz.corpus import conversation, cut, mutate
from tests.session.conversation import new_session
from tests.wire.streams import commands_of, replies_of

Rounds = Callable[[], Iterator[Random]]

PLAIN = {
    form for name in (b"GET", b"SET", b"PING", b"INCR", b"DEL", b"ECHO") for form in (name, name.lower())
}
UNHEARD_OF = re.compile(rb"[*~%|]\d{6}|>|(?<!\r\n)\|")
"""Not counted: what hiredis would make room for; pushes, which it takes for a part of the answer that they
come in: that is EXEC's alone, which is looked at anyway; and an attribute behind a bulk that does not end as
every node ends it."""
REPLIES = (
    *(
        b"+OK\r\n",
        b"+QUEUED\r\n",
        b"+PONG\r\n",
        b"-ERR no\r\n",
        b":7\r\n",
        b"$3\r\nfig\r\n",
        b"$-1\r\n",
        b"*-1\r\n",
        b"_\r\n",
    ),
    *(
        b"*0\r\n",
        b"*2\r\n$1\r\na\r\n:1\r\n",
        b"*1\r\n*2\r\n$1\r\na\r\n$0\r\n\r\n",
        b"%1\r\n$1\r\nf\r\n,1.5\r\n",
        b"~1\r\n#t\r\n",
    ),
    *(
        b"=7\r\ntxt:fig\r\n",
        b"!5\r\nERR x\r\n",
        b"|1\r\n+k\r\n+v\r\n:1\r\n",
        b"+RESET\r\n",
    ),
    *(
        b">2\r\n+invalidate\r\n*1\r\n$1\r\na\r\n",
        b"*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n",
        b"-UNBLOCKED x\r\n",
    ),
    *(
        b">3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$1\r\nb\r\n",
        b"-NOSUB x\r\n",
    ),
    *(
        b"*2\r\n+OK\r\n-ERR x\r\n",
        b"-EXECABORT x\r\n",
        b"-WRONGPASS x\r\n",
        b"-NOPERM x\r\n",
        b"*2\r\n$4\r\npong\r\n$0\r\n\r\n",
    ),
)


def requests(random: Random) -> bytes:
    chunks = conversation(random)
    return b"".join(chunks if random.random() < 0.2 else mutate(random, chunks))


def answers(random: Random) -> bytes:
    chunks = random.choices(REPLIES, k=random.randrange(1, 9))
    if random.random() < 0.1:
        chunks.append(b"$%d\r\n%s\r\n" % (70_000, b"x" * 70_000))
    return b"".join(chunks if random.random() < 0.3 else mutate(random, chunks))


def each_byte(data: bytes) -> list[bytes]:
    return [data[n : n + 1] for n in range(len(data))]


Commands = tuple[list[tuple[bytes, bytes, list[bytes]]], str, bool]


def same(some: Commands, other: Commands) -> bool:
    """A line may be too long in one cut and whole in the other: in Redis too it depends on what has come."""
    if not (some[1].startswith("too big") or other[1].startswith("too big")):
        return some == other
    count = min(len(some[0]), len(other[0]))
    return some[0][:count] == other[0][:count]


def test_requests_are_the_same_however_they_are_cut(rounds: Rounds) -> None:
    for random in rounds():
        data = requests(random)
        whole = commands_of([data])
        assert same(commands_of(cut(random, data)), whole), data
        if len(data) < 5000:
            assert commands_of(each_byte(data)) == whole, data
        if count := count_requests(data, PLAIN):
            assert (len(whole[0]), whole[1:]) == (count, ("", True)), data
            assert all(words[0] in PLAIN for _, _, words in whole[0]), data


def test_replies_are_the_same_however_they_are_cut(rounds: Rounds) -> None:
    for random in rounds():
        data = answers(random)
        whole = replies_of([data])
        pieces = [replies_of(cut(random, data))]
        if len(data) < 5000:
            pieces.append(replies_of(each_byte(data)))
        for each in pieces:
            assert (each[0], each[2:]) == (whole[0], whole[2:]), (
                data
            )  # of a long one, less may have been given out
        if not UNHEARD_OF.search(data) and (count := count_replies(data)):
            assert (len(whole[0]), whole[1:]) == (count, (b"", "", True)), data


class Pretended:
    """A node that answers a session with whatever it likes."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.session = new_session()
        self.cutter = ReplyCutter()

    def tell(self, name: bytes, frame: bytes) -> None:
        self.do(ask(self.session, name, frame))

    def do(self, steps: tuple[Step, ...] | list[Send], limit: int = 20) -> None:
        for step in steps:
            if isinstance(step, Send | SendAndWait) and step.want is not None:
                self.answer(step.want, limit)
            elif isinstance(step, Say):
                assert not step.close and (not step.reply or len(replies_of([step.reply])[0]) == 1)

    def answer(self, want: Want, limit: int) -> None:
        """Answer until the session has what it wants; it never gives out half a reply."""
        executed = isinstance(getattr(want, "inner", want), Executed)
        replies = (
            [reply for reply in REPLIES if reply.startswith((b"*", b"_", b"-"))] if executed else REPLIES
        )
        given = b""
        for _ in range(limit):
            for piece, last in self.cutter.feed(self.random.choice(replies)):
                given += want.take(self.session, piece, last)
            if want.finished:
                break
        assert replies_of([given])[1:3] == (b"", ""), given
        if limit:
            self.do(want.then(self.session), limit // 2)

    def move(self) -> None:
        """To another lane, as a switchover would."""
        steps = difference(BLANK, Score.of(self.session), Faults())
        assert steps is not None
        self.do(steps)
        self.do(transaction(self.session))
        if (blocked := self.session.blocked) is not None:
            blocked.parked, blocked.since = True, 0.0
            self.do(resume(self.session, self.random.choice((0.0, 1e9))))
            self.session.blocked = None
        self.session.moved = True


def test_a_session_takes_every_command_and_every_answer(rounds: Rounds) -> None:
    for random in rounds():
        node = Pretended(random)
        try:
            for name, frame in RequestCutter().feed(requests(random)):
                node.tell(name, frame if isinstance(frame, bytes) else b"".join(frame))
                if random.random() < 0.1:
                    node.move()
            node.move()
        except (BadRequest, BadReply):
            pass  # the one is answered, for the other the lane is closed
