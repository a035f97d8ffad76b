"""Roles that share a budget ask for no more jobs while it is spent, and none of them starves."""

from hypothesis import given
from hypothesis import strategies as st

from gearhorn.wire import packets
from gearhorn.wire.budget import Budget
from gearhorn.wire.worker import WorkerRole
from tests.unit.wire.streams import packet, packets_in


def grab_count(role: WorkerRole) -> int:
    return sum(kind == packets.GRAB_JOB_UNIQ for kind, _ in packets_in(role.take_output()))


def job(number: int, size: int) -> bytes:
    return packet(packets.JOB_ASSIGN_UNIQ, b"H:%d" % number, b"q", b"", bytes(size))


def role_with(budget: Budget, grab_limit: int = 4) -> WorkerRole:
    role = WorkerRole(grab_limit, 1000, budget=budget)
    role.start_grabbing()
    return role


def test_a_job_counts_while_it_is_held() -> None:
    budget = Budget(1000)
    role = role_with(budget)
    role.receive(job(1, 100) + job(2, 100))
    assert budget.held_bytes == 2 * (len(job(1, 100)) - 12)
    role.complete(b"H:1", b"")
    role.weigh(b"H:2", 50)
    assert budget.held_bytes == len(job(1, 100)) - 12 + 50
    role.fail(b"H:2")
    assert budget.held_bytes == 0


def test_jobs_that_go_with_the_connection_count_no_more() -> None:
    budget = Budget(1000)
    first, second = role_with(budget), role_with(budget)
    first.receive(job(1, 100) + job(2, 100))
    second.receive(job(1, 10))
    first.let_go()
    assert budget.held_bytes == len(job(1, 10)) - 12
    first.let_go()
    assert budget.held_bytes == len(job(1, 10)) - 12
    assert not first.held


def test_a_handle_that_comes_twice_is_counted_once() -> None:
    budget = Budget(1000)
    role = role_with(budget)
    role.receive(job(1, 100) + job(1, 10))
    role.complete(b"H:1", b"")
    assert budget.held_bytes == 0


def test_no_more_is_asked_for_while_the_budget_is_spent() -> None:
    budget = Budget(100)
    role = role_with(budget)
    assert grab_count(role) == 4
    role.receive(b"".join(job(number, 50) for number in range(4)))
    assert grab_count(role) == 0
    role.complete(b"H:0", b"")
    role.complete(b"H:1", b"")
    assert grab_count(role) == 0  # two of them are more than the budget
    role.complete(b"H:2", b"")
    assert grab_count(role) == 1  # one more of that size fits


def test_another_role_spends_the_same_budget_and_may_still_hold_one_job() -> None:
    budget = Budget(100)
    first, second = role_with(budget), WorkerRole(4, 1000, budget=budget)
    first.receive(job(1, 200))
    second.start_grabbing()
    assert grab_count(second) == 1
    second.receive(job(1, 10))
    assert grab_count(second) == 0
    first.complete(b"H:1", b"")
    assert grab_count(second) == 0
    second.go_on()
    assert grab_count(second) > 0


def test_near_the_limit_only_as_many_are_asked_for_as_would_fit() -> None:
    budget = Budget(1000)
    role = WorkerRole(64, 1000, budget=budget)
    role.start_grabbing()
    role.receive(job(0, 394) + job(1, 294))
    role.take_output()
    asked_before = role._open_grabs
    role.receive(packet(packets.NOOP))
    assert grab_count(role) == 0
    assert asked_before <= 4
    assert budget.affordable_count(2) == 1  # 350 bytes each; 300 are left


@given(st.lists(st.tuples(st.integers(0, 1), st.integers(0, 300), st.booleans()), max_size=60))
def test_the_budget_is_the_sum_of_what_is_held_and_work_never_ends(history: list[tuple[int, int, bool]]) -> None:
    """A server answers every grab at once with a job of any size; jobs end in any order."""
    budget = Budget(200)
    roles = [role_with(budget), role_with(budget)]
    owed = [grab_count(role) for role in roles]
    number = 0
    for which, size, ends in history:
        role = roles[which]
        if ends and role.held:
            role.complete(next(iter(role.held)), b"")
        elif owed[which]:
            number += 1
            owed[which] -= 1
            role.receive(job(number, size))
        owed[which] += grab_count(role)
        assert budget.held_bytes == sum(sum(each.held.values()) for each in roles)
        assert role.held or owed[which], "it would wait for ever"
    for which, role in enumerate(roles):
        for handle in list(role.held):
            role.complete(handle, b"")
        owed[which] += grab_count(role)
        assert owed[which]
    assert budget.held_bytes == 0
