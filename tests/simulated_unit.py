"""A stimulus unit without one: its program in MicroPython, a simulated Pico, its simulated chips.

`Wires` lead from it to a simulated board: what the DAC's registers say becomes the current in the
board's shunts, where a wiper is the voltage on a PT100's terminals, and the relay's pin takes the
board's supply.
"""

import json
import os
import subprocess
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from hil.cable import Cable
from hil.firmware_files import stimulus_files
from hil.interpreter import Interpreter
from simulators.board.control_frames import ASK, TAKEN, FrameReader, frame
from simulators.board.layout import lay_out
from simulators.board.signals import STEADY
from simulators.board.ticks import PERIOD

DISABLES = (6, 7, 8, 9)
TACHOS = (10, 11)
CONTACTS = (12, 13)
SHAKER = 14
SUPPLY_OFF = 15
CLOSED = (21, 22)
POTENTIOMETERS = {"pt100": 17, "shaken": 20}
"""Chip select of each."""

RSET_OHM = 806
BASE_OHM, TOP_OHM, WIPER_OHM = 75, 127, 25_000
NO_CIRCUIT = 20_000_000
"""What is measured, in tenths of a milliohm, where all the bias is over the terminals."""

_STOP_S = 2.0


class SimulatedUnit:
    """`port` is its USB, which `cable` can pull out; without `dac` nothing is at 0x60, without
    `potentiometers` nothing on SPI."""

    def __init__(
        self,
        folder: Path,
        interpreter: Interpreter,
        *,
        dac: bool = True,
        potentiometers: bool = True,
    ) -> None:
        flash = folder / "flash"
        for name, source in stimulus_files().items():
            (flash / name).parent.mkdir(parents=True, exist_ok=True)
            (flash / name).write_bytes(source.read_bytes())
        lay_out(folder / "sim")
        wiring: dict[str, Any] = {
            "unique_id": "e66038b7132a5b2f",
            "i2c": {"0": {"chips": [{"name": "dac", "kind": "mcp4728", "address": 0x60}] * dac}},
            "spi": {
                "0": {
                    "chips": [
                        {"name": name, "kind": "ad5235", "cs": pin}
                        for name, pin in POTENTIOMETERS.items()
                    ]
                    * potentiometers
                }
            },
            "pins": [
                {"name": f"pin {pin}", "kind": "probe", "pin": pin}
                for pin in (*DISABLES, *TACHOS, *CONTACTS, SHAKER, SUPPLY_OFF, *CLOSED)
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
        """What it puts out: the DAC's voltages in uV, where wipers are, and of each pin whether it
        is driven, its level and its pulses in mHz."""
        with self._lock:
            os.write(self._to_unit, frame(ASK))
            return self._account()

    def loop_na(self, number: int) -> int:
        """The current in a loop, from 1 on: 10 V / RSET, and none where OD disables it."""
        driven = self.driven()
        return _loop_na(driven, number)

    def pt100(self, number: int) -> int:
        """What a PT100 is seen to have, from 1 on, in tenths of a milliohm."""
        return _pt100(self.driven(), number)

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


class Fed(Protocol):
    """A simulated board whose sensors can be told what they see: see hil.target.Target."""

    def feed(
        self, signal: int, flags: int, t0_us: int, period_us: int, samples: list[int]
    ) -> None: ...


class Wires:
    """From each loop of the unit, or with `pt100` from each PT100, to one of the board's signals;
    with `supply` that is switched by the unit's relay. `leads`: for each signal the output, by
    its number from 0 on, whose wires end there, where that is not its own; None: they are off."""

    def __init__(
        self,
        unit: SimulatedUnit,
        board: Fed,
        clock: Any,
        *,
        supply: Callable[..., None] | None = None,
        pt100: bool = False,
        leads: Sequence[int | None] | None = None,
    ) -> None:
        self._seen = _pt100 if pt100 else _loop_na
        self._off = NO_CIRCUIT if pt100 else 0
        self._leads = leads or range(len(CLOSED if pt100 else DISABLES))
        self._unit = unit
        self._board = board
        self._clock = clock
        self._supply = supply
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
            if self._supply is not None and off == self._on:
                self._on = not off
                self._supply(on=self._on)
                self._last = {}
            for signal, output in enumerate(self._leads):
                value = self._off if output is None else self._seen(driven, output + 1)
                if self._on and self._last.get(signal) != value:
                    self._last[signal] = value
                    now_us = self._clock.monotonic_us() % PERIOD
                    self._board.feed(signal, STEADY, now_us, 1000, [value])


def _loop_na(driven: dict[str, list[int]], number: int) -> int:
    _, disabled, _ = driven[f"pin {DISABLES[number - 1]}"]
    return 0 if disabled else driven["dac"][number - 1] * 10_000 // RSET_OHM


def _pt100(driven: dict[str, list[int]], number: int) -> int:
    """The wiper's share of what stands over a resistor with the potentiometer beside it, above
    another one; all of the bias where the relay is open."""
    _, closed, _ = driven[f"pin {CLOSED[number - 1]}"]
    if not closed:
        return NO_CIRCUIT
    span_ohm = TOP_OHM * WIPER_OHM / (TOP_OHM + WIPER_OHM)
    return round((BASE_OHM + span_ohm * driven["pt100"][number - 1] / 1024) * 10_000)
