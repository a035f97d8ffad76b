"""How many grabs go out, and when the worker sleeps: an order in which no server forgets to wake it."""

import pytest

from gearhorn.wire.worker import FIRST_GRABS, WorkerRole
from tests.unit.wire.streams import packet
from tests.unit.wire.test_worker import (
    CAN_DO,
    ERROR,
    GRAB,
    GRAB_JOB,
    NO_JOB,
    NOOP,
    PERL_REFUSAL,
    SLEEP,
    asleep,
    assign,
    grabbing,
    handle,
    said,
)


def test_it_begins_with_few_grabs() -> None:
    grabbing(grab_limit=64)


@pytest.mark.parametrize(("grab_limit", "job_limit", "expected"), [(1, 9, 1), (9, 1, 1), (9, 3, 3), (2, 2, 2)])
def test_the_first_grabs_keep_both_limits(grab_limit: int, job_limit: int, expected: int) -> None:
    role = WorkerRole(grab_limit, job_limit)
    role.start_grabbing()
    assert said(role) == [GRAB] * expected


def test_starting_twice_grabs_no_more() -> None:
    role = grabbing()
    role.start_grabbing()
    assert said(role) == []


def test_grabs_double_with_every_round_trip_that_brings_only_jobs() -> None:
    role = grabbing(grab_limit=20)
    open_grabs, number, seen = FIRST_GRABS, 0, []
    for _ in range(4):
        stream = b"".join(assign(number := number + 1) for _ in range(open_grabs))
        assert len(role.receive(stream)) == open_grabs
        open_grabs = len(said(role))
        seen.append(open_grabs)
    assert seen == [8, 16, 20, 20]


def test_the_first_no_job_brings_the_number_of_grabs_down_again() -> None:
    role = grabbing()
    role.receive(b"".join(assign(number) for number in range(4)))
    assert said(role) == [GRAB] * 8
    role.receive(packet(NO_JOB) * 8)
    assert said(role) == [SLEEP]
    role.receive(packet(NOOP))
    assert said(role) == [GRAB] * FIRST_GRABS


def test_grabs_in_flight_and_jobs_held_never_exceed_the_job_limit() -> None:
    role = grabbing(grab_limit=8, job_limit=6)
    role.receive(b"".join(assign(number) for number in range(4)))
    assert said(role) == [GRAB] * 2
    role.receive(assign(4) + assign(5))
    assert said(role) == []
    role.complete(handle(0), b"")
    assert [kind for kind, _ in said(role)] == [13, GRAB[0]]


def test_it_does_not_sleep_while_a_grab_is_open() -> None:
    """gearmand: a grab behind PRE_SLEEP takes it back."""
    role = grabbing()
    for _ in range(FIRST_GRABS - 1):
        role.receive(packet(NO_JOB))
        assert said(role) == []
    role.receive(packet(NO_JOB))
    assert said(role) == [SLEEP]


@pytest.mark.parametrize("place", range(FIRST_GRABS))
def test_one_no_job_among_jobs_is_enough_to_sleep(place: int) -> None:
    role = grabbing()
    answers = [assign(number) for number in range(FIRST_GRABS)]
    answers[place] = packet(NO_JOB)
    assert len(role.receive(b"".join(answers))) == FIRST_GRABS - 1
    assert said(role) == [SLEEP]


def test_it_does_not_sleep_when_every_grab_brought_a_job() -> None:
    role = grabbing()
    role.receive(b"".join(assign(number) for number in range(FIRST_GRABS)))
    assert SLEEP not in said(role)


def test_a_job_that_ends_while_no_job_was_heard_sends_no_grab() -> None:
    role = grabbing()
    role.receive(assign(1) + packet(NO_JOB))
    role.complete(handle(1), b"")
    assert [kind for kind, _ in said(role)] == [13]


def test_a_job_that_ends_while_the_worker_sleeps_does_not_wake_it() -> None:
    role = grabbing()
    role.receive(assign(1) + packet(NO_JOB) * 3)
    assert said(role) == [SLEEP]
    role.complete(handle(1), b"")
    assert [kind for kind, _ in said(role)] == [13]


def test_a_noop_wakes_it() -> None:
    role = asleep()
    role.receive(packet(NOOP))
    assert said(role) == [GRAB] * FIRST_GRABS


def test_a_noop_for_nothing_costs_one_round_trip() -> None:
    role = asleep()
    for _ in range(3):
        role.receive(packet(NOOP))
        role.receive(packet(NO_JOB) * FIRST_GRABS)
        assert said(role) == [GRAB] * FIRST_GRABS + [SLEEP]


def test_a_second_noop_sends_no_further_grabs() -> None:
    role = asleep()
    role.receive(packet(NOOP) * 3)
    assert said(role) == [GRAB] * FIRST_GRABS


