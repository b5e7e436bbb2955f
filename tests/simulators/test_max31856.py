"""The MAX31856 as a driver meets it on the bus."""

from typing import Any

import pytest
from board_parts import Ticks, constant, samples
from hypothesis import given
from hypothesis import strategies as st

from simulators.board.inputs import Input
from simulators.board.max31856 import Max31856, emf_nv
from simulators.board.signals import LINEAR, Signal

AUTO, ONE_SHOT, OPEN_TEST, LATCH, CLEAR, FIFTY_HZ = 0x80, 0x40, 0x10, 0x04, 0x02, 0x01
COLD_RANGE, RANGE, VOLTAGE, OPEN = 0x80, 0x40, 0x02, 0x01
COLD_C = 25
RESET = bytes([0, 3, 0xFF, 0x7F, 0xC0, 0x7F, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 0])


def volts(celsius: float, cold_celsius: float = COLD_C) -> int:
    """What a thermocouple gives, in nV."""
    return round(emf_nv(celsius) - emf_nv(cold_celsius))


def chip_at(ticks: Ticks, nanovolts: int, **options: Any) -> Max31856:
    return Max31856("tc0", [Input("tc0/0", constant(nanovolts, "nV"), 1)], ticks, **options)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chip(ticks: Ticks) -> Max31856:
    return chip_at(ticks, volts(180))


def frame(chip: Max31856, out: bytes) -> bytes:
    chip.select(True)
    got = bytes(chip.exchange(byte) for byte in out)
    chip.select(False)
    return got


def configure(chip: Max31856, byte: int) -> None:
    frame(chip, bytes([0x80, byte]))


def read(chip: Max31856, address: int, count: int = 1) -> bytes:
    return frame(chip, bytes([address]) + bytes(count))[1:]


def celsius(chip: Max31856) -> float:
    code = int.from_bytes(read(chip, 0x0C, 3), "big") >> 5
    return (code - (1 << 19) if code >= 1 << 18 else code) / 128


def one_shot(chip: Max31856, ticks: Ticks, bits: int = FIFTY_HZ) -> None:
    configure(chip, ONE_SHOT | bits)
    ticks.advance(300_000)
    chip.settle(ticks())


@pytest.mark.parametrize(
    ("at_celsius", "millivolts"),
    [
        (-200, -5.891),
        (-100, -3.554),
        (0, 0),
        (25, 1.000),
        (100, 4.096),
        (300, 12.209),
        (500, 20.644),
        (1000, 41.276),
        (1370, 54.819),
    ],
)
def test_the_curve_is_the_published_one(at_celsius: float, millivolts: float) -> None:
    """Values as the tables of IEC 60584 print them for type K."""
    assert emf_nv(at_celsius) / 1e6 == pytest.approx(millivolts, abs=0.00051)


def test_reset_values(chip: Max31856) -> None:
    assert read(chip, 0, 17) == RESET + b"\xff"


def test_the_address_counts_up_and_result_and_faults_cannot_be_written(chip: Max31856) -> None:
    frame(chip, bytes([0x81, 0x23, 0xFC, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]))
    assert read(chip, 1, 15) == bytes([0x23, 0xFC, 1, 2, 3, 4, 5, 6, 7, 0, 0, 0, 0, 0, 0])


def test_self_clearing_bits_do_not_read_back(chip: Max31856) -> None:
    configure(chip, OPEN_TEST | CLEAR | FIFTY_HZ)
    assert read(chip, 0) == bytes([OPEN_TEST | FIFTY_HZ])


@pytest.mark.parametrize(
    ("bits", "duration_us"),
    [(FIFTY_HZ, 169_000), (0, 143_000), (FIFTY_HZ | OPEN_TEST, 182_300), (0x30, 256_400)],
    ids=["50 Hz", "60 Hz", "open test", "slow open test"],
)
def test_a_one_shot_takes_its_time(
    chip: Max31856, ticks: Ticks, bits: int, duration_us: int
) -> None:
    configure(chip, ONE_SHOT | bits)
    ticks.advance(duration_us - 1)
    assert read(chip, 0) == bytes([ONE_SHOT | bits])
    assert celsius(chip) == 0
    assert chip.ready_level() == 1
    ticks.advance(1)
    assert read(chip, 0) == bytes([bits])
    assert chip.ready_level() == 0
    assert celsius(chip) == pytest.approx(180, abs=0.02)
    assert chip.ready_level() == 1


