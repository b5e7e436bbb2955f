"""Prints what the thermocouple's and the bridges' chips answer to a fixed course of signals,
faults and transactions.

Run by both interpreters: the lines must be the same.
"""

from simulators.board.control_frames import FAULT, STRETCH, frame, stretch_frame
from simulators.board.hardware import Hardware
from simulators.board.host import Host

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

PERIOD = 1 << 30
STEPS = 2500
LEVELS = ((-6_000_000, 55_000_000), (-12_000_000, 21_000_000))
WIRING = {
    "unique_id": "00",
    "seed": 11,
    "signals": [
        {"name": "couple", "unit": "nV", "initial": 6_300_000, "samples": 16},
        {"name": "bridge", "unit": "nV", "initial": -4_321_000, "samples": 16},
    ],
    "i2c": {
        "0": {"chips": [{"name": "nau0", "kind": "nau7802", "address": 42, "signal": "bridge"}]}
    },
    "spi": {
        "0": {
            "chips": [
                {
                    "name": "tc0",
                    "kind": "max31856",
                    "cs": 2,
                    "signal": "couple",
                    "cold_celsius": -12,
                    "rate_permille": 2013,
                }
            ]
        }
    },
    "pins": [
        {
            "name": "hx0",
            "kind": "hx711",
            "sck": 8,
            "dout": 9,
            "inputs": ["bridge", "couple"],
            "rate": 80,
            "rate_permille": 991,
        }
    ],
}
FAULTS = (
    b'{"chip": "nau0", "word": "noise", "args": {"sigma": 50000}}',
    b'{"chip": "hx0", "word": "noise", "args": {"sigma": 50000}}',
    b'{"chip": "tc0", "word": "noise", "args": {"sigma": 200000}}',
    b'{"chip": "hx0/1", "word": "drift", "args": {"per_s": -500000}}',
    b'{"chip": "tc0", "word": "spike", "args": {"size": 900000000, "every": 5}}',
    b'{"chip": "nau0", "word": "calibration_error"}',
    b'{"chip": "tc0", "word": "open"}',
    b'{"chip": "nau0", "word": "calibration_error", "clear": true}',
    b'{"chip": "hx0", "word": "brown_out"}',
    b'{"chip": "tc0", "word": "open", "clear": true}',
    b'{"chip": "nau0", "word": "brown_out"}',
    b'{"chip": "hx0", "word": "slow_conversion", "args": {"permille": 1700}}',
)


class Course:
    """A clock and a source of numbers, the same everywhere."""

    def __init__(self) -> None:
        self.now_us = PERIOD - 100_000
        self._state = 12345

    def ticks_us(self) -> int:
        return self.now_us

    def pass_us(self, duration_us: int) -> None:
        self.now_us = (self.now_us + duration_us) % PERIOD

    def below(self, limit: int) -> int:
        self._state = (self._state * 8121 + 28411) % 134456
        return self._state * limit // 134456


def thermocouple(chip: "Any", course: Course) -> "list[int]":
    """A conversion begun, or all registers."""
    out = [0] * 17
    if course.below(8) == 0:
        mode = course.below(6) // 5
        out = [0x80, 0x40 << mode | course.below(4) << 4 | course.below(2) << 2 | 1]
    chip.select(True)
    got = [chip.exchange(byte) for byte in out]
    chip.select(False)
    return got


def strain_on_i2c(chip: "Any", course: Course) -> "list[int]":
    """Now and then other settings and a calibration; then all registers."""
    if course.below(40) == 0:
        chip.point(0)
        chip.store(bytes([0x96, course.below(8) << 3 | 7 - course.below(2), 0x34]), 0)
    got = bytearray(32)
    chip.point(0)
    chip.fetch(got)
    return list(got)


def strain_on_pins(chip: "Any", course: Course) -> "list[int]":
    """A read with 25, 26 or 27 pulses, rarely one of them too long."""
    got = [chip.ready_level()]
    too_long = course.below(400)
    for number in range(25 + course.below(21) // 7):
        chip.clock(1)
        got.append(chip.ready_level())
        course.pass_us(70 if number == too_long else 2)
        chip.clock(0)
    return got


def main() -> None:
    course = Course()
    hardware = Hardware(WIRING, course.ticks_us, None)  # type: ignore[arg-type]
    host = Host(hardware, course.ticks_us, None)
    ways = (("tc0", thermocouple), ("nau0", strain_on_i2c), ("hx0", strain_on_pins))
    for step in range(STEPS):
        course.pass_us(course.below(20_000))
        if step % 20 == 0:
            number = step // 20 % 2
            low, high = LEVELS[number]
            samples = [low + (high - low) // 1000 * course.below(1000) for _ in range(16)]
            data = stretch_frame(number, step // 40 % 2, course.now_us, 27_345, samples)
            host.obey(STRETCH, memoryview(data)[3:])
        if step % 200 == 150:
            host.obey(FAULT, memoryview(frame(FAULT, FAULTS[step // 200]))[3:])
        name, look = ways[course.below(3)]
        print(step, name, look(hardware.chips[name], course))
        if step % 5 == 0:
            taken = sorted(host.account()["taken"].items())
            print(step, "taken", [count for _, count in taken])
    account = host.account()
    print(account["refused"], account["refusals"], account["faults"])
    print(sorted(account["starved"].items()))


main()
