"""What the proxy does not know is forwarded; what a proxy cannot do is refused in words."""

from __future__ import annotations

import pytest

from tests.carried.scene import Scene

UNKNOWN = (
    "JSON.SET doc $ 1",
    "FT.SEARCH index hello",
    "BF.ADD filter x",
    "mymodule.block a 0",
    "TOMORROW a b",
    "CLIENT TOMORROW",
    "XREAD TOMORROW 1",
    "WAITAOF",
    "SPUBLISH",
)
REFUSED = {
    "PSYNC ? -1": "a replica connects to a node",
    "SYNC": "a replica connects to a node",
    "REPLCONF listening-port 1": "a replica connects to a node",
    "REPLICAOF no one": "SWITCHOVER",
    "SLAVEOF no one": "SWITCHOVER",
    "FAILOVER": "SWITCHOVER",
}


def test_unknown_commands_are_answered_by_the_node(scene: Scene) -> None:
    talk = scene.talk()
    for _ in range(2):
        straight = scene.bypass().ask_all(*UNKNOWN)
        assert list(map(str, talk.ask_all(*UNKNOWN))) == list(map(str, straight))
        assert talk.ask("PING") == "PONG"
        scene.switch()


def test_unknown_commands_inside_multi_abort_it_on_the_new_primary_too(scene: Scene) -> None:
    talk = scene.talk()
    assert talk.ask_all("MULTI", "SET fruit fig")[1] == "QUEUED"
    assert "unknown command" in str(talk.ask(*UNKNOWN[0].split()))
    scene.switch()
    assert "EXECABORT" in str(talk.ask("EXEC"))


@pytest.mark.parametrize("line", REFUSED)
def test_what_only_nodes_say_is_refused_in_words_and_changes_nothing(scene: Scene, line: str) -> None:
    talk = scene.talk()
    for words in (line, line.lower()):
        said = talk.ask_all("SET fruit fig", words, "GET fruit")
        assert (said[0], said[2]) == ("OK", "fig")
        assert str(said[1]).startswith("ERR this is a proxy: ") and REFUSED[line] in str(said[1])
    scene.switch()
    assert str(talk.ask(*line.split())).startswith("ERR this is a proxy: ")
    assert talk.ask("GET", "fruit") == "fig"
    assert scene.primary.info()["connected_slaves"] == 1
