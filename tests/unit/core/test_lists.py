"""Lists in memory: what is answered with, whatever the order in which news and lists come."""

from collections.abc import Iterable

import pytest

from gearhorn.core.lists import PENDING_LIMIT, Lists, Reading
from gearhorn.core.members import NOBODY, Members
from gearhorn.core.news import UNKNOWN, News

TOPIC = "t"


def lists_with(limits: tuple[int, int] = (100, 1000), **found: tuple[int, Iterable[str]]) -> Lists:
    """`found` topics with version and members, read one after the other."""
    lists = Lists(*limits)
    for topic, (version, ids) in found.items():
        read(lists, topic, version, ids)
    return lists


def read(lists: Lists, topic: str, version: int, ids: Iterable[str]) -> list[str]:
    return end(lists, begin(lists, topic), version, ids)


def begin(lists: Lists, *topics: str) -> Reading:
    return lists.begin_read(topics or [TOPIC], "token")


def end(lists: Lists, reading: Reading, version: int, ids: Iterable[str]) -> list[str]:
    members = Members.of([client_id.encode() for client_id in ids])
    return lists.end_read(reading, dict.fromkeys(reading.entries, (version, members)))


def fail(lists: Lists, reading: Reading) -> None:
    assert lists.end_read(reading, {}) == []


def step(version: int, old_version: int | None = None, topic: str = TOPIC, **joined: bool) -> News:
    """News from one version to the next; without `joined`, that client "v<version>" joined."""
    difference = joined or {f"v{version}": True}
    return News(
        topic,
        version,
        version - 1 if old_version is None else old_version,
        {client_id.encode(): is_there for client_id, is_there in difference.items()},
    )


def found(lists: Lists, topic: str = TOPIC) -> set[str] | None:
    members = lists.find(topic)
    if members is None:
        return None
    assert len(members) == len(set(members))
    return {client_id.decode() for client_id in members}


def counts(lists: Lists) -> tuple[int, int]:
    return lists.topic_count, lists.subscriber_count


# Reading


def test_a_list_that_was_never_read_is_not_there() -> None:
    assert found(Lists(10, 10)) is None


def test_a_list_is_there_when_its_read_has_ended_and_not_before() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    assert found(lists) is None
    end(lists, reading, 5, "ab")
    assert found(lists) == {"a", "b"}
    assert counts(lists) == (1, 2)


def test_the_list_is_answered_with_as_it_was_read() -> None:
    lists, members = Lists(10, 10), Members.of([b"a", b"bb"])
    lists.end_read(begin(lists), {TOPIC: (5, members)})
    assert lists.find(TOPIC) is members


@pytest.mark.parametrize("version", [0, 5])
def test_an_empty_list_is_a_list(version: int) -> None:
    lists = lists_with(t=(version, ""))
    assert found(lists) == set()
    assert counts(lists) == (1, 0)


def test_many_lists_are_read_at_once_and_only_those_found_are_kept() -> None:
    lists = Lists(10, 10)
    reading = begin(lists, "t", "u", "w", "t")
    too_large = lists.end_read(reading, {"t": (1, Members.of([b"a"])), "w": (2, NOBODY), "x": (3, NOBODY)})
    assert too_large == []
    assert [found(lists, topic) for topic in "tuwx"] == [{"a"}, None, set(), None]
    assert counts(lists) == (2, 1)


def test_a_read_that_failed_leaves_nothing_behind() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(step(5))
    fail(lists, reading)
    assert found(lists) is None
    read(lists, TOPIC, 3, "a")  # nothing is known of version 5 any more
    assert found(lists) == {"a"}


def test_a_read_that_failed_leaves_the_list_of_another() -> None:
    lists = lists_with(t=(5, "a"))
    fail(lists, begin(lists))
    assert found(lists) == {"a"}


# News of a list that is there


def test_news_in_order_change_the_list() -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(step(6, b=True))
    assert found(lists) == {"a", "b"}
    lists.hear(step(7, a=False))
    lists.hear(step(8, a=True, b=False))
    assert found(lists) == {"a"}


def test_the_last_word_on_a_client_counts() -> None:
    lists = lists_with(t=(5, "a"))
    for version, is_there in enumerate([False, True, False, True, False], start=6):
        lists.hear(step(version, a=is_there))
    assert found(lists) == set()


def test_versions_may_leave_gaps() -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(step(900, old_version=5, b=True))
    lists.hear(step(1000, old_version=900, c=True))
    assert found(lists) == {"a", "b", "c"}


