"""What happened, as the clients saw it: a value for each thing that was done, and for each that was noticed.

Times are seconds of one clock for all clients. A thing happened at some moment between ``begun`` (taken
before the command was sent) and ``ended`` (taken after its reply was read), so what ended before another
began came first, whoever did the two.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import TypeVar

from attrs import field, frozen

Place = int | str
"""Where something stands in its log: the length of the list behind it, or the id of a stream's entry."""


class Fate(Enum):
    """What the client knows of its command."""

    DONE = "acknowledged"
    REFUSED = "refused"  # an error, or nil from EXEC: surely not executed
    UNKNOWN = "without an answer"


@frozen
class Span:
    """Who did something, from when to when."""

    client: str
    begun: float
    ended: float = math.inf
    fate: Fate = Fate.DONE


@frozen
class Event:
    span: Span


@frozen
class Keyed(Event):
    """An event that is about one key."""

    key: str


@frozen
class Append(Keyed):
    """RPUSH or XADD of a value that nobody else writes."""

    value: str
    place: Place | None = None
    """As the reply says; None where the reply does not tell."""


@frozen
class Read(Keyed):
    """What stands in a log behind a value; the whole log where that is None."""

    values: tuple[str, ...]
    after: str | None = None


@frozen
class Snapshot(Event):
    """Two logs, read in one transaction, that are only ever written together."""

    first: tuple[str, ...]
    second: tuple[str, ...]


@frozen
class Count(Keyed):
    """INCR."""

    number: int | None = None


@frozen
class Look(Keyed):
    """GET of a counter."""

    number: int


@frozen
class Swap(Keyed):
    """WATCH, GET, then SET in a transaction: done only if nobody wrote in between."""

    before: str
    after: str


@frozen
class Push(Keyed):
    """Something to be taken, by one client, once."""

    value: str


@frozen
class Pop(Event):
    """A command that takes and may block for as long as its timeout (seconds); without a value, it was
    answered nil."""

    keys: tuple[str, ...]
    value: str | None = None
    timeout: float = 0.0


@frozen
class Publish(Event):
    """A message that nobody else publishes, the ``number``-th of this client on the channel."""

    channel: str
    number: int


@frozen
class Subscription(Event):
    """From its confirmation until its end was asked for."""

    channel: str


@frozen
class Heard(Event):
    """A message that came to a subscriber."""

    channel: str
    publisher: str
    number: int


@frozen
class Answer(Event):
    """The reply to something of which only the client itself knows the answer."""

    question: str
    wanted: str
    got: str


@frozen
class Cached(Keyed):
    """What a client still takes for the value of a key when nobody writes any more: it was told nothing
    else."""

    value: str


@frozen
class Noticed(Event):
    """What no client of the proxy may see: an error, a lost connection, a reply that nobody asked for."""

    what: str


E = TypeVar("E", bound=Event)


@frozen
class History:
    """All that was recorded."""

    events: Sequence[Event]

    def of(self, kind: type[E]) -> list[E]:
        """Return the events of a kind, in the order in which they began."""
        found = [event for event in self.events if isinstance(event, kind)]
        return sorted(found, key=lambda event: event.span.begun)


@frozen
class Final:
    """What the primary holds in the end."""

    logs: Mapping[str, Sequence[tuple[str, Place]]] = field(factory=dict)
    counters: Mapping[str, int] = field(factory=dict)
    registers: Mapping[str, str] = field(factory=dict)
    queues: Mapping[str, Sequence[str]] = field(factory=dict)


@frozen
class Fault:
    """A rule that does not hold."""

    rule: str
    text: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.text}"


def by_key(events: Iterable[E], key: str = "key") -> dict[str, list[E]]:
    """Return the events of each key, or each value of another field, in their order."""
    groups: dict[str, list[E]] = {}
    for event in events:
        groups.setdefault(getattr(event, key), []).append(event)
    return groups
