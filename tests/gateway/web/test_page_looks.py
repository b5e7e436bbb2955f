"""What the page measures as drawn: sizes, contrast, and that nothing is cut or overlaps."""

import itertools
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path

import crew_page
import msgspec
import pytest
from crew_page.live_picture import (
    channel,
    everything,
    recorded,
    server_away,
    te33a,
    troubled,
    with_each,
)
from crew_page.opened_page import open_page
from crew_page.served_page import ServedPage
from playwright.sync_api import Page, ViewportSize, expect

from gateway.state import Quality, State
from gateway.web.texts import LANGUAGES

Serve = Callable[..., ServedPage]
INSPECTION = Path(next(iter(crew_page.__path__)), "inspection.js").read_text()
PANEL: ViewportSize = {"width": 800, "height": 480}
SMALL_DESK: ViewportSize = {"width": 1024, "height": 600}
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
TOUCH = 105
"""20 mm on a 7-inch panel of 800x480."""


class Text(msgspec.Struct):
    """One piece of text as drawn; rectangles are left, top, right, bottom."""

    text: str
    part: str
    size: float
    colour: str
    ground: str
    rect: tuple[float, float, float, float]
    box: tuple[float, float, float, float]
    shortened: bool

    @property
    def ink(self) -> tuple[float, float, float, float]:
        """The rectangle that capitals and digits fill: lines may lie closer than their boxes."""
        left, top, right, bottom = self.rect
        middle = (top + bottom) / 2
        return left, middle - 0.34 * self.size, right, middle + 0.34 * self.size

    @property
    def contrast(self) -> float:
        """Contrast ratio of WCAG 2."""
        lighter, darker = sorted((luminance(self.colour), luminance(self.ground)), reverse=True)
        return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    def linear(channel: int) -> float:
        share = channel / 255
        return share / 12.92 if share <= 0.03928 else ((share + 0.055) / 1.055) ** 2.4

    red, green, blue = (linear(int(part)) for part in re.findall(r"\d+", colour)[:3])
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def inspect(tab: Page) -> list[Text]:
    found = msgspec.convert(tab.evaluate(INSPECTION), list[Text])
    assert found
    return found


def show(tab: Page, page: ServedPage, state: State) -> None:
    """Show `state` and wait until it is drawn."""
    marked = msgspec.structs.replace(
        state, locomotive=msgspec.structs.replace(state.locomotive, id=_mark())
    )
    page.show(marked)
    expect(tab.locator("#locomotive")).to_have_text(marked.locomotive.id)


_numbers = itertools.count(1000)


def _mark() -> str:
    return f"TE33A-{next(_numbers)}"


def overlaps(one: Text, other: Text) -> bool:
    (a, b, c, d), (e, f, g, h) = one.ink, other.ink
    return min(c, g) - max(a, e) > 0.5 and min(d, h) - max(b, f) > 0.5


def faults_of_layout(texts: list[Text]) -> list[str]:
    found = [f"shortened: {text.text}" for text in texts if text.shortened]
    for text in texts:
        (left, top, right, bottom), box = text.ink, text.box
        inside = (
            left >= box[0] - 0.5
            and top >= box[1] - 0.5
            and right <= box[2] + 0.5
            and bottom <= box[3] + 0.5
        )
        if not inside:
            found.append(f"outside its box: {text.text} {text.ink} {text.box}")
    found += [
        f"overlap: {one.text} and {other.text}"
        for one, other in itertools.combinations(texts, 2)
        if overlaps(one, other)
    ]
    return found


def scrolls(tab: Page) -> tuple[bool, bool]:
    across, down = tab.evaluate(
        "(({scrollWidth, scrollHeight}) => [scrollWidth - innerWidth, scrollHeight - innerHeight])"
        "(document.documentElement)"
    )
    return across > 0, down > 0


def each_language(tab: Page) -> Iterator[str | None]:
    for _ in LANGUAGES:
        tab.get_by_role("button").click()
        yield tab.locator("html").get_attribute("lang")


def kz8a(amperes: float) -> State:
    rows = [
        channel(f"n/{quantity}.{n}", quantity, f"{place} {n}", unit, value, decimals=1)
        for quantity, place, unit, value in (
            ("motor.current", "motor", "A", amperes),
            ("motor.winding_temperature", "motor", "°C", 118.4),
            ("axle.load", "axle", "t", 25.1),
        )
        for n in range(1, 9)
    ]
    return te33a(channels=(*rows, *te33a().channels[-4:]))


def recorded_with_faults() -> State:
    qualities: tuple[Quality, ...] = (
        "stale",
        "open",
        "short",
        "saturated",
        "stuck",
        "no_answer",
        "out_of_range",
        "not_ready",
    )
    state = recorded()
    healthy, replayed = state.channels[:-8], state.channels[-8:]
    faulty = tuple(
        msgspec.structs.replace(
            channel, quality=quality, age_ms=2_712_000 if quality == "stale" else 90
        )
        for channel, quality in zip(replayed, qualities, strict=True)
    )
    return msgspec.structs.replace(state, channels=(*healthy, *faulty))


