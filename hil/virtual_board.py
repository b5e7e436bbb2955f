"""A board in software as a host's tools see it: a serial port with MicroPython's prompt on it.

The interpreter runs behind it (simulators/board/prompt.py), its file system LittleFS in a
simulated flash whose content is the file `image`, which outlasts everything. `link` names the port
while the board is plugged in, as udev's links do; where the USB port is the chip's own, it goes
and comes back with each reset. A board without MicroPython waits in its chip's boot loader: a
folder stands for the drive that an RP2040 then is, and a UF2 for that chip that is whole starts
the board as the version that it names.

What it is not: see prompt.py; and Ctrl-C, SIGINT here, resets the board where it comes just before
the firmware begins to take it for a byte.
"""

import json
import os
import pty
import re
import select
import shutil
import signal
import subprocess
import termios
import threading
import tty
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hil.errors import BenchError
from hil.flash_image import make_image, read_image
from hil.interpreter import Interpreter
from hil.station.uf2 import chip_of_uf2
from hil.virtual_sensors import VirtualSensors
from simulators.board.flash import BLOCK_BYTES
from simulators.board.layout import lay_out
from simulators.board.power import CAUSE_OF_EXIT, EXIT_BOOT_LOADER

__all__ = ["ESP32", "PICO", "VirtualBoard", "VirtualKind"]

_HEAP_BYTES = 2 * 1024 * 1024
_CHUNK = 4096
_PENDING_CAP = 64 * 1024
"""Bytes that nobody on the host reads; a board drops what comes then."""

_CTRL_C = b"\x03"
_STARTS_AGAIN = {*CAUSE_OF_EXIT, EXIT_BOOT_LOADER, signal.SIGINT}
"""What a run may end with; anything else is a mistake of the simulated hardware, at which it stays
dead, with the reason in its `console.log`."""

_VERSION = re.compile(rb"MicroPython v(\d+\.\d+\.\d+)")
_LOOK_S = 0.25
_STOP_S = 10.0


@dataclass(frozen=True)
class VirtualKind:
    """What tells one kind of board from another. `own_usb`: the chip's own USB port is its
    console, not a converter beside it."""

    machine: str
    port: str
    blocks: int
    own_usb: bool
    wiring: Mapping[str, Any] = field(default_factory=dict)


PICO = VirtualKind("Raspberry Pi Pico with RP2040", "rp2", 352, own_usb=True)
"""With the 1408 KiB that MicroPython leaves for files."""

ESP32 = VirtualKind("Generic ESP32 module with ESP32", "esp32", 512, own_usb=False)


class _Pty:
    """A pseudo-terminal; `controller` does not block."""

    def __init__(self) -> None:
        self.controller, self.device = pty.openpty()
        tty.setraw(self.device)
        os.set_blocking(self.controller, False)
        self.pending = bytearray()

    @property
    def path(self) -> str:
        return os.ttyname(self.device)

    def read(self) -> bytes:
        try:
            return os.read(self.controller, _CHUNK)
        except OSError:
            return b""

    def write(self) -> None:
        """What is pending, as far as it goes."""
        with suppress(OSError):
            del self.pending[: os.write(self.controller, self.pending)]

    def close(self) -> None:
        os.close(self.controller)
        os.close(self.device)


