"""A served page, and a real Chromium to look at it."""

from collections.abc import Callable, Iterator

import pytest
from crew_page.chromium import open_chromium
from crew_page.live_picture import te33a
from crew_page.served_page import ServedPage
from playwright.sync_api import Browser, BrowserContext, Page

from gateway.state import State
from gateway.web.access import Access


@pytest.fixture
def serve_page() -> Iterator[Callable[..., ServedPage]]:
    """Makes served pages, and stops them after the test."""
    served: list[ServedPage] = []

    def make(
        state: State | None = None, client_limit: int = 64, access: Access | None = None
    ) -> ServedPage:
        served.append(ServedPage(state or te33a(), client_limit, access))
        return served[-1]

    yield make
    for page in served:
        page.stop()


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    """Chromium, one for all tests of a file."""
    with open_chromium(chromium) as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    """A fresh browser profile on the cab's panel, for a reader of English in Almaty."""
    context = browser.new_context(
        viewport={"width": 800, "height": 480}, locale="en-GB", timezone_id="Asia/Almaty"
    )
    yield context
    context.close()


@pytest.fixture
def tab(context: BrowserContext) -> Page:
    """One tab of that profile."""
    return context.new_page()
