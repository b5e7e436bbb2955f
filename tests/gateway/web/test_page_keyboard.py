"""The page without a finger or an eye: from a keyboard alone, and as a screen reader tells it."""

from collections.abc import Callable

import msgspec
import pytest
from crew_page.drawn import contrast
from crew_page.live_picture import alarm, alarmed, server_away, te33a, whole
from crew_page.opened_page import open_page, open_running
from crew_page.served_page import ServedPage
from playwright.sync_api import Page, expect

from gateway.web.access import Access
from gateway.web.pin import hash_pin

Serve = Callable[..., ServedPage]
PIN = "190643"


def test_a_screen_that_a_key_opened_is_where_the_keyboard_goes_on(
    tab: Page, serve_page: Serve
) -> None:
    open_running(tab, serve_page(alarmed()))
    tab.get_by_role("link", name="axle 2", exact=True).focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("region", name="Axle and motor 2")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.locator("#detail .tile").first).to_be_focused()
    tab.locator("#strip").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("region", name="Alarms")).to_be_focused()
    tab.keyboard.press("Tab")
    expect(tab.locator("#alarms .told").first).to_be_focused()


def test_a_key_that_stays_keeps_the_focus_from_screen_to_screen(
    tab: Page, serve_page: Serve
) -> None:
    open_running(tab, serve_page(), "#detail/1")
    tab.get_by_role("button", name="next").focus()
    axles = [f"Axle and motor {number}" for number in range(1, 7)]
    for screen in (*axles[1:], "Brakes and air", "Nodes and links", axles[0]):
        tab.keyboard.press("Enter")
        expect(tab.get_by_role("region", name=screen)).to_be_visible()
        expect(tab.get_by_role("button", name="next")).to_be_focused()
    tab.go_back()
    expect(tab.get_by_role("region", name="Nodes and links")).to_be_visible()


