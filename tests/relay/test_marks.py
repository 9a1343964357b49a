"""A mark that is answered after all was called off means nothing any more."""

from proxy.relay.lane import Lane
from proxy.relay.marks import Marks
from proxy.wire.encoding import command
from tests.relay.bench import Bench, ends

MESSAGE = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$3\r\nfig\r\n"


async def test_a_subscriber_hears_on_where_its_mark_was_not_answered_in_time(bench: Bench) -> None:
    bench.says(command("SUBSCRIBE", "news"))
    confirmed = b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n"
    bench.answers(confirmed + b"*2\r\n$4\r\npong\r\n$10\r\nbaton:mark\r\n")
    bench.at_app()
    bench.at_node()
    ours, candidate = ends()
    warm = Lane(bench.route.reactor, ours, bench.route.lane_lost)
    marks = Marks()
    assert await marks.put({bench.client: warm}, within=0.0) == [bench.client]
    asked = bench.at_node()
    assert asked.startswith(b"*2\r\n$4\r\nPING\r\n")
    marks.lift()
    bench.answers(b"*2\r\n$4\r\npong\r\n" + asked.removeprefix(b"*2\r\n$4\r\nPING\r\n") + MESSAGE)
    assert bench.at_app() == MESSAGE and not bench.lane.ledger
    warm.drop()
    candidate.close()
