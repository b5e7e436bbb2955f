"""Parts of a simulated board under a clock that the test owns."""

import fcntl
import select
import struct
import termios
from array import array
from collections.abc import Callable, Sequence
from typing import Any

from simulators.board.ads1115 import Ads1115
from simulators.board.inputs import Input
from simulators.board.max31865 import Max31865
from simulators.board.signals import Signal

TICKS_PERIOD = 1 << 30


class Ticks:
    """Microseconds that wrap at 2**30; starts shortly before the wrap."""

    def __init__(self, now_us: int = TICKS_PERIOD - 1_000) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        return self.now_us

    def advance(self, duration_us: int) -> None:
        self.now_us = (self.now_us + duration_us) % TICKS_PERIOD

    def after(self, duration_us: int) -> int:
        return (self.now_us + duration_us) % TICKS_PERIOD


def samples(values: Sequence[int]) -> bytes:
    """As they travel in a stretch."""
    return struct.pack(f"<{len(values)}i", *values)


def constant(value: int, unit: str = "nA") -> Signal:
    return Signal(f"constant {value}", unit, value, 8)


def ads1115(ticks: Ticks, *signals: Signal, **options: Any) -> Ads1115:
    """A chip with these signals, and 0 uV on the inputs that are left."""
    wired = [*signals, *[constant(0, "uV")] * (4 - len(signals))]
    inputs = [Input(f"adc0/{at}", signal, at) for at, signal in enumerate(wired)]
    return Ads1115("adc0", inputs, ticks, **options)


def max31865(ticks: Ticks, signal: Signal, **options: Any) -> Max31865:
    return Max31865("rtd0", [Input("rtd0/0", signal, 1)], ticks, **options)


def write_register(chip: Ads1115, register: int, word: int) -> None:
    chip.point(register)
    chip.store(struct.pack(">H", word), 0)


def read_register(chip: Ads1115, register: int) -> int:
    chip.point(register)
    buffer = bytearray(2)
    chip.fetch(buffer)
    return int.from_bytes(buffer, "big")


def await_bytes(fd: int, count: int) -> None:
    """Return when so many bytes can be read: a terminal passes them on in its own time."""
    poller = select.poll()
    poller.register(fd, select.POLLIN)
    waiting = array("i", [0])
    while waiting[0] < count:
        assert poller.poll(10_000), f"{waiting[0]} of {count} bytes came"
        fcntl.ioctl(fd, termios.FIONREAD, waiting)


def becomes_writable(fd: int, within_ms: int) -> bool:
    """Whether a terminal that may be full has room again, within this time."""
    poller = select.poll()
    poller.register(fd, select.POLLOUT)
    return bool(poller.poll(within_ms))


def fill(fd: int, write: Callable[[bytes], int | None]) -> int:
    """Write until not a byte more is taken; how many were. The buffers behind a terminal pass
    bytes on in their own time, and may refuse many where they still take one."""
    taken = 0
    while becomes_writable(fd, 100):
        for size in (1000, 1):
            while count := write(bytes(size)):
                taken += count
    while count := write(b"x"):
        taken += count
    return taken


def frame(chip: Max31865, out: bytes) -> bytes:
    """One SPI frame; what came back."""
    chip.select(True)
    got = bytes(chip.exchange(byte) for byte in out)
    chip.select(False)
    return got


BOARD: dict[str, Any] = {
    "unique_id": "e66038b7132a5b2f",
    "seed": 7,
    "signals": [
        {"name": "m1.current", "unit": "nA", "initial": 12_000_000},
        {"name": "m2.current", "unit": "nA", "initial": 4_000_000},
        {"name": "m1.winding", "unit": "tenth_milliohm", "initial": 1_385_055},
        {"name": "supply", "unit": "uV", "initial": 1_650_000},
    ],
    "i2c": {
        "0": {
            "chips": [
                {
                    "name": "adc0",
                    "kind": "ads1115",
                    "address": 0x48,
                    "inputs": ["m1.current", "m2.current"],
                },
                {"name": "adc1", "kind": "ads1115", "address": 0x49, "inputs": []},
            ]
        }
    },
    "spi": {
        "0": {
            "chips": [
                {
                    "name": "rtd0",
                    "kind": "max31865",
                    "cs": 17,
                    "drdy": 20,
                    "signal": "m1.winding",
                    "wires": 3,
                }
            ]
        }
    },
    "adc": {"29": "supply"},
}
"""A wiring file's content: two ADCs on I2C 0, a PT100 on SPI 0 with chip select 17."""
