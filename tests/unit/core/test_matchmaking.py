"""Nothing is answered from memory, and nothing kept, but under one valid lease."""

import pytest

from gearhorn.core.lists import Reading
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.members import Members
from gearhorn.core.news import News

TOPIC = "t"
MEMBERS = Members.of([b"a", b"b"])
LIMITS = MatchmakingLimits(lease_ttl_s=10.0, cache_topics=10, cache_subscribers=10)


def with_lease(token: str = "a", asked_at_s: float = 100.0) -> Matchmaking:
    matchmaking = Matchmaking(LIMITS)
    take(matchmaking, token, asked_at_s)
    return matchmaking


def take(matchmaking: Matchmaking, token: str, asked_at_s: float = 100.0) -> None:
    matchmaking.lease.asked(token)
    matchmaking.lease.taken(token, asked_at_s)


def begin(matchmaking: Matchmaking) -> Reading:
    return matchmaking.begin_read([TOPIC])


def end(matchmaking: Matchmaking, reading: Reading, version: int = 5) -> None:
    assert matchmaking.end_read(reading, {TOPIC: (version, MEMBERS)}) == []


def found(matchmaking: Matchmaking, now_s: float = 100.0) -> list[bytes] | None:
    members = matchmaking.find(TOPIC, now_s)
    return None if members is None else sorted(members)


def test_a_list_read_under_a_valid_lease_is_answered_with() -> None:
    matchmaking = with_lease()
    assert found(matchmaking) is None
    end(matchmaking, begin(matchmaking))
    assert found(matchmaking) == [b"a", b"b"]


def test_nothing_is_answered_when_the_lease_has_run_out() -> None:
    matchmaking = with_lease()
    end(matchmaking, begin(matchmaking))
    assert found(matchmaking, 109.7) is not None
    assert found(matchmaking, 109.8) is None


def test_a_renewal_that_the_store_granted_brings_the_lists_back() -> None:
    """The store renews only a lease that it still had, and whose worker every change has waited for."""
    matchmaking = with_lease()
    end(matchmaking, begin(matchmaking))
    matchmaking.lease.renewed(109.9)
    assert found(matchmaking, 109.9) == [b"a", b"b"]


def test_nothing_is_kept_without_a_lease() -> None:
    matchmaking = Matchmaking(LIMITS)
    end(matchmaking, begin(matchmaking))
    assert matchmaking.lists.topic_count == 0
    take(matchmaking, "a")
    assert found(matchmaking) is None


def test_nothing_is_kept_that_was_begun_before_the_lease_was_taken() -> None:
    matchmaking = Matchmaking(LIMITS)
    matchmaking.lease.asked("a")
    reading = begin(matchmaking)
    matchmaking.lease.taken("a", 100.0)
    end(matchmaking, reading)
    assert found(matchmaking) is None


@pytest.mark.parametrize("is_told", [True, False])
def test_nothing_is_kept_that_was_begun_under_another_lease(is_told: bool) -> None:
    matchmaking = with_lease("a")
    reading = begin(matchmaking)
    if is_told:
        matchmaking.lease_lost()
    take(matchmaking, "b")
    end(matchmaking, reading)
    assert found(matchmaking) is None


def test_nothing_is_kept_that_was_begun_under_a_lease_that_is_lost() -> None:
    matchmaking = with_lease()
    reading = begin(matchmaking)
    matchmaking.lease_lost()
    end(matchmaking, reading)
    assert matchmaking.lists.topic_count == 0


def test_a_read_that_may_not_be_kept_still_ends() -> None:
    matchmaking = Matchmaking(LIMITS)
    reading = begin(matchmaking)
    matchmaking.hear([News(TOPIC, 9)])
    end(matchmaking, reading)
    take(matchmaking, "a")
    end(matchmaking, begin(matchmaking))
    assert found(matchmaking) is not None


def test_a_list_is_kept_though_the_lease_ran_out_meanwhile() -> None:
    """It is of use as soon as the lease is renewed; if it is not, all lists go."""
    matchmaking = with_lease()
    reading = begin(matchmaking)
    assert found(matchmaking, 200.0) is None
    end(matchmaking, reading)
    matchmaking.lease.renewed(200.0)
    assert found(matchmaking, 200.0) == [b"a", b"b"]


