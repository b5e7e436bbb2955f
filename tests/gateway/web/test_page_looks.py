"""What the page measures as drawn: sizes, contrast, and that nothing is cut or overlaps."""

import itertools
import re
from collections.abc import Callable, Iterator
from importlib.resources import files
from typing import Any

import msgspec
import pytest
from crew_page.drawn import faults_of_layout, inspect, room, scrolls
from crew_page.live_picture import (
    alarm,
    alarmed,
    everything,
    recorded,
    server_away,
    te33a,
    troubled,
    whole,
    with_each,
)
from crew_page.opened_page import open_page
from crew_page.served_page import WORDS, ServedPage
from playwright.sync_api import Page, ViewportSize, expect

from gateway.state import Quality, State
from gateway.web.texts import LANGUAGES

Serve = Callable[..., ServedPage]
PANEL: ViewportSize = {"width": 800, "height": 480}
SMALL_DESK: ViewportSize = {"width": 1024, "height": 600}
DESK: ViewportSize = {"width": 1280, "height": 800}
PHONE: ViewportSize = {"width": 390, "height": 844}
SMALL_PHONE: ViewportSize = {"width": 360, "height": 640}
SIDEWAYS: ViewportSize = {"width": 844, "height": 390}
SMALL_SIDEWAYS: ViewportSize = {"width": 667, "height": 375}
TOUCH = 105
"""20 mm on a 7-inch panel of 800x480."""


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


def each_language(tab: Page) -> Iterator[str | None]:
    for _ in LANGUAGES:
        tab.locator("#key-1").click()
        yield tab.locator("html").get_attribute("lang")


def each_light(tab: Page) -> Iterator[str | None]:
    for _ in ("night", "red", "day"):
        tab.locator("#key-2").click()
        yield tab.locator("html").get_attribute("data-mode")


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
    "whole": whole,
    "alarmed": alarmed,
}


@pytest.mark.parametrize("name", STATES)
def test_nothing_is_cut_or_overlaps_in_any_size_or_language(
    tab: Page, serve_page: Serve, name: str
) -> None:
    open_page(tab, serve_page(STATES[name]()))
    for viewport in (PANEL, SMALL_DESK, DESK, PHONE, SIDEWAYS, SMALL_SIDEWAYS):
        tab.set_viewport_size(viewport)
        for language in each_language(tab):
            assert faults_of_layout(inspect(tab)) == [], (viewport, language)
            across, down = scrolls(tab)
            assert not across, (viewport, language)
            assert not down, (viewport, language)


@pytest.mark.parametrize("name", STATES)
def test_names_clock_and_alarms_have_room_in_any_size_or_language(
    tab: Page, serve_page: Serve, name: str
) -> None:
    open_page(tab, serve_page(STATES[name]()))
    for viewport in (PANEL, SMALL_DESK, DESK, PHONE, SMALL_PHONE, SIDEWAYS, SMALL_SIDEWAYS):
        tab.set_viewport_size(viewport)
        upright = viewport["width"] < viewport["height"]
        for language in each_language(tab):
            found = room(tab)
            lines = [{"locomotive", "clock"}, {"server", "link"}]
            assert found.header_lines == (lines if upright else [set.union(*lines)]), language
            for pitch, above, below in found.labels:
                assert pitch >= 0.95, (viewport, language)
                assert above >= 0.45, (viewport, language)
                assert below >= 0.38, (viewport, language)
            assert all(gap >= 0 for gap in found.marked), (viewport, language)
            assert all(cut <= 0.5 for cut in found.strip), (viewport, language)


