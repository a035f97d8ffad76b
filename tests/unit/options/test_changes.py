"""What is said of options that differ: as they stand in a file, and never a secret."""

from pathlib import Path

import pytest

from gearhorn.config import Config
from gearhorn.options.changes import shown

URL = "redis://:sesame@host/1"


def config(folder: Path, text: str, **overrides: object) -> Config:
    file = folder / "gearhorn.conf"
    file.write_text(text)
    return Config([f"--config-file={file}"], {("worker", name): value for name, value in overrides.items()})


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (30.0, "30"),
        (0.05, "0.05"),
        (7, "7"),
        ("", "nothing"),
        ([], "nothing"),
        (["a:1", "b:2"], "a:1,b:2"),
        ({"logs.*": "drop", "x": "off"}, "logs.*:drop,x:off"),
        ("pause", "pause"),
    ],
)
def test_values_are_shown_as_they_stand_in_a_file(value: object, text: str) -> None:
    assert shown(value) == text


def test_a_change_is_named_by_its_section_with_the_value_before_and_after(tmp_path: Path) -> None:
    before = config(tmp_path, "[reaper]\npolicies = a:drop\n")
    (change,) = config(tmp_path, "[reaper]\npolicies = a:pause\n").changes_from(before)
    assert str(change) == "[reaper] policies: a:drop → a:pause"
    assert change.as_fields() == {"option": "[reaper] policies", "old": "a:drop", "new": "a:pause"}
    assert change.is_mutable


def test_a_secret_is_only_named(tmp_path: Path) -> None:
    before = config(tmp_path, "")
    (change,) = config(tmp_path, f"[store]\nurl = {URL}\n").changes_from(before)
    assert str(change) == "[store] url"
    assert change.as_fields() == {"option": "[store] url"}
    assert not change.is_mutable


def test_what_the_command_line_beats_has_not_changed(tmp_path: Path) -> None:
    before = config(tmp_path, "", drain_timeout=5)
    config(tmp_path, "[worker]\ndrain_timeout = 7\njobs_in_flight = 7\n")
    changes = before.read_again().changes_from(before)
    assert [change.name for change in changes] == ["[worker] jobs_in_flight"]


def test_what_is_taken_back_is_as_it_was_and_differs_again_the_next_time(tmp_path: Path) -> None:
    before = config(tmp_path, "[worker]\nsubscribe_queues = a,b\n")
    config(
        tmp_path, f"[worker]\nsubscribe_queues = c\ndrain_timeout = 7\n[store]\nurl = {URL}\n[gearman]\nservers = x:1\n"
    )
    after = before.read_again()
    after.take_back(change for change in after.changes_from(before) if not change.is_mutable)
    assert [change.name for change in after.changes_from(before)] == ["[worker] drain_timeout"]
    assert after.own_queues() == before.own_queues()
    assert after.store_settings() == before.store_settings()
    assert after.servers() == before.servers()
    assert len(after.read_again().changes_from(after)) == 3
