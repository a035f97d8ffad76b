"""Whoever waits for a shipment hears of its end once, and of every receiver's answer if wanted."""

import sys
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.fanout import Failure, FanoutRun, Portion
from gearhorn.core.gathering import Answer, Gathering
from gearhorn.core.members import Members
from gearhorn.net.shipment import REASON_LIMIT_CHARACTERS, REASONS_LIMIT_CHARACTERS, Shipment
from gearhorn.wire.copies import CopyEncoder

WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION = 13, 14, 25


class Sent:
    """A shipment to these members in one portion, and what was heard of it."""

    def __init__(self, *ids: bytes, foreground: bool = True, wants_answers: bool = True) -> None:
        members = Members.of(ids)
        self.settled_count = 0
        self.answers: list[tuple[bytes, str, bytes]] = []
        self.answers_when_settled = -1
        self.run = FanoutRun(len(members), foreground=foreground)
        self.shipment = Shipment(
            self.run,
            CopyEncoder(18, b"t_", b"", b"payload"),
            b"t_",
            self._settled,
            self._answered if wants_answers else None,
        )
        self.portion: Portion = self.run.add_portion(members)

    def _answered(self, client_id: bytes, status: str, answer: Answer) -> None:
        self.answers.append((client_id, status, answer.join()))

    def _settled(self) -> None:
        self.settled_count += 1
        self.answers_when_settled = len(self.answers)

    def end(self, position: int, kind: int, data: bytes = b"") -> None:
        self.shipment.end(self.portion, position, kind, data)
        self.shipment.check()


def test_the_end_is_told_once() -> None:
    sent = Sent(b"a")
    sent.shipment.check()
    assert sent.settled_count == 0
    sent.end(0, WORK_COMPLETE)
    for _ in range(3):
        sent.shipment.check()
    assert sent.settled_count == 1


def test_a_listener_that_looks_again_is_not_told_again() -> None:
    sent = Sent(b"a")
    tell = sent.shipment.on_settled
    sent.shipment.on_settled = lambda: (tell(), sent.shipment.check())  # type: ignore[assignment]
    sent.end(0, WORK_COMPLETE)
    assert sent.settled_count == 1


def test_a_shipment_for_nobody_ends_at_the_first_look() -> None:
    sent = Sent()
    sent.shipment.check()
    assert sent.settled_count == 1


def test_each_ending_is_an_answer_with_its_status() -> None:
    sent = Sent(b"a", b"b", b"c")
    sent.end(1, WORK_FAIL)
    sent.end(0, WORK_COMPLETE, b"fine")
    sent.end(2, WORK_EXCEPTION, b"no \xff way")
    assert sent.answers == [(b"b", "failed", b""), (b"a", "complete", b"fine"), (b"c", "exception", b"no \xff way")]
    assert sent.run.failures == [Failure(b"b", "failed"), Failure(b"c", "exception: no \ufffd way")]
    assert sent.settled_count == 1


def test_the_last_answer_comes_before_the_end() -> None:
    sent = Sent(b"a")
    sent.end(0, WORK_COMPLETE, b"fine")
    assert sent.answers_when_settled == 1


def test_pieces_of_an_answer_come_before_its_end() -> None:
    sent = Sent(b"a", b"b")
    sent.shipment.collect(sent.portion, 0, b"one, ")
    sent.shipment.collect(sent.portion, 1, b"other")
    sent.shipment.collect(sent.portion, 0, b"two, ")
    sent.end(0, WORK_COMPLETE, b"three")
    assert sent.answers == [(b"a", "complete", b"one, two, three")]


def test_pieces_are_kept_apart_by_portion() -> None:
    sent = Sent(b"a", b"b")
    other = sent.run.add_portion(sent.run.reopen(sent.portion, [1]))
    sent.shipment.collect(sent.portion, 0, b"a's ")
    sent.shipment.collect(other, 0, b"b's ")
    sent.shipment.end(other, 0, WORK_COMPLETE, b"end")
    assert sent.answers == [(b"b", "complete", b"b's end")]


@pytest.mark.parametrize("kind", [WORK_COMPLETE, WORK_FAIL, WORK_EXCEPTION])
def test_a_second_ending_is_no_second_answer(kind: int) -> None:
    sent = Sent(b"a", b"b")
    sent.end(0, WORK_COMPLETE, b"first")
    sent.end(0, kind, b"second")
    assert sent.answers == [(b"a", "complete", b"first")]
    assert sent.run.failures == []


def test_without_a_listener_answers_are_dropped_as_they_come() -> None:
    sent, data = Sent(b"a", wants_answers=False), bytes(1000)
    references = sys.getrefcount(data)
    sent.shipment.collect(sent.portion, 0, data)
    assert sys.getrefcount(data) == references
    sent.end(0, WORK_COMPLETE, b"data")
    assert sent.answers == []
    assert sent.settled_count == 1


