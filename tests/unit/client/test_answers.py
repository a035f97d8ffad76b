import json

import pytest

from gearhorn.bodies import render_failures, render_result
from gearhorn.client.answers import (
    Failure,
    ReceiverResult,
    Unreadable,
    parse_count,
    parse_failures,
    parse_result,
    refusal,
)
from gearhorn.core.fanout import Failure as ServiceFailure
from gearhorn.errors import BadRequest, Unavailable


@pytest.mark.parametrize(("data", "count"), [(b"0", 0), (b"7", 7), (b"100000", 100_000)])
def test_the_answer_of_a_fanout_is_a_count(data: bytes, count: int) -> None:
    assert parse_count(data) == count


@pytest.mark.parametrize("data", [b"", b"-1", b" 1", b"1\n", b"0x1", b"many", b"\xff"])
def test_an_answer_that_is_no_count_is_not_the_services(data: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_count(data)


def test_failures_are_read_as_the_service_writes_them() -> None:
    written = render_failures(
        [ServiceFailure(b"bob", 'exception: it\'s "full"'), ServiceFailure("zoë".encode(), "failed")]
    )
    assert parse_failures(written) == (Failure("bob", 'exception: it\'s "full"'), Failure("zoë", "failed"))


@pytest.mark.parametrize(
    "text", [b"", b"topic: is empty", b"[not json", b"[1, 2]", b'[["bob"]]', b'{"a": 1}', b"\xff", b"[" * 100_000]
)
def test_what_is_no_list_of_failures_is_left_to_be_read_as_a_refusal(text: bytes) -> None:
    assert parse_failures(text) is None


@pytest.mark.parametrize("data", [b"", b"done", "gelöscht".encode(), b"\0\xff", b"a\nb"])
def test_a_result_is_read_as_the_service_writes_it(data: bytes) -> None:
    assert parse_result(render_result(b"bob", "complete", data)) == ReceiverResult("bob", "complete", data)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b'{"client_id": "bob", "status": "complete"}',
        b'{"client_id": "bob", "status": "complete", "data": 1}',
        b'{"client_id": "bob", "status": "complete", "data": "###", "encoding": "base64"}',
        b'{"status": "complete", "data": ""}',
    ],
)
def test_a_result_that_cannot_be_read_is_not_the_services(line: bytes) -> None:
    with pytest.raises(Unreadable):
        parse_result(line)


def test_keys_that_a_newer_service_adds_to_a_result_are_ignored() -> None:
    line = json.dumps({"client_id": "bob", "status": "complete", "data": "x", "took_s": 1}).encode()
    assert parse_result(line) == ReceiverResult("bob", "complete", b"x")


def test_a_refusal_that_names_a_key_is_the_callers_fault() -> None:
    error = refusal("client_id: the queue 'a_b' is taken: see there")
    assert isinstance(error, BadRequest)
    assert (error.key, error.reason) == ("client_id", "the queue 'a_b' is taken: see there")


@pytest.mark.parametrize(
    "text",
    ["the store cannot be reached: timed out", "the service has a bug: its log tells more", "no", "Topic: x", ": x"],
)
def test_a_refusal_that_names_no_key_is_trouble_of_the_service(text: str) -> None:
    error = refusal(text)
    assert isinstance(error, Unavailable)
    assert str(error) == text


@pytest.mark.parametrize(
    "text",
    [
        "the job has 2097153 bytes, more than 2097152",
        "the job is not JSON that can be read: it is nested more than 512 deep",
        "the job is not UTF-8: byte 0 is 0xff",
    ],
)
def test_a_refusal_of_the_whole_job_is_the_callers_fault(text: str) -> None:
    error = refusal(text)
    assert isinstance(error, BadRequest)
    assert (error.key, str(error)) == ("", text)


def test_an_answer_that_was_cut_says_so() -> None:
    line = render_result(b"bob", "complete", "xü".encode()[:2], is_truncated=True)
    assert json.loads(line) == {"client_id": "bob", "status": "complete", "truncated": True, "data": "x"}
    assert parse_result(line) == ReceiverResult("bob", "complete", b"x", is_truncated=True)


def test_a_refusal_without_a_word_says_so() -> None:
    assert "did not say why" in str(refusal(""))
