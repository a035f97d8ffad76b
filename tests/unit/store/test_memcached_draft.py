"""A list that is changed step by step, written and loaded again, against a plain dict."""

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.store import memcached_draft
from gearhorn.store.base import Applied, Change, Collision, Subscribe, Unsubscribe
from gearhorn.store.memcached_draft import Draft
from gearhorn.store.memcached_layout import (
    CHUNK_LIMIT_BYTES,
    NEVER_USED,
    NOBODY,
    PERMANENT,
    Entries,
    Root,
    decode_entries,
    encode_root,
)

NOW_S = 1000.0
NOW_US = 1_000_000_000


class Memory:
    """What memcached would hold of one list."""

    def __init__(self) -> None:
        self.root = NEVER_USED
        self.chunks: dict[str, bytes] = {}
        self._tokens = count()

    def change(self, changes: list[Change], now_s: float = NOW_S) -> list[object]:
        draft = self.load([change.client_id.encode() for change in changes], now_s)
        draft.sweep(now_s)
        results: list[object] = [*draft.make(changes, {}, now_s)]
        if draft.has_changed:
            self.save(draft)
        return results

    def load(self, client_ids: list[bytes], now_s: float = NOW_S) -> Draft:
        draft = Draft(self.root)
        tokens = draft.tokens(client_ids, int(now_s * 1e6))
        draft.load({token: decode_entries(self.chunks[token]) for token in tokens})
        return draft

    def save(self, draft: Draft) -> None:
        written = draft.write(lambda: f"token{next(self._tokens)}")
        self.chunks |= written.new_chunks
        self.root = written.root
        for token in written.old_tokens:
            del self.chunks[token]
        assert sorted(self.chunks) == sorted(chunk.token for chunk in self.root.chunks)

    def entries(self) -> Entries:
        parts = [decode_entries(self.chunks[chunk.token]) for chunk in self.root.chunks] or [self.root.entries]
        entries = {client_id: end for part in parts for client_id, end in part.items()}
        assert len(entries) == sum(map(len, parts))
        return entries


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setattr(memcached_draft, "INLINE_LIMIT_BYTES", 20)
        patch.setattr(memcached_draft, "CHUNK_LIMIT_BYTES", 40)
        yield


ids = st.integers(0, 60).map(lambda number: f"client-{number * 7919 % 61:02}")
wishes = st.one_of(
    st.builds(Subscribe, st.just("t"), ids, st.sampled_from([0.0, 0.0, 5.0, 50.0])),
    st.builds(Unsubscribe, st.just("t"), ids),
)
histories = st.lists(st.tuples(st.lists(wishes, max_size=12), st.floats(0, 10)), max_size=12)


@pytest.mark.usefixtures("tiny")
def test_any_history_leaves_what_it_would_leave_in_a_dict() -> None:
    run_histories()


@given(histories)
def run_histories(history: list[tuple[list[Change], float]]) -> None:
    memory, expected, now_s, last_version = Memory(), Entries(), NOW_S, 0
    for changes, pause_s in history:
        now_s += pause_s
        ended = [client_id for client_id, end_us in expected.items() if 0 < end_us <= int(now_s * 1e6)]
        for client_id in ended:
            del expected[client_id]
        is_new = [make(expected, change, now_s) for change in changes]
        assert [isinstance(r, Applied) and r.changed for r in memory.change(changes, now_s)] == is_new
        assert (memory.root.version > last_version) == (bool(ended) or any(is_new))
        last_version = memory.root.version
        assert memory.entries() == expected


def make(expected: Entries, change: Change, now_s: float) -> bool:
    """Whether it is a change of the list."""
    client_id = change.client_id.encode()
    was_there = expected.pop(client_id, None) is not None
    if isinstance(change, Subscribe):
        expected[client_id] = int((now_s + change.ttl_s) * 1e6) if change.ttl_s else 0
    return was_there != isinstance(change, Subscribe)


def subscribe_all(numbers: range) -> list[Change]:
    return [Subscribe("t", f"client-{number:05}") for number in numbers]


def test_a_short_list_is_in_its_root() -> None:
    memory = Memory()
    memory.change(subscribe_all(range(100)))
    assert memory.chunks == {}
    assert len(memory.root.entries) == 100


def test_a_long_list_is_in_chunks_below_the_limit_and_its_root_is_short() -> None:
    memory = Memory()
    memory.change(subscribe_all(range(20_000)))
    assert len(memory.chunks) > 1
    assert max(map(len, memory.chunks.values())) <= CHUNK_LIMIT_BYTES
    assert len(encode_root(memory.root)) < 2000


def test_a_change_of_a_long_list_needs_and_writes_one_chunk() -> None:
    memory = Memory()
    memory.change(subscribe_all(range(20_000)))
    before = memory.root.chunks
    [token] = Draft(memory.root).tokens([b"client-10000"], NOW_US)
    assert token in memory.chunks
    memory.change([Unsubscribe("t", "client-10000")])
    assert len({*before} - {*memory.root.chunks}) == 1