STATES = {
    "well": te33a,
    "troubled": troubled,
    "server away": server_away,
    "server away, the rest troubled": lambda: msgspec.structs.replace(
        troubled(), clock_trusted=True
    ),
    "recorded": recorded,
    "recorded with faults": recorded_with_faults,
}


@pytest.mark.parametrize("name", STATES)
def test_nothing_is_cut_or_overlaps_in_any_size_or_language(
    tab: Page, serve_page: Serve, name: str
) -> None:
    open_page(tab, serve_page(STATES[name]()))
    for viewport in (PANEL, SMALL_DESK, DESK, PHONE):
        tab.set_viewport_size(viewport)
        for language in each_language(tab):
            assert faults_of_layout(inspect(tab)) == [], (viewport, language)
            across, down = scrolls(tab)
            assert not across, (viewport, language)
            assert viewport == PHONE or not down, (viewport, language)


@pytest.mark.parametrize("length", [-1204.0, -412.0, 1204.0, -12.34])
def test_long_numbers_fit(tab: Page, serve_page: Serve, length: float) -> None:
    open_page(tab, serve_page(with_each(te33a(), value=length, decimals=2)))
    for viewport in (PANEL, PHONE):
        tab.set_viewport_size(viewport)
        assert faults_of_layout(inspect(tab)) == []


def test_a_locomotive_of_eight_axles_fits(tab: Page, serve_page: Serve) -> None:
    page = serve_page(kz8a(412.0))
    open_page(tab, page)
    expect(tab.locator(".wheel")).to_have_count(8)
    for amperes in (412.0, -412.0, 23.55, -1204.0):
        show(tab, page, kz8a(amperes))
        assert faults_of_layout(inspect(tab)) == []
        assert scrolls(tab) == (False, False)


@pytest.mark.parametrize(("viewport", "tiles"), [(PANEL, 4), (PANEL, 99), (PHONE, 99)])
def test_the_name_of_every_quantity_fits(
    tab: Page, serve_page: Serve, viewport: ViewportSize, tiles: int
) -> None:
    tab.set_viewport_size(viewport)
    page = serve_page(everything(0, tiles))
    open_page(tab, page)
    rest = sum(channel.place == "locomotive" for channel in everything().channels)
    for start in range(0, rest, tiles):
        state = everything(start, tiles)
        for changed in (state, with_each(state, quality="stale", age_ms=2_712_000)):
            show(tab, page, changed)
            for language in each_language(tab):
                assert faults_of_layout(inspect(tab)) == [], language


@pytest.mark.parametrize("name", STATES)
def test_text_on_the_panel_is_large_enough_and_main_values_larger(
    tab: Page, serve_page: Serve, name: str
) -> None:
    open_page(tab, serve_page(STATES[name]()))
    texts = inspect(tab)
    assert min(text.size for text in texts) >= 24
    if name == "well":
        assert {text.size for text in texts if text.part == "value"} == {44}


def test_the_banner_fits_and_can_be_read_from_afar(tab: Page, serve_page: Serve) -> None:
    page = serve_page()
    open_page(tab, page)
    thaw = page.freeze()
    tab.clock.run_for(4000)
    expect(tab.locator("#cover")).to_be_visible()
    for viewport in (PANEL, DESK, PHONE):
        tab.set_viewport_size(viewport)
        for language in LANGUAGES:
            if viewport != PHONE:
                tab.get_by_role("button").click()
            texts = inspect(tab)
            assert faults_of_layout(texts) == [], language
            assert min(text.contrast for text in texts) >= 7
            if viewport == PANEL:
                assert max(text.size for text in texts) >= 60
                assert min(text.size for text in texts) >= 24
    thaw.set()


@pytest.mark.parametrize("name", STATES)
def test_every_text_has_a_contrast_of_seven(tab: Page, serve_page: Serve, name: str) -> None:
    open_page(tab, serve_page(STATES[name]()))
    faint = [(text.text, round(text.contrast, 2)) for text in inspect(tab) if text.contrast < 7]
    assert faint == []


def test_colour_is_kept_for_what_is_abnormal(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page())
    for text in inspect(tab):
        red, green, blue = (int(part) for part in re.findall(r"\d+", text.colour)[:3])
        assert max(red, green, blue) - min(red, green, blue) < 20, text
        assert min(red, green, blue) > 150, text


def test_the_whole_square_of_twenty_millimetres_takes_the_finger(
    tab: Page, serve_page: Serve
) -> None:
    open_page(tab, serve_page())
    box = tab.get_by_role("button").bounding_box()
    assert box is not None
    right, top = box["x"] + box["width"], box["y"]
    for across, down in itertools.product((2, TOUCH // 2, TOUCH - 2), repeat=2):
        hit = tab.evaluate(
            "([x, y]) => document.elementFromPoint(x, y).closest('button') !== null",
            [right - across, top + down - 2],
        )
        assert hit, (across, down)
    tab.mouse.click(right - TOUCH + 4, top + TOUCH - 8)
    expect(tab.locator("html")).to_have_attribute("lang", "kk")


def test_no_asset_asks_for_anything_outside() -> None:
    for file in files("gateway.web").joinpath("static").iterdir():
        outside = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.read_text())
        assert set(outside) <= {"http://www.w3.org"}, file.name
