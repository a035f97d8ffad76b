"""Drained payloads are kept as lines of JSON, each whole."""

import errno
import json
import os
from pathlib import Path
from typing import Any

import pytest

from gearhorn.errors import ServerUnavailable
from gearhorn.subscribers import letters as module
from gearhorn.subscribers.letters import Letter, LetterFile, LetterQueue, render_letter

LETTERS = [Letter("news", "bob", b"1", 1000.0004), Letter("news", "bob", "ü\n".encode(), 2.0)]


def test_text_is_kept_as_it_is() -> None:
    assert json.loads(render_letter(LETTERS[1])) == {
        "topic": "news",
        "client_id": "bob",
        "payload": "ü\n",
        "dropped_at": 2.0,
    }
    assert b"\n" not in render_letter(LETTERS[1])


def test_what_is_no_text_is_kept_in_base64() -> None:
    told = json.loads(render_letter(Letter("news", "bob", b"\xff\0", 1.0)))
    assert (told["payload"], told["encoding"]) == ("/wA=", "base64")


async def test_a_file_grows_by_a_line_for_each(tmp_path: Path) -> None:
    file = tmp_path / "letters"
    box = LetterFile(str(file))
    await box.keep(LETTERS)
    await box.keep(LETTERS[:1])
    assert [json.loads(line)["payload"] for line in file.read_text().splitlines()] == ["1", "ü\n", "1"]
    assert file.stat().st_mode & 0o777 == 0o600


async def test_lines_are_on_the_disk_before_they_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(module.os, "fsync", lambda file: synced.append(os.fstat(file).st_size))
    await LetterFile(str(tmp_path / "letters")).keep(LETTERS)
    assert synced == [(tmp_path / "letters").stat().st_size]


async def test_a_disk_that_is_full_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "letters"
    box = LetterFile(str(file))
    await box.keep(LETTERS)
    before = file.read_bytes()
    write, written = os.write, 0

    def fill_up(where: int, data: bytes) -> int:
        nonlocal written
        written += 1
        if written > 1:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(where, data[:10])

    monkeypatch.setattr(module.os, "write", fill_up)
    with pytest.raises(OSError, match="No space left"):
        await box.keep(LETTERS)
    assert file.read_bytes() == before


class Link:
    address = "server:4730"

    def __init__(self, *, is_up: bool = True) -> None:
        self.is_up = is_up
        self.submitted: list[bytes] = []
        self.submitter: Any = None

    def submit(self, submitter: Any, first: int, count: int, encoded: list[bytes], *, foreground: bool) -> None:
        assert (first, count, foreground) == (0, len(encoded), False)
        self.submitter = submitter
        self.submitted += encoded


class Obliging(Link):
    def submit(self, *arguments: Any, **keys: Any) -> None:
        super().submit(*arguments, **keys)
        self.submitter.confirmed(0, 1)
        self.submitter.confirmed(1, len(self.submitted) - 1)


async def test_a_queue_gets_each_with_a_key_of_its_own() -> None:
    link = Obliging()
    await LetterQueue([Link(is_up=False), link], "dead").keep(LETTERS)  # type: ignore[list-item]
    arguments = [packet[12:].split(b"\0", 2) for packet in link.submitted]
    assert [(queue, payload) for queue, _, payload in arguments] == [(b"dead", render_letter(one)) for one in LETTERS]
    keys = {unique for _, unique, _ in arguments}
    assert len(keys) == 2
    assert all(0 < len(key) < 64 for key in keys)


class Losing(Link):
    def submit(self, *arguments: Any, **keys: Any) -> None:
        super().submit(*arguments, **keys)
        self.submitter.confirmed(0, 1)
        self.submitter.lost([1])
        self.submitter.refused(1, "late")


class Refusing(Link):
    def submit(self, *arguments: Any, **keys: Any) -> None:
        super().submit(*arguments, **keys)
        self.submitter.refused(0, "Job queue is full")
        self.submitter.confirmed(1, 1)


@pytest.mark.parametrize(
    ("link", "reason"),
    [(Link(is_up=False), "no Gearman server"), (Losing(), "was lost"), (Refusing(), "full"), (Link(), "not confirmed")],
)
async def test_what_was_not_confirmed_is_not_kept(link: Link, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CONFIRM_LIMIT_S", 0.01)
    with pytest.raises(ServerUnavailable, match=reason):
        await LetterQueue([link], "dead").keep(LETTERS)  # type: ignore[list-item]
