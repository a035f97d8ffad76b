"""The dashboard in a browser, of a service that runs."""

from urllib.parse import quote

import pytest
from playwright.sync_api import Browser

from tests.functional.dashboard.conftest import EVIL, System, Tab

PAGES = ("", "topics", "topic?name=news", f"topic?name={quote(EVIL, safe='')}", "hosts?q=web17", "hosts", "troubled")
# The figure of the fourth tile.
WAITING = "Number(document.querySelector('.tile.backlog .figure b').textContent.replaceAll(',', ''))"


def test_figures_change_when_something_is_published(system: System, tab: Tab) -> None:
    tab.open(system.url)
    before = tab.page.evaluate(WAITING)
    tab.page.evaluate("window.same = true")
    system.publish()
    tab.wait_for(f"{WAITING} >= {before + 130}")
    assert tab.page.evaluate("window.same")  # it was not loaded again
    assert tab.page.title() == "All is well · gearhorn"


@pytest.mark.parametrize("path", PAGES)
def test_a_page_complains_of_nothing_and_asks_nobody_else(system: System, tab: Tab, path: str) -> None:
    url = f"{system.url}/{path}"
    if path == "hosts":  # nothing to keep up to date
        tab.page.goto(url)
    else:
        tab.open(url)
    assert tab.complaints == []
    assert {request for request in tab.requests if not request.startswith(f"{system.url}/")} == set()


def test_a_page_could_load_nothing_from_elsewhere(system: System, tab: Tab) -> None:
    tab.open(system.url)
    for tag, attribute in (("img", "src"), ("script", "src"), ("iframe", "src")):
        tab.page.evaluate(
            f"document.body.append(Object.assign(document.createElement('{tag}'),"
            f" {{{attribute}: 'http://elsewhere.invalid/'}}))"
        )
        tab.page.wait_for_timeout(50)
    refusals = [complaint for complaint in tab.complaints if "Content Security Policy" in complaint]
    assert len(refusals) == 3


def test_a_name_that_looks_like_markup_is_text(system: System, tab: Tab) -> None:
    tab.open(f"{system.url}/topics")
    tab.page.get_by_text(EVIL, exact=True).click()
    tab.page.wait_for_selector(".pulse[data-state=live]")
    assert tab.page.locator("h1").inner_text() == EVIL
    assert tab.page.locator("tbody tr").count() == 2
    assert tab.page.title() == f"{EVIL} · gearhorn"


def test_a_host_is_found_with_what_it_is_subscribed_to(system: System, tab: Tab) -> None:
    system.publish(EVIL)
    tab.open(system.url)
    tab.page.get_by_label("Find a host").fill("web17")
    tab.page.keyboard.press("Enter")
    tab.page.wait_for_selector("h1:text('web17')")
    rows = tab.page.locator("tbody tr")
    assert [rows.nth(number).locator("td").first.inner_text() for number in range(rows.count())] == [EVIL, "news"]
    tab.wait_for("Number(document.querySelector('tbody td.n').textContent) > 0")


def test_a_long_list_has_pages_and_can_be_filtered(system: System, tab: Tab) -> None:
    tab.open(f"{system.url}/topic?name=news")
    assert tab.page.locator("tbody tr").count() == 100
    tab.page.get_by_text("next").click()
    tab.page.wait_for_selector("text=101–130 of 130")
    tab.page.get_by_label("id has").fill("web12")
    tab.page.get_by_text("Show", exact=True).click()
    tab.page.wait_for_selector("text=11 of 130")


def test_who_types_is_not_disturbed_when_the_page_is_brought_up_to_date(system: System, tab: Tab) -> None:
    tab.open(f"{system.url}/topic?name=news")
    field = tab.page.get_by_label("id has")
    field.fill("web")
    waiting = "document.querySelector('tbody td.n').textContent"
    before = tab.page.evaluate(waiting)
    system.publish()
    tab.wait_for(f"{waiting} !== '{before}'")
    assert field.input_value() == "web"
    assert field.evaluate("field => field === document.activeElement")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_shows_every_page_without_scrolling_sideways(system: System, browser: Browser, scheme: str) -> None:
    context = browser.new_context(viewport={"width": 360, "height": 740}, color_scheme=scheme)  # type: ignore[arg-type]
    page = context.new_page()
    for path in PAGES:
        page.goto(f"{system.url}/{path}")
        assert page.evaluate("document.documentElement.scrollWidth") == 360, path
    lightness = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).map(Number)[0]")
    assert (lightness > 200) == (scheme == "light")
    context.close()


def test_without_javascript_everything_is_there(system: System, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{system.url}/topics")
    page.get_by_text("news", exact=True).click()
    page.wait_for_selector("text=1–100 of 130")
    assert page.locator("noscript meta[http-equiv=refresh]").count() == 1
    context.close()


def test_a_page_says_when_it_is_not_live_any_more(system: System, tab: Tab) -> None:
    tab.page.route("**/*format=events*", lambda route: route.abort())
    tab.page.goto(system.url)
    tab.page.wait_for_selector(".pulse[data-state=lost]")
    tab.page.unroute_all()
    tab.page.wait_for_selector(".pulse[data-state=live]")


def test_everything_can_be_reached_and_read_with_a_keyboard_and_a_reader(system: System, tab: Tab) -> None:
    tab.open(f"{system.url}/topic?name=news")
    tab.page.keyboard.press("Tab")
    assert tab.page.evaluate("document.activeElement.textContent") == "Skip to the content"
    unnamed = """[...document.querySelectorAll('a, button, input:not([type=hidden]), select, svg:not([aria-hidden])')]
        .filter(one => !(one.textContent.trim() || one.ariaLabel || one.labels?.length)).length"""
    assert tab.page.evaluate(unnamed) == 0
    assert tab.page.evaluate("document.querySelectorAll('th:not([scope])').length") == 0
    assert tab.page.evaluate("document.documentElement.lang") == "en"
