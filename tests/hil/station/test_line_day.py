"""What the line knows of its slots and of its day, and what ends it."""

import signal
import threading
from contextlib import suppress
from pathlib import Path

import pytest
from line_in_memory import TestLine
from manual_clock import ManualClock
from station_boards import link_of

from gateway.errors import ConfigError
from hil.station.depot import Depot, open_depot
from hil.station.errors import StationError
from hil.station.limits import Limits
from hil.station.line_slots import look_at_slots
from hil.station.line_work import LineWork, Plan, profile_of
from hil.station.run_cli import looking
from hil.station.scan import Place

DAY_US = 24 * 3600 * 1_000_000
NOON_US = 1_763_755_200_000_000


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOON_US)


@pytest.fixture
def depot(tmp_path: Path, clock: ManualClock) -> Depot:
    return open_depot(tmp_path / "station", clock)


def work_of(depot: Depot) -> LineWork:
    return LineWork(depot, depot.vault("a long passphrase"), Plan(Limits()))


def tried(depot: Depot, node: str, what: str = "line", *, fails: bool = False) -> None:
    with suppress(StationError), depot.records.attempt(what, "e66141", "TE33A-0123", node):
        if fails:
            raise StationError("it is another kind", "Plug in a Pico")


def test_the_day_is_that_of_the_inventory(depot: Depot, clock: ManualClock) -> None:
    tried(depot, "cab-a")
    clock.advance_us(2 * DAY_US)
    tried(depot, "motors-a")
    tried(depot, "motors-a", "provision")
    tried(depot, "motors-b", fails=True)
    with (
        suppress(KeyboardInterrupt),
        depot.records.attempt("line", "e66141", "TE33A-0123", "axles-1"),
    ):
        raise KeyboardInterrupt
    today = work_of(depot).today()
    assert [(done.place, done.passed, done.said) for done in today] == [
        ("TE33A-0123/motors-b", False, "it is another kind"),
        ("TE33A-0123/motors-a", True, ""),
    ]


def test_a_locomotives_class_is_read_from_its_name(depot: Depot) -> None:
    assert profile_of("KZ8A-0045") == "kz8a"
    work_of(depot).check(Place("TE33A-0123", "motors-a"))
    for place in (Place("XY9-0001", "motors-a"), Place("TE33A-0123", "motors-z")):
        with pytest.raises(ConfigError):
            work_of(depot).check(place)


def test_slots_are_told_apart_each_time_a_board_appears(tmp_path: Path) -> None:
    assert look_at_slots(tmp_path / "by-path", (), dict) == {}
    links = [link_of(tmp_path, slot) for slot in ("0:1.1", "0:1.2", "0:1.3")]
    links[0].parent.mkdir()
    for link in links:
        link.symlink_to("/dev/null")
    loader = "pci-0000:00:14.0-usb-0:1.4"
    seen = look_at_slots(tmp_path / "by-path", [str(links[2])], lambda: [loader])
    assert [name.rpartition("usb-")[2] for name in seen] == ["0:1.1", "0:1.2", "0:1.4"]
    assert seen[loader].stamp == ()
    beside = links[0].with_name("beside")
    beside.symlink_to("/dev/null")
    beside.rename(links[0])
    then = look_at_slots(tmp_path / "by-path", [str(links[2])], lambda: [loader])
    assert [then[name] == seen[name] for name in seen] == [False, True, True]


def test_a_station_that_breaks_ends_the_line_and_says_why() -> None:
    """It must not go on to show what may not be so any more."""
    line = TestLine()
    looks: list[int] = []
    begun = threading.Event()

    def tick() -> None:
        looks.append(1)
        if len(looks) > 1:
            begun.wait()
            raise StationError("inventory.db cannot be used", "Make room on the disk")

    line.line.tick = tick  # type: ignore[method-assign]

    def show() -> None:
        with looking(line.line), suppress(KeyboardInterrupt):
            begun.set()
            signal.pause()

    with pytest.raises(StationError, match="cannot be used"):
        show()
