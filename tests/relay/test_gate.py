"""The gate opens when no reason is left, and who waits goes on in the order of arrival."""

from attrs import define, field

from proxy.relay.gate import Gate


@define(eq=False)
class Someone:
    gate: Gate
    went: list["Someone"]
    closes: str = ""
    closed: bool = field(default=False)
    number: int = 1

    def gate_opened(self) -> None:
        if self.gate.closed:
            self.gate.wait(self)
            return
        self.went.append(self)
        if self.closes:
            self.gate.close(self.closes)

    def close(self) -> None:
        self.closed = True


def test_it_is_open_only_when_no_reason_is_left() -> None:
    gate = Gate()
    gate.close("switchover")
    gate.close("no primary")
    gate.close("switchover")
    assert gate.reasons == ("switchover", "no primary")
    states = []
    for reason in ("switchover", "by hand", "no primary", "no primary"):
        gate.open(reason)
        states.append((gate.closed, gate.reasons))
    assert states == [(True, ("no primary",)), (True, ("no primary",)), (False, ()), (False, ())]


def test_who_waits_goes_on_once_in_the_order_of_arrival() -> None:
    gate, went = Gate(), list[Someone]()
    gate.close("one")
    gate.close("two")
    first, gone, last = (Someone(gate, went) for _ in range(3))
    for each in (first, gone, last, first):
        gate.wait(each)
    gate.forget(gone)
    assert list(gate.queue) == [first, last]
    gate.open("one")
    assert went == []
    gate.open("two")
    assert went == [first, last] and not gate.queue
    gate.open("two")
    assert went == [first, last]


def test_who_goes_on_may_close_it_again_ahead_of_the_others() -> None:
    gate, went = Gate(), list[Someone]()
    gate.close("one")
    first, last = Someone(gate, went, closes="two"), Someone(gate, went)
    gate.wait(first)
    gate.wait(last)
    gate.open("one")
    assert went == [first] and gate.queue == (last,)
    gate.open("two")
    assert went == [first, last]
