"""The line with boards in software: from MicroPython alone to a node that has proved itself."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from board_line import FIT, BoardLine, line_day, wait_for_node
from station_boards import plugged

from hil.fitting import fit_node
from hil.station.inventory import FITTED
from hil.station.line import Progress
from hil.virtual_board import ESP32, VirtualBoard

PLACE = "TE33A-0123/brakes-a"
NUMBERS = ("e6614103e7174a2f", "e6614103e7174a30")


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
    card = line.through(PLACE)
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
        card = line.through(PLACE)
        assert (card.phase, card.code) == ("fail", "place_taken")
        assert NUMBERS[0] in card.text
        second.unplug()
        assert second.files(tmp_path / "second") == {}
    assert (line.line.state().passed, line.line.state().failed) == (1, 1)
    line.forget()
    board.plug()
    wait_for_node(board)
    again = line.through(PLACE)
    assert (again.phase, again.text) == ("pass", "")


def test_a_board_of_another_kind_fails_with_one_thing_to_do(
    line: BoardLine, tmp_path: Path
) -> None:
    with plugged(tmp_path, "0:1.2", unique_id=NUMBERS[1], kind=ESP32) as wrong:
        card = line.through(PLACE)
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
    card = line.through(PLACE)
    assert (card.phase, card.code) == ("fail", "contact"), card.text
    assert pulled == [step]
    monkeypatch.undo()
    line.forget()
    board.plug()
    again = line.through(PLACE)
    assert (again.phase, again.text) == ("pass", "")
    board.unplug()


@pytest.mark.timeout(400)
def test_boards_at_once_become_as_many_nodes(tmp_path: Path) -> None:
    took_s = line_day(tmp_path, count=4, at_once=2)
    assert len(took_s) == 4
