"""Looks at the whole system: store, workers, servers, topics. Whatever is down is part of the picture."""

import asyncio
import time
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from gearhorn.clock import steady_s
from gearhorn.names import MATCHMAKING_TOPIC, OwnQueues
from gearhorn.net.address import Address
from gearhorn.net.connection import LinkSettings
from gearhorn.overview.owners import Shares, share_out
from gearhorn.overview.roster import Roster
from gearhorn.overview.servers import MOST_SHARE, Answer, Servers, sum_loads, view_server
from gearhorn.overview.source import Door, Found, ask_store
from gearhorn.overview.troubled import TROUBLED_LIMIT, count_troubled, pick_troubled
from gearhorn.overview.views import Overview, QueueView, TopicView, Totals
from gearhorn.store.base import TopicCount
from gearhorn.subscribers.aside import reckon
from gearhorn.wire.loads import IDLE_LOAD, Load

# To find whose 100,000 queues are takes half a second of reckoning. A fiftieth of the time may go into it.
LONG_SHARING_S = 0.1

# So many topics are in a picture, unless somebody wants more.
TOPICS_LIMIT = 100


@dataclass(frozen=True, slots=True)
class ObserverSettings:
    """`store_kind` and `store_url` are for people: no secret may be in them. `patience_s` bounds what each peer has
    for its answers; a picture takes twice that at the most, and a moment for the reckoning.
    """

    servers: tuple[Address, ...]
    link: LinkSettings = field(default_factory=LinkSettings)
    queues: OwnQueues = field(default_factory=OwnQueues)
    matchmaking_topic: str = MATCHMAKING_TOPIC
    store_kind: str = ""
    store_url: str = ""
    topics_limit: int = TOPICS_LIMIT
    patience_s: float = 5.0


class Survey(NamedTuple):
    """What the store and the servers have said. `loads` are the queues of all servers together."""

    found: Found
    answers: Sequence[Answer]
    loads: Mapping[bytes, Load]
    shares: Shares


class Observer:
    """`observe` may be called again and again, and while another call is under way. It raises nothing that a peer
    does, and holds up an event loop for some milliseconds at a time.
    """

    def __init__(self, settings: ObserverSettings, door: Door) -> None:
        self.settings = settings
        self.door = door
        self.servers = Servers(settings.servers, settings.link, settings.patience_s)
        self.roster = Roster()
        self._shares = Shares({}, {})
        self._share_again_at_s = 0.0

    async def observe(self) -> Overview:
        survey = await self.survey()
        return await reckon(len(survey.found.topics), lambda: self.picture(survey))

    async def survey(self) -> "Survey":
        """What an overview is made of."""
        own = [name.encode() for name in self.settings.queues.all()]
        found, answers = await asyncio.gather(self.ask_store(), self.servers.ask(own))
        loads = await reckon(sum(len(answer.loads) for answer in answers), lambda: sum_loads(answers))
        return Survey(found, answers, loads, await self._share(found, loads))

    def picture(self, survey: "Survey") -> Overview:
        """Costs some microseconds for each topic."""
        settings, (found, answers, loads, shares) = self.settings, survey
        views = self._view_topics(found, shares, answers)
        return Overview(
            taken_at_s=time.time(),
            store=found.view,
            workers=found.workers,
            servers=tuple(view_server(answer, settings.queues.fanout.encode()) for answer in answers),
            queues=_view_queues(settings.queues, loads, answers),
            topics=tuple(views[: settings.topics_limit]),
            troubled=pick_troubled(found.report, loads, TROUBLED_LIMIT),
            totals=_totals(found, shares, views, is_known=any(not answer.trouble for answer in answers)),
            is_watched=found.report is not None,
        )

    async def ask_store(self) -> Found:
        settings = self.settings
        return await ask_store(self.door, settings.store_kind, settings.store_url, settings.patience_s)

    def public_topics(self, found: Found) -> list[TopicCount]:
        return [count for count in found.topics if count.topic != self.settings.matchmaking_topic]

    async def _share(self, found: Found, loads: Mapping[bytes, Load]) -> Shares:
        """Nobody can tell whose the queues are without the store. What took long is believed for a while: an observer
        may be beside a worker that has other things to do.
        """
        if found.store is None:
            return Shares({}, {})
        began_s = steady_s()
        if began_s >= self._share_again_at_s:
            others, topics = await reckon(len(loads), lambda: self._others(found, loads))
            until_s = began_s + self.settings.patience_s
            self._shares = await share_out(others, topics, found.store, self.roster, until_s)
            took_s = steady_s() - began_s
            self._share_again_at_s = steady_s() + (took_s / MOST_SHARE if took_s > LONG_SHARING_S else 0.0)
        return self._shares

    def _others(self, found: Found, loads: Mapping[bytes, Load]) -> tuple[dict[bytes, Load], frozenset[str]]:
        """The queues that are not the service's own, and all topics."""
        own = {name.encode() for name in self.settings.queues.all()}
        others = {queue: load for queue, load in loads.items() if queue not in own}
        return others, frozenset(count.topic for count in found.topics)

    def _view_topics(self, found: Found, shares: Shares, answers: Sequence[Answer]) -> list[TopicView]:
        """All of them, the largest backlog first."""
        troubled = count_troubled(found.report)
        is_known = any(not answer.trouble for answer in answers)
        views = []
        for topic, count in self.public_topics(found):
            load = shares.by_topic.get(topic, IDLE_LOAD)
            waiting_count, running_count, _ = load if is_known else (None, None, None)
            views.append(TopicView(topic, count, waiting_count, running_count, *troubled.get(topic, (0, 0, 0))))
        return sorted(views, key=lambda view: (-(view.backlog_count or 0), -view.subscribers_count, view.topic))


def _view_queues(own: OwnQueues, loads: Mapping[bytes, Load], answers: Sequence[Answer]) -> tuple[QueueView, ...]:
    """None where no server could be asked."""
    if all(answer.trouble for answer in answers):
        return ()
    return tuple(_view_queue(name, loads, answers) for name in own.all())


def _view_queue(name: str, loads: Mapping[bytes, Load], answers: Iterable[Answer]) -> QueueView:
    queue = name.encode()
    unserved = [
        answer.address
        for answer in answers
        if not answer.trouble and not answer.loads.get(queue, IDLE_LOAD).worker_count
    ]
    return QueueView(name, *loads.get(queue, IDLE_LOAD), tuple(unserved))


def _totals(found: Found, shares: Shares, views: Collection[TopicView], *, is_known: bool) -> Totals:
    """`is_known`: a server has told what waits on it."""
    if found.store is None:
        return Totals()
    return Totals(
        topics_count=len(views),
        subscribers_count=sum(view.subscribers_count for view in views),
        backlog_count=sum(view.backlog_count or 0 for view in views) if is_known else None,
        running_count=sum(view.running_count or 0 for view in views) if is_known else None,
        other_backlog_count=sum(load.waiting_count for load in shares.strangers.values()) if is_known else None,
        suspect_count=sum(view.suspect_count for view in views),
        dead_count=sum(view.dead_count for view in views),
        paused_count=sum(view.paused_count for view in views),
    )
