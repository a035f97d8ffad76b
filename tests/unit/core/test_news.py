"""Two pieces of news become one that says no more than both."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.members import Members
from gearhorn.core.news import UNKNOWN, News

joined = st.dictionaries(st.sampled_from([b"a", b"b", b"cc", b"dd", b"eee"]), st.booleans())


def test_news_with_an_old_version_know_the_difference() -> None:
    assert News("t", 5, 4, {b"a": True}).difference == {b"a": True}
    assert News("t", 5, 0, {}).difference == {}


@pytest.mark.parametrize("news", [News("t", 5), News("t", 5, UNKNOWN, {b"a": True}), News("t", 5, 4)])
def test_without_an_old_version_or_who_joined_nothing_is_known(news: News) -> None:
    assert news.difference is None


def test_without_its_difference_only_topic_and_version_are_left() -> None:
    assert News("t", 5, 4, {b"a": True}).without_difference() == News("t", 5, UNKNOWN, None)


def test_a_chain_leads_from_the_first_version_to_the_last() -> None:
    both = News("t", 5, 4, {b"a": True, b"b": True}).then(News("t", 9, 5, {b"b": False, b"c": True}))
    assert both == News("t", 9, 4, {b"a": True, b"b": False, b"c": True})


def test_joining_leaves_both_alone() -> None:
    first, second = News("t", 5, 4, {b"a": True}), News("t", 6, 5, {b"a": False})
    first.then(second)
    assert (first, second) == (News("t", 5, 4, {b"a": True}), News("t", 6, 5, {b"a": False}))


@pytest.mark.parametrize(
    ("first", "later"),
    [
        (News("t", 5, 4, {b"a": True}), News("t", 9, 6, {b"b": True})),  # something is between them
        (News("t", 5, 4, {b"a": True}), News("t", 9, 4, {b"b": True})),
        (News("t", 5, 4, {b"a": True}), News("t", 9)),
        (News("t", 5), News("t", 9, 5, {b"b": True})),
        (News("t", 9, 8, {b"a": True}), News("t", 5, 4, {b"b": True})),  # in the wrong order
        (News("t", 9), News("t", 5)),
        (News("t", 5, 4, {b"a": True}), News("t", 9, 5)),
    ],
)
def test_what_is_no_chain_tells_the_newer_version_alone(first: News, later: News) -> None:
    assert first.then(later) == News("t", 9, UNKNOWN, None)


@given(st.lists(joined, min_size=1, max_size=5), st.sets(st.sampled_from([b"a", b"b", b"cc", b"ffff"])))
def test_a_chain_in_one_does_what_its_parts_do(parts: list[dict[bytes, bool]], before: set[bytes]) -> None:
    one = News("t", 1, 0, parts[0])
    members = Members.of(sorted(before)).changed(parts[0])
    for version, part in enumerate(parts[1:], start=1):
        one = one.then(News("t", version + 1, version, part))
        members = members.changed(part)
    assert (one.old_version, one.version) == (0, len(parts))
    assert set(Members.of(sorted(before)).changed(one.difference or {})) == set(members)
