"""What is believed of what a worker has written beside its lease."""

import json
import math
import os

import pytest

from gearhorn.overview.views import HELD, RAN_OUT, REVOKED
from gearhorn.overview.workers import view_worker
from gearhorn.process_marks import own_mark
from gearhorn.store.leases import Lease, LeaseKey


def lease(info: object = None, left_s: float = 5.0, is_revoked: bool = False) -> Lease:
    return Lease(LeaseKey("one", "token"), left_s, is_revoked, json.dumps(info if info is not None else {}))


@pytest.mark.parametrize(
    ("given", "state"),
    [(lease(), HELD), (lease(is_revoked=True), REVOKED), (lease(left_s=-1.0, is_revoked=True), RAN_OUT)],
)
def test_a_lease_tells_the_state(given: Lease, state: str) -> None:
    assert view_worker(given).state == state


def test_a_worker_of_another_version_that_tells_nothing_is_shown_all_the_same() -> None:
    seen = view_worker(lease())
    assert (seen.since_s, seen.version, seen.servers, seen.reading, seen.local_pid) == (None, None, (), None, None)


def test_nothing_of_the_wrong_kind_is_believed() -> None:
    told = {"since": "yesterday", "version": 7, "servers": "all", "topics": True, "counters": [1], "earlier": 3}
    assert view_worker(lease(told)) == view_worker(lease())


def test_counters_that_are_no_numbers_are_left_out() -> None:
    told = {"at": 5, "counters": {"copies": 3, "odd": "x", "flag": True}, "earlier": {"at": 2.5, "counters": {}}}
    seen = view_worker(lease(told))
    assert seen.reading == (5.0, {"copies": 3})
    assert seen.earlier == (2.5, {})


def test_counters_without_their_moment_are_shown_and_measure_nothing() -> None:
    seen = view_worker(lease({"counters": {"copies": 3}}))
    assert seen.reading is not None
    assert math.isnan(seen.reading.at_s)
    assert seen.counters == {"copies": 3}


def test_a_process_of_this_host_is_known_by_its_number() -> None:
    mark = own_mark()
    assert view_worker(lease({"process": mark})).local_pid == os.getpid()
    assert view_worker(lease({"process": {**mark, "boot": "another"}})).local_pid is None