def test_a_list_of_version_0_takes_up_the_first_news() -> None:
    lists = lists_with(t=(0, ""))
    lists.hear(step(900, old_version=0, a=True))
    assert found(lists) == {"a"}


def test_news_that_change_nothing_leave_the_list() -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(News(TOPIC, 6, 5, {}))
    lists.hear(News(TOPIC, 6, 6, {b"a": True}))
    assert found(lists) == {"a"}


def test_news_of_another_topic_leave_the_list() -> None:
    lists = lists_with(t=(5, "a"), u=(5, "a"))
    lists.hear(step(6, topic="u", b=True))
    assert (found(lists, "t"), found(lists, "u")) == ({"a"}, {"a", "b"})


def test_news_that_come_twice_count_once() -> None:
    lists = lists_with(t=(5, ""))
    for _ in range(2):
        lists.hear(step(6, a=True))
    lists.hear(step(7, a=False))
    lists.hear(step(6, a=True))
    assert found(lists) == set()


@pytest.mark.parametrize("late", [step(5, a=False), step(4, a=False), step(5, old_version=2, a=False), News(TOPIC, 5)])
def test_news_older_than_the_list_are_no_news(late: News) -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(late)
    assert found(lists) == {"a"}


@pytest.mark.parametrize("news", [News(TOPIC, 6), News(TOPIC, 6, 5)])
def test_news_without_a_known_difference_drop_an_older_list(news: News) -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(news)
    assert found(lists) is None
    assert counts(lists) == (0, 0)


def test_who_joined_means_nothing_where_the_old_version_is_unknown() -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(News(TOPIC, 6, UNKNOWN, {b"b": True}))
    assert found(lists) is None


def test_news_that_begin_before_the_list_and_lead_beyond_it_drop_it() -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(step(7, old_version=3, b=True))
    assert found(lists) is None
    assert counts(lists) == (0, 0)


def test_a_list_is_not_answered_with_while_news_in_between_are_missing() -> None:
    lists = lists_with(t=(5, ""))
    lists.hear(step(8))
    lists.hear(step(7))
    assert found(lists) is None
    lists.hear(step(6))
    assert found(lists) == {"v6", "v7", "v8"}


def test_every_gap_has_to_close() -> None:
    lists = lists_with(t=(5, ""))
    for version in (7, 9, 6):
        lists.hear(step(version))
    assert found(lists) is None
    lists.hear(step(8))
    assert found(lists) == {"v6", "v7", "v8", "v9"}


def test_news_that_never_come_are_made_up_for_by_a_read() -> None:
    lists = lists_with(t=(5, "a"))
    lists.hear(step(7))
    read(lists, TOPIC, 7, "b")
    assert found(lists) == {"b"}
    lists.hear(step(8, c=True))
    assert found(lists) == {"b", "c"}


def test_as_many_news_wait_as_said_and_not_one_more() -> None:
    waiting = [step(version) for version in range(7, 7 + PENDING_LIMIT)]
    lists = lists_with(t=(5, ""))
    for news in waiting:
        lists.hear(news)
    lists.hear(step(6))
    assert found(lists) == {"v6", *(f"v{news.version}" for news in waiting)}


def test_a_list_with_too_much_to_wait_for_is_dropped() -> None:
    lists = lists_with(t=(5, ""))
    for version in range(7, 8 + PENDING_LIMIT):
        lists.hear(step(version))
    assert counts(lists) == (0, 0)
    lists.hear(step(6))
    assert found(lists) is None


def test_news_of_lists_that_are_not_here_take_no_room() -> None:
    lists = Lists(10, 10)
    for version in range(1000):
        lists.hear(step(version, topic=str(version)))
    assert lists._entries == {}


# News while a list is being read


def test_news_older_than_the_answer_are_part_of_it() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(step(5, a=True))
    lists.hear(step(6, a=False))
    end(lists, reading, 7, "a")
    assert found(lists) == {"a"}


def test_an_answer_equal_to_what_was_heard_is_kept() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(step(5, a=False))
    end(lists, reading, 5, "b")
    assert found(lists) == {"b"}


def test_an_answer_older_than_what_was_heard_is_brought_up_to_date() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    for version in (7, 5, 6):
        lists.hear(step(version))
    end(lists, reading, 4, "a")
    assert found(lists) == {"a", "v5", "v6", "v7"}
    assert counts(lists) == (1, 4)


def test_an_answer_of_version_0_takes_up_the_first_news() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(step(900, old_version=0, a=True))
    end(lists, reading, 0, "")
    assert found(lists) == {"a"}


