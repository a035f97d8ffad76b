"""Files that change while they are read."""

from pathlib import Path

import pytest
from oslo_config import cfg

from gearhorn.errors import Misconfigured
from gearhorn.options import reading


@pytest.mark.parametrize(
    ("later", "words"),
    [
        ("[store]\nurl = redis://x\n[worker\nsecret", r"cannot be read: at .*gearhorn.conf:3, Invalid section[^']*$"),
        (None, r"gearhorn.conf cannot be read: No such file or directory"),
        (b"\xff", r"is not text in UTF-8"),
    ],
    ids=["broken", "gone", "no text"],
)
def test_a_file_that_somebody_is_just_writing_is_told_in_a_line(
    later: str | bytes | None, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "gearhorn.conf"
    file.write_text("[worker]\ndrain_timeout = 3\n")
    refuse_unknown = reading._refuse_unknown

    def change_first(conf: cfg.ConfigOpts) -> None:
        if later is None:
            file.unlink()
        elif isinstance(later, bytes):
            file.write_bytes(later)
        else:
            file.write_text(later)
        refuse_unknown(conf)

    monkeypatch.setattr(reading, "_refuse_unknown", change_first)
    with pytest.raises(Misconfigured, match=words) as caught:
        reading.read_options([f"--config-file={file}"], {})
    assert "secret" not in str(caught.value)
