"""A picture and what was made of it, together: what all ways to show it need."""

from typing import NamedTuple

from gearhorn.cmd import exits
from gearhorn.overview.observer import Observer
from gearhorn.overview.rates import Rates, measure
from gearhorn.overview.verdict import ERROR, Trouble, judge, worst_of
from gearhorn.overview.views import Overview


class Scene(NamedTuple):
    overview: Overview
    rates: Rates
    troubles: list[Trouble]


async def look(observer: Observer, before: Scene | None = None) -> Scene:
    """`before` is an earlier look, for rates of workers that tell no pairs of readings."""
    overview = await observer.observe()
    return Scene(overview, measure(overview, before.overview if before else None), judge(overview))


def status_of(scene: Scene) -> int:
    """The exit status that tells it."""
    if not scene.overview.is_anything_reachable:
        return exits.UNREACHABLE
    return exits.TROUBLE if worst_of(scene.troubles) == ERROR else exits.OK


def sum_up(scene: Scene) -> str:
    """The verdict in one line."""
    count = len(scene.troubles)
    if not count:
        return "all is well"
    if not scene.overview.is_anything_reachable:
        return "nothing can be reached"
    return "1 thing is wrong" if count == 1 else f"{count} things are wrong"