@pytest.mark.parametrize("client_id", ["a before all", "client-10000 between", "zzz after all"])
def test_a_newcomer_finds_its_place_anywhere(client_id: str) -> None:
    memory = Memory()
    memory.change(subscribe_all(range(20_000)))
    assert memory.change([Subscribe("t", client_id)]) == [Applied(memory.root.version, True)]
    assert memory.change([Subscribe("t", client_id)]) == [Applied(memory.root.version, False)]


def test_chunks_with_entries_that_are_over_are_needed_whoever_is_asked_for() -> None:
    memory = Memory()
    memory.change([*subscribe_all(range(20_000)), Subscribe("t", "client-00000", 5), Subscribe("t", "client-19999", 5)])
    tokens = Draft(memory.root).tokens([b"client-10000"], int((NOW_S + 5) * 1e6))
    assert len(tokens) == 3
    assert len(Draft(memory.root).tokens([b"client-10000"], int((NOW_S + 4) * 1e6))) == 1
    memory.change([], NOW_S + 5)
    assert len(memory.entries()) == 19_998


def test_a_lost_chunk_is_a_change() -> None:
    memory = Memory()
    memory.change(subscribe_all(range(20_000)))
    version, lost = memory.root.version, memory.root.chunks[1]
    memory.chunks[lost.token] = b""
    draft = Draft(memory.root)
    assert lost.token in draft.all_tokens()
    draft.load({lost.token: None})
    assert draft.sweep(NOW_S) == []
    memory.save(draft)
    assert memory.root.version > version
    assert len(memory.entries()) == 20_000 - lost.count


def test_who_is_refused_is_not_subscribed_unless_it_is_already() -> None:
    memory = Memory()
    memory.change([Subscribe("t", "bob")])
    draft = memory.load([])
    refused = {b"bob": "other", b"alice": "other"}
    results = draft.make([Subscribe("t", "bob"), Subscribe("t", "alice"), Unsubscribe("t", "alice")], refused, NOW_S)
    assert results == [
        Applied(memory.root.version, False),
        Collision("other"),
        Applied(memory.root.version, False),
    ]
    assert not draft.has_changed


def test_a_renewal_is_written_and_raises_no_version() -> None:
    memory = Memory()
    memory.change([Subscribe("t", "bob", 5)])
    version = memory.root.version
    assert memory.change([Subscribe("t", "bob", 50)]) == [Applied(version, False)]
    assert memory.root == Root(version, {b"bob": int((NOW_S + 50) * 1e6)}, (), NOW_US)


def test_a_change_leaves_its_version_unsettled_and_claimed_by_its_maker() -> None:
    memory = Memory()
    memory.change([Subscribe("t", "bob")], NOW_S + 7)
    assert memory.root.claimed_at_us == NOW_US + 7_000_000


@pytest.mark.parametrize("claimed_at_us", [None, NOBODY, 5])
def test_a_renewal_leaves_the_mark_as_it_was(claimed_at_us: int | None) -> None:
    memory = Memory()
    memory.root = Root(3, {b"bob": PERMANENT}, (), claimed_at_us)
    memory.change([Subscribe("t", "bob", 5)])
    assert (memory.root.version, memory.root.claimed_at_us) == (3, claimed_at_us)


def test_an_end_leaves_its_version_unsettled_and_claimed_by_nobody_unless_there_is_a_change_as_well() -> None:
    for changes, claimed_at_us in (([Unsubscribe("t", "alice")], NOBODY), ([Subscribe("t", "alice")], NOW_US)):
        memory = Memory()
        memory.root = Root(3, {b"bob": NOW_US})
        memory.change([*changes])
        assert memory.root.claimed_at_us == claimed_at_us


def test_a_lost_chunk_is_claimed_by_nobody() -> None:
    memory = Memory()
    memory.change(subscribe_all(range(20_000)))
    draft = Draft(memory.root)
    draft.load({memory.root.chunks[0].token: None})
    draft.sweep(NOW_S)
    memory.save(draft)
    assert memory.root.claimed_at_us == NOBODY


def test_the_mark_of_a_long_list_is_kept_as_well() -> None:
    memory = Memory()
    memory.change(subscribe_all(range(20_000)))
    assert (bool(memory.root.chunks), memory.root.claimed_at_us) == (True, NOW_US)


def test_the_old_version_is_that_of_the_list_without_what_ended() -> None:
    draft = Draft(Root(3, {b"bob": NOW_US, b"carol": PERMANENT}))
    assert draft.old_version == 3
    draft.load({})
    draft.sweep(NOW_S)
    ended = draft.version
    draft.make([Subscribe("t", "alice")], {}, NOW_S)
    assert 3 < draft.old_version == ended < draft.version


def test_what_changes_nothing_is_not_to_be_written() -> None:
    memory = Memory()
    memory.change([Subscribe("t", "bob")])
    draft = memory.load([])
    draft.sweep(NOW_S)
    draft.make([Subscribe("t", "bob"), Unsubscribe("t", "alice")], {}, NOW_S)
    assert not draft.has_changed
