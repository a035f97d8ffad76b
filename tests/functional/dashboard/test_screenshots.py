"""The screenshots of the documentation: the script that takes them runs, and what it takes is small and complete."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

ROOT = Path(__file__).parents[3]
PICTURES = ROOT / "doc/pictures"
PAGES = {
    "dashboard-dark.png",
    "dashboard-host.png",
    "dashboard-light.png",
    "dashboard-phone.png",
    "dashboard-topic.png",
}
SCREENS = {"publish-failures.svg", "publish-progress.svg", "top.svg"}
LARGEST_BYTES = 150_000
# Ten programs are started, and a browser.
TAKING_LIMIT_S = 280


@pytest.fixture(scope="module")
def taken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("taken")
    command = [sys.executable, ROOT / "tools/take-screenshots", "--seconds", "1", folder]
    done = subprocess.run(command, capture_output=True, text=True, timeout=TAKING_LIMIT_S, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return folder


@pytest.mark.timeout(300)
def test_the_script_takes_all_of_them(taken: Path) -> None:
    assert {path.name for path in taken.iterdir()} == PAGES | SCREENS
    for name in PAGES:
        with Image.open(taken / name) as image:
            assert len(image.getcolors(1 << 24) or ()) > 20  # there is something on it
    assert "cache.flush" in (taken / "top.svg").read_text().replace("&#160;", " ")
    assert "disk" in (taken / "publish-failures.svg").read_text()


@pytest.mark.parametrize("name", sorted(PAGES | SCREENS))
def test_a_picture_of_the_documentation_is_small_and_loads_nothing(name: str) -> None:
    path = PICTURES / name
    assert 1000 < path.stat().st_size < LARGEST_BYTES
    if path.suffix == ".svg":
        text = path.read_text().replace('xmlns="http://www.w3.org/2000/svg"', "")
        assert not re.search(r"url\(['\"]?(?!#)|href=|@import|<script", text)