def test_a_one_shot_begins_when_chip_select_rises(chip: Max31856, ticks: Ticks) -> None:
    chip.select(True)
    for byte in (0x80, ONE_SHOT | FIFTY_HZ):
        chip.exchange(byte)
    ticks.advance(200_000)
    chip.select(False)
    assert celsius(chip) == 0
    ticks.advance(169_000)
    assert celsius(chip) == pytest.approx(180, abs=0.02)


def test_a_result_counts_once_and_only_when_its_lowest_byte_is_read(
    chip: Max31856, ticks: Ticks
) -> None:
    one_shot(chip, ticks)
    read(chip, 0x0C, 2)
    assert chip.inputs[0].taken == 0
    assert celsius(chip) == celsius(chip)
    assert chip.inputs[0].taken == 1
    one_shot(chip, ticks)
    read(chip, 0, 16)
    assert chip.inputs[0].taken == 2


def test_automatic_mode_gives_the_newest_value(ticks: Ticks) -> None:
    signal = Signal("ramp", "nV", 0, 8)
    signal.feed(ticks(), LINEAR, ticks(), 1_000_000, samples([volts(100), volts(200)]))
    chip = Max31856("tc0", [Input("tc0/0", signal, 1)], ticks)
    configure(chip, AUTO | FIFTY_HZ)
    ticks.advance(470_000)
    # Conversions end at 169 ms + k * 98 ms: the last one at 463, half-way at 414 ms.
    expected = volts(100) + 0.414 * (volts(200) - volts(100))
    assert emf_nv(celsius(chip)) - emf_nv(COLD_C) == pytest.approx(expected, abs=1500)
    configure(chip, FIFTY_HZ)
    ticks.advance(500_000)
    assert chip.ready_level() == 1


@given(st.floats(-150, 1365), st.integers(-40, 85))
def test_the_cold_junction_is_compensated(at_celsius: float, cold_celsius: int) -> None:
    """To the step of the converter and what a straight line each 10 °C leaves."""
    ticks = Ticks()
    chip = chip_at(ticks, volts(at_celsius, cold_celsius), cold_celsius=cold_celsius)
    one_shot(chip, ticks)
    assert celsius(chip) == pytest.approx(at_celsius, abs=0.05)
    cold = int.from_bytes(read(chip, 0x0A, 2), "big") >> 2
    assert (cold - (1 << 14) if cold >= 1 << 13 else cold) == cold_celsius * 64


def test_the_offset_of_the_cold_junction_is_added(chip: Max31856, ticks: Ticks) -> None:
    frame(chip, bytes([0x89, 0xF0]))
    one_shot(chip, ticks)
    assert read(chip, 0x0A, 2) == bytes([24, 0])
    assert celsius(chip) == pytest.approx(179, abs=0.1)


def test_a_cold_junction_that_is_off_can_be_written(chip: Max31856, ticks: Ticks) -> None:
    configure(chip, 0x08 | FIFTY_HZ)
    frame(chip, bytes([0x8A, 0, 0]))
    one_shot(chip, ticks, 0x08 | FIFTY_HZ)
    expected = volts(180)
    assert emf_nv(celsius(chip)) == pytest.approx(expected, abs=1500)


