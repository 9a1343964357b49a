"""Taking watches along, while the pause keeps writers quiet and the candidate has every byte."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import trio
from attrs import define, field

from proxy.relay.lane import Lane
from proxy.relay.quiet import until_idle
from proxy.session.session import Send, Session
from proxy.session.watching import Proof, again, can_come, probe

if TYPE_CHECKING:
    from proxy.relay.client import Client


@define(eq=False)
class Watches:
    """The watches of one switchover."""

    _proofs: dict["Client", Proof] = field(factory=dict)
    _asked: dict["Client", tuple[Lane, Lane]] = field(factory=dict)
    """Old and warm."""

    async def carry(self, warm: Mapping["Client", Lane], within: float) -> list["Client"]:
        """Watch on the warm lanes, then ask the old ones; gives the clients whose lanes did not answer in so
        many seconds."""
        for client, lane in warm.items():
            if (
                can_come(client.session)
                and client.own_lane is not None
                and not (client.closed or lane.closed)
            ):
                assert client.session.watch is not None
                self._proofs[client] = Proof(client.session.watch)
        lanes = {client: warm[client] for client in self._proofs}
        old = {client: own for client in self._proofs if (own := client.own_lane) is not None}
        with trio.move_on_after(within):
            await self._ask(lanes, again)
            for proof in self._proofs.values():
                proof.watch.lost = True  # asking uses the old watch up: EXEC is nil until clean is the answer
            await self._ask(old, probe)
        self._asked = {client: (old[client], lanes[client]) for client in self._proofs}
        return await self.heard(0)

    async def heard(self, within: float) -> list["Client"]:
        """Wait for the answers, so many seconds; gives the clients whose lanes have not answered then."""
        with trio.move_on_after(within):
            await until_idle([lane for lanes in self._asked.values() for lane in lanes])
        return [
            client
            for client, lanes in self._asked.items()
            if not client.closed and any(lane.ledger for lane in lanes)
        ]

    async def _ask(
        self, lanes: Mapping["Client", Lane], what: Callable[[Session, Proof], list[Send]]
    ) -> None:
        for client, lane in lanes.items():
            lane.cork()
            lane.listen(True)  # also where the client reads slowly
            for step in what(client.session, self._proofs[client]):
                assert step.want is not None
                lane.owe_wanted(client, step.want)
                lane.send_frame(step.frame)
            lane.flush()
        await until_idle(lanes.values())

    def came(self, client: "Client") -> bool:
        """The client's watch is on its warm lane, and no key had been touched."""
        proof = self._proofs.get(client)
        return proof is not None and proof.came and proof.asked and proof.watch is client.session.watch
