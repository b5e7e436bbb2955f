"""What the crew page weighs, and what a browser keeps of an hour of it.

Told is a run of the bench over and over, in which a whole TE33A's sensors, nodes and gateway fail
and come back, as fast as the browser takes it: the page's clock goes with it. Each lap shows each
kind of screen.
"""

from math import ceil
from pathlib import Path

from crew_page.chromium import open_chromium
from crew_page.laps import Laps
from crew_page.live_picture import alarmed
from crew_page.opened_page import open_running
from crew_page.recorded_run import record_run
from crew_page.replayed import open_owned
from crew_page.served_page import ServedPage
from crew_page.weight import weighed
from playwright.sync_api import Browser

from benchmarks.report import Figure
from hil.interpreter import find_fast_interpreter
from hil.programs import find_chromium

_HOUR_S = 3600
_SCREENS = (("alarms", ".alarm"), ("detail/2", ".chart"), ("service", ".card"))


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    page = ServedPage(alarmed())
    try:
        with open_chromium(find_chromium()) as browser:
            return {
                "page.weight_kb": _weight(browser, page, seed),
                "page.heap_growth_kb": _growth(browser, page, seed),
            }
    finally:
        page.stop()


def _weight(browser: Browser, page: ServedPage, seed: int) -> Figure:
    """All screens, headers and the first second of events with them."""
    tab = browser.new_page(viewport={"width": 800, "height": 480})
    with weighed(tab) as weight:
        open_running(tab, page)
        for screen, part in _SCREENS:
            tab.goto(f"{page.url}/#{screen}")
            tab.wait_for_selector(f"#{screen.partition('/')[0]} {part}")
    tab.close()
    return Figure(weight.total / 1000, "kB", 300, seed, {"requests": len(weight.by_address)})


def _growth(browser: Browser, page: ServedPage, seed: int) -> Figure:
    """From the first lap, which makes every element, to the end of an hour."""
    tab = browser.new_page(viewport={"width": 800, "height": 480})
    open_owned(tab, f"{page.url}/")
    laps = Laps(tab, record_run("come_and_go", find_fast_interpreter()))
    laps.run()
    before = laps.kept()
    half = before
    count = ceil(_HOUR_S / laps.seconds)
    for number in range(count):
        if number == count // 2:
            half = laps.kept()
        laps.run()
    after = laps.kept()
    tab.close()
    return Figure(
        (after.heap_bytes - before.heap_bytes) / 1000,
        "kB an hour",
        1000,
        seed,
        {
            "of it in the second half": (after.heap_bytes - half.heap_bytes) / 1000,
            "nodes more": after.nodes - before.nodes,
            "listeners more": after.listeners - before.listeners,
        },
    )
