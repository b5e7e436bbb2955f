"""Alarms on the page: what a crew sees, hears and does, in a real Chromium."""

from collections.abc import Callable, Iterator

import msgspec
import pytest
from crew_page.live_picture import alarm, alarmed, te33a, whole
from crew_page.opened_page import open_page, open_running
from crew_page.served_page import WORDS, ServedPage
from playwright.sync_api import Locator, Page, expect

from gateway.state import State
from gateway.web.access import Access
from gateway.web.pin import hash_pin

Serve = Callable[..., ServedPage]
HOT = "axlebox-hot@axle 2 left"
PIN = "190643"

HEAR = """
globalThis.heard = [];
globalThis.AudioContext = class {
  currentTime = 0; destination = {};
  get state() { return globalThis.allowed ?? "running"; }
  resume() { globalThis.resumed = (globalThis.resumed ?? 0) + 1; }
  createGain() {
    return { gain: { setValueAtTime() {}, setTargetAtTime() {} }, connect: it => it }; }
  createOscillator() {
    return { frequency: {}, connect: it => it, stop() {}, start() {
      heard.push([Math.round(performance.now() / 100) / 10, this.frequency.value]); } };
  }
};
"""
"""Writes down each tone instead of making it: [second, hertz]."""


@pytest.fixture(autouse=True)
def quiet(tab: Page) -> Iterator[list[str]]:
    complaints: list[str] = []
    tab.on("pageerror", lambda error: complaints.append(str(error)))
    tab.add_init_script(HEAR)
    yield complaints
    assert complaints == []


def tones(tab: Page) -> list[float]:
    """The hertz of what was heard since the last call."""
    return [hertz for _, hertz in tab.evaluate("heard.splice(0)")]


def item(tab: Page, code: str) -> Locator:
    return tab.locator("#alarms .alarm").filter(has_text=code)


def one(priority: str, state: str = "unacknowledged", place: str = "axle 1 left") -> State:
    return te33a(alarms=(alarm("axlebox-hot", place, priority=priority, state=state),))


def test_the_strip_names_the_worst_alarm_what_to_do_and_how_many_more(
    tab: Page, serve_page: Serve
) -> None:
    open_page(tab, serve_page(alarmed()))
    strip = tab.locator("#strip")
    expect(strip.locator(".code")).to_have_text("B01")
    expect(strip.locator(".title")).to_have_text("Hot axlebox")
    expect(strip.locator(".facts")).to_have_text("axle 2 left · 103 > 70.0 °C")
    expect(strip.locator(".body")).to_contain_text("Slow down")
    expect(strip.locator(".more")).to_have_text("+2")
    expect(strip.locator(".shape")).to_have_attribute("data-shape", "triangle")
    cell = tab.locator('#matrix [data-channel="axleboxes-1/2"]')
    expect(cell).to_have_attribute("data-alarm", "high")
    expect(cell.locator(".shape")).to_be_visible()
    expect(tab.locator('.drawing [data-part="motor 3"]')).to_have_attribute("data-alarm", "low")


def test_the_strip_says_what_it_means_too_where_there_is_room(
    tab: Page, serve_page: Serve
) -> None:
    tab.set_viewport_size({"width": 800, "height": 480})
    page = serve_page(te33a(alarms=(alarm("axlebox-sides", "axle 2 left"),)))
    open_page(tab, page)
    words, body = WORDS["axlebox-sides"], tab.locator("#strip .body")
    expect(body).to_have_text(f"{words.meaning.en} {words.action.en}")


def test_the_strip_speaks_the_crews_language(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page(alarmed()))
    for title in ("Букса қызып кетті", "Букса перегрета", "Hot axlebox"):
        tab.locator("#key-1").click()
        expect(tab.locator("#strip .title")).to_have_text(title)


def test_an_alarm_on_a_value_that_is_not_good_does_not_make_it_a_number(
    tab: Page, serve_page: Serve
) -> None:
    open_page(tab, serve_page(alarmed()))
    cell = tab.locator('#matrix [data-channel="axles-a/4"]')
    expect(cell).to_have_attribute("data-look", "fault")
    expect(cell).to_have_attribute("data-alarm", "")
    expect(cell.locator(".value")).to_be_hidden()


