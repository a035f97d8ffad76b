"""Each signed body is run once, by whichever worker; its own job may come back."""

import asyncio
import logging

import pytest

from gearhorn.errors import StoreUnavailable
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.signing.replays import ENDINGS
from gearhorn.store.base import RecordKey, Store, Subscribe, Unsubscribe
from tests.unit.signing.conftest import MakeScene
from tests.unit.signing.scene import MAX_AGE_S, NOW_S, Scene, Stuck, cut_short, signed

USED = "nonce: key 'web' has used it before: sign anew to send again"


async def test_a_replay_is_refused(scene: Scene) -> None:
    body = signed("fanout", "web")
    assert await scene.do("fanout", body) == ("complete", b"0")
    assert await scene.refusal("fanout", body) == USED


async def test_a_replay_to_another_worker_is_refused(make_scene: MakeScene) -> None:
    one, other = make_scene(), make_scene()
    body = signed("fanout", "web")
    assert await one.do("fanout", body) == ("complete", b"0")
    assert await other.refusal("fanout", body) == USED


async def test_a_replay_on_another_server_is_refused_though_the_handle_is_the_same(scene: Scene) -> None:
    body = signed("fanout", "web")
    await scene.do("fanout", body, b"H:lap:1", 4730)
    assert await scene.refusal("fanout", body, handle=b"H:lap:1", port=4731) == USED


async def test_of_many_at_once_one_is_run(make_scene: MakeScene) -> None:
    scenes = [make_scene() for _ in range(3)]
    body = signed("fanout", "web")
    endings = await asyncio.gather(
        *(scene.do("fanout", body, b"H:lap:%d" % number) for number, scene in enumerate(scenes * 5))
    )
    assert sorted(how for how, _ in endings) == ["complete"] + ["refused"] * 14


async def test_another_body_with_the_same_nonce_is_refused(scene: Scene) -> None:
    nonce = "0123456789abcdef"
    assert await scene.do("fanout", signed("fanout", "web", nonce=nonce), b"H:lap:1") == ("complete", b"0")
    assert await scene.refusal("fanout", signed("fanout", "web", nonce=nonce, payload="other")) == USED
    # also in the place of the job that had it: the text is a part of what a job is known by
    assert await scene.refusal("fanout", signed("fanout", "web", nonce=nonce, payload="x"), handle=b"H:lap:1") == USED


async def test_two_keys_may_have_the_same_nonce(scene: Scene) -> None:
    nonce = "0123456789abcdef"
    assert await scene.do("fanout", signed("fanout", "web", nonce=nonce)) == ("complete", b"0")
    assert await scene.do("fanout", signed("fanout", "admin", nonce=nonce)) == ("complete", b"0")


async def test_a_job_whose_worker_died_is_run_again_under_its_handle_and_under_no_other(make_scene: MakeScene) -> None:
    one, other = make_scene(), make_scene()
    one.directory._lookups._store = Stuck(one.store)  # type: ignore[assignment]
    body = signed("fanout", "web")
    await cut_short(one, body, b"H:lap:7")
    assert await other.refusal("fanout", body, handle=b"H:lap:8") == USED
    assert await other.do("fanout", body, b"H:lap:7") == ("complete", b"0")


async def test_it_is_run_again_even_when_it_has_grown_too_old_meanwhile(make_scene: MakeScene) -> None:
    one, other = make_scene(), make_scene()
    one.directory._lookups._store = Stuck(one.store)  # type: ignore[assignment]
    body = signed("fanout", "web")
    await cut_short(one, body, b"H:lap:7")
    other.now_s = NOW_S + MAX_AGE_S + 1
    assert (await other.refusal("fanout", signed("fanout", "web"))).startswith("time: ")
    assert await other.refusal("fanout", body, handle=b"H:lap:8") == USED
    assert await other.do("fanout", body, b"H:lap:7") == ("complete", b"0")


async def test_a_job_that_had_ended_gets_the_same_answer_and_nothing_is_done(scene: Scene) -> None:
    body = signed("fanout", "web")
    assert await scene.do("fanout", body, b"H:lap:7") == ("complete", b"0")
    await scene.store.apply([Subscribe("news", "bob")])  # who would get a copy
    assert await scene.do("fanout", body, b"H:lap:7") == ("complete", b"0")
    how, failures = await scene.do("fanout", again := signed("fanout", "web"), b"H:lap:8")
    assert (how, b"not sent" in failures) == ("refused", True)
    assert await scene.do("fanout", again, b"H:lap:8") == ("refused", failures)


async def test_what_was_done_for_a_job_that_had_gone_back_is_not_done_again(scene: Scene) -> None:
    body = signed("fanout", "web")
    assert await scene.do("fanout", body, b"H:lap:7", is_held=False) == ("complete", b"0")
    await scene.store.apply([Subscribe("news", "bob")])
    assert await scene.do("fanout", body, b"H:lap:7") == ("complete", b"0")


async def test_what_went_wrong_with_a_job_that_had_gone_back_is_tried_again(scene: Scene) -> None:
    await scene.store.apply([Subscribe("news", "bob")])
    body = signed("fanout", "web")
    assert "not sent" in await scene.refusal("fanout", body, handle=b"H:lap:7", is_held=False)
    await scene.store.apply([Unsubscribe("news", "bob")])
    assert await scene.do("fanout", body, b"H:lap:7") == ("complete", b"0")


async def test_a_change_that_was_made_is_not_made_again(scene: Scene) -> None:
    body = signed("subscribe", "host")
    assert await scene.do("subscribe_fanout", body, b"H:lap:7") == ("complete", b"")
    assert await scene.do("unsubscribe_fanout", signed("unsubscribe", "host")) == ("complete", b"")
    assert await scene.do("subscribe_fanout", body, b"H:lap:7") == ("complete", b"")
    assert await scene.subscribers("news") == []


