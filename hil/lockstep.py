"""A simulated board whose time the bench grants, a stretch at a time.

The process is stopped between two grants, so a run repeats exactly, whatever else the machine
does. Times are microseconds of the bench's clock, which all its boards share; a board's ticks are
these modulo 2**30. Code takes no time, and a wait what it says, plus `wake_up_us`.

With hil.interpreter.find_interpreter the heap is a board's; with find_fast_interpreter the node
sends the same samples at the same times, sooner, but what it says of its heap means nothing, and
its firmware takes far more of a simulated flash.
"""

import json
import math
import struct
import subprocess
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hil.bench_firmware import lay_out_firmware, lay_out_lockstep
from hil.board_channel import BoardChannel
from hil.errors import BenchError
from hil.fitting import Fitting
from hil.flash_image import make_image
from hil.interpreter import Interpreter
from hil.node_files import lay_out_node
from hil.target import BOARD_HEAP_BYTES, SIMULATED_SENSORS, driver_pin
from simulators.board.control_frames import (
    ASK,
    BYTES,
    BYTES_HEADER,
    CUT,
    FAULT,
    LEFT,
    POWER,
    RUN,
    SENT,
    STOPPED,
    TAKEN,
    frame,
    json_frame,
    stretch_frame,
)
from simulators.board.layout import LOCKSTEP_HEAP_EXTRA_BYTES
from simulators.board.power import CAUSE_OF_EXIT
from simulators.board.signals import SLOTS
from simulators.board.ticks import HALF, PERIOD

__all__ = ["LockstepTarget", "Sent"]

START_US = 1_000_000
"""From reset to main.py: what a Pico takes with firmware of some twenty modules (unverified)."""

_SIM = "../sim"
"""Relative, as all paths that the process is given: they lie in the heap that is measured, and a
run must not depend on the folder it happens in."""

_LONGEST_GRANT_US = 300_000_000
_PIECE_BYTES = 4000
_STOP_S = 2.0
_CONSOLE_CHARACTERS = 2000


@dataclass(frozen=True)
class Sent:
    """Bytes on a board's UART, the last of which left at `end_us`."""

    end_us: int
    data: bytes


