"""Puts copies onto one server's link: within the window, and the shipments that have copies to send take turns."""

import time
from collections import deque
from collections.abc import Callable, Iterable

from gearhorn.core.fanout import NOT_SENT
from gearhorn.core.members import Members
from gearhorn.core.window import ALONE_TARGET_S, CAREFUL_COPIES, MOST_COPIES, SHARED_TARGET_S, CopyWindow
from gearhorn.net.address import Address
from gearhorn.net.client_link import ClientLink
from gearhorn.net.connection import LARGE_PIECE_BYTES, LinkSettings
from gearhorn.net.shipment import Shipment
from gearhorn.wire import packets
from gearhorn.wire.client_events import ENDINGS
from gearhorn.wire.framing import BODY_LIMIT_BYTES

# What is built and sent at a time. Larger pieces gain nothing, and a piece is memory; with these the server has begun
# on the first one while the next one is being built.
JOIN_LIMIT_BYTES = 128 << 10
# A turn is good for so many copies at least: small fanouts go out whole, and a large one in pieces worth a join.
LEAST_SHARE = 64
# Windows stay short for so long after somebody had to wait for another's copies: the next one will come soon.
SHARED_FOR_S = 1.0
# A large fanout begins with a small window for so long after a small one was sent.
CAREFUL_FOR_S = 0.05

SendElsewhere = Callable[[Shipment, Members], None]


class Parcel:
    """A portion on its way through one server. The submitter of its copies."""

    __slots__ = ("_copier", "portion", "sent_at_s", "shipment")

    def __init__(self, shipment: Shipment, members: Members, copier: "Copier") -> None:
        self.shipment = shipment
        self.portion = shipment.run.add_portion(members)
        self.sent_at_s = 0.0  # the last piece
        self._copier = copier

    def next_copy_bytes(self) -> int:
        return self.shipment.encoder.size_bytes(self.portion.next_id_bytes())

    @property
    def allowance(self) -> int:
        """How many copies may be sent as far as their record and their job are concerned."""
        if self.shipment.may_go_on is not None and not self.shipment.may_go_on():
            return 0
        tally = self.shipment.run.tally
        return MOST_COPIES if tally is None else tally.allowance(is_idle=self.portion.is_idle)

    @property
    def has_more(self) -> bool:
        return self.portion.unsent_count > 0 and not self.shipment.run.is_settled

    def confirmed(self, first: int, count: int) -> None:
        now_s = self._copier.answered(count)
        shipment = self.shipment
        try:
            if shipment.meter is not None:
                shipment.heard_s = now_s
                shipment.meter.confirmed(count, now_s - self.sent_at_s)
            shipment.confirm(self.portion, first, count)
            shipment.check()
        except Exception as error:  # noqa: BLE001 - a fanout that fails must not take others with it
            self.shipment.break_off(error)

    def refused(self, position: int, reason: str) -> None:
        self._copier.answered(1)
        try:
            self.shipment.run.fail(self.portion, position, f"{NOT_SENT}: {reason}")
            self.shipment.check()
        except Exception as error:  # noqa: BLE001 - see above
            self.shipment.break_off(error)

    def reported(self, position: int, kind: int, data: bytes) -> None:
        try:
            if kind in ENDINGS:
                self.shipment.end(self.portion, position, kind, data)
                self.shipment.check()
            elif kind == packets.WORK_DATA:
                self.shipment.collect(self.portion, position, data)
        except Exception as error:  # noqa: BLE001 - see above
            self.shipment.break_off(error)

    def lost(self, positions: Iterable[int]) -> None:
        run = self.shipment.run
        reopened = run.reopen(self.portion, positions)
        if run.tally is not None:
            run.tally.sent_count -= len(reopened)
        self._copier.send_elsewhere(self.shipment, reopened)

    def leave(self) -> None:
        """What was not sent yet goes another way."""
        run = self.shipment.run
        self._copier.send_elsewhere(self.shipment, run.reopen(self.portion, self.portion.withdraw()))


