"""What a scenario runs against: a board, simulated or real, behind one interface."""

import json
import os
import subprocess
import threading
from collections import Counter
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from hil.bench_firmware import lay_out_firmware
from hil.errors import BenchError
from hil.fitting import Fitting
from hil.interpreter import Interpreter
from hil.node_files import lay_out_node
from simulators.board.control_frames import (
    ASK,
    CUT,
    FAULT,
    TAKEN,
    FrameReader,
    frame,
    json_frame,
    stretch_frame,
)
from simulators.board.faults import INPUT, WORDS
from simulators.board.layout import HEAP_EXTRA_BYTES, lay_out
from simulators.board.power import CAUSE_OF_EXIT

__all__ = ["SIMULATED_SENSORS", "MicropythonTarget", "Target", "driver_pin"]

BOARD_HEAP_BYTES = 128 * 1024
"""The heap a simulated board offers its firmware; a Pico W with Wi-Fi up has about 180 KB."""

SIMULATED_SENSORS = frozenset(
    {
        "account",
        "chip_faults",
        "waveform",
        *(f"sensor_{word}" for word in WORDS if WORDS[word][0] == INPUT),
    }
)
"""What simulated sensors can, at simulated chips."""

_STOP_S = 2.0
_ANSWER_S = 5.0


class Target(Protocol):
    """A node under test. Its signals are numbered as in its `fitting`.

    `capabilities`: what can be done to it and what it tells, by the words of hil.bench.needs.
    """

    @property
    def capabilities(self) -> frozenset[str]: ...

    @property
    def fitting(self) -> Fitting: ...

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def feed(
        self, signal: int, flags: int, t0_us: int, period_us: int, samples: list[int]
    ) -> None:
        """What a sensor sees from `t0_us` on (the board's ticks); units as in the wiring."""

    def inject(self, fault: dict[str, Any]) -> None:
        """Begin or end a sensor fault: see simulators/board/faults.py."""

    def cut_sensors(self) -> None:
        """All sensors fall silent for good, so that what was taken stays what it is."""

    def taken(self) -> int:
        """Samples that the sensors have given so far, over all runs of the board."""


