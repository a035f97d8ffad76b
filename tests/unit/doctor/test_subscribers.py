"""Checks of queues and of their names: what is nobody's, what is two subscribers', and what is none of our business."""

from collections.abc import Sequence

import pytest

from gearhorn.clock import steady_s
from gearhorn.doctor.site import Skip
from gearhorn.doctor.subscribers import check_names, check_orphans, check_subscribers
from gearhorn.store.base import Subscribe, TopicList
from gearhorn.wire.loads import Load
from tests.unit.doctor.sites import SERVED, findings_of, found, site
from tests.unit.moody_store import MoodyStore

LEFT = Load(7, 0, 0)


def with_queue(queue: bytes, load: Load = LEFT, **more: object) -> object:
    return site(
        topics={"news": 1},
        strangers={queue: load},
        servers={"a.example:4730": {**SERVED, queue: load}},
        **more,  # type: ignore[arg-type]
    )


async def test_what_is_left_in_the_queue_of_nobody_is_found_with_the_command_that_empties_it() -> None:
    [finding] = await findings_of(check_orphans, with_queue(b"news_old host"))  # type: ignore[arg-type]
    assert finding.code == "queue-orphaned"
    assert finding.fix == "gearman -h a.example -p 4730 -w -c 7 -f 'news_old host' > /dev/null"


@pytest.mark.parametrize(
    ("queue", "load"),
    [
        (b"resize_images", LEFT),  # no topic begins it
        (b"news_archive", Load(7, 0, 1)),  # somebody serves it
        (b"news_archive", Load(0, 1, 0)),  # nothing waits
        (b"news", LEFT),
        (b"news_\xff", LEFT),
    ],
)
async def test_queues_of_others_are_left_alone(queue: bytes, load: Load) -> None:
    assert await found(check_orphans, with_queue(queue, load)) == []  # type: ignore[arg-type]


async def test_the_queue_of_dead_letters_is_no_orphan() -> None:
    assert await found(check_orphans, with_queue(b"news_dead", dead_letter_queue="news_dead")) == []  # type: ignore[arg-type]


async def test_without_the_store_nobody_knows_whose_a_queue_is() -> None:
    for check in (check_orphans, check_names, check_subscribers):
        with pytest.raises(Skip):
            await found(check, site(is_store_away=True))


async def store_with(*pairs: tuple[str, str]) -> MoodyStore:
    """Also pairs that collide: each is written by a store of its own, as it were."""
    store = MoodyStore(steady_s)
    for pair in pairs:
        await store.apply([Subscribe(*pair)])
    return store


async def test_topics_that_overlap_are_noted_and_collide_only_when_subscribers_do() -> None:
    store = await store_with(("a", "x"), ("a_b", "c"))
    findings = await findings_of(check_names, site(store=store, topics={"a": 1, "a_b": 1}))
    assert [finding.code for finding in findings] == ["topics-overlap"]


async def test_two_pairs_with_one_queue_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    lists = {"a": TopicList(1, [b"b_c", b"x"]), "a_b": TopicList(1, [b"c", b"d"])}

    async def read_short(topics: Sequence[str]) -> list[TopicList]:
        return [lists[topic] for topic in topics]

    store = MoodyStore(steady_s)
    monkeypatch.setattr(store, "read_short", read_short)  # no store lets anybody write such lists
    findings = await findings_of(check_names, site(store=store, topics={"a": 1, "a_b": 1}))
    assert [finding.code for finding in findings] == ["names-collide", "topics-overlap"]
    assert findings[0].fix == "gearhorn unsubscribe a_b c"
