"""The line's page in a real browser: with a keyboard and a scanner alone, in three languages."""

import http.client
import json
import re
from collections.abc import Iterator
from importlib.resources import files

import pytest
from crew_page.chromium import open_chromium
from crew_page.drawn import faults_of_layout, inspect, scrolls
from line_in_memory import TestLine
from line_served import EARLIER, LAST, TAKEN, WORN, WRONG, ServedLine, busy
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Page,
    ViewportSize,
    expect,
)

from hil.station.errors import StationError
from hil.station.line import GONE_S
from hil.station.line_errors import ERRORS, OTHER
from hil.station.line_texts import LANGUAGES, TEXTS, text

PLACE = "TE33A-0123/motors-a"
SIZES: tuple[ViewportSize, ...] = (
    {"width": 1280, "height": 800},
    {"width": 1024, "height": 600},
    {"width": 1920, "height": 1080},
)


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Browser]:
    with open_chromium(chromium) as browser:
        yield browser


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport=SIZES[0], locale="en-GB")
    yield context
    context.close()


@pytest.fixture
def line() -> TestLine:
    return TestLine()


@pytest.fixture
def page(line: TestLine) -> Iterator[ServedLine]:
    served = ServedLine(line)
    yield served
    served.stop()


@pytest.fixture
def tab(context: BrowserContext, page: ServedLine) -> Page:
    tab = context.new_page()
    tab.goto(page.url)
    expect(tab.locator("#cover")).to_be_hidden()
    return tab


def scan(tab: Page, text: str) -> None:
    """As a scanner does: it types where the focus is, and presses Enter."""
    tab.keyboard.type(text)
    tab.keyboard.press("Enter")


def size_of(tab: Page, selector: str) -> float:
    found = tab.locator(selector).evaluate("made => parseFloat(getComputedStyle(made).fontSize)")
    return float(found)


def test_a_board_is_scanned_and_its_pass_stays_until_it_is_out(
    line: TestLine, page: ServedLine, tab: Page
) -> None:
    expect(tab.locator("#cards")).to_have_attribute("data-empty", "Plug in a board")
    line.plug("0:2.1")
    expect(tab.locator(".card .word")).to_have_text("Scan its place")
    scan(tab, PLACE)
    expect(tab.locator(".card .place")).to_have_text(PLACE)
    expect(tab.locator("#notice")).to_have_text(f"It has its place · {PLACE} · slot 1")
    line.run()
    expect(tab.locator(".card .word")).to_have_text("PASS")
    expect(tab.locator("#passed .number")).to_have_text("1")
    expect(tab.locator("#history li .place")).to_have_text([PLACE])
    expect(tab.locator("#spoken")).to_contain_text("slot 1: PASS")
    assert size_of(tab, ".card .word") > 100
    line.wait(600)
    tab.reload()
    expect(tab.locator(".card .word")).to_have_text("PASS")
    line.unplug("0:2.1", GONE_S + 0.4)
    expect(tab.locator(".card")).to_have_count(0)


def test_pass_and_fail_are_heard_once_each(
    line: TestLine, page: ServedLine, context: BrowserContext
) -> None:
    context.add_init_script(
        "window.heard = [];"
        "const start = OscillatorNode.prototype.start;"
        "OscillatorNode.prototype.start = function (...when) {"
        "  window.heard.push(this.frequency.value); return start.apply(this, when); };"
    )
    tab = context.new_page()
    tab.goto(page.url)
    for slot, error in ((1, None), (2, WRONG)):
        line.plug(f"0:2.{slot}")
        scan(tab, f"TE33A-0123/axles-{slot}")
        expect(tab.locator('.card[data-phase="queued"]')).to_have_count(1)
        line.run(error)
        expect(tab.locator(f'.card[data-phase="{"fail" if error else "pass"}"]')).to_have_count(1)
    line.scan("rubbish")
    expect(tab.locator("#notice")).to_contain_text("scan again")
    assert tab.evaluate("window.heard") == [660, 880, 220, 220, 220]


@pytest.mark.parametrize("error", [WRONG, WORN, StationError("it burns", "Put it out")])
def test_a_failure_is_told_in_the_readers_language_with_the_whole_sentence(
    line: TestLine, page: ServedLine, tab: Page, error: StationError
) -> None:
    line.plug("0:2.1")
    scan(tab, PLACE)
    expect(tab.locator(".card .word")).to_have_text("Waits its turn")
    line.run(error)
    expect(tab.locator(".card .word")).to_have_text("FAIL")
    for language in ("en", "kk", "ru"):
        expect(tab.locator("html")).to_have_attribute("lang", language)
        told = text(f"error.{error.code or 'other'}", language)
        expect(tab.locator(".card .do")).to_have_text(told)
        expect(tab.locator(".card .more")).to_have_text(f"{error.text}. {error.what_to_do}")
        tab.keyboard.press("F2")