def test_a_noop_between_the_answers_makes_it_ask_again() -> None:
    """A job may have come behind the NO_JOB that was heard before."""
    role = grabbing()
    role.receive(packet(NO_JOB) * 3 + packet(NOOP))
    assert said(role) == [GRAB] * 3
    role.receive(packet(NO_JOB) * 4)
    assert said(role) == [SLEEP]


def test_a_noop_while_the_hands_are_full_is_kept_for_later() -> None:
    role = grabbing(grab_limit=2, job_limit=2)
    role.receive(assign(1) + packet(NO_JOB))
    assert said(role) == [SLEEP]
    role.receive(packet(NOOP))
    assert said(role) == [GRAB]
    role.receive(assign(2))
    assert said(role) == []
    role.complete(handle(1), b"")
    assert GRAB in said(role)


def test_sleep_is_said_again_only_while_asleep() -> None:
    role = grabbing()
    role.sleep_again()
    assert said(role) == []
    role = asleep()
    role.sleep_again()
    assert said(role) == [SLEEP]
    role.receive(packet(NOOP))
    role.take_output()
    role.sleep_again()
    assert said(role) == []


def test_a_queue_that_is_served_late_makes_a_sleeper_say_so_again_behind_it() -> None:
    """No server wakes it for jobs that were there before."""
    role = asleep()
    role.serve([b"late", b"later"])
    assert said(role) == [(CAN_DO, b"late"), (CAN_DO, b"later"), SLEEP]


def test_a_queue_that_is_served_while_awake_says_nothing_of_sleep() -> None:
    role = grabbing()
    role.serve([b"late"])
    assert said(role) == [(CAN_DO, b"late")]


def test_grabbing_that_starts_again_asks_or_sleeps() -> None:
    role = grabbing()
    role.stop_grabbing()
    role.receive(packet(NO_JOB) * FIRST_GRABS)
    assert said(role) == []
    role.start_grabbing()
    assert said(role) == [SLEEP]


def test_a_sleeper_that_was_woken_while_stopped_asks_when_started() -> None:
    role = asleep()
    role.stop_grabbing()
    role.receive(packet(NOOP))
    assert said(role) == []
    role.start_grabbing()
    assert said(role) == [GRAB] * FIRST_GRABS


def test_the_grab_that_perls_server_does_not_know_is_replaced() -> None:
    role = grabbing()
    assert role.receive(PERL_REFUSAL * FIRST_GRABS) == []
    assert said(role) == [(GRAB_JOB, b"")] * FIRST_GRABS
    assert role.receive(packet(11, b"H:1", b"queue", b"x")) != []
    assert {kind for kind, _ in said(role)} == {GRAB_JOB}


def test_every_refused_grab_counts_as_answered() -> None:
    role = grabbing(grab_limit=4, job_limit=4)
    role.receive(PERL_REFUSAL)
    assert said(role) == [(GRAB_JOB, b"")]
    role.receive(PERL_REFUSAL * 3)
    assert said(role) == [(GRAB_JOB, b"")] * 3


def test_another_complaint_of_perls_server_is_not_taken_for_a_refused_grab() -> None:
    role = grabbing()
    text = b'Can\'t locate object method "CMD_work_warning" via package "Gearman::Server"'
    assert len(role.receive(packet(ERROR, b"server_error", text))) == 1
    assert said(role) == []


def test_a_refusal_without_an_open_grab_is_a_complaint() -> None:
    role = WorkerRole(4, 4)
    assert len(role.receive(PERL_REFUSAL)) == 1


def adjust(role: WorkerRole, grab_limit: int = 64, job_limit: int = 4096) -> None:
    role.adjust(grab_limit, job_limit, sends_exceptions=True, body_limit_bytes=1000)


def test_a_higher_limit_of_jobs_asks_for_the_next_ones_at_once() -> None:
    role = grabbing(grab_limit=8, job_limit=4)
    role.receive(b"".join(assign(number) for number in range(4)))
    assert said(role) == []
    adjust(role, 8, 6)
    assert said(role) == [GRAB] * 2


def test_a_lower_limit_of_jobs_keeps_what_is_held_and_asks_again_below_it() -> None:
    role = grabbing(grab_limit=8, job_limit=4)
    role.receive(b"".join(assign(number) for number in range(4)))
    adjust(role, 8, 2)
    for number, grabs in ((0, 0), (1, 0), (2, 1)):
        role.complete(handle(number), b"")
        assert said(role)[1:] == [GRAB] * grabs
    assert len(role.held) == 1


def test_a_lower_limit_of_grabs_lets_those_that_are_open_be_answered() -> None:
    role = grabbing(grab_limit=64, job_limit=100)
    adjust(role, 1, 100)
    assert said(role) == []
    role.receive(b"".join(assign(number) for number in range(4)))
    assert said(role) == [GRAB]


def test_a_sleeper_that_is_adjusted_sleeps_on() -> None:
    role = asleep()
    adjust(role)
    assert said(role) == []
