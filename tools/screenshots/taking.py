"""All screenshots, in the order in which things go wrong on the stage."""

import logging
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

from tools.screenshots.browser import PHONE, Shot, browsing, shoot, watching
from tools.screenshots.stage import Stage, set_up, wait_for_page
from tools.screenshots.terminal import screen_of, write_svg

# As much as a chart shows.
SECONDS = 300.0

WELL = (
    Shot("dashboard-light", ""),
    Shot("dashboard-phone", "", "dark", PHONE),
    Shot("dashboard-topic", "topic?name=cache.flush", "light", (1180, 560)),
    Shot("dashboard-host", "hosts?q=web7", "light", (1180, 480)),
)
WRONG = (Shot("dashboard-dark", "", "dark"),)
# For a server that stops to be missed, and for a host to be called suspect.
NOTICED_S = 30.0


def take_all(folder: Path, seconds: float = SECONDS) -> Iterator[Path]:
    """The paths of the pictures, as they are made."""
    folder.mkdir(parents=True, exist_ok=True)
    logging.disable()  # that a server is stopped is no news here
    with ExitStack() as stack:
        scratch = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        stage, browser = stack.enter_context(set_up(scratch, seconds)), stack.enter_context(browsing())
        stack.enter_context(watching(browser, stage.url, seconds))
        wait_for_page(stage, '"state": "dead"', NOTICED_S + seconds)
        stage.lose_some_more()
        wait_for_page(stage, '"state": "paused"', NOTICED_S)
        yield from (shoot(browser, stage.url, shot, folder) for shot in WELL)
        yield from _take_terminals(stage, folder)
        stage.servers[1].stop()
        wait_for_page(stage, '"state": "error"', NOTICED_S)
        yield from (shoot(browser, stage.url, shot, folder) for shot in WRONG)


def _take_terminals(stage: Stage, folder: Path) -> Iterator[Path]:
    top = screen_of(stage.folder, "top", *stage.options, until="cache.flush")
    yield write_svg(top, "", folder / "top.svg")
    publish = ("publish", "deploy", "v2.1", "--wait", "--timeout=10", f"--gearman={stage.servers[0].address}")
    command = "gearhorn publish deploy v2.1 --wait"
    half = screen_of(stage.folder, *publish, until=r" ([5-9]|1[0-4])/16", columns=80, rows=10)
    yield write_svg(half, command, folder / "publish-progress.svg")
    ended = screen_of(stage.folder, *publish, until="", columns=80, rows=10)
    yield write_svg(ended, command, folder / "publish-failures.svg")
