"""The ADXL345 as a driver meets it on either of its buses."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from board_parts import Ticks, constant

from simulators.board.adxl345 import Adxl345
from simulators.board.inputs import Input

G_UG = 1_000_000
PERIOD_US = 312.5
FULL_US = 10_000


def made(ticks: Ticks, *ug: int, **options: Any) -> Adxl345:
    inputs = [Input(f"acc0/{at}", constant(value, "ug"), at) for at, value in enumerate(ug)]
    return Adxl345("acc0", inputs, ticks, **options)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chip(ticks: Ticks) -> Adxl345:
    return made(ticks, G_UG, -2 * G_UG, 3 * G_UG)


def write(chip: Adxl345, register: int, *values: int) -> None:
    chip.point(register)
    chip.store(bytes(values), 0)


def read(chip: Adxl345, register: int, count: int = 1) -> bytes:
    chip.point(register)
    buffer = bytearray(count)
    chip.fetch(buffer)
    return bytes(buffer)


def measure(chip: Adxl345, rate: int = 15) -> None:
    write(chip, 0x2C, rate, 0x08)
    write(chip, 0x31, 0x0B)


def fill(chip: Adxl345, ticks: Ticks, wait_us: int = FULL_US) -> None:
    write(chip, 0x38, 0x00)
    write(chip, 0x38, 0x40)
    ticks.advance(wait_us)


def drain(chip: Adxl345, count: int = 32) -> list[list[int]]:
    return [np.frombuffer(read(chip, 0x32, 6), "<i2").tolist() for _ in range(count)]


def test_identity_and_reset_values(chip: Adxl345) -> None:
    assert read(chip, 0x00) == b"\xe5"
    assert read(chip, 0x2C, 2) == b"\x0a\x00"
    assert read(chip, 0x31) == b"\0"
    assert read(chip, 0x38, 2) == b"\0\0"


def test_what_can_be_written(chip: Adxl345) -> None:
    write(chip, 0x00, 0x11)
    write(chip, 0x30, 0x11)
    write(chip, 0x32, 0x11)
    write(chip, 0x39, 0x11)
    write(chip, 0x1E, 0x05, 0x06, 0x07)
    assert read(chip, 0x00) == b"\xe5"
    assert read(chip, 0x39) == b"\0"
    assert read(chip, 0x1E, 3) == b"\x05\x06\x07"


def test_both_buses_reach_the_same_registers(chip: Adxl345) -> None:
    def frame(out: bytes) -> bytes:
        chip.select(True)
        got = bytes(chip.exchange(byte) for byte in out)
        chip.select(False)
        return got

    frame(b"\x6c\x0d\x08")
    assert read(chip, 0x2C, 2) == b"\x0d\x08"
    assert frame(b"\xec\0\0")[1:] == b"\x0d\x08"
    assert frame(b"\xac\0\0")[1:] == b"\x0d\x0d", "without bit 6 the address stays"
    assert frame(b"\x80\0")[1:] == b"\xe5"


@pytest.mark.parametrize("rate", [15, 14, 13, 12])
def test_the_fifo_fills_at_its_rate_and_stops_when_it_is_full(
    chip: Adxl345, ticks: Ticks, rate: int
) -> None:
    measure(chip, rate)
    period_us = PERIOD_US * 2 ** (15 - rate)
    for count in (1, 2, 31):
        fill(chip, ticks, round(count * period_us + 1))
        assert read(chip, 0x39)[0] & 0x3F == count
    fill(chip, ticks, round(100 * period_us))
    assert read(chip, 0x39)[0] & 0x3F == 32
    assert read(chip, 0x30)[0] == 0x83


@pytest.mark.parametrize("registers", [((0x2D, 0x00),), ((0x38, 0x00),), ((0x38, 0x80),)])
def test_nothing_is_collected_unless_it_measures_into_its_fifo(
    chip: Adxl345, ticks: Ticks, registers: tuple[tuple[int, int], ...]
) -> None:
    measure(chip)
    fill(chip, ticks, 0)
    for register, value in registers:
        write(chip, register, value)
    ticks.advance(FULL_US)
    assert read(chip, 0x39) == b"\0"


def test_a_sample_has_three_axes_of_13_bits(ticks: Ticks) -> None:
    chip = made(ticks, G_UG, -G_UG, 20 * G_UG)
    measure(chip)
    fill(chip, ticks)
    for axes in drain(chip):
        assert axes == pytest.approx([256, -256, 4095], abs=10)


def test_a_window_is_so_many_fills_and_begins_with_measuring(ticks: Ticks) -> None:
    chip = made(ticks, 0, 0, 0, fills=3, features=4)

    def fills(count: int) -> int:
        for _ in range(count):
            fill(chip, ticks)
            drain(chip)
        return chip.inputs[0].taken

    measure(chip)
    assert [fills(2), fills(1), fills(3), fills(2)] == [0, 4, 8, 8]
    write(chip, 0x2D, 0x08)
    assert [fills(2), fills(1)] == [8, 12]


def test_with_a_tone_the_signal_is_an_amplitude(ticks: Ticks) -> None:
    chip = made(ticks, 4 * G_UG, 0, 0, tone_hz=400)
    measure(chip)
    fill(chip, ticks)
    x = np.array([x for x, _, _ in drain(chip)], dtype=float) / 256
    assert x.std() == pytest.approx(4 / np.sqrt(2), rel=0.05)


FAULTS: list[tuple[str, Callable[[Adxl345, Ticks], bool]]] = [
    ("frozen", lambda chip, ticks: read(chip, 0x39) == b"\0"),
    ("slow_conversion", lambda chip, ticks: read(chip, 0x39) == b"\x10"),
    ("brown_out", lambda chip, ticks: read(chip, 0x2C, 2) == b"\x0a\x00"),
    ("wrong_id", lambda chip, ticks: read(chip, 0) == b"\x03"),
]


@pytest.mark.parametrize(("word", "shows"), FAULTS)
def test_faults_of_the_chip(
    chip: Adxl345, ticks: Ticks, word: str, shows: Callable[[Adxl345, Ticks], bool]
) -> None:
    measure(chip)
    chip.inject(word, {"permille": 2000, "id": 3})
    fill(chip, ticks)
    assert shows(chip, ticks)


@pytest.mark.parametrize("word", ["open", "short", "stuck"])
def test_a_dead_axis_has_no_noise(chip: Adxl345, ticks: Ticks, word: str) -> None:
    measure(chip)
    chip.inputs[2].inject(word, {}, ticks())
    fill(chip, ticks)
    got = drain(chip)
    assert len({z for _, _, z in got}) == 1
    assert len({x for x, _, _ in got}) > 1
