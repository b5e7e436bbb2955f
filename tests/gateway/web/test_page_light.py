"""Day, night and red light: one touch, remembered, and never a flash."""

import re
from collections.abc import Callable

import pytest
from crew_page.live_picture import alarmed
from crew_page.opened_page import open_page
from crew_page.served_page import ServedPage
from playwright.sync_api import Page, Route, expect

Serve = Callable[..., ServedPage]


CANVAS = """() => {
  const probe = document.createElement("i");
  probe.style.backgroundColor = "Canvas";
  document.documentElement.append(probe);
  const { backgroundColor } = getComputedStyle(probe);
  probe.remove();
  return backgroundColor;
}"""
"""The colour that Chromium fills a page with before any style is there."""


def test_one_touch_changes_the_light_and_the_page_remembers(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page())
    root, key = tab.locator("html"), tab.locator("#key-2")
    for mode, word in (("red", "Red"), ("day", "Day"), ("night", "Night"), ("red", "Red")):
        key.click()
        expect(root).to_have_attribute("data-mode", mode)
        expect(key).to_contain_text(word)
    tab.reload()
    expect(root).to_have_attribute("data-mode", "red")
    expect(tab.locator("body")).to_have_css("background-color", "rgb(0, 0, 0)")


@pytest.mark.parametrize("mode", ["night", "red"])
def test_the_night_does_not_begin_with_a_flash(tab: Page, serve_page: Serve, mode: str) -> None:
    """While the style is still on its way the canvas is dark, and the light is set by then."""
    page = serve_page()
    tab.add_init_script(f"localStorage.setItem('axlebox.mode', '{mode}')")
    held: list[Route] = []
    tab.route(re.compile(r"\.css$"), lambda route: held.append(route))
    tab.goto(page.url, wait_until="commit")
    tab.wait_for_selector("#shell", state="attached")
    canvas = [int(part) for part in re.findall(r"\d+", tab.evaluate(CANVAS))]
    assert max(canvas) < 40
    assert tab.locator("html").get_attribute("data-mode") == mode
    assert held
    for route in held:
        route.continue_()
    expect(tab.locator("#cover")).to_be_hidden()
    ground = tab.evaluate("getComputedStyle(document.body).backgroundColor")
    assert max(int(part) for part in re.findall(r"\d+", ground)) < 40


def test_a_light_that_is_none_is_night(tab: Page, serve_page: Serve) -> None:
    tab.add_init_script("localStorage.setItem('axlebox.mode', 'disco')")
    open_page(tab, serve_page(alarmed()))
    expect(tab.locator("html")).to_have_attribute("data-mode", "night")
