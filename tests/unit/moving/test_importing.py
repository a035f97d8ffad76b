"""Lines that are brought into a store, and what is told of them."""

import time
from collections.abc import Awaitable, Callable, Sequence

import pytest

from gearhorn.moving.importing import BadLine, Import, Rules
from gearhorn.moving.rehearsal import Rehearsal
from gearhorn.names import OwnQueues
from gearhorn.store.base import Change, ChangeResult, Subscribe
from gearhorn.store.memory import MemoryStore

OWN = OwnQueues().all()


class Scene:
    """A store in memory, and what lines do to it."""

    def __init__(self, store: MemoryStore) -> None:
        self.store = store
        self.complaints: list[str] = []
        self.made_count = 0

    def begin(self, limit_count: int = 100, *, is_dry: bool = False, skips_bad: bool = True, **more: str) -> Import:
        rules = Rules(OWN, "__matchmaking", limit_count, skips_bad, **more)
        make: Callable[[Sequence[Change]], Awaitable[Sequence[ChangeResult]]] = self._make
        return Import(self.store, Rehearsal(self.store).make if is_dry else make, rules, self.complaints.append)

    async def bring(self, *lines: str, **options: object) -> dict[str, int]:
        """What became of the lines, without what became of none."""
        work = self.begin(**options)  # type: ignore[arg-type]
        await work.begin()
        await work.take([line.encode() for line in lines])
        work.finish()
        return {name: value for name in work.count.__slots__ if (value := getattr(work.count, name))}

    async def names(self, topic: str) -> list[str]:
        return [one.client_id for one in await self.store.subscriptions(topic)]

    async def _make(self, changes: Sequence[Change]) -> Sequence[ChangeResult]:
        self.made_count += len(changes)
        return (await self.store.apply(changes)).results


@pytest.fixture
async def scene() -> Scene:
    store = MemoryStore()
    await store.open()
    return Scene(store)


async def test_a_subscription_that_was_renewed_since_keeps_its_end(scene: Scene) -> None:
    await scene.store.apply([Subscribe("n", "bob", 9000), Subscribe("n", "carol"), Subscribe("n", "dora", 60)])
    line = f'{{"topic":"n","client_id":"%s","expires_at":{time.time() + 3000}}}'
    assert await scene.bring(*(line % name for name in ("bob", "carol", "dora"))) == {"already": 3}
    ends = {one.client_id: one.expires_in_s for one in await scene.store.subscriptions("n")}
    assert ends["carol"] is None
    assert (ends["bob"] or 0) > 3000
    assert 60 < (ends["dora"] or 0) <= 3000


async def test_what_has_ended_meanwhile_is_not_brought_in(scene: Scene) -> None:
    assert await scene.bring('{"topic":"n","client_id":"bob","expires_at":1}') == {"ended": 1}
    assert scene.made_count == 0


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"topic":"news","client_id":"x","ttl":-1}', "ttl: must not be negative"),
        ('{"topic":"news","client_id":"x","ttl":1e300}', "more than ten years"),
        ('{"topic":"news","client_id":"x","expires_at":1e300}', "expires_at: is more than ten years"),
        ('{"topic":"__news","client_id":"x"}', "is reserved"),
        ('{"topic":"subscribe","client_id":"fanout"}', "belongs to the service"),
        ('{"topic":"news","client_id":"a\\u0000b"}', "control character"),
        ('{"topic":"news","client_id":"\\ud800"}', "surrogate|not JSON"),
        ("\tx", "topic: is empty"),
        ("x" * 200 + "\t" + "y" * 100, "more than 255"),
        ("a\tb_c", "the queue 'a_b_c' is that of a subscriber of topic 'a_b'"),
    ],
)
async def test_names_are_judged_as_those_of_any_subscription(scene: Scene, line: str, words: str) -> None:
    await scene.store.apply([Subscribe("a_b", "c")])
    with pytest.raises(BadLine, match=f"^line 2: .*({words})"):
        await scene.bring("news\talice", line, skips_bad=False)
    assert await scene.names("news") == ["alice"]


