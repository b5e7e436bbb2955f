"""The served page, opened in a browser tab."""

from crew_page.served_page import ServedPage
from playwright.sync_api import Page, expect

MIDNIGHT_S = 1_763_755_000
"""Where the tab's own clock stands; the page must not depend on it."""


def open_page(tab: Page, page: ServedPage, screen: str = "") -> None:
    """Open the page, or one of its screens by "#name", and wait for its values; its clock stands
    still until the test moves it."""
    tab.clock.install(time=MIDNIGHT_S)
    tab.clock.pause_at(MIDNIGHT_S + 1)
    open_running(tab, page, screen)


def open_running(tab: Page, page: ServedPage, screen: str = "") -> None:
    """Open the page and wait for its values; its clock runs."""
    tab.goto(f"{page.url}/{screen}")
    expect(tab.locator("#cover")).to_be_hidden()
