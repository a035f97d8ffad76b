"""What somebody who watches a topic's list knows of it, and what changes in it."""

from collections.abc import Mapping
from typing import NamedTuple

from gearhorn.core.news import News
from gearhorn.store.base import TopicList


class Event(NamedTuple):
    """`event` is "listed" for those that are there at the beginning, and then "joined" or "left"."""

    event: str
    client_id: str


class Picture:
    """One topic's list, of which nothing is known before the first `learn`."""

    def __init__(self) -> None:
        self._version: int | None = None
        self._client_ids: set[bytes] = set()

    def hear(self, news: News) -> list[Event] | None:
        """What news of the topic change. None: that cannot be told from them, and the list has to be read.

        What is older than the list known need not be old: a store that has lost data may have gone back.
        """
        if news.version == self._version:
            return []
        if news.difference is None or news.old_version != self._version:
            return None
        self._version = news.version
        return self._change(news.difference)

    def learn(self, found: TopicList) -> list[Event]:
        """What changes by the list as it was read. The read must have begun after all that was heard before."""
        is_first = self._version is None
        self._version = found.version
        now = set(found.client_ids)
        changed = self._client_ids ^ now
        events = self._change({client_id: client_id in now for client_id in sorted(changed)})
        return [Event("listed", client_id) for _, client_id in events] if is_first else events

    def _change(self, joined: Mapping[bytes, bool]) -> list[Event]:
        events = []
        for client_id, is_there in joined.items():
            if is_there is not (client_id in self._client_ids):
                (self._client_ids.add if is_there else self._client_ids.remove)(client_id)
                events.append(Event("joined" if is_there else "left", client_id.decode()))
        return events
