"""The IIS3DWB as a driver meets it on the bus."""

import math
from typing import Any

import numpy as np
import pytest
from board_parts import Ticks, constant, samples

from simulators.board.iis3dwb import Iis3dwb
from simulators.board.inputs import Input
from simulators.board.signals import LINEAR, Signal

G_UG = 1_000_000
UG_A_CODE = {2: 61, 16: 488, 4: 122, 8: 244}
RANGE_BITS = {2: 0, 16: 1, 4: 2, 8: 3}
PERIOD_US = 37.5
FULL_US = 19_200
TURN_ON_US = 10_000
ON = 0xA0


def made(ticks: Ticks, *ug: int, **options: Any) -> Iis3dwb:
    inputs = [Input(f"vib0/{at}", constant(value, "ug"), at) for at, value in enumerate(ug)]
    return Iis3dwb("vib0", inputs, ticks, **options)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chip(ticks: Ticks) -> Iis3dwb:
    return made(ticks, G_UG, -2 * G_UG, 3 * G_UG)


def frame(chip: Iis3dwb, out: bytes) -> bytes:
    chip.select(True)
    got = bytes(chip.exchange(byte) for byte in out)
    chip.select(False)
    return got


def write(chip: Iis3dwb, register: int, *values: int) -> None:
    frame(chip, bytes([register, *values]))


def read(chip: Iis3dwb, register: int, count: int = 1) -> bytes:
    return frame(chip, bytes([0x80 | register]) + bytes(count))[1:]


def switch_on(chip: Iis3dwb, ticks: Ticks, range_g: int = 16) -> None:
    write(chip, 0x10, ON | RANGE_BITS[range_g] << 2)
    write(chip, 0x09, 0x0A)
    ticks.advance(TURN_ON_US)


def fill(chip: Iis3dwb, ticks: Ticks, wait_us: int = FULL_US) -> None:
    write(chip, 0x0A, 0)
    write(chip, 0x0A, 1)
    ticks.advance(wait_us)


def level(chip: Iis3dwb) -> int:
    low, high = read(chip, 0x3A, 2)
    return (high & 3) << 8 | low


def words(chip: Iis3dwb, count: int) -> list[tuple[int, ...]]:
    """Tag and sample of so many words of the FIFO, read as one frame."""
    got = read(chip, 0x78, 7 * count)
    return [
        (got[at], *np.frombuffer(got[at + 1 : at + 7], "<i2").tolist())
        for at in range(0, len(got), 7)
    ]


def test_identity_and_reset_values(chip: Iis3dwb) -> None:
    assert read(chip, 0x0F) == b"\x7b"
    assert read(chip, 0x10, 3) == b"\x00\x00\x04"
    assert read(chip, 0x07, 4) == bytes(4)


def test_registers_are_kept_and_a_reset_puts_them_back(chip: Iis3dwb) -> None:
    write(chip, 0x07, 0x34, 0x81, 0x0A, 0x01)
    assert read(chip, 0x07, 4) == b"\x34\x81\x0a\x01"
    write(chip, 0x0F, 0x55)
    assert read(chip, 0x0F) == b"\x7b"
    write(chip, 0x12, 0x05)
    assert read(chip, 0x07, 4) == bytes(4)
    assert read(chip, 0x12) == b"\x04"


def test_the_fifo_fills_at_its_rate_and_stops_when_it_is_full(chip: Iis3dwb, ticks: Ticks) -> None:
    switch_on(chip, ticks)
    for passed in (1, 2, 100, 511):
        due_us = math.ceil(passed * PERIOD_US)
        fill(chip, ticks, due_us - 1)
        assert level(chip) == passed - 1
        fill(chip, ticks, due_us)
        assert level(chip) == passed
    fill(chip, ticks, 10 * FULL_US)
    assert level(chip) == 512
    assert read(chip, 0x3B)[0] & 0x20


