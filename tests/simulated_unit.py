"""A stimulus unit without one: its program in MicroPython, a simulated Pico, a simulated DAC.

`Wires` lead from it to a simulated board: what the DAC's registers say becomes the current in the
board's shunts, and the relay's pin takes the board's supply.
"""

import json
import os
import subprocess
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from hil.cable import Cable
from hil.firmware_files import stimulus_files
from hil.interpreter import Interpreter
from hil.target import MicropythonTarget
from simulators.board.control_frames import ASK, TAKEN, FrameReader, frame
from simulators.board.layout import lay_out
from simulators.board.signals import STEADY
from simulators.board.ticks import PERIOD

DISABLES = (6, 7, 8, 9)
TACHOS = (10, 11)
CONTACTS = (12, 13)
SUPPLY_OFF = 15
RSET_OHM = 806
_STOP_S = 2.0


class SimulatedUnit:
    """`port` is its USB, which `cable` can pull out; without `dac` nothing is at 0x60."""

    def __init__(self, folder: Path, interpreter: Interpreter, *, dac: bool = True) -> None:
        flash = folder / "flash"
        for name, source in stimulus_files().items():
            (flash / name).parent.mkdir(parents=True, exist_ok=True)
            (flash / name).write_bytes(source.read_bytes())
        lay_out(folder / "sim")
        wiring: dict[str, Any] = {
            "unique_id": "e66038b7132a5b2f",
            "i2c": {"0": {"chips": [{"name": "dac", "kind": "mcp4728", "address": 0x60}] * dac}},
            "pins": [
                {"name": f"pin {pin}", "kind": "probe", "pin": pin}
                for pin in (*DISABLES, *TACHOS, *CONTACTS, SUPPLY_OFF)
            ],
        }
        (folder / "wiring.json").write_text(json.dumps(wiring), encoding="utf-8")
        self.port = folder / "unit"
        self.cable = Cable(self.port)
        to_unit, self._to_unit = os.pipe()
        self._from_unit, from_unit = os.pipe()
        self._reader = FrameReader()
        self._lock = threading.Lock()
        line = os.open(self.cable.board_path, os.O_RDWR | os.O_NOCTTY)
        with (folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*interpreter.command, "main.py"],
                cwd=flash,
                env={
                    "MICROPYPATH": f"{(folder / 'sim').resolve()}::.frozen",
                    "AXSIM_WIRING": str((folder / "wiring.json").resolve()),
                    "AXSIM_CONTROL": f"{to_unit},{from_unit}",
                },
                stdin=line,
                stdout=line,
                stderr=log,
                pass_fds=(to_unit, from_unit),
                start_new_session=True,
            )
        for descriptor in (line, to_unit, from_unit):
            os.close(descriptor)
        # The first comes unasked, at power-up.
        self._account()

    def driven(self) -> dict[str, list[int]]:
        """What it puts out: the DAC's voltages in uV, and of each pin whether it is driven, its
        level and its pulses in mHz."""
        with self._lock:
            os.write(self._to_unit, frame(ASK))
            return self._account()

    def loop_na(self, number: int) -> int:
        """The current in a loop, from 1 on: 10 V / RSET, and none where OD disables it."""
        driven = self.driven()
        return _loop_na(driven, number)

    def close(self) -> None:
        with suppress(ProcessLookupError):
            self._process.kill()
        self._process.wait(_STOP_S)
        self.cable.close()
        os.close(self._to_unit)
        os.close(self._from_unit)

    def _account(self) -> dict[str, list[int]]:
        while not (self._reader.next() and self._reader.kind == TAKEN):
            if self._reader.fill(self._read) <= 0:
                raise EOFError("the simulated unit has ended")
        account: dict[str, Any] = json.loads(bytes(self._reader.payload))
        return dict(account["driven"])

    def _read(self, buffer: memoryview | bytearray, limit: int) -> int:
        data = os.read(self._from_unit, limit)
        buffer[: len(data)] = data
        return len(data)


class Wires:
    """From each loop of the unit to one of the board's signals, by their numbers; and the relay in
    its supply."""

    def __init__(self, unit: SimulatedUnit, board: MicropythonTarget, clock: Any) -> None:
        self._unit = unit
        self._board = board
        self._clock = clock
        self._stop = threading.Event()
        self._last: dict[int, int] = {}
        self._on = True
        self._thread = threading.Thread(target=self._run, name="wires", daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(0.01):
            driven = self._unit.driven()
            off = driven[f"pin {SUPPLY_OFF}"][1] == 1
            if off == self._on:
                self._on = not off
                self._board.supply(on=self._on)
                self._last = {}
            for number in range(4):
                current_na = _loop_na(driven, number + 1)
                if self._on and self._last.get(number) != current_na:
                    self._last[number] = current_na
                    now_us = self._clock.monotonic_us() % PERIOD
                    self._board.feed(number, STEADY, now_us, 1000, [current_na])


def _loop_na(driven: dict[str, list[int]], number: int) -> int:
    _, disabled, _ = driven[f"pin {DISABLES[number - 1]}"]
    return 0 if disabled else driven["dac"][number - 1] * 10_000 // RSET_OHM
