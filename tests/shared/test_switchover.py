"""A switchover with a crowd on shared lanes: no error, nothing lost or doubled, and to each its own."""

from __future__ import annotations

from itertools import product

from tests.shared.scene import FEW, Shared
from tests.shared.test_transactions import whole
from tests.shared.throng import Program, Throng, Told, opened, plain


def test_a_crowd_of_three_hundred_notices_nothing_of_switchovers(scene: Shared) -> None:
    throng = Throng(scene)
    for number in range(300):
        throng.add(f"p{number}", plain(f"p{number}"))
    with throng:
        for _ in range(3):
            throng.wait_checked(900)
            report = scene.switch()
            assert float(report["hold_ms"]) < 1000
        throng.wait_checked(900)
        assert len(scene.connections()) <= FEW
    throng.assert_well()


def test_clients_of_many_identities_keep_theirs_over_switchovers(scene: Shared) -> None:
    throng = Throng(scene)
    keys = list(product(("default", "picker"), (2, 3), (0, 3, 9)))
    for number in range(60):
        user, protocol, db = keys[number % len(keys)]
        name = f"{user}:{protocol}:{db}:{number}"
        login = ("AUTH", "picker", "fig") if user == "picker" else ("PING",)
        ahead: list[Told] = [(login, lambda told: told in ("OK", "PONG"))]
        ahead += [(("HELLO", protocol), bool), (("SELECT", db), "OK")]
        throng.add(name, opened(asked(plain(name), user, protocol), *ahead))
    with throng:
        for _ in range(3):
            throng.wait_checked(300)
            scene.switch()
        throng.wait_checked(300)
    throng.assert_well()


def asked(program: Program, user: str, protocol: int) -> Program:
    """Between its own commands: who it is, and in which protocol it is answered."""
    pairs = {"a": "1"} if protocol == 3 else ["a", "1"]
    for turn, exchange in enumerate(program):
        yield exchange
        if turn % 3 == 0:
            field: Told = (("HSET", f"hash:{user}", "a", "1"), lambda told: told in (0, 1))
            yield [(("ACL", "WHOAMI"), user), field, (("HGETALL", f"hash:{user}"), pairs)]


def test_whole_transactions_stay_whole_over_switchovers(scene: Shared) -> None:
    throng = Throng(scene)
    for number in range(60):
        throng.add(f"w{number}", whole(f"w{number}"))
    with throng:
        for _ in range(4):
            throng.wait_checked(300)
            scene.switch()
        throng.wait_checked(300)
    throng.assert_well()


def test_the_crowd_is_on_shared_lanes_again_at_once(scene: Shared) -> None:
    talks = [scene.talk("PING") for _ in range(100)]
    pinned = [scene.talk("WATCH fruit") for _ in range(5)]
    scene.wait_shared(*talks)
    for _ in range(3):
        scene.switch()
        for number, talk in enumerate(talks):
            talk.send_all(f"INCR count:{number}", f"ECHO {number}")
        for number, talk in enumerate(talks):
            assert talk.replies(2)[1] == str(number)
        scene.wait_shared(*talks)
        assert len(scene.connections()) <= FEW + len(pinned)
    for talk in pinned:
        assert talk.ask_all("MULTI", "ECHO x", "EXEC")[2] in (["x"], None)
