"""A worker has one lease at a time, for as long as the store lets it, and never one that is another process's."""

import asyncio
import json
import logging
from itertools import pairwise
from typing import Any

import pytest

from gearhorn.core.lease import CLOCK_MARGIN
from gearhorn.core.matchmaking import Matchmaking, MatchmakingLimits
from gearhorn.core.members import Members
from gearhorn.errors import Misconfigured, StoreUnavailable
from gearhorn.matchmaking.leasing import MOST_PAUSE_S, RENEWALS_PER_TTL, TOKENS_TRIED, IdTaken, Leasing
from gearhorn.patience import Patience, PatienceSettings
from gearhorn.process_marks import own_mark
from gearhorn.store.base import Subscribe
from gearhorn.store.leases import Lease, LeaseKey, Renewal
from tests.unit.moody_store import MoodyStore
from tests.unit.virtual_time import TICK_S, in_virtual_time, let_run, now_s

TTL_S = 10.0
RENEWAL_S = TTL_S / RENEWALS_PER_TTL
VALID_S = TTL_S * (1 - CLOCK_MARGIN)
AWAY = StoreUnavailable("away")

NO_SUCH_PROCESS = "999999999"  # numbers of processes end far below


def info_of(*, address: str = "elsewhere", process: dict[str, str] | None = None, renewals: int = 0) -> str:
    return json.dumps({"address": address, "process": process or {"boot": "another", "pid": "1"}, "renewals": renewals})


LIVING = info_of(process=own_mark())
DEAD = info_of(process=own_mark() | {"pid": NO_SUCH_PROCESS})
ELSEWHERE = info_of()


class Scene:
    """Worker `a`, and whoever else has its id."""

    def __init__(self) -> None:
        self.store = MoodyStore(now_s)
        self.matchmaking = Matchmaking(MatchmakingLimits(TTL_S))
        self.renewals: list[tuple[float, Renewal]] = []
        patience = Patience(PatienceSettings(retry_timeout_s=30.0, first_retry_s=0.05, most_retry_s=2.0))
        self.leasing = Leasing(self.store, patience, self.matchmaking, "a", lambda: LIVING, self._on_renewal, now_s)
        self.began_s = now_s()

    @property
    def token(self) -> str | None:
        return self.matchmaking.lease.token

    @property
    def tokens_asked(self) -> list[Any]:
        return [token for token, _ in self.store.asked["take_lease"]]  # type: ignore[misc]

    def took_s(self) -> float:
        return now_s() - self.began_s

    def is_valid(self) -> bool:
        return self.matchmaking.lease.is_valid(now_s())

    def start(self) -> asyncio.Task[None]:
        return asyncio.create_task(self.leasing.run())

    async def other(self, info: str, token: str = "other") -> None:
        """Another process takes a lease under this worker's id."""
        await MoodyStore.take_lease(self.store, LeaseKey("a", token), TTL_S, info)
        self.store.asked.clear()

    async def lease(self) -> Lease:
        (lease,) = await self.store.leases()
        return lease

    async def revoke(self) -> None:
        await self.store.revoke_leases([(await self.lease()).key])

    async def keep_list(self) -> None:
        """Puts a list into memory."""
        reading = self.matchmaking.begin_read(["news"])
        self.matchmaking.end_read(reading, {"news": (1, Members.of([b"ann"]))})
        assert self.matchmaking.lists.find("news") is not None

    def _on_renewal(self, renewal: Renewal) -> None:
        self.renewals.append((self.took_s(), renewal))


def about(seconds: float) -> Any:
    return pytest.approx(seconds, abs=100 * TICK_S)


# Taking


@in_virtual_time
async def test_a_lease_is_taken_and_valid_a_little_shorter_than_the_store_has_it() -> None:
    scene = Scene()
    await scene.leasing.take()
    assert await scene.lease() == Lease(LeaseKey("a", scene.token or ""), TTL_S, False, LIVING)
    await asyncio.sleep(VALID_S - 0.01)
    assert scene.is_valid()
    await asyncio.sleep(0.02)
    assert not scene.is_valid()


@in_virtual_time
async def test_a_lease_counts_from_before_it_was_asked_for() -> None:
    scene = Scene()
    go_on = scene.store.hold("take_lease")
    taking = asyncio.create_task(scene.leasing.take())
    await asyncio.sleep(4)
    go_on()
    await taking
    await asyncio.sleep(VALID_S - 4 - 0.01)
    assert scene.is_valid()
    await asyncio.sleep(0.02)
    assert not scene.is_valid()


