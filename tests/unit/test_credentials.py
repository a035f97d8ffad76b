"""Secrets in files: one line each, told to nobody."""

import logging
from pathlib import Path

import pytest

from gearhorn.credentials import SECRET_LIMIT_BYTES, read_secret
from gearhorn.errors import Misconfigured

OPTION = "[store] password_file"


def test_the_end_of_the_line_is_no_part_of_a_secret(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    for text in ("se same ü", "se same ü\n", "se same ü\r\n"):
        file.write_bytes(text.encode())
        assert read_secret(OPTION, str(file)) == "se same ü"


def test_a_relative_name_is_that_of_a_credential(tmp_path: Path) -> None:
    (tmp_path / "redis").write_text("sesame")
    assert read_secret(OPTION, "redis", {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == "sesame"


@pytest.mark.parametrize("environ", [{}, {"CREDENTIALS_DIRECTORY": ""}])
def test_without_credentials_a_relative_name_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, environ: dict[str, str]
) -> None:
    """Nobody can say in which folder the service starts."""
    (tmp_path / "redis").write_text("sesame")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Misconfigured, match=r"password_file: 'redis' is no absolute path"):
        read_secret(OPTION, "redis", environ)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "No such file"),
        (b"", "is empty"),
        (b"\n", "is empty"),
        (b"sesame\nsesame\n", "more than one line"),
        (b"sesame\n\n", "more than one line"),
        (b"sesame\0", "control characters"),
        (b"\xffsesame", "not text in UTF-8"),
        (b"sesame" * SECRET_LIMIT_BYTES, "more than 4096 bytes"),
    ],
)
def test_what_is_no_secret_is_refused_in_a_line_that_shows_none_of_it(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "file"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(Misconfigured) as caught:
        read_secret(OPTION, str(file))
    line = str(caught.value)
    assert line.startswith(f"{OPTION}: the file {file} ")
    assert reason in line
    assert "sesame" not in line.replace(str(file), "")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


@pytest.mark.parametrize(("mode", "warned"), [(0o600, False), (0o640, False), (0o644, True), (0o604, True)])
def test_a_file_that_everybody_may_read_is_warned_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, mode: int, warned: bool
) -> None:
    file = tmp_path / "file"
    file.write_text("sesame")
    file.chmod(mode)
    with caplog.at_level(logging.WARNING):
        read_secret(OPTION, str(file))
    assert [f"everybody on this host may read {file}" in line for line in caplog.messages] == [True] * warned
