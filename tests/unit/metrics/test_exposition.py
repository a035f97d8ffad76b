"""What Prometheus gets: its own tool finds nothing wrong, and every metric of the catalogue is there."""

import subprocess

import pytest

from gearhorn.metrics import Counters
from gearhorn.metrics.catalogue import BUILD_INFO, CATALOGUE, COUNTER, GAUGE, HISTOGRAM
from gearhorn.metrics.exposition import render, series
from gearhorn.metrics.readings import Readings
from tests.servers.process import find_program

HOSTILE = 'a"b\\c\nd\u2028é'


def readings_of(counters: Counters) -> Readings:
    readings = Readings(counters)
    for metric in CATALOGUE:
        if metric.kind == GAUGE:
            readings.add(metric, lambda metric=metric: {("x",) * len(metric.labels): 1.5})  # type: ignore[misc]
    return readings


def page_of(counters: Counters) -> str:
    page, content_type = render(readings_of(counters).take(), "text/plain")
    assert content_type.startswith("text/plain; version=0.0.4")
    return page.decode()


def test_promtool_finds_nothing_wrong() -> None:
    counters = Counters()
    meter = counters.meters.of("news", has_subscribers=True)
    meter.confirmed(3, 0.01)
    page = page_of(counters)
    done = subprocess.run(
        [find_program("promtool"), "check", "metrics"],
        input=page,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_metric_is_told_of_with_its_kind_and_meaning() -> None:
    lines = page_of(Counters()).splitlines()
    for metric in CATALOGUE:
        assert f"# TYPE {metric.name} {metric.kind}" in lines
        assert f"# HELP {metric.name} {metric.help}" in lines


def test_there_is_a_reader_for_every_metric_of_the_catalogue_and_each_is_read_once() -> None:
    names = [reading.metric.name for reading in readings_of(Counters()).take()]
    assert sorted(names) == sorted(metric.name for metric in CATALOGUE)


def test_names_follow_the_rules_and_no_label_can_hold_a_client_id() -> None:
    for metric in CATALOGUE:
        assert metric.name.startswith("gearhorn_")
        assert metric.name.endswith("_total") == (metric.kind == COUNTER)
        assert metric.kind != HISTOGRAM or metric.name.endswith("_seconds")
        assert metric.help.endswith(".")
        # `job` and `instance` are Prometheus's own: it would rename ours.
        assert not {"client", "client_id", "host", "subscriber", "job", "instance"} & set(metric.labels)


def test_whatever_a_topic_is_called_it_is_one_label() -> None:
    counters = Counters()
    counters.meters.of(HOSTILE, has_subscribers=True).confirmed(7, 0.1)
    found = {
        labels["topic"]: value for name, labels, value in series(page_of(counters)) if name == "gearhorn_copies_total"
    }
    assert found == {HOSTILE: 7.0, "other": 0.0}


def test_what_may_happen_is_told_before_it_does_and_of_a_topic_only_what_it_is_used_for() -> None:
    counters = Counters()
    counters.meters.of("news", has_subscribers=True).ended_as(0, 0.1, is_foreground=False)
    found = {(name, *sorted(labels.values())): value for name, labels, value in series(page_of(counters))}
    assert found["gearhorn_jobs_refused_total", "bug", "fanout"] == 0.0
    assert found["gearhorn_fanouts_total", "background", "failed", "news"] == 0.0
    assert ("gearhorn_fanouts_total", "failed", "foreground", "news") not in found
    assert ("gearhorn_receivers_total", "complete", "news") not in found


def test_a_gauge_that_fails_is_left_out_told_once_and_costs_no_other(caplog: pytest.LogCaptureFixture) -> None:
    readings = Readings(Counters())
    readings.add(CATALOGUE[-2], lambda: {("x",): 1 / 0})
    readings.add(BUILD_INFO, lambda: {("1", "3", "uvloop", "redis"): 1})
    for _ in range(2):
        page = render(readings.take(), "")[0].decode()
        assert 'gearhorn_build_info{loop="uvloop",python="3",store="redis",version="1"} 1.0' in page
    assert len(caplog.records) == 1


def test_what_others_are_told_has_totals_and_what_is_read_at_that_moment() -> None:
    counters = Counters()
    counters.add("paused_copies", 2)
    counters.meters.other.confirmed(5, 0.1)
    counters.count("gearhorn_subscription_changes_total", "subscribe", "changed", count=4)
    counters.count("gearhorn_subscription_changes_total", "subscribe", "unchanged")
    counters.read_for_others("jobs_in_flight", lambda: 3)
    assert counters.shown() == {"paused_copies": 2}
    assert counters.told() == {
        "changes": 4,
        "copies": 5,
        "fanouts": 0,
        "jobs_in_flight": 3,
        "paused_copies": 2,
        "receivers_completed": 0,
        "receivers_failed": 0,
    }
