"""Which names of records have lately been put on the list of their kind."""

from gearhorn.store.base import RecordKey
from gearhorn.store.record_notes import NOTED_FOR_S, TIDY_ABOVE_COUNT, RecordNotes

KEY = RecordKey("test", "first")


class Clock:
    now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_a_name_is_due_until_it_is_noted_and_again_after_a_while() -> None:
    clock = Clock()
    notes = RecordNotes(clock)
    assert notes.is_due(KEY)
    notes.add(KEY)
    assert not notes.is_due(KEY)
    clock.now_s += NOTED_FOR_S - 0.1
    assert not notes.is_due(KEY)
    clock.now_s += 0.1
    assert notes.is_due(KEY)


def test_another_name_and_another_kind_are_due() -> None:
    notes = RecordNotes(Clock())
    notes.add(KEY)
    assert notes.is_due(RecordKey("test", "second"))
    assert notes.is_due(RecordKey("other", "first"))


def test_a_name_that_was_taken_off_the_list_is_due() -> None:
    notes = RecordNotes(Clock())
    notes.remove(KEY)
    notes.add(KEY)
    notes.remove(KEY)
    assert notes.is_due(KEY)


def test_many_names_that_were_noted_long_ago_are_forgotten() -> None:
    clock = Clock()
    notes = RecordNotes(clock)
    for number in range(10 * TIDY_ABOVE_COUNT):
        notes.add(RecordKey("test", str(number)))
        clock.now_s += NOTED_FOR_S / 100
    assert len(notes._until_s) <= TIDY_ABOVE_COUNT + 1
    assert not notes.is_due(RecordKey("test", str(10 * TIDY_ABOVE_COUNT - 1)))