async def test_where_jobs_outlast_a_restart_one_is_known_by_its_unique_key(make_scene: MakeScene) -> None:
    one, other = (make_scene(jobs_outlast_restarts=True) for _ in range(2))
    one.directory._lookups._store = Stuck(one.store)  # type: ignore[assignment]
    body = signed("fanout", "web")
    await cut_short(one, body, b"H:lap:7", unique=b"a")
    assert await other.refusal("fanout", body, handle=b"H:lap:7", unique=b"b") == USED
    assert await other.refusal("fanout", body, handle=b"H:lap:7") == USED
    assert await other.do("fanout", body, b"H:lap:1", unique=b"a") == ("complete", b"0")
    await other.store.apply([Subscribe("news", "bob")])  # who would get a copy
    assert await other.do("fanout", body, b"H:lap:2", unique=b"a") == ("complete", b"0")


async def test_where_they_do_one_without_a_unique_key_is_known_by_its_handle(make_scene: MakeScene) -> None:
    scene = make_scene(jobs_outlast_restarts=True)
    body = signed("fanout", "web")
    assert await scene.do("fanout", body) == ("complete", b"0")
    assert await scene.refusal("fanout", body) == USED


async def test_where_they_do_the_same_unique_key_in_another_queue_is_another_job(make_scene: MakeScene) -> None:
    scene = make_scene(jobs_outlast_restarts=True)
    body = signed("subscribe", "host")
    assert await scene.do("subscribe_fanout", body, unique=b"a") == ("complete", b"")
    said = await scene.refusal("register_fanout_subscriber", body, unique=b"a")
    assert said.startswith("nonce: ")


async def test_where_they_do_not_the_unique_key_means_nothing(scene: Scene) -> None:
    body = signed("fanout", "web")
    assert await scene.do("fanout", body, unique=b"a") == ("complete", b"0")
    assert await scene.refusal("fanout", body, unique=b"a") == USED


async def test_on_a_server_that_hands_out_no_job_twice_the_same_handle_is_a_replay(make_scene: MakeScene) -> None:
    one, other = make_scene(), make_scene()
    one.directory._lookups._store = Stuck(one.store)  # type: ignore[assignment]
    body = signed("fanout", "web")
    await cut_short(one, body, b"H:lap:7", requeues=False)
    assert await other.refusal("fanout", body, handle=b"H:lap:7", requeues=False) == USED


async def test_a_claim_whose_answer_was_lost_is_no_replay(make_scene: MakeScene) -> None:
    """The store is asked again then, and finds the record of the first time."""
    for requeues in (True, False):
        scene = make_scene()
        scene.guard._replays._store = Forgetful(scene.store)  # type: ignore[assignment]
        scene.guard._replays._patience = Patience(PatienceSettings(first_retry_s=0.001))
        assert await scene.do("fanout", signed("fanout", "web"), requeues=requeues) == ("complete", b"0")


async def test_an_answer_of_any_size_is_kept_or_said_to_be_lost(scene: Scene) -> None:
    ids = [f"{'x' * 200}{number}" for number in range(600)]
    await scene.store.apply([Subscribe("news", client_id) for client_id in ids])
    body = signed("fanout", "web")
    how, text = await scene.do("fanout", body, b"H:lap:7")
    assert (how, len(text) > 100_000) == ("refused", True)
    again = await scene.do("fanout", body, b"H:lap:7")
    assert again == ("refused", b"the job had ended before, and its answer was too long to be kept")


class Forgetful(Stuck):
    """A store whose answer to each second claim is lost on the way."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self._claim = store.claim_record
        self._is_lost = False

    async def claim_record(self, key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        found = await self._claim(key, value, ttl_s)
        self._is_lost = not self._is_lost
        if self._is_lost:
            raise StoreUnavailable("gone")
        return found


class Away(Stuck):
    """A store that answers nothing about records."""

    async def claim_record(self, *_: object) -> None:
        raise StoreUnavailable("gone")

    read_record = claim_record


async def test_a_job_that_cannot_be_checked_is_not_run(scene: Scene) -> None:
    scene.guard._replays._store = Away(scene.store)  # type: ignore[assignment]
    await scene.store.apply([Subscribe("news", "bob")])
    assert await scene.refusal("fanout", signed("fanout", "web")) == "the store cannot be reached: gone"


async def test_an_ending_that_cannot_be_noted_harms_nobody(
    scene: Scene, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = scene.store.claim_record

    async def refuse(key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        if key.kind == ENDINGS:
            raise StoreUnavailable("gone")
        return await claim(key, value, ttl_s)

    monkeypatch.setattr(scene.store, "claim_record", refuse)
    assert await scene.do("fanout", signed("fanout", "web")) == ("complete", b"0")
    assert await scene.do("fanout", signed("fanout", "web")) == ("complete", b"0")
    assert caplog.text.count("could not note that a signed job has ended: gone") == 1
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(scene.store, "claim_record", claim)
    assert await scene.do("fanout", signed("fanout", "web")) == ("complete", b"0")
    async with asyncio.timeout(20):
        while "the ends of signed jobs are noted again" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_the_records_end_when_the_body_is_too_old(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    ttls: list[float] = []
    claim = scene.store.claim_record

    async def note(key: RecordKey, value: bytes, ttl_s: float) -> bytes | None:
        ttls.append(ttl_s)
        return await claim(key, value, ttl_s)

    monkeypatch.setattr(scene.store, "claim_record", note)
    await scene.do("fanout", signed("fanout", "web"))
    await scene.do("fanout", signed("fanout", "web", timeout=1e300))
    assert min(ttls) > 2 * MAX_AGE_S
    assert max(ttls) < 100_000
