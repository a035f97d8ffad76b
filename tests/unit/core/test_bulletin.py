"""Who is told what: each all that it may lack, nothing from before its lease, and in as few steps as they make."""

from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.bulletin import STEPS_LIMIT, Bulletin
from gearhorn.core.news import UNKNOWN, News

SEVEN, EIGHT, NINE = (
    News("news", 7, 6, {b"ann": True}),
    News("news", 8, 7, {b"bob": False}),
    News("news", 9, 8, {b"bob": True, b"cid": True}),
)
MEMO = News("memos", 3, 2, {b"ann": True})


def bulletin_of(*news: News, holders: str = "b") -> Bulletin[str]:
    bulletin: Bulletin[str] = Bulletin()
    for one in news:
        bulletin.add([one], holders)
    return bulletin


def test_an_empty_one_tells_nothing() -> None:
    bulletin = bulletin_of()
    assert (bulletin.news(), bulletin.news_for("b"), bulletin.versions()) == ([], [], {})


# Steps


def test_steps_that_follow_on_each_other_become_one() -> None:
    joined = {b"ann": True, b"bob": True, b"cid": True}
    assert bulletin_of(SEVEN, EIGHT, NINE).news() == [News("news", 9, 6, joined)]


def test_steps_with_those_of_others_in_between_stay_apart() -> None:
    assert bulletin_of(SEVEN, MEMO, NINE).news() == [SEVEN, NINE, MEMO]


def test_a_step_that_is_not_known_whole_takes_up_those_that_follow_on_it() -> None:
    assert bulletin_of(News("news", 7), EIGHT).news() == [News("news", 8)]


def test_too_many_steps_become_one_that_does_not_say_what_has_changed() -> None:
    apart = [News("news", 2 * n, 2 * n - 1, {b"ann": True}) for n in range(1, STEPS_LIMIT + 2)]
    assert bulletin_of(*apart[:STEPS_LIMIT], MEMO).news() == [*apart[:STEPS_LIMIT], MEMO]
    assert bulletin_of(*reversed(apart), MEMO).news() == [News("news", 2 * STEPS_LIMIT + 2, UNKNOWN), MEMO]


@given(st.lists(st.dictionaries(st.sampled_from([b"a", b"b", b"c"]), st.booleans()), max_size=8))
def test_one_step_for_many_leads_to_the_same_list(differences: list[dict[bytes, bool]]) -> None:
    start, joined = {b"a": True, b"b": False}, {b"a": True, b"b": False}
    for difference in differences:
        joined |= difference
    news = bulletin_of(*(News("t", n + 1, n, difference) for n, difference in enumerate(differences))).news()
    assert [one.version for one in news] == ([len(differences)] if differences else [])
    for one in news:
        start |= one.difference or {}
    assert start == joined


# Holders


def test_each_holder_is_told_of_the_changes_that_were_made_while_it_held_its_lease() -> None:
    bulletin: Bulletin[str] = Bulletin()
    bulletin.add([SEVEN, MEMO], "bc")
    bulletin.add([NINE], "cd")
    assert bulletin.news_for("b") == [SEVEN, MEMO]
    assert bulletin.news_for("c") == [SEVEN, MEMO, NINE]
    assert bulletin.news_for("d") == [NINE]
    assert bulletin.news_for("e") == []
    assert bulletin.news() == [SEVEN, MEMO, NINE]


def test_a_step_is_not_told_together_with_one_from_before_a_lease() -> None:
    bulletin: Bulletin[str] = Bulletin()
    bulletin.add([SEVEN], "b")
    bulletin.add([EIGHT], "bc")
    assert bulletin.news_for("b") == [SEVEN, EIGHT]
    assert bulletin.news_for("c") == [EIGHT]


def test_changes_with_the_same_holders_are_told_together_whatever_their_order() -> None:
    bulletin: Bulletin[str] = Bulletin()
    bulletin.add([SEVEN], "bc")
    bulletin.add([EIGHT], "cb")
    assert bulletin.news() == [SEVEN.then(EIGHT)]


# Versions


def test_the_newest_version_of_each_topic_counts_in_whatever_order_they_came() -> None:
    bulletin: Bulletin[str] = Bulletin()
    bulletin.add([EIGHT, MEMO], "b")
    bulletin.add([News("news", 5, 4, {b"cid": True}), News("empty", 0)], "c")
    assert bulletin.versions() == {"news": 8, "memos": 3, "empty": 0}