@pytest.mark.parametrize("is_dry", [True, False])
async def test_a_topic_takes_no_more_subscribers_than_it_may_have(scene: Scene, is_dry: bool) -> None:
    await scene.store.apply([Subscribe("n", "bob")])
    lines = [f"n\t{name}" for name in ("alice", "bob", "carol", "dora", "bob")]
    assert await scene.bring(*lines, limit_count=3, is_dry=is_dry) == {"new": 2, "already": 2, "invalid": 1}
    assert scene.complaints == ["line 4: topic: 'n' may have 3 subscribers"]


async def test_too_many_subscribers_stop_it_where_nothing_may_be_left_out(scene: Scene) -> None:
    with pytest.raises(BadLine, match=r"^line 3: topic: 'n' may have 2 subscribers"):
        await scene.bring("n\ta", "n\tb", "n\tc", limit_count=2, skips_bad=False)
    assert await scene.names("n") == ["a", "b"]


async def test_an_export_that_was_cut_short_is_an_error_whatever_may_be_left_out(scene: Scene) -> None:
    with pytest.raises(BadLine, match=r"^line 3: the export is cut short"):
        await scene.bring('{"gearhorn":"subscriptions","format":1}', "n\ta")


@pytest.mark.parametrize("is_dry", [True, False])
async def test_a_dry_run_foresees_what_becomes_of_each_line(scene: Scene, is_dry: bool) -> None:
    await scene.store.apply([Subscribe("a_b", "c"), Subscribe("n", "old")])
    lines = ["n\told", "n\tnew", "n\tnew", "a\tb_c", "x\ty_z", "x_y\tz", "x_y\tz2", "a_b\tc", "a_b_c\td_", "a_b\tc_d_"]
    expected = {"new": 4, "already": 3, "collisions": 3}
    assert await scene.bring(*lines, is_dry=is_dry) == expected
    assert (await scene.names("n") == ["old"]) is is_dry


async def test_a_dry_run_foresees_who_would_be_removed(scene: Scene) -> None:
    await scene.store.apply([Subscribe("n", "old"), Subscribe("n", "kept"), Subscribe("other", "too")])
    for replaces, count in (("topics", 1), ("all", 2)):
        work = scene.begin(is_dry=True, replaces=replaces)
        await work.begin()
        await work.take([b"n\tkept", b"n\tnew"])
        await work.remove_others()
        assert work.count.removed == count
    assert await scene.names("n") == ["kept", "old"]


async def test_a_dry_run_keeps_few_lists_in_memory(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gearhorn.moving.rehearsal.SUBSCRIBERS_KEPT", 3)
    await scene.store.apply([Subscribe(f"t{number}", client_id) for number in range(9) for client_id in "ab"])
    rehearsal = Rehearsal(scene.store)
    for number in (*range(9), *range(9)):
        (result,) = await rehearsal.make([Subscribe(f"t{number}", "a")])
        assert result == (0, False)
        assert len(rehearsal._lists) == 1


async def test_lines_of_a_topic_are_put_in_order_before_they_are_made(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearhorn.moving.importing.CHANGES_AT_ONCE", 2)
    made: list[list[str]] = []

    async def make(changes: Sequence[Change]) -> Sequence[ChangeResult]:
        made.append([f"{change.topic}/{change.client_id}" for change in changes])
        return (await scene.store.apply(changes)).results

    work = scene.begin()
    work._make = make
    await work.take([b"n\td", b"n\tb", b"n\ta", b"n\tc", b"m\tz", b"m\ty", b"n\ta"])
    assert made == [["n/a", "n/b"], ["n/c", "n/d"], ["m/y", "m/z"], ["n/a"]]


async def test_everything_before_the_first_wrong_line_is_in_and_nothing_behind_it_is_begun(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gearhorn.moving.importing.CHANGES_AT_ONCE", 1)
    await scene.store.apply([Subscribe("n_a", "x")])  # whose queue n_a_x is
    with pytest.raises(BadLine, match=r"^line 3: client_id: the queue 'n_a_x'"):
        await scene.bring("n\tz", "n\tb", "n\ta_x", "n\ty", "n\tc", skips_bad=False)
    assert await scene.names("n") == ["b", "z"]
