"""Answers of receivers, passed on to a publisher that asked for them."""

import base64
from typing import Any

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Job, Kind


def test_every_receivers_answer_comes_as_one_line_of_json(stage: Stage) -> None:
    stage.subscribe("bob", "eve")
    handle = stage.start(results=True)
    for client_id, job in stage.take(2).items():
        stage.receiver.complete(job.handle, f"I am {client_id}: Grüße".encode())
    answer = stage.client.finish(handle)
    assert sorted(answer.results, key=lambda result: result["client_id"]) == [
        {"client_id": "bob", "status": "complete", "data": "I am bob: Grüße"},
        {"client_id": "eve", "status": "complete", "data": "I am eve: Grüße"},
    ]
    assert answer.count == 2


def test_an_answer_is_passed_on_before_the_last_receiver_is_done(stage: Stage) -> None:
    stage.subscribe("bob", "eve")
    handle = stage.start(results=True)
    jobs = stage.take(2)
    stage.receiver.complete(jobs["bob"].handle, b"one")
    assert b'"bob"' in stage.client.wait_for(handle, Kind.WORK_DATA)
    stage.receiver.complete(jobs["eve"].handle, b"two")
    assert [result["client_id"] for result in stage.client.finish(handle).results] == ["bob", "eve"]


@pytest.mark.parametrize("data", [b"\xff\xfe", b"\xc3", bytes(range(256))], ids=ascii)
def test_an_answer_that_is_no_text_comes_as_base64(stage: Stage, data: bytes) -> None:
    (result,) = _ask_bob(stage, lambda job: stage.receiver.complete(job.handle, data))
    encoded = base64.b64encode(data).decode()
    assert result == {"client_id": "bob", "status": "complete", "data": encoded, "encoding": "base64"}


@pytest.mark.parametrize("data", [b"", b'a\0b\n"', "世界".encode()], ids=ascii)
def test_an_answer_that_is_text_comes_as_it_is(stage: Stage, data: bytes) -> None:
    (result,) = _ask_bob(stage, lambda job: stage.receiver.complete(job.handle, data))
    assert result == {"client_id": "bob", "status": "complete", "data": data.decode()}


def test_pieces_that_a_receiver_sent_before_are_part_of_its_answer(stage: Stage) -> None:
    def answer(job: Job) -> None:
        for piece in (b"one ", "ü"[:1].encode()[:1], "ü".encode()[1:], b" \0 two "):
            stage.receiver.report(job, Kind.WORK_DATA, piece)
        stage.receiver.complete(job.handle, b"end")

    (result,) = _ask_bob(stage, answer)
    assert result["data"] == "one ü \0 two end"


def test_the_pieces_of_two_receivers_do_not_mix(stage: Stage) -> None:
    stage.subscribe("bob", "eve")
    handle = stage.start(results=True)
    jobs = stage.take(2)
    for number in range(3):
        for client_id, job in jobs.items():
            stage.receiver.report(job, Kind.WORK_DATA, f"{client_id}{number} ".encode())
    for job in jobs.values():
        stage.receiver.complete(job.handle)
    results = stage.client.finish(handle).results
    assert {result["client_id"]: result["data"] for result in results} == {
        "bob": "bob0 bob1 bob2 ",
        "eve": "eve0 eve1 eve2 ",
    }


def test_failures_exceptions_and_timeouts_are_told_too(stage: Stage) -> None:
    answer = _ask_four(stage, results=True)
    assert {result["client_id"]: (result["status"], result["data"]) for result in answer.results} == {
        "ann": ("complete", "fine"),
        "bob": ("failed", "half"),
        "dan": ("exception", "no"),
        "eve": ("timeout", ""),
    }
    assert set(answer.failures) == {"bob", "dan", "eve"}


def test_failures_alone_can_be_asked_for(stage: Stage) -> None:
    answer = _ask_four(stage, results="failures")
    statuses = {result["client_id"]: result["status"] for result in answer.results}
    assert statuses == {"bob": "failed", "dan": "exception", "eve": "timeout"}


@pytest.mark.parametrize("results", [{}, {"results": False}, {"results": None}], ids=["absent", "false", "null"])
def test_nobodys_answer_is_told_to_a_publisher_that_did_not_ask(stage: Stage, results: dict[str, Any]) -> None:
    stage.subscribe("bob")
    handle = stage.start(**results)
    job = stage.receiver.take()
    stage.receiver.report(job, Kind.WORK_DATA, b"piece")
    stage.receiver.complete(job.handle, b"data")
    assert stage.client.finish(handle).results == []


def test_an_answer_of_a_mebibyte_is_passed_on_whole(stage: Stage) -> None:
    data = b"0123456789abcdef" * (1 << 16)
    (result,) = _ask_bob(stage, lambda job: stage.receiver.complete(job.handle, data))
    assert result["data"] == data.decode()


def test_a_receiver_that_warns_or_tells_its_progress_has_not_answered(stage: Stage) -> None:
    def answer(job: Job) -> None:
        stage.receiver.report(job, Kind.WORK_WARNING, b"careful")
        stage.receiver.report(job, Kind.WORK_STATUS, b"1", b"2")
        stage.receiver.complete(job.handle, b"done")

    assert _ask_bob(stage, answer) == [{"client_id": "bob", "status": "complete", "data": "done"}]


def _ask_bob(stage: Stage, answer: Any) -> list[dict[str, str]]:
    stage.subscribe("bob")
    handle = stage.start(results=True)
    answer(stage.receiver.take())
    return stage.client.finish(handle).results


def _ask_four(stage: Stage, **keys: Any) -> Any:
    """One completes, one fails half way, one raises, one says nothing."""
    stage.subscribe("ann", "bob", "dan", "eve")
    handle = stage.start(timeout=1, **keys)
    jobs = stage.take(4)
    stage.receiver.complete(jobs["ann"].handle, b"fine")
    stage.receiver.report(jobs["bob"], Kind.WORK_DATA, b"half")
    stage.receiver.fail(jobs["bob"])
    stage.receiver.report(jobs["dan"], Kind.WORK_EXCEPTION, b"no")
    return stage.client.finish(handle)
