"""What a tape has happen, event by event: a letter, on whom, and what goes with it."""

from unittest import mock

from proxy.relay.peer import Peer
from proxy.relay.proving import Proving
from proxy.relay.reactor import OUT
from proxy.relay.shared import SharedLane
from proxy.telling import listen
from tests.fuzz.limits import small
from tests.fuzz.node import Link
from tests.fuzz.oracle import NoReply, end_of
from tests.fuzz.pipes import Pipe
from tests.fuzz.scene import Application, Scene, weighed
from tests.fuzz.tape import Tape
from tests.fuzz.vocabulary import words

KINDS = ("GET", "INCR", "SCAN", "MULTI", "BLPOP")
SIZES = (1, 20, 120, 300, 2000)
CHUNKS = (1, 7, 40, 200, 3000, 100_000)
LIES = words("lies")
BROKEN = b"*x\r\n"
BROKEN_ANSWER = b"-ERR Protocol error: invalid multibulk length\r\n"


def play(tape: Tape) -> None:
    """Play it to the end, and judge."""
    scene = Scene()
    stop = listen(scene.told.append)
    marked, send = Proving.let_through, Peer.send

    def offer(self: Peer, data: bytes) -> None:
        if isinstance(self.transport, Pipe):
            self.transport.offered += data
        send(self, data)

    def let_through(self: Proving, much: bool = False) -> SharedLane:
        for link in scene.links:
            link.passing = link.passing or link.pipe is self.lane.transport
        return marked(self, much)

    try:
        with (
            small(),
            mock.patch.object(Proving, "let_through", let_through),
            mock.patch.object(Peer, "send", offer),
        ):
            while not tape.ended:
                happen(scene, tape)
            for application in scene.applications:
                weighed(application.client)
            scene.finish()
            scene.check()
    finally:
        stop()
        scene.close()


def happen(scene: Scene, tape: Tape) -> None:
    """One event; a letter says which, so that a tape can be written by hand."""
    letter = chr(tape.number(256))
    if letter.isupper() and ord(letter) < 128:
        application = scene.applications[tape.number(len(scene.applications))]
        _by_client(scene, application, letter, tape)
    elif letter.islower() and ord(letter) < 128:
        _by_node(scene, scene.links[-1 - tape.number(len(scene.links))], letter, tape)
    elif letter == "|":
        scene.route.gate.close("hold")
    elif letter == "/":
        scene.route.gate.open("hold")
    else:
        scene.turn()


def _by_client(scene: Scene, application: Application, letter: str, tape: Tape) -> None:
    who = application.client.number
    may_speak = not (application.left or application.client.closed or application.client.leaving)
    match letter:
        case "L" if may_speak:  # it leaves without a word
            application.left = True
            application.pipe.broken = True
            scene.hear(who, b"")
        case "E" if may_speak:  # it ends its side, and still reads
            application.left = True
            scene.hear(who, b"")
        case "B" if may_speak:
            application.left = True
            application.expected.append(BROKEN_ANSWER)
            scene.hear(who, BROKEN)
        case "D":  # it does not read
            application.heard += application.pipe.read()
            application.pipe.room = tape.choose((0, 1, 10, 100))
        case "R":
            scene.read(application)
        case "H" if may_speak:  # half of a command, and the rest of it later
            data = scene.say(who, tape.choose(KINDS), tape.choose(SIZES))
            cut = tape.number(len(data))
            application.pipe.coming.extend(part for part in (data[:cut], data[cut:]) if part)
        case _ if may_speak:
            count = tape.number(4) + 1
            scene.hear(
                who, b"".join(scene.say(who, tape.choose(KINDS), tape.choose(SIZES)) for _ in range(count))
            )


def _by_node(scene: Scene, link: Link, letter: str, tape: Tape) -> None:
    match letter:
        case "s":  # the lane is left, as when the node holds a write for somebody else
            lane = scene.lane
            if link.shared and isinstance(lane.receiver, Proving) and lane.ledger and not lane.closed:
                lane.receiver.let_through()
        case "f":  # it takes no more for now
            link.pipe.room = tape.choose((0, 5, 50))
        case "t":
            link.pipe.room = None
            scene.reactor.ready(link.pipe, OUT)
        case "e" | "r":
            link.odd = True
            link.pipe.broken = letter == "r"
            link.pipe.coming.append(b"")
            scene.receive(link.pipe)
        case "i" | "l" | "x" | "c" | "d" | "k":
            _lie(link, letter, tape)
        case _:
            scene.answer(link, tape.choose(CHUNKS))


def _lie(link: Link, letter: str, tape: Tape) -> None:
    """Change what is to be said next."""
    answers = link.answers
    try:
        first = end_of(bytes(answers), 0)
    except NoReply:
        first = len(answers)
    link.odd = True
    match letter:
        case "i":  # a reply too many, or something else
            answers[:0] = tape.choose(LIES)
        case "l":  # another one
            answers[:first] = tape.choose(LIES)
        case "x":  # one too few
            del answers[:first]
        case "c":  # one twice
            answers[:0] = answers[:first]
        case "d":  # a byte, somewhere
            if answers:
                answers[tape.number(len(answers))] = tape.number(256)
        case "k":  # bytes as they stand here, somewhere
            at = tape.number(len(answers) + 1)
            answers[at:at] = tape.line()