def test_a_lost_lease_takes_all_lists_with_it() -> None:
    matchmaking = with_lease("a")
    end(matchmaking, begin(matchmaking))
    matchmaking.lease_lost()
    assert found(matchmaking) is None
    assert (matchmaking.lists.topic_count, matchmaking.lists.subscriber_count) == (0, 0)
    take(matchmaking, "b")
    assert found(matchmaking) is None


def test_after_a_lost_lease_nothing_is_kept_until_the_next() -> None:
    matchmaking = with_lease("a")
    matchmaking.lease_lost()
    assert matchmaking.lease.token is None
    end(matchmaking, begin(matchmaking))
    assert found(matchmaking) is None
    assert matchmaking.lists.topic_count == 0


def test_a_list_of_before_may_be_newer_by_its_number_and_is_gone_all_the_same() -> None:
    matchmaking = with_lease("a")
    end(matchmaking, begin(matchmaking), version=900)
    matchmaking.lease_lost()
    take(matchmaking, "b")
    end(matchmaking, begin(matchmaking), version=0)
    matchmaking.hear([News(TOPIC, 1, 0, {b"a": False})])
    assert found(matchmaking) == [b"b"]


def test_news_of_several_topics_are_heard_in_order() -> None:
    matchmaking = with_lease()
    end(matchmaking, begin(matchmaking))
    matchmaking.hear([News(TOPIC, 6, 5, {b"a": False}), News("u", 1), News(TOPIC, 7, 6, {b"c": True})])
    assert found(matchmaking) == [b"b", b"c"]


def test_news_for_the_own_lease_are_heard_and_may_be_acknowledged() -> None:
    matchmaking = with_lease("a")
    end(matchmaking, begin(matchmaking))
    assert matchmaking.hear_message("a", iter([News(TOPIC, 6, 5, {b"a": False})]))
    assert found(matchmaking) == [b"b"]


def test_news_for_a_lease_that_is_only_asked_for_may_be_acknowledged() -> None:
    """What is read under it will be read later than this."""
    matchmaking = Matchmaking(LIMITS)
    matchmaking.lease.asked("a")
    assert matchmaking.hear_message("a", [News(TOPIC, 6)])


def test_news_for_a_lease_that_was_lost_may_be_acknowledged() -> None:
    matchmaking = with_lease("a")
    matchmaking.lease_lost()
    assert matchmaking.hear_message("a", [])
    take(matchmaking, "b")
    assert matchmaking.hear_message("a", [])


def test_news_for_the_lease_of_another_are_neither_heard_nor_acknowledged() -> None:
    matchmaking = with_lease("a")
    end(matchmaking, begin(matchmaking))
    assert not matchmaking.hear_message("x", [News(TOPIC, 6, 5, {b"a": False})])
    assert found(matchmaking) == [b"a", b"b"]


def test_news_for_an_earlier_lease_do_not_change_what_was_read_under_a_later_one() -> None:
    """The store may have lost the change in between, and be back at the version that it started from."""
    matchmaking = with_lease("a")
    matchmaking.lease_lost()
    take(matchmaking, "b")
    end(matchmaking, begin(matchmaking))
    assert matchmaking.hear_message("a", [News(TOPIC, 6, 5, {b"a": False})])
    assert found(matchmaking) == [b"a", b"b"]


def test_own_news_are_heard_if_the_lease_was_there_when_the_change_was_made() -> None:
    matchmaking = with_lease("a")
    end(matchmaking, begin(matchmaking))
    matchmaking.hear_own([News(TOPIC, 6, 5, {b"a": False})], ["x", "b"])
    assert found(matchmaking) == [b"a", b"b"]
    matchmaking.hear_own([News(TOPIC, 6, 5, {b"a": False})], ["x", "a"])
    assert found(matchmaking) == [b"b"]


def test_what_is_heard_during_a_read_counts_for_its_answer() -> None:
    matchmaking = with_lease()
    reading = begin(matchmaking)
    assert matchmaking.hear_message("a", [News(TOPIC, 6)])
    end(matchmaking, reading, version=5)
    assert found(matchmaking) is None


def test_the_limits_hold() -> None:
    matchmaking = Matchmaking(MatchmakingLimits(cache_topics=1, cache_subscribers=2))
    take(matchmaking, "a")
    many = Members.of([b"a", b"b", b"c"])
    assert matchmaking.end_read(matchmaking.begin_read(["t", "u"]), {"t": (1, many), "u": (1, MEMBERS)}) == ["t"]
    end(matchmaking, matchmaking.begin_read(["t"]))
    assert matchmaking.find("u", 100.0) is None
    assert found(matchmaking) == [b"a", b"b"]