@pytest.mark.parametrize("profile", ["te33a", "kz8a", "kz4at"])
def test_a_number_stands_clear_of_the_shape_of_its_alarm(
    tab: Page, serve_page: Serve, profile: str
) -> None:
    state = whole(profile)
    alarms = tuple(
        alarm("axlebox-hot", known.place, (known.id,), id=known.id) for known in state.channels
    )
    page = serve_page(msgspec.structs.replace(state, alarms=alarms))
    open_page(tab, page)
    for length in (None, -41.0, 1204.0, -1204.0):
        changes = {} if length is None else {"value": length}
        show(tab, page, with_each(msgspec.structs.replace(state, alarms=alarms), **changes))
        for viewport in (PANEL, SMALL_DESK, DESK, PHONE, SIDEWAYS):
            tab.set_viewport_size(viewport)
            gaps = room(tab).marked
            assert len(gaps) >= 20
            assert min(gaps) >= -0.5, (viewport, length)
            assert faults_of_layout(inspect(tab)) == [], (viewport, length)


@pytest.mark.parametrize("length", [-1204.0, -412.0, 1204.0, -12.34])
def test_long_numbers_fit(tab: Page, serve_page: Serve, length: float) -> None:
    open_page(tab, serve_page(with_each(te33a(), value=length, decimals=2)))
    for viewport in (PANEL, PHONE):
        tab.set_viewport_size(viewport)
        assert faults_of_layout(inspect(tab)) == []


@pytest.mark.parametrize("profile", ["kz8a", "vl80s", "kz4at"])
def test_every_class_fits_well_and_troubled(tab: Page, serve_page: Serve, profile: str) -> None:
    page = serve_page(whole(profile))
    open_page(tab, page)
    cases: tuple[dict[str, Any], ...] = (
        {},
        {"quality": "stale", "value": None, "age_ms": 2_712_000},
        {"quality": "out_of_range"},
        {"quality": "waiting", "value": None, "age_ms": None},
    )
    for changes in cases:
        show(tab, page, with_each(whole(profile), **changes))
        for viewport in (PANEL, DESK, PHONE):
            tab.set_viewport_size(viewport)
            for language in each_language(tab):
                assert faults_of_layout(inspect(tab)) == [], (viewport, language, changes)
                assert scrolls(tab)[0] is False


@pytest.mark.parametrize("viewport", [PANEL, PHONE])
def test_the_words_of_every_alarm_fit(
    tab: Page, serve_page: Serve, viewport: ViewportSize
) -> None:
    tab.set_viewport_size(viewport)
    page = serve_page()
    open_page(tab, page)
    for rule in WORDS:
        told = alarm(rule, "axle 6 right", value=-103.25, limit=70.0, unit="°C", state="returned")
        show(tab, page, te33a(alarms=(told, told)))
        for language in each_language(tab):
            title = getattr(WORDS[rule].title, str(language))
            expect(tab.locator("#strip .title")).to_have_text(title)
            assert faults_of_layout(inspect(tab)) == [], (rule, language)


@pytest.mark.parametrize("viewport", [PANEL, PHONE])
def test_the_name_of_every_quantity_fits_on_the_screens_of_details(
    tab: Page, serve_page: Serve, viewport: ViewportSize
) -> None:
    tab.set_viewport_size(viewport)
    page = serve_page(everything())
    open_page(tab, page)
    cases: tuple[dict[str, Any], ...] = (
        {},
        {"quality": "out_of_range"},
        {"quality": "stale", "value": None, "age_ms": 2_712_000},
    )
    for changes in cases:
        show(tab, page, with_each(everything(), **changes))
        for language in each_language(tab):
            for unit in ("1", "air", "rest"):
                tab.goto(f"{page.url}/#detail/{unit}")
                expect(tab.locator("#detail .tile").first).to_be_visible()
                assert faults_of_layout(inspect(tab)) == [], (unit, language, changes)
            tab.goto(f"{page.url}/#")


@pytest.mark.parametrize("name", STATES)
def test_text_on_the_panel_is_large_enough_and_main_values_larger(
    tab: Page, serve_page: Serve, name: str
) -> None:
    open_page(tab, serve_page(STATES[name]()))
    texts = inspect(tab)
    assert min(text.size for text in texts) >= 24
    if name in ("well", "whole"):
        assert {text.size for text in texts if text.part == "value"} == {44}


