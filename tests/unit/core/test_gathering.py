"""What is gathered of receivers' answers never grows above its limits, and is let go of in full."""

from hypothesis import given
from hypothesis import strategies as st

from gearhorn.core.gathering import Answer, Gathering

ANSWER_LIMIT, TOTAL_LIMIT = 10, 25


def test_an_answer_within_the_limit_is_whole() -> None:
    gathering, answer = Gathering(ANSWER_LIMIT, TOTAL_LIMIT), Answer()
    gathering.add(answer, b"12345")
    gathering.finish(answer, b"67890")
    assert (answer.join(), answer.is_cut, gathering.held_bytes) == (b"1234567890", False, 0)


def test_an_answer_over_the_limit_keeps_its_beginning() -> None:
    gathering, answer = Gathering(ANSWER_LIMIT, TOTAL_LIMIT), Answer()
    gathering.add(answer, b"12345678")
    gathering.finish(answer, b"90 and more")
    assert (answer.join(), answer.is_cut) == (b"1234567890", True)


def test_all_together_are_held_to_their_limit() -> None:
    gathering, answers = Gathering(ANSWER_LIMIT, TOTAL_LIMIT), [Answer() for _ in range(3)]
    for answer in answers:
        gathering.add(answer, b"1234567890")
    assert [answer.size_bytes for answer in answers] == [10, 10, 5]
    assert [answer.is_cut for answer in answers] == [False, False, True]
    gathering.drop(answers)
    assert gathering.held_bytes == 0


def test_the_last_piece_is_not_held_and_needs_no_room_among_the_others() -> None:
    gathering = Gathering(ANSWER_LIMIT, TOTAL_LIMIT)
    for _ in range(3):
        gathering.add(Answer(), b"1234567890")
    late = Answer()
    gathering.finish(late, b"12345")
    assert (late.join(), late.is_cut) == (b"12345", False)


def test_an_answer_goes_without_what_it_says_when_too_much_waits_to_be_sent() -> None:
    gathering, held, answer = Gathering(ANSWER_LIMIT, TOTAL_LIMIT), Answer(), Answer()
    gathering.add(held, b"1234567890")
    gathering.finish(answer, b"12345")
    gathering.admit(answer, backlog_bytes=15)
    assert (answer.join(), answer.is_cut) == (b"12345", False)
    gathering.admit(answer, backlog_bytes=16)
    assert (answer.join(), answer.is_cut) == (b"", True)


def test_an_answer_that_says_nothing_lacks_nothing() -> None:
    gathering, answer = Gathering(ANSWER_LIMIT, TOTAL_LIMIT), Answer()
    gathering.admit(answer, backlog_bytes=1000)
    assert not answer.is_cut


acts = st.lists(st.tuples(st.sampled_from(["add", "finish", "drop"]), st.integers(0, 4), st.binary(max_size=15)))


@given(acts)
def test_the_sum_is_that_of_the_answers_held_and_no_limit_is_passed(history: list[tuple[str, int, bytes]]) -> None:
    gathering = Gathering(ANSWER_LIMIT, TOTAL_LIMIT)
    answers: dict[int, Answer] = {}
    for act, number, piece in history:
        answer = answers.setdefault(number, Answer())
        if act == "add":
            gathering.add(answer, piece)
        else:
            gathering.finish(answer, piece) if act == "finish" else gathering.drop([answer])
            del answers[number]
        assert len(answer.join()) == answer.size_bytes <= ANSWER_LIMIT
        assert gathering.held_bytes == sum(each.size_bytes for each in answers.values()) <= TOTAL_LIMIT


def test_other_limits_are_for_what_comes_after() -> None:
    gathering, answer = Gathering(ANSWER_LIMIT, TOTAL_LIMIT), Answer()
    gathering.add(answer, b"12345678")
    gathering.adjust(4, TOTAL_LIMIT)
    gathering.add(answer, b"9")
    assert (answer.join(), answer.is_cut) == (b"12345678", True)
    gathering.adjust(20, TOTAL_LIMIT)
    other = Answer()
    gathering.finish(other, b"1234567890123")
    assert (other.join(), other.is_cut) == (b"1234567890123", False)
    gathering.drop([answer])
    assert gathering.held_bytes == 0
