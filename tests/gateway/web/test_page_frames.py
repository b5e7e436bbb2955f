"""Promise 2 at every frame: a recorded run of the bench, in which sensors, chips, nodes and the
gateway fail and come back, is played to a real Chromium, and after each step and each tick of the
page's clock every value on it is compared with what the page knew and how old that was."""

import re
from collections.abc import Callable

import pytest
from crew_page.recorded_run import LOOK_MS, Step, record_run
from crew_page.replayed import Judged, open_owned, play
from crew_page.served_page import ServedPage
from playwright.sync_api import Page, Route

from hil.interpreter import find_fast_interpreter

Serve = Callable[..., ServedPage]
LOOKS_A_STEP = 2


@pytest.fixture(scope="module")
def recording(micropython: list[str]) -> list[Step]:
    """80 seconds of a whole TE33A, seed 1."""
    return record_run("come_and_go", find_fast_interpreter())


def watch(tab: Page, page: ServedPage, screen: str, steps: list[Step]) -> Judged:
    open_owned(tab, f"{page.url}/{screen}")
    judged = play(tab, steps)
    print(screen, judged.seen)
    assert judged.seen["looks"] >= LOOKS_A_STEP * len(steps)
    return judged


@pytest.mark.parametrize("screen", ["", "#detail/2", "#detail/air", "#alarms", "#service"])
def test_no_frame_of_a_recorded_run_shows_what_is_unknown_as_a_good_number(
    tab: Page, serve_page: Serve, recording: list[Step], screen: str
) -> None:
    judged = watch(tab, serve_page(), screen, recording)
    assert judged.said == [], "\n".join(judged.said)
    assert judged.seen["covered"] > 100


@pytest.mark.parametrize(
    ("script", "sound", "broken", "seconds", "complaint"),
    [
        ("model.js", "ageMs > channel.stale_after_ms", "false", (60, 70), "shown as the number"),
        ("model.js", 'channel.quality !== "ok"', "false", (10, 20), "open, and shown as the"),
        ("main.js", "LOST_MS = 3000", "LOST_MS = 9000", (38, 46), "the page is not covered"),
        ("field.js", 'fault: "cross"', 'fault: ""', (10, 20), "without a shape"),
        ("model.js", "node.status", '"live"', (24, 34), "all are shown as there"),
        ("strip.js", "!hasNumber(alarm, state, elapsedMs)", "false", (60, 70), "an alarm's num"),
    ],
)  # fmt: skip
def test_a_page_that_breaks_the_promise_is_found_out(
    tab: Page,
    serve_page: Serve,
    recording: list[Step],
    script: str,
    sound: str,
    broken: str,
    seconds: tuple[int, int],
    complaint: str,
) -> None:
    def spoil(route: Route) -> None:
        text = route.fetch().text()
        assert sound in text
        route.fulfill(body=text.replace(sound, broken), content_type="text/javascript")

    tab.route(re.compile(rf"/{script}$"), spoil)
    begin, end = (second * 1000 // LOOK_MS for second in seconds)
    judged = watch(tab, serve_page(), "", recording[begin:end])
    assert complaint in "\n".join(judged.said)