@pytest.mark.parametrize("news", [step(6), News(TOPIC, 5), step(5, old_version=3)])
def test_an_answer_that_no_news_lead_on_from_is_refused(news: News) -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(news)
    end(lists, reading, 4, "a")
    assert found(lists) is None
    assert counts(lists) == (0, 0)


def test_an_answer_of_version_0_is_refused_like_any_other_old_one() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(News(TOPIC, 5))
    end(lists, reading, 0, "")
    assert found(lists) is None


def test_a_refused_answer_does_not_spoil_the_next() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(News(TOPIC, 5))
    end(lists, reading, 4, "a")
    read(lists, TOPIC, 5, "b")
    assert found(lists) == {"b"}


def test_news_before_the_read_are_in_its_answer() -> None:
    lists = Lists(10, 10)
    lists.hear(step(5, a=True))
    read(lists, TOPIC, 5, "a")
    assert found(lists) == {"a"}


def test_news_after_the_read_change_the_list() -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    lists.hear(step(5))
    end(lists, reading, 4, "a")
    lists.hear(step(6))
    assert found(lists) == {"a", "v5", "v6"}


def test_news_that_wait_for_others_outlast_a_read() -> None:
    lists = Lists(10, 10)
    first, second = begin(lists), begin(lists)
    lists.hear(step(7))
    end(lists, first, 5, "a")
    assert found(lists) is None
    lists.hear(step(6))
    end(lists, second, 5, "a")
    assert found(lists) == {"a", "v6", "v7"}


def test_too_many_news_during_a_read_let_only_a_new_answer_count() -> None:
    lists = Lists(10, 1000)
    old, new = begin(lists), begin(lists)
    for version in range(6, 7 + PENDING_LIMIT):
        lists.hear(step(version))
    end(lists, old, 5, "a")
    assert found(lists) is None
    end(lists, new, 6 + PENDING_LIMIT, "b")
    assert found(lists) == {"b"}


def test_news_that_an_answer_has_made_old_do_not_count_as_waiting() -> None:
    lists = Lists(10, 1000)
    reading = begin(lists)
    for version in range(1, PENDING_LIMIT):
        lists.hear(step(version))
    end(lists, reading, PENDING_LIMIT, "")
    for version in reversed(range(PENDING_LIMIT + 1, 2 * PENDING_LIMIT)):
        lists.hear(step(version))
    assert found(lists) is not None


# Reads that overlap


def test_what_was_heard_in_a_first_read_binds_the_second() -> None:
    lists = Lists(10, 10)
    first, second = begin(lists), begin(lists)
    lists.hear(News(TOPIC, 5))
    fail(lists, first)
    end(lists, second, 4, "a")
    assert found(lists) is None


def test_an_older_answer_does_not_replace_a_newer_one() -> None:
    lists = Lists(10, 10)
    first, second = begin(lists), begin(lists)
    end(lists, second, 6, "b")
    end(lists, first, 5, "a")
    assert found(lists) == {"b"}


def test_a_newer_answer_replaces_an_older_one() -> None:
    lists = Lists(10, 10)
    first, second = begin(lists), begin(lists)
    end(lists, first, 5, "a")
    end(lists, second, 6, "b")
    assert found(lists) == {"b"}
    lists.hear(step(6, a=True))
    assert found(lists) == {"b"}


def test_an_answer_does_not_undo_the_news_since() -> None:
    lists = Lists(10, 10)
    first, second = begin(lists), begin(lists)
    end(lists, first, 5, "a")
    lists.hear(step(6, b=True))
    end(lists, second, 5, "a")
    assert found(lists) == {"a", "b"}


def test_a_newer_answer_does_away_with_changes_that_were_gathered_for_the_older() -> None:
    lists = Lists(10, 10)
    first, second = begin(lists), begin(lists)
    end(lists, first, 5, "a")
    lists.hear(step(6, b=True))
    end(lists, second, 7, "a")
    assert found(lists) == {"a"}
    assert counts(lists) == (1, 1)


def test_a_dropped_list_takes_its_gathered_changes_with_it() -> None:
    lists = lists_with(t=(5, "a"))
    reading = begin(lists)
    lists.hear(step(6, b=True))
    lists.hear(News(TOPIC, 7))
    end(lists, reading, 7, "a")
    assert found(lists) == {"a"}


# Forgetting


def test_a_forgotten_list_is_gone_and_can_be_read_again() -> None:
    lists = lists_with(t=(5, "a"), u=(5, "b"))
    lists.forget("t")
    lists.forget("x")
    assert (found(lists, "t"), found(lists, "u")) == (None, {"b"})
    assert counts(lists) == (1, 1)
    read(lists, "t", 3, "c")
    assert found(lists, "t") == {"c"}


