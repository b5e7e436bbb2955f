"""/api/trend: what is asked, what is answered, and the course on the screen of details."""

import http.client
import json
import re
import threading
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import pytest
from crew_page.live_picture import NOW_MS, te33a, whole
from crew_page.opened_page import open_running
from crew_page.past import GAP
from crew_page.served_page import ServedPage
from playwright.sync_api import Page, expect

from gateway.state import Node
from gateway.web.trends import WAITING_MAX

Serve = Callable[..., ServedPage]
GOOD = {"node": "motors-a", "channel": "motor.winding_temperature at motor 3"}


def ask(page: ServedPage, **query: Any) -> tuple[int, Any]:
    connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=20)
    try:
        connection.request("GET", f"/api/trend?{urlencode(query)}")
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_the_last_ten_minutes_are_answered_where_nothing_else_is_said(serve_page: Serve) -> None:
    page = serve_page()
    status, trend = ask(page, **GOOD)
    assert status == 200
    now_us = NOW_MS * 1000
    assert page.trends.asked == [(*GOOD.values(), now_us - 600_000_000, now_us, 300)]
    assert trend["start_ms"] == NOW_MS - 600_000
    assert trend["step_ms"] == 2000
    assert (trend["quantity"], trend["place"], trend["unit"]) == (
        "motor.winding_temperature",
        "motor 3",
        "°C",
    )
    for name in ("low", "mean", "high"):
        assert len(trend[name]) == 300
        assert trend[name][GAP] == [None] * 20
        assert None not in trend[name][: GAP.start]
    assert [index for index, bad in enumerate(trend["suspect"]) if bad] == list(range(60, 80))


def test_a_day_up_to_a_time_may_be_asked_for(serve_page: Serve) -> None:
    page = serve_page()
    assert ask(page, **GOOD, seconds=86_400, points=10, to_ms=NOW_MS)[0] == 200
    assert page.trends.asked[0][2:] == ((NOW_MS - 86_400_000) * 1000, NOW_MS * 1000, 10)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ({"node": "", "channel": "x"}, "say the node"),
        ({"node": "a"}, "say the channel"),
        ({"node": "a", "channel": "x" * 121}, "say the channel"),
        (GOOD | {"seconds": 59}, "seconds is a whole number from 60 to 86400"),
        (GOOD | {"seconds": 86_401}, "seconds is a whole number"),
        (GOOD | {"seconds": "1e3"}, "seconds is a whole number"),
        (GOOD | {"points": 1001}, "points is a whole number from 10 to 1000"),
        (GOOD | {"points": "٣٠"}, "points is a whole number"),
        (GOOD | {"to_ms": "9" * 5000}, "to_ms is a whole number"),
        (GOOD | {"hours": 1}, "a trend has no 'hours'"),
    ],
)
def test_a_wrong_question_is_told_what_is_wrong(
    serve_page: Serve, query: dict[str, Any], told: str
) -> None:
    status, answer = ask(serve_page(), **query)
    assert status == 400
    assert told in answer["error"]


def test_a_channel_that_is_not_stored_is_not_found(serve_page: Serve) -> None:
    status, answer = ask(serve_page(), node="motors-a", channel="99")
    assert status == 404
    assert "nothing of channel '99'" in answer["error"]


def test_few_wait_and_one_more_is_turned_away(serve_page: Serve) -> None:
    page = serve_page()
    page.trends.hold.clear()
    answers: list[int] = []
    askers = [
        threading.Thread(target=lambda: answers.append(ask(page, **GOOD)[0]))
        for _ in range(WAITING_MAX + 1)
    ]
    for asker in askers:
        asker.start()
    while not answers:
        askers[0].join(0.01)
    assert answers == [503]
    page.trends.hold.set()
    for asker in askers:
        asker.join()
    assert sorted(answers) == [200] * WAITING_MAX + [503]


def test_the_screen_of_details_draws_the_course_of_the_value_chosen(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(te33a())
    open_running(tab, page, "#detail/3")
    tab.locator('#detail [data-channel="motors-a/8"]').click()
    chart = tab.locator("#detail .chart")
    expect(chart).to_have_attribute("aria-label", "motor winding temperature, motor 3, 10 min: "
                                    "100 … 140 °C")  # fmt: skip
    expect(chart.locator(".mean")).to_have_count(2)
    assert chart.locator(".suspect").count() == 20
    assert page.trends.asked[-1][:2] == tuple(GOOD.values())
    last_us = page.trends.asked[-1][3] - page.trends.asked[-1][2]
    assert last_us == 600_000_000


def test_the_span_goes_from_ten_minutes_to_a_day_and_back(tab: Page, serve_page: Serve) -> None:
    page = serve_page(te33a())
    open_running(tab, page, "#detail/3")
    key = tab.locator("#key-4")
    for told, seconds in (("1 h", 3600), ("6 h", 21_600), ("1 d", 86_400), ("10 min", 600)):
        key.click()
        expect(key).to_have_text(told)
        expect(tab.locator("#detail .chart")).to_have_attribute(
            "aria-label", re.compile(f", {told}: ")
        )
        asked = page.trends.asked[-1]
        assert asked[3] - asked[2] == seconds * 1_000_000


def test_every_unit_can_be_turned_to_and_the_fitters_screen_is_the_last(
    tab: Page, serve_page: Serve
) -> None:
    open_running(tab, serve_page(whole()))
    tab.get_by_role("button", name="Details").click()
    for place in ("detail/2", "detail/3", "detail/4", "detail/5", "detail/6", "detail/air",
                  "detail/rest", "service", "detail/1"):  # fmt: skip
        tab.get_by_role("button", name="next").click()
        assert tab.url.endswith("#" + place)
    tab.get_by_role("button", name="Back").click()
    expect(tab.locator("#overview")).to_be_visible()


def test_an_axle_on_the_first_screen_leads_to_its_details(tab: Page, serve_page: Serve) -> None:
    open_running(tab, serve_page(whole()))
    tab.get_by_role("link", name="axle 4").click()
    expect(tab.locator("#detail .title")).to_have_text("Axle and motor 4")
    tab.go_back()
    tab.locator('#tiles [data-channel="brakes-a/0"]').click()
    expect(tab.locator("#detail .title")).to_have_text("Brakes and air")


def test_the_fitter_sees_each_node_its_link_and_losses(tab: Page, serve_page: Serve) -> None:
    node = Node(
        name="motors-a", status="live", age_ms=1, link="serial m", board="pico",
        outbox_messages=3, frames_refused=2, resent_messages=7, link_errors=1, lost_samples=60,
        thinned_samples=600, dropped_samples=20, round_trip_ms=4.2, clock_error_ms=2.6,
    )  # fmt: skip
    page = serve_page(te33a(nodes=(node, Node(name="axles-a", status="stale", age_ms=9000))))
    open_running(tab, page, "#service")
    card = tab.locator("#service .card").filter(has_text="motors-a")
    for fact in ("linkserial m", "boardpico", "waiting in the node3", "frames refused2",
                 "sent again7", "link errors1", "lost60", "thinned600", "dropped20",
                 "round trip, ms4.2", "clock error, ms2.6"):  # fmt: skip
        expect(card.locator(".fact").filter(has_text=fact)).to_have_count(1)
    silent = tab.locator("#service .card").filter(has_text="axles-a")
    expect(silent).to_have_attribute("data-shape", "diamond")
