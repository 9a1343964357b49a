"""A directory that is made by hand: who is there, which lanes they have, and what the node calls those."""

import attrs

from proxy.session.common import Common, Entry, Nobody
from proxy.session.scripts import Scripts
from proxy.session.session import Session
from tests.session.conversation import Conversation

ASKER, OTHER, SILENT, GONE, SHARER = 1, 2, 3, 4, 5
CARRIER = b"127.0.0.9:9"
"""Where the node sees a lane that many clients share."""


@attrs.define
class Town(Nobody):
    """ASKER and OTHER have lanes of their own, SHARER has a share in one, SILENT has none."""

    people: dict[int, Entry] = attrs.field(factory=dict)
    carriers: list[Entry] = attrs.field(factory=list)
    closed: list[int] = attrs.field(factory=list)
    common: Common = attrs.field(init=False)

    def __attrs_post_init__(self) -> None:
        self.common = Common(Scripts(10, 1000), directory=self)
        self.settle(ASKER, lane=b"127.0.0.1:98", node_id=5)
        self.settle(OTHER, lane=b"127.0.0.1:99", node_id=77)
        self.settle(SILENT)
        self.settle(SHARER, lane=CARRIER, alone=False)

    def settle(
        self, number: int, lane: bytes = b"", *, alone: bool = True, node_id: int | None = 0, **said: int
    ) -> Session:
        """Somebody is here from now on, at the address 10.0.0.NUMBER:1."""
        known = self.people.get(number)
        session = Session(number, self.common) if known is None else known.session
        self.people[number] = Entry(
            number, b"10.0.0.%d:1" % number, session, lane, b"HERE", alone and lane != b"", node_id, **said
        )
        return session

    def learn(self, number: int, node_id: int | None) -> None:
        """This is known, from now on, of the node's id of somebody's lane."""
        self.people[number] = attrs.evolve(self.people[number], node_id=node_id)

    def entries(self, numbers: object = None) -> list[Entry]:
        wanted = self.people if numbers is None else numbers
        return [entry for number, entry in self.people.items() if number in wanted]  # type: ignore[operator]

    def at(self, address: bytes) -> Entry | None:
        return next((entry for entry in self.people.values() if entry.address == address), None)

    def lanes(self) -> list[Entry]:
        return self.carriers

    def node_id(self, number: int) -> int | None:
        entry = self.people.get(number)
        return entry.node_id if entry is not None and entry.alone else 0

    def close(self, number: int) -> bool:
        self.closed.append(number)
        return self.people.pop(number, None) is not None


def seen(talk: Conversation) -> bytes:
    """Where the node sees the lane of a conversation."""
    host, port = talk.lane.getsockname()
    return b"%s:%d" % (host.encode(), port)
