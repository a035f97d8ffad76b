"""A message is brought to its worker by way of whichever server reaches it, soon, and without flooding any."""

import asyncio
from collections.abc import Callable

import pytest

from gearhorn.net.messenger import Messenger
from tests.unit.net.links import Link
from tests.unit.virtual_time import in_virtual_time, let_run, now_s
from tests.unit.wire.streams import packets_in

WORK_STATUS, WORK_COMPLETE, WORK_FAIL, SUBMIT_JOB_HIGH, WORK_EXCEPTION, WORK_DATA, WORK_WARNING = (
    12,
    13,
    14,
    21,
    25,
    28,
    29,
)
TIMEOUT_S = 1.0


TROUBLES: dict[str, Callable[[Link], None]] = {
    "failed": lambda link: link.report(WORK_FAIL),
    "ended in an exception": lambda link: link.report(WORK_EXCEPTION),
    "refused": Link.refuse,
    "lost": Link.lose,
}


class Scene:
    """Three servers, a, b and c, or as many as there are letters."""

    def __init__(self, hosts: str = "abc", *, down: str = "") -> None:
        self.links = {host: Link(host, is_up=host not in down) for host in hosts}
        self.messenger = Messenger(list(self.links.values()), TIMEOUT_S)  # type: ignore[arg-type]
        self.done_count = 0
        self.began_s = now_s()

    def __getitem__(self, host: str) -> Link:
        return self.links[host]

    def deliver(self, *nearest: str) -> Callable[[], None]:
        return self.messenger.deliver(b"queue", b"payload\0", [f"{host}:4730" for host in nearest], self._done)

    def put_counts(self) -> dict[str, int]:
        return {host: len(link.put) for host, link in self.links.items()}

    def order(self) -> str:
        """The servers in the order in which they got it."""
        puts = sorted((at_s, host) for host, link in self.links.items() for at_s in link.put_at_s)
        return "".join(host for _, host in puts)

    def _done(self) -> None:
        self.done_count += 1


@in_virtual_time
async def test_the_nearest_server_gets_it_first_and_alone() -> None:
    scene = Scene()
    scene.deliver("c")
    assert scene.put_counts() == {"a": 0, "b": 0, "c": 1}
    assert packets_in(scene["c"].packets[0]) == [(SUBMIT_JOB_HIGH, b"queue\0\0payload\0")]


@pytest.mark.parametrize(
    ("nearest", "order"), [("", "abc"), ("b", "bac"), ("bc", "bca"), ("cb", "bca"), ("x", "abc"), ("xc", "cab")]
)
@in_virtual_time
async def test_the_nearest_come_first_and_all_get_it_within_the_time_limit(nearest: str, order: str) -> None:
    scene = Scene()
    scene.deliver(*nearest)
    await asyncio.sleep(TIMEOUT_S)
    assert scene.order() == order


@in_virtual_time
async def test_the_next_server_has_its_turn_only_when_there_was_time_for_an_answer() -> None:
    scene = Scene()
    scene.deliver()
    await asyncio.sleep(TIMEOUT_S / 4 - 0.01)
    assert scene.order() == "a"
    await asyncio.sleep(0.02)
    assert scene.order() == "ab"
    await asyncio.sleep(TIMEOUT_S / 4)
    assert scene.order() == "abc"


@in_virtual_time
async def test_no_server_has_it_twice_at_once() -> None:
    scene = Scene()
    scene.deliver()
    await asyncio.sleep(60)
    assert scene.put_counts() == {"a": 1, "b": 1, "c": 1}


@pytest.mark.parametrize("trouble", TROUBLES)
@in_virtual_time
async def test_where_it_ends_badly_the_next_server_has_its_turn_at_once(trouble: str) -> None:
    scene = Scene()
    scene.deliver()
    TROUBLES[trouble](scene["a"])
    assert scene.put_counts() == {"a": 1, "b": 1, "c": 0}
    TROUBLES[trouble](scene["b"])
    assert scene.put_counts() == {"a": 1, "b": 1, "c": 1}
    assert scene.done_count == 0


@in_virtual_time
async def test_servers_where_it_fails_do_not_pass_it_back_and_forth() -> None:
    """As they would while a worker's successor is there, who must not answer for it."""
    scene = Scene("ab")
    scene.deliver()
    for _ in range(5):
        for host in "ab":
            if scene[host].put:
                scene[host].report(WORK_FAIL)
    assert scene.put_counts() == {"a": 1, "b": 1}


