"""A node as a process on a pty, and the gateway's side of its line in the hands of a test."""

import json
import os
import pty
import select
import signal
import subprocess
import tty
from collections.abc import Callable
from pathlib import Path
from typing import Any

from axwire import GATEWAY_MESSAGE_CAP, cose, down
from axwire.cbor import Writer
from axwire.framing import Deframer, frame
from axwire.parse import Block, Event, Health, Hello, Pong, Readings, Waveform, parse_up

from gateway.timebase import SystemClock
from hil.bench_firmware import bench_firmware
from hil.node_files import lay_out_node
from simulators.board import control_frames
from simulators.board.layout import HEAP_EXTRA_BYTES, lay_out

FIRMWARE = Path(__file__).parents[1] / "firmware"
BOARD_HEAP_BYTES = 128 * 1024
NAME = "motors-a"
KEY = bytes(range(32))
MISSING = -0x8000
LIMIT_S = 20.0
"""How long a test waits for what must come; a loaded machine needs some of it."""

_STEP_S = 0.05
_CS_PINS = (17, 20, 21, 22, 26, 27)
_TACHO_PINS = (6, 7, 8, 9, 10, 11)
_VIBRATION_CS = 28
_FEATURES = ("rms", "peak", "crest", "kurtosis")

Up = Hello | Readings | Event | Health | Waveform | Pong


