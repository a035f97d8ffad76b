"""The oracle itself: it must find what breaks the promise, and nothing else."""

import random
from collections.abc import Iterable

import pytest

from tests.functional.matchmaking.history import NEVER_S, History, Loss, Operation, Publication
from tests.functional.matchmaking.oracle import find_contradictions


def subscribed(client_id: str, invoked_s: float, completed_s: float) -> Operation:
    return Operation("news", client_id, True, invoked_s, completed_s)


def unsubscribed(client_id: str, invoked_s: float, completed_s: float) -> Operation:
    return Operation("news", client_id, False, invoked_s, completed_s)


def published(submitted_s: float, ended_s: float, *seen: str, total: int | None = None) -> Publication:
    return Publication("1", "news", submitted_s, ended_s, frozenset(seen), len(seen) if total is None else total)


def wrong_about(publication: Publication, *operations: Operation, losses: Iterable[Loss] = ()) -> set[str]:
    """The client ids of the contradictions; an empty one stands for a wrong length."""
    history = History(list(operations), list(losses), [publication])
    return {found.client_id for found in find_contradictions(history)}


BOB = subscribed("bob", 1, 2)
BOB_LEFT = unsubscribed("bob", 3, 4)


@pytest.mark.parametrize(
    "publication",
    [
        published(2.1, 2.2, "bob"),
        published(0.1, 0.2),  # before
        published(0.5, 1.5),  # both of these overlap the subscription
        published(0.5, 1.5, "bob"),
        published(1.9, 9),
        published(3.5, 3.6),  # while it leaves
        published(3.5, 3.6, "bob"),
        published(2.5, 3.5, "bob"),
        published(4.1, 4.2),
    ],
)
def test_what_an_order_of_the_operations_explains_is_right(publication: Publication) -> None:
    assert not wrong_about(publication, BOB, BOB_LEFT)


@pytest.mark.parametrize(
    "publication",
    [
        published(2.1, 2.2),  # the subscription was completed
        published(2.1, 2.9),
        published(0.1, 0.9, "bob"),  # nobody had asked for it yet
        published(4.1, 4.2, "bob"),  # it had left
    ],
)
def test_a_completed_change_that_is_not_seen_is_a_contradiction(publication: Publication) -> None:
    assert "bob" in wrong_about(publication, BOB, BOB_LEFT)


def test_who_never_subscribed_is_on_no_list() -> None:
    assert wrong_about(published(5, 6, "bob", "mallory"), BOB) == {"mallory", ""}


def test_each_topic_has_a_list_of_its_own() -> None:
    elsewhere = Operation("sports", "bob", True, 1, 2)
    assert "bob" in wrong_about(published(5, 6, "bob"), elsewhere)


def test_a_list_of_another_length_than_any_order_gives_is_a_contradiction() -> None:
    """A worker that takes over a fanout adds to what was seen, and may hide a list that lacks somebody."""
    ann = subscribed("ann", 1, 2)
    assert wrong_about(published(5, 6, "ann", "bob", total=1), ann, BOB) == {""}
    assert not wrong_about(published(5, 6, "ann", "bob", total=1), ann, subscribed("bob", 5, 6))
    assert wrong_about(published(5, 6, "ann", "bob", total=3), ann, BOB) == {""}


def test_an_operation_with_an_unknown_outcome_may_take_effect_at_any_later_time_or_never() -> None:
    lost = subscribed("bob", 1, NEVER_S)
    assert not wrong_about(published(50, 51, "bob"), lost)
    assert not wrong_about(published(50, 51), lost)
    assert wrong_about(published(0.1, 0.2, "bob"), lost)


def test_it_may_even_overtake_a_later_one_that_has_completed() -> None:
    lost, left = subscribed("bob", 3, NEVER_S), unsubscribed("bob", 10, 11)
    assert not wrong_about(published(50, 51, "bob"), lost, left)
    assert not wrong_about(published(50, 51), lost, left)


def test_unknown_outcomes_hide_nothing_that_no_operation_asked_for() -> None:
    lost = subscribed("bob", 3, NEVER_S)
    assert "bob" in wrong_about(published(50, 51), BOB, lost)


def test_a_loss_takes_everybody_off_the_lists_and_may_be_seen_late() -> None:
    loss = Loss(10, 11, 15)
    assert not wrong_about(published(10.5, 10.6), BOB, losses=[loss])
    assert not wrong_about(published(12, 13), BOB, losses=[loss])
    assert not wrong_about(published(12, 13, "bob"), BOB, losses=[loss])
    assert not wrong_about(published(16, 17), BOB, losses=[loss])
    assert "bob" in wrong_about(published(16, 17, "bob"), BOB, losses=[loss])
    assert "bob" in wrong_about(published(8, 9), BOB, losses=[loss])


def test_a_subscription_that_completes_after_a_loss_holds_at_once() -> None:
    loss, again = Loss(10, 11, 15), subscribed("bob", 11.5, 12)
    assert "bob" in wrong_about(published(12.5, 13), BOB, again, losses=[loss])
    assert not wrong_about(published(12.5, 13, "bob"), BOB, again, losses=[loss])


def test_one_that_overlaps_a_loss_may_be_lost_with_the_rest() -> None:
    loss, again = Loss(10, 11, 15), subscribed("ann", 10.5, 12)
    assert not wrong_about(published(50, 51), again, losses=[loss])
    assert not wrong_about(published(50, 51, "ann"), again, losses=[loss])


def test_it_agrees_with_a_slow_reading_of_its_rule() -> None:
    chance = random.Random(7)
    for _ in range(2000):
        operations, losses = draw_operations(chance), draw_losses(chance)
        at_s = chance.uniform(0, 30)
        for seen in ((), ("bob",)):
            publication = published(at_s, at_s + chance.uniform(0, 3), *seen)
            allowed = slowly_allowed(bool(seen), publication, operations, losses)
            assert ("bob" not in wrong_about(publication, *operations, losses=losses)) == allowed


def draw_operations(chance: random.Random) -> list[Operation]:
    found, now_s = [], 0.0
    for _ in range(chance.randrange(8)):
        invoked_s = now_s + chance.uniform(0.1, 3)
        now_s = invoked_s + chance.uniform(0.1, 3)
        is_known = chance.random() < 0.8
        found.append(Operation("news", "bob", chance.random() < 0.5, invoked_s, now_s if is_known else NEVER_S))
    return found or [BOB]


def draw_losses(chance: random.Random) -> list[Loss]:
    began_s = chance.uniform(0, 20)
    return [Loss(began_s, began_s + 1, began_s + 1 + chance.uniform(0, 4))] if chance.random() < 0.4 else []


def slowly_allowed(is_seen: bool, publication: Publication, operations: list[Operation], losses: list[Loss]) -> bool:
    steps = [(False, -NEVER_S, -NEVER_S, -NEVER_S)]
    steps += [(each.is_wanted, each.invoked_s, each.completed_s, each.completed_s) for each in operations]
    steps += [(False, *loss) for loss in losses]
    return any(
        is_wanted == is_seen
        and invoked_s < publication.ended_s
        and not any(later[1] > completed_s and later[3] < publication.submitted_s for later in steps)
        for is_wanted, invoked_s, completed_s, _ in steps
    )
