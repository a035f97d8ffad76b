"""The real system as a source of pages: asked no more often than what it costs allows."""

from gearhorn.errors import BadRequest
from gearhorn.names import check_topic
from gearhorn.overview.observer import Observer
from gearhorn.overview.searching import search
from gearhorn.overview.subscribers import look_at_topic, look_up
from gearhorn.overview.views import Lookup, Overview
from gearhorn.web.dashboard.shelf import Shelf

# So many topics are listed: the others are counted.
TOPICS_LIMIT = 10_000
# Of a topic with more subscribers than this the first ones are shown, some hundred bytes each while anybody looks.
SUBSCRIBERS_LIMIT = 200_000


class ObserverSource:
    """A lookup that takes a second is made every twenty seconds, no two at a time, and a second before the next one."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._shelf = Shelf(weigh=lambda lookup: len(lookup.subscribers))

    async def observe(self) -> Overview:
        return await self._observer.observe()

    async def look_at_topic(self, topic: str) -> Lookup:
        """Raises TooBusy, as the others do. A name that no topic can have has no subscribers."""
        try:
            check_topic(topic, self._observer.settings.matchmaking_topic)
        except BadRequest:
            return Lookup(())
        return await self._shelf.get(("topic", topic), lambda: look_at_topic(self._observer, topic, SUBSCRIBERS_LIMIT))

    async def look_up(self, client_id: str) -> Lookup:
        return await self._shelf.get(("exact", client_id), lambda: look_up(self._observer, client_id))

    async def search(self, text: str, *, is_prefix: bool) -> Lookup:
        key = ("search", text, is_prefix)
        return await self._shelf.get(key, lambda: search(self._observer, text, is_prefix=is_prefix))

    async def close(self) -> None:
        await self._shelf.close()
