"""What goes up and down, read from the parts when somebody asks."""

import asyncio
import platform
from collections.abc import Iterable, Mapping

from gearhorn import __version__
from gearhorn.metrics import catalogue
from gearhorn.metrics.readings import Labels, Readings
from gearhorn.monitoring.health import Health, is_ready
from gearhorn.monitoring.parts import Parts

# The words for the links that jobs come by, in the order of the lanes: see Handlers.lanes.
_LANES = ("fanouts", "changes")


def add_gauges(readings: Readings, parts: Parts, health: Health) -> None:
    links = parts.dispatch.links
    lists = parts.matchmaker.lists
    readings.add(catalogue.JOBS_IN_FLIGHT, lambda: {(str(one[0].address),): _held(one) for one in parts.lanes})
    readings.add(catalogue.COPIES_IN_FLIGHT, lambda: {(str(one.address),): one.unconfirmed_count for one in links})
    readings.add(catalogue.COPIES_UNSENT, lambda: {(): parts.dispatch.unsent_count})
    readings.add(catalogue.RECEIVERS_AWAITED, lambda: {(str(one.address),): one.awaited_count for one in links})
    readings.add(catalogue.LINK_UP, lambda: dict(_links_up(parts)))
    readings.add(catalogue.LEASE_LEFT, lambda: _lease_left(parts))
    readings.add(catalogue.CACHE_TOPICS, lambda: {(): lists.topic_count})
    readings.add(catalogue.CACHE_SUBSCRIBERS, lambda: {(): lists.subscriber_count})
    readings.add(catalogue.SUBSCRIBERS, lambda: _in_trouble(parts))
    readings.add(catalogue.BACKLOG, lambda: {(topic,): count for topic, count in parts.watcher.backlogs.items()})
    readings.add(catalogue.WATCHING, lambda: {(): parts.watcher.is_watching})
    readings.add(catalogue.READY, lambda: {(): is_ready(health.down())})
    readings.add(catalogue.DOWN, lambda: {(one.part,): 1 for one in health.down()})
    readings.add(catalogue.BUILD_INFO, lambda: {_build(parts): 1})


def add_totals(parts: Parts) -> None:
    """What a worker tells of itself beside its lease."""
    counters = parts.counters
    counters.read_for_others("jobs_in_flight", lambda: sum(map(_held, parts.lanes)))
    counters.read_for_others("copies_in_flight", lambda: sum(one.unconfirmed_count for one in parts.dispatch.links))


def _held(lanes: Iterable[object]) -> int:
    return sum(getattr(lane, "held_count") for lane in lanes)  # noqa: B009


def _links_up(parts: Parts) -> Iterable[tuple[Labels, float]]:
    for lanes in parts.lanes:
        for name, lane in zip(_LANES, lanes, strict=True):
            yield (str(lane.address), name), lane.up.is_set()
    for copies in parts.dispatch.links:
        yield (str(copies.address), "copies"), copies.is_up
    for matchmaking in parts.matchmaker.links:
        yield (str(matchmaking.address), "matchmaking"), matchmaking.up.is_set()


def _lease_left(parts: Parts) -> Mapping[Labels, float]:
    left_s = parts.matchmaker.lease_left_s
    return {} if left_s is None else {(): left_s}


def _in_trouble(parts: Parts) -> Mapping[Labels, float]:
    if not parts.watcher.is_watching:
        return {}
    states = ("suspect", "dead", "paused")
    return {(state,): parts.counters[f"reaper_{state}_subscribers"] for state in states}


def _build(parts: Parts) -> Labels:
    loop = type(asyncio.get_running_loop()).__module__.partition(".")[0]
    return __version__, platform.python_version(), loop, parts.store.kind
