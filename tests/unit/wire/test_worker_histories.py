"""Random histories of a worker on each server: no job is left to wait while the worker sleeps, no limit is passed."""

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from gearhorn.wire.packets import Complaint
from gearhorn.wire.worker import WorkerRole
from gearhorn.wire.worker_events import Assigned
from tests.unit.wire.job_servers import Geard, Gearmand, JobServer, Perl

FIRST, LATE = b"fanout", b"late"
# Far more than any history leaves on its way.
STEP_LIMIT = 2000


class WorkerHistory(RuleBasedStateMachine):
    """Packets travel when a rule says so: what is on its way meets what happens meanwhile."""

    new_server: type[JobServer] = Gearmand

    @initialize(grab_limit=st.integers(1, 9), job_limit=st.integers(1, 9))
    def connect(self, grab_limit: int, job_limit: int) -> None:
        self.server = self.new_server()
        self.role = WorkerRole(grab_limit, job_limit)
        self.job_limit = job_limit
        self.held: list[bytes] = []
        self.grabbing = True
        self.late_is_served = False
        self.role.serve([FIRST])
        self.role.start_grabbing()
        self._send()

    def _send(self) -> None:
        self.server.inbox += self.role.take_output()

    def _receive(self, data: bytes) -> None:
        for event in self.role.receive(data):
            if isinstance(event, Assigned):
                self.held.append(event.handle)
            else:
                assert isinstance(event, Complaint)
        assert self.role.violation is None
        self._send()

    @rule(function=st.sampled_from([FIRST, FIRST, LATE]), count=st.integers(1, 4))
    def submit(self, function: bytes, count: int) -> None:
        for _ in range(count):
            self.server.submit(function)

    @rule()
    def another_worker_takes_a_job(self) -> None:
        self.server.steal()

    @rule(count=st.integers(1, 9))
    def the_server_reads(self, count: int) -> None:
        for _ in range(count):
            self.server.serve_one()

    @rule(size=st.integers(1, 200))
    def the_worker_reads(self, size: int) -> None:
        data, self.server.outbox = self.server.outbox[:size], self.server.outbox[size:]
        self._receive(data)

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def a_job_ends(self, data: st.DataObject) -> None:
        handle = self.held.pop(data.draw(st.integers(0, len(self.held) - 1)))
        how = data.draw(st.sampled_from(["complete", "fail", "refuse"]))
        getattr(self.role, how)(handle, *([] if how == "fail" else [b"text"]))
        self._send()

    @rule()
    def time_passes(self) -> None:
        self.role.sleep_again()
        self._send()

    @rule()
    def grabbing_is_switched(self) -> None:
        self.grabbing = not self.grabbing
        (self.role.start_grabbing if self.grabbing else self.role.stop_grabbing)()
        self._send()

    @precondition(lambda self: not self.late_is_served)
    @rule()
    def another_queue_is_served(self) -> None:
        self.late_is_served = True
        self.role.serve([LATE])
        self._send()

    @precondition(lambda self: self.late_is_served and not self.held and LATE not in self.server.given.values())
    @rule()
    def that_queue_is_left(self) -> None:
        self._settle()
        if not self.held:
            self.late_is_served = False
            self.role.leave([LATE])
            self._send()

    def _settle(self) -> None:
        """Until nothing is on its way any more."""
        for _ in range(STEP_LIMIT):
            if not self.server.serve_one() and not self.server.outbox:
                return
            data, self.server.outbox = self.server.outbox, b""
            self._receive(data)
        raise AssertionError("worker and server never come to rest")

    @rule()
    def all_comes_to_rest(self) -> None:
        self._settle()
        if self.grabbing and len(self.held) < self.job_limit:
            assert not self.server.servable, "a job is left, and the worker sleeps"
        if not self.grabbing:
            assert self.role.is_quiet == (not self.held)

    @invariant()
    def the_worker_takes_no_more_than_it_may(self) -> None:
        if hasattr(self, "server"):
            assert len(self.server.given) <= self.job_limit
            assert self.role.held.keys() >= set(self.held)

    def teardown(self) -> None:
        """Whatever happened: a worker that goes on ends every job, each once."""
        if not hasattr(self, "server"):
            return
        if not self.grabbing:
            self.grabbing_is_switched()
        for _ in range(STEP_LIMIT):
            self.all_comes_to_rest()
            if not self.held:
                break
            self.role.complete(self.held.pop(), b"")
            self._send()
        assert self.server.servable == []
        assert self.server.given == {}
        assert len(self.server.ended) == len(set(self.server.ended))


@pytest.mark.parametrize("server", [Gearmand, Geard, Perl])
def test_no_wake_up_is_lost_and_no_limit_passed(server: type[JobServer]) -> None:
    history = type(f"On{server.__name__}", (WorkerHistory,), {"new_server": server})
    run_state_machine_as_test(history)