def test_it_stops_at_the_watermark_when_told_to(chip: Iis3dwb, ticks: Ticks) -> None:
    switch_on(chip, ticks)
    write(chip, 0x07, 256 & 0xFF, 0x80 | 256 >> 8)
    fill(chip, ticks, 10 * FULL_US)
    assert level(chip) == 256
    assert read(chip, 0x3B)[0] & 0xA0 == 0x80


@pytest.mark.parametrize("missing", ["on", "batch", "mode"])
def test_nothing_is_collected_unless_all_is_switched_on(
    chip: Iis3dwb, ticks: Ticks, missing: str
) -> None:
    switch_on(chip, ticks)
    if missing == "on":
        write(chip, 0x10, 0x04)
    if missing == "batch":
        write(chip, 0x09, 0x00)
    write(chip, 0x0A, 0)
    write(chip, 0x0A, 6 if missing == "mode" else 1)
    ticks.advance(FULL_US)
    assert level(chip) == 0


def test_nothing_is_collected_while_it_turns_on(chip: Iis3dwb, ticks: Ticks) -> None:
    write(chip, 0x09, 0x0A)
    write(chip, 0x10, ON)
    fill(chip, ticks, TURN_ON_US)
    assert level(chip) == 0
    ticks.advance(38)
    assert level(chip) == 1


