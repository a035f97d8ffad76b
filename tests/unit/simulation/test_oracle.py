"""The oracle against histories that are written by hand."""

from tests.unit.simulation.history import Attempt, History
from tests.unit.simulation.oracle import breaches


class Story(History):
    """A history of topic `t` and client id `s`, told step by step. Its time is the number of its steps."""

    def __init__(self) -> None:
        super().__init__(lambda: float(self._moment))

    def begin(self, is_on: bool, ttl_s: float = 0.0) -> Attempt:
        return self.invoke("t", "s", is_on, ttl_s)

    def end(self, attempt: Attempt) -> None:
        self.complete("worker", attempt)

    def make(self, is_on: bool) -> None:
        self.end(self.begin(is_on))

    def find(self, *members: str, submitted: int | None = None) -> None:
        self.use("worker", "t", submitted or self.moment(), frozenset(members), from_memory=True)

    @property
    def is_right(self) -> bool:
        return not breaches(self)


def test_whoever_never_subscribed_is_on_no_list() -> None:
    story = Story()
    story.find()
    assert story.is_right
    story.find("x")
    assert not story.is_right


def test_who_has_subscribed_is_on_each_later_list() -> None:
    story = Story()
    story.make(True)
    story.find("s")
    assert story.is_right
    story.find()
    assert not story.is_right


def test_who_has_unsubscribed_is_on_no_later_list() -> None:
    story = Story()
    story.make(True)
    story.make(False)
    story.find()
    assert story.is_right
    story.find("s")
    assert not story.is_right


def test_a_change_under_way_may_be_there_or_not() -> None:
    story = Story()
    attempt = story.begin(True)
    story.find()
    story.find("s")
    story.find()
    story.end(attempt)
    assert story.is_right


def test_a_fanout_that_was_submitted_before_a_change_completed_may_miss_it() -> None:
    story = Story()
    attempt = story.begin(True)
    submitted = story.moment()
    story.end(attempt)
    story.find(submitted=submitted)
    assert story.is_right


def test_a_change_that_was_submitted_after_the_list_was_used_cannot_be_there() -> None:
    story = Story()
    story.find("s")
    story.make(True)
    assert not story.is_right


def test_of_two_changes_at_a_time_either_may_be_the_last() -> None:
    story = Story()
    subscription, end = story.begin(True), story.begin(False)
    story.end(end)
    story.end(subscription)
    story.find("s")
    story.find()
    assert story.is_right
    story.make(True)
    story.find("s")
    assert story.is_right
    story.find()
    assert not story.is_right


def test_a_job_that_was_given_up_may_have_its_effect_later() -> None:
    story = Story()
    lingering = story.begin(True)
    story.make(False)
    story.find()
    story.find("s")
    assert story.is_right
    story.fail("worker", lingering)
    story.make(False)
    story.find()
    assert story.is_right
    story.find("s")
    assert not story.is_right


def test_a_subscription_whose_time_is_up_may_be_there_or_not() -> None:
    story = Story()
    story.end(story.begin(True, ttl_s=4.0))
    story.find("s")
    assert story.is_right
    for _ in range(4):
        story.moment()
    story.find("s")
    story.find()
    assert story.is_right


def test_a_subscription_whose_time_is_not_up_is_there() -> None:
    story = Story()
    story.end(story.begin(True, ttl_s=40.0))
    story.find()
    assert not story.is_right


def test_what_a_store_has_lost_may_be_gone_until_it_is_done_again() -> None:
    story = Story()
    story.make(True)
    story.lose({})
    story.find("s")
    story.find()
    assert story.is_right
    story.make(True)
    story.find("s")
    assert story.is_right
    story.find()
    assert not story.is_right


def test_what_a_store_has_gone_back_to_may_be_there_until_it_is_undone() -> None:
    story = Story()
    story.make(True)
    story.make(False)
    story.lose({"t": frozenset({"s"})})
    story.find("s")
    assert story.is_right
    story.make(False)
    story.find()
    assert story.is_right
    story.find("s")
    assert not story.is_right


def test_a_breach_tells_who_was_wrong_about_whom() -> None:
    story = Story()
    story.make(True)
    story.find()
    [breach] = breaches(story)
    assert "worker answered a fanout of t from memory without s" in breach