def test_whoever_accepts_or_silences_by_keyboard_does_not_lose_the_place(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(alarmed())
    open_running(tab, page, "#alarms")
    tab.get_by_role("button", name="Accept, B01, Hot axlebox, axle 2 left").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#alarms .told").first).to_be_focused()
    tab.locator("#key-4").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#key-4")).to_be_disabled()
    expect(tab.locator("#key-4")).to_be_focused()
    tab.locator("#alarms .told").nth(1).focus()
    page.show(whole())
    expect(tab.get_by_role("region", name="Alarms")).to_be_focused()


def test_a_pin_is_typed_on_a_keyboard(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed(), access=Access(hash_pin(PIN, b"s" * 16)))
    open_running(tab, page, "#alarms")
    tab.locator("#alarms .key").first.press("Enter")
    pad = tab.get_by_role("dialog")
    expect(pad.get_by_role("button", name="1", exact=True)).to_be_focused()
    tab.keyboard.type(PIN + "7")
    tab.keyboard.press("Backspace")
    expect(pad.get_by_role("status")).to_have_text("\u2022" * 6)
    tab.keyboard.press("Enter")
    expect(tab.locator("#alarms .alarm").first).to_have_attribute("data-state", "acknowledged")
    tab.locator("#alarms .key").nth(1).press("Enter")
    tab.keyboard.type("7")
    expect(tab.get_by_role("dialog")).not_to_contain_text("7")


def test_the_screen_of_nodes_is_scrolled_from_the_keyboard(tab: Page, serve_page: Serve) -> None:
    open_running(tab, serve_page(whole()), "#detail/1")
    tab.get_by_role("button", name="previous").press("Enter")
    expect(tab.locator("#service .card").last).not_to_be_in_viewport()
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Shift+Tab")
    tab.keyboard.press("Shift+Tab")
    expect(tab.get_by_role("region", name="Nodes and links")).to_be_focused()
    tab.keyboard.press("End")
    expect(tab.locator("#service .card").last).to_be_in_viewport()


def test_the_focus_can_be_seen_in_each_light(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed())
    open_running(tab, page)
    for priority in ("high", "medium", "low"):
        page.show(te33a(alarms=(alarm("axlebox-hot", "axle 2 left", priority=priority),)))
        expect(tab.locator("#strip")).to_have_attribute("data-alarm", priority)
        for _ in ("night", "red", "day"):
            tab.locator("#key-2").click()
            for _ in range(15):
                tab.keyboard.press("Tab")
                assert outline_contrast(tab) >= 3


def outline_contrast(tab: Page) -> float:
    """Of the line around what has the focus, against its ground; 21 where nothing has it."""
    colours = tab.evaluate(
        """() => {
          if (document.activeElement === document.body) return ["rgb(0,0,0)", "rgb(255,255,255)"];
          const style = getComputedStyle(document.activeElement);
          let ground = document.activeElement;
          while (getComputedStyle(ground).backgroundColor === "rgba(0, 0, 0, 0)")
            ground = ground.parentElement;
          return [style.outlineStyle === "none" ? getComputedStyle(ground).backgroundColor
            : style.outlineColor, getComputedStyle(ground).backgroundColor];
        }"""
    )
    return contrast(*colours)


def test_the_strip_is_read_as_the_alarm_that_it_shows(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed())
    open_page(tab, page)
    link = tab.get_by_role("link", name="Alarms: 3. danger. B01. Hot axlebox. axle 2 left")
    expect(link).to_be_visible()
    expect(link).to_have_attribute("href", "#alarms")
    page.show(te33a())
    expect(tab.get_by_role("link", name="No alarms.", exact=True)).to_be_visible()


def test_two_alarms_keys_are_told_apart(tab: Page, serve_page: Serve) -> None:
    places = ("axle 2 left", "axle 5 right")
    state = te33a(alarms=tuple(alarm("axlebox-hot", place) for place in places))
    open_page(tab, serve_page(state), "#alarms")
    for does in ("Accept", "Shelve"):
        for place in places:
            name = f"{does}, B01, Hot axlebox, {place}"
            expect(tab.get_by_role("button", name=name, exact=True)).to_have_text(does)


def test_the_clock_and_the_server_are_read_with_what_they_say(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(server_away())
    open_page(tab, page)
    expect(tab.get_by_role("group", name="clock: 01:00:00")).to_be_visible()
    expect(tab.get_by_role("group", name="Server, waiting, since 23:00, 12 MB")).to_be_visible()
    page.show(msgspec.structs.replace(server_away(), clock_trusted=False))
    expect(tab.get_by_role("group", name="clock: no time")).to_be_visible()
    thaw = page.freeze()
    tab.clock.run_for(4000)
    expect(tab.locator("#cover")).to_be_visible()
    expect(tab.locator("#server")).to_have_attribute("aria-label", "")
    expect(tab.locator("#clock")).to_have_attribute("aria-label", "clock")
    thaw.set()


def test_what_is_left_of_a_values_time_is_seen_on_an_alarm_too(
    tab: Page, serve_page: Serve
) -> None:
    for priority in ("high", "medium", "low"):
        state = whole()
        channels = tuple(known.id for known in state.channels)
        told = alarm("axlebox-hot", "axle 2 left", channels, priority=priority)
        open_running(tab, serve_page(msgspec.structs.replace(state, alarms=(told,))))
        cell = tab.locator('#matrix [data-channel="axleboxes-1/2"]')
        for _ in ("night", "red", "day"):
            tab.locator("#key-2").click()
            expect(cell).to_have_attribute("data-alarm", priority)
            bar, ground = cell.evaluate(
                """cell => [
                  getComputedStyle(cell.querySelector(".fresh"), "::before").backgroundColor,
                  getComputedStyle(cell).backgroundColor]"""
            )
            assert contrast(bar, ground) >= 3


@pytest.mark.parametrize("address", ["#detail/99", "#detail/x"])
def test_an_address_of_no_axle_shows_the_first_under_its_own_name(
    tab: Page, serve_page: Serve, address: str
) -> None:
    open_page(tab, serve_page(), address)
    expect(tab.locator("#detail .title")).to_have_text("Axle and motor 1")
    expect(tab.locator('#detail [data-channel="motors-a/0"]')).to_be_visible()


def test_an_axle_without_a_sensor_says_so(tab: Page, serve_page: Serve) -> None:
    state = te33a()
    kept = tuple(known for known in state.channels if not known.place.endswith(" 3"))
    open_page(tab, serve_page(msgspec.structs.replace(state, channels=kept)), "#detail/3")
    expect(tab.locator("#detail .title")).to_have_text("Axle and motor 3")
    expect(tab.locator("#detail .empty")).to_have_text("no sensor fitted")
    expect(tab.locator("#detail .course")).to_be_hidden()
    tab.get_by_role("button", name="next").click()
    expect(tab.locator("#detail .empty")).to_be_hidden()


def test_dates_and_the_order_of_cards_are_the_same_in_each_language(
    tab: Page, serve_page: Serve
) -> None:
    open_page(tab, serve_page(server_away()), "#service")
    for language in ("kk", "ru", "en"):
        tab.locator("#key-4").click()
        expect(tab.locator("html")).to_have_attribute("lang", language)
        expect(tab.locator("#service .card").first).to_contain_text("2025-11-21 22:59:56")
