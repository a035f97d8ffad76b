"""Each language does what the README promises that any Gearman client can do."""

import pytest

from tests.functional.contract.stage import Stage
from tests.functional.facts.raw import Kind
from tests.functional.interop.program import Program, fail, finish
from tests.servers.process import wait_until

LANGUAGES = ["tool", "php", "perl", "gear"]
ON_GEARMAND = [("gearmand", language) for language in LANGUAGES]

clients = pytest.mark.parametrize(
    "pair", [*ON_GEARMAND, ("geard", "tool"), ("geard", "perl"), ("geard", "gear")], indirect=True, ids="-".join
)
workers = pytest.mark.parametrize("pair", [*ON_GEARMAND, ("geard", "gear")], indirect=True, ids="-".join)

# What geard leaves unanswered, so that these wait for ever, with or without us.
STUCK = [
    ("tool", "receive", "type: UNKNOWN"),  # GRAB_JOB_ALL of libgearman
    ("php", "receive", "type: OPTION_REQ"),
    ("php", "request", "type: OPTION_REQ"),
    ("perl", "receive", "type: GRAB_JOB"),
]

# Those that understand the exceptions, or the warnings, that come with a refusal. The others do not get over the
# failure that gearmand makes of an exception: a NUL too many ends its handle.
listeners = pytest.mark.parametrize(
    "pair", [("gearmand", "php"), ("gearmand", "gear"), ("geard", "gear")], indirect=True, ids="-".join
)

GREETING = "Grüße, 世界"


@clients
def test_subscribes(stage: Stage, program: Program) -> None:
    assert program.request("subscribe_fanout", _pair(stage)) == ""
    assert stage.broadcast() == 1


@clients
def test_unsubscribes(stage: Stage, program: Program) -> None:
    stage.subscribe("bob", "eve")
    assert program.request("unsubscribe_fanout", _pair(stage)) == ""
    assert stage.broadcast() == 1


@clients
def test_publishes_in_the_background(stage: Stage, program: Program) -> None:
    stage.subscribe("bob", "eve")
    body = {"topic": stage.topic, "payload": GREETING, "background": True}
    assert program.request("fanout", body) == "2"
    assert stage.delivered() == {"bob": [GREETING.encode()], "eve": [GREETING.encode()]}


@clients
def test_publishes_by_a_background_job(stage: Stage, program: Program) -> None:
    stage.subscribe("bob")
    program.submit("fanout", {"topic": stage.topic, "payload": GREETING, "background": True})
    assert stage.take(1)["bob"].payload == GREETING.encode()


@clients
def test_publishes_and_waits_for_the_receivers(stage: Stage, program: Program) -> None:
    stage.subscribe("bob", "eve")
    publisher = program.start("request", "fanout", {"topic": stage.topic, "payload": GREETING})
    for job in stage.take(2).values():
        assert job.payload == GREETING.encode()
        stage.receiver.complete(job.handle)
    assert finish(publisher).splitlines()[-1] == "2"


@workers
def test_receives_a_copy_that_nobody_waits_for(stage: Stage, program: Program) -> None:
    stage.subscribe("bob")
    stage.broadcast(payload=GREETING)
    finish(program.start("receive", stage.queue("bob").decode()))
    wait_until(lambda: stage.receiver.counts_of(stage.queue("bob"))[:2] == [0, 0], "the copy to be done with")


@workers
def test_receives_a_copy_and_answers_it(stage: Stage, program: Program) -> None:
    stage.subscribe("bob")
    receiver = program.start("receive", stage.queue("bob").decode())
    answer = stage.publish(payload=GREETING, results=True)
    assert answer.results == [{"client_id": "bob", "status": "complete", "data": f"got {GREETING}"}]
    assert answer.count == 1
    finish(receiver)


@listeners
def test_learns_why_it_was_refused(stage: Stage, program: Program) -> None:
    reason = fail(program.start("request", "subscribe_fanout", {"topic": stage.topic}))
    assert reason.strip() == "client_id: is missing"


@listeners
def test_learns_who_failed(stage: Stage, program: Program) -> None:
    stage.subscribe("bob", "eve")
    publisher = program.start("request", "fanout", {"topic": stage.topic, "payload": GREETING})
    jobs = stage.take(2)
    stage.receiver.complete(jobs["eve"].handle)
    stage.receiver.report(jobs["bob"], Kind.WORK_FAIL)
    assert fail(publisher).strip() == '[["bob","failed"]]'


@pytest.mark.parametrize(
    ("pair", "command", "packet"),
    [(("geard", language), command, packet) for language, command, packet in STUCK],
    indirect=["pair"],
    ids=[f"{language}-{command}" for language, command, _ in STUCK],
)
def test_waits_for_an_answer_that_geard_never_gives(stage: Stage, program: Program, command: str, packet: str) -> None:
    stage.subscribe("bob")
    stage.broadcast()
    seen = stage.server.log.count(packet)
    process = program.start(command, stage.queue("bob").decode(), {} if command == "request" else None)
    wait_until(lambda: stage.server.log.count(packet) > seen, "geard to complain")
    assert stage.delivered() == {"bob": [b"hello"]}
    assert process.poll() is None


def _pair(stage: Stage) -> dict[str, str]:
    return {"topic": stage.topic, "client_id": "bob"}
