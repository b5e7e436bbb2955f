"""The page as a driver meets it, in a real Chromium on the cab's panel."""

import re
from collections.abc import Callable, Iterator

import msgspec
import pytest
from crew_page.live_picture import (
    CURRENTS,
    alarm,
    channel,
    server_away,
    te33a,
    troubled,
    whole,
    with_channel,
)
from crew_page.opened_page import open_page, open_running
from crew_page.served_page import ServedPage
from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from gateway.state import Node, Quality

Serve = Callable[..., ServedPage]
DIGIT = re.compile(r"[0-9]")


@pytest.fixture(autouse=True)
def quiet(tab: Page) -> Iterator[list[str]]:
    """Whatever the browser complains of; a test that expects complaints empties the list."""
    complaints: list[str] = []
    tab.on("console", lambda message: complaints.append(message.text))
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    yield complaints
    assert [one for one in complaints if "AudioContext" not in one] == []


def field(tab: Page, id: str) -> Locator:
    return tab.locator(f'[data-channel="{id}"]')


def value(tab: Page, id: str) -> Locator:
    return field(tab, id).locator(".value")


def values(tab: Page) -> list[str]:
    return tab.locator("[data-channel] .value").all_text_contents()


def colour(locator: Locator) -> str:
    return str(locator.evaluate("element => getComputedStyle(element).color"))


def size(locator: Locator) -> float:
    return float(locator.evaluate("element => parseFloat(getComputedStyle(element).fontSize)"))


def expect_link_lost(tab: Page) -> None:
    expect(tab.locator("#cover")).to_be_visible()
    expect(tab.get_by_role("alert")).to_contain_text("LINK LOST")
    shown = values(tab)
    assert len(shown) == 23
    assert not any(DIGIT.search(text) for text in shown)


def test_the_locomotive_and_all_its_values_appear(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page())
    expect(tab.locator("h1")).to_have_text("TE33A-0001")
    expect(tab.locator("#link")).to_have_text("link")
    expect(tab.locator("#clock")).to_have_text("01:00:00")
    for number, amperes in enumerate(CURRENTS):
        expect(value(tab, f"motors-a/{number}")).to_have_text(f"{amperes:.0f}")
    loads = tab.locator('[data-channel^="axles-a/"] .value').all_text_contents()
    assert loads == ["23.1", "22.8", "23.4", "22.9", "23.0", "23.2"]
    expect(field(tab, "brakes-a/0")).to_have_text("PipekPa512<1s")
    expect(field(tab, "brakes-a/2")).to_have_text("Cyl. 2kPa0<1s")
    expect(tab.locator("#server")).to_have_text("Serversending")
    expect(tab.locator("#status")).to_have_text("Nodes3/3Lost0Disk31 d")
    expect(tab.locator("#strip")).to_contain_text("No alarms")
    expect(tab.locator(".row").nth(1).locator(".label .age")).to_have_text("<1 s")


@pytest.mark.parametrize(
    ("profile", "sections", "bogies", "axles"),
    [("te33a", 1, 2, 6), ("kz8a", 2, 4, 8), ("vl80s", 2, 4, 8), ("kz4at", 1, 2, 4)],
)
def test_the_drawing_is_the_profile(
    tab: Page, serve_page: Serve, profile: str, sections: int, bogies: int, axles: int
) -> None:
    open_page(tab, serve_page(whole(profile)))
    for part, count in (
        ("hood", sections),
        ("bogie", bogies),
        ("wheel-drawn", axles),
        ("motor", axles),
    ):
        expect(tab.locator(f".drawing .{part}")).to_have_count(count)
    expect(tab.get_by_role("columnheader").locator(".axle")).to_have_count(axles)


def test_the_speed_is_the_median_axle_and_says_that_it_is_an_estimate(
    tab: Page, serve_page: Serve
) -> None:
    state = whole()
    speeds = [known for known in state.channels if known.quantity == "axle.speed"]
    for number, known in enumerate(speeds):
        state = with_channel(state, known.id, value=300.0 + 10 * number)
    state = with_channel(state, speeds[5].id, quality="stuck", value=9000.0)
    open_page(tab, serve_page(state))
    expect(value(tab, "speed")).to_have_text("64")
    expect(value(tab, "speed")).to_have_attribute("data-estimated", "true")
    assert "wheel size not verified" in (field(tab, "speed").get_attribute("aria-label") or "")


