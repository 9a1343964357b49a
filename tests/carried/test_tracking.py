"""CLIENT TRACKING goes on over switchovers: who caches never believes what is no longer so."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import attrs
import pytest
import redis
from redis.cache import CacheConfig

from proxy.session.ids import IDS_FROM
from tests.baton import BatonProcess
from tests.carried.scene import Scene
from tests.servers import Pair, RedisServer
from tests.talking import Talk
from tests.valve import ValvedPair, at_gate
from tests.waiting import wait_until

FORGET_ALL = b">2\r\n$10\r\ninvalidate\r\n_\r\n"
CHANNEL = "__redis__:invalidate"
LONG_NIL = b"*3\r\n$7\r\nmessage\r\n$20\r\n__redis__:invalidate\r\n%b"


def tracking(scene: Scene, *options: str | int) -> Talk:
    """A client of RESP3 that is told itself."""
    talk = scene.talk()
    talk.ask("HELLO", 3)
    assert talk.ask("CLIENT", "TRACKING", "ON", *options) == "OK"
    return talk


def invalid(*keys: str) -> list[Any]:
    return ["invalidate", list(keys)]


def test_a_client_is_told_to_forget_all_and_then_of_every_change(scene: Scene) -> None:
    talk = tracking(scene)
    for turn in range(4):
        talk.ask("GET", "fruit")
        scene.primary.command("SET", "fruit", turn)
        assert talk.reply() == invalid("fruit")
        talk.ask("GET", "fruit")
        scene.switch()
        talk.expect(FORGET_ALL)
        assert talk.ask("GET", "fruit") == str(turn)
        assert talk.is_quiet()


def test_the_word_to_forget_all_comes_ahead_of_what_the_new_primary_answers(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    scene = Scene(Pair(valved.primary, valved.replica), baton(valved.primary, valved.replica))
    talk = tracking(scene)
    talk.ask("SET", "fruit", "fig")
    with valved.hold(scene.proxy):
        talk.send("GET", "fruit")
        wait_until(lambda: at_gate(scene.proxy) == 1, "it waits at the gate")
        assert talk.is_quiet()
    talk.expect(FORGET_ALL + b"$3\r\nfig\r\n")


def test_nobody_is_told_to_forget_where_a_switchover_is_called_off(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    """And CLIENT CACHING counts still, though marks went down the lane."""
    scene = Scene(Pair(valved.primary, valved.replica), baton(valved.primary, valved.replica))
    talk, optin = tracking(scene), tracking(scene, "OPTIN")
    optin.send("SUBSCRIBE", "news")
    optin.reply()
    talk.ask("GET", "fruit")
    valved.valve.shut()
    for _ in range(2):
        valved.primary.command("SET", "other", "x")
        optin.ask("CLIENT", "CACHING", "YES")
        with pytest.raises(redis.ResponseError, match="CALLEDOFF converge"):
            scene.proxy.switchover(budget_ms=60)
        assert talk.is_quiet() and optin.is_quiet()
        optin.ask("GET", "seed")
        valved.primary.command("SET", "seed", "x")
        assert optin.reply() == invalid("seed")
    valved.primary.command("SET", "fruit", "fig")
    assert talk.reply() == invalid("fruit")
    valved.valve.open()


def test_a_client_that_only_listens_is_told_on(scene: Scene) -> None:
    """BCAST, with many prefixes; it says nothing any more, and hears of writes by whomever."""
    prefixes = [word for n in range(200) for word in ("PREFIX", f"{n:03}:")]
    talk = tracking(scene, "BCAST", *prefixes[:300])
    assert talk.ask("CLIENT", "TRACKING", "ON", "BCAST", *prefixes[300:]) == "OK"
    info = talk.ask("CLIENT", "TRACKINGINFO")
    for _ in range(3):
        scene.switch()
        talk.expect(FORGET_ALL)
        for key in ("000:a", "199:b"):
            scene.primary.command("SET", key, "x")
            assert talk.reply() == invalid(key)
        scene.primary.command("SET", "200:c", "x")
        assert talk.ask("CLIENT", "TRACKINGINFO") == info


def test_what_is_not_to_be_told_is_not(scene: Scene) -> None:
    """NOLOOP: its own writes. OPTOUT with CACHING NO: that one read."""
    noloop, optout = tracking(scene, "NOLOOP", "BCAST"), tracking(scene, "OPTOUT")
    for _ in range(3):
        optout.ask("CLIENT", "CACHING", "NO")
        scene.switch()
        noloop.expect(FORGET_ALL)
        optout.expect(FORGET_ALL)
        assert noloop.ask_all("SET fruit 1", "PING") == ["OK", "PONG"]
        optout.ask("GET", "fruit")
        scene.primary.command("SET", "fruit", 2)
        assert noloop.reply() == invalid("fruit")
        assert optout.ask("GET", "fruit") == "2"
        scene.primary.command("SET", "fruit", 3)
        assert noloop.reply() == optout.reply() == invalid("fruit")
        assert noloop.ask("PING") == optout.ask("PING") == "PONG"


@pytest.mark.parametrize("queued", [False, True])
def test_what_was_said_of_the_next_command_holds_on_the_new_primary(scene: Scene, queued: bool) -> None:
    talk = tracking(scene, "OPTIN")
    for _ in range(3):
        talk.ask("CLIENT", "CACHING", "YES")
        if queued:
            talk.ask("MULTI")
        scene.switch()
        talk.expect(FORGET_ALL)
        talk.ask("GET", "fruit")
        if queued:
            talk.ask("EXEC")
        talk.ask("GET", "other")
        scene.primary.command("SET", "other", "x")
        scene.primary.command("SET", "fruit", "x")
        assert talk.reply() == invalid("fruit")
        assert talk.ask("PING") == "PONG"


@attrs.define
class Redirection:
    """A client that has another one told, connected first or last."""

    talk: Talk
    target: Talk
    target_id: int

    @classmethod
    def begin(cls, scene: Scene, own: int, target: int, target_last: bool) -> Redirection:
        """The two speak protocol `own` and `target`."""
        talks = [scene.talk(), scene.talk()]
        if target_last:
            talks.reverse()
        told, talk = talks
        for each, protocol in ((talk, own), (told, target)):
            each.ask("HELLO", protocol)
        told_id = told.ask("CLIENT", "ID")
        if target == 2:
            told.send("SUBSCRIBE", CHANNEL)
            assert told.reply() == ["subscribe", CHANNEL, 1]
        assert talk.ask("CLIENT", "TRACKING", "ON", "REDIRECT", told_id) == "OK"
        return cls(talk, told, told_id)


@pytest.mark.parametrize("target_last", [False, True])
@pytest.mark.parametrize("target", [2, 3])
@pytest.mark.parametrize("own", [2, 3])
def test_another_client_is_told_instead(scene: Scene, own: int, target: int, target_last: bool) -> None:
    pair = Redirection.begin(scene, own, target, target_last)
    talk, told = pair.talk, pair.target
    info = talk.ask("CLIENT", "TRACKINGINFO")
    for turn in range(3):
        talk.ask("GET", "fruit")
        scene.switch()
        null = b"_\r\n" if own == 3 else b"$-1\r\n"
        told.expect(LONG_NIL % null if target == 2 else FORGET_ALL[:-3] + null)
        assert talk.ask("CLIENT", "GETREDIR") == pair.target_id
        assert talk.ask("CLIENT", "TRACKINGINFO") == info
        talk.ask("GET", "fruit")
        scene.primary.command("SET", "fruit", turn)
        assert told.reply() == (["message", CHANNEL, ["fruit"]] if target == 2 else invalid("fruit"))
        assert talk.is_quiet()


def test_a_client_that_redirects_to_itself(scene: Scene) -> None:
    talk = scene.talk()
    talk.ask("HELLO", 3)
    assert talk.ask("CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", talk.ask("CLIENT", "ID")) == "OK"
    for _ in range(3):
        scene.switch()
        talk.expect(FORGET_ALL)
        scene.primary.command("SET", "fruit", "fig")
        assert talk.reply() == invalid("fruit")


def test_a_target_that_is_unknown_is_refused_by_the_node(scene: Scene) -> None:
    talk = scene.talk()
    for stranger in (IDS_FROM + 9, IDS_FROM, 10**15):
        assert "does not exist" in str(talk.ask("CLIENT", "TRACKING", "ON", "REDIRECT", stranger))
    assert talk.ask("CLIENT", "GETREDIR") == -1
    scene.switch()
    assert talk.ask("CLIENT", "GETREDIR") == -1


@pytest.mark.parametrize("gone_first", [False, True])
def test_a_client_whose_target_is_gone_is_told_so_by_its_id(scene: Scene, gone_first: bool) -> None:
    pair = Redirection.begin(scene, 3, 3, False)
    talk = pair.talk
    if gone_first:
        pair.target.socket.close()
        wait_until(lambda: scene.proxy.admin("INFO", "clients")["connected_clients"] == 1, "it is gone")
    for _ in range(3):
        scene.switch()
        if not gone_first:
            pair.target.expect(FORGET_ALL)
            pair.target.socket.close()
            wait_until(lambda: scene.proxy.admin("INFO", "clients")["connected_clients"] == 1, "it is gone")
            gone_first = True
        talk.ask("GET", "fruit")
        scene.primary.command("SET", "fruit", "fig")
        assert talk.reply() == ["tracking-redir-broken", pair.target_id]
        assert talk.ask("CLIENT", "GETREDIR") == pair.target_id
        assert "broken_redirect" in str(talk.ask("CLIENT", "TRACKINGINFO"))


def test_what_is_set_up_during_the_hold_is_done_on_the_new_primary(
    valved: ValvedPair, baton: Callable[..., BatonProcess]
) -> None:
    """And what had been set up is taken back there."""
    scene = Scene(Pair(valved.primary, valved.replica), baton(valved.primary, valved.replica))
    ends, begins = tracking(scene), scene.talk()
    begins.ask("HELLO", 3)
    ends_id = ends.ask("CLIENT", "ID")
    with valved.hold(scene.proxy):
        ends.send("CLIENT", "TRACKING", "OFF")
        begins.send("CLIENT", "TRACKING", "ON", "BCAST", "REDIRECT", ends_id)
        wait_until(lambda: at_gate(scene.proxy) == 2, "both wait at the gate")
    ends.expect(FORGET_ALL + b"+OK\r\n")
    assert begins.reply() == "OK"
    assert ends.ask("CLIENT", "GETREDIR") == -1
    scene.primary.command("SET", "fruit", "fig")
    assert ends.reply() == invalid("fruit")


KEYS = [f"k{n}" for n in range(12)]


@attrs.define(eq=False)
class Writers:
    """Write on whichever node takes it, past the proxy, until they are to rest."""

    nodes: tuple[RedisServer, RedisServer]
    may: threading.Lock = attrs.field(factory=threading.Lock)
    over: threading.Event = attrs.field(factory=threading.Event)
    count: int = 0

    def run(self) -> None:
        talks = [Talk(node.raw()) for node in self.nodes]
        choice = random.Random(7)
        while not self.over.is_set():
            with self.may:
                if isinstance(talks[0].ask("INCR", choice.choice(KEYS)), int):
                    self.count += 1
                else:
                    talks.reverse()


@attrs.define(eq=False)
class Cacher:
    """A client that caches what it reads until it is told otherwise."""

    talk: Talk
    listener: Talk
    optin: bool = False
    cached: dict[str, str | None] = attrs.field(factory=dict)
    forgot: int = 0

    @classmethod
    def begin(cls, scene: Scene, mode: str) -> Cacher:
        if mode != "REDIRECT":
            talk = tracking(scene, *mode.split())
            return cls(talk, talk, mode == "OPTIN")
        talk, listener = scene.talk(), scene.talk()
        listener_id = listener.ask("CLIENT", "ID")
        listener.send("SUBSCRIBE", CHANNEL)
        listener.reply()
        assert talk.ask("CLIENT", "TRACKING", "ON", "REDIRECT", listener_id) == "OK"
        return cls(talk, listener)

    def read(self, key: str) -> str | None:
        """From the cache, else from Redis: what comes behind the answer is heard behind it."""
        if key not in self.cached:
            if self.optin:
                self.talk.send_all("CLIENT CACHING YES", f"GET {key}")
                assert self.answer() == "OK"
            else:
                self.talk.send("GET", key)
            self.cached[key] = self.answer()
        while not self.listener.is_quiet():
            self.hear(self.listener.reply())
        return self.cached.get(key)

    def answer(self) -> Any:
        while isinstance(heard := self.talk.reply(), list):
            self.hear(heard)
        return heard

    def settle(self) -> None:
        """Hear all that was on its way."""
        self.listener.send("PING")
        while (heard := self.listener.reply()) not in ("PONG", ["pong", ""]):
            self.hear(heard)

    def hear(self, message: list[Any]) -> None:
        keys = message[-1]
        self.forgot += keys is None
        for key in KEYS if keys is None else keys:
            self.cached.pop(key, None)


@pytest.mark.parametrize("mode", ["", "BCAST", "BCAST PREFIX k", "OPTIN", "OPTOUT NOLOOP", "REDIRECT"])
def test_no_cache_is_wrong_with_foreign_writers_over_many_switchovers(scene: Scene, mode: str) -> None:
    writers = Writers((scene.primary, scene.replica))
    cachers = [Cacher.begin(scene, mode) for _ in range(4)]
    stop = threading.Event()
    turns = [threading.Lock() for _ in cachers]

    def work(cacher: Cacher, turn: threading.Lock) -> None:
        choice = random.Random(id(cacher))
        while not stop.is_set():
            with turn:
                cacher.read(choice.choice(KEYS))

    threads = [threading.Thread(target=work, args=pair) for pair in zip(cachers, turns, strict=True)]
    threads.append(threading.Thread(target=writers.run))
    for thread in threads:
        thread.start()
    try:
        for turn in range(1, 9):
            scene.switch()
            with writers.may:
                truth = {key: scene.primary.command("GET", key) for key in KEYS}
                for cacher, lock in zip(cachers, turns, strict=True):
                    with lock:
                        cacher.settle()
                        assert {key: truth[key] for key in cacher.cached} == cacher.cached
                        assert cacher.forgot == turn
    finally:
        stop.set()
        writers.over.set()
        for thread in threads:
            thread.join()
    assert writers.count > 100


@pytest.fixture
def library(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[redis.Redis]:
    """redis-py with its own cache, which it would not use before 7.4, nor with Valkey."""
    server = scene.bypass().ask("HELLO", 3)["server"]
    monkeypatch.setattr("redis.connection.CacheProxyConnection.DEFAULT_SERVER_NAME", server)
    monkeypatch.setattr("redis.connection.CacheProxyConnection.MIN_ALLOWED_VERSION", "6.2.0")
    client: redis.Redis = scene.proxy.client(protocol=3, cache_config=CacheConfig())
    yield client
    client.close()


def reads(library: redis.Redis, key: str, wanted: str) -> bool:
    return bool(library.get(key) == wanted)


def test_the_cache_of_a_real_client_is_never_stale_over_switchovers(
    scene: Scene, library: redis.Redis
) -> None:
    """What it has cached is written past the proxy, before the switchover and after it."""
    cache = library.get_cache()
    assert cache is not None
    for turn in range(12):
        for key in KEYS:
            scene.primary.command("SET", key, f"{turn}:before")
        for key in KEYS:
            wait_until(partial(reads, library, key, f"{turn}:before"), f"{key} is read anew in {turn}")
        assert cache.size == len(KEYS)
        scene.switch()
        for key in KEYS:
            scene.primary.command("SET", key, f"{turn}:after")
        assert [library.get(key) for key in KEYS] == [f"{turn}:after"] * len(KEYS)
