"""What statsd gets: differences, names that it can have, and datagrams that pass."""

import asyncio
import socket

import pytest

from gearhorn.metrics import Counters
from gearhorn.metrics.catalogue import LEASE_LEFT, LINK_UP
from gearhorn.metrics.readings import Readings
from gearhorn.monitoring.settings import StatsdSettings
from gearhorn.monitoring.statsd import DATAGRAM_BYTES, Differences, Statsd, datagrams
from gearhorn.net.address import Address


def lines_of(differences: Differences, counters: Counters) -> set[str]:
    return set(differences.lines(Readings(counters).take()))


def test_counters_are_told_as_what_they_have_grown_by() -> None:
    counters, differences = Counters(), Differences("site")
    meter = counters.meters.of("news", has_subscribers=True)
    meter.ended_as(0, 0.2, is_foreground=True)
    assert "site.gearhorn.fanouts.news.foreground.complete:1|c" in lines_of(differences, counters)
    assert lines_of(differences, counters) == set()
    meter.ended_as(0, 0.2, is_foreground=True)
    meter.ended_as(0, 0.2, is_foreground=True)
    assert "site.gearhorn.fanouts.news.foreground.complete:2|c" in lines_of(differences, counters)


def test_a_topic_that_was_gone_is_told_from_its_new_beginning() -> None:
    counters, differences = Counters(), Differences("")
    counters.meters.of("news", has_subscribers=True).copies = 7
    lines_of(differences, counters)
    counters.meters.forget("news")
    assert lines_of(differences, counters) == set()
    counters.meters.of("news", has_subscribers=True).copies = 2
    assert lines_of(differences, counters) == {"gearhorn.copies.news:2|c"}
    counters.meters.forget("news")
    counters.meters.of("news", has_subscribers=True).copies = 1
    assert lines_of(differences, counters) == {"gearhorn.copies.news:1|c"}


def test_gauges_are_told_as_they_are() -> None:
    readings, differences = Readings(Counters()), Differences("")
    readings.add(LEASE_LEFT, lambda: {(): 7.25})
    readings.add(LINK_UP, lambda: {("[::1]:4730", "copies"): True})
    for _ in range(2):
        lines = list(differences.lines(readings.take()))
        assert lines == ["gearhorn.lease_left_seconds:7.25|g", "gearhorn.link_up._1_4730.copies:1|g"]


def test_names_lose_what_would_end_them() -> None:
    counters = Counters()
    counters.meters.of("a.b:c|d@e\nf é", has_subscribers=True).copies = 1
    assert lines_of(Differences(""), counters) == {"gearhorn.copies.a_b_c_d_e_f_:1|c"}


def test_two_topics_whose_names_become_one_are_added_up() -> None:
    counters, differences = Counters(), Differences("")
    counters.meters.of("a.b", has_subscribers=True).copies = 1
    counters.meters.of("a:b", has_subscribers=True).copies = 2
    assert lines_of(differences, counters) == {"gearhorn.copies.a_b:3|c"}


def test_a_histogram_is_told_by_the_bounds_of_its_middle_and_of_its_slowest_twentieth() -> None:
    counters, differences = Counters(), Differences("")
    counters.matchmaking_s.observe(0.004, count=90)
    counters.matchmaking_s.observe(0.2, count=10)
    name = "gearhorn.matchmaking_lag_seconds"
    assert lines_of(differences, counters) == {f"{name}.count:100|c", f"{name}.p50:5|ms", f"{name}.p95:250|ms"}
    counters.matchmaking_s.observe(1e6)
    assert lines_of(differences, counters) == {f"{name}.count:1|c", f"{name}.p50:30000|ms", f"{name}.p95:30000|ms"}


def test_datagrams_hold_whole_lines_and_pass_any_network() -> None:
    lines = [f"gearhorn.copies.topic{number}:{number}|c" for number in range(500)]
    sent = list(datagrams(lines))
    assert max(map(len, sent)) <= DATAGRAM_BYTES
    assert b"\n".join(sent).decode().splitlines() == lines
    assert list(datagrams([])) == []


async def test_nobody_need_listen_and_a_name_that_nobody_knows_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    counters = Counters()
    counters.matchmaking_s.observe(1.0)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        address = Address("127.0.0.1", closed.getsockname()[1])
    async with Statsd.opened(StatsdSettings(address)) as statsd:
        for _ in range(3):
            await statsd.send(Readings(counters).take())
            await asyncio.sleep(0.01)  # for the kernel to say that nobody is there
    assert not caplog.records
    async with Statsd.opened(StatsdSettings(Address("nowhere.invalid", 8125))) as statsd:
        for _ in range(2):
            await statsd.send(Readings(counters).take())
        statsd.send_last(Readings(counters).take())
    assert [record.levelname for record in caplog.records] == ["WARNING"]
