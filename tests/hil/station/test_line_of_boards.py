"""The line with boards in software: from MicroPython alone to a node that has proved itself."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest
import serial
from station_boards import bench_tree_folder, plugged

from gateway.profiles import load_profile
from gateway.timebase import SystemClock
from hil.fitting import fit_node
from hil.station.depot import Depot, open_depot
from hil.station.inventory import FITTED
from hil.station.limits import Limits, load_limits
from hil.station.line import Line, Progress
from hil.station.line_slots import look_at_slots
from hil.station.line_state import Card
from hil.station.line_work import LineWork, Plan
from hil.virtual_board import ESP32, VirtualBoard

PLACE = "TE33A-0123/brakes-a"
FIT = next(fit for fit in load_profile("te33a").all_nodes if fit.name == "brakes-a")
NUMBERS = ("e6614103e7174a2f", "e6614103e7174a30")


def any_value() -> Limits:
    """Limits that any value passes: how fast this machine is decides nothing."""
    limits = load_limits(None)
    every = {
        name: msgspec.structs.replace(limit, low=None, high=None)
        for name, limit in limits.every.items()
    }
    return Limits(every=every)


class BoardLine:
    """A line whose slots are those of virtual boards in this folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = SystemClock()
        self.depot: Depot = open_depot(folder / "station", self.clock)
        vault = self.depot.vault("a long passphrase")
        plan = Plan(
            any_value(),
            firmware=bench_tree_folder(folder / "firmware"),
            settings={"uart": {"id": "usb"}},
            test_s=1.0,
        )
        self.work = LineWork(self.depot, vault, plan)
        self._jobs: list[Callable[[], None]] = []
        self.line = Line(
            lambda: look_at_slots(folder / "by-path"), self.work, self._jobs.append, self.clock
        )

    def through(self, place: str = PLACE) -> Card:
        """The board that is plugged in, after it was worked on for this place."""
        self.line.tick()
        assert self.line.scan(place).key == "scan.given"
        thread = threading.Thread(target=self._jobs.pop())
        thread.start()
        while thread.is_alive():
            self.line.tick()
            thread.join(0.05)
        return self.line.state().cards[-1]

    def forget(self) -> None:
        """The line is started anew: a minute of waiting for a card to go is not for tests."""
        self.line = Line(
            lambda: look_at_slots(self.folder / "by-path"),
            self.work,
            self._jobs.append,
            self.clock,
        )


@pytest.fixture
def line(tmp_path: Path) -> BoardLine:
    return BoardLine(tmp_path)


@pytest.fixture
def board(tmp_path: Path) -> Iterator[VirtualBoard]:
    wiring = fit_node(FIT, NUMBERS[0], 1).wiring
    with plugged(tmp_path, unique_id=NUMBERS[0], wiring=wiring) as made:
        yield made


@pytest.mark.timeout(400)
def test_a_new_board_passes_and_no_second_one_gets_its_place(
    line: BoardLine, board: VirtualBoard, tmp_path: Path
) -> None:
    card = line.through()
    assert (card.phase, card.text) == ("pass", "")
    assert (card.unique_id, card.place) == (NUMBERS[0], PLACE)
    known = line.depot.inventory.board(NUMBERS[0])
    assert known is not None
    assert (known.state, known.node) == (FITTED, "brakes-a")
    assert list(line.depot.labels.glob(f"*-{NUMBERS[0]}.pdf"))
    results = {(entry.what, entry.result) for entry in line.depot.inventory.history(NUMBERS[0])}
    assert results == {("line", "pass"), ("provision", "pass"), ("test", "pass")}
    assert (line.line.state().passed, line.line.state().failed) == (1, 0)
    board.unplug()
    line.forget()
    with plugged(tmp_path, "0:1.2", unique_id=NUMBERS[1]) as second:
        card = line.through()
        assert (card.phase, card.code) == ("fail", "place_taken")
        assert NUMBERS[0] in card.text
        second.unplug()
        assert second.files(tmp_path / "second") == {}
    assert (line.line.state().passed, line.line.state().failed) == (1, 1)
    line.forget()
    board.plug()
    wait_for_node(board)
    again = line.through()
    assert (again.phase, again.text) == ("pass", "")


def wait_for_node(board: VirtualBoard) -> None:
    """Until it speaks as a node, from when on Ctrl-C is a byte to it."""
    with serial.Serial(str(board.link), timeout=60) as port:
        assert port.read_until(b"\0").endswith(b"\0")


def test_a_board_of_another_kind_fails_with_one_thing_to_do(
    line: BoardLine, tmp_path: Path
) -> None:
    with plugged(tmp_path, "0:1.2", unique_id=NUMBERS[1], kind=ESP32) as wrong:
        card = line.through()
        assert (card.phase, card.code) == ("fail", "wrong_board")
        wrong.unplug()
        assert wrong.files(tmp_path / "wrong") == {}
    assert [entry.result for entry in line.depot.inventory.history(NUMBERS[1])] == ["fail"]
    assert (line.line.state().passed, line.line.state().failed) == (0, 1)


@pytest.mark.timeout(400)
@pytest.mark.parametrize("step", ["look", "flash", "check", "identity", "test"])
def test_a_board_that_is_taken_out_at_any_step_passes_once_it_is_back(
    line: BoardLine, board: VirtualBoard, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled: list[str] = []
    do = line.work.do

    def pull(port: str, place: object, tell: Callable[[Progress], None]) -> None:
        def told(progress: Progress) -> None:
            tell(progress)
            if progress.step == step and (step != "flash" or progress.share > 0.5) and not pulled:
                pulled.append(step)
                board.unplug()

        do(port, place, told)  # type: ignore[arg-type]

    monkeypatch.setattr("hil.station.board._LOOKS", 5)
    monkeypatch.setattr("hil.station.node_link._START_S", 2.0)
    monkeypatch.setattr(line.work, "do", pull)
    card = line.through()
    assert (card.phase, card.code) == ("fail", "contact"), card.text
    assert pulled == [step]
    monkeypatch.undo()
    line.forget()
    board.plug()
    again = line.through()
    assert (again.phase, again.text) == ("pass", "")
    board.unplug()
