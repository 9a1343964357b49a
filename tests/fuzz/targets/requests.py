"""What a client sends, cut anywhere: the cutter, and all that counts commands, mean the same by it."""

from proxy.session.sharing import count_whole, whole
from proxy.wire.recount import holds
from proxy.wire.requests import INLINE_MAX, RequestCutter
from tests.fuzz.builds import BUILDS
from tests.fuzz.tape import CUT, pieces
from tests.fuzz.vocabulary import words
from tests.wire.streams import commands_of

PLAIN = frozenset(form for name in (b"GET", b"SET", b"PING", b"DEL") for form in (name, name.lower()))
WORDS = words("requests")


def throw(data: bytes) -> None:
    bare = data.replace(CUT, b"")
    commands, fault, ended = commands_of([bare])
    cut = commands_of(pieces(data))
    if "too big" in fault + cut[1]:  # what has come when it is looked at makes the difference, as in Redis
        count = min(len(cut[0]), len(commands))
        assert cut[0][:count] == commands[:count]
    else:
        assert cut == (commands, fault, ended)
    for build, counting in BUILDS.items():
        if count := counting.count_requests(bare, PLAIN):
            assert (count, "", True) == (len(commands), fault, ended), build
            assert all(words[0] in PLAIN for _, _, words in commands), build
    if count := count_whole(bare, PLAIN):
        assert count == len(commands) == whole(((name, frame) for name, frame, _ in commands), PLAIN)
    assert fault or not ended or holds(bare, len(commands))
    _bounded(pieces(data))


def _bounded(chunks: list[bytes]) -> None:
    """Nothing is kept but what has come, and no more is asked for than a command may still have."""
    cutter, came = RequestCutter(), 0
    try:
        for chunk in chunks:
            came += len(chunk)
            for _ in cutter.feed(chunk):
                pass
            assert cutter.held <= came and 0 <= cutter.wants <= 512 * 1024 * 1024 + 2
    except Exception as fault:
        assert type(fault).__name__ == "BadRequest" and len(str(fault)) < INLINE_MAX
