"""Windows are long while one fanout has the server for itself, and short while others wait for their turn."""

import asyncio

from gearhorn.core.fanout import FanoutRun
from gearhorn.core.members import Members
from gearhorn.core.progress import UNRECORDED_LIMIT, Tally
from gearhorn.core.window import ALONE_TARGET_S, CAREFUL_COPIES, FIRST_COPIES, SHARED_TARGET_S
from gearhorn.net.address import Address
from gearhorn.net.client_link import Submitter
from gearhorn.net.connection import LARGE_PIECE_BYTES, LinkSettings
from gearhorn.net.copier import SHARED_FOR_S, Copier
from gearhorn.net.shipment import Shipment
from gearhorn.wire.copies import CopyEncoder
from tests.unit.virtual_time import in_virtual_time, now_s

PER_COPY_S = 1e-6
GIANT = Members.of([b"%06d" % number for number in range(200_000)])
SMALL = Members.of([b"ann", b"bob"])


class Server:
    """Stands in for the link to a server, which takes each copy in a microsecond."""

    is_up = True

    def __init__(self) -> None:
        self.sent: list[tuple[Submitter, int, int]] = []
        self.encoded: list[bytes | list[bytes]] = []

    def submit(
        self, submitter: Submitter, first: int, count: int, encoded: bytes | list[bytes], *, foreground: bool
    ) -> None:
        assert not foreground
        self.sent.append((submitter, first, count))
        self.encoded.append(encoded)


class Scene:
    def __init__(self) -> None:
        self.server = Server()
        self.per_copy_s = PER_COPY_S
        self.copier = Copier(Address("a", 1), LinkSettings(), "test", lambda *_: None, lambda: None, now_s)
        self.copier.link = self.server  # type: ignore[assignment]

    def add(self, members: Members, payload: bytes = b"x") -> FanoutRun:
        run = FanoutRun(len(members), foreground=False)
        self.copier.add(Shipment(run, CopyEncoder(18, b"t_", b"", payload), b"t_", lambda: None), members)
        return run

    def add_recorded(self, members: Members) -> Shipment:
        run = FanoutRun(len(members), foreground=False, tally=Tally(members))
        shipment = Shipment(run, CopyEncoder(18, b"t_", b"", b"x"), b"t_", lambda: None)
        self.copier.add(shipment, members)
        return shipment

    async def serve(self) -> list[int]:
        """Confirms what was sent, and lets more be sent. The sizes of the rows that were confirmed."""
        sent, self.server.sent = self.server.sent, []
        for submitter, first, count in sent:
            submitter.confirmed(first, 1)
            await asyncio.sleep(count * self.per_copy_s)
            if count > 1:
                submitter.confirmed(first + 1, count - 1)
        self.copier._turn()
        return [count for _, _, count in sent]

    async def window(self) -> int:
        """How many copies go out at a time, once that has settled."""
        for _ in range(10):
            served = await self.serve()
        return sum(served)


def copies_in(target_s: float) -> range:
    """About as many as the server takes in that time. The first one of a window starts the clock."""
    return range(int(target_s / PER_COPY_S * 0.95), int(target_s / PER_COPY_S * 1.05))


@in_virtual_time
async def test_a_fanout_that_is_alone_has_long_windows() -> None:
    scene = Scene()
    run = scene.add(GIANT)
    assert await scene.serve() == [FIRST_COPIES]
    assert await scene.window() in copies_in(ALONE_TARGET_S)
    while not run.is_settled:
        await scene.serve()


@in_virtual_time
async def test_windows_are_short_once_somebody_has_to_wait_and_long_again_later() -> None:
    scene = Scene()
    scene.add(GIANT)
    await scene.window()
    small = scene.add(SMALL)
    assert await scene.window() in copies_in(SHARED_TARGET_S)
    assert small.is_settled
    await asyncio.sleep(SHARED_FOR_S)
    assert await scene.window() in copies_in(ALONE_TARGET_S)


@in_virtual_time
async def test_after_small_fanouts_a_large_one_begins_with_few_copies_and_goes_on_as_if_alone() -> None:
    scene = Scene()
    for _ in range(FIRST_COPIES // 4):
        scene.add(SMALL)
    assert sum(await scene.serve()) == FIRST_COPIES // 2
    scene.add(GIANT)
    assert await scene.serve() == [CAREFUL_COPIES]
    assert await scene.window() in copies_in(ALONE_TARGET_S)


@in_virtual_time
async def test_the_next_large_fanout_begins_as_the_last_one_did_and_not_as_that_ended() -> None:
    """gearmand finds the queues that it knows longest last: the beginning is slow each time."""
    scene = Scene()
    run = scene.add(GIANT)
    scene.per_copy_s = 5 * PER_COPY_S
    await scene.serve()
    scene.per_copy_s = PER_COPY_S
    while not run.is_settled:
        await scene.serve()
    scene.add(GIANT)
    [begun] = await scene.serve()
    assert begun in copies_in(ALONE_TARGET_S / 5)
    assert await scene.window() in copies_in(ALONE_TARGET_S)


@in_virtual_time
async def test_a_large_payload_is_not_copied() -> None:
    scene = Scene()
    scene.add(SMALL, b"x" * LARGE_PIECE_BYTES)
    scene.add(SMALL)
    large, small = scene.server.encoded
    assert large[1] is large[3]
    assert len(small) == 3


@in_virtual_time
async def test_copies_are_held_back_until_their_record_is_written_and_others_go_on_meanwhile() -> None:
    scene = Scene()
    tally = scene.add_recorded(GIANT).run.tally
    assert tally is not None
    while await scene.serve():
        pass
    assert UNRECORDED_LIMIT - 1_000 < tally.sent_count <= UNRECORDED_LIMIT
    other = scene.add(SMALL)
    await scene.serve()
    assert other.is_settled
    sent_count, tally.recorded_count = tally.sent_count, tally.done_count
    scene.copier.go_on()
    while await scene.serve():
        pass
    assert sent_count < tally.sent_count <= UNRECORDED_LIMIT + tally.recorded_count


@in_virtual_time
async def test_copies_that_are_lost_with_a_link_do_not_count_as_sent() -> None:
    scene = Scene()
    tally = scene.add_recorded(GIANT).run.tally
    assert tally is not None
    [(parcel, first, count)] = scene.server.sent
    assert tally.sent_count == count
    parcel.lost(range(first, first + count))
    assert tally.sent_count == 0


@in_virtual_time
async def test_nothing_is_sent_while_it_is_not_known_whose_the_job_is() -> None:
    scene = Scene()
    shipment = scene.add_recorded(GIANT)
    shipment.may_go_on = lambda: False
    await scene.serve()
    assert scene.server.sent == []
    assert shipment.run.tally is not None
    shipment.run.tally.recorded_count = shipment.run.tally.done_count
    scene.copier.go_on()
    assert scene.server.sent == []
    shipment.may_go_on = lambda: True
    scene.copier.go_on()
    assert scene.server.sent != []
