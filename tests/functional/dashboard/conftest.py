"""One service with a dashboard beside its worker, and one browser, for all tests that only look."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Playwright, sync_playwright

from tests.functional.contract.clients import Client
from tests.functional.trouble.scene import Scene, fanout, subscribe
from tests.servers.process import find_program
from tests.servers.stores import Redis

EVIL = "<script>document.title='oops'</script>/..?&#%2e"
LIMIT_MS = 30_000


@dataclass
class System:
    """A service whose worker has a dashboard at `url`. Its topics: `news` with 130 hosts, and one with an evil name."""

    url: str
    client: Client
    redis: Redis
    gearman: str

    def publish(self, topic: str = "news") -> None:
        self.client.finish(self.client.start("fanout", fanout(topic, background=True)))


def url_in(log: str) -> str:
    found = re.search(r"the dashboard is at (http://\S+)", log)
    assert found, log[-3000:]
    return found[1]


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    folder: Path = tmp_path_factory.mktemp("system")
    with ExitStack() as stack:
        scene = Scene(folder, stack)
        gearmand, redis = scene.gearmand(), stack.enter_context(Redis(folder / "redis"))
        worker = scene.worker(
            gearmand.address, store=f"redis://{redis.address}", settings="[dashboard]\nlisten = 127.0.0.1:0\n"
        )
        client = scene.client(gearmand)
        subscribe(client, "news", [f"web{number}" for number in range(130)])
        subscribe(client, EVIL, ["web17", "long-" * 20])
        yield System(url_in(worker.log), client, redis, gearmand.address)
        print(worker.log[-5000:])


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as playwright:
        yield playwright


@pytest.fixture(scope="module")
def browser(playwright: Playwright) -> Iterator[Browser]:
    """Debian's, which nobody has to download."""
    browser = playwright.chromium.launch(executable_path=find_program("chromium"), args=["--no-sandbox"])
    yield browser
    browser.close()


@dataclass
class Tab:
    """An open page, and what it complained of and asked for."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.set_default_timeout(LIMIT_MS)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("requestfailed", lambda request: self.complaints.append(f"{request.url} failed"))
        self.page.on("request", lambda request: self.requests.append(request.url))

    def open(self, url: str) -> None:
        """Until it is live."""
        self.page.goto(url)
        self.page.wait_for_selector(".pulse[data-state=live]")

    def wait_for(self, expression: str) -> None:
        """Until it is true in the page. Asked from here: the page itself would not let it run."""
        for _ in range(LIMIT_MS // 50):
            if self.page.evaluate(expression):
                return
            self.page.wait_for_timeout(50)
        raise TimeoutError(expression)


@pytest.fixture
def tab(browser: Browser) -> Iterator[Tab]:
    context = browser.new_context()
    yield Tab(context.new_page())
    context.close()
