"""Inputs made of those in the corpus and of a target's words, by chance alone; a seed repeats them."""

from collections.abc import Callable
from random import Random

from tests.fuzz.targets import corpus, target

LENGTH_MAX = 4096


def maker(name: str) -> Callable[[Random], bytes]:
    """What makes an input for this target."""
    words = target(name).WORDS
    kept = [file.read_bytes() for file in corpus(name)]

    def make(random: Random) -> bytes:
        if random.random() < 0.3:  # nothing but words
            data = b"".join(random.choices(words, k=random.randrange(1, 40)))
        else:
            data = random.choice(kept)
        for _ in range(random.choice((0, 1, 1, 2, 4, 8))):
            data = _change(random, data, random.choice(words), random.choice(kept))
        return data[:LENGTH_MAX]

    return make


def _change(random: Random, data: bytes, word: bytes, other: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    to = at + random.choice((1, 1, 2, 3, 8, 40))
    match random.randrange(8):
        case 0:
            return data[:at] + random.randbytes(1) + data[at + 1 :]
        case 1:
            return data[:at] + data[to:]
        case 2:
            return data[:to] + data[at:]
        case 3 | 4:
            return data[:at] + word + data[at:]
        case 5:
            return data[:at] + word + data[to:]
        case 6:
            return data[:at] + other[random.randrange(len(other) + 1) :]
    return data[:at] + b"%d" % random.choice((-1, 0, 1, 2, 10, 65_537, 2**31, 10**9)) + data[at + 1 :]
