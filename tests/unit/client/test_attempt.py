"""One submit from its packets to its ending, without a server."""

import pytest

from gearhorn.client.attempt import Answer, Attempt, Caller, Deaf
from gearhorn.errors import ServerUnavailable
from gearhorn.wire import packets


class Ears(Deaf):
    def __init__(self) -> None:
        self.begun_count = 0
        self.words: list[tuple[int, bytes]] = []

    def began(self) -> None:
        self.begun_count += 1

    def heard(self, kind: int, data: bytes) -> None:
        self.words.append((kind, data))


class Touchy(Deaf):
    def heard(self, kind: int, data: bytes) -> None:
        raise LookupError("not this")


async def attempt_with(ears: Deaf) -> Attempt:
    return Attempt(Caller(ears, lambda: None))


@pytest.mark.parametrize(
    ("kind", "data", "answer"),
    [
        (packets.WORK_COMPLETE, b"3", Answer(True, b"3")),
        (packets.WORK_EXCEPTION, b"topic: no", Answer(False, b"topic: no")),
        (packets.WORK_FAIL, b"", packets.WORK_FAIL),
    ],
)
async def test_an_ending_is_the_answer(kind: int, data: bytes, answer: object) -> None:
    attempt = await attempt_with(Deaf())
    attempt.reported(0, kind, data)
    assert await attempt.ended == answer


async def test_a_failure_after_a_warning_says_what_the_warning_said() -> None:
    attempt = await attempt_with(Deaf())
    attempt.reported(0, packets.WORK_WARNING, b"topic: no")
    attempt.reported(0, packets.WORK_FAIL, b"")
    assert await attempt.ended == Answer(False, b"topic: no")


async def test_a_second_ending_changes_nothing() -> None:
    attempt = await attempt_with(Deaf())
    attempt.reported(0, packets.WORK_EXCEPTION, b"first")
    attempt.reported(0, packets.WORK_FAIL, b"")
    attempt.lost([0])
    attempt.refused(0, "late")
    assert await attempt.ended == Answer(False, b"first")


async def test_a_job_that_is_lost_with_its_connection_has_no_answer() -> None:
    attempt = await attempt_with(Deaf())
    attempt.lost([0])
    assert await attempt.ended is None


async def test_a_refused_job_is_an_error_that_says_why() -> None:
    attempt = await attempt_with(Deaf())
    attempt.refused(0, "QUEUE_ERROR Job queue is full")
    with pytest.raises(ServerUnavailable, match="Job queue is full"):
        await attempt.ended


async def test_who_has_gone_is_told_nothing_more() -> None:
    ears = Ears()
    attempt = await attempt_with(ears)
    attempt.ended.cancel()
    attempt.reported(0, packets.WORK_STATUS, b"1\x002")
    attempt.reported(0, packets.WORK_COMPLETE, b"2")
    attempt.lost([0])
    assert ears.words == []


async def test_each_attempt_begins_anew() -> None:
    ears = Ears()
    await attempt_with(ears)
    await attempt_with(ears)
    assert ears.begun_count == 2


async def test_an_ear_that_raises_ends_the_waiting_with_that_and_spares_the_link() -> None:
    attempt = await attempt_with(Touchy())
    attempt.reported(0, packets.WORK_DATA, b"")
    with pytest.raises(LookupError, match="not this"):
        await attempt.ended


async def test_only_the_first_word_of_all_attempts_is_the_first() -> None:
    ears, firsts = Ears(), []
    caller = Caller(ears, lambda: firsts.append(len(ears.words)))
    first, second = Attempt(caller), Attempt(caller)
    assert firsts == []
    first.reported(0, packets.WORK_STATUS, b"0\x002")
    first.reported(0, packets.WORK_STATUS, b"1\x002")
    second.reported(0, packets.WORK_STATUS, b"0\x002")
    assert firsts == [0]
    assert len(ears.words) == 3