@in_virtual_time
async def test_a_store_that_is_away_is_waited_for_and_each_call_has_a_token_of_its_own() -> None:
    scene = Scene()
    scene.store.fail("take_lease", *[AWAY] * 100)
    await scene.leasing.take()
    assert scene.took_s() > 60
    assert len(set(scene.tokens_asked)) == 101
    assert scene.token == scene.tokens_asked[-1]
    assert scene.is_valid()


@in_virtual_time
async def test_a_call_that_took_effect_without_an_answer_does_not_lock_its_worker_out() -> None:
    scene = Scene()
    scene.store.fail_late("take_lease", AWAY, AWAY)
    await scene.leasing.take()
    assert scene.took_s() < 1
    assert (await scene.lease()).key.token == scene.token == scene.tokens_asked[-1]


@in_virtual_time
async def test_whatever_answer_was_lost_a_message_for_that_lease_is_known_as_ours() -> None:
    scene = Scene()
    scene.store.fail_late("take_lease", AWAY)
    await scene.leasing.take()
    assert all(scene.matchmaking.lease.was_ours(token) for token in scene.tokens_asked)


@in_virtual_time
async def test_a_call_that_takes_effect_after_a_later_one_does_not_lock_its_worker_out() -> None:
    scene = Scene()
    scene.store.fail("take_lease", AWAY)
    await scene.leasing.take()
    await asyncio.sleep(TTL_S + 1)
    await scene.other(LIVING, scene.tokens_asked[0])
    began_s = now_s()
    await scene.leasing.take()
    assert now_s() == began_s


@in_virtual_time
async def test_the_tokens_that_are_remembered_do_not_grow_without_end() -> None:
    scene = Scene()
    scene.store.fail("take_lease", *[AWAY] * (TOKENS_TRIED + 50))
    await scene.leasing.take()
    *_, (_, instead_of) = scene.store.asked["take_lease"]  # type: ignore[misc]
    assert instead_of == scene.tokens_asked[50:-1]
    assert len(instead_of) == TOKENS_TRIED


@in_virtual_time
async def test_what_waiting_does_not_mend_is_raised_at_the_start() -> None:
    scene = Scene()
    scene.store.fail("take_lease", Misconfigured("wrong password"))
    with pytest.raises(Misconfigured, match="wrong password"):
        await scene.leasing.take()


# Another process under the same id


@in_virtual_time
async def test_a_living_process_with_the_id_is_respected_at_once() -> None:
    scene = Scene()
    await scene.other(info_of(address="host9", process=own_mark()))
    with pytest.raises(IdTaken, match=r"'a' is running already \(host9\).*GEARHORN_INSTANCE"):
        await scene.leasing.take()
    assert scene.took_s() == 0
    assert (await scene.lease()).key.token == "other"
    assert scene.token is None


@in_virtual_time
async def test_the_lease_of_a_dead_process_is_taken_over_at_once() -> None:
    scene = Scene()
    await scene.other(DEAD)
    await scene.leasing.take()
    assert scene.took_s() == 0
    assert (await scene.lease()).key.token == scene.token != "other"


