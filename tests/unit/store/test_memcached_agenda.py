import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.store.memcached_agenda import (
    CLAIM,
    END,
    Note,
    Page,
    decode_page,
    encode_page,
    notes_of,
    notes_of_change,
)
from gearhorn.store.memcached_layout import NEVER_USED, NOBODY, PERMANENT, Root

names = st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=60)
times_us = st.integers(0, 10**16)
notes = st.builds(Note, st.sampled_from([CLAIM, END]), times_us, times_us, names)

NOW_US = 1000


@given(st.frozensets(notes, max_size=8), st.booleans())
def test_a_page_comes_back_as_it_was_written(written: frozenset[Note], is_whole: bool) -> None:
    assert decode_page(encode_page(Page(written, is_whole))) == Page(written, is_whole)


def test_what_is_noted_twice_is_one_note() -> None:
    [note] = decode_page(b"gearhorn agenda partial\nend\t5\t3\tnews\nend\t5\t3\tnews").notes
    assert note == Note(END, 5, 3, "news")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"gearhorn agenda",
        b"gearhorn agenda other",
        b"gearhorn agenda whole\n",
        b"gearhorn agenda whole\nend\t1\t2",
        b"gearhorn agenda whole\nend\tx\t2\tnews",
        b"gearhorn agenda whole\nend\t1\tx\tnews",
        b"gearhorn agenda whole\nend\t1\t2\tnews\tmore",
    ],
)
def test_what_is_no_page_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError):
        decode_page(data)


@given(st.binary(max_size=40))
def test_no_bytes_do_worse_to_a_reader_than_a_refusal(data: bytes) -> None:
    for start in (b"", b"gearhorn agenda whole\n"):
        with contextlib.suppress(ValueError):
            decode_page(start + data)


def test_a_topic_that_is_settled_and_has_no_ends_needs_no_note() -> None:
    assert notes_of("news", Root(7, {b"bob": PERMANENT}), NOW_US) == []


@pytest.mark.parametrize("claimed_at_us", [NOBODY, 5])
def test_an_unsettled_version_is_noted_with_its_claim_and_the_first_end_with_the_time(claimed_at_us: int) -> None:
    root = Root(7, {b"bob": 30, b"alice": 20}, (), claimed_at_us)
    assert notes_of("news", root, NOW_US) == [
        Note(CLAIM, claimed_at_us, 7, "news"),
        Note(END, 20, NOW_US, "news"),
    ]


def test_a_new_version_is_noted_and_one_that_was_unsettled_before_is_not() -> None:
    before, after = Root(7, {}, (), 5), Root(8, {}, (), 6)
    assert notes_of_change("news", before, after, NOW_US) == [Note(CLAIM, 6, 8, "news")]
    assert notes_of_change("news", NEVER_USED, after, NOW_US) == [Note(CLAIM, 6, 8, "news")]
    assert notes_of_change("news", before, before, NOW_US) == []


@pytest.mark.parametrize(
    ("before_us", "after_us", "is_noted"),
    [
        (PERMANENT, 20, True),
        (30, 20, True),
        (20, 20, False),
        (20, 30, False),
        (20, PERMANENT, False),
        (PERMANENT, PERMANENT, False),
    ],
)
def test_an_end_is_noted_if_none_as_early_was(before_us: int, after_us: int, is_noted: bool) -> None:
    before, after = Root(7, {b"bob": before_us}), Root(7, {b"bob": after_us})
    expected = [Note(END, after_us, NOW_US, "news")] if is_noted else []
    assert notes_of_change("news", before, after, NOW_US) == expected
