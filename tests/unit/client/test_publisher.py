"""What the publisher asks the service, and what it makes of the answers. The service is a stand-in, no network."""

from collections.abc import Callable
from typing import Any

import pytest

from gearhorn.bodies import FanoutRequest, parse_fanout, parse_subscription
from gearhorn.client.answers import Failure, ReceiverResult, Unreadable
from gearhorn.client.attempt import Answer, Hearing
from gearhorn.client.publisher import Publisher, PublishResult
from gearhorn.client.signatures import Body
from gearhorn.errors import BadRequest, Misconfigured, Unavailable
from gearhorn.names import OwnQueues
from gearhorn.wire import packets

BOB = b'{"client_id":"bob","status":"complete","data":"fine"}\n'


class StandIn:
    """Notes what it is asked; says `words` to the caller and gives `answer`."""

    def __init__(self, answer: Answer, words: Callable[[Hearing], None]) -> None:
        self.answer = answer
        self.words = words
        self.queue = ""
        self.body = b""
        self.limits_s: tuple[float, ...] = ()

    async def ask(self, queue: str, body: Body, limit_s: float, rest_limit_s: float, hearing: Hearing) -> Answer:
        self.queue, self.body, self.limits_s = queue, body(), (limit_s, rest_limit_s)
        hearing.began()
        self.words(hearing)
        return self.answer

    async def do(self, queue: str, body: Body, limit_s: float) -> None:
        self.queue, self.body, self.limits_s = queue, body(), (limit_s,)

    @property
    def request(self) -> FanoutRequest:
        return parse_fanout(self.body)


def publisher_on(
    answer: Answer, *words: tuple[int, bytes], queues: OwnQueues | None = None
) -> tuple[Publisher, StandIn]:
    def say(hearing: Hearing) -> None:
        for kind, data in words:
            hearing.heard(kind, data)

    publisher = Publisher("127.0.0.1:4730", queues=queues or OwnQueues())
    service = publisher._service = StandIn(answer, say)  # type: ignore[assignment]
    return publisher, service


def completed(count: int) -> Answer:
    return Answer(True, b"%d" % count)


async def test_every_option_reaches_the_service() -> None:
    publisher, service = publisher_on(completed(3))
    await publisher.publish(
        "news",
        b"\xff\0",
        wait=True,
        timeout=2.5,
        unique="key",
        priority="high",
        exclude=["alice"],
        expires=1e9,
        results="failures",
    )
    assert service.request == FanoutRequest(
        topic="news",
        payload=b"\xff\0",
        unique=b"key",
        background=False,
        timeout_s=2.5,
        priority="high",
        exclude=frozenset({b"alice"}),
        expires_at=1e9,
        results="failures",
    )


async def test_without_wait_nobody_waits_for_receivers() -> None:
    publisher, service = publisher_on(completed(3))
    assert await publisher.publish("news", "hello") == PublishResult(3)
    assert service.request.background
    assert service.request.timeout_s is None


async def test_with_wait_the_service_is_told_how_long() -> None:
    publisher, service = publisher_on(completed(3))
    await publisher.publish("news", "hello", wait=True)
    assert not service.request.background
    assert service.request.timeout_s == 30


@pytest.mark.parametrize(
    ("options", "limits_s"),
    [
        ({}, (40, 50)),
        ({"timeout": 2}, (2, 12)),
        ({"wait": True}, (40, 40)),
        ({"wait": True, "timeout": 2}, (2, 12)),
        ({"wait": True, "timeout": 600}, (600, 610)),
    ],
)
async def test_the_service_has_time_to_begin_and_then_the_receivers_time_and_some_more(
    options: dict[str, Any], limits_s: tuple[float, float]
) -> None:
    publisher, service = publisher_on(completed(3))
    await publisher.publish("news", "hello", **options)
    assert service.limits_s == limits_s


async def test_queues_may_have_other_names() -> None:
    publisher, service = publisher_on(completed(3), queues=OwnQueues(("sub",), "unsub", "spread"))
    await publisher.publish("news", "hello")
    assert service.queue == "spread"
    await publisher.subscribe("news", "bob", 60)
    assert service.queue == "sub"
    await publisher.unsubscribe("news", "bob")
    assert service.queue == "unsub"
    with pytest.raises(BadRequest, match="belongs to the service"):
        await publisher.subscribe("sub.x", "bob")


async def test_a_subscription_is_asked_for_with_its_ttl() -> None:
    publisher, service = publisher_on(completed(0))
    await publisher.subscribe("news", "bob", 60, timeout=3)
    request = parse_subscription(service.body)
    assert (request.topic, request.client_id, request.ttl_s) == ("news", "bob", 60)
    assert service.limits_s == (3,)