def test_all_lists_are_forgotten() -> None:
    lists = lists_with(t=(5, "a"), u=(5, "b"))
    lists.forget_all()
    assert (found(lists, "t"), found(lists, "u")) == (None, None)
    assert counts(lists) == (0, 0)


@pytest.mark.parametrize("with_all", [False, True])
def test_what_was_being_read_when_it_was_forgotten_is_not_kept(with_all: bool) -> None:
    lists = Lists(10, 10)
    reading = begin(lists)
    if with_all:
        lists.forget_all()
    else:
        lists.forget(TOPIC)
    end(lists, reading, 5, "a")
    assert found(lists) is None
    assert counts(lists) == (0, 0)


@pytest.mark.parametrize("with_all", [False, True])
def test_a_forgotten_read_takes_nothing_from_the_one_after_it(with_all: bool) -> None:
    lists = lists_with(t=(5, "a"))
    old = begin(lists)
    if with_all:
        lists.forget_all()
    else:
        lists.forget(TOPIC)
    new = begin(lists)
    lists.hear(step(7, b=True))
    end(lists, old, 6, "z")
    assert found(lists) is None
    end(lists, new, 6, "a")
    assert found(lists) == {"a", "b"}
    assert counts(lists) == (1, 2)


# Members that were given out


def test_members_given_out_never_change() -> None:
    lists = lists_with(t=(5, "ab"))
    given = lists.find(TOPIC)
    assert given is not None
    lists.hear(step(6, a=False, c=True))
    changed = lists.find(TOPIC)
    assert changed is not None
    lists.hear(step(7, c=False))
    lists.find(TOPIC)
    lists.forget_all()
    assert list(given) == [b"a", b"b"]
    assert sorted(changed) == [b"b", b"c"]


def test_news_do_not_change_when_more_come() -> None:
    lists, news = lists_with(t=(5, "a")), step(6, a=False)
    lists.hear(news)
    lists.hear(step(7, b=True))
    lists.find(TOPIC)
    assert news == step(6, a=False)


# Limits


def test_the_list_used_least_recently_goes_first_when_there_are_too_many() -> None:
    lists = lists_with((2, 100), t=(1, "a"), u=(1, "b"))
    found(lists, "t")
    read(lists, "w", 1, "c")
    assert [found(lists, topic) for topic in "tuw"] == [{"a"}, None, {"c"}]
    assert counts(lists) == (2, 2)


def test_the_lists_used_least_recently_go_first_when_subscribers_are_too_many() -> None:
    lists = lists_with((100, 10), t=(1, "abc"), u=(1, "abc"), w=(1, "abc"), x=(1, "a"))
    found(lists, "t")
    read(lists, "y", 1, "abcd")
    assert [found(lists, topic) is not None for topic in "tuwxy"] == [True, False, False, True, True]
    assert counts(lists) == (3, 8)


def test_as_much_is_kept_as_said_and_not_one_more() -> None:
    lists = lists_with((2, 4), t=(1, "ab"), u=(1, "cd"))
    assert counts(lists) == (2, 4)
    lists.hear(step(2, topic="u", e=True))
    assert [found(lists, topic) for topic in "tu"] == [None, {"c", "d", "e"}]


def test_a_list_that_was_just_read_is_the_last_to_go() -> None:
    """Else a list that takes long to read would be pushed out at once by those that were read meanwhile."""
    lists = Lists(2, 100)
    slow = begin(lists, "t")
    read(lists, "u", 1, "b")
    read(lists, "w", 1, "c")
    end(lists, slow, 1, "a")
    assert [found(lists, topic) for topic in "tuw"] == [{"a"}, None, {"c"}]


def test_lists_that_grow_by_news_push_out_others() -> None:
    lists = lists_with((100, 6), t=(1, "ab"), u=(1, "ab"), w=(1, "ab"))
    lists.hear(step(2, topic="u", c=True))
    assert counts(lists) == (2, 5)
    assert [found(lists, topic) is not None for topic in "tuw"] == [False, True, True]


def test_a_list_that_grows_too_large_by_news_pushes_out_nobody() -> None:
    lists = lists_with((100, 4), t=(1, "a"), u=(1, "abc"))
    lists.hear(step(2, topic="u", d=True, e=True))
    assert [found(lists, topic) for topic in "tu"] == [{"a"}, None]
    assert counts(lists) == (1, 1)


