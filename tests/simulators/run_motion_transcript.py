"""Prints what the sensors of motion answer to a fixed course of looks, faults and signals.

Run by both interpreters: the lines must be the same.
"""

from simulators.board import board, rp2
from simulators.board.control_frames import FAULT, STRETCH, frame, stretch_frame
from simulators.board.counter import Counter
from simulators.board.pins import Pin

PERIOD = 1 << 30
WIRING = {
    "unique_id": "00",
    "seed": 5,
    "signals": [
        {"name": "shake", "unit": "ug", "initial": 300000},
        {"name": "rate", "unit": "mHz", "initial": 700000},
        {"name": "level", "unit": "level", "initial": 0},
        {"name": "shape", "unit": "shape", "samples": 45},
    ],
    "i2c": {
        "0": {
            "chips": [
                {
                    "name": "acc",
                    "kind": "adxl345",
                    "address": 83,
                    "inputs": ["shake", None, "shake"],
                    "fills": 2,
                    "rate_permille": 1013,
                }
            ]
        }
    },
    "spi": {
        "0": {
            "chips": [
                {
                    "name": "vib",
                    "kind": "iis3dwb",
                    "cs": 5,
                    "inputs": ["shake", "shake", None],
                    "shapes": [None, "shape"],
                    "tone_hz": 777,
                    "rate_permille": 990,
                }
            ]
        }
    },
    "pins": [
        {"name": "tacho", "kind": "tacho", "pin": 2, "inverse": 3, "signal": "rate"},
        {"name": "contact", "kind": "contact", "pin": 4, "signal": "level"},
    ],
}
FAULTS = (
    b'{"chip": "vib", "word": "noise", "args": {"sigma": 90000}}',
    b'{"chip": "tacho", "word": "missing_tooth", "args": {"every": 7}}',
    b'{"chip": "acc", "word": "spike", "args": {"size": 2000000, "every": 9}}',
    b'{"chip": "tacho", "word": "bounce", "args": {"edges": 3, "us": 11}}',
    b'{"chip": "vib", "word": "slow_conversion", "args": {"permille": 1700}}',
    b'{"chip": "acc/2", "word": "stuck"}',
    b'{"chip": "tacho", "word": "missing_tooth", "clear": true}',
    b'{"chip": "vib", "word": "brown_out"}',
    b'{"chip": "contact", "word": "bounce", "args": {"edges": 2, "us": 900}}',
    b'{"chip": "tacho", "word": "short"}',
    b'{"chip": "acc", "word": "missing_tooth"}',
)
INNER_RACE = (3_000, 312_000, 4_711, 1_900, 195, 832, 57_042, 30_000, 7_001, 17)
FLAT = (40_000, 2_900_000, 99_999, 4_095, 0, 5_545, 8_053, 0, 0, 30_268)
CROWDED = (1, 40_000, 5, 700, 25, 832, 57_042, 65_535, -9_000, 3)
SHAPES: "tuple[tuple[int, ...], ...]" = (
    (3_900, 600, 300, 12_000_000, 7_733),
    (3_900, 600, 300, 9_000_000, 7_733) + INNER_RACE,  # noqa: RUF005
    (0, 0, 0, 16_000_000, 31_000) + FLAT + CROWDED,  # noqa: RUF005
)
"""CROWDED: blows that come faster than they fade away."""

LOOKS = (0x403E, 0x405E, 0x40FE)


class Course:
    """A clock and a source of numbers, the same everywhere."""

    def __init__(self) -> None:
        self.now_us = PERIOD - 100_000
        self._state = 54321

    def ticks_us(self) -> int:
        return self.now_us

    def below(self, limit: int) -> int:
        self._state = (self._state * 8121 + 28411) % 134456
        return self._state % limit


@rp2.asm_pio()
def count_pulses() -> None:
    """Its model is looked for by this name."""


def main() -> None:
    course = Course()
    made = board.Board(WIRING, clock=course.ticks_us)
    board.install(made)
    acc = made.hardware.i2c["0"].chips[83]
    vib = made.hardware.spi["0"].chips[0]
    machine = rp2.StateMachine(1, count_pulses, freq=6_400_000, jmp_pin=Pin(2))
    machine.active(1)
    counter = Counter(0, Pin(2), filter_ns=9000)
    pins = [Pin(number, Pin.IN, Pin.PULL_UP) for number in (2, 3, 4)]
    data = bytearray(6)

    def spi(*out: int) -> "list[int]":
        vib.select(True)
        got = [vib.exchange(byte) for byte in out]
        vib.select(False)
        return got[1:]

    for step in range(1500):
        course.now_us = (course.now_us + course.below(5000)) % PERIOD
        if step % 20 == 0:
            number = step // 20 % 3
            lowest, highest = ((-900_000, 900_000), (0, 3_000_000), (0, 2))[number]
            samples = [lowest + course.below(1000) * (highest - lowest) // 1000 for _ in range(9)]
            stretch = stretch_frame(number, step // 60 % 2, course.now_us, 9_876, samples)
            made.host.obey(STRETCH, memoryview(stretch)[3:])
        if step % 90 == 30:
            numbers = SHAPES[step // 90 % 3]
            stretch = stretch_frame(3, 0, course.now_us, 11_000, numbers)
            made.host.obey(STRETCH, memoryview(stretch)[3:])
        if step % 131 == 60:
            made.host.obey(FAULT, memoryview(frame(FAULT, FAULTS[step // 131]))[3:])
        choice = course.below(8)
        if choice == 0:
            print(step, spi(0x10, 0xA4), spi(0x09, 0x0A), spi(0x0A, 0), spi(0x0A, 1))
        elif choice == 1:
            print(step, "vib", spi(*([0xF8] + [0] * 21)), spi(0xBA, 0, 0))
        elif choice == 2:
            for register, value in ((0x2C, 15 - course.below(3)), (0x2D, 8), (0x38, 0x40)):
                acc.point(register)
                acc.store(bytes([value]), 0)
        elif choice == 3:
            for _ in range(5):
                acc.point(0x32)
                acc.fetch(data)
            print(step, "acc", list(data))
        elif choice == 4:
            for look in LOOKS:
                machine.exec(look)
                machine.exec(0x8000)
            print(step, "pio", [machine.get() for _ in LOOKS])
        elif choice == 5:
            print(step, "counter", counter.value())
        else:
            print(step, "pins", [pin.value() for pin in pins])
        if step % 5 == 0:
            taken = sorted(made.host.account()["taken"].items())
            print(step, "taken", [count for _, count in taken])
    account = made.host.account()
    print(account["refused"], account["refusals"], account["faults"])
    print(sorted(account["starved"].items()))


main()
