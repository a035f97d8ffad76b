"""Checks of workers: leases, versions, servers, and workers that the store does not know."""

import socket
from dataclasses import replace

import pytest

from gearhorn import __version__
from gearhorn.doctor.findings import Places
from gearhorn.doctor.site import Skip
from gearhorn.doctor.workers import _label, _workers_at, check_connections, check_versions, check_workers
from gearhorn.overview.views import HELD, RAN_OUT, REVOKED, WorkerView
from tests.unit.doctor.sites import SERVED, findings_of, found, site

WORKER = WorkerView("one", HELD, 5.0, version=__version__, address="web1", servers=("a.example:4730",))


async def test_a_worker_that_is_well_is_no_finding() -> None:
    for check in (check_workers, check_versions, check_connections):
        assert await found(check, site(workers=[WORKER])) == []


async def test_nobody_with_a_lease_is_an_error() -> None:
    assert await found(check_workers, site()) == ["no-worker"]


async def test_one_that_is_gone_is_removed_by_name() -> None:
    gone = replace(WORKER, worker_id="gone one", state=RAN_OUT, lease_left_s=-60.0)
    [finding] = await findings_of(check_workers, site(workers=[WORKER, gone], places=Places("--store redis://x")))
    assert finding.fix == "gearhorn workers remove --store redis://x 'gone one'"
    assert "ran out 60 s ago" in finding.what


async def test_a_revoked_lease_is_a_warning() -> None:
    revoked = replace(WORKER, worker_id="two", state=REVOKED)
    assert await found(check_workers, site(workers=[WORKER, revoked])) == ["worker-revoked"]


async def test_after_a_restart_of_the_store_all_are_revoked_for_a_while_and_there_is_a_service() -> None:
    revoked = replace(WORKER, state=REVOKED, lease_left_s=6.2)
    [finding] = await findings_of(check_workers, site(workers=[revoked]))
    assert finding.code == "worker-revoked"
    assert "ends in 7 s" in finding.what
    assert finding.fix.startswith("sleep 10; gearhorn workers")


async def test_another_version_is_a_warning_unless_its_worker_is_gone() -> None:
    other = replace(WORKER, worker_id="two", version="0.0.5")
    assert await found(check_versions, site(workers=[WORKER, other])) == ["version-mix"]
    assert await found(check_versions, site(workers=[WORKER, replace(other, state=RAN_OUT)])) == []


async def test_a_worker_that_misses_a_server_is_named_with_it() -> None:
    [finding] = await findings_of(
        check_connections, site(workers=[WORKER], servers={"a.example:4730": SERVED, "b.example:4730": SERVED})
    )
    assert finding.code == "worker-misses-server"
    assert "one is not connected to Gearman server b.example:4730" in finding.what


async def test_a_server_that_is_away_is_missed_by_everybody() -> None:
    assert (
        await found(
            check_connections, site(workers=[WORKER], servers={"a.example:4730": SERVED, "b.example:4730": "gone"})
        )
        == []
    )


async def test_a_server_that_only_a_worker_knows_is_a_warning() -> None:
    worker = replace(WORKER, servers=("a.example:4730", "c.example:4730"))
    assert await found(check_connections, site(workers=[worker])) == ["worker-other-servers"]


async def test_ones_own_host_has_many_names() -> None:
    worker = replace(WORKER, address=socket.gethostname(), servers=("localhost:4730",))
    assert await found(check_connections, site(workers=[worker], servers={"127.0.0.1:4730": SERVED})) == []


async def test_localhost_of_another_host_is_another_server() -> None:
    worker = replace(WORKER, address="elsewhere", servers=("localhost:4730",))
    codes = await found(check_connections, site(workers=[worker], servers={"localhost:4730": SERVED}))
    assert codes == ["worker-misses-server", "worker-other-servers"]


@pytest.mark.parametrize("check", [check_workers, check_versions, check_connections])
async def test_without_the_store_nothing_is_said_of_workers(check: object) -> None:
    with pytest.raises(Skip):
        await found(check, site(is_store_away=True))


def test_only_connections_that_serve_the_fanouts_are_workers() -> None:
    lines = [
        "31 10.0.0.1 gearhorn_one : unsubscribe_fanout fanout",
        "32 10.0.0.1 gearhorn_one :",
        "33 10.0.0.2 gearhorn_publisher : ",
        "34 10.0.0.3 php : fanout",
        "35 - : x",
        "nonsense",
    ]
    assert list(_workers_at(lines, "fanout")) == [("10.0.0.1", "gearhorn_one")]


def test_a_label_is_as_the_worker_writes_it() -> None:
    assert _label("web 1") == "gearhorn_web-1"
    assert len(_label("x" * 300)) == 127
