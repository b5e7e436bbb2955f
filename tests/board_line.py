"""The station's line with boards in software, and a day of them."""

import threading
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from pathlib import Path

import msgspec
import serial
from depot_day import number_of
from station_boards import bench_tree_folder, plugged

from gateway.profiles import load_profile
from gateway.timebase import SystemClock
from hil.fitting import fit_node
from hil.station.depot import Depot, open_depot
from hil.station.inventory import FITTED
from hil.station.limits import Limits, load_limits
from hil.station.line import Line
from hil.station.line_slots import look_at_slots
from hil.station.line_state import Card
from hil.station.line_work import LineWork, Plan
from hil.virtual_board import VirtualBoard

FIT = next(fit for fit in load_profile("te33a").all_nodes if fit.name == "brakes-a")


def any_value() -> Limits:
    """Limits that any value passes: how fast this machine is decides nothing."""
    limits = load_limits(None)
    every = {
        name: msgspec.structs.replace(limit, low=None, high=None)
        for name, limit in limits.every.items()
    }
    return Limits(every=every)


class BoardLine:
    """A line whose slots are those of virtual boards in this folder. `images`: MicroPython is put
    on them too; `links`: by a board's port that of its node's own link, instead of USB;
    `boot_loaders`: the slots whose boards wait in them."""

    line: Line

    def __init__(
        self,
        folder: Path,
        images: Path | None = None,
        links: dict[str, str] | None = None,
        boot_loaders: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.depot: Depot = open_depot(folder / "station", self.clock)
        vault = self.depot.vault("a long passphrase")
        plan = Plan(
            any_value(),
            images=images,
            links=links or {},
            firmware=bench_tree_folder(folder / "firmware"),
            settings={} if links else {"uart": {"id": "usb"}},
            test_s=1.0,
        )
        self.work = LineWork(self.depot, vault, plan)
        self._look = lambda: look_at_slots(
            folder / "by-path", list(plan.links.values()), boot_loaders
        )
        self._jobs: list[Callable[[], None]] = []
        self.forget()

    def through(self, *places: str) -> Card:
        """The boards that are plugged in, after they were worked on at once, for these places;
        the last of them is returned."""
        self.line.tick()
        for place in places:
            assert self.line.scan(place).key == "scan.given"
        threads: list[threading.Thread] = []
        while self._jobs or any(thread.is_alive() for thread in threads):
            while self._jobs:
                threads.append(threading.Thread(target=self._jobs.pop()))
                threads[-1].start()
            threads[-1].join(0.05)
            self.line.tick()
        return self.line.state().cards[-1]

    def forget(self) -> None:
        """The line is started anew: a minute of waiting for a card to go is not for tests."""
        self.line = Line(self._look, self.work, self._jobs.append, self.clock)


def wait_for_node(board: VirtualBoard) -> None:
    """Until it speaks as a node, from when on Ctrl-C is a byte to it."""
    with serial.Serial(str(board.link), timeout=60) as port:
        assert port.read_until(b"\0").endswith(b"\0")


def line_day(
    folder: Path, count: int, at_once: int, tell: Callable[[str], None] = lambda line: None
) -> list[float]:
    """So many new boards become nodes of as many locomotives, so many at once. Returns the seconds
    from the scan to PASS of each lot. Raises AssertionError."""
    line = BoardLine(folder)
    took_s = []
    for first in range(0, count, at_once):
        numbers = range(first, min(first + at_once, count))
        with ExitStack() as stack:
            for board in numbers:
                wiring = fit_node(FIT, number_of(board), 1).wiring
                slot = f"0:{board + 1}"
                stack.enter_context(
                    plugged(folder, slot, unique_id=number_of(board), wiring=wiring)
                )
            begun_us = line.clock.monotonic_us()
            line.through(*(f"TE33A-{board:04d}/{FIT.name}" for board in numbers))
            lot_s = (line.clock.monotonic_us() - begun_us) / 1e6
            cards = {card.unique_id: card for card in line.line.state().cards}
        took_s += [lot_s] * len(numbers)
        for board in numbers:
            card = cards[number_of(board)]
            assert card.phase == "pass", f"{card.place}: {card.text}"
            tell(f"{card.place} in slot {card.slot}: PASS, {lot_s:.1f} s")
        line.forget()
    known = [line.depot.inventory.board(number_of(board)) for board in range(count)]
    assert all(one is not None and one.state == FITTED for one in known)
    assert len({one.locomotive for one in known if one is not None}) == count
    return took_s