def test_the_keyboard_alone_is_enough(line: TestLine, page: ServedLine, tab: Page) -> None:
    for slot in (1, 2, 3):
        line.plug(f"0:2.{slot}")
    expect(tab.locator(".card")).to_have_count(3)
    expect(tab.locator('.card[data-next="true"] .number')).to_have_text("1")
    for key in ("Tab", "F2", "Escape", "Tab", "Tab"):
        tab.keyboard.press(key)
    tab.mouse.click(700, 500)
    tab.keyboard.press("F2")
    tab.locator("#language").click()
    scan(tab, "3")
    expect(tab.locator('.card[data-next="true"] .number')).to_have_text("3")
    scan(tab, PLACE)
    expect(tab.locator('.card[data-phase="queued"] .number')).to_have_text("3")
    assert tab.evaluate("document.activeElement.id") == "scan"


def test_scans_made_quickly_are_taken_in_their_order(
    line: TestLine, page: ServedLine, tab: Page
) -> None:
    for slot in (1, 2, 3):
        line.plug(f"0:2.{slot}")
    for node in ("motors-b", "motors-a", "cab-a"):
        scan(tab, f"TE33A-0123/{node}")
    expect(tab.locator('.card[data-phase="queued"]')).to_have_count(3)
    assert tab.locator(".card .place").all_text_contents() == [
        f"TE33A-0123/{node}" for node in ("motors-b", "motors-a", "cab-a")
    ]


def test_nothing_is_believed_without_the_station(
    line: TestLine, page: ServedLine, tab: Page
) -> None:
    line.plug("0:2.1")
    scan(tab, PLACE)
    expect(tab.locator('.card[data-phase="queued"]')).to_have_count(1)
    line.run()
    expect(tab.locator(".card .word")).to_have_text("PASS")
    page.stop()
    expect(tab.locator("#cover")).to_be_visible()
    expect(tab.locator("#lost")).to_have_text("No link to the station")
    page.start()
    expect(tab.locator("#cover")).to_be_hidden()
    thaw = page.freeze()
    try:
        expect(tab.locator("#cover")).to_be_visible(timeout=10_000)
    finally:
        thaw.set()
    expect(tab.locator("#cover")).to_be_hidden(timeout=10_000)


def test_nothing_overlaps_and_all_can_be_read(line: TestLine, page: ServedLine, tab: Page) -> None:
    finish = busy(line)
    try:
        expect(tab.locator("#notice")).to_contain_text(LAST)
        for size in SIZES:
            tab.set_viewport_size(size)
            for language in ("en", "kk", "ru"):
                expect(tab.locator("html")).to_have_attribute("lang", language)
                drawn = inspect(tab)
                assert len(drawn) > 30
                assert faults_of_layout(drawn) == [], (size, language)
                assert min(piece.contrast for piece in drawn) >= 4.5
                assert scrolls(tab) == (False, False)
                tab.keyboard.press("F2")
    finally:
        finish()


CODES = sorted(ERRORS)


@pytest.mark.parametrize("count", [1, 6, 12])
def test_every_thing_to_do_fits_its_card(
    line: TestLine, page: ServedLine, tab: Page, count: int
) -> None:
    """Each with the longest sentence that there is below it, on the smallest screen."""
    tab.set_viewport_size(SIZES[1])
    for first in range(0, len(CODES), count):
        codes = CODES[first : first + count]
        for number in range(count):
            line.plug(f"0:2.{number}")
            line.scan(f"LONG-LOCOMOTIVE-{first + number:04}/axles-1")
            code = codes[number] if number < len(codes) else ""
            line.run(StationError(TAKEN.text, TAKEN.what_to_do, code=code) if code else None)
        expect(tab.locator("#failed .number")).to_have_text(str(first + len(codes)))
        expect(tab.locator("#passed .number")).to_have_text(str(count - len(codes)))
        for language in ("en", "kk", "ru"):
            expect(tab.locator("html")).to_have_attribute("lang", language)
            assert faults_of_layout(inspect(tab)) == [], (codes, language)
            tab.keyboard.press("F2")
        for number in range(count):
            line.unplug(f"0:2.{number}")
        line.wait(GONE_S + 0.4)


def test_the_days_list_shows_the_last_whole_rows(
    line: TestLine, page: ServedLine, tab: Page
) -> None:
    finish = busy(line)
    try:
        expect(tab.locator("#notice")).to_contain_text(LAST)
        expect(tab.locator("#history li")).to_have_count(EARLIER + 3)
        shown = tab.locator("#history li").evaluate_all(
            "rows => rows.map((row) => row.getBoundingClientRect())"
            ".filter(({ right }) => right <= innerWidth).map(({ bottom }) => bottom)"
        )
        assert 8 <= len(shown) < EARLIER
        assert max(shown) <= SIZES[0]["height"]
        assert tab.locator("#history .place").first.text_content() == "TE33A-0123/axles-1"
    finally:
        finish()