def test_without_a_good_speed_sensor_there_is_no_speed(tab: Page, serve_page: Serve) -> None:
    page = serve_page()
    open_page(tab, page)
    expect(field(tab, "speed")).to_have_attribute("data-look", "none")
    expect(field(tab, "speed").locator(".word")).to_have_text("none")
    state = whole()
    for known in state.channels:
        if known.quantity == "axle.speed":
            state = with_channel(state, known.id, quality="stale", value=None, age_ms=9000)
    page.show(state)
    expect(field(tab, "speed")).to_have_attribute("data-look", "stale")
    expect(field(tab, "speed").locator(".value")).to_be_hidden()


def test_values_follow_and_the_page_does_not_grow(tab: Page, serve_page: Serve) -> None:
    page = serve_page()
    open_page(tab, page)
    elements = tab.locator("*").count()
    for step in range(100):
        page.show(with_channel(te33a(), "motors-a/0", value=500.0 + step))
    expect(value(tab, "motors-a/0")).to_have_text("599")
    assert tab.locator("*").count() == elements


def test_a_stale_or_unknown_value_shows_a_dash_a_shape_a_word_and_no_number(
    tab: Page, serve_page: Serve
) -> None:
    state = with_channel(te33a(), "motors-a/0", quality="stale", value=412.3, age_ms=12_000)
    state = with_channel(state, "motors-a/1", quality="waiting", value=409.0, age_ms=None)
    state = with_channel(state, "motors-a/2", quality="ok", value=None)
    open_page(tab, serve_page(state))
    for id, look, shape, words in (
        ("motors-a/0", "stale", "diamond", "\u2013stale12s"),
        ("motors-a/1", "waiting", "ring", "\u2013waiting"),
        ("motors-a/2", "waiting", "ring", "\u2013waiting"),
    ):
        expect(field(tab, id)).to_have_attribute("data-look", look)
        expect(field(tab, id)).to_have_text(re.compile(f"^{words}"))
        expect(field(tab, id).locator(".shape")).to_have_attribute("data-shape", shape)
        expect(field(tab, id).locator(".shape")).to_be_visible()
        expect(field(tab, id).locator(".word")).to_be_visible()


def test_a_sensor_fault_shows_its_word_and_a_shape_and_no_number(
    tab: Page, serve_page: Serve
) -> None:
    words: dict[Quality, str] = {
        "open": "open",
        "short": "short",
        "saturated": "at limit",
        "stuck": "stuck",
        "no_answer": "no reply",
        "out_of_range": "off scale",
        "not_ready": "starting",
    }
    state = te33a()
    for number, quality in enumerate(words):
        state = with_channel(state, f"motors-a/{number}", quality=quality, value=850.0)
    open_page(tab, serve_page(state))
    healthy = value(tab, "motors-a/11")
    for number, word in enumerate(words.values()):
        cell = field(tab, f"motors-a/{number}")
        expect(cell.locator(".word")).to_have_text(word)
        expect(cell.locator(".shape")).to_have_attribute("data-shape", "cross")
        expect(cell.locator(".shape")).to_be_visible()
        assert "850" not in (cell.text_content() or "")
        assert colour(cell.locator(".word")) != colour(healthy)


def test_who_looks_closer_sees_a_faulty_sensors_number_crossed_out(
    tab: Page, serve_page: Serve
) -> None:
    state = with_channel(te33a(), "motors-a/0", quality="open", value=850.0)
    state = with_channel(state, "motors-a/6", quality="stale", value=None, age_ms=9000)
    open_page(tab, serve_page(state), "#detail/1")
    detail = tab.locator("#detail")
    crossed = detail.locator('[data-channel="motors-a/0"] .value')
    healthy = detail.locator('[data-channel="axles-a/0"] .value')
    expect(crossed).to_have_text("850")
    expect(crossed).to_have_css("text-decoration-line", "line-through")
    assert size(crossed) < size(healthy)
    expect(detail.locator('[data-channel="motors-a/6"] .value')).to_have_text("\u2013")


