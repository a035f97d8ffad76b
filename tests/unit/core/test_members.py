"""Members behave like the plain list that their groups make."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.members import NOBODY, Members

ids = st.lists(st.binary(min_size=1, max_size=4), unique=True, max_size=30)
of_one_length = st.lists(st.binary(min_size=2, max_size=2), unique=True, max_size=30)
lists = st.one_of(ids, of_one_length)


def plain(client_ids: list[bytes]) -> list[bytes]:
    """The order that groups have: by length, in order of first appearance, and within one as given."""
    lengths = list(dict.fromkeys(map(len, client_ids)))
    return [client_id for length in lengths for client_id in client_ids if len(client_id) == length]


@given(lists)
def test_a_list_is_grouped_by_length_and_loses_nobody(client_ids: list[bytes]) -> None:
    members = Members.of(client_ids)
    assert list(members) == plain(client_ids)
    assert len(members) == len(client_ids)
    assert bool(members) == bool(client_ids)


@given(lists)
def test_a_position_names_one_member(client_ids: list[bytes]) -> None:
    members = Members.of(client_ids)
    assert [members[position] for position in range(len(members))] == plain(client_ids)


@given(lists)
@pytest.mark.parametrize("beyond", [-1, 0, 1, 100])
def test_a_position_outside_is_an_index_error(beyond: int, client_ids: list[bytes]) -> None:
    members = Members.of(client_ids)
    position = beyond if beyond < 0 else len(client_ids) + beyond
    with pytest.raises(IndexError):
        members[position]
    with pytest.raises(IndexError):
        members.row(position, 1)


@given(lists.filter(bool), st.data(), st.integers(1, 40))
def test_a_row_has_members_of_one_length_and_at_least_one(
    client_ids: list[bytes], data: st.DataObject, limit: int
) -> None:
    members = Members.of(client_ids)
    start = data.draw(st.integers(0, len(client_ids) - 1))
    row = list(members.row(start, limit))
    rest = plain(client_ids)[start:]
    same = [client_id for client_id in rest if len(client_id) == len(rest[0])]
    assert row == same[:limit]
    assert row != []


@given(lists, st.integers(1, 9))
def test_rows_one_after_the_other_are_the_whole_list(client_ids: list[bytes], limit: int) -> None:
    members = Members.of(client_ids)
    seen: list[bytes] = []
    while len(seen) < len(members):
        seen += members.row(len(seen), limit)
    assert seen == plain(client_ids)


@given(lists, lists)
def test_whoever_is_excluded_is_gone_and_nobody_else(client_ids: list[bytes], others: list[bytes]) -> None:
    excluded = [*client_ids[::2], *others]
    left = Members.of(client_ids).without(excluded)
    expected = [client_id for client_id in plain(client_ids) if client_id not in excluded]
    assert list(left) == expected
    assert [left[position] for position in range(len(left))] == expected


@given(lists)
def test_excluding_leaves_the_list_itself_alone(client_ids: list[bytes]) -> None:
    members = Members.of(client_ids)
    members.without(client_ids)
    assert list(members) == plain(client_ids)


@pytest.mark.parametrize("excluded", [(), [], frozenset()])
def test_excluding_nobody_changes_nothing(excluded: tuple[bytes, ...]) -> None:
    assert list(Members.of([b"a", b"bb"]).without(excluded)) == [b"a", b"bb"]


@given(lists, lists, lists)
def test_a_changed_list_has_who_joined_and_has_not_who_left(
    client_ids: list[bytes], joining: list[bytes], leaving: list[bytes]
) -> None:
    joined = dict.fromkeys(joining, True) | dict.fromkeys([*client_ids[::2], *leaving], False)
    changed = Members.of(client_ids).changed(joined)
    expected = {client_id for client_id in client_ids if client_id not in joined}
    expected |= {client_id for client_id, is_there in joined.items() if is_there}
    assert sorted(changed) == sorted(expected)
    assert len(changed) == len(expected)
    assert [changed[position] for position in range(len(changed))] == list(changed)
    assert list(changed) == plain(list(changed))


@given(lists, lists)
def test_a_change_leaves_the_list_itself_alone(client_ids: list[bytes], others: list[bytes]) -> None:
    members = Members.of(client_ids)
    members.changed(dict.fromkeys(others, True) | dict.fromkeys(client_ids[::2], False))
    assert list(members) == plain(client_ids)


@given(lists)
def test_no_change_changes_nothing(client_ids: list[bytes]) -> None:
    assert list(Members.of(client_ids).changed({})) == plain(client_ids)


def test_who_is_there_already_joins_only_once() -> None:
    assert sorted(Members.of([b"a", b"b", b"cc"]).changed({b"a": True})) == [b"a", b"b", b"cc"]


def test_who_is_not_there_leaves_without_a_trace() -> None:
    assert list(Members.of([b"a"]).changed({b"b": False, b"cc": False})) == [b"a"]


def test_the_first_joins_and_the_last_leaves() -> None:
    assert list(NOBODY.changed({b"a": True, b"bb": True})) == [b"a", b"bb"]
    assert not Members.of([b"a", b"bb"]).changed({b"a": False, b"bb": False})
    assert list(NOBODY) == []


def test_groups_that_a_change_does_not_touch_are_not_copied() -> None:
    group = [b"aa", b"bb"]
    changed = Members([[b"a"], group]).changed({b"a": False, b"b": True, b"ccc": True})
    assert changed.row(1, 2) is group


@given(lists, st.integers(1, 5))
def test_parts_are_the_list_taken_apart(client_ids: list[bytes], part_count: int) -> None:
    def choose(client_id: bytes) -> int:
        return sum(client_id) % part_count

    parts = Members.of(client_ids).split(part_count, choose)
    assert len(parts) == part_count
    for number, part in enumerate(parts):
        expected = [client_id for client_id in plain(client_ids) if choose(client_id) == number]
        assert list(part) == expected
        assert [part[position] for position in range(len(part))] == expected


def test_a_part_that_nobody_was_chosen_for_is_empty() -> None:
    empty, full = Members.of([b"a", b"bb"]).split(2, lambda _: 1)
    assert not empty
    assert list(full) == [b"a", b"bb"]


def test_one_part_is_the_list_itself() -> None:
    members = Members.of([b"a"])
    assert members.split(1, lambda _: 0) == [members]


def test_empty_groups_are_left_out() -> None:
    members = Members([[], [b"a"], [], [b"bb", b"cc"]])
    assert (len(members), list(members), list(members.row(1, 9))) == (3, [b"a", b"bb", b"cc"], [b"bb", b"cc"])


def test_nobody_is_nobody() -> None:
    assert not NOBODY
    assert list(NOBODY) == []