class TestFaults:
    """As the fault register shows them."""

    def test_an_open_circuit_shows_only_where_it_is_tested_for(
        self, chip: Max31856, ticks: Ticks
    ) -> None:
        chip.inputs[0].inject("open", {}, ticks())
        one_shot(chip, ticks)
        assert read(chip, 0x0F) == bytes([RANGE])
        one_shot(chip, ticks, OPEN_TEST | FIFTY_HZ)
        assert read(chip, 0x0F) == bytes([RANGE | OPEN])
        configure(chip, FIFTY_HZ)
        chip.inputs[0].clear("open")
        one_shot(chip, ticks, OPEN_TEST | FIFTY_HZ)
        assert read(chip, 0x0F) == b"\0"

    def test_the_test_is_made_with_each_sixteenth_conversion(
        self, chip: Max31856, ticks: Ticks
    ) -> None:
        one_shot(chip, ticks, OPEN_TEST | FIFTY_HZ)
        chip.inputs[0].inject("open", {}, ticks())
        faults = []
        for _ in range(17):
            one_shot(chip, ticks, OPEN_TEST | FIFTY_HZ)
            faults.append(read(chip, 0x0F)[0] & OPEN)
        assert faults == [0] * 15 + [OPEN] * 2

    def test_a_short_reads_as_the_cold_junction_and_is_no_fault(
        self, chip: Max31856, ticks: Ticks
    ) -> None:
        chip.inputs[0].inject("short", {}, ticks())
        one_shot(chip, ticks, OPEN_TEST | FIFTY_HZ)
        assert celsius(chip) == pytest.approx(COLD_C, abs=0.02)
        assert read(chip, 0x0F) == b"\0"

    @pytest.mark.parametrize(("low", "end"), [(False, 1372), (True, -200)])
    def test_saturated_is_the_end_of_the_range(
        self, chip: Max31856, ticks: Ticks, low: bool, end: int
    ) -> None:
        chip.inputs[0].inject("saturated", {"low": low}, ticks())
        one_shot(chip, ticks)
        assert celsius(chip) == end
        assert read(chip, 0x0F) == bytes([RANGE])

    @pytest.mark.parametrize(
        ("nanovolts", "end"), [(volts(1372) + 40_000, 1372), (volts(-200) - 20_000, -200)]
    )
    def test_a_temperature_beyond_the_range_is_clipped(
        self, ticks: Ticks, nanovolts: int, end: int
    ) -> None:
        chip = chip_at(ticks, nanovolts)
        one_shot(chip, ticks)
        assert celsius(chip) == end
        assert read(chip, 0x0F) == bytes([RANGE])

    def test_an_input_below_ground_is_an_undervoltage(self, ticks: Ticks) -> None:
        chip = chip_at(ticks, -800_000_000)
        one_shot(chip, ticks)
        assert read(chip, 0x0F)[0] & VOLTAGE

    def test_a_cold_junction_that_is_too_cold(self, chip: Max31856, ticks: Ticks) -> None:
        configure(chip, 0x08 | FIFTY_HZ)
        frame(chip, bytes([0x8A, 0xC8, 0]))
        one_shot(chip, ticks, 0x08 | FIFTY_HZ)
        assert read(chip, 0x0F) == bytes([COLD_RANGE])

    @pytest.mark.parametrize(
        ("limits", "faults"),
        [
            ((24, -64, 0x7FFF, -0x8000), 0x20),
            ((127, 26, 0x7FFF, -0x8000), 0x10),
            ((127, -64, 179 << 4, -0x8000), 0x08),
            ((127, -64, 0x7FFF, 181 << 4), 0x04),
            ((26, 24, 181 << 4, 179 << 4), 0),
        ],
    )
    def test_limits(
        self, chip: Max31856, ticks: Ticks, limits: tuple[int, ...], faults: int
    ) -> None:
        high, low, above, below = limits
        content = bytes([0x83, high & 0xFF, low & 0xFF])
        content += (above & 0xFFFF).to_bytes(2, "big") + (below & 0xFFFF).to_bytes(2, "big")
        frame(chip, content)
        one_shot(chip, ticks)
        assert read(chip, 0x0F) == bytes([faults])

    def test_faults_stay_until_cleared_where_that_is_asked_for(
        self, chip: Max31856, ticks: Ticks
    ) -> None:
        chip.inputs[0].inject("saturated", {"low": False}, ticks())
        one_shot(chip, ticks, LATCH | FIFTY_HZ)
        chip.inputs[0].clear("saturated")
        one_shot(chip, ticks, LATCH | FIFTY_HZ)
        assert read(chip, 0x0F) == bytes([RANGE])
        configure(chip, LATCH | CLEAR | FIFTY_HZ)
        assert read(chip, 0x0F) == b"\0"

    def test_a_reset_puts_the_registers_back(self, chip: Max31856, ticks: Ticks) -> None:
        frame(chip, bytes([0x80, FIFTY_HZ, 0x23, 0xFC]))
        one_shot(chip, ticks)
        chip.inject("brown_out", {})
        assert read(chip, 0, 16) == RESET
