"""One search for topics in memcached that nobody sees to: what is due on the agenda, and pages that are not whole."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from gearhorn.store.leases import TopicVersion
from gearhorn.store.memcached_agenda import CLAIM, END, Agenda, Note, Page, notes_of
from gearhorn.store.memcached_claims import LEFT_OVER_AFTER_S
from gearhorn.store.memcached_layout import BUCKET_COUNT, Root, bucket_number, first_end_us, is_over
from gearhorn.store.memcached_peers import AnswerLost
from gearhorn.store.memcached_roots import Roots
from gearhorn.store.versions import MICROSECONDS_PER_S

# Of what is due, the oldest so many are looked at in one search, and so many pages are made whole: a renewal has to be
# answered before its lease runs out. The next ones do the rest.
TOPICS_PER_SEARCH = 1000
PAGES_PER_SEARCH = 8

NO_PAGE = Page(frozenset(), False)


class Search:
    """Made at `now_us` by one whose leases last for `ttl_us`. `sweep` ends what is past its ttl in a list."""

    def __init__(self, roots: Roots, agenda: Agenda, sweep: Callable[[str], object], now_us: int, ttl_us: int) -> None:
        self._roots = roots
        self._agenda = agenda
        self._sweep = sweep
        self._now_us = now_us
        self._ttl_us = ttl_us
        self._found: list[TopicVersion] = []

    def run(self) -> list[TopicVersion]:
        """The topics that were found, and claimed."""
        pages = self._agenda.pages()
        partial = self._find_partial(pages)
        due = sorted(note[1:] for page in pages.values() for note in page.notes if self._is_due(note))
        topics = {topic for *_, topic in due[:TOPICS_PER_SEARCH]}.union(*partial.values())
        seen = self._roots.look_at(list(topics))
        looked = {topic: self._look_after(topic, *seen[topic]) for topic in topics}
        for number in {bucket_number(topic) for topic in looked} | partial.keys():
            roots = {topic: root for topic, root in looked.items() if bucket_number(topic) == number}
            self._tidy(number, pages.get(number, NO_PAGE), roots, number in partial)
        return self._found

    def _find_partial(self, pages: Mapping[int, Page]) -> dict[int, set[str]]:
        """Some pages of which notes may be missing, and the topics that these may be about."""
        names = self._roots.names(n for n in range(BUCKET_COUNT) if not pages.get(n, NO_PAGE).is_whole)
        return {number: names[number] for number in sorted(names)[:PAGES_PER_SEARCH]}

    def _look_after(self, topic: str, root: Root, token: bytes | None) -> Root:
        """What is true of the topic afterwards."""
        if is_over(first_end_us(root), self._now_us):
            self._sweep(topic)
            root, token = self._roots.look(topic)
        claimed = replace(root, claimed_at_us=self._now_us)
        if self._is_left(root.claimed_at_us) and self._swap(topic, claimed, token):
            self._found.append(TopicVersion(topic, root.version))
            return claimed
        return root

    def _swap(self, topic: str, root: Root, token: bytes | None) -> bool:
        try:
            return self._roots.swap(topic, root, token)
        except AnswerLost:
            return False  # who has it now will not do it, and it is found again

    def _tidy(self, number: int, page: Page, roots: Mapping[str, Root], makes_whole: bool) -> None:
        """Puts what is true in the place of what was noted of these topics."""
        done = {note for note in page.notes if note.topic in roots and self._is_done(note, roots[note.topic])}
        true = {note for topic, root in roots.items() for note in notes_of(topic, root, self._now_us)}
        kept = [note for note in page.notes - done if note.kind == END and note.topic in roots]
        more = {n for n in true if n.kind == CLAIM or not any(k.topic == n.topic and k.at_us <= n.at_us for k in kept)}
        self._agenda.amend(number, done.__contains__, more, makes_whole)

    def _is_done(self, note: Note, root: Root) -> bool:
        """Not if what was noted may be about to come true: a note is there before its root."""
        is_there = note.kind == CLAIM and note.since_us <= root.version
        return is_there or note.since_us + LEFT_OVER_AFTER_S * MICROSECONDS_PER_S < self._now_us

    def _is_due(self, note: Note) -> bool:
        return note.at_us <= self._now_us if note.kind == END else self._is_left(note.at_us)

    def _is_left(self, claimed_at_us: int | None) -> bool:
        """Whether nobody is at it. NOBODY is long ago; a claim from far in the future is none: its clock is wrong."""
        return claimed_at_us is not None and abs(self._now_us - claimed_at_us) >= self._ttl_us
