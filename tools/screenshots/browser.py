"""The dashboard in Debian's Chromium: light, dark, and on a phone."""

import io
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from tests.servers.process import find_program

DESKTOP = (1180, 820)
PHONE = (360, 660)


class Shot(NamedTuple):
    """`path` is the page's, on the dashboard."""

    name: str
    path: str
    scheme: str = "light"
    size: tuple[int, int] = DESKTOP


@contextmanager
def browsing() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_program("chromium"), args=["--no-sandbox"])
        yield browser
        browser.close()


@contextmanager
def watching(browser: Browser, url: str, seconds: float) -> Iterator[None]:
    """Keeps a page open, so that the charts have a past."""
    page = browser.new_page()
    page.goto(url)
    page.wait_for_timeout(seconds * 1000)
    yield
    page.close()


def shoot(browser: Browser, url: str, shot: Shot, folder: Path) -> Path:
    width, height = shot.size
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme=shot.scheme,  # type: ignore[arg-type]
    )
    page = context.new_page()
    page.goto(f"{url}/{shot.path}")
    page.wait_for_selector(".pulse[data-state=live]")
    _settle(page)
    path = folder / f"{shot.name}.png"
    _write_small(page.screenshot(), path)
    context.close()
    return path


def _settle(page: Page) -> None:
    page.evaluate("document.fonts.ready")
    time.sleep(0.3)


def _write_small(png: bytes, path: Path) -> None:
    Image.open(io.BytesIO(png)).convert("RGB").save(path, optimize=True)
