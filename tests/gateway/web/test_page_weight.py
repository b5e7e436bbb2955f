"""What the page costs: bytes to load, and what a browser keeps of hours of it."""

from collections.abc import Callable

from crew_page.laps import Laps
from crew_page.live_picture import alarmed
from crew_page.opened_page import open_running
from crew_page.recorded_run import record_run
from crew_page.replayed import open_owned
from crew_page.served_page import ServedPage
from crew_page.weight import weighed
from playwright.sync_api import Page, expect

from hil.interpreter import find_fast_interpreter

Serve = Callable[..., ServedPage]
MOST_BYTES = 300_000
LAPS = 4


def test_all_of_the_page_weighs_less_than_300_kb(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed())
    with weighed(tab) as weight:
        open_running(tab, page)
        for screen, part in (("alarms", ".alarm"), ("detail/2", ".chart"), ("service", ".card")):
            tab.goto(f"{page.url}/#{screen}")
            expect(tab.locator(f"#{screen.partition('/')[0]} {part}").first).to_be_visible()
    for address, bytes in sorted(weight.by_address.items(), key=lambda one: -one[1]):
        print(f"{bytes:8} {address}")
    print(f"{weight.total:8}")
    assert {"", "/main.js", "/api/events", "/api/rules", "/api/trend"} <= {
        path_of(address, page) for address in weight.by_address
    }
    assert all(weight.by_address.values())
    assert weight.total < MOST_BYTES


def path_of(address: str, page: ServedPage) -> str:
    path = address.removeprefix(page.url).partition("?")[0]
    return path if path.startswith("/api/") else path[path.rindex("/") :].rstrip("/")


def test_a_page_keeps_nothing_of_what_it_was_told(
    tab: Page, serve_page: Serve, micropython: list[str]
) -> None:
    """Alarms come and go, screens change, the gateway goes and comes back: after each lap there
    are as many nodes and listeners as after the first. What a lap took out last may be there
    still; a page that kept a node of each change would have hundreds more."""
    open_owned(tab, f"{serve_page().url}/")
    laps = Laps(tab, record_run("come_and_go", find_fast_interpreter()))
    kept = []
    for _ in range(LAPS):
        laps.run()
        kept.append(laps.kept())
    print(*kept, sep="\n")
    assert kept[0].nodes > 500
    assert {one.listeners for one in kept} == {kept[0].listeners}
    assert max(one.nodes for one in kept) - min(one.nodes for one in kept) < 100