class VirtualBoard:
    """Plugged in or not; closed, it leaves nothing running. `resets` counts what ended its runs.

    `version` of MicroPython; None: it has none yet. `files`: a folder with what is in its file
    system, else that is empty. `wiring` is added to what a board of its kind is wired to.
    """

    def __init__(
        self,
        folder: Path,
        link: Path,
        interpreter: Interpreter,
        *,
        kind: VirtualKind = PICO,
        unique_id: str = "e6614103e7174a2f",
        version: str | None = "1.28.0",
        files: Path | None = None,
        wiring: Mapping[str, Any] | None = None,
    ) -> None:
        self.kind = kind
        self.version = version
        self.link = link
        self.image = folder / "flash.img"
        self.resets: Counter[str] = Counter()
        self._folder = folder
        self._interpreter = interpreter
        self._process: subprocess.Popen[bytes] | None = None
        self._pid_fd = -1
        self._outer: _Pty | None = None
        self._inner = _Pty()
        self._sensors = VirtualSensors()
        self._plugged = False
        self._closed = False
        self._runs = 0
        self._fails: dict[int, int] = {}
        self._cause = "power_on"
        self._lock = threading.RLock()
        self._wake_read, self._wake_write = os.pipe()
        os.set_blocking(self._wake_read, False)
        self._lay_out(unique_id, files, wiring or {})
        self._thread = threading.Thread(
            target=self._pump, name=f"virtual board {link.name}", daemon=True
        )
        self._thread.start()

    @property
    def drive(self) -> Path:
        """The folder that is the boot loader's drive, there while that waits."""
        return self._folder / "RPI-RP2"

    @property
    def is_plugged(self) -> bool:
        return self._plugged

    @property
    def runs(self) -> bool:
        return self._process is not None

    def plug(self, *, boot_button: bool = False) -> None:
        """Supply and cable on. With the `boot_button` held its boot loader waits."""
        with self._lock:
            self._plugged = True
            self._cause = "power_on"
            self._appear()
            if boot_button or self.version is None:
                self._enter_boot_loader()
            else:
                self._spawn()
        self._wake()

    def unplug(self) -> None:
        """Supply and cable off, at whatever it is doing."""
        with self._lock:
            self._plugged = False
            self._end()
            self._vanish()
            self._leave_boot_loader()
        self._wake()

    def feed(
        self, signal: int, flags: int, t0_us: int, period_us: int, samples: list[int]
    ) -> None:
        """As hil.target.Target's; what a sensor saw last it sees again after each reset."""
        with self._lock:
            self._sensors.feed(signal, flags, t0_us, period_us, samples)

    def fail_power_in(self, operation: int, run: int = 0) -> None:
        """Power fails in the so manyth operation of the flash of a run, counted from 0 for the
        next one, and is back at once."""
        self._fails[self._runs + run] = operation

    def files(self, folder: Path) -> dict[str, bytes]:
        """What is in its file system, read from the image of a board that is unplugged; `folder`
        is made. Raises BenchError where it cannot be mounted."""
        read_image(self.image, folder, self._interpreter, self._folder / "sim")
        return {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file()
        }

    def close(self) -> None:
        self.unplug()
        self._closed = True
        self._wake()
        self._thread.join()
        self._inner.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _lay_out(self, unique_id: str, files: Path | None, wiring: Mapping[str, Any]) -> None:
        (self._folder / "run").mkdir(parents=True)
        lay_out(self._folder / "sim", port=self.kind.port, prompt=True)
        if files is None:
            self.image.write_bytes(b"\xff" * (self.kind.blocks * BLOCK_BYTES))
        else:
            sim = self._folder / "sim"
            make_image(self.image, self.kind.blocks, files, self._interpreter, sim)
        whole = {
            **self.kind.wiring,
            **wiring,
            "unique_id": unique_id,
            "flash": {"path": "../flash.img", "blocks": self.kind.blocks},
        }
        (self._folder / "wiring.json").write_text(json.dumps(whole), encoding="utf-8")

    def _spawn(self) -> None:
        termios.tcflush(self._inner.device, termios.TCIOFLUSH)
        self._inner.pending.clear()
        fails = self._fails.pop(self._runs, 0)
        self._runs += 1
        ends = self._sensors.connect()
        with (self._folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*self._interpreter.command, "-X", f"heapsize={_HEAP_BYTES}", "-m", "power_up"],
                cwd=self._folder / "run",
                env={
                    "MICROPYPATH": "../sim::.frozen",
                    "AXSIM_WIRING": "../wiring.json",
                    "AXSIM_CONTROL": f"{ends[0]},{ends[1]}",
                    "AXSIM_RESET_CAUSE": self._cause,
                    "AXSIM_MACHINE": self.kind.machine,
                    "AXSIM_VERSION": str(self.version),
                    "AXSIM_POWER_FAILS": str(fails or ""),
                },
                stdin=self._inner.device,
                stdout=self._inner.device,
                stderr=log,
                pass_fds=ends,
                start_new_session=True,
            )
        self._sensors.handed_over()
        self._pid_fd = os.pidfd_open(self._process.pid)

    def _end(self) -> None:
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()
            self._give_back(self._process)

    def _give_back(self, process: "subprocess.Popen[bytes]") -> int:
        """Its exit code."""
        code = process.wait(_STOP_S)
        os.close(self._pid_fd)
        self._sensors.disconnect()
        self._process = None
        self._pid_fd = -1
        return code

    def _appear(self) -> None:
        if self._outer is None:
            self._outer = _Pty()
            self.link.parent.mkdir(parents=True, exist_ok=True)
            beside = self.link.with_name(self.link.name + ".new")
            beside.symlink_to(self._outer.path)
            beside.rename(self.link)

    def _vanish(self) -> None:
        if self._outer is not None:
            self.link.unlink(missing_ok=True)
            self._outer.close()
            self._outer = None

    def _enter_boot_loader(self) -> None:
        """Of an RP2040: no serial port, but a drive."""
        if self.kind.port != "rp2":
            raise BenchError(f"{self.kind.machine} has no drive as its boot loader")
        self._vanish()
        self.drive.mkdir()
        (self.drive / "INFO_UF2.TXT").write_text(
            "UF2 Bootloader v3.0\r\nModel: Raspberry Pi RP2\r\nBoard-ID: RPI-RP2\r\n", newline=""
        )

    def _leave_boot_loader(self) -> None:
        if self.drive.exists():
            shutil.rmtree(self.drive)

    def _wake(self) -> None:
        with suppress(OSError):
            os.write(self._wake_write, b"!")

    def _pump(self) -> None:
        while not self._closed:
            with self._lock:
                ends = [end for end in (self._inner, self._outer) if end is not None]
                reading = [self._wake_read, self._inner.controller]
                if self._outer is not None and len(self._inner.pending) < _CHUNK:
                    reading.append(self._outer.controller)
                if self._process is not None:
                    reading.append(self._pid_fd)
                if self._sensors.channel is not None:
                    reading.append(self._sensors.channel.fileno())
                writing = [end.controller for end in ends if end.pending]
            with suppress(OSError, ValueError):
                select.select(reading, writing, [], _LOOK_S)
            with self._lock:
                with suppress(BlockingIOError):
                    os.read(self._wake_read, _CHUNK)
                self._move()
                self._sensors.answer()
                self._notice_end()
                self._notice_image()

    def _move(self) -> None:
        said = self._inner.read()
        if self._outer is None:
            self._inner.pending.clear()
            return
        if len(self._outer.pending) + len(said) <= _PENDING_CAP:
            self._outer.pending += said
        if len(self._inner.pending) < _CHUNK:
            self._type(self._outer.read())
        self._outer.write()
        self._inner.write()

    def _type(self, data: bytes) -> None:
        """Bytes for the board: Ctrl-C interrupts it where it wants that, and what was typed before
        is forgotten, as on a board."""
        if _CTRL_C in data and self._process is not None and _catches(self._process.pid):
            data = data.rpartition(_CTRL_C)[2]
            self._inner.pending.clear()
            termios.tcflush(self._inner.device, termios.TCIFLUSH)
            self._process.send_signal(signal.SIGINT)
        self._inner.pending += data

    def _notice_image(self) -> None:
        """What the boot loader does with an image that is on its drive: once it is whole, the
        board starts with it."""
        for image in self.drive.glob("*.uf2"):
            data = image.read_bytes()
            named = _VERSION.search(data)
            with suppress(ValueError):
                if named and chip_of_uf2(data) == "RP2040":
                    self.version = named[1].decode()
                    self._leave_boot_loader()
                    self._cause = "power_on"
                    self._appear()
                    self._spawn()

    def _notice_end(self) -> None:
        process = self._process
        if process is None or process.poll() is None:
            return
        code = abs(self._give_back(process))
        self._move()
        self._cause = CAUSE_OF_EXIT.get(code, "power_on")
        self.resets[self._cause if code in CAUSE_OF_EXIT else f"exit {code}"] += 1
        if code not in _STARTS_AGAIN:
            return
        if self.kind.own_usb:
            self._vanish()
        if code == EXIT_BOOT_LOADER:
            self._enter_boot_loader()
        else:
            self._appear()
            self._spawn()


def _catches(pid: int) -> bool:
    """Whether the process has a handler for SIGINT: the interpreter has one exactly while Ctrl-C
    is to interrupt it."""
    try:
        status = Path(f"/proc/{pid}/status").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
    caught = next(line for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGINT - 1) & 1)
