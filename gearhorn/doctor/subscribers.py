"""Checks of subscribers and of the names of their queues."""

from collections.abc import Iterable, Iterator, Mapping

from gearhorn.clock import steady_s
from gearhorn.core.health import DEAD, SUSPECT
from gearhorn.core.members import Members
from gearhorn.doctor.findings import Notes
from gearhorn.doctor.site import Site, Skip
from gearhorn.names import possible_pairs, queue_name
from gearhorn.overview.owners import known_pairs
from gearhorn.overview.rendering import time_of
from gearhorn.overview.views import PAUSED, SubscriberView
from gearhorn.subscribers.aside import reckon
from gearhorn.wire.loads import IDLE_LOAD

# What reading all lists may take.
READ_LIMIT_S = 10.0


async def check_subscribers(site: Site, notes: Notes) -> None:
    """By the word of the worker that watches them."""
    site.store()
    if not site.overview.is_watched:
        raise Skip("no worker watches the subscribers")
    for one in site.overview.troubled:
        if one.state in (DEAD, PAUSED):
            notes.say("subscriber-dead", _what(one), TOPIC=one.topic, CLIENT=one.client_id)
        elif one.state == SUSPECT:
            notes.say("subscriber-suspect", _what(one), CLIENT=one.client_id)


def _what(one: SubscriberView) -> str:
    return (
        f"{one.client_id} of {one.topic} is {one.state} since {time_of(one.since_s)}, {one.backlog_count} copies wait"
    )


async def check_orphans(site: Site, notes: Notes) -> None:
    """Queues of other programs are left alone: only what begins with a topic that there is may have been a
    subscriber's, and only while nobody serves it.
    """
    site.store()
    topics = frozenset(count.topic for count in site.observer.public_topics(site.survey.found))
    if not site.reachable:
        raise Skip("no Gearman server can be asked")
    orphans = [
        queue
        for queue, load in site.survey.shares.strangers.items()
        if load.waiting_count
        and not load.worker_count
        and queue != site.dead_letter_queue.encode()
        and known_pairs(queue, topics)
    ]
    for queue in sorted(orphans):
        _say_orphan(site, notes, queue)


def _say_orphan(site: Site, notes: Notes, queue: bytes) -> None:
    for address, answer in zip(site.servers, site.survey.answers, strict=True):
        count = answer.loads.get(queue, IDLE_LOAD).waiting_count
        if count:
            name = queue.decode()
            what = f"in the queue {name} on {address} wait {count}, and it is nobody's who is subscribed"
            notes.say("queue-orphaned", what, HOST=address.host, PORT=address.port, COUNT=count, QUEUE=name)


async def check_names(site: Site, notes: Notes) -> None:
    """Only topics with an underscore can share a queue with another: their lists alone are read."""
    store = site.store()
    topics = frozenset(count.topic for count in site.observer.public_topics(site.survey.found))
    overlaps = await reckon(len(topics), lambda: list(_overlaps(topics)))
    for shorter, longer in overlaps:
        notes.say("topics-overlap", f"the topic {longer} begins like queues of the topic {shorter}", TOPIC=shorter)
    named = {topic for pair in overlaps for topic in pair}
    lists = await site.observer.roster.find(store, named, steady_s() + READ_LIMIT_S)
    count = sum(map(len, lists.values()))
    for shorter, longer, client_id in await reckon(count, lambda: list(_collisions(overlaps, lists))):
        queue = queue_name(longer, client_id).decode()
        what = f"{client_id} of {longer} shares the queue {queue} with a subscriber of {shorter}"
        notes.say("names-collide", what, TOPIC=longer, CLIENT=client_id)


def _overlaps(topics: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Pairs of topics of which the second is the first, an underscore, and something more."""
    known = frozenset(topics)
    for topic in sorted(known):
        for shorter, _ in possible_pairs(topic.encode()):
            if shorter in known:
                yield shorter, topic


def _collisions(overlaps: Iterable[tuple[str, str]], lists: Mapping[str, Members]) -> Iterator[tuple[str, str, str]]:
    for shorter, longer in overlaps:
        if shorter in lists and longer in lists:
            rest = f"{longer.removeprefix(shorter + '_')}_".encode()
            for client_id in lists[longer]:
                if rest + client_id in lists[shorter]:
                    yield shorter, longer, client_id.decode()
