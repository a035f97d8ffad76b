"""Lines of an export, written and read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gearhorn.errors import BadRequest
from gearhorn.moving.lines import LINE_LIMIT_BYTES, Entry, Reader, render_end, render_entry, render_head

names = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=80)


@given(names, names, st.none() | st.floats(0, 4e9).map(lambda s: round(s, 3)))
def test_what_is_written_is_read(topic: str, client_id: str, expires_at: float | None) -> None:
    line = render_entry(topic, client_id, expires_at)
    assert line.count(b"\n") == 1
    assert len(line) < LINE_LIMIT_BYTES
    assert Reader().read(line) == Entry(topic, client_id, expires_at)


def test_an_export_is_whole_with_its_head_and_its_end() -> None:
    reader = Reader()
    for _ in range(2):
        for line in (render_head(1.0, "9"), render_entry("news", "bob", None), b"\n", render_end(1)):
            reader.read(line)
        reader.check_end()


def test_an_export_without_its_end_is_noticed() -> None:
    reader = Reader()
    reader.read(render_head(1.0, "9"))
    with pytest.raises(BadRequest, match="cut short"):
        reader.check_end()
    with pytest.raises(BadRequest, match="cut short"):
        reader.read(render_head(1.0, "9"))


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_an_export_with_lines_missing_or_too_many_is_noticed(kept: int) -> None:
    reader = Reader()
    reader.read(render_head(1.0, "9"))
    for _ in range(kept):
        reader.read(b"news\tbob")
    with pytest.raises(BadRequest, match="had 2 lines"):
        reader.read(render_end(2))


@pytest.mark.parametrize(
    ("line", "entry"),
    [
        (b"news\tbob", Entry("news", "bob")),
        ("\ufeffdonn\u00e9es\t\u00e9t\u00e9\r\n".encode(), Entry("données", "été")),
        (b' {"topic":"news","client_id":"bob"}'.strip(), Entry("news", "bob")),
        (b'{"topic":"news","client_id":"bob","ttl":60,"other":[1]}', Entry("news", "bob", None, 60.0)),
        (b'{"topic":"news","client_id":"bob","ttl":null}', Entry("news", "bob")),
        (b"", None),
        (b"  \r\n", None),
    ],
)
def test_lines_that_people_write_are_read(line: bytes, entry: Entry | None) -> None:
    reader = Reader()
    assert reader.read(line) == entry
    reader.check_end()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b"{", "is not JSON"),
        (b"[1]", "neither a JSON object nor"),
        (b"{" + b'"a":{' * 3000, "is longer than|is not JSON"),
        (b'{"topic":"\xff","client_id":"x"}', "is not UTF-8"),
        (b"\xff\tx", "is not UTF-8"),
        (b"news alice", "neither a JSON object nor a topic, a tab and a client id"),
        (b"news\talice\t60", "neither a JSON object nor"),
        (b'{"client_id":"bob"}', "topic: is missing"),
        (b'{"topic":"news"}', "client_id: is missing"),
        (b'{"topic":"news","client_id":7}', "Expected `str"),
        (b'{"topic":"news","client_id":"x","ttl":1,"expires_at":2}', "contradict"),
        (b'{"gearhorn":"subscriptions","format":2}', "newer gearhorn"),
        (b'{"gearhorn":"what"}', "no line of an export"),
        (b"x" * (LINE_LIMIT_BYTES + 1), "is longer than"),
    ],
)
def test_lines_that_cannot_be_read_are_refused(line: bytes, words: str) -> None:
    with pytest.raises(BadRequest, match=words):
        Reader().read(line)