def test_every_alarm_is_told_with_its_own_words_in_each_language(
    tab: Page, serve_page: Serve
) -> None:
    alarms = tuple(alarm(rule, "axle 1 left") for rule in WORDS)
    open_page(tab, serve_page(te33a(alarms=alarms)), "#alarms")
    for language in ("kk", "ru", "en"):
        tab.locator("#key-2").click()
        expect(tab.locator("html")).to_have_attribute("lang", language)
        told = tab.locator("#alarms .alarm").evaluate_all(
            """items => items.map(item => [item.dataset.id.split("@")[0],
            ...[".code", ".title", ".body"].map(each => item.querySelector(each).textContent)])"""
        )
        assert told == [
            [
                rule,
                words.code,
                getattr(words.title, language),
                f"{getattr(words.meaning, language)} {getattr(words.action, language)}",
            ]
            for rule, words in WORDS.items()
        ]


def test_a_screen_reader_is_told_each_alarm_once(tab: Page, serve_page: Serve) -> None:
    page = serve_page(te33a())
    open_page(tab, page)
    spoken = tab.locator("#spoken")
    expect(spoken).to_have_attribute("aria-live", "assertive")
    expect(spoken).to_have_text("")
    page.show(alarmed())
    expect(spoken).to_have_text("danger. B01. Hot axlebox. axle 2 left. Slow down; stop and "
                                "inspect as your rules say.")  # fmt: skip
    tab.evaluate("new MutationObserver(() => { globalThis.again = true; })"
                 ".observe(document.getElementById('spoken'), {childList: true})")  # fmt: skip
    hotter = msgspec.structs.replace(alarmed().alarms[0], value=110.0)
    page.show(msgspec.structs.replace(alarmed(), alarms=(hotter, *alarmed().alarms[1:])))
    expect(tab.locator("#strip .facts")).to_contain_text("110")
    assert tab.evaluate("globalThis.again") is None


@pytest.mark.parametrize(
    ("priority", "first", "repeat_s"),
    [("high", [880, 660, 880, 660], 5), ("medium", [660, 660], 15), ("low", [440], None)],
)
def test_the_sound_comes_at_once_and_again_by_priority(
    tab: Page, serve_page: Serve, priority: str, first: list[float], repeat_s: int | None
) -> None:
    page = serve_page(one(priority))
    open_page(tab, page)
    assert tones(tab) == first
    for _ in range((repeat_s or 60) - 2):
        tab.clock.run_for(1000)
        page.show(one(priority))
        expect(tab.locator("#cover")).to_be_hidden()
    assert tones(tab) == []
    for _ in range(3):
        tab.clock.run_for(1000)
        page.show(one(priority))
        expect(tab.locator("#cover")).to_be_hidden()
    assert tones(tab) == (first if repeat_s else [])