class NodeBench:
    """One node with six loops each 10 ms and `windings` PT100 each second.

    `busiest`: with six speeds each 20 ms and the features of a vibration each 200 ms as well.
    `loops_na` and `windings_milliohm` are what its sensors see at first. What the node sends is
    checked, opened and kept in `messages`, repeats included, `arrived` by sequence.
    """

    def __init__(
        self,
        folder: Path,
        micropython: list[str],
        windings: int = 2,
        heap_bytes: int = BOARD_HEAP_BYTES,
        busiest: bool = False,
    ) -> None:
        self.folder = folder
        self.messages: list[Up] = []
        self.line_bytes = 0
        self.key = cose.MacKey(KEY)
        self.loops_na = [5_000_000 + 2_000_000 * at for at in range(6)]
        self.windings_milliohm = [100_000 + 10_000 * at for at in range(windings)]
        self.deframer = Deframer(GATEWAY_MESSAGE_CAP)
        self.exit_code: int | None = None
        self.configuration = _configuration(windings)
        self._busiest = busiest
        if busiest:
            _add_speeds(self.configuration)
            _add_vibration(self.configuration)
        self._micropython = micropython
        self._heap_bytes = heap_bytes
        self._clock = SystemClock()
        self._controller, self._device = pty.openpty()
        tty.setraw(self._device)
        os.set_blocking(self._controller, False)
        self._control_in, self._control_out = os.pipe()
        self._account_in, self._account_out = os.pipe()
        self._reader = control_frames.FrameReader()
        self._process: subprocess.Popen[bytes] | None = None
        self._writer = Writer(1024)
        self._down_sequence = 0
        lay_out(folder / "sim")

    def start(self, cause: str = "power_on", firmware: Path | None = None) -> None:
        """Write its files, unless they are there, and switch it on; with the bench's firmware."""
        firmware = firmware or bench_firmware(tuple(self._micropython))
        if not (self.folder / "wiring.json").exists():
            self.lay_out()
        self.exit_code = None
        with (self.folder / "console").open("ab") as console:
            self._process = subprocess.Popen(
                [
                    *self._micropython,
                    "-X",
                    f"heapsize={self._heap_bytes + HEAP_EXTRA_BYTES}",
                    str(firmware / "main.py"),
                ],
                cwd=self.folder,
                env={
                    "MICROPYPATH": f"{self.folder / 'sim'}:{firmware / 'boards'}:.frozen",
                    "AXSIM_WIRING": str(self.folder / "wiring.json"),
                    "AXSIM_CONTROL": f"{self._control_in},{self._account_out}",
                    "AXSIM_RESET_CAUSE": cause,
                    "AXSIM_HEAP_EXTRA": str(HEAP_EXTRA_BYTES),
                },
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=console,
                pass_fds=(self._control_in, self._account_out),
            )

    def lay_out(self) -> None:
        """Write its files."""
        (self.folder / "wiring.json").write_text(json.dumps(self._wiring()), encoding="utf-8")
        lay_out_node(self.folder, self.configuration, KEY)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
        for descriptor in (
            self._controller,
            self._device,
            self._control_in,
            self._control_out,
            self._account_in,
            self._account_out,
        ):
            os.close(descriptor)

    def interrupt(self) -> None:
        """Ctrl-C on its console. Where a board would be at its prompt, this one ends."""
        assert self._process is not None
        self._process.send_signal(signal.SIGINT)

    def console(self) -> str:
        return (self.folder / "console").read_text(encoding="utf-8", errors="replace")

    def until(self, condition: Callable[[], bool], what: str, acknowledge: bool = True) -> None:
        """Take in what the node sends until the condition holds; the test fails after a while."""
        end_us = self._clock.monotonic_us() + round(LIMIT_S * 1e6)
        while not condition():
            assert self._clock.monotonic_us() < end_us, f"no {what}; console: {self.console()}"
            fresh = self.take_in()
            if acknowledge and fresh:
                self.acknowledge()

    def until_more(self, of: Callable[[Any], list[Any]], what: Any, count: int, name: str) -> None:
        """Take in what the node sends until there are so many."""
        self.until(lambda: len(of(what)) >= count, name)

    def for_seconds(self, duration_s: float, acknowledge: bool = True) -> None:
        """Take in what the node sends for so long."""
        end_us = self._clock.monotonic_us() + round(duration_s * 1e6)
        self.until(lambda: self._clock.monotonic_us() >= end_us, "end of time", acknowledge)

    def take_in(self) -> bool:
        """What has come by now, or comes soon; whether any of it must be acknowledged."""
        if self._process is not None and self.exit_code is None:
            self.exit_code = self._process.poll()
        ready, _, _ = select.select([self._controller], [], [], _STEP_S)
        if not ready:
            return False
        data = os.read(self._controller, 4096)
        self.line_bytes += len(data)
        fresh = False
        for message in self.deframer.feed(data):
            envelope = cose.split(message)
            assert envelope.name == NAME
            envelope.check(self.key, cose.UP)
            up = parse_up(envelope.payload)
            self.messages.append(up)
            fresh = fresh or not isinstance(up, Pong)
        return fresh

    @property
    def boot(self) -> int:
        return self.messages[-1].boot

    def of(self, kind: type[Any]) -> list[Any]:
        """The messages of that kind, each once, in order of their sequence, of the last boot."""
        once = {
            each.sequence: each
            for each in self.messages
            if isinstance(each, kind) and each.boot == self.boot
        }
        return [once[sequence] for sequence in sorted(once)]

    def sequences(self) -> set[int]:
        return {
            each.sequence
            for each in self.messages
            if not isinstance(each, Pong) and each.boot == self.boot
        }

    def blocks(self, group: int) -> list[Block]:
        """All blocks of a group, in order."""
        blocks = [b for each in self.of(Readings) for b in each.blocks if b.group == group]
        return sorted(blocks, key=lambda block: block.t_ms)

    def rows(self, group: int) -> list[tuple[int, list[int]]]:
        """All rows of a group with the ms since boot that each began at."""
        channels, period_ms = (6, 10) if group == 0 else (len(self.windings_milliohm), 1000)
        return [
            (block.t_ms + period_ms * at, row)
            for block in self.blocks(group)
            for at, row in enumerate(values(block, channels))
        ]

    def samples(self) -> int:
        """Samples received, each once."""
        return sum(v != MISSING for group in (0, 1) for _, row in self.rows(group) for v in row)

    def health(self) -> dict[str, int | None]:
        """What the newest HEALTH says."""
        from axwire.codes import HEALTH_FIELDS

        return dict(zip(HEALTH_FIELDS, self.of(Health)[-1].values, strict=False))

    def acknowledge(self) -> None:
        """Acknowledge all that came."""
        sequences = self.sequences()
        upto = 0
        while upto in sequences:
            upto += 1
        singles = sorted(s for s in sequences if s > upto)[:64]
        self.say(down.ack, upto, singles)

    def say(
        self,
        write: Callable[..., None],
        *fields: Any,
        key: cose.MacKey | None = None,
        boot: int | None = None,
        sequence: int | None = None,
    ) -> bytes:
        """Send the node a message; returns its frame."""
        if sequence is None:
            self._down_sequence += 1
            sequence = self._down_sequence
        write(self._writer, self.boot if boot is None else boot, sequence, *fields)
        message = cose.seal(key or self.key, NAME, cose.DOWN, self._writer.written())
        self.send(frame(message))
        return frame(message)

    def send(self, data: bytes) -> None:
        """Bytes on the node's line."""
        os.write(self._controller, data)

    def inject(self, chip: str, word: str, **more: Any) -> None:
        """Begin or end a fault of a sensor."""
        fault = {"chip": chip, "word": word, **more}
        os.write(self._control_out, control_frames.json_frame(control_frames.FAULT, fault))

    def ramp(self, signal: int, begin: int, end: int, duration_s: float) -> None:
        """From now on, the signal runs from one value to another."""
        count = 50
        step_us = round(duration_s * 1e6 / count)
        samples = [begin + (end - begin) * at // count for at in range(count + 1)]
        t0_us = self._clock.monotonic_us() % (1 << 30)
        stretch = control_frames.stretch_frame(signal, 1, t0_us, step_us, samples)
        os.write(self._control_out, stretch)

    def taken(self) -> int:
        """Silence all sensors; how many samples they gave."""
        os.write(self._control_out, control_frames.frame(control_frames.CUT))
        os.write(self._control_out, control_frames.frame(control_frames.ASK))
        while True:
            ready, _, _ = select.select([self._account_in], [], [], LIMIT_S)
            assert ready, f"no account; console: {self.console()}"
            self._reader.fill(self._read_account)
            while self._reader.next():
                account = json.loads(bytes(self._reader.payload))
                if account["cut"]:
                    return sum(account["taken"].values())

    def _read_account(self, buffer: memoryview | bytearray, limit: int) -> int:
        data = os.read(self._account_in, limit)
        buffer[: len(data)] = data
        return len(data)

    def _wiring(self) -> dict[str, Any]:
        loops = [
            {"name": f"loop{at}", "unit": "nA", "initial": value}
            for at, value in enumerate(self.loops_na)
        ]
        windings = [
            {"name": f"winding{at}", "unit": "tenth_milliohm", "initial": 10 * value}
            for at, value in enumerate(self.windings_milliohm)
        ]
        adcs = [
            {
                "name": f"adc{at}",
                "kind": "ads1115",
                "address": 72 + at,
                "inputs": [f"loop{3 * at + number}" for number in range(3)],
                "shunt_milliohm": 120_000,
            }
            for at in range(2)
        ]
        rtds = [
            {
                "name": f"rtd{at}",
                "kind": "max31865",
                "cs": _CS_PINS[at],
                "signal": f"winding{at}",
                "rref_milliohm": 400_000,
                "wires": 3,
            }
            for at in range(len(windings))
        ]
        wiring: dict[str, Any] = {
            "unique_id": "e66038b7132a5b2f",
            "seed": 3,
            "signals": [*loops, *windings],
            "i2c": {"0": {"chips": adcs}},
            "spi": {"0": {"chips": rtds}},
            "uart": {"0": {"path": os.ttyname(self._device)}},
        }
        if self._busiest:
            wiring["signals"] += [
                *({"name": f"wheel{at}", "unit": "mHz", "initial": 900_000} for at in range(6)),
                {"name": "bearing", "unit": "ug", "initial": 1_000_000},
            ]
            wiring["pins"] = [
                {"name": f"tacho{at}", "kind": "tacho", "pin": pin, "signal": f"wheel{at}"}
                for at, pin in enumerate(_TACHO_PINS)
            ]
            rtds.append(
                {
                    "name": "vibration",
                    "kind": "iis3dwb",
                    "cs": _VIBRATION_CS,
                    "inputs": [None, None, "bearing"],
                    "tone_hz": 1200,
                }
            )
        return wiring


def values(block: Block, channels: int) -> list[list[int]]:
    """The rows of a block."""
    count = block.rows(channels)
    flat = [
        int.from_bytes(block.samples[at : at + block.width], "little", signed=True)
        for at in range(0, len(block.samples), block.width)
    ]
    for at, step in enumerate(block.differences or b""):
        flat.append(flat[at] + (step - 256 if step > 127 else step))
    return [flat[channels * at : channels * (at + 1)] for at in range(count)]


def _configuration(windings: int) -> dict[str, Any]:
    adcs = [
        {
            "name": f"adc{at}",
            "kind": "ads1115",
            "i2c": 0,
            "address": 72 + at,
            "range_mv": 4096,
            "rate": 860,
            "shunt_milliohm": 120_000,
        }
        for at in range(2)
    ]
    rtds = [
        {
            "name": f"rtd{at}",
            "kind": "max31865",
            "spi": 0,
            "cs": _CS_PINS[at],
            "rref_milliohm": 400_000,
            "wires": 3,
        }
        for at in range(windings)
    ]
    currents = [
        {
            "quantity": "motor.current",
            "place": f"motor {at + 1}",
            "chip": f"adc{at // 3}",
            "input": at % 3,
            "scale": 97_656_250,
            "offset": -375_000_000_000,
        }
        for at in range(6)
    ]
    temperatures = [
        {
            "quantity": "motor.winding_temperature",
            "place": f"motor {at + 1}",
            "chip": f"rtd{at}",
            "scale": 10_000_000,
            "offset": 0,
        }
        for at in range(windings)
    ]
    return {
        "node": NAME,
        "board": "pico",
        "led": 25,
        "uart": {"id": 0, "baud": 921_600, "tx": 0, "rx": 1},
        "i2c": [{"id": 0, "scl": 5, "sda": 4, "freq": 400_000}],
        "spi": [{"id": 0, "sck": 18, "mosi": 19, "miso": 16, "baud": 1_000_000}],
        "chips": [*adcs, *rtds],
        "groups": [
            {"period_ms": 10, "channels": currents},
            {"period_ms": 1000, "channels": temperatures},
        ],
    }


def _add_speeds(configuration: dict[str, Any]) -> None:
    configuration["chips"] += [
        {
            "name": f"tacho{at}",
            "kind": "tacho",
            "unit": at,
            "pin": pin,
            "teeth": 90,
            "full_rpm": 900,
        }
        for at, pin in enumerate(_TACHO_PINS)
    ]
    speeds = [
        {
            "quantity": "axle.speed",
            "place": f"axle {at + 1}",
            "chip": f"tacho{at}",
            "scale": 200_000_000,
            "offset": 0,
        }
        for at in range(6)
    ]
    configuration["groups"].append({"period_ms": 20, "channels": speeds})


def _add_vibration(configuration: dict[str, Any]) -> None:
    configuration["chips"].append(
        {
            "name": "vibration",
            "kind": "iis3dwb",
            "spi": 0,
            "cs": _VIBRATION_CS,
            "axis": "z",
            "range_g": 16,
        }
    )
    features = [
        {
            "quantity": f"axle.vibration_{name}",
            "place": "axle 1 left",
            "chip": "vibration",
            "input": at,
            "scale": 1_000_000,
            "offset": 0,
        }
        for at, name in enumerate(_FEATURES)
    ]
    configuration["groups"].append({"period_ms": 200, "channels": features})