class Copier:
    """`send_elsewhere` gets the copies of a link that went down; `on_change` is told when it goes down or up."""

    def __init__(
        self,
        address: Address,
        settings: LinkSettings,
        client_id: str,
        send_elsewhere: SendElsewhere,
        on_change: Callable[[], None],
        now_s: Callable[[], float] = time.monotonic,
        answer_limit_bytes: int = BODY_LIMIT_BYTES,
    ) -> None:
        """The loop's own clock would not do: uvloop's goes in steps of a millisecond."""
        self.link = ClientLink(
            address,
            settings,
            client_id,
            self._turn,
            on_change,
            self._went_down,
            answer_limit_bytes=answer_limit_bytes,
        )
        self.send_elsewhere = send_elsewhere
        self._on_change = on_change
        self._window = CopyWindow()
        self._parcels: deque[Parcel] = deque()
        self._shared_until_s = self._careful_until_s = 0.0
        self._now_s = now_s

    def add(self, shipment: Shipment, members: Members) -> None:
        """Sends copies to `members` as the window allows. To be called only while the link is up."""
        now_s = self._now_s()
        parcel = Parcel(shipment, members, self)
        if self._parcels:
            self._shared_until_s = now_s + SHARED_FOR_S
        if len(members) <= LEAST_SHARE:
            self._careful_until_s = now_s + CAREFUL_FOR_S
            if not self._parcels and self._send_small(parcel, now_s):
                return
        self._parcels.append(parcel)
        self._turn()

    def answered(self, count: int) -> float:
        """Returns the time."""
        now_s = self._now_s()
        self._window.answered(count, now_s)
        return now_s

    @property
    def unsent_count(self) -> int:
        """Copies that wait for their turn."""
        return sum(parcel.portion.unsent_count for parcel in self._parcels if parcel.has_more)

    def go_on(self) -> None:
        """To be called when a shipment that was held back may go on."""
        self._turn()

    def _send_small(self, parcel: Parcel, now_s: float) -> bool:
        """Sends the beginning of a small fanout while nobody waits; True if that was all of it."""
        copy_bytes = parcel.next_copy_bytes()
        room = self._window.room(copy_bytes)
        if room > 0:
            self._send(parcel, copy_bytes, min(room, max(1, JOIN_LIMIT_BYTES // copy_bytes)), now_s)
        return not parcel.has_more

    def _turn(self) -> None:
        parcels = self._parcels
        if not parcels:
            self._window.rest()
            return
        now_s = self._now_s()
        target_s = SHARED_TARGET_S if now_s < self._shared_until_s else ALONE_TARGET_S
        is_large = parcels[0].portion.unsent_count > CAREFUL_COPIES
        self._window.aim(target_s, is_careful=is_large and now_s < self._careful_until_s)
        held_back: list[Parcel] = []
        while parcels and self.link.is_up:
            parcel = parcels.popleft()
            if not parcel.has_more:
                continue
            copy_bytes = parcel.next_copy_bytes()
            room = self._window.room(copy_bytes)
            if room <= 0:
                parcels.appendleft(parcel)
                break
            share = max(LEAST_SHARE, room // (len(parcels) + 1))
            limit = min(room, share, max(1, JOIN_LIMIT_BYTES // copy_bytes), parcel.allowance)
            if limit <= 0:
                held_back.append(parcel)
                continue
            self._send(parcel, copy_bytes, limit, now_s)
            if parcel.has_more:
                parcels.append(parcel)
        parcels.extendleft(reversed(held_back))

    def _send(self, parcel: Parcel, copy_bytes: int, limit: int, now_s: float) -> None:
        first, (names, id_bytes, count) = parcel.portion.take(limit)
        shipment = parcel.shipment
        self._window.sent(count, copy_bytes, now_s)
        parcel.sent_at_s = now_s
        if not shipment.started_s:
            shipment.started_s = now_s
        if shipment.run.tally is not None:
            shipment.run.tally.sent_count += count
        is_large = copy_bytes >= LARGE_PIECE_BYTES
        encode = shipment.encoder.encode_one_by_one if is_large else shipment.encoder.encode
        self.link.submit(parcel, first, count, encode(names, id_bytes), foreground=shipment.run.foreground)

    def _went_down(self) -> None:
        self._on_change()
        self._window = CopyWindow()
        parcels, self._parcels = self._parcels, deque()
        for parcel in parcels:
            parcel.leave()
