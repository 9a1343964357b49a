"""A fault of the proxy's own over one client closes that client, and whoever called goes on."""

import pytest

from proxy.relay import performer
from proxy.telling import Told
from proxy.wire.encoding import command
from tests.relay.bench import Bench, received

PING = command("PING")


def test_a_fault_over_one_client_at_the_gate_closes_it_and_lets_the_others_through(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, told: list[Told]
) -> None:
    def raise_it(*anything: object) -> None:
        raise OverflowError("a bug")

    other = Bench(bench.route)
    bench.route.plain |= {b"PING"}
    bench.route.gate.close("switchover")
    bench.says(command("SELECT", 1))
    other.says(PING)
    monkeypatch.setattr(performer, "ask", raise_it)
    bench.route.gate.open("switchover")
    assert received(bench.app) == b"<end>" and bench.client not in bench.route.clients
    assert other.at_node() == PING and other.client in bench.route.clients
    [fault] = told
    assert (fault["event"], fault["client"], fault["fault"]) == ("-fault", 1, "OverflowError: a bug")
    other.close()
