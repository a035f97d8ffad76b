"""Whose clock is wrong, as far as leases tell."""

import time
from dataclasses import replace

import pytest

from gearhorn.clock import steady_s
from gearhorn.doctor.site import Skip
from gearhorn.doctor.stores import check_clocks, check_store
from gearhorn.errors import StoreUnavailable
from gearhorn.overview.views import HELD, Reading, WorkerView
from gearhorn.store.facts import redis_command
from gearhorn.store.redis_urls import read_url
from tests.unit.doctor.sites import findings_of, found, site
from tests.unit.moody_store import MoodyStore


def worker(ahead_s: float) -> WorkerView:
    """Whose lease of ten seconds was renewed four seconds ago."""
    return WorkerView(
        "one", HELD, 6.0, address="web1", lease_ttl_s=10.0, reading=Reading(time.time() - 4 + ahead_s, {})
    )


@pytest.mark.parametrize(("ahead_s", "words"), [(90.0, "ahead of"), (-90.0, "behind")])
async def test_a_worker_whose_clock_is_wrong_is_named_with_its_host(ahead_s: float, words: str) -> None:
    [finding] = await findings_of(check_clocks, site(workers=[worker(ahead_s)], store_kind="sqlite"))
    assert finding.code == "clock-differs"
    assert f"s {words} this host's" in finding.what
    assert finding.fix == "timedatectl set-ntp true # on web1"


async def test_a_clock_that_is_right_is_no_finding() -> None:
    assert await found(check_clocks, site(workers=[worker(0.0)], store_kind="sqlite")) == []


async def test_a_worker_of_another_version_tells_no_time() -> None:
    silent = replace(worker(0.0), reading=None)
    assert await found(check_clocks, site(workers=[silent], store_kind="sqlite")) == []
    with pytest.raises(Skip):
        await found(check_clocks, site(store_kind="sqlite"))


async def test_a_store_that_takes_no_changes_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    store = MoodyStore(steady_s)
    assert await found(check_store, site(store=store, store_kind="sqlite")) == []

    async def refuse(*_: object, **__: object) -> None:
        raise StoreUnavailable("disk full")

    monkeypatch.setattr(store, "keep_record", refuse)
    [finding] = await findings_of(check_store, site(store=store, store_kind="sqlite"))
    assert finding.code == "store-refuses-writes"
    assert "disk full" in finding.what


@pytest.mark.parametrize(
    ("url", "command"),
    [
        ("redis://10.0.0.1", "redis-cli -h 10.0.0.1 -p 6379"),
        ("redis://:secret@[::1]:7000", "redis-cli -h ::1 -p 7000 --askpass"),
        (
            "rediss://me:secret@r?ssl_ca_certs=/ca.pem",
            "redis-cli -h r -p 6379 --tls --cacert /ca.pem --user me --askpass",
        ),
        ("unix:///run/redis.sock", "redis-cli -s /run/redis.sock"),
        (
            "redis+sentinel://s1,s2/mine",
            "redis-cli -h s1 -p 26379 sentinel get-master-addr-by-name mine ; redis-cli -h MASTER -p PORT",
        ),
    ],
)
def test_the_command_that_reaches_a_redis_holds_no_password(url: str, command: str) -> None:
    assert redis_command(read_url(url)) == command
