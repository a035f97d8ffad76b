"""What somebody who watches a list makes of news and of what is read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.cmd.picture import Event, Picture
from gearhorn.core.news import News
from gearhorn.store.base import TopicList


def picture_of(version: int, *client_ids: bytes) -> Picture:
    picture = Picture()
    picture.learn(TopicList(version, client_ids))
    return picture


def test_what_is_there_at_the_beginning_is_listed_in_order() -> None:
    assert Picture().learn(TopicList(7, [b"eve", b"bob"])) == [Event("listed", "bob"), Event("listed", "eve")]


def test_nothing_is_known_before_the_first_read() -> None:
    assert Picture().hear(News("news", 1, 0, {b"bob": True})) is None


def test_what_is_read_later_shows_as_a_difference() -> None:
    picture = picture_of(7, b"bob", b"eve")
    assert picture.learn(TopicList(9, [b"zoe", b"eve"])) == [Event("left", "bob"), Event("joined", "zoe")]
    assert picture.learn(TopicList(9, [b"eve", b"zoe"])) == []


def test_an_empty_list_is_known_too() -> None:
    picture = picture_of(0)
    assert picture.learn(TopicList(3, [b"bob"])) == [Event("joined", "bob")]


def test_news_of_the_next_version_are_told_from_themselves() -> None:
    picture = picture_of(7, b"bob")
    assert picture.hear(News("news", 8, 7, {b"eve": True, b"bob": False})) == [
        Event("joined", "eve"),
        Event("left", "bob"),
    ]
    assert picture.hear(News("news", 9, 8, {b"eve": False})) == [Event("left", "eve")]


def test_only_what_really_changes_is_told() -> None:
    picture = picture_of(7, b"bob")
    assert picture.hear(News("news", 8, 7, {b"bob": True, b"eve": False, b"zoe": True})) == [Event("joined", "zoe")]


def test_what_is_known_already_changes_nothing() -> None:
    picture = picture_of(7, b"bob")
    assert picture.hear(News("news", 7, 6, {b"bob": True})) == []
    assert picture.hear(News("news", 7)) == []


@pytest.mark.parametrize(
    "news",
    [
        News("news", 8),
        News("news", 9, 8, {b"eve": True}),
        News("news", 8, 6, {b"eve": True}),
        News("news", 6, 5, {b"eve": True}),
    ],
    ids=["no-difference", "one-is-missing", "from-an-older-one", "went-back"],
)
def test_what_does_not_follow_has_to_be_read(news: News) -> None:
    picture = picture_of(7, b"bob")
    assert picture.hear(news) is None
    assert picture.learn(TopicList(9, [b"bob"])) == []


@given(st.lists(st.tuples(st.booleans(), st.frozensets(st.sampled_from([b"a", b"b", b"c", b"d"])))))
def test_whoever_adds_the_events_up_has_the_list(steps: list[tuple[bool, frozenset[bytes]]]) -> None:
    """Some lists are heard of and the others read."""
    picture, shown, last = Picture(), set[str](), frozenset[bytes]()
    for version, (is_read, now) in enumerate([(True, last), *steps]):
        news = News("news", version, version - 1, {client_id: client_id in now for client_id in last ^ now})
        events = picture.learn(TopicList(version, list(now))) if is_read else picture.hear(news)
        assert events is not None
        for event, client_id in events:
            (shown.remove if event == "left" else shown.add)(client_id)
        assert shown == {client_id.decode() for client_id in now}
        last = now