def test_a_state_is_told_by_shape_and_word_too(
    line: TestLine, page: ServedLine, tab: Page
) -> None:
    finish = busy(line)
    try:
        expect(tab.locator("#notice")).to_contain_text(LAST)
        told = tab.locator(".card").evaluate_all(
            "cards => cards.map((card) => [card.dataset.phase, "
            "card.querySelector('.shape').dataset.shape, card.querySelector('.word').textContent])"
        )
        assert len({tuple(each) for each in told}) == 5
        assert all(len({each[at] for each in told}) == 5 for at in range(3))
    finally:
        finish()


def asked(page: ServedLine, body: object, **headers: str) -> int:
    """The status of a scan that is sent with these headers."""
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=10)
    sent = {"content-type": "application/json", "origin": page.url, "host": page.url[7:]}
    connection.request(
        "POST",
        "/api/scan",
        json.dumps(body),
        sent | {k.replace("_", "-"): v for k, v in headers.items()},
    )
    status = connection.getresponse().status
    connection.close()
    return status


def test_only_the_page_itself_on_this_machine_may_scan(line: TestLine, page: ServedLine) -> None:
    line.plug("0:2.1")
    body = {"text": PLACE}
    assert asked(page, body, origin="http://elsewhere.example") == 403
    assert asked(page, body, origin="") == 403
    elsewhere = f"elsewhere.example:{page.port}"
    assert asked(page, body, origin=f"http://{elsewhere}", host=elsewhere) == 403
    assert asked(page, body, sec_fetch_site="cross-site") == 403
    assert asked(page, body, x_forwarded_for="10.0.0.1") == 403
    assert asked(page, body, content_type="text/plain") == 415
    assert asked(page, {"text": "x" * 301}) == 400
    assert asked(page, {"scan": PLACE}) == 400
    assert line.phase("0:2.1") == "asks"
    assert asked(page, body) == 200
    assert line.phase("0:2.1") == "queued"


def test_the_page_needs_nothing_from_outside(tab: Page, page: ServedLine) -> None:
    fetched: list[str] = []
    broken: list[str] = []
    tab.on("request", lambda request: fetched.append(request.url))
    tab.on("console", lambda message: broken.append(message.text))
    answered = tab.goto(page.url)
    assert answered is not None
    expect(tab.locator("#cover")).to_be_hidden()
    assert "default-src 'none'" in answered.headers["content-security-policy"]
    assert len(fetched) > 6
    assert [url for url in fetched if not url.startswith(page.url)] == []
    assert broken == []


LATIN = {
    *("MicroPython", "images", "toml", "BOOTSEL", "BOOT", "EN"),
    *("Enter", "Ctrl", "kk", "ru", "en"),
}
"""What is the same in every language: names of files and of keys."""


def test_every_text_is_there_in_each_language() -> None:
    placeholder = re.compile(r"\{[a-z]*\}")
    for key, entry in TEXTS.items():
        assert all(part.strip() for part in entry), key
        assert len({tuple(placeholder.findall(part)) for part in entry}) == 1, key
        for part in (entry.kk, entry.ru):
            latin = set(re.findall("[A-Za-z]{2,}", placeholder.sub("", part)))
            assert latin <= LATIN, key
    assert LANGUAGES == ("kk", "ru", "en")


def test_every_text_that_is_asked_for_exists() -> None:
    station = files("hil.station")
    sources = [station.joinpath("page/line.js"), station.joinpath("page/line.html")]
    lookup = re.compile(r"""\bt(?:ext)?\("([a-z._]+)"[,)]""")
    asked_for = {key for source in sources for key in lookup.findall(source.read_text())}
    kept = (
        station.joinpath("line.py").read_text() + station.joinpath("line_terminal.py").read_text()
    )
    asked_for |= set(re.findall(r'key="([a-z._]+)"', kept)) | set(lookup.findall(kept))
    assert {"scan.given", "pass.do", "today", "keys"} <= asked_for
    assert asked_for - TEXTS.keys() == set()


def test_every_code_of_an_error_has_its_words_and_no_other() -> None:
    sources = [one for one in files("hil.station").iterdir() if one.name.endswith(".py")]
    written = "\n".join(source.read_text() for source in sources)
    codes = set(re.findall(r'\bcode="([a-z_]+)"', written))  # where it is raised
    codes |= set(re.findall(r'^    code = "([a-z_]+)"', written, re.MULTILINE))  # of its class
    assert ERRORS.keys() == codes | {"station", OTHER}
