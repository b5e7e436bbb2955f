"""Fifty boards a day without a mistake: ten at once and some in a row; `make depot` does all."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from depot_day import boards, flash_day, flash_one
from station_boards import PICO
from typer.testing import CliRunner

from gateway.timebase import SystemClock
from hil.boards import Board
from hil.firmware_build import Built, Compiler, build
from hil.station.board import BoardFacts
from hil.station.cli import app
from hil.station.errors import ContactError
from hil.station.flash import Flashed
from hil.station.flash_many import flash_many
from hil.station.slots import find_slots
from hil.station.tree import tree_for


def test_ten_boards_at_once_are_all_right(tmp_path: Path):
    outcomes = flash_day(tmp_path, 10, 10, SystemClock())
    assert len(outcomes) == 10


def test_stations_that_begin_at_once_build_the_firmware_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    built: list[Path] = []

    def build_it(board: Board, folder: Path, compiler: Compiler) -> Built:
        built.append(folder)
        return build(board, folder, compiler)

    monkeypatch.setenv("AXLEBOX_CACHE", str(tmp_path))
    monkeypatch.setattr("hil.station.tree.build", build_it)
    with ThreadPoolExecutor(10) as threads:
        trees = list(threads.map(tree_for, [PICO] * 10))
    assert len(built) == 1
    assert all(tree == trees[0] for tree in trees)


def test_boards_in_a_row_are_all_right(tmp_path: Path):
    outcomes = flash_day(tmp_path, 4, 1, SystemClock())
    assert [outcome.slot.name for outcome in outcomes] == [
        f"pci-0000:00:14.0-usb-0:{number}" for number in (1, 2, 3, 4)
    ]


def test_a_board_that_fails_keeps_no_other_from_passing(tmp_path: Path):
    with boards(tmp_path, range(3)) as plugged_in:
        slots = find_slots(tmp_path / "by-path")

        def one_is_pulled(port: str) -> tuple[Flashed, BoardFacts]:
            if port == str(slots[1].port):
                plugged_in[1].unplug()
                raise ContactError("it was pulled", "Plug it in")
            return flash_one(port)

        outcomes = flash_many(slots, one_is_pulled, SystemClock())
    assert [outcome.error is None for outcome in outcomes] == [True, False, True]


def test_all_slots_are_named_one_by_one_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    with boards(tmp_path, range(2)):
        slots = find_slots(tmp_path / "by-path")
        monkeypatch.setattr("hil.station.flash_cli.find_slots", lambda: slots)
        said = CliRunner().invoke(app, ["flash", "--all"])
        assert said.exit_code == 0
        assert sorted(line.split(",")[0] for line in said.output.splitlines()) == [
            "pci-0000:00:14.0-usb-0:1: PASS: number e661410300000000",
            "pci-0000:00:14.0-usb-0:2: PASS: number e661410300000001",
        ]
        said = CliRunner().invoke(app, ["flash", "--all", "--board", "pico_w"])
        assert str(said.exception) == "2 of 2 boards are not done. Do what their lines say"
