"""The steps of a switchover, shown as they happen: from the events that the console publishes."""

import contextlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from attrs import define
from rich.console import Console
from rich.status import Status
from rich.text import Text

from proxy.terminal.exits import Wrong
from proxy.terminal.reaching import Place

Event = Mapping[str, Any]
Hear = Callable[[float], list[Event]]

STEPS = {
    "+preflight": ("preflight", "opening lanes to the candidate"),
    "+warmed": ("warm", "closing the gate"),
    "+held": ("", "what is in flight is answered"),
    "+drained": ("hold", "pausing the old primary"),
    "+paused": ("pause", "the candidate takes in the last bytes"),
    "+converged": ("converge", "promoting the candidate"),
    "+promoted": ("promote", "the clients are handed over"),
    "+demoted": ("demote", "the clients are handed over"),
    "+swapped": ("swap", "opening the gate"),
    "+released": ("", "the other replicas follow; what was put up is taken down"),
    "+settled": ("settle", "the report is written"),
}
"""By the event at its end, the name of a step, and what goes on next."""
ENDS = {"+switched-over", "-refused", "-called-off", "-failed"}
ALARMS = {
    "-promotion-unknown": "the candidate was told to be primary and does not answer; the clients wait",
    "-fence-not-renewed": "the old primary could not be kept from writes for longer",
}
SUBSCRIBED_S = 5.0


@contextlib.contextmanager
def heard(place: Place) -> Iterator[Hear]:
    """Hear what the proxy tells from now on: a function that waits for events, so many seconds at most.

    Where the console publishes none, or no more, there are none. Raises Unreachable.
    """
    with contextlib.ExitStack() as stack:
        baton = stack.enter_context(place.connected())
        listener: Any = stack.enter_context(contextlib.closing(baton.pubsub()))
        try:
            with place.failing():
                listener.subscribe("events")
                listener.get_message(timeout=SUBSCRIBED_S)  # subscribed, before anything is asked
        except Wrong:
            listener = None

        def hear(seconds: float) -> list[Event]:
            nonlocal listener
            if listener is not None:
                try:
                    return list(_messages(listener, seconds))
                except Exception:  # whoever asked for the switchover is told what became of it
                    listener = None
            time.sleep(seconds)
            return []

        yield hear


def _messages(listener: Any, seconds: float) -> Iterator[Event]:
    message = listener.get_message(timeout=seconds)
    while message is not None:
        if message["type"] == "message":
            event = json.loads(message["data"])
            if isinstance(event, dict):
                yield event
        message = listener.get_message(timeout=0.0)


@define
class Steps:
    """Shows one switchover, from its beginning; one that was under way before is another's."""

    screen: Console
    number: int | None = None
    """The proxy's number of it, once it has begun."""
    ended: bool = False
    _doing: Status | None = None

    def show(self, event: Event) -> None:
        name, number = event.get("event", ""), event.get("switchover")
        if name == "+switchover" and self.number is None:
            self.number = number
            self._go_on("asking the nodes")
        if self.number is None or number != self.number or self.ended:
            return
        if name in STEPS:
            step, following = STEPS[name]
            if name == "+held":
                self._write("gate closed", style="dim")
            elif name == "+released":
                self._write("gate open", _number(event, "hold_ms"), "dim")
            else:
                self._write(step, _number(event, "ms"))
            self._go_on(following)
        elif name in ALARMS:
            self._write(f"! {ALARMS[name]}", style="bold yellow")
        elif name in ENDS:
            self.close()

    def close(self) -> None:
        """Nothing more is shown."""
        self.ended = True
        if self._doing is not None:
            self._doing.stop()
            self._doing = None

    def tell(self, text: str) -> None:
        """A line between the steps."""
        self._write(text, style="yellow")

    def _write(self, what: str, ms: float | None = None, style: str = "") -> None:
        figure = "" if ms is None else f"{ms:10.3f} ms"
        self.screen.print(Text(f"{what:12}{figure}".rstrip(), style), soft_wrap=True)

    def _go_on(self, what: str) -> None:
        if not self.screen.is_terminal:
            return
        if self._doing is None:
            self._doing = self.screen.status(Text(what, "dim"))
            self._doing.start()
        self._doing.update(Text(what, "dim"))


def _number(event: Event, name: str) -> float | None:
    value = event.get(name)
    return float(value) if isinstance(value, int | float) else None
