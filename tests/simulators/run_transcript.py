"""Prints what two chips answer to a fixed course of transactions, faults and signals.

Run by both interpreters: the lines must be the same.
"""

from simulators.board.control_frames import FAULT, STRETCH, frame, stretch_frame
from simulators.board.hardware import Hardware
from simulators.board.host import Host

PERIOD = 1 << 30
WIRING = {
    "unique_id": "00",
    "seed": 11,
    "signals": [
        {"name": "current", "unit": "nA", "initial": 4000000},
        {"name": "voltage", "unit": "uV", "initial": 500000},
        {"name": "winding", "unit": "tenth_milliohm", "initial": 1200000},
    ],
    "i2c": {
        "0": {
            "chips": [
                {
                    "name": "adc0",
                    "kind": "ads1115",
                    "address": 72,
                    "inputs": ["current", "voltage"],
                    "rate_permille": 1037,
                }
            ]
        }
    },
    "spi": {
        "0": {
            "chips": [
                {
                    "name": "rtd0",
                    "kind": "max31865",
                    "cs": 1,
                    "signal": "winding",
                    "wires": 3,
                    "lead_milliohm": 320,
                }
            ]
        }
    },
}
FAULTS = (
    b'{"chip": "adc0", "word": "noise", "args": {"sigma": 30000}}',
    b'{"chip": "adc0/0", "word": "drift", "args": {"per_s": -500000}}',
    b'{"chip": "adc0", "word": "spike", "input": 1, "args": {"size": 70000, "every": 4}}',
    b'{"chip": "rtd0", "word": "noise", "args": {"sigma": 900}}',
    b'{"chip": "adc0", "word": "slow_conversion", "args": {"permille": 1500}}',
    b'{"chip": "adc0/0", "word": "swapped", "args": {"with": "rtd0/0"}}',
    b'{"chip": "adc0/0", "word": "swapped", "clear": true}',
    b'{"chip": "rtd0", "word": "brown_out"}',
    b'{"chip": "adc0", "word": "noise", "clear": true}',
    b'{"chip": "adc0", "word": "stuck"}',
    b'{"chip": "adc0", "word": "melted"}',
)


class Course:
    """A clock and a source of numbers, the same everywhere."""

    def __init__(self) -> None:
        self.now_us = PERIOD - 100_000
        self._state = 12345

    def ticks_us(self) -> int:
        return self.now_us

    def below(self, limit: int) -> int:
        self._state = (self._state * 8121 + 28411) % 134456
        return self._state % limit


def main() -> None:
    course = Course()
    hardware = Hardware(WIRING, course.ticks_us, None)  # type: ignore[arg-type]
    host = Host(hardware, course.ticks_us, None)
    adc = hardware.i2c["0"].chips[72]
    rtd = hardware.spi["0"].chips[0]
    word = bytearray(2)
    for step in range(1200):
        course.now_us = (course.now_us + course.below(9000)) % PERIOD
        if step % 20 == 0:
            number = step // 20 % 3
            levels = ((4_000_000, 20_000_000), (-200_000, 3_000_000), (900_000, 3_900_000))[number]
            span = levels[1] - levels[0]
            samples = [levels[0] + course.below(10000) * span // 10000 for _ in range(16)]
            data = stretch_frame(number, step // 60 % 2, course.now_us, 12_345, samples)
            host.obey(STRETCH, memoryview(data)[3:])
        if step % 109 == 50:
            host.obey(FAULT, memoryview(frame(FAULT, FAULTS[step // 109]))[3:])
        choice = course.below(6)
        if choice < 2:
            mode = course.below(8) // 7 ^ 1
            config = 0x8000 | course.below(8) << 12 | course.below(8) << 9 | mode << 8
            config |= (4 + course.below(4)) << 5
            adc.point(1)
            adc.store(bytes([config >> 8, config & 0xFF]), 0)
        elif choice < 4:
            adc.point(choice & 1)
            adc.fetch(word)
            print(step, "adc", word[0], word[1])
        else:
            rtd.select(True)
            if choice == 4:
                rtd.exchange(0x80)
                rtd.exchange(0x81 | (0x40 >> course.below(2)) | course.below(2) << 4)
            else:
                out = [rtd.exchange(byte) for byte in (0, 0, 0, 0, 0, 0, 0, 0, 0)]
                print(step, "rtd", out)
            rtd.select(False)
        if step % 3 == 0:
            taken = sorted(host.account()["taken"].items())
            print(step, "taken", [count for _, count in taken])
    account = host.account()
    print(account["refused"], account["refusals"], account["faults"])
    print(sorted(account["starved"].items()))


main()