def test_what_is_acknowledged_or_silenced_makes_no_sound_but_a_new_alarm_does(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(one("high", "acknowledged"))
    open_page(tab, page)
    page.show(msgspec.structs.replace(one("high"), silenced=True))
    expect(tab.locator("#strip")).to_have_attribute("data-state", "unacknowledged")
    assert tones(tab) == []
    expect(tab.locator("#key-4")).to_be_disabled()
    page.show(one("high", place="axle 5 right"))
    expect(tab.locator("#key-4")).to_be_enabled()
    assert tones(tab) != []


def test_one_touch_silences_every_page_and_acknowledges_nothing(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(alarmed())
    open_running(tab, page)
    with tab.expect_response("**/api/alarms/silence"):
        tab.locator("#key-4").click()
    expect(tab.locator("#key-4")).to_be_disabled()
    assert page.asked == [("silence", "panel")]
    assert page.live.state().alarms[0].state == "unacknowledged"


def test_without_a_right_to_act_one_touch_silences_this_page(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed(), access=Access())
    open_page(tab, page)
    tones(tab)
    tab.locator("#key-4").click()
    expect(tab.locator("#key-4")).to_be_disabled()
    tab.clock.run_for(1000)
    assert tones(tab) == []
    assert page.asked == []
    expect(tab.get_by_role("dialog")).to_be_hidden()


def test_a_browser_that_lets_nothing_be_heard_says_so(tab: Page, serve_page: Serve) -> None:
    tab.add_init_script("globalThis.allowed = 'suspended'")
    open_page(tab, serve_page(alarmed()))
    expect(tab.locator("#key-4")).to_have_text("\u266aSound?")


def test_what_could_not_be_heard_is_heard_after_the_first_touch(
    tab: Page, serve_page: Serve
) -> None:
    tab.add_init_script("globalThis.allowed = 'suspended'")
    open_page(tab, serve_page(one("low")))
    tab.clock.run_for(2000)
    assert tones(tab) == []
    assert tab.evaluate("resumed") == 1
    tab.evaluate("allowed = 'running'")
    tab.clock.run_for(300)
    assert tones(tab) == [440]
    tab.clock.run_for(1000)
    assert tones(tab) == []


def test_the_panel_acknowledges_an_alarm_and_the_desk_knows_who(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(alarmed())
    open_running(tab, page)
    tab.locator("#strip").click()
    expect(tab.locator("#alarms .alarm")).to_have_count(4)
    hot = item(tab, "B01")
    hot.get_by_role("button", name="Accept").click()
    expect(hot).to_have_attribute("data-state", "acknowledged")
    expect(hot).to_contain_text("acknowledged · panel")
    expect(hot.get_by_role("button", name="Accept")).to_be_hidden()
    assert page.asked == [("acknowledge", HOT, "panel")]


def test_an_alarm_is_shelved_for_the_minutes_chosen_and_taken_back(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(alarmed())
    open_running(tab, page, "#alarms")
    item(tab, "B01").get_by_role("button", name="Shelve").click()
    tab.get_by_role("dialog").get_by_role("button", name="1 h").click()
    expect(item(tab, "B01")).to_contain_text("shelved")
    item(tab, "B01").get_by_role("button", name="Unshelve").click()
    expect(item(tab, "B01")).to_contain_text("not acknowledged")
    assert page.asked == [("shelve", HOT, "panel", "60"), ("unshelve", HOT, "panel")]


def test_what_it_means_and_what_to_do_is_told_by_a_touch(tab: Page, serve_page: Serve) -> None:
    open_page(tab, serve_page(alarmed()), "#alarms")
    told = item(tab, "B01").locator(".told")
    expect(told.locator(".body")).to_be_hidden()
    told.click()
    expect(told).to_have_attribute("aria-expanded", "true")
    expect(told.locator(".body")).to_contain_text("Slow down")


def test_elsewhere_the_pin_is_asked_for_once_and_a_wrong_one_is_told(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(alarmed(), access=Access(hash_pin(PIN, b"s" * 16)))
    open_running(tab, page, "#alarms")
    item(tab, "B01").get_by_role("button", name="Accept").click()
    pad = tab.get_by_role("dialog")
    for digit in "123456":
        pad.get_by_role("button", name=digit, exact=True).click()
    expect(pad.get_by_role("status")).to_have_text("\u2022" * 6)
    pad.get_by_role("button", name="done").click()
    expect(pad.get_by_role("status")).to_have_text("Wrong PIN. Again")
    for digit in PIN + "7":
        pad.get_by_role("button", name=digit, exact=True).click()
    pad.get_by_role("button", name="delete").click()
    pad.get_by_role("button", name="done").click()
    expect(item(tab, "B01")).to_contain_text("acknowledged · crew@127.0.0.1")
    item(tab, "M02").get_by_role("button", name="Accept").click()
    expect(item(tab, "M02")).to_contain_text("acknowledged · crew@127.0.0.1")
    assert len(page.asked) == 2


def test_where_nobody_may_act_the_page_says_why(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed(), access=Access())
    open_running(tab, page, "#alarms")
    item(tab, "B01").get_by_role("button", name="Accept").click()
    expect(tab.get_by_role("dialog")).to_contain_text("Not from here: no PIN is set.")
    tab.get_by_role("dialog").get_by_role("button", name="Back").click()
    expect(tab.get_by_role("dialog")).to_be_hidden()
    assert page.asked == []


def test_an_alarm_that_is_over_meanwhile_is_told(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed())
    open_running(tab, page, "#alarms")
    tab.route("**/acknowledge", lambda route: (page.show(whole()), route.continue_())[1])
    item(tab, "B01").get_by_role("button", name="Accept").click()
    expect(tab.get_by_role("dialog")).to_contain_text("the alarm has changed")
    expect(tab.locator("#alarms .alarm")).to_have_count(0)
    expect(tab.locator("#alarms .empty")).to_be_visible()


def test_everything_can_be_done_from_the_keyboard(tab: Page, serve_page: Serve) -> None:
    page = serve_page(alarmed())
    open_running(tab, page)
    tab.locator("#strip").focus()
    tab.keyboard.press("Enter")
    item(tab, "B01").get_by_role("button", name="Shelve").focus()
    tab.keyboard.press("Enter")
    expect(tab.get_by_role("dialog").get_by_role("button").first).to_be_focused()
    tab.keyboard.press("Escape")
    expect(tab.get_by_role("dialog")).to_be_hidden()
    expect(item(tab, "B01").get_by_role("button", name="Shelve")).to_be_focused()
    item(tab, "B01").get_by_role("button", name="Accept").focus()
    tab.keyboard.press("Space")
    expect(item(tab, "B01")).to_have_attribute("data-state", "acknowledged")
    tab.locator("#key-1").focus()
    tab.keyboard.press("Enter")
    expect(tab.locator("#strip")).to_be_visible()
