"""What a receiver answers, however much it is, costs the worker no more than it may."""

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind, packet
from tests.functional.limits.conftest import MIB, forget_peak, peak_bytes

PIECE = bytes(range(128)) * (MIB // 128)
PIECE_COUNT = 200
ANSWER_LIMIT_BYTES = 4096


def test_an_answer_over_the_limit_is_cut_and_marked(stage: Stage) -> None:
    stage.subscribe("bob")
    handle = stage.start(results=True)
    stage.receiver.complete(stage.take(1)["bob"].handle, "ü".encode() * 3000)
    (result,) = stage.client.finish(handle).results
    assert result == {"client_id": "bob", "status": "complete", "data": "ü" * 2048, "truncated": True}


def test_an_answer_at_the_limit_is_whole(stage: Stage) -> None:
    stage.subscribe("bob")
    handle = stage.start(results=True)
    stage.receiver.complete(stage.take(1)["bob"].handle, b"x" * ANSWER_LIMIT_BYTES)
    (result,) = stage.client.finish(handle).results
    assert result == {"client_id": "bob", "status": "complete", "data": "x" * ANSWER_LIMIT_BYTES}


def test_half_a_character_is_left_out_where_text_is_cut(stage: Stage) -> None:
    stage.subscribe("bob")
    handle = stage.start(results=True)
    stage.receiver.complete(stage.take(1)["bob"].handle, b"x" + "ü".encode() * 3000)
    (result,) = stage.client.finish(handle).results
    assert result["data"] == "x" + "ü" * 2047


def test_giant_answers_in_pieces_and_in_one_cost_no_memory(gearmand_stage: Stage) -> None:
    stage = gearmand_stage
    stage.subscribe("bob", "eve", "ann")
    handle = stage.start(results=True, timeout=100)
    jobs = stage.take(3)
    before = forget_peak(stage)
    for _ in range(PIECE_COUNT):
        stage.receiver.send(packet(Kind.WORK_DATA, jobs["bob"].handle, PIECE))
    stage.receiver.complete(jobs["bob"].handle, b"end")
    stage.receiver.complete(jobs["eve"].handle, PIECE * PIECE_COUNT)
    stage.receiver.report(jobs["ann"], Kind.WORK_EXCEPTION, PIECE * PIECE_COUNT)
    answer = stage.client.finish(handle)
    results = {result["client_id"]: result for result in answer.results}
    assert {name: result["status"] for name, result in results.items()} == {
        "bob": "complete",
        "eve": "complete",
        "ann": "exception",
    }
    assert all(result["truncated"] is True for result in results.values())
    assert {len(result["data"]) for result in results.values()} == {ANSWER_LIMIT_BYTES}
    assert answer.failures["ann"].startswith("exception: ")
    assert len(answer.failures["ann"]) < 1100
    assert peak_bytes(stage) - before < 20 * MIB


def test_giant_answers_that_nobody_wants_cost_no_memory(gearmand_stage: Stage) -> None:
    stage = gearmand_stage
    stage.subscribe("bob")
    handle = stage.start(timeout=100)
    job = stage.take(1)["bob"]
    before = forget_peak(stage)
    stage.receiver.send(packet(Kind.WORK_WARNING, job.handle, PIECE * 20))
    stage.receiver.complete(job.handle, PIECE * 20)
    assert stage.client.finish(handle).count == 1
    assert peak_bytes(stage) - before < 10 * MIB
    assert "is gone" not in stage.service.worker.log


def test_what_many_receivers_have_said_so_far_is_bounded_together(gearmand_stage: Stage) -> None:
    """3 receivers of each of 200 fanouts say 4 kB each and do not end: of 2.4 MB there is 1 MB."""
    stage = gearmand_stage
    stage.subscribe("bob", "eve", "ann")
    handles = [stage.start(results=True, timeout=100) for _ in range(200)]
    jobs = [stage.receiver.take() for _ in range(600)]
    stage.receiver.send(*(packet(Kind.WORK_DATA, job.handle, b"x" * ANSWER_LIMIT_BYTES) for job in jobs))
    stage.receiver.send(*(packet(Kind.WORK_COMPLETE, job.handle, b"") for job in jobs))
    results = [result for handle in handles for result in stage.client.finish(handle).results]
    assert len(results) == 600
    assert sum(len(result["data"]) for result in results) <= 1 * MIB + 600 * ANSWER_LIMIT_BYTES // 2
    whole = [result for result in results if "truncated" not in result]
    assert all(len(result["data"]) == ANSWER_LIMIT_BYTES for result in whole)
    assert 0 < len(whole) < 600