class MicropythonTarget:
    """A board as a process: the real interpreter, the real firmware, simulated hardware.

    `uart_path` is the device its UART opens, or its console is where that is the line to the
    gateway; `folder` becomes its file system and its logs. A board that resets itself is started
    again with its reset cause, as a supply does. `measured`: its account tells how long the
    firmware's turns are.
    """

    capabilities = SIMULATED_SENSORS | {"power"}

    def __init__(
        self,
        fitting: Fitting,
        key: bytes,
        interpreter: Interpreter,
        folder: Path,
        uart_path: str,
        *,
        measured: bool = False,
    ) -> None:
        self.fitting = fitting
        self.resets: Counter[str] = Counter()
        self.undelivered = 0
        self._folder = folder
        self._interpreter = interpreter
        self._process: subprocess.Popen[bytes] | None = None
        self._supervisor: threading.Thread | None = None
        self._stopping = False
        self._supply = threading.Event()
        self._supply.set()
        self._answered = threading.Condition()
        self._account: dict[str, Any] = {}
        self._answers = 0
        self._taken_before = 0
        self._to_board_read, self._to_board = os.pipe()
        self._from_board, self._from_board_write = os.pipe()
        os.set_blocking(self._to_board, False)
        self._uart_path = uart_path
        self._by_usb = fitting.configuration.get("uart", {}).get("id") == "usb"
        self._lay_out(key, uart_path, measured)
        self._listener = threading.Thread(
            target=self._listen, name=f"account {fitting.node}", daemon=True
        )
        self._listener.start()

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        self._stopping = False
        self._spawn("power_on")
        self._supervisor = threading.Thread(
            target=self._supervise, name=f"supply {self.fitting.node}", daemon=True
        )
        self._supervisor.start()

    def stop(self) -> None:
        """Cut the supply and give everything back."""
        self._stopping = True
        self._supply.set()
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait(_STOP_S)
        if self._supervisor is not None:
            self._supervisor.join(_STOP_S)
        os.close(self._from_board_write)
        self._listener.join(_STOP_S)
        for descriptor in (self._to_board_read, self._to_board, self._from_board):
            os.close(descriptor)

    def supply(self, *, on: bool) -> None:
        """Take the supply from the board, or give it back."""
        if on:
            self._supply.set()
        elif self._supply.is_set() and self._process is not None:
            self._supply.clear()
            self._process.kill()

    def feed(
        self, signal: int, flags: int, t0_us: int, period_us: int, samples: list[int]
    ) -> None:
        self._send(stretch_frame(signal, flags, t0_us, period_us, samples))

    def inject(self, fault: dict[str, Any]) -> None:
        self._send(json_frame(FAULT, fault))

    def cut_sensors(self) -> None:
        self._send(frame(CUT))
        if not self.account()["cut"]:
            raise BenchError(f"the sensors of {self.fitting.node} could not be cut")

    def taken(self) -> int:
        return self._taken_before + _taken_in(self.account())

    def account(self) -> dict[str, Any]:
        """What the simulated hardware says of itself now: see simulators/board/host.py."""
        with self._answered:
            asked = self._answers
            self._send(frame(ASK))
            if not self._answered.wait_for(lambda: self._answers > asked, _ANSWER_S):
                raise BenchError(
                    f"node {self.fitting.node} does not answer; its output is in {self._log}"
                )
            return self._account

    @property
    def _log(self) -> Path:
        return self._folder / "console.log"

    def _lay_out(self, key: bytes, uart_path: str, measured: bool) -> None:
        flash = self._folder / "flash"
        lay_out_firmware(flash, self._interpreter)
        lay_out(self._folder / "sim", measured=measured)
        lay_out_node(flash, self.fitting.configuration, key)
        wiring = dict(self.fitting.wiring)
        if "uart" in self.fitting.configuration and not self._by_usb:
            uart = str(self.fitting.configuration["uart"]["id"])
            wiring["uart"] = {uart: {"path": uart_path, **driver_pin(self.fitting)}}
        (self._folder / "wiring.json").write_text(json.dumps(wiring), encoding="utf-8")

    def _spawn(self, cause: str) -> None:
        heap = BOARD_HEAP_BYTES + HEAP_EXTRA_BYTES
        with ExitStack() as files:
            log: BinaryIO = files.enter_context(self._log.open("ab"))
            usb = None
            if self._by_usb:
                line = os.open(self._uart_path, os.O_RDWR | os.O_NOCTTY)
                usb = files.enter_context(open(line, "r+b", buffering=0))
            self._process = subprocess.Popen(
                [*self._interpreter.command, "-X", f"heapsize={heap}", "main.py"],
                cwd=self._folder / "flash",
                env={
                    "MICROPYPATH": f"{(self._folder / 'sim').resolve()}::.frozen",
                    "AXSIM_WIRING": str((self._folder / "wiring.json").resolve()),
                    "AXSIM_CONTROL": f"{self._to_board_read},{self._from_board_write}",
                    "AXSIM_RESET_CAUSE": cause,
                    "AXSIM_HEAP_EXTRA": str(HEAP_EXTRA_BYTES),
                },
                stdin=usb or subprocess.DEVNULL,
                stdout=usb or log,
                stderr=log,
                pass_fds=(self._to_board_read, self._from_board_write),
                start_new_session=True,
            )

    def _supervise(self) -> None:
        while not self._stopping and self._process is not None:
            code = self._process.wait()
            if self._stopping:
                return
            cause = CAUSE_OF_EXIT.get(abs(code), "power_on")
            if self._supply.is_set():
                self.resets[cause if abs(code) in CAUSE_OF_EXIT else f"exit {code}"] += 1
            self._supply.wait()
            if self._stopping:
                return
            with self._answered:
                self._taken_before += _taken_in(self._account)
                self._account = {}
            self._spawn(cause)

    def _listen(self) -> None:
        reader = FrameReader()
        while reader.fill(self._read) > 0:
            while reader.next():
                if reader.kind == TAKEN:
                    with self._answered:
                        self._account = json.loads(bytes(reader.payload))
                        self._answers += 1
                        self._answered.notify_all()

    def _read(self, buffer: memoryview | bytearray, limit: int) -> int:
        data = os.read(self._from_board, limit)
        buffer[: len(data)] = data
        return len(data)

    def _send(self, data: bytes) -> None:
        try:
            if os.write(self._to_board, data) < len(data):
                raise BenchError(f"node {self.fitting.node} took half a frame; start it again")
        except BlockingIOError:
            self.undelivered += 1


def driver_pin(fitting: Fitting) -> dict[str, int]:
    """What a wiring file says of the driver of RS-485, where the node's UART has one."""
    pin = fitting.configuration["uart"].get("de")
    return {} if pin is None else {"de": pin}


def _taken_in(account: dict[str, Any]) -> int:
    return sum(account.get("taken", {}).values())
