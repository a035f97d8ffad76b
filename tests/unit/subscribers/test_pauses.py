"""Who is paused, and what policy a topic has."""

import pytest

from gearhorn.core.members import NOBODY, Members
from gearhorn.subscribers.pauses import Pauses
from gearhorn.subscribers.policies import DROP, OFF, PAUSE, REPORT, ReaperSettings

MEMBERS = Members.of([b"ann", b"bob", b"eve"])


def test_a_topic_without_paused_subscribers_is_not_there() -> None:
    pauses = Pauses()
    pauses.set([("news", "bob")])
    assert "news" in pauses
    assert "memos" not in pauses


def test_a_list_is_parted() -> None:
    pauses = Pauses()
    pauses.set([("news", "bob"), ("news", "gone"), ("memos", "ann")])
    members, paused = pauses.part("news", MEMBERS)
    assert (set(members), set(paused)) == ({b"ann", b"eve"}, {b"bob"})


def test_a_list_without_them_stays_as_it_is() -> None:
    pauses = Pauses()
    pauses.set([("news", "gone")])
    assert pauses.part("news", MEMBERS) == (MEMBERS, NOBODY)
    assert pauses.part("memos", MEMBERS) == (MEMBERS, NOBODY)


def test_what_is_set_takes_the_place_of_what_was() -> None:
    pauses = Pauses()
    pauses.set([("news", "bob")])
    pauses.set([("memos", "bob")])
    assert "news" not in pauses
    pauses.set(())
    assert "memos" not in pauses


@pytest.mark.parametrize(
    ("topic", "policy"),
    [("logs.disk", DROP), ("logs", REPORT), ("orders", PAUSE), ("orders2", REPORT), ("logs.x.debug", DROP)],
)
def test_the_first_pattern_that_fits_counts(topic: str, policy: str) -> None:
    settings = ReaperSettings(REPORT, (("logs.*", DROP), ("*.debug", OFF), ("orders", PAUSE)))
    assert settings.policy_of(topic) == policy


def test_nobody_need_watch_when_all_is_off() -> None:
    assert ReaperSettings(OFF).is_off
    assert ReaperSettings(OFF, (("news", OFF),)).is_off
    assert not ReaperSettings(OFF, (("news", REPORT),)).is_off
    assert not ReaperSettings().is_off
