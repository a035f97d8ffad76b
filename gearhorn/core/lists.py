"""The lists that a worker has in memory, kept right by what it hears of changes.

A list is answered with only while its version is the newest that was heard of. News may come late, twice, out of order,
or while the list is being read from the store:

* News about the very version that is there change the list.
* News about a later version are kept until those in between have come. Meanwhile the list is not answered with.
* A list that comes from the store is brought up to date with the news that came while it was read; if it is still
  older than the newest of them, it is not kept.

Versions are compared only within one lease: see matchmaking.py, which drops all lists with a lost one.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gearhorn.core.members import Members
from gearhorn.core.news import News

# News that wait for others. More are a sign that those in between will not come.
PENDING_LIMIT = 64


@dataclass(slots=True, eq=False)
class _Entry:
    """A list at `version`, if `members` is not None, and what was heard of it.

    `joined` has changes that are part of `version` and not yet in `members`; `heard` is the newest version heard of;
    `pending` news, by the old version that they start from. `reader_count` reads are under way. `counted` is the size
    that the lists as a whole have counted it with; None: it was not counted.
    """

    members: Members | None = None
    version: int = 0
    joined: dict[bytes, bool] = field(default_factory=dict)
    heard: int = 0
    pending: dict[int, News] = field(default_factory=dict)
    reader_count: int = 0
    counted: int | None = None

    @property
    def is_current(self) -> bool:
        return self.members is not None and not self.is_behind()

    @property
    def size(self) -> int | None:
        """None without a list."""
        return len(self.members) + len(self.joined) if self.members is not None else None

    def put(self, version: int, members: Members) -> None:
        """A list as it was read. Keeps it if the news that came meanwhile lead on from it to the newest."""
        if self.members is not None and self.version >= version:
            return
        self.members, self.version, self.joined = members, version, {}
        self.pending = {old: news for old, news in self.pending.items() if news.version > version}
        self._advance()
        if self.is_behind():
            self.drop()

    def is_behind(self) -> bool:
        """Whether a newer version was heard of than the list has."""
        return self.version < self.heard

    def hear(self, news: News) -> None:
        self.heard = max(self.heard, news.version)
        if news.difference is None or news.old_version < self.version:
            if self.version < news.version:
                self.drop()
        else:
            self.pending[news.old_version] = news
            self._advance()
            if len(self.pending) > PENDING_LIMIT:
                self.pending.clear()
                self.drop()

    def drop(self) -> None:
        self.members, self.version, self.joined = None, 0, {}

    def work_in(self) -> None:
        """Puts the changes that have gathered into the list, all in one pass."""
        if self.members is not None:
            self.members, self.joined = self.members.changed(self.joined), {}

    def _advance(self) -> None:
        """Takes up the pending news that start from the list's version, one after the other."""
        while self.members is not None and (news := self.pending.pop(self.version, None)) is not None:
            self.joined.update(news.joined or {})
            self.version = news.version


class Reading:
    """A read of lists that is under way, begun under the lease `token`."""

    __slots__ = ("entries", "token")

    def __init__(self, token: str | None, entries: Mapping[str, _Entry]) -> None:
        self.token = token
        self.entries = entries


class Lists:
    """At most `topic_limit` lists with `subscriber_limit` entries together; those used least recently go first."""

    def __init__(self, topic_limit: int, subscriber_limit: int) -> None:
        self._topic_limit = topic_limit
        self._subscriber_limit = subscriber_limit
        self._entries: OrderedDict[str, _Entry] = OrderedDict()
        self._too_large: set[str] = set()
        self.subscriber_count = 0
        self.topic_count = 0

    def adjust(self, topic_limit: int, subscriber_limit: int) -> None:
        """Other limits. What is above them goes at once."""
        self._topic_limit = topic_limit
        self._subscriber_limit = subscriber_limit
        for topic in list(self._entries):
            self._tidy(topic)
        self._shrink()

    def find(self, topic: str) -> Members | None:
        """The list, if it is there and up to date with all that was heard."""
        entry = self._entries.get(topic)
        if entry is None or not entry.is_current:
            return None
        self._entries.move_to_end(topic)
        if entry.joined:
            entry.work_in()
            self._count(entry, entry.size)
        return entry.members

    def size_of(self, topic: str) -> int | None:
        """How long the list is, if that is known; asking does not make it one that is used."""
        entry = self._entries.get(topic)
        return entry.size if entry is not None and entry.is_current else None

    def begin_read(self, topics: Iterable[str], token: str | None) -> Reading:
        """To be called before the store is asked for these lists; `end_read` has to follow in any case."""
        entries = {topic: self._entries.setdefault(topic, _Entry()) for topic in topics}
        for entry in entries.values():
            entry.reader_count += 1
        return Reading(token, entries)

    def end_read(self, reading: Reading, found: Mapping[str, tuple[int, Members]]) -> list[str]:
        """Keeps of the lists that were found, with their versions, those that are worth it.

        Returns the topics whose lists are too large to be kept, each only when that is new.
        """
        too_large: list[str] = []
        for topic, entry in reading.entries.items():
            entry.reader_count -= 1
            if topic in found and self._entries.get(topic) is entry:
                version, members = found[topic]
                if self._fits(topic, members, too_large):
                    entry.put(version, members)
                    self._entries.move_to_end(topic)
            self._tidy(topic)
        self._shrink()
        return too_large

    def hear(self, news: News) -> None:
        """Lists that are neither here nor being read need not hear anything: they will be read later than this."""
        entry = self._entries.get(news.topic)
        if entry is not None:
            entry.hear(news)
            self._tidy(news.topic)
            self._shrink()

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Version and length of each list that is there."""
        return {topic: (entry.version, entry.size) for topic, entry in self._entries.items() if entry.size is not None}

    def forget(self, topic: str) -> None:
        """Drops a list, and what is being read of it now will not be kept."""
        entry = self._entries.pop(topic, None)
        if entry is not None:
            self._count(entry, None)

    def forget_empty(self) -> None:
        """Drops the lists on which there is nobody."""
        for topic in [topic for topic, entry in self._entries.items() if entry.size == 0]:
            self.forget(topic)

    def forget_all(self) -> None:
        self._entries.clear()
        self.subscriber_count = self.topic_count = 0

    def _fits(self, topic: str, members: Members, too_large: list[str]) -> bool:
        if len(members) <= self._subscriber_limit:
            self._too_large.discard(topic)
            return True
        if topic not in self._too_large:
            self._too_large.add(topic)
            too_large.append(topic)
        return False

    def _tidy(self, topic: str) -> None:
        """To be called when an entry may have changed. It is there for its list or for reads under way.

        A list that has grown too large goes itself: it must not push out all others first.
        """
        entry = self._entries.get(topic)
        if entry is None:
            return
        if (entry.size or 0) > self._subscriber_limit:
            entry.drop()
        self._count(entry, entry.size)
        if entry.members is None and not entry.reader_count:
            del self._entries[topic]

    def _count(self, entry: _Entry, size: int | None) -> None:
        self.subscriber_count += (size or 0) - (entry.counted or 0)
        self.topic_count += (size is not None) - (entry.counted is not None)
        entry.counted = size

    def _shrink(self) -> None:
        """Entries that are being read stay, without their lists: what is heard meanwhile must not be lost."""
        while self._is_too_much():
            topic = next(topic for topic, entry in self._entries.items() if entry.members is not None)
            self._entries[topic].drop()
            self._tidy(topic)

    def _is_too_much(self) -> bool:
        return self.subscriber_count > self._subscriber_limit or self.topic_count > self._topic_limit