def test_the_banner_fits_and_can_be_read_from_afar(tab: Page, serve_page: Serve) -> None:
    page = serve_page()
    open_page(tab, page)
    thaw = page.freeze()
    tab.clock.run_for(4000)
    expect(tab.locator("#cover")).to_be_visible()
    for viewport in (PANEL, DESK, PHONE):
        tab.set_viewport_size(viewport)
        for language in each_language(tab):
            texts = inspect(tab)
            assert faults_of_layout(texts) == [], language
            assert min(text.contrast for text in texts) >= 7
            if viewport == PANEL:
                assert max(text.size for text in texts) >= 60
                assert min(text.size for text in texts) >= 24
    thaw.set()


@pytest.mark.parametrize("name", STATES)
def test_every_text_has_a_contrast_of_seven_in_each_light(
    tab: Page, serve_page: Serve, name: str
) -> None:
    page = serve_page(STATES[name]())
    open_page(tab, page)
    for light in each_light(tab):
        for screen in ("#", "#alarms", "#detail/2", "#detail/5", "#service"):
            tab.goto(f"{page.url}/{screen}")
            texts = inspect(tab)
            faint = [(text.text, round(text.contrast, 2)) for text in texts if text.contrast < 7]
            assert faint == [], (light, screen)
        tab.goto(f"{page.url}/#")


def test_colour_is_kept_for_what_is_abnormal(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page())
    for text in inspect(tab):
        red, green, blue = (int(part) for part in re.findall(r"\d+", text.colour)[:3])
        assert max(red, green, blue) - min(red, green, blue) < 20, text
        assert min(red, green, blue) > 150, text


def test_red_light_is_red_alone(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page(alarmed()))
    tab.locator("#key-2").click()
    expect(tab.locator("html")).to_have_attribute("data-mode", "red")
    for text in inspect(tab):
        for colour in (text.colour, text.ground):
            red, green, blue = (int(part) for part in re.findall(r"\d+", colour)[:3])
            assert max(green, blue) <= red * 0.45, text


def test_whatever_is_touched_on_the_panel_is_twenty_millimetres_wide_and_high(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(alarmed())
    open_page(tab, page)
    for screen in ("#", "#alarms", "#detail/2", "#detail/air"):
        tab.goto(f"{page.url}/{screen}")
        assert small_targets(tab, TOUCH) == [], screen
    tab.goto(f"{page.url}/#alarms")
    tab.locator("#alarms .alarm .key").nth(1).click()
    expect(tab.get_by_role("dialog")).to_be_visible()
    assert small_targets(tab, TOUCH) == []


def test_whatever_is_touched_on_a_phone_is_nine_millimetres(tab: Page, serve_page: Serve) -> None:
    tab.set_viewport_size(PHONE)
    page = serve_page(alarmed())
    open_page(tab, page)
    for screen in ("#", "#alarms", "#detail/2"):
        tab.goto(f"{page.url}/{screen}")
        assert small_targets(tab, 48) == [], screen


def small_targets(tab: Page, least: int) -> list[str]:
    """Keys and links that are smaller; a tile, an axle and the small strip repeat what keys do."""
    found = tab.evaluate(
        """least => [...document.querySelectorAll("dialog[open] button, button, a")]
          .filter(each => each.checkVisibility() && !each.matches(".tile[href], .axle, #strip"))
          .filter(each => document.querySelector("dialog[open]")?.contains(each) ?? true)
          .map(each => [each.textContent, each.getBoundingClientRect()])
          .filter(([, {width, height}]) => width < least - 0.5 || height < least - 0.5)
          .map(([name, {width, height}]) => `${name} ${width} ${height}`)""",
        least,
    )
    return [str(one) for one in found]


def test_no_asset_asks_for_anything_outside() -> None:
    for file in files("gateway.web").joinpath("static").iterdir():
        outside = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", file.read_text())
        assert set(outside) <= {"http://www.w3.org"}, file.name
