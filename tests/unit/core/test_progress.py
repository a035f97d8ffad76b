"""What is done of a large fanout is told by stretches of hashes, and nobody who got no copy is ever among them."""

import itertools
import random
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core import packs, progress
from gearhorn.core.fanout import FanoutRun
from gearhorn.core.members import Members
from gearhorn.core.packs import Stretch
from gearhorn.core.progress import Progress, Tally

MANY = [b"host%03d" % number for number in range(120)] + [b"h%02d" % number for number in range(40)]


@pytest.fixture(autouse=True, scope="module")
def tiny_blobs() -> Iterator[None]:
    """A few ids have what else takes tens of thousands."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(packs, "USUAL_COUNT", 4)
        patch.setattr(packs, "FULL_COUNT", 8)
        patch.setattr(progress, "FULL_COUNT", 8)
        patch.setattr(progress, "UNRECORDED_LIMIT", 20)
        patch.setattr(progress, "RECORD_STEP", 6)
        patch.setattr(progress, "LEAST_ALLOWANCE", 4)
        yield


stretches = st.builds(
    lambda id_bytes, start, count: Stretch(id_bytes, start, start + count),
    st.integers(1, 2),
    st.integers(0, 40),
    st.integers(1, 9),
)


@given(st.lists(stretches))
def test_stretches_are_joined_whatever_their_order(added: list[Stretch]) -> None:
    found = Progress(added).stretches()
    points = {(one.id_bytes, point) for one in added for point in range(one.start, one.end)}
    assert {(one.id_bytes, point) for one in found for point in range(one.start, one.end)} == points
    for one, other in itertools.pairwise(found):
        assert one.id_bytes < other.id_bytes or one.end < other.start


@given(st.sets(st.sampled_from(MANY)), st.sets(st.sampled_from(MANY)), st.integers(0, 999))
def test_what_lies_outside_is_told_by_the_hash_alone(ids: set[bytes], others: set[bytes], seed: int) -> None:
    chosen = [one for one, _ in Members.of(MANY).stretches() if random.Random(seed).random() < 0.5]
    done = Progress(chosen).stretches()
    left = set(Members.of([*ids]).outside(done))
    left_of_others = set(Members.of([*others]).outside(done))
    assert left <= ids
    assert left & others == left_of_others & ids, "two lists agree about those on both"


def run_over(members: Members, done: list[Stretch]) -> tuple[FanoutRun, Members]:
    rest = members.outside(done)
    tally = Tally(rest, done)
    run = FanoutRun(len(members), foreground=False, done_count=len(members) - len(rest), tally=tally)
    return run, rest


@given(st.data())
def test_after_any_number_of_ends_everybody_has_a_copy_and_few_have_two(data: st.DataObject) -> None:
    """A history of workers: each goes on from the last record of the one before, over any number of servers; links are
    lost, and copies with them; the list changes by an id between workers.
    """
    ids = set(MANY)
    got: dict[bytes, int] = dict.fromkeys(MANY, 0)
    done: list[Stretch] = []
    kill_count = data.draw(st.integers(0, 4))
    for _ in range(kill_count):
        run, rest = run_over(Members.of(data.draw(st.permutations(sorted(ids)))), done)
        done = _work_for_a_while(data, run, rest, got) or done
        if data.draw(st.booleans()):
            ids.discard(data.draw(st.sampled_from(sorted(ids))))
    run, rest = run_over(Members.of(sorted(ids)), done)
    for client_id in rest:
        got[client_id] += 1
    assert all(got[client_id] for client_id in ids), "nobody is left out"
    assert run.done_count + len(rest) == run.total_count == len(ids)
    most = progress.UNRECORDED_LIMIT + packs.FULL_COUNT * 3
    assert sum(count - 1 for count in got.values() if count) <= kill_count * most


def _work_for_a_while(data: st.DataObject, run: FanoutRun, rest: Members, got: dict[bytes, int]) -> list[Stretch]:
    """The record that is there when this worker ends."""
    tally = run.tally
    assert tally is not None
    record: list[Stretch] = []
    portions = [run.add_portion(part) for part in rest.split(data.draw(st.integers(1, 3))) if part]
    for _ in range(data.draw(st.integers(0, 40))):
        open_portions = [portion for portion in portions if portion.unsent_count]
        if not open_portions:
            break
        portion = data.draw(st.sampled_from(open_portions))
        allowance = tally.allowance(is_idle=portion.is_idle)
        if allowance > 0:
            first, row = portion.take(min(allowance, data.draw(st.integers(1, 12))))
            tally.sent_count += row.id_count
            event = data.draw(st.sampled_from(["confirmed", "confirmed", "answer late", "link lost"]))
            if event != "link lost":
                for name in row.names[:-1].split(b"\n"):
                    got[name] += 1
            if event == "confirmed":
                run.confirm(portion, first, row.id_count)
            elif event == "link lost":
                _lose(run, portions, portion, first, row.id_count)
        if tally.wants_record and data.draw(st.booleans()):
            record, tally.recorded_count = tally.progress.stretches(), tally.done_count
    return record


def _lose(run: FanoutRun, portions: list, portion, first: int, count: int) -> None:  # type: ignore[type-arg, no-untyped-def]
    assert run.tally is not None
    lost = run.reopen(portion, range(first, first + count))
    run.tally.sent_count -= len(lost)
    unsent = run.reopen(portion, portion.withdraw())
    portions += [run.add_portion(members) for members in (lost, unsent) if members]


def test_copies_that_no_record_tells_of_are_held_back() -> None:
    tally = Tally(Members.of(MANY))
    assert tally.allowance(is_idle=True) == 20
    tally.sent_count, tally.done_count = 17, 6
    assert tally.allowance(is_idle=True) == 0, "a record could tell of some"
    tally.recorded_count = 6
    assert tally.allowance(is_idle=True) == 9


def test_a_server_that_hangs_stops_no_other_portion() -> None:
    tally = Tally(Members.of(MANY))
    tally.sent_count = 20
    assert tally.allowance(is_idle=False) == 0
    assert tally.allowance(is_idle=True) == 4
    tally.is_gated = False
    assert tally.allowance(is_idle=False) > 0


def test_a_record_is_wanted_for_many_copies_or_where_copies_are_held_back() -> None:
    tally = Tally(Members.of(MANY))
    tally.done_count, tally.sent_count = 5, 5
    assert not tally.wants_record
    tally.sent_count = 17
    assert tally.wants_record
    tally.sent_count, tally.done_count = 6, 6
    assert tally.wants_record
    tally.recorded_count = 6
    assert not tally.wants_record


def test_a_failed_copy_is_settled_too_but_its_run_names_it() -> None:
    members = Members.of(MANY[:4])
    run, _ = run_over(members, [])
    portion = run.add_portion(members)
    portion.take(4)
    run.fail(portion, 0, "not sent: the queue is full")
    run.confirm(portion, 1, 3)
    assert run.tally is not None
    assert not members.outside(run.tally.progress.stretches())
    assert [failure.client_id for failure in run.failures] == [members[0]]


def test_an_abandoned_run_is_settled_and_takes_no_more_news() -> None:
    members = Members.of(MANY)
    run, _ = run_over(members, [])
    portion = run.add_portion(members)
    first, row = portion.take(10)
    run.abandon()
    assert run.is_settled
    run.confirm(portion, first, row.id_count)
    assert run.done_count == 0