def test_a_list_that_grew_too_large_while_it_was_read_pushes_out_nobody() -> None:
    lists = lists_with((100, 4), t=(1, "a"))
    reading = begin(lists, "u")
    lists.hear(step(2, topic="u", d=True, e=True))
    end(lists, reading, 1, "abc")
    assert [found(lists, topic) for topic in "tu"] == [{"a"}, None]


def test_a_list_pushed_out_while_it_is_read_still_hears() -> None:
    lists = lists_with((1, 100), t=(5, "a"))
    reading = begin(lists, "t")
    read(lists, "u", 1, "b")
    lists.hear(News("t", 6))
    end(lists, reading, 5, "a")
    assert (found(lists, "t"), found(lists, "u")) == (None, {"b"})


def test_a_list_pushed_out_while_it_is_read_is_kept_when_it_has_come() -> None:
    lists = lists_with((1, 100), t=(5, "a"))
    reading = begin(lists, "t")
    read(lists, "u", 1, "b")
    lists.hear(step(6, topic="t"))
    end(lists, reading, 5, "a")
    assert (found(lists, "t"), found(lists, "u")) == ({"a", "v6"}, None)


def test_the_version_of_a_list_that_was_pushed_out_counts_no_more() -> None:
    lists = Lists(1, 100)
    reading = begin(lists, "t")
    read(lists, "t", 5, "ab")
    read(lists, "u", 1, "b")
    lists.hear(step(5, b=True))
    end(lists, reading, 4, "a")
    assert found(lists, "t") == {"a", "b"}


def test_changes_that_were_worked_in_count_no_more() -> None:
    lists = lists_with(t=(5, "abcd"))
    lists.hear(step(6, a=False, b=False, c=False))
    assert found(lists) == {"d"}
    assert counts(lists) == (1, 1)


def test_without_room_nothing_is_kept() -> None:
    for limits in [(0, 100), (100, 0)]:
        lists = lists_with(limits, t=(1, "a"))
        assert found(lists) is None
        assert counts(lists) == (0, 0)


def test_a_list_that_is_too_large_is_told_of_once() -> None:
    lists = lists_with((100, 3), u=(1, "a"))
    assert read(lists, "t", 1, "abcd") == ["t"]
    assert read(lists, "t", 2, "abcde") == []
    assert [found(lists, topic) for topic in "tu"] == [None, {"a"}]
    assert counts(lists) == (1, 1)


def test_a_list_that_is_too_large_is_told_of_again_when_it_had_fitted() -> None:
    lists = Lists(100, 3)
    assert read(lists, "t", 1, "abcd") == ["t"]
    assert read(lists, "t", 2, "abc") == []
    assert found(lists, "t") == {"a", "b", "c"}
    lists.forget("t")
    assert read(lists, "t", 3, "abcd") == ["t"]


def test_each_list_that_is_too_large_is_told_of() -> None:
    lists = Lists(100, 1)
    assert end(lists, begin(lists, "t", "u"), 1, "ab") == ["t", "u"]


def test_a_list_that_was_forgotten_while_it_was_read_is_not_told_of() -> None:
    lists = Lists(100, 3)
    reading = begin(lists)
    lists.forget(TOPIC)
    new = begin(lists)
    assert end(lists, reading, 1, "abcd") == []
    assert end(lists, new, 1, "abcd") == [TOPIC]


def test_lower_limits_let_the_lists_go_that_were_used_least_recently() -> None:
    lists = lists_with(a=(1, ["x"]), b=(1, ["x", "y"]), c=(1, ["x"]))
    lists.find("a")
    lists.adjust(2, 1000)
    assert [topic for topic in "abc" if lists.find(topic) is not None] == ["a", "c"]
    lists.adjust(2, 1)
    assert (lists.topic_count, lists.subscriber_count) == (1, 1)


def test_a_list_above_the_new_limit_goes_without_the_others() -> None:
    lists = lists_with(a=(1, ["x"]), b=(1, ["x", "y", "z"]))
    lists.adjust(100, 2)
    assert lists.find("a") is not None
    assert lists.find("b") is None
    lists.adjust(100, 1000)
    assert read(lists, "b", 1, ["x", "y", "z"]) == []
    assert lists.find("b") is not None


def test_a_list_that_is_being_read_while_limits_change_hears_its_news() -> None:
    lists = lists_with()
    reading = begin(lists)
    lists.hear(step(2))
    lists.adjust(1, 1)
    lists.adjust(100, 1000)
    end(lists, reading, 1, ["v1"])
    members = lists.find(TOPIC)
    assert members is not None
    assert set(members) == {b"v1", b"v2"}
