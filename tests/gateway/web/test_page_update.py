"""What the page says of new firmware for a node, to the crew and to the fitter."""

from collections.abc import Callable
from typing import get_args

import msgspec
import pytest
from crew_page.drawn import faults_of_layout, inspect, scrolls
from crew_page.live_picture import te33a, updating
from crew_page.opened_page import open_page
from crew_page.served_page import ServedPage
from playwright.sync_api import Locator, Page, ViewportSize, expect

from gateway.state import Node, NodeStatus, State
from gateway.update.progress import Cause, NodeProgress, NodeStep
from gateway.web.texts import LANGUAGES

Serve = Callable[..., ServedPage]
PANEL: ViewportSize = {"width": 800, "height": 480}
PHONE: ViewportSize = {"width": 390, "height": 844}
LONGEST = "axleboxes-2"


def with_node(state: State, name: str, status: NodeStatus, age_ms: int | None) -> State:
    """The state with that node heard so long ago."""
    others = tuple(node for node in state.nodes if node.name != name)
    return msgspec.structs.replace(
        state, nodes=(Node(name=name, status=status, age_ms=age_ms), *others)
    )


def nodes(tab: Page) -> Locator:
    return tab.locator("#status li").first


def test_the_crew_sees_which_node_takes_new_firmware_and_how_far_it_is(
    tab: Page, serve_page: Serve
) -> None:
    page = serve_page(updating())
    open_page(tab, page)
    expect(nodes(tab)).to_have_text("axles-aupdate 45 %")
    expect(nodes(tab)).to_have_attribute("data-shape", "disc")
    for words in ("жаңарту", "прошивка"):
        tab.locator("#key-1").click()
        expect(nodes(tab)).to_have_text(f"axles-a{words} 45 %")
    tab.locator("#key-1").click()
    for step in ("asking", "switching", "trying"):
        page.show(updating(step=step))
        expect(nodes(tab)).to_have_text("axles-aupdate")
    page.show(with_node(updating(step="trying"), "axles-a", "stale", 5000))
    expect(nodes(tab)).to_have_text("axles-aupdate 5 s")
    expect(nodes(tab)).to_have_attribute("data-shape", "diamond")
    page.show(updating(step="done"))
    expect(nodes(tab)).to_have_text("Nodes3/3")


def test_a_silent_node_that_takes_no_firmware_comes_before_the_one_that_does(
    tab: Page, serve_page: Serve
) -> None:
    state = with_node(updating(step="trying"), "brakes-a", "stale", 12_000)
    page = serve_page(state)
    open_page(tab, page)
    expect(nodes(tab)).to_have_text("brakes-a12 s")
    page.show(with_node(state, "axles-a", "stale", 5000))
    expect(nodes(tab)).to_have_text("brakes-a12 s +1")
    expect(nodes(tab)).to_have_attribute("data-shape", "diamond")


@pytest.mark.parametrize(
    ("step", "changes", "words"),
    [
        ("queued", {"bytes": 0, "of_bytes": 0}, "queued"),
        ("asking", {"cause": "moves"}, "is asked what it has, waits for the locomotive to stand"),
        ("sending", {}, "sent 45 %"),
        ("switching", {}, "starts again"),
        ("trying", {}, "on trial"),
        ("done", {}, "done"),
        ("refused", {"cause": "room", "reason": "it has 19 KiB"}, "not updated, no room in flash"),
        ("undone", {"cause": "crashed", "reason": "it crashed"}, "went back, it crashed"),
        ("undone", {"reason": "reason 9"}, "went back, reason 9"),
        ("stopped", {"cause": "stopped"}, "stopped, by a person"),
    ],
)
def test_the_fitter_sees_how_far_it_is_and_how_it_ended(
    tab: Page, serve_page: Serve, step: NodeStep, changes: dict[str, object], words: str
) -> None:
    open_page(tab, serve_page(updating(step=step, **changes)), "#service")
    cards = tab.locator("#service .card")
    expect(cards.filter(has_text="axles-a")).to_contain_text(f"update0.2.0: {words}")
    expect(cards.filter(has_text="0.2.0")).to_have_count(1)


@pytest.mark.parametrize("viewport", [PANEL, PHONE])
def test_its_words_fit_in_each_language(
    tab: Page, serve_page: Serve, viewport: ViewportSize
) -> None:
    tab.set_viewport_size(viewport)
    state = te33a(nodes=(Node(name=LONGEST, status="live", age_ms=120),))
    page = serve_page(state)
    open_page(tab, page)
    for node in (
        Node(name=LONGEST, status="live", age_ms=120),
        Node(name=LONGEST, status="stale", age_ms=2_712_000),
        Node(name=LONGEST, status="waiting"),
    ):
        sent = updating(LONGEST, bytes=100, of_bytes=100)
        many = {"nodes": (node,), "refused": {"bad_mac": 12_000}, "losses": {"full": 12_000}}
        page.show(msgspec.structs.replace(sent, **many))
        expect(nodes(tab)).to_contain_text(LONGEST)
        for _ in LANGUAGES:
            tab.locator("#key-1").click()
            assert faults_of_layout(inspect(tab)) == [], node
            assert not scrolls(tab)[0]
    every = tuple(
        NodeProgress(node=f"node-{number}", step=step, cause=cause, bytes=100, of_bytes=100)
        for number, (step, cause) in enumerate(
            [(step, cause) for step in ("asking", "unanswered") for cause in get_args(Cause)]
            + [(step, "") for step in get_args(NodeStep)]
        )
    )
    told = updating().update
    assert told is not None
    named = tuple(Node(name=one.node, status="live", age_ms=120) for one in every)
    page.show(te33a(nodes=named, update=msgspec.structs.replace(told, nodes=every)))
    tab.goto(f"{page.url}/#service")
    for _ in LANGUAGES:
        tab.locator("#key-4").click()
        for number in range(0, len(every), 2):
            tab.locator("#service .card").nth(number + 1).scroll_into_view_if_needed()
            assert faults_of_layout(inspect(tab)) == []
        assert not scrolls(tab)[0]
