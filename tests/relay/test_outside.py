"""WAIT over a connection of the proxy's own, before a node that answers what it likes."""

from typing import Any, cast

import pytest

from proxy.nodes.errors import ReplyError
from proxy.nodes.link import Link, Reply, Request
from proxy.relay.outside import _wait
from tests.relay.bench import Bench


class ToldLink:
    """Answers what it was told to."""

    def __init__(self, *answers: list[Reply]) -> None:
        self.answers = list(answers)

    async def calls(self, requests: list[Request]) -> list[Reply]:
        return self.answers.pop(0)


@pytest.mark.parametrize("reply", [b"OK", None, [b"a", 1], [[1], 1]])
async def test_an_answer_that_is_no_number_is_an_error_and_not_the_end_of_the_proxy(reply: Any) -> None:
    bench = Bench()
    link = ToldLink([b"OK", b"PONG"], [reply])
    try:
        with pytest.raises(ReplyError, match="WAITAOF"):
            await _wait(bench.route, bench.client, cast(Link, link), (b"WAITAOF", b"1", b"1", b"100"), 99.0)
    finally:
        bench.close()


async def test_an_answer_in_numbers_is_given_on() -> None:
    bench = Bench()
    link = ToldLink([b"OK", b"PONG"], [[1, 2]])
    words = (b"WAITAOF", b"1", b"2", b"100")
    assert await _wait(bench.route, bench.client, cast(Link, link), words, 99.0) == b"*2\r\n:1\r\n:2\r\n"
    bench.close()
