"""The comparison has teeth: one byte that is not the same is found, wherever it is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.transparency import connection
from tests.transparency.conversations import Conversation, Step
from tests.transparency.proxied import Differed
from tests.transparency.tampering import Tamperer
from tests.transparency.twins import Twins

EXACT = Conversation(
    protocols=(2, 2, 2),
    patient=False,
    steps=(
        Step(0, (("GET", "s1"), ("LRANGE", "l1", "0", "-1"), ("INCR", "n1"))),
        Step(0, (("SUBSCRIBE", "ch1"), ("UNSUBSCRIBE",))),
        Step(1, (("SET", "s1", "x"),)),
        Step(0, (("MULTI",), ("GET", "s1"), ("NOSUCH",), ("EXEC",))),
    ),
)
"""Nothing in it may differ between twins, and its first client is told something in each step."""

STRIDE = 7
"""Every so manieth byte is tried; all of them, with 1, takes half a minute."""


@pytest.fixture
def hurried(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Bytes that do not come are not waited for as long as usual."""
    monkeypatch.setattr(connection, "LIMIT_SECONDS", 0.3)
    yield


@pytest.mark.usefixtures("hurried")
def test_a_byte_that_is_changed_is_found(twins: Twins) -> None:
    twins.hold(EXACT)
    place = 0
    while True:
        with closing(Tamperer(twins.proxy.port, place)) as tamperer:
            twins.port = tamperer.port
            try:
                twins.hold(EXACT)
            except Differed:
                place += STRIDE
                continue
            finally:
                twins.port = 0
            assert not tamperer.done, f"the byte at {place} was changed, and nobody noticed"
            break
    assert place > 200
