"""Members behave like a set of client ids that has an order, however many blobs they are packed in."""

from collections.abc import Callable, Iterator
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core import packs
from gearhorn.core.members import NOBODY, Members, MembersBuilder, Row

OF_ONE_LENGTH = [b"%04d" % number for number in range(40)]

ids = st.lists(st.binary(min_size=1, max_size=4).filter(lambda name: b"\n" not in name), unique=True, max_size=30)
of_one_length = st.lists(st.sampled_from(OF_ONE_LENGTH), unique=True, max_size=40)
lists = st.one_of(ids, of_one_length)


@pytest.fixture(params=["as it is", "tiny"], autouse=True, scope="module")
def blob_size(request: pytest.FixtureRequest) -> Iterator[None]:
    """With tiny blobs, a few ids have what else takes tens of thousands: parted blobs, empty ones, several in a row."""
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "tiny":
            patch.setattr(packs, "USUAL_COUNT", 1)
            patch.setattr(packs, "FULL_COUNT", 2)
        yield


def names_in(row: Row) -> list[bytes]:
    names = row.names.split(b"\n")
    assert names.pop() == b""
    assert {len(name) for name in names} == {row.id_bytes}
    assert row.id_count == len(names)
    return names


def check(members: Members, expected: set[bytes]) -> None:
    """Whatever can be asked is answered alike."""
    listed = list(members)
    assert len(listed) == len(members) == len(expected)
    assert set(listed) == expected
    assert bool(members) == bool(expected)
    assert [members[position] for position in range(len(members))] == listed
    assert all(client_id in members for client_id in expected)
    lengths = [len(client_id) for client_id in listed]
    assert len(list(dict.fromkeys(lengths))) == sum(a != b for a, b in zip([0, *lengths], lengths, strict=False))


@given(lists)
def test_a_list_is_grouped_by_length_and_loses_nobody(client_ids: list[bytes]) -> None:
    check(Members.of(client_ids), set(client_ids))


@given(lists, lists)
def test_nobody_else_is_on_the_list(client_ids: list[bytes], others: list[bytes]) -> None:
    members = Members.of(client_ids)
    assert [other for other in others if other in members] == [other for other in others if other in client_ids]
    assert "no bytes" not in members


@given(lists, st.integers(1, 9))
def test_a_list_that_comes_in_pieces_is_the_list(client_ids: list[bytes], size: int) -> None:
    builder = MembersBuilder(len(client_ids))
    for start in range(0, len(client_ids), size):
        builder.add(client_ids[start : start + size])
    assert builder.added_count == len(client_ids)
    check(builder.finish(), set(client_ids))


@given(lists, lists)
def test_who_comes_twice_in_pieces_is_there_once(client_ids: list[bytes], others: list[bytes]) -> None:
    builder = MembersBuilder(len({*client_ids, *others}))
    builder.add(client_ids)
    builder.add(others)
    check(builder.finish(), {*client_ids, *others})


@given(lists)
def test_more_may_come_than_were_expected(client_ids: list[bytes]) -> None:
    builder = MembersBuilder(0)
    builder.add(client_ids)
    check(builder.finish(), set(client_ids))


def test_members_are_members_already() -> None:
    members = Members.of([b"a"])
    assert Members.of(members) is members


def test_an_id_that_names_py_would_have_refused_is_left_out() -> None:
    assert list(Members.of([b"a\nb", b"ab", b"\n", b"abc"])) == [b"ab", b"abc"]


def test_such_an_id_cannot_join_later_either() -> None:
    members = Members.of([b"abc"]).changed({b"a\nb": True, b"a\nc": False, b"abd": True})
    check(members, {b"abc", b"abd"})
    assert members.row(0, 9).names.count(b"\n") == 2


@given(lists)
@pytest.mark.parametrize("beyond", [-1, 0, 1, 100])
def test_a_position_outside_is_an_index_error(beyond: int, client_ids: list[bytes]) -> None:
    members = Members.of(client_ids)
    position = beyond if beyond < 0 else len(client_ids) + beyond
    with pytest.raises(IndexError):
        members[position]
    with pytest.raises(IndexError):
        members.row(position, 1)


@given(lists.filter(bool), st.data(), st.integers(1, 50))
def test_a_row_has_members_of_one_length_and_at_least_one(
    client_ids: list[bytes], data: st.DataObject, limit: int
) -> None:
    members = Members.of(client_ids)
    start = data.draw(st.integers(0, len(client_ids) - 1))
    row = members.row(start, limit)
    rest = list(members)[start:]
    assert names_in(row) == [client_id for client_id in rest if len(client_id) == len(rest[0])][:limit]


@given(lists, st.integers(1, 9))
def test_rows_one_after_the_other_are_the_whole_list(client_ids: list[bytes], limit: int) -> None:
    members = Members.of(client_ids)
    seen: list[bytes] = []
    while len(seen) < len(members):
        seen += names_in(members.row(len(seen), limit))
    assert seen == list(members)


@given(lists, lists)
def test_whoever_is_excluded_is_gone_and_nobody_else(client_ids: list[bytes], others: list[bytes]) -> None:
    excluded = [*client_ids[::2], *others]
    check(Members.of(client_ids).without(excluded), set(client_ids).difference(excluded))


