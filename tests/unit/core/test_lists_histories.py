"""Whatever comes in whatever order: what is answered with is a list that the topic really had, and none too old."""

from functools import reduce

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gearhorn.core.lists import Lists, Reading
from gearhorn.core.members import Members
from gearhorn.core.news import News

topics = st.sampled_from(["t", "t", "u", "w"])


class Truth:
    """All lists that a topic ever had, oldest first, and the news that led from one to the next.

    Each change brings in a client of its own, so that no two lists are the same.
    """

    def __init__(self, topic: str) -> None:
        self.topic = topic
        self.versions = [0]
        self.lists: list[frozenset[bytes]] = [frozenset()]
        self.news: list[News] = []
        self.heard = 0  # the place in `lists` of the newest that the worker heard of

    @property
    def newest(self) -> int:
        return len(self.lists) - 1

    def change(self, gap: int, others: dict[bytes, bool]) -> None:
        joined = {**others, b"%d" % self.newest: True}
        old, version = self.versions[-1], self.versions[-1] + gap
        self.news.append(News(self.topic, version, old, joined))
        self.versions.append(version)
        self.lists.append(
            (self.lists[-1] - joined.keys()) | {client_id for client_id, is_there in joined.items() if is_there}
        )

    def read(self, place: int) -> tuple[int, Members]:
        return self.versions[place], Members.of(sorted(self.lists[place]))


class Read:
    """A read under way: what the store had when it began, and what was forgotten since."""

    def __init__(self, reading: Reading, begun_at: dict[str, int]) -> None:
        self.reading = reading
        self.begun_at = begun_at
        self.forgotten: set[str] = set()


class ListsHistory(RuleBasedStateMachine):
    @initialize(topic_limit=st.integers(1, 3), subscriber_limit=st.integers(2, 20))
    def begin(self, topic_limit: int, subscriber_limit: int) -> None:
        self.topic_limit, self.subscriber_limit = topic_limit, subscriber_limit
        self.lists = Lists(topic_limit, subscriber_limit)
        self.truths = {topic: Truth(topic) for topic in "tuw"}
        self.reads: list[Read] = []
        self.too_large: set[str] = set()
        self.given: list[tuple[Members, list[bytes]]] = []
        for topic in self.truths:
            self.a_read_in_quiet_times_is_kept(topic)

    @rule(topic=topics, count=st.integers(1, 4), data=st.data())
    def a_list_changes(self, topic: str, count: int, data: st.DataObject) -> None:
        """Some of the news come at once, in any order; the rest later, or never."""
        truth = self.truths[topic]
        for _ in range(count):
            known = st.sampled_from([b"0", *sorted(truth.lists[-1])])
            truth.change(data.draw(st.integers(1, 3)), data.draw(st.dictionaries(known, st.booleans(), max_size=4)))
        for place in data.draw(st.permutations(range(truth.newest - count, truth.newest))):
            if data.draw(st.integers(0, 4)):
                self._hear(truth, place, truth.news[place])

    @rule(topic=topics)
    def everybody_leaves(self, topic: str) -> None:
        truth = self.truths[topic]
        truth.change(1, dict.fromkeys(truth.lists[-1], False))
        self._hear(truth, truth.newest - 1, truth.news[-1])

    @rule(topic=topics, data=st.data())
    def old_news_come(self, topic: str, data: st.DataObject) -> None:
        """Alone or some in one; for the first time or again."""
        truth = self.truths[topic]
        if truth.news:
            last = truth.newest - 1 - data.draw(st.integers(0, min(6, truth.newest - 1)))
            first = max(0, last - data.draw(st.integers(0, 2)))
            news = reduce(News.then, truth.news[first : last + 1])
            self._hear(truth, last, news if data.draw(st.integers(0, 4)) else news.without_difference())

    def _hear(self, truth: Truth, place: int, news: News) -> None:
        self.lists.hear(news)
        truth.heard = max(truth.heard, place + 1)

    @rule(of=st.sets(topics, min_size=1))
    def a_read_begins(self, of: set[str]) -> None:
        begun_at = {topic: self.truths[topic].newest for topic in sorted(of)}
        self.reads.append(Read(self.lists.begin_read(begun_at, "token"), begun_at))

    @rule(data=st.data())
    def a_read_ends(self, data: st.DataObject) -> None:
        """The store answered at some moment of the read, or not at all."""
        if self.reads:
            read = self.reads.pop(data.draw(st.integers(0, len(self.reads) - 1)))
            places = {
                topic: data.draw(st.integers(begun_at, self.truths[topic].newest))
                for topic, begun_at in read.begun_at.items()
                if data.draw(st.integers(0, 5))
            }
            self._end(read, places)

    def _end(self, read: Read, places: dict[str, int]) -> None:
        found = {topic: self.truths[topic].read(place) for topic, place in places.items()}
        expected = []
        for topic in found.keys() - read.forgotten:
            if len(found[topic][1]) <= self.subscriber_limit:
                self.too_large.discard(topic)
            elif topic not in self.too_large:
                self.too_large.add(topic)
                expected.append(topic)
        assert sorted(self.lists.end_read(read.reading, found)) == sorted(expected)

    @rule(topic=topics, is_all=st.integers(0, 3).map(lambda number: number == 0))
    def something_is_forgotten(self, topic: str, is_all: bool) -> None:
        if is_all:
            self.lists.forget_all()
        else:
            self.lists.forget(topic)
        for read in self.reads:
            read.forgotten |= set(self.truths) if is_all else {topic}

    @rule(topic=topics)
    def a_list_is_looked_for(self, topic: str) -> None:
        truth, members = self.truths[topic], self.lists.find(topic)
        if members is not None:
            assert set(members) in truth.lists[truth.heard :]
            assert len(members) == len(set(members))
            self.given.append((members, list(members)))

    @rule(topic=topics)
    def a_read_in_quiet_times_is_kept(self, topic: str) -> None:
        truth = self.truths[topic]
        read = Read(self.lists.begin_read([topic], "token"), {topic: truth.newest})
        self._end(read, {topic: truth.newest})
        if len(truth.lists[-1]) <= self.subscriber_limit:
            members = self.lists.find(topic)
            assert members is not None
            assert set(members) == truth.lists[-1]

    @invariant()
    def the_totals_are_those_of_what_is_there(self) -> None:
        sizes = [entry.size for entry in self.lists._entries.values() if entry.size is not None]
        assert self.lists.topic_count == len(sizes) <= self.topic_limit
        assert self.lists.subscriber_count == sum(sizes) <= self.subscriber_limit

    @invariant()
    def nothing_is_there_for_nobody(self) -> None:
        read = {topic for read in self.reads for topic in read.begun_at.keys() - read.forgotten}
        assert {topic for topic, entry in self.lists._entries.items() if entry.members is None} <= read

    @invariant()
    def members_given_out_do_not_change(self) -> None:
        assert all(list(members) == as_given for members, as_given in self.given)

    def teardown(self) -> None:
        for topic in getattr(self, "truths", ()):
            self.a_list_is_looked_for(topic)


TestListsHistories = ListsHistory.TestCase