def test_an_exceptions_text_is_cut_in_the_reason_and_whole_in_the_answer() -> None:
    sent = Sent(b"a")
    text = "ü" * (REASON_LIMIT_CHARACTERS + 50)
    sent.end(0, WORK_EXCEPTION, text.encode())
    ((_, reason),) = sent.run.failures
    assert reason == "exception: " + "ü" * REASON_LIMIT_CHARACTERS
    assert sent.answers[0][2] == text.encode()


def test_the_reasons_of_one_fanout_are_bounded_together() -> None:
    count = REASONS_LIMIT_CHARACTERS // REASON_LIMIT_CHARACTERS + 5
    sent = Sent(*(b"%05d" % number for number in range(count)), wants_answers=False)
    for position in range(count):
        sent.end(position, WORK_EXCEPTION, b"x" * 5000)
    reasons = [failure.reason for failure in sent.run.failures]
    assert reasons[:-5] == ["exception: " + "x" * REASON_LIMIT_CHARACTERS] * (count - 5)
    assert set(reasons[-5:]) == {"exception: (no room for the text of yet another exception)"}


def test_pieces_of_a_shipment_that_is_over_are_held_no_more() -> None:
    sent, gathering = Sent(b"a", b"b"), Gathering(100, 100)
    sent.shipment.gathering = gathering
    sent.shipment.collect(sent.portion, 0, b"piece")
    sent.shipment.collect(sent.portion, 1, b"piece")
    sent.end(0, WORK_COMPLETE)
    assert gathering.held_bytes == 5
    sent.shipment.time_out()
    assert gathering.held_bytes == 0


def test_time_that_is_up_answers_for_those_who_were_waited_for_and_then_ends() -> None:
    sent = Sent(b"a", b"b", b"c")
    sent.run.confirm(sent.portion, 0, 2)
    sent.end(0, WORK_COMPLETE, b"fine")
    sent.shipment.time_out()
    assert sent.answers == [(b"a", "complete", b"fine"), (b"b", "timeout", b"")]
    assert (sent.settled_count, sent.answers_when_settled) == (1, 2)
    assert [failure.client_id for failure in sent.run.failures] == [b"b", b"c"]


def test_nothing_is_heard_after_the_end() -> None:
    sent = Sent(b"a", b"b")
    sent.run.confirm(sent.portion, 0, 2)
    sent.shipment.time_out()
    heard = list(sent.answers)
    sent.shipment.collect(sent.portion, 0, b"late")
    sent.end(0, WORK_COMPLETE, b"late")
    sent.shipment.time_out()
    assert sent.answers == heard
    assert sent.settled_count == 1


def test_a_shipment_that_is_over_lets_go_of_its_payload() -> None:
    sent = Sent(b"a")
    before = sent.shipment.encoder.size_bytes(1)
    sent.end(0, WORK_COMPLETE)
    assert sent.shipment.encoder.size_bytes(1) == before - len(b"t_") - len(b"payload")


@pytest.mark.parametrize("foreground", [True, False])
def test_giving_up_fails_a_portion_that_no_server_got(foreground: bool) -> None:
    sent = Sent(b"a", b"b", foreground=foreground)
    sent.shipment.give_up(sent.portion, "all are down")
    assert sent.run.failures == [Failure(b"a", "not sent: all are down"), Failure(b"b", "not sent: all are down")]
    assert sent.settled_count == 1


def test_giving_up_after_the_time_was_up_says_nothing_again() -> None:
    sent = Sent(b"a", b"b")
    sent.shipment.time_out()
    sent.shipment.give_up(sent.portion, "all are down")
    assert len(sent.run.failures) == 2
    assert sent.settled_count == 1


steps = st.lists(
    st.tuples(st.sampled_from(["complete", "fail", "except", "confirm", "collect", "time out"]), st.integers(0, 3)),
    max_size=20,
)


@given(steps)
def test_the_end_is_told_exactly_when_nothing_is_open_any_more(history: list[tuple[str, int]]) -> None:
    sent = Sent(b"a", b"b", b"c", b"d")
    acts: dict[str, Callable[[int], None]] = {
        "complete": lambda position: sent.end(position, WORK_COMPLETE),
        "fail": lambda position: sent.end(position, WORK_FAIL),
        "except": lambda position: sent.end(position, WORK_EXCEPTION),
        "confirm": lambda position: sent.run.confirm(sent.portion, position, 1),
        "collect": lambda position: sent.shipment.collect(sent.portion, position, b"x"),
        "time out": lambda _: sent.shipment.time_out(),
    }
    for act, position in history:
        acts[act](position)
        assert sent.settled_count == sent.run.is_settled
    ended = [client_id for client_id, _, _ in sent.answers]
    assert len(ended) == len(set(ended))
