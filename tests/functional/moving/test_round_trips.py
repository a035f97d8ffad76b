"""What is exported from one store and imported into another is there as it was."""

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import asdict

import pytest

from gearhorn.cmd import exits
from gearhorn.daemon.settings import DaemonSettings
from gearhorn.moving.exporting import export_lines
from gearhorn.moving.importing import Import, Rules
from gearhorn.moving.visitor import visiting
from gearhorn.store.base import Store, Subscribe
from gearhorn.store.leases import LeaseKey
from tests.functional.moving.conftest import Place

KINDS = ("redis", "memcached", "sqlite")
PAIRS = list(itertools.product(KINDS, repeat=2))

MakePlace = Callable[[str], Place]


async def move(source: Store, target: Store) -> dict[str, int]:
    """As the commands do. What became of the lines."""
    settings = DaemonSettings()
    rules = Rules(settings.handlers.queues.all(), "__matchmaking", 1_000_000)
    async with visiting(target, settings.matchmaking, settings.patience, settings.servers, settings.link) as directory:
        work = Import(target, directory.change_many, rules, pytest.fail)
        await work.begin()
        async for piece in export_lines(source, "9", "__matchmaking"):
            await work.take(piece.splitlines())
        work.finish()
    return {name: count for name, count in asdict(work.count).items() if count}


@pytest.mark.parametrize(("source", "target"), PAIRS, ids=["-".join(pair) for pair in PAIRS])
async def test_every_store_gives_to_every_other(make_place: MakePlace, source: str, target: str) -> None:
    async with make_place(source).opened() as old, make_place(target).opened() as new:
        await old.apply(
            [
                Subscribe("news", "alice"),
                Subscribe("news", "bob", 3600),
                Subscribe("données 🐙", 'é "quoted" \\ 東京', 7200),
                *(Subscribe("hosts", f"web{number:04}", 900 * (number % 2)) for number in range(3000)),
            ]
        )
        assert await move(old, new) == {"new": 3003}
        assert await new.topics() == await old.topics()
        for topic, _ in await old.topics():
            for one, other in zip(await old.subscriptions(topic), await new.subscriptions(topic), strict=True):
                assert one.client_id == other.client_id
                assert (one.expires_in_s is None) == (other.expires_in_s is None)
                assert abs((one.expires_in_s or 0) - (other.expires_in_s or 0)) < 60
        assert await move(old, new) == {"already": 3003}


async def test_a_hundred_thousand_are_moved_from_store_to_store(make_place: MakePlace) -> None:
    async with (
        make_place("redis").opened() as redis,
        make_place("memcached").opened() as memcached,
        make_place("sqlite").opened() as sqlite,
    ):
        names = [(f"topic{number % 3}", f"host-{number:06}.example.org") for number in range(100_000)]
        await sqlite.apply([Subscribe(*pair) for pair in names])
        assert await move(sqlite, redis) == {"new": 100_000}
        assert await move(redis, memcached) == {"new": 100_000}
        assert [count for _, count in await memcached.topics()] == [33_334, 33_333, 33_333]


def test_an_export_is_lines_of_json_between_a_head_and_an_end(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    place.fill(Subscribe("news", "alice"), Subscribe("news", "bob", 3600), Subscribe("other", "carol"))
    done = place.run("export", "--topic", "news")
    assert (done.returncode, done.stderr) == (exits.OK, "gearhorn: exported 2 subscriptions of 1 topic\n")
    head, alice, bob, end = map(json.loads, done.stdout.splitlines())
    assert (head["gearhorn"], head["format"]) == ("subscriptions", 1)
    assert alice == {"topic": "news", "client_id": "alice"}
    assert 3000 < bob["expires_at"] - time.time() <= 3600
    assert end == {"gearhorn": "end", "subscriptions": 2}


def test_a_topic_that_nobody_is_subscribed_to_is_told_of(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    place.fill(Subscribe("news", "alice"))
    done = place.run("export", "--topic", "news", "--topic", "olds")
    assert done.returncode == exits.NOBODY_SUBSCRIBED
    assert "alice" in done.stdout


def test_workers_are_not_exported_and_who_watches_them_is(make_place: MakePlace) -> None:
    place = make_place("redis")
    place.fill(Subscribe("__matchmaking", "worker1"), Subscribe("__matchmaking", "watcher"))
    place.ask(lambda store: store.take_lease(LeaseKey("worker1", "token"), 60, "{}"))
    done = place.run("export")
    assert [json.loads(line).get("client_id") for line in done.stdout.splitlines()] == [None, "watcher", None]


def test_a_file_stays_as_it_was_when_the_store_cannot_be_read(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    file = place.home / "all.jsonl"
    file.write_text("yesterday's")
    assert place.run("export", str(file)).returncode == exits.UNREACHABLE
    assert file.read_text() == "yesterday's"
    assert sorted(path.name for path in place.home.iterdir()) == ["all.jsonl", "gearhorn.conf"]


def test_a_file_that_cannot_be_written_is_one_clear_line(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    place.fill(Subscribe("news", "alice"))
    done = place.run("export", str(place.home / "nowhere" / "all.jsonl"))
    assert done.returncode == exits.ERROR
    assert done.stderr.endswith("all.jsonl.part: No such file or directory\n")


def test_a_memory_store_is_refused(make_place: MakePlace) -> None:
    place = make_place("sqlite")
    for command in (["export"], ["import", "-"]):
        assert place.run(*command, "--store", "memory://").returncode == exits.MISCONFIGURED
