"""What is said of a probe that nobody answers."""

from dataclasses import replace

from gearhorn.doctor.probe import WAITING, _explain
from gearhorn.errors import TimedOut, Unavailable
from gearhorn.overview.views import HELD, RAN_OUT, REVOKED, WorkerView
from tests.unit.doctor.sites import site

WORKER = WorkerView("one", HELD, 5.0)
GUESS = TimedOut("no answer; is a gearhorn worker running?")


def test_a_worker_that_is_known_is_not_asked_for() -> None:
    for state in (HELD, REVOKED):
        said = _explain(site(workers=[replace(WORKER, state=state)]), GUESS)
        assert "running?" not in said
        assert WAITING in said


def test_without_one_or_for_another_reason_the_services_words_are_passed_on() -> None:
    assert _explain(site(workers=[replace(WORKER, state=RAN_OUT)]), GUESS) == str(GUESS)
    assert _explain(site(workers=[WORKER]), Unavailable("the store is full")) == "the store is full"
