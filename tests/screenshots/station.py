"""`make screenshots`: the page of the depot's line, with boards in each state there is."""

from collections.abc import Callable
from pathlib import Path

from line_in_memory import TestLine
from line_served import ServedLine, busy
from playwright.sync_api import Browser, ViewportSize

from gateway.web.texts import LANGUAGES

SIZES: dict[str, ViewportSize] = {
    "desk": {"width": 1280, "height": 800},
    "small": {"width": 1024, "height": 600},
    "hall": {"width": 1920, "height": 1080},
}


def take_station(browser: Browser, folder: Path) -> int:
    """How many pictures were taken."""
    taken = 0
    for state in ("empty", "pass", "busy"):
        line = TestLine()
        finish = _bring(line, state)
        served = ServedLine(line)
        try:
            for language in LANGUAGES:
                for size in SIZES if state == "busy" else ("desk",):
                    context = browser.new_context(viewport=SIZES[size], locale=language)
                    tab = context.new_page()
                    tab.goto(served.url)
                    tab.wait_for_selector("#cover", state="hidden")
                    tab.screenshot(path=folder / f"station-{state}-{size}-{language}.png")
                    context.close()
                    taken += 1
        finally:
            finish()
            served.stop()
    return taken


def _bring(line: TestLine, state: str) -> Callable[[], object]:
    if state == "busy":
        return busy(line)
    if state == "pass":
        line.plug("0:2.1")
        line.scan("TE33A-0123/motors-a")
        line.run()
    return lambda: None