@pytest.mark.parametrize("hosts", ["a", "ab", "abc"])
@in_virtual_time
async def test_a_server_where_it_failed_has_another_turn_when_the_time_comes(hosts: str) -> None:
    scene = Scene(hosts)
    scene.deliver()
    for host in hosts:
        scene[host].report(WORK_FAIL)
    assert scene.order() == hosts
    await asyncio.sleep(TIMEOUT_S / (len(hosts) + 1) + 0.01)
    assert scene.put_counts() == {**dict.fromkeys(hosts, 1), "a": 2}
    scene["a"].report(WORK_COMPLETE)
    assert scene.done_count == 1


@in_virtual_time
async def test_a_server_that_comes_up_has_its_turn() -> None:
    scene = Scene(down="abc")
    scene.deliver()
    await asyncio.sleep(TIMEOUT_S * 5)
    assert scene.order() == ""
    scene["b"].is_up = True
    await asyncio.sleep(TIMEOUT_S / 4 + 0.01)
    assert scene.order() == "b"


@in_virtual_time
async def test_a_server_that_was_lost_and_is_back_has_another_turn() -> None:
    scene = Scene("a")
    scene.deliver()
    scene["a"].lose()
    scene["a"].is_up = True
    await asyncio.sleep(TIMEOUT_S)
    assert scene.put_counts() == {"a": 2}


@in_virtual_time
async def test_without_servers_nothing_happens() -> None:
    scene = Scene("")
    stop = scene.deliver()
    await asyncio.sleep(TIMEOUT_S * 5)
    stop()
    assert scene.done_count == 0


@in_virtual_time
async def test_a_completion_ends_it_and_is_told_once() -> None:
    scene = Scene()
    scene.deliver()
    await asyncio.sleep(TIMEOUT_S / 4 + 0.01)
    scene["a"].report(WORK_COMPLETE)  # the first server's worker was slow
    assert scene.done_count == 1
    scene["b"].report(WORK_COMPLETE)
    await asyncio.sleep(60)
    assert scene.done_count == 1
    assert scene.order() == "ab"


@pytest.mark.parametrize("kind", [WORK_STATUS, WORK_DATA, WORK_WARNING])
@in_virtual_time
async def test_what_is_no_end_is_passed_over(kind: int) -> None:
    scene = Scene()
    scene.deliver()
    scene["a"].put[0][0].confirmed(1, 1)
    scene["a"].report(kind)
    assert (scene.order(), scene.done_count) == ("a", 0)
    scene["a"].report(WORK_COMPLETE)
    assert scene.done_count == 1


@in_virtual_time
async def test_a_second_end_on_one_server_counts_nothing() -> None:
    scene = Scene("ab")
    scene.deliver()
    scene["a"].report(WORK_FAIL)
    scene["a"].report(WORK_COMPLETE)
    assert scene.done_count == 0


@in_virtual_time
async def test_after_the_stop_nothing_is_tried_any_more_and_nothing_told() -> None:
    scene = Scene()
    stop = scene.deliver()
    stop()
    await asyncio.sleep(60)
    assert scene.order() == "a"
    scene["a"].report(WORK_COMPLETE)
    assert scene.done_count == 0


@pytest.mark.parametrize("trouble", TROUBLES)
@in_virtual_time
async def test_trouble_after_the_stop_starts_nothing(trouble: str) -> None:
    scene = Scene()
    scene.deliver()()
    TROUBLES[trouble](scene["a"])
    await asyncio.sleep(60)
    assert scene.order() == "a"


@in_virtual_time
async def test_trouble_after_the_completion_starts_nothing() -> None:
    scene = Scene()
    scene.deliver()
    await asyncio.sleep(TIMEOUT_S / 4 + 0.01)
    scene["a"].report(WORK_COMPLETE)
    scene["b"].lose()
    assert scene.order() == "ab"


@in_virtual_time
async def test_messages_know_nothing_of_each_other() -> None:
    scene = Scene("ab")
    scene.deliver("a")
    stop = scene.deliver("a")
    assert scene.put_counts() == {"a": 2, "b": 0}
    scene["a"].report(WORK_FAIL, 0)
    assert scene.put_counts() == {"a": 2, "b": 1}
    stop()
    scene["b"].report(WORK_COMPLETE)
    scene["a"].report(WORK_COMPLETE, 1)
    await let_run()
    assert scene.done_count == 1
