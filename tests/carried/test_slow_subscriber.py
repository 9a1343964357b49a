"""A subscriber that is merely slow hears everything, and vetoes nothing."""

from __future__ import annotations

import itertools

from tests.carried.scene import Scene
from tests.waiting import wait_until

SIZE = 100_000
BACKED_UP = 1_000_000
"""Bytes that wait in the node itself: then the proxy, and every buffer on the way, has its fill."""


def backed_up(scene: Scene) -> bool:
    [line] = scene.proxy.admin("CLIENTS")
    unread = int(line.split("unread=")[1].split()[0])
    [at_node] = [each for each in scene.primary.client().client_list() if each["sub"] == "1"]
    return unread > 0 and int(at_node["omem"]) > BACKED_UP


def test_a_slow_subscriber_is_kept_and_hears_everything(scene: Scene) -> None:
    """Its lane is not received from, so the answer to the mark stands far behind what it is due."""
    for node in scene.pair:
        node.command("CONFIG", "SET", "client-output-buffer-limit", "pubsub 0 0 0")
    talk = scene.talk()
    assert talk.ask("SUBSCRIBE", "news") == ["subscribe", "news", 1]
    numbers = itertools.count()

    def publish() -> bool:
        for _ in range(10):
            scene.primary.command("PUBLISH", "news", f"{next(numbers):0{SIZE}}")
        return backed_up(scene)

    wait_until(publish, "what it is due waits in the node")
    scene.switch()
    total = next(numbers)
    assert [int(talk.reply()[2][-9:]) for _ in range(total)] == list(range(total))
    assert scene.primary.command("PUBLISH", "news", "last") == 1
    assert talk.reply()[2] == "last"
