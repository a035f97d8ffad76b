"""Two steps of one call, told as one."""

import pytest

from gearhorn.store.base import UNKNOWN_VERSION, TopicState, join_states


def test_the_first_step_is_told_as_it_is() -> None:
    assert join_states(None, TopicState(1, 2, False)) == TopicState(1, 2, False)


@pytest.mark.parametrize(
    ("first", "then", "joined"),
    [
        (TopicState(1, 1, True), TopicState(1, 1, True), TopicState(1, 1, True)),
        (TopicState(1, 1, True), TopicState(1, 2, False), TopicState(1, 2, False)),
        (TopicState(1, 2, False), TopicState(2, 2, False), TopicState(1, 2, False)),
        (TopicState(1, 2, False), TopicState(2, 3, False), TopicState(1, 3, False)),
    ],
)
def test_a_step_that_follows_on_the_other_lengthens_it(first: TopicState, then: TopicState, joined: TopicState) -> None:
    assert join_states(first, then) == joined


def test_anothers_change_between_the_steps_hides_where_they_came_from() -> None:
    assert join_states(TopicState(1, 2, False), TopicState(3, 4, False)) == TopicState(UNKNOWN_VERSION, 4, False)


def test_what_is_hidden_once_stays_so() -> None:
    hidden = join_states(TopicState(1, 2, False), TopicState(3, 4, False))
    assert join_states(hidden, TopicState(4, 5, False)) == TopicState(UNKNOWN_VERSION, 5, False)


def test_what_was_settled_between_the_steps_was_still_found_unsettled() -> None:
    assert not join_states(TopicState(2, 2, False), TopicState(2, 2, True)).is_settled
