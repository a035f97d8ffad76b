"""Decides which server takes which copy.

A queue belongs to the server that its topic and client id hash to, as long as that one is up: so a subscriber's copies
stay in order, equal ones can be coalesced, and each of several servers knows only its share of the queues, which makes
all of them faster. While a server is down the next one in the list stands in. Receivers connect to every server, as is
usual with Gearman.
"""

import asyncio
import time
from zlib import crc32

from gearhorn.core.fanout import Portion
from gearhorn.core.members import Members
from gearhorn.net.address import Address
from gearhorn.net.client_link import ClientLink
from gearhorn.net.connection import LinkSettings
from gearhorn.net.copier import Copier
from gearhorn.net.shipment import Shipment
from gearhorn.wire.framing import BODY_LIMIT_BYTES


class Dispatch:
    """Sends shipments through all servers.

    Copies that no server can take wait up to `retry_timeout_s` for one. Copies that were lost with a connection are
    sent again; when nothing is confirmed for that long, because servers take them and never answer, they are given up.
    """

    def __init__(
        self,
        addresses: list[Address],
        settings: LinkSettings,
        client_id: str,
        retry_timeout_s: float,
        answer_limit_bytes: int = BODY_LIMIT_BYTES,
    ) -> None:
        """Of a receiver's answer there is little more than `answer_limit_bytes` in memory, however long it is."""
        self._copiers = [
            Copier(
                address,
                settings,
                client_id,
                self._send_again,
                self._links_changed,
                answer_limit_bytes=answer_limit_bytes,
            )
            for address in addresses
        ]
        # For each configured server the one that takes its copies now: itself, or who stands in. Empty: all are down.
        self._takers: list[Copier] = []
        self.up = asyncio.Event()  # a server can take copies, or could before
        self._retry_timeout_s = retry_timeout_s
        self._parked: dict[asyncio.TimerHandle, tuple[Shipment, Portion]] = {}
        self._is_closing = False

    def adjust(self, settings: LinkSettings, retry_timeout_s: float, answer_limit_bytes: int) -> None:
        """Other settings; see ClientLink. Copies that wait for a server already wait as long as they would have."""
        self._retry_timeout_s = retry_timeout_s
        for copier in self._copiers:
            copier.link.adjust(settings, answer_limit_bytes)

    @property
    def links(self) -> list[ClientLink]:
        """One for each server, in their order."""
        return [copier.link for copier in self._copiers]

    @property
    def unsent_count(self) -> int:
        """Copies that wait for their turn, or for a server."""
        parked_count = sum(portion.unsent_count for _, portion in self._parked.values())
        return parked_count + sum(copier.unsent_count for copier in self._copiers)

    async def run(self) -> None:
        """Keeps the links up until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                for copier in self._copiers:
                    group.create_task(copier.link.run())
        finally:
            self._is_closing = True

    def go_on(self) -> None:
        """To be called when a shipment that was held back may go on."""
        for copier in self._copiers:
            copier.go_on()

    def send(self, shipment: Shipment, members: Members) -> None:
        """Starts to send copies to `members`; the shipment hears of the rest."""
        if not members or self._is_closing:
            return
        takers = self._takers
        if len(takers) == 1:
            takers[0].add(shipment, members)
        elif not takers:
            self._park(shipment, members)
        else:
            # Each topic begins with another server: else the few hosts that many topics have would all use the same.
            first = crc32(shipment.queue_prefix)
            for number, part in enumerate(members.split(len(takers)), first):
                if part:
                    takers[number % len(takers)].add(shipment, part)

    def _send_again(self, shipment: Shipment, members: Members) -> None:
        if shipment.lost_for_s(asyncio.get_running_loop().time()) <= self._retry_timeout_s:
            self.send(shipment, members)
        else:
            portion = shipment.run.add_portion(members)
            shipment.give_up(portion, f"no Gearman server has confirmed it for {self._retry_timeout_s:g} s")

    def _park(self, shipment: Shipment, members: Members) -> None:
        portion = shipment.run.add_portion(members)  # no server's, but a run whose time is up ends it like any other
        shipment.started_s = shipment.started_s or time.monotonic()

        def give_up() -> None:
            del self._parked[timer]
            shipment.give_up(portion, f"no Gearman server could be reached for {self._retry_timeout_s:g} s")

        timer = asyncio.get_running_loop().call_later(self._retry_timeout_s, give_up)
        self._parked[timer] = (shipment, portion)

    def _links_changed(self) -> None:
        rows = [self._copiers[start:] + self._copiers[:start] for start in range(len(self._copiers))]
        takers = [next((copier for copier in row if copier.link.is_up), None) for row in rows]
        self._takers = [copier for copier in takers if copier is not None]
        if self._takers:
            self.up.set()
            self._send_parked()

    def _send_parked(self) -> None:
        parked, self._parked = self._parked, {}
        for timer, (shipment, portion) in parked.items():
            timer.cancel()
            self.send(shipment, shipment.run.reopen(portion, portion.withdraw()))
