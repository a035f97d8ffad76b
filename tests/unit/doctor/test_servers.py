"""Checks of Gearman servers, without any."""

from dataclasses import replace

import pytest

from gearhorn.doctor.servers import check_persistence, check_queues, check_servers
from gearhorn.doctor.site import Skip
from tests.unit.doctor.sites import SERVED, findings_of, found, site


async def test_servers_that_are_well_are_no_finding() -> None:
    assert await found(check_servers, site()) == []
    assert await found(check_queues, site()) == []


async def test_one_that_is_away_is_an_error_with_the_reason() -> None:
    [finding] = await findings_of(check_servers, site(servers={"a:4730": SERVED, "b:4730": "Connection refused"}))
    assert finding.code == "server-unreachable"
    assert "b:4730 cannot be asked: Connection refused" in finding.what
    assert finding.fix == "gearadmin --host=b --port=4730 --status"


async def test_a_mix_of_versions_is_noted() -> None:
    mixed = site(servers={"a:1": SERVED, "b:1": SERVED}, versions={"b:1": ""})
    [finding] = await findings_of(check_servers, mixed)
    assert (finding.code, finding.severity) == ("server-version-mix", "note")


async def test_a_server_without_any_worker_is_one_finding() -> None:
    assert await found(check_queues, site(servers={"a:1": SERVED, "b:1": {}})) == ["server-unserved"]


async def test_a_single_queue_that_nobody_serves_is_named() -> None:
    some = {queue: load for queue, load in SERVED.items() if queue != b"unsubscribe_fanout"}
    [finding] = await findings_of(check_queues, site(servers={"a:1": some}))
    assert finding.code == "queue-unserved"
    assert "unsubscribe_fanout" in finding.what


async def test_many_fanouts_that_wait_are_a_warning() -> None:
    waiting = site()
    queues = tuple(replace(queue, waiting_count=5000) for queue in waiting.overview.queues[:1])
    waiting = replace(waiting, overview=replace(waiting.overview, queues=queues))
    assert await found(check_queues, waiting) == ["intake-backlog"]


@pytest.mark.parametrize("version", ["", "v1.130.1"])
async def test_other_servers_than_gearmand_keep_nothing(version: str) -> None:
    mixed = site(servers={"a.example:1": SERVED}, versions={"a.example:1": version}, has_persistent_queue=True)
    assert await found(check_persistence, mixed) == ["queue-not-persistent"]


async def test_of_a_gearmand_elsewhere_nobody_knows() -> None:
    assert await found(check_persistence, site(has_persistent_queue=True)) == []


async def test_without_the_option_nobody_asks() -> None:
    with pytest.raises(Skip):
        await found(check_persistence, site())


async def test_a_server_that_takes_its_time_is_a_warning() -> None:
    slow = site()
    servers = tuple(replace(server, took_s=2.5) for server in slow.overview.servers)
    [finding] = await findings_of(check_servers, replace(slow, overview=replace(slow.overview, servers=servers)))
    assert finding.code == "server-slow"
    assert "took 2.5 s" in finding.what
