"""The doctor on time: this machine's and the nodes'."""

from pathlib import Path

import pytest
from crew_page.live_picture import te33a
from manual_clock import ManualClock

from gateway.doctor.clocks import look_at_clocks
from gateway.doctor.running import Running
from gateway.state import Node

from .conftest import Depot, told

SOURCE = "connect GNSS or NTP; `timedatectl` shows what is missing"
NEVER = Path("/nonexistent/synchronized")


def looked(
    depot: Depot,
    *,
    trusted: bool = False,
    running: Running | None = None,
    trust: str = "system",
    set_once: Path = NEVER,
) -> list[tuple[str, str, str]]:
    settings = depot.write(f'[clock]\ntrust = "{trust}"\n')
    return told(look_at_clocks(settings, running, ManualClock(trusted=trusted), set_once))


def test_a_clock_that_is_set(depot: Depot) -> None:
    assert looked(depot, trusted=True) == [("ok", "a time source holds this machine's clock", "")]


def test_a_clock_that_was_never_set(depot: Depot) -> None:
    assert looked(depot) == [
        (
            "wrong",
            "the clock is not set by any time source, so rows wait for it or go out as estimates",
            SOURCE,
        )
    ]


def test_a_clock_whose_source_is_gone(depot: Depot) -> None:
    once = depot.file("synchronized", "")
    assert looked(depot, set_once=once) == [
        ("wrong", "the clock was set after power-up, but no time source holds it now", SOURCE)
    ]
    running = Running(te33a(clock_trusted=True, clock_error_ms=31.0))
    assert looked(depot, running=running) == [
        (
            "wrong",
            "the time source is gone; the gateway carries the time on, within 0.031 s",
            SOURCE,
        )
    ]


@pytest.mark.parametrize(
    ("trust", "what"),
    [
        (
            "always",
            "clock.trust is `always`, so the time is believed and nobody looks whether it is set",
        ),
        ("never", "clock.trust is `never`, so all times go out as estimates"),
    ],
)
def test_a_clock_that_the_configuration_judges(depot: Depot, trust: str, what: str) -> None:
    advice = "set clock.trust to `system` where a time source is connected"
    assert looked(depot, trust=trust) == [("note", what, advice)]


def test_a_node_whose_time_is_not_sure(depot: Depot) -> None:
    nodes = [Node(name="motors-a", status="live", clock_error_ms=ms) for ms in (250.0, 251.0)]
    sure, unsure = (Running(te33a(nodes=(node,))) for node in nodes)
    assert len(looked(depot, trusted=True, running=sure)) == 1
    assert looked(depot, trusted=True, running=unsure)[1:] == [
        (
            "note",
            "the time of node motors-a may be wrong by 251 ms, so its rows are marked as "
            "estimates",
            "a busy or broken line delays its pings: look at its cable and round trip",
        )
    ]
