from pathlib import Path

import pytest

from gearhorn.store import boots
from gearhorn.store.boots import boot_id


def test_a_boot_has_one_id_while_it_lasts() -> None:
    assert len(boot_id()) == 36
    assert boot_id() == boot_id()


def test_where_the_kernel_does_not_tell_all_boots_are_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(boots, "_BOOT_ID", tmp_path / "none")
    assert boot_id() == "unknown"
