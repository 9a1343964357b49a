"""What the operator reads of a switchover that ended by a fault of the proxy's own."""

import pytest
import trio

from proxy.app import make_route
from proxy.operation.operation import Operation
from proxy.operation.switching import Switching
from proxy.relay.reactor import Reactor
from proxy.settings import Settings


async def test_a_switchover_that_a_bug_ended_is_not_under_way_any_more(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def examine(switching: Switching, to: str | None) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Switching, "_examine", examine)
    settings = Settings()
    operation = Operation.of(*make_route(settings, "test", nursery, Reactor()), settings, "test")
    with pytest.raises(RuntimeError):
        await operation.switchover(None, None)
    assert operation.status()["state"] == "failed: RuntimeError: a bug"
    with pytest.raises(RuntimeError):  # and not Busy
        await operation.switchover(None, None)