def test_ages_count_on_and_a_value_turns_stale_by_the_pages_own_clock(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(with_channel(te33a(), "motors-a/0", stale_after_ms=60_000))
    open_page(tab, page)
    tab.clock.run_for(1200)
    expect(field(tab, "motors-a/1").locator(".age")).to_have_text("1s")
    expect(field(tab, "motors-a/1")).to_have_attribute("data-look", "ok")
    tab.clock.run_for(900)
    expect(field(tab, "motors-a/1")).to_have_attribute("data-look", "stale")
    expect(value(tab, "motors-a/1")).to_have_text("\u2013")
    expect(value(tab, "motors-a/0")).to_have_text("412")
    expect(field(tab, "motors-a/0").locator(".age")).to_have_text("2s")


def test_a_cut_link_covers_the_page_after_three_seconds_and_blanks_every_value(
    tab: Page, serve_page: Serve, quiet: list[str]
) -> None:
    page = serve_page()
    open_page(tab, page)
    page.stop()
    expect(tab.locator("#link")).to_have_attribute("data-shape", "diamond")
    tab.clock.run_for(2700)
    expect(tab.locator("#cover")).to_be_hidden()
    tab.clock.run_for(300)
    expect_link_lost(tab)
    expect(tab.locator("#link")).to_have_attribute("data-shape", "cross")
    expect(tab.locator("#clock")).not_to_have_text(DIGIT)
    page.start()
    tab.clock.resume()
    expect(tab.locator("#cover")).to_be_hidden()
    expect(value(tab, "motors-a/0")).to_have_text("412")
    assert all("ERR_CONNECTION_REFUSED" in complaint for complaint in quiet)
    quiet.clear()


def test_a_link_that_falls_silent_without_closing_is_lost_as_well(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page()
    open_page(tab, page)
    thaw = page.freeze()
    tab.clock.run_for(3000)
    expect_link_lost(tab)
    tab.clock.run_for(61_000)
    expect(tab.locator("#banner-age")).to_have_text("1 min")
    thaw.set()
    tab.clock.resume()
    expect(tab.locator("#cover")).to_be_hidden()
    expect(value(tab, "motors-a/0")).to_have_text("412")


def test_heartbeats_without_a_new_picture_prove_no_node_alive(
    tab: Page, serve_page: Serve
) -> None:
    open_running(tab, serve_page())
    nodes = tab.locator("#status li").first
    expect(nodes).to_have_attribute("data-shape", "disc")
    expect(nodes).to_have_attribute("data-shape", "diamond")
    expect(tab.locator("#cover")).to_be_hidden()
    expect(tab.locator("#link")).to_have_attribute("data-shape", "disc")
    assert not any(DIGIT.search(text) for text in values(tab))


def test_a_page_that_wakes_up_shows_nothing_old(tab: Page, serve_page: Serve) -> None:
    page = serve_page()
    open_page(tab, page)
    thaw = page.freeze()
    tab.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(tab.locator("#cover")).to_be_visible()
    assert not any(DIGIT.search(text) for text in values(tab))
    thaw.set()
    expect(tab.locator("#cover")).to_be_hidden()
    expect(value(tab, "motors-a/0")).to_have_text("412")


def test_one_page_too_many_says_why_it_shows_nothing(
    tab: Page, context: BrowserContext, serve_page: Serve, quiet: list[str]
) -> None:
    page = serve_page(client_limit=1)
    open_running(tab, page)
    second = context.new_page()
    second.goto(page.url)
    expect(second.get_by_role("alert")).to_contain_text("Too many pages are open")
    tab.goto("about:blank")
    expect(second.locator("#cover")).to_be_hidden()
    expect(value(second, "motors-a/0")).to_have_text("412")


def test_a_new_version_of_the_page_is_taken_when_the_gateway_brings_one(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page()
    tab.route(
        "**/api/events",
        lambda route: route.fulfill(
            body=": heartbeat\n\n", headers={"axlebox-assets": "0123456789abcdef"}
        ),
        times=1,
    )
    loads: list[str] = []
    tab.on("load", lambda loaded: loads.append(loaded.url))
    open_page(tab, page)
    expect(value(tab, "motors-a/0")).to_have_text("412")
    assert len(loads) == 2


def test_one_touch_changes_the_language_and_the_page_remembers(
    tab: Page, serve_page: Serve
) -> None:
    open_page(tab, serve_page(troubled()))
    button = tab.locator("#key-1")
    label = tab.locator("#matrix .label .name").first
    expect(button).to_have_text("ENG")
    for short, language, winding, stale, load in (
        ("ҚАЗ", "kk", "Орама", "ескірді", "күту"),
        ("РУС", "ru", "Обмотка", "устар.", "ждём"),
        ("ENG", "en", "Winding", "stale", "waiting"),
        ("ҚАЗ", "kk", "Орама", "ескірді", "күту"),
    ):
        button.click()
        expect(button).to_have_text(short)
        expect(tab.locator("html")).to_have_attribute("lang", language)
        expect(label).to_have_text(winding)
        expect(field(tab, "motors-a/1").locator(".word")).to_have_text(stale)
        expect(field(tab, "axles-a/0").locator(".word")).to_have_text(load)
    tab.reload()
    expect(label).to_have_text("Орама")


def test_numbers_use_the_readers_decimal_sign(tab: Page, serve_page: Serve) -> None:
    state = with_channel(te33a(), "motors-a/0", value=-7.26, decimals=1)
    open_page(tab, serve_page(state))
    expect(value(tab, "axles-a/0")).to_have_text("23.1")
    tab.locator("#key-1").click()
    expect(value(tab, "axles-a/0")).to_have_text("23,1")
    expect(value(tab, "motors-a/0")).to_have_text("\u22127,3")


def test_every_other_quantity_is_on_a_screen_of_details(tab: Page, serve_page: Serve) -> None:
    state = te33a()
    strange = (
        channel("brakes-a/4", "gearbox.oil_level", "section 2", "mm", 17.25, decimals=2),
        channel("brakes-a/5", "axle.load", "axle 3", "t", 23.3, decimals=1),
        channel("brakes-a/6", "supply.voltage", "", "V", 110.04, decimals=1),
        channel("brakes-a/7", "motor.voltage", "motor 3", "V", 803.0),
    )
    page = serve_page(msgspec.structs.replace(state, channels=(*state.channels, *strange)))
    open_page(tab, page, "#detail/rest")
    expect(field(tab, "brakes-a/4")).to_contain_text("gearbox.oil_level")
    expect(field(tab, "brakes-a/4")).to_contain_text("17.3mm")
    expect(field(tab, "brakes-a/6")).to_contain_text("Supply110V")
    tab.goto(page.url + "/#detail/3")
    detail = tab.locator("#detail")
    expect(detail.locator('[data-channel="brakes-a/5"]')).to_contain_text("23.3t")
    expect(detail.locator('[data-channel="brakes-a/7"]')).to_contain_text("803V")
    expect(detail.locator('[data-channel="motors-a/2"]')).to_contain_text("415A")


def test_nodes_and_channels_may_come_and_go(tab: Page, serve_page: Serve) -> None:
    page = serve_page(te33a(nodes=(), channels=()))
    open_page(tab, page)
    expect(tab.locator("[data-channel]")).to_have_count(1)
    expect(tab.locator('#tiles [data-look="none"]')).to_have_count(4)
    page.show(te33a())
    expect(tab.locator("[data-channel]")).to_have_count(23)
    page.show(te33a(channels=te33a().channels[:12], nodes=(Node(name="x", status="waiting"),)))
    expect(tab.locator("[data-channel]")).to_have_count(13)
    expect(tab.locator("#status li").first).to_have_text("xwaiting")


def test_text_from_outside_stays_text(tab: Page, serve_page: Serve) -> None:
    wild = "<img src=/api/state onerror=alert(1)>"
    state = with_channel(te33a(), "brakes-a/0", quantity=wild, place=wild, unit=wild)
    state = msgspec.structs.replace(
        state,
        nodes=(Node(name=wild, status="stale", age_ms=1, link=wild),),
        losses={wild: 3},
        alarms=(alarm("winding-hot", wild, code=wild, unit=wild, value=1.0),),
    )
    page = serve_page(state)
    open_page(tab, page)
    expect(tab.locator("#status")).to_contain_text(wild)
    expect(tab.locator("#strip")).to_contain_text(wild)
    for screen, id in (("#detail/rest", "detail"), ("#alarms", "alarms"), ("#service", "service")):
        tab.goto(f"{page.url}/{screen}")
        expect(tab.locator(f"#{id}")).to_contain_text(wild)
    expect(tab.locator("img")).to_have_count(0)


def test_a_clock_that_nobody_set_is_not_shown_as_one(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page(te33a(clock_trusted=False)))
    expect(tab.locator("#clock .word")).to_have_text("no time")
    expect(tab.locator("#clock .shape")).to_have_attribute("data-shape", "diamond")


def test_backlog_losses_and_disk_are_told(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page(troubled()))
    expect(tab.locator("#server")).to_have_text("Server12 MB")
    expect(tab.locator("#status")).to_have_text("axles-awaiting +1Lost12Refused4")
    lost = tab.locator("#status li").nth(1)
    expect(lost).to_have_attribute("data-shape", "diamond")
    expect(lost).to_have_attribute("title", "Lost 12 outbox_full: 12, missed_deadline: 0")


def test_a_server_that_is_away_is_told_with_the_time_of_day_and_the_backlog(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(server_away())
    open_page(tab, page)
    server = tab.locator("#server")
    expect(server).to_have_text("Server12 MB")
    expect(server).to_have_attribute(
        "title",
        re.compile(
            "waiting, since 23:00, 12 MB, the oldest not sent .*; sent up to .*; "
            "in / forwarded 8.2 kB/s / 0.0"
        ),
    )
    page.show(server_away(hours=24))
    expect(server).to_have_attribute("title", re.compile("waiting, 1 d, 12 MB, "))


def test_a_screen_reader_gets_the_table_and_full_names(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page(troubled()))
    expect(tab.get_by_role("table", name="Values")).to_be_visible()
    expect(tab.get_by_role("link", name="axle 3")).to_be_visible()
    expect(
        tab.get_by_role("cell", name="motor 1, motor current, 412 A, the value is good, <1 s")
    ).to_be_visible()
    expect(
        tab.get_by_role(
            "cell", name="motor 2, motor current, the value is too old, 12 s", exact=True
        )
    ).to_be_visible()
    expect(tab.get_by_role("button", name="English, change the language")).to_be_visible()


def test_the_page_asks_nobody_but_the_gateway(
    tab: Page, serve_page: Serve, quiet: list[str]
) -> None:
    page = serve_page()
    asked: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    open_page(tab, page)
    tab.locator("#key-1").click()
    tab.goto(page.url + "/#detail/1")
    assert len(asked) >= 20
    assert all(url.startswith(f"{page.url}/") for url in asked)
    blocked = "() => { try { document.body.innerHTML = '<b>x</b>'; } catch { return true; } }"
    assert tab.evaluate(blocked), "markup from text is refused by the browser itself"
    assert any("TrustedHTML" in complaint for complaint in quiet)
    quiet.clear()


def test_without_script_the_first_state_and_a_notice_are_shown(
    browser: Browser, serve_page: Serve
) -> None:
    context = browser.new_context(java_script_enabled=False, locale="en-GB")
    plain = context.new_page()
    plain.goto(serve_page(troubled()).url)
    expect(plain.get_by_role("status")).to_contain_text("JavaScript is off")
    expect(plain.get_by_role("row", name="motor current motor 1 412 A ok")).to_be_visible()
    expect(plain.locator("#shell")).to_be_hidden()
    context.close()
