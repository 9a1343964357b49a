"""What the operator reads of a switchover that ended by a fault of the proxy's own."""

import pytest
import trio

from proxy.admin.steering import Steering
from proxy.app import _route
from proxy.relay.reactor import Reactor
from proxy.settings import Settings


async def test_a_switchover_that_a_bug_ended_is_not_under_way_any_more(
    nursery: trio.Nursery, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def examine(steering: Steering, to: str | None) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(Steering, "_examine", examine)
    settings = Settings()
    steering = Steering(*_route(settings, "test", nursery, Reactor()), settings, "test")
    with pytest.raises(RuntimeError):
        await steering.switchover(None, None)
    assert steering.status()["state"] == "failed: RuntimeError: a bug"
    with pytest.raises(RuntimeError):  # and not Busy
        await steering.switchover(None, None)
