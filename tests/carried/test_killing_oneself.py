"""CLIENT KILL of the very connection that says it: the answer, and then the end, as on Redis."""

import pytest

from tests.carried.scene import Scene
from tests.talking import Talk


@pytest.mark.parametrize("switched", [False, True])
def test_who_kills_himself_gets_the_answer_and_is_closed(scene: Scene, switched: bool) -> None:
    if switched:
        scene.switch()
    for form in ("ID", "ADDR", "old"):
        talk = Talk(scene.proxy.raw())
        own = talk.ask("CLIENT", "ID") if form == "ID" else ":".join(map(str, talk.socket.getsockname()))
        words = (own,) if form == "old" else (form, own, "SKIPME", "no")
        answer = talk.ask("CLIENT", "KILL", *words)
        assert answer == ("OK" if form == "old" else 1)
        assert talk.socket.recv(1) == b""
