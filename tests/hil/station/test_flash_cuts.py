"""A flashing that was cut off, wherever, leaves a board that can be flashed to the end."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from station_boards import PICO, pico_tree, plugged
from station_cuts import KINDS, flash_with_cut

from hil.station.flash import flash_firmware, verify_firmware

_AXLEBOX = "from gateway.cli import main; main()"
_BETWEEN = {"cable": 9, "killed": 9, "power in the first run": 2, "power": 15}
"""Steps between two cuts; `make depot` leaves none out."""


@pytest.mark.parametrize("kind", KINDS)
def test_no_cut_bricks_a_board(tmp_path: Path, kind: str):
    cuts = 0
    while flash_with_cut(tmp_path / str(cuts), kind, 1 + cuts * _BETWEEN[kind]):
        cuts += 1
    print(f"{cuts} cuts")
    assert cuts >= 2


@pytest.mark.parametrize("line", ["axnode/node.mpy", "main.py"])
def test_a_station_that_is_killed_goes_on_where_it_was(tmp_path: Path, line: str):
    with plugged(tmp_path) as board:
        process = subprocess.Popen(
            [sys.executable, "-c", _AXLEBOX, "station", "flash", "--slot", str(board.link)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )
        assert process.stdout is not None
        for said in process.stdout:
            if said.strip() == line:
                process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
        process.stdout.close()
        lines: list[str] = []
        done = flash_firmware(str(board.link), PICO, pico_tree(), tell=lines.append)
        assert done.resumed
        assert lines[0] == "going on with a flashing that was cut off"
        assert done.unchanged > 0
        verify_firmware(str(board.link), PICO, pico_tree())