@pytest.mark.parametrize("excluded", [(), [], frozenset()])
def test_excluding_nobody_changes_nothing(excluded: tuple[bytes, ...]) -> None:
    assert list(Members.of([b"a", b"bb"]).without(excluded)) == [b"a", b"bb"]


def joined_by(there: list[bytes], gone: list[bytes]) -> dict[bytes, bool]:
    return dict.fromkeys(there, True) | dict.fromkeys(gone, False)


@given(lists, lists, lists)
def test_a_changed_list_has_who_joined_and_has_not_who_left(
    client_ids: list[bytes], joining: list[bytes], leaving: list[bytes]
) -> None:
    joined = joined_by(joining, [*client_ids[::2], *leaving])
    expected = {*client_ids, *joining}.difference(client_id for client_id, is_there in joined.items() if not is_there)
    check(Members.of(client_ids).changed(joined), expected)


@given(of_one_length, st.lists(st.tuples(st.sampled_from(OF_ONE_LENGTH), st.booleans()), max_size=60))
def test_changes_one_by_one_come_to_the_same_as_all_at_once(
    client_ids: list[bytes], changes: list[tuple[bytes, bool]]
) -> None:
    one_by_one = Members.of(client_ids)
    for client_id, is_there in changes:
        one_by_one = one_by_one.changed({client_id: is_there})
        assert (client_id in one_by_one) == is_there
    check(one_by_one, set(Members.of(client_ids).changed(dict(changes))))


@given(lists, lists)
def test_a_change_leaves_the_list_itself_alone(client_ids: list[bytes], others: list[bytes]) -> None:
    members = Members.of(client_ids)
    before = list(members)
    members.changed(joined_by(others, client_ids[::2]))
    assert list(members) == before


@given(lists)
def test_no_change_changes_nothing(client_ids: list[bytes]) -> None:
    members = Members.of(client_ids)
    assert list(members.changed({})) == list(members)


def test_an_id_that_is_the_end_of_another_and_the_start_of_the_next_is_not_there() -> None:
    members = Members.of([b"ab", b"cd"])
    assert b"bc" not in members
    assert list(members.changed({b"bc": False})) == list(members)


def test_the_first_joins_and_the_last_leaves() -> None:
    check(NOBODY.changed({b"a": True, b"bb": True}), {b"a", b"bb"})
    check(Members.of([b"a", b"bb"]).changed({b"a": False, b"bb": False}), set())
    assert list(NOBODY) == []


@given(lists, st.integers(1, 5))
def test_parts_are_the_list_taken_apart(client_ids: list[bytes], part_count: int) -> None:
    parts = Members.of(client_ids).split(part_count)
    assert len(parts) == part_count
    for number, part in enumerate(parts):
        check(part, {client_id for client_id in client_ids if crc32(client_id) * part_count >> 32 == number})


@given(lists, lists, st.integers(1, 5))
def test_whose_part_somebody_is_in_does_not_depend_on_the_others(
    client_ids: list[bytes], others: list[bytes], part_count: int
) -> None:
    """Another worker, with another history of the list, sends to the same server."""
    parts = Members.of(others).changed(dict.fromkeys(client_ids, True)).split(part_count)
    for part, same in zip(parts, Members.of({*others, *client_ids}).split(part_count), strict=True):
        assert set(part) == set(same)


@given(lists, lists, st.integers(2, 5))
def test_a_part_can_be_changed_like_any_list(client_ids: list[bytes], others: list[bytes], part_count: int) -> None:
    for part in Members.of(client_ids).split(part_count):
        check(part.changed(dict.fromkeys(others, True)), {*part, *others})


def test_one_part_is_the_list_itself() -> None:
    members = Members.of([b"a"])
    assert members.split(1) == [members]


def test_nobody_is_nobody() -> None:
    assert not NOBODY
    assert list(NOBODY) == []
    assert [list(part) for part in NOBODY.split(3)] == [[], [], []]


@pytest.mark.parametrize("make", [Members.of, lambda client_ids: NOBODY.changed(dict.fromkeys(client_ids, True))])
def test_no_blob_is_too_full_whether_its_ids_came_at_once_or_later(make: Callable[[list[bytes]], Members]) -> None:
    client_ids = [b"%06d" % number for number in range(3 * packs.FULL_COUNT)]
    members = make(client_ids)
    check_quickly(members, client_ids)
    assert largest_blob_count(members) <= packs.FULL_COUNT


def test_ids_that_all_have_one_hash_are_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anybody can make up such ids; they cost a longer search, nothing else."""
    monkeypatch.setattr(packs, "crc32", lambda _: 7)
    client_ids = [b"%06d" % number for number in range(2 * packs.FULL_COUNT + 1)]
    members = Members.of(client_ids)
    check_quickly(members, client_ids)
    check_quickly(members.changed({b"000001": False}), client_ids[:1] + client_ids[2:])


def check_quickly(members: Members, client_ids: list[bytes]) -> None:
    assert len(members) == len(client_ids)
    assert sorted(members) == client_ids


def largest_blob_count(members: Members) -> int:
    return max(len(blob) // (pack.id_bytes + 1) for pack in members._packs for blob in pack._blobs)
