"""Every copy is settled exactly once, in whatever order news of it comes, even news that no server should send."""

from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gearhorn.core.fanout import FanoutRun, Portion
from gearhorn.core.members import Members

client_ids = st.lists(st.sampled_from([b"%0*d" % (1 + n % 3, n) for n in range(7)]), min_size=1, unique=True)


class ForegroundHistory(RuleBasedStateMachine):
    """What is told of a copy counts where the copy is now, and while it is open."""

    @initialize(ids=client_ids, part_count=st.integers(1, 3))
    def begin(self, ids: list[bytes], part_count: int) -> None:
        self.run = FanoutRun(len(ids), foreground=True)
        self.portions: list[Portion] = []
        self.place: dict[bytes, Portion] = {}  # of the copies that are open
        self.confirmed: set[bytes] = set()
        self.completed: list[bytes] = []
        self.failed: list[tuple[bytes, str]] = []
        for part in Members.of(ids).split(part_count):
            self._carry(part)

    def _carry(self, members: Members) -> None:
        if members:
            portion = self.run.add_portion(members)
            self.portions.append(portion)
            self.place.update(dict.fromkeys(members, portion))

    def _draw(self, data: st.DataObject) -> tuple[Portion, int, bytes, bool]:
        """A portion, a position there, whose copy that is or was, and whether it is there and open."""
        portion = data.draw(st.sampled_from(self.portions))
        position = data.draw(st.integers(0, len(portion.members) - 1))
        client_id = portion.members[position]
        return portion, position, client_id, self.place.get(client_id) is portion

    @rule(data=st.data(), limit=st.integers(1, 9))
    def copies_are_sent(self, data: st.DataObject, limit: int) -> None:
        portion = data.draw(st.sampled_from(self.portions))
        if portion.unsent_count:
            first, row = portion.take(limit)
            there = [portion.members[first + number] for number in range(row.id_count)]
            assert row.names == b"".join(client_id + b"\n" for client_id in there)

    @rule(data=st.data(), count=st.integers(1, 5))
    def the_server_confirms(self, data: st.DataObject, count: int) -> None:
        portion, first, _, _ = self._draw(data)
        count = min(count, len(portion.members) - first)
        self.run.confirm(portion, first, count)
        there = [portion.members[position] for position in range(first, first + count)]
        self.confirmed |= {client_id for client_id in there if self.place.get(client_id) is portion}

    @rule(data=st.data())
    def a_receiver_completes(self, data: st.DataObject) -> None:
        portion, position, client_id, is_open = self._draw(data)
        assert self.run.complete(portion, position) == is_open
        if is_open:
            del self.place[client_id]
            self.completed.append(client_id)

    @rule(data=st.data())
    def a_copy_fails(self, data: st.DataObject) -> None:
        portion, position, client_id, is_open = self._draw(data)
        assert self.run.fail(portion, position, "why") == is_open
        if is_open:
            del self.place[client_id]
            self.failed.append((client_id, "why"))

    @rule(data=st.data())
    def a_connection_is_lost(self, data: st.DataObject) -> None:
        portion = data.draw(st.sampled_from(self.portions))
        positions = data.draw(st.lists(st.integers(0, len(portion.members) - 1)))
        lost = {portion.members[position] for position in positions}
        expected = {client_id for client_id in lost if self.place.get(client_id) is portion}
        again = self.run.reopen(portion, positions)
        assert set(again) == expected
        assert len(again) == len(expected)
        self.confirmed -= expected
        self._carry(again)

    @rule()
    def the_time_is_up(self) -> None:
        assert sorted(self.run.time_out()) == sorted(self.confirmed & self.place.keys())
        self.failed += [(client_id, "timeout") for client_id in self.place if client_id in self.confirmed]
        unsent = "not sent: the Gearman server has not confirmed it in time"
        self.failed += [(client_id, unsent) for client_id in self.place if client_id not in self.confirmed]
        self.place = {}

    @invariant()
    def the_counts_add_up(self) -> None:
        if hasattr(self, "run"):
            assert self.run.done_count == len(self.completed)
            assert sorted(self.run.failures) == sorted(self.failed)
            assert self.run.is_settled == (not self.place)
            assert len(self.completed) + len(self.failed) + len(self.place) == self.run.total_count


TestForegroundHistories = ForegroundHistory.TestCase

# What the server did to a stretch of background copies, and how many those are.
fates = st.lists(st.tuples(st.sampled_from(["confirmed", "confirmed", "refused", "lost"]), st.integers(1, 9)))


@given(client_ids, st.lists(fates, max_size=4))
def test_background_copies_are_settled_by_one_answer_each(
    ids: list[bytes], rounds: list[list[tuple[str, int]]]
) -> None:
    run = FanoutRun(len(ids), foreground=False)
    members, confirmed_count, refused = Members.of(ids), 0, []
    for fate_list in [*rounds, [("confirmed", len(ids))]]:
        portion, first, lost = run.add_portion(members), 0, []
        for fate, count in [*fate_list, ("lost", len(ids))]:
            stretch = range(first, min(first + count, len(members)))
            first = stretch.stop
            if not stretch:
                continue
            assert not run.is_settled
            if fate == "confirmed":
                run.confirm(portion, stretch.start, len(stretch))
                confirmed_count += len(stretch)
            elif fate == "refused":
                refused += [members[position] for position in stretch]
                assert [run.fail(portion, position, "full") for position in stretch] == [True] * len(stretch)
            else:
                lost += run.reopen(portion, stretch)
        members = Members.of(lost)
    assert run.is_settled
    assert run.done_count == confirmed_count == len(ids) - len(refused)
    assert [failure.client_id for failure in run.failures] == refused
