"""The checker itself: a copy that is missing, too many or in the wrong place is found."""

import pytest

from tests.functional.crash.drain import drain
from tests.functional.crash.ledger import Ledger, Tally
from tests.functional.facts.raw import Peer, submit
from tests.servers.gearman import GearmanServer

IDS = [f"{number:05}" for number in range(1000)]


def note(ledger: Ledger, number: int, *client_ids: str) -> None:
    for client_id in client_ids:
        ledger.note(f"news_{client_id}".encode(), b"%d" % number)


@pytest.fixture
def ledger() -> Ledger:
    ledger = Ledger()
    ledger.enlist("news", IDS[:4])
    return ledger


def test_one_copy_for_each_is_as_it_should_be(ledger: Ledger) -> None:
    note(ledger, ledger.expect("news"), *IDS[:4])
    assert ledger.tally() == Tally()


def test_what_is_missing_too_many_or_stray_is_counted(ledger: Ledger) -> None:
    number = ledger.expect("news", absent_ids=[IDS[0]])
    note(ledger, number, IDS[0], IDS[1], IDS[1], IDS[1], IDS[2])
    assert ledger.tally() == Tally(lost=1, duplicate=2, stray=1)


def test_who_came_or_went_meanwhile_may_have_a_copy_or_not(ledger: Ledger) -> None:
    for copies in (IDS[:3], IDS[:4]):
        note(ledger, ledger.expect("news", open_ids=[IDS[3]]), *copies)
    assert ledger.tally() == Tally()
    note(ledger, 0, IDS[3], IDS[3])
    assert ledger.tally() == Tally(duplicate=1)


def test_a_message_of_its_own_is_counted_by_itself(ledger: Ledger) -> None:
    first, second = ledger.expect("news"), ledger.expect("news")
    note(ledger, first, *IDS[:4])
    assert ledger.tally([first]) == Tally()
    assert ledger.tally([second]) == ledger.tally() == Tally(lost=4)


def test_queues_are_emptied_to_the_last_job_and_each_is_told_once(gearmand: GearmanServer) -> None:
    ledger, peer = Ledger(), Peer(gearmand)
    ledger.enlist("news", IDS)
    for _ in range(3):
        number = ledger.expect("news")
        peer.send(*(submit(queue, b"", b"%d" % number) for queue in ledger.queues()))
        peer.read_many(len(IDS))
    found = list(drain(gearmand, ledger.queues()))
    for queue, payload in found:
        ledger.note(queue, payload)
    assert (len(found), ledger.tally()) == (3000, Tally())
    assert list(drain(gearmand, ledger.queues())) == []
    assert {row[1] for row in peer.table(b"status")} == {b"0"}
    peer.close()