@pytest.mark.parametrize("info", [ELSEWHERE, "{}", "no JSON", json.dumps({"process": [1]}), '{"a":' * 100_000])
@in_virtual_time
async def test_a_lease_that_tells_nothing_of_its_process_is_waited_for(
    info: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene()
    await scene.other(info)
    await scene.leasing.take()
    assert TTL_S <= scene.took_s() < TTL_S + 0.1
    assert (await scene.lease()).key.token == scene.token
    said = [record.getMessage() for record in caplog.records]
    assert said == ["waiting up to 10.0 s for an earlier lease of worker a"]


@in_virtual_time
async def test_one_that_left_while_it_was_waited_for_is_not_waited_for_any_longer() -> None:
    scene = Scene()
    await scene.other(ELSEWHERE)
    taking = asyncio.create_task(scene.leasing.take())
    await asyncio.sleep(1)
    await scene.store.release_lease(LeaseKey("a", "other"))
    await taking
    assert scene.took_s() < 1 + RENEWAL_S


@in_virtual_time
async def test_one_that_renews_its_lease_while_it_is_waited_for_lives() -> None:
    scene = Scene()
    await scene.other(ELSEWHERE)
    taking = asyncio.create_task(scene.leasing.take())
    await asyncio.sleep(RENEWAL_S)
    await scene.store.renew_lease(LeaseKey("a", "other"), TTL_S, info_of(renewals=1))
    with pytest.raises(IdTaken):
        await taking
    assert scene.took_s() < 2 * RENEWAL_S
    assert (await scene.lease()).key.token == "other"


@in_virtual_time
async def test_one_that_takes_another_lease_while_it_is_waited_for_lives() -> None:
    scene = Scene()
    await scene.other(ELSEWHERE)
    taking = asyncio.create_task(scene.leasing.take())
    await asyncio.sleep(1)
    await scene.store.release_lease(LeaseKey("a", "other"))
    await scene.other(ELSEWHERE, "another")
    with pytest.raises(IdTaken):
        await taking


# Renewing


@in_virtual_time
async def test_a_lease_is_renewed_three_times_in_its_life_and_stays_valid() -> None:
    scene = Scene()
    await scene.leasing.take()
    token = scene.token
    running = scene.start()
    while scene.took_s() < 4.5 * RENEWAL_S:
        await asyncio.sleep(0.1)
        assert scene.is_valid()
    assert [at_s for at_s, _ in scene.renewals] == [about(RENEWAL_S * n) for n in (1, 2, 3, 4)]
    assert all(renewal.is_held for _, renewal in scene.renewals)
    assert scene.token == token
    running.cancel()


@in_virtual_time
async def test_what_comes_with_a_renewal_is_handed_on() -> None:
    scene = Scene()
    await scene.leasing.take()
    await scene.store.apply([Subscribe("news", "ann", ttl_s=1.0)])
    scene.start()
    await asyncio.sleep(RENEWAL_S + 0.1)
    ((_, renewal),) = scene.renewals
    assert [topic for topic, _ in renewal.unsettled] == ["news"]


@in_virtual_time
async def test_a_renewed_lease_counts_from_before_it_was_asked_for() -> None:
    scene = Scene()
    await scene.leasing.take()
    go_on = scene.store.hold("renew_lease")
    running = scene.start()
    await asyncio.sleep(RENEWAL_S + 4)
    go_on()
    await let_run()
    running.cancel()
    await asyncio.sleep(VALID_S - 4 - 0.01)
    assert scene.is_valid()
    await asyncio.sleep(0.02)
    assert not scene.is_valid()


@pytest.mark.parametrize("trouble", [AWAY, Misconfigured("wrong password")])
@in_virtual_time
async def test_a_renewal_that_fails_loses_nothing_when_the_next_one_comes_in_time(trouble: Exception) -> None:
    scene = Scene()
    await scene.leasing.take()
    await scene.keep_list()
    token = scene.token
    scene.store.fail("renew_lease", trouble)
    scene.start()
    await asyncio.sleep(2 * RENEWAL_S + 0.1)
    assert [at_s for at_s, _ in scene.renewals] == [about(2 * RENEWAL_S)]
    assert (scene.token, scene.is_valid()) == (token, True)
    assert scene.matchmaking.lists.find("news") is not None


@in_virtual_time
async def test_a_worker_without_jobs_says_that_the_store_is_away_and_when_it_is_back(
    caplog: pytest.LogCaptureFixture,
) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene()
    await scene.leasing.take()
    scene.store.fail("renew_lease", AWAY)
    scene.start()
    await asyncio.sleep(RENEWAL_S + 0.1)
    assert [record.getMessage() for record in caplog.records] == [f"the store is away: {AWAY}; jobs wait for it"]
    await asyncio.sleep(RENEWAL_S)
    assert [record.getMessage() for record in caplog.records][1:] == ["the store is back"]


# Losing


@in_virtual_time
async def test_a_lost_lease_takes_the_lists_along_and_another_one_is_taken(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    scene = Scene()
    await scene.leasing.take()
    await scene.keep_list()
    first = scene.token
    scene.start()
    await asyncio.sleep(100.5 * TTL_S)
    await scene.keep_list()
    await scene.revoke()
    await asyncio.sleep(RENEWAL_S)
    assert scene.matchmaking.lists.find("news") is None
    assert scene.is_valid()
    assert scene.token != first
    assert (await scene.lease()).key.token == scene.token
    assert [record.getMessage() for record in caplog.records] == [
        "this worker's lease was lost; it reads lists from the store until it has another one",
        "this worker holds a lease again",
    ]


@in_virtual_time
async def test_without_a_lease_there_is_none_until_the_store_gives_another() -> None:
    scene = Scene()
    await scene.leasing.take()
    await scene.keep_list()
    scene.start()
    await asyncio.sleep(100.5 * TTL_S)
    await scene.revoke()
    scene.store.hold("take_lease")
    await asyncio.sleep(RENEWAL_S)
    assert scene.token is None
    assert not scene.is_valid()


@in_virtual_time
async def test_one_that_loses_its_leases_again_and_again_takes_the_next_one_later_and_later() -> None:
    scene = Scene()
    await scene.leasing.take()
    scene.start()
    taken_s: list[float] = []
    take_lease = scene.store.take_lease

    async def take_and_lose(key: LeaseKey, *rest: Any) -> Lease | None:
        taken_s.append(scene.took_s())
        other = await take_lease(key, *rest)
        await scene.store.revoke_leases([key])
        return other

    scene.store.take_lease = take_and_lose  # type: ignore[method-assign]
    await scene.revoke()
    await asyncio.sleep(3600)
    pauses_s = [later - earlier - RENEWAL_S for earlier, later in pairwise([0.0, *taken_s])]
    assert len(pauses_s) > 8
    for count, pause_s in enumerate(pauses_s):
        most_s = min(TTL_S * 2**count, MOST_PAUSE_S)
        assert most_s / 2 <= pause_s <= most_s + 0.1


@in_virtual_time
async def test_a_lease_that_lasted_is_followed_by_the_next_one_at_once_and_the_pauses_begin_anew() -> None:
    scene = Scene()
    await scene.leasing.take()
    scene.start()
    for _ in range(4):  # the pauses get long
        await scene.revoke()
        await asyncio.sleep(200)
    await scene.revoke()
    await asyncio.sleep(RENEWAL_S + 0.1)
    assert scene.is_valid()
    await scene.revoke()
    await asyncio.sleep(RENEWAL_S + TTL_S + 0.1)
    assert scene.is_valid()


@in_virtual_time
async def test_in_service_what_only_the_operator_can_mend_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    scene = Scene()
    await scene.leasing.take()
    running = scene.start()
    await asyncio.sleep(100.5 * TTL_S)
    await scene.revoke()
    scene.store.fail("take_lease", *[Misconfigured("wrong password")] * 3)
    await asyncio.sleep(RENEWAL_S + 2 * TTL_S)
    assert not running.done()
    assert scene.token is None
    assert "no lease can be taken, lists are read from the store: wrong password" in caplog.text
    await asyncio.sleep(TTL_S)
    assert scene.is_valid()


@in_virtual_time
async def test_in_service_another_process_with_the_id_ends_the_worker() -> None:
    scene = Scene()
    await scene.leasing.take()
    running = scene.start()
    await asyncio.sleep(100.5 * TTL_S)
    await scene.store.release_lease((await scene.lease()).key)
    await scene.other(info_of(process=own_mark()))
    with pytest.raises(IdTaken):
        await running


# Giving it back


@in_virtual_time
async def test_a_lease_is_given_back_and_nothing_is_served_from_the_moment_on_that_it_is() -> None:
    scene = Scene()
    await scene.leasing.take()
    await scene.keep_list()
    go_on = scene.store.hold("release_lease")
    releasing = asyncio.create_task(scene.leasing.release())
    await let_run()
    assert scene.store.asked["release_lease"]
    assert not scene.is_valid()
    assert scene.matchmaking.lists.find("news") is None
    go_on()
    await releasing
    assert await scene.store.leases() == []


@pytest.mark.parametrize("trouble", [AWAY, Misconfigured("wrong password")])
@in_virtual_time
async def test_a_store_that_is_away_when_the_lease_is_given_back_holds_up_nobody(trouble: Exception) -> None:
    scene = Scene()
    await scene.leasing.take()
    scene.store.fail("release_lease", trouble)
    await scene.leasing.release()
    assert scene.took_s() == 0


@in_virtual_time
async def test_without_a_lease_nothing_is_given_back() -> None:
    scene = Scene()
    await scene.leasing.release()
    assert scene.store.asked["release_lease"] == []
