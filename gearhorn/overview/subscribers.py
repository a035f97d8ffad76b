"""Who is subscribed and how each fares: one topic's list, or one client over all topics ("what waits for web17?")."""

import asyncio
from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from gearhorn.clock import steady_s
from gearhorn.core.health import IDLE, LIVE, Case
from gearhorn.names import queue_name
from gearhorn.overview.observer import Observer
from gearhorn.overview.servers import Answer, sum_loads
from gearhorn.overview.source import Found
from gearhorn.overview.troubled import state_of
from gearhorn.overview.views import UNSUBSCRIBED, Lookup, SubscriberView
from gearhorn.subscribers.aside import first_sorted, reckon
from gearhorn.wire.loads import IDLE_LOAD, Load

TOO_MANY = "there was not the time to read all lists"


class Seen(NamedTuple):
    """What the servers said of some queues, and what the watching worker knows."""

    answers: Sequence[Answer]
    cases: Mapping[bytes, Case]

    @property
    def is_complete(self) -> bool:
        return not any(answer.trouble for answer in self.answers)

    @property
    def is_blind(self) -> bool:
        return all(answer.trouble for answer in self.answers)


async def look_at_topic(observer: Observer, topic: str, limit: int = 500) -> Lookup:
    """The first `limit` subscribers of `topic` in the order of their ids."""
    found = await observer.ask_store()
    if found.store is None:
        return Lookup((), is_complete=False, trouble=found.view.trouble, store_answered=False)
    observer.roster.forget(topic)
    until_s = steady_s() + observer.settings.patience_s
    members = (await observer.roster.find(found.store, [topic], until_s)).get(topic)
    if members is None:
        return Lookup((), is_complete=False, trouble=TOO_MANY)
    client_ids = await reckon(len(members), lambda: first_sorted(members, limit, bytes))
    pairs = [(topic, client_id.decode()) for client_id in client_ids]
    views, trouble = await view_pairs(observer, found, pairs)
    is_complete = not trouble and len(pairs) == len(members)
    return Lookup(tuple(views), is_complete, trouble)


async def look_up(observer: Observer, client_id: str) -> Lookup:
    """Everything that `client_id` is subscribed to, and what waits for it in queues of topics that it has left.

    Reads every list there is, as far as there is time: with very many subscriptions not all of them.
    """
    found = await observer.ask_store()
    if found.store is None:
        return Lookup((), is_complete=False, trouble=found.view.trouble, store_answered=False)
    topics = [count.topic for count in observer.public_topics(found)]
    until_s = steady_s() + observer.settings.patience_s
    lists = await observer.roster.find(found.store, topics, until_s)
    id_bytes = client_id.encode()
    subscribed = await reckon(len(lists), lambda: {topic for topic, members in lists.items() if id_bytes in members})
    views, trouble = await view_pairs(observer, found, [(topic, client_id) for topic in topics])
    kept = [_as_listed(view, subscribed, lists) for view in views]
    is_complete = len(lists) == len(topics)
    return Lookup(
        tuple(view for view in kept if view is not None),
        is_complete and not trouble,
        trouble or ("" if is_complete else TOO_MANY),
    )


def _as_listed(view: SubscriberView, subscribed: Collection[str], read: Collection[str]) -> SubscriberView | None:
    """None for a topic that has nothing to do with the client."""
    if view.topic in subscribed:
        return view
    if view.topic in read and (view.backlog_count or view.running_count):
        return SubscriberView(
            view.topic, view.client_id, UNSUBSCRIBED, view.backlog_count, view.running_count, view.workers_count
        )
    return None


async def view_pairs(
    observer: Observer, found: Found, pairs: Sequence[tuple[str, str]]
) -> tuple[list[SubscriberView], str]:
    """Each subscriber, and a line about servers that could not be asked."""
    queues = await reckon(len(pairs), lambda: [queue_name(*pair) for pair in pairs])
    answers = await observer.servers.ask_anew(queues)
    seen = Seen(answers, found.report.cases if found.report else {})
    loads = await reckon(sum(len(answer.loads) for answer in answers), lambda: sum_loads(answers))
    views = await reckon(
        len(pairs), lambda: [_view_one(pair, queue, loads, seen) for pair, queue in zip(pairs, queues, strict=True)]
    )
    await asyncio.sleep(0)
    trouble = "; ".join(f"Gearman server {answer.address}: {answer.trouble}" for answer in answers if answer.trouble)
    return views, trouble


def _view_one(pair: tuple[str, str], queue: bytes, loads: Mapping[bytes, Load], seen: Seen) -> SubscriberView:
    """What the watching worker found stands until a server shows otherwise."""
    case, load = seen.cases.get(queue), loads.get(queue, IDLE_LOAD)
    is_in_trouble = case is not None and bool(case.topic_bytes) and case.told != IDLE
    since_s = None
    if is_in_trouble and case is not None and not _is_over(queue, seen):
        state: str | None = state_of(case)
        since_s = case.since_s
    elif load.worker_count:
        state = LIVE
    else:
        state = IDLE if seen.is_complete else None
    if seen.is_blind:
        return SubscriberView(*pair, state, case.backlog_count if case else None, since_s=since_s)
    return SubscriberView(*pair, state, *load, since_s)


def _is_over(queue: bytes, seen: Seen) -> bool:
    """No server has jobs of it without a worker any more."""
    loads = [answer.loads.get(queue, IDLE_LOAD) for answer in seen.answers]
    return seen.is_complete and not any(load.waiting_count and not load.worker_count for load in loads)