@pytest.mark.parametrize("range_g", list(UG_A_CODE))
def test_a_word_is_a_tag_and_three_axes(ticks: Ticks, range_g: int) -> None:
    chip = made(ticks, G_UG, -G_UG, G_UG // 2)
    switch_on(chip, ticks, range_g)
    fill(chip, ticks)
    expected = [round(ug / UG_A_CODE[range_g]) for ug in (G_UG, -G_UG, G_UG // 2)]
    noise = 3 * 6000 / UG_A_CODE[range_g] + 1
    got = words(chip, 512)
    for at, (tag, *axes) in enumerate(got):
        assert tag >> 3 == 2
        assert bin(tag).count("1") % 2 == 0
        assert tag >> 1 & 3 == (at + 1) & 3
        assert axes == pytest.approx(expected, abs=noise)
    assert len({axes[0] for _, *axes in got}) > 5, "a living sensor has some noise"


def test_an_empty_fifo_reads_as_nothing(chip: Iis3dwb, ticks: Ticks) -> None:
    switch_on(chip, ticks)
    fill(chip, ticks, 100)
    assert [tag for tag, *_ in words(chip, 4)][2:] == [0, 0]


def test_the_ends_of_the_range_clip(ticks: Ticks) -> None:
    chip = made(ticks, 3 * G_UG, -3 * G_UG, 0)
    switch_on(chip, ticks, 2)
    fill(chip, ticks)
    for _, x, y, _ in words(chip, 20):
        assert (x, y) == (0x7FFF, -0x8000)


def test_samples_have_their_time(ticks: Ticks) -> None:
    signal = Signal("ramp", "ug", 0, 8)
    chip = Iis3dwb("vib0", [Input(f"vib0/{at}", signal, at) for at in range(3)], ticks)
    switch_on(chip, ticks)
    signal.feed(ticks(), LINEAR, ticks(), FULL_US, samples([0, 8 * G_UG]))
    fill(chip, ticks)
    got = np.array([x for _, x, _, _ in words(chip, 512)])
    assert got == pytest.approx(np.arange(1, 513) / 512 * 8 * G_UG / 488, abs=45)


def test_with_a_tone_the_signal_is_an_amplitude(ticks: Ticks) -> None:
    chip = made(ticks, 2 * G_UG, 0, 0, tone_hz=1250)
    switch_on(chip, ticks)
    fill(chip, ticks)
    x = np.array([x for _, x, _, _ in words(chip, 512)], dtype=float) * 488 / G_UG
    assert x.std() == pytest.approx(2 / np.sqrt(2), rel=0.02)
    spectrum = np.abs(np.fft.rfft(x * np.hanning(512)))
    assert spectrum.argmax() * 26_667 / 512 == pytest.approx(1250, abs=60)


def test_a_window_is_taken_with_its_last_sample(ticks: Ticks) -> None:
    chip = made(ticks, 0, 0, 0, features=5)
    switch_on(chip, ticks)
    fill(chip, ticks)
    words(chip, 511)
    assert chip.inputs[0].taken == 0
    words(chip, 1)
    words(chip, 3)
    assert chip.inputs[0].taken == 5
    fill(chip, ticks, FULL_US // 2)
    words(chip, 300)
    assert chip.inputs[0].taken == 5
    fill(chip, ticks)
    words(chip, 512)
    assert chip.inputs[0].taken == 10


def test_its_temperature(ticks: Ticks) -> None:
    for celsius in (-41, 25, 105):
        chip = made(ticks, 0, 0, 0, celsius=celsius)
        assert int.from_bytes(read(chip, 0x20, 2), "little", signed=True) == (celsius - 25) * 256


def test_a_clock_of_its_own(ticks: Ticks) -> None:
    for permille in (970, 1030):
        chip = made(ticks, 0, 0, 0, rate_permille=permille)
        fine = int.from_bytes(read(chip, 0x63), "little", signed=True)
        assert 1 + 0.0015 * fine == pytest.approx(permille / 1000, abs=0.0015)
        switch_on(chip, ticks)
        fill(chip, ticks, 10_000)
        assert level(chip) == int(10_000 / PERIOD_US * permille / 1000)


class TestFaults:
    """What is the chip's own; those of an input are the same on every chip."""

    def test_wrong_id(self, chip: Iis3dwb) -> None:
        chip.inject("wrong_id", {"id": 0x6C})
        assert read(chip, 0x0F) == b"\x6c"

    def test_frozen(self, chip: Iis3dwb, ticks: Ticks) -> None:
        switch_on(chip, ticks)
        fill(chip, ticks, FULL_US // 2)
        assert level(chip) == 256
        chip.inject("frozen", {})
        ticks.advance(FULL_US)
        assert level(chip) == 256

    def test_slow_conversion(self, chip: Iis3dwb, ticks: Ticks) -> None:
        switch_on(chip, ticks)
        chip.inject("slow_conversion", {"permille": 2000})
        fill(chip, ticks)
        assert level(chip) == 256

    def test_brown_out(self, chip: Iis3dwb, ticks: Ticks) -> None:
        switch_on(chip, ticks)
        fill(chip, ticks)
        chip.inject("brown_out", {})
        assert level(chip) == 0
        assert read(chip, 0x10) == b"\0"
        assert words(chip, 1)[0][0] == 0

    @pytest.mark.parametrize("word", ["open", "short", "stuck"])
    def test_a_dead_axis_has_no_noise(self, chip: Iis3dwb, ticks: Ticks, word: str) -> None:
        switch_on(chip, ticks)
        chip.inputs[1].inject(word, {}, ticks())
        fill(chip, ticks)
        got = words(chip, 100)
        assert len({y for _, _, y, _ in got}) == 1
        assert len({x for _, x, _, _ in got}) > 1

    @pytest.mark.parametrize(("low", "code"), [(False, 0x7FFF), (True, -0x8000)])
    def test_saturated(self, chip: Iis3dwb, ticks: Ticks, low: bool, code: int) -> None:
        switch_on(chip, ticks)
        chip.inputs[2].inject("saturated", {"low": low}, ticks())
        fill(chip, ticks)
        assert {z for *_, z in words(chip, 50)} == {code}

    def test_spikes_come_to_each_so_manyth_sample(self, chip: Iis3dwb, ticks: Ticks) -> None:
        switch_on(chip, ticks)
        chip.inputs[0].inject("spike", {"size": 4 * G_UG, "every": 64}, ticks())
        fill(chip, ticks)
        high = [at for at, (_, x, _, _) in enumerate(words(chip, 512)) if x > 5000]
        assert len(high) == 8
        assert set(np.diff(high)) == {64}
