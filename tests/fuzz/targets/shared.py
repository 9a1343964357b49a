"""Clients that share a lane to a node that may say anything: nobody gets a byte that is not for him.

A tape (see :mod:`tests.fuzz.play`) says what clients and node do, in what pieces and in which order. A node
that lies is found out before anybody is given anything of its batch; a lane that dies takes those along to
whom it owed something, and no others; and where the node did not lie, everybody gets everything.
"""

from tests.fuzz.play import play
from tests.fuzz.tape import Tape
from tests.fuzz.vocabulary import words

WORDS = words("shared")


def throw(data: bytes) -> None:
    play(Tape(data))