async def test_progress_is_told_as_it_comes() -> None:
    seen: list[tuple[int, int]] = []
    words = [(packets.WORK_STATUS, b"0\x0012"), (packets.WORK_STATUS, b"7\x0012")]
    publisher, _ = publisher_on(completed(12), *words)
    await publisher.publish("news", "hello", wait=True, on_progress=lambda *counts: seen.append(counts))
    assert seen == [(0, 12), (7, 12)]


async def test_results_are_gathered() -> None:
    publisher, _ = publisher_on(completed(1), (packets.WORK_DATA, BOB))
    result = await publisher.publish("news", "hello", wait=True, results=True)
    assert result.results == (ReceiverResult("bob", "complete", b"fine"),)


async def test_results_go_to_the_function_that_wants_them() -> None:
    seen: list[ReceiverResult] = []
    publisher, _ = publisher_on(completed(1), (packets.WORK_DATA, BOB))
    result = await publisher.publish("news", "hello", wait=True, results=True, on_result=seen.append)
    assert (result.results, seen) == ((), [ReceiverResult("bob", "complete", b"fine")])


async def test_results_of_a_lost_attempt_are_forgotten() -> None:
    publisher, service = publisher_on(completed(1))

    def lost_and_begun_again(hearing: Hearing) -> None:
        hearing.heard(packets.WORK_DATA, BOB)
        hearing.began()
        hearing.heard(packets.WORK_DATA, BOB)

    service.words = lost_and_begun_again
    result = await publisher.publish("news", "hello", wait=True, results=True)
    assert len(result.results) == 1


async def test_failures_are_a_result_and_tell_how_many_went_well() -> None:
    answer = Answer(False, b'[["bob","timeout"],["zed","exception: no"]]')
    publisher, _ = publisher_on(answer, (packets.WORK_STATUS, b"12\x0012"))
    result = await publisher.publish("news", "hello", wait=True)
    assert result.failures == (Failure("bob", "timeout"), Failure("zed", "exception: no"))
    assert (result.receivers_done, result.receivers) == (10, 12)


async def test_nobody_subscribed_is_a_result() -> None:
    publisher, _ = publisher_on(completed(0))
    assert (await publisher.publish("news", "hello")).receivers == 0


async def test_a_refusal_is_raised_with_the_services_words() -> None:
    publisher, _ = publisher_on(Answer(False, b"topic: is not liked"))
    with pytest.raises(BadRequest, match="topic: is not liked"):
        await publisher.publish("news", "hello")


async def test_trouble_of_the_service_is_raised_with_its_words() -> None:
    publisher, _ = publisher_on(Answer(False, b"the store cannot be reached: refused"))
    with pytest.raises(Unavailable, match="the store cannot be reached"):
        await publisher.publish("news", "hello")


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (Answer(True, b"thanks"), []),
        (Answer(True, b"1"), [(packets.WORK_DATA, b"thanks")]),
        (Answer(True, b"1"), [(packets.WORK_STATUS, b"a\0b")]),
        (Answer(True, b"1"), [(packets.WORK_STATUS, b"")]),
    ],
)
async def test_something_else_on_the_queue_is_told_from_the_service(
    answer: Answer, words: list[tuple[int, bytes]]
) -> None:
    publisher, _ = publisher_on(answer, *words)
    with pytest.raises(Unreadable):
        await publisher.publish("news", "hello", wait=True, on_progress=lambda *_: None)


async def test_packets_of_other_kinds_mean_nothing() -> None:
    publisher, _ = publisher_on(completed(1), (packets.WORK_WARNING, b"hm"))
    assert await publisher.publish("news", "hello", wait=True) == PublishResult(1)


@pytest.mark.parametrize(
    ("topic", "options", "key"),
    [
        ("", {}, "topic"),
        ("a\nb", {}, "topic"),
        ("__own", {}, "topic"),
        ("news", {"timeout": 0}, "timeout"),
        ("news", {"timeout": -1, "wait": True}, "timeout"),
        ("news", {"priority": "highest"}, "priority"),
        ("news", {"unique": "x" * 64}, "unique"),
        ("news", {"exclude": "bob"}, "exclude"),
        ("news", {"expires": float("nan")}, "expires"),
        ("news", {"results": "some", "wait": True}, "results"),
        ("news", {"results": True}, "results"),
    ],
)
async def test_what_the_service_would_refuse_is_not_even_sent(topic: str, options: dict[str, Any], key: str) -> None:
    publisher, service = publisher_on(completed(1))
    with pytest.raises(BadRequest) as caught:
        await publisher.publish(topic, "hello", **options)
    assert caught.value.key == key
    assert service.body == b""


@pytest.mark.parametrize("servers", ["", [], "host:port", ["localhost", ":4730"]])
def test_addresses_that_are_none_are_refused(servers: Any) -> None:
    with pytest.raises(Misconfigured):
        Publisher(servers)


async def test_a_publisher_outside_its_block_says_what_is_missing() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Publisher("127.0.0.1:4730").publish("news", "hello")