class LockstepTarget:
    """A board as a process that stands still between grants; see hil.target.Target.

    `now_us` is how far it has come, `on_us` when it was switched on last. With `flash_blocks` its
    file system is LittleFS in a simulated flash of that size, which outlasts every reset; else it
    is a folder of the host's. A board that resets itself is switched on again START_US later with
    its reset cause; what its sensors see and the faults they have outlast that. `taken_in_runs`
    are the samples taken in each run that is over. `runs`: it was granted time and has not been
    waited for; before `quiet_until_us` it sends nothing but the bytes of `leaves_us`, unless
    something comes.
    """

    capabilities = SIMULATED_SENSORS | {"flash", "power", "short_cuts"}

    def __init__(
        self,
        fitting: Fitting,
        key: bytes,
        interpreter: Interpreter,
        folder: Path,
        start_us: int = 0,
        *,
        wake_up_us: int = 0,
        flash_blocks: int = 0,
    ) -> None:
        self.fitting = fitting
        self.now_us = self.on_us = start_us
        self.waits = 0
        self.resets: Counter[str] = Counter()
        self._folder = folder
        self._interpreter = interpreter
        self._port = fitting.configuration["uart"]["id"]
        self._process: subprocess.Popen[bytes] | None = None
        self._cause = "power_on"
        self._stands = False
        self.runs = False
        self.quiet_until_us = start_us
        self._outgoing = bytearray()
        self._writing: deque[Sent] = deque()
        self._account: dict[str, Any] = {}
        self.taken_in_runs: list[int] = []
        self._waits_before = 0
        self._stretches: dict[int, deque[bytes]] = {}
        self._faults: dict[tuple[str, str, Any], dict[str, Any]] = {}
        self._cut = False
        self._fails_in = 0
        self._lay_out(key, wake_up_us, flash_blocks)

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    @property
    def image(self) -> Path:
        """What is in its flash."""
        return self._folder / "flash.img"

    @property
    def byte_us(self) -> float:
        """How long a byte takes on its UART."""
        return float(10e6 / self.fitting.configuration["uart"]["baud"])

    def start(self) -> None:
        """Switch the supply on at `now_us`."""
        self.on_us = self.now_us
        self._channel = BoardChannel()
        reads, writes = self._channel.far_ends
        us = self.now_us
        # Objects of a 64-bit build are twice as large; what it says of its heap means nothing.
        words = self._interpreter.bits // 32
        heap = words * (BOARD_HEAP_BYTES + LOCKSTEP_HEAP_EXTRA_BYTES)
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [*self._interpreter.command, "-X", f"heapsize={heap}", "-m", "boot"],
                cwd=self._folder / "flash",
                env={
                    "MICROPYPATH": f"{_SIM}::.frozen",
                    "AXSIM_WIRING": "../wiring.json",
                    "AXSIM_CONTROL": f"{reads},{writes}",
                    "AXSIM_LOCKSTEP": f"{us % PERIOD},{us // 1000 % PERIOD},{us % 1000}",
                    "AXSIM_RESET_CAUSE": self._cause,
                    "AXSIM_HEAP_EXTRA": str(words * LOCKSTEP_HEAP_EXTRA_BYTES),
                },
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=self._channel.far_ends,
                start_new_session=True,
            )
        self._channel.handed_over()
        self._stands = self.runs = False
        self.quiet_until_us = us
        self._outgoing = bytearray()
        for stretches in self._stretches.values():
            self._outgoing += b"".join(stretches)
        for fault in self._faults.values():
            self._outgoing += json_frame(FAULT, fault)
        if self._cut:
            self._outgoing += frame(CUT)
        if self._fails_in:
            self.fail_power_in(self._fails_in)
            self._fails_in = 0

    def stop(self) -> None:
        """Cut the supply and give everything back."""
        if self._process is not None:
            self._process.kill()
            self._give_back()

    def cut_power(self, off_us: int = 0) -> None:
        """Cut the supply where the board stands, and switch it on again after so long."""
        self.account()
        self.stop()
        self._begin_again("power_on", self.now_us, off_us)

    def fail_power_in(self, operation: int) -> None:
        """Power fails in the so manyth flash operation from now on, and is back at once. For a
        board that is off: in its next run."""
        if self._process is None:
            self._fails_in = operation
        else:
            self._outgoing += frame(POWER, operation.to_bytes(4, "little"))

    def feed(
        self, signal: int, flags: int, t0_us: int, period_us: int, samples: list[int]
    ) -> None:
        stretch = stretch_frame(signal, flags, t0_us, period_us, samples)
        self._outgoing += stretch
        self._stretches.setdefault(signal, deque(maxlen=SLOTS)).append(stretch)

    def inject(self, fault: dict[str, Any]) -> None:
        self.quiet_until_us = self.now_us
        self._outgoing += json_frame(FAULT, fault)
        key = (fault["chip"], fault["word"], fault.get("input"))
        if fault.get("clear"):
            self._faults.pop(key, None)
        else:
            self._faults[key] = fault

    def cut_sensors(self) -> None:
        self._cut = True
        self.quiet_until_us = self.now_us
        self._outgoing += frame(CUT)

    def taken(self) -> int:
        return sum(self.taken_in_runs) + _taken_in(self.account())

    def account(self) -> dict[str, Any]:
        """What the simulated hardware says of itself now: see simulators/board/host.py."""
        self._stand()
        self._outgoing += frame(ASK)
        self._flush()
        self._read_until(TAKEN)
        return self._account

    def send(self, data: bytes, begin_us: int) -> None:
        """Bytes for the board's UART, of which the first begins then, not before `now_us`."""
        if begin_us < self.now_us:
            raise BenchError(f"{self.fitting.node} is past {begin_us} us: it is {self.now_us} us")
        self.quiet_until_us = min(self.quiet_until_us, begin_us)
        head = struct.pack("<BI", self._port, begin_us % PERIOD)
        for at in range(0, len(data), _PIECE_BYTES):
            self._outgoing += frame(BYTES, head + data[at : at + _PIECE_BYTES])

    def begin(self, until_us: int) -> None:
        """Grant time up to then, which must lie ahead; `finish` takes what comes of it."""
        self._stand()
        ahead = (piece.end_us for piece in self._writing if piece.end_us > self.now_us)
        until_us = min(until_us, next(ahead, until_us), self.now_us + _LONGEST_GRANT_US)
        self._outgoing += frame(RUN, (until_us % PERIOD).to_bytes(4, "little"))
        self._flush()
        self.runs = True

    def finish(self) -> None:
        """Wait until the board stands, if it runs: at the end of the grant or, earlier, when bytes
        that it wrote have left."""
        if self.runs:
            self.runs = False
            self._read_until(STOPPED)

    @property
    def answered(self) -> bool:
        """Whether `finish` need not wait."""
        return not self.runs or self._channel.has_answer

    @property
    def leaves_us(self) -> int | None:
        """When the next bytes that nobody took leave its UART; None: it wrote none."""
        return self._writing[0].end_us if self._writing else None

    @property
    def left(self) -> list[Sent]:
        """What has left it by `now_us` and was not taken."""
        return [piece for piece in self._writing if piece.end_us <= self.now_us]

    def take(self) -> Sent:
        """The next bytes; they must have left by `now_us`."""
        return self._writing.popleft()

    def advance(self, until_us: int) -> list[Sent]:
        """Run until then or, earlier, until bytes have left; what has left by `now_us`."""
        self.begin(until_us)
        self.finish()
        sent = []
        while self._writing and self._writing[0].end_us <= self.now_us:
            sent.append(self.take())
        return sent

    @property
    def _log(self) -> Path:
        return self._folder / "console.log"

    @property
    def _sim(self) -> Path:
        return self._folder / "sim"

    def _lay_out(self, key: bytes, wake_up_us: int, flash_blocks: int) -> None:
        flash = self._folder / "flash"
        lay_out_firmware(flash, self._interpreter)
        lay_out_lockstep(self._sim, self._interpreter)
        lay_out_node(flash, self.fitting.configuration, key)
        wiring = {
            **self.fitting.wiring,
            "uart": {str(self._port): {"path": "", **driver_pin(self.fitting)}},
            "wake_up_us": wake_up_us,
        }
        if flash_blocks:
            make_image(self.image, flash_blocks, flash, self._interpreter, self._sim)
            wiring["flash"] = {"path": "../flash.img", "blocks": flash_blocks}
        (self._folder / "wiring.json").write_text(json.dumps(wiring), encoding="utf-8")

    def _stand(self) -> None:
        """Wait until a board that runs or was just switched on stands."""
        if self._process is None:
            raise BenchError(f"node {self.fitting.node} is off")
        self.finish()
        if not self._stands:
            self._read_until(STOPPED)

    def _flush(self) -> None:
        data, self._outgoing = self._outgoing, bytearray()
        self._channel.write(data)

    def _read_until(self, wanted: int) -> None:
        """Take frames in up to one of that kind, or the end of this run of the board."""
        while True:
            while (taken := self._channel.take()) is not None:
                self._took(*taken)
                if taken[0] in (wanted, LEFT):
                    return
            try:
                hangs = not self._channel.wait()
            except EOFError:
                raise BenchError(self._complaint("ended without a word")) from None
            if hangs:
                raise BenchError(self._complaint("hangs"))

    def _took(self, kind: int, payload: bytes) -> None:
        if kind == SENT:
            _, tick = struct.unpack_from("<BI", payload)
            self._writing.append(Sent(self._at(tick), payload[BYTES_HEADER:]))
        elif kind == STOPPED:
            tick, waits, quiet = struct.unpack("<III", payload)
            self.now_us = self._at(tick)
            self.quiet_until_us = self._at(quiet)
            self.waits += (waits - self._waits_before) % PERIOD
            self._waits_before = waits
            self._stands = True
        elif kind == TAKEN:
            self._account = json.loads(payload)
        elif kind == LEFT:
            tick, code = struct.unpack("<II", payload)
            self._left(self._at(tick), code)

    def _at(self, tick: int) -> int:
        """The bench's time at one of the board's ticks, which is less than 9 minutes away."""
        return self.now_us + (tick - self.now_us + HALF) % PERIOD - HALF

    def _left(self, at_us: int, code: int) -> None:
        self._give_back()
        cause = CAUSE_OF_EXIT.get(code, "power_on")
        self.resets[cause if code in CAUSE_OF_EXIT else f"exit {code}"] += 1
        self._begin_again(cause, at_us)

    def _begin_again(self, cause: str, at_us: int, off_us: int = 0) -> None:
        """A run of the board has ended; what its UART had not sent by then is lost."""
        whole = [piece for piece in self._writing if piece.end_us <= at_us]
        torn = [piece for piece in self._writing if piece.end_us > at_us][:1]
        for piece in torn:
            left = len(piece.data) - math.ceil((piece.end_us - at_us) / self.byte_us)
            if left > 0:
                whole.append(Sent(at_us, piece.data[:left]))
        self._writing = deque(whole)
        self._cause = cause
        self.taken_in_runs.append(_taken_in(self._account))
        self._account = {}
        self.now_us = at_us + off_us + START_US
        self.start()

    def _give_back(self) -> None:
        if self._process is None:
            return
        self._process.wait(_STOP_S)
        self._process = None
        self.runs = False
        self._channel.close()
        self._waits_before = 0

    def _complaint(self, what: str) -> str:
        console = self._log.read_text(encoding="utf-8", errors="replace")
        return (
            f"node {self.fitting.node} {what} after {self.now_us} us; "
            f"its console:\n{console[-_CONSOLE_CHARACTERS:]}"
        )


def _taken_in(account: dict[str, Any]) -> int:
    return sum(account.get("taken", {}).values())
