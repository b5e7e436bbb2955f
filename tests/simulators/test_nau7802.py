"""The NAU7802 as a driver meets it on the bus."""

from typing import Any

import pytest
from board_parts import Ticks, constant
from hypothesis import given
from hypothesis import strategies as st

from simulators.board.inputs import Input
from simulators.board.nau7802 import Nau7802

REGULATED, READY, CONVERT, POWERED, ANALOGUE, DIGITAL, RESET = 0x80, 0x20, 0x10, 8, 4, 2, 1
ON = REGULATED | CONVERT | ANALOGUE | DIGITAL
CALIBRATE, CALIBRATION_ERROR = 0x04, 0x08
THREE_VOLTS, GAIN_128, RATE_80 = 5 << 3, 7, 3 << 4
BRIDGE_NV = 3_000_000
"""3 mV against 1.5 V / 128 = 11.72 mV of full scale."""
CODE = round(0x800000 * 128 * BRIDGE_NV / 1_500_000_000)
OFFSET = 25_000
PERIOD_US = 12_500


def chip_at(ticks: Ticks, nanovolts: int = BRIDGE_NV, **options: Any) -> Nau7802:
    return Nau7802("load0", [Input("load0/0", constant(nanovolts, "nV"), 1)], ticks, **options)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chip(ticks: Ticks) -> Nau7802:
    return chip_at(ticks)


def write(chip: Nau7802, register: int, *content: int) -> None:
    chip.point(register)
    chip.store(bytes(content), 0)


def read(chip: Nau7802, register: int, count: int = 1) -> bytes:
    chip.point(register)
    buffer = bytearray(count)
    chip.fetch(buffer)
    return bytes(buffer)


def code(chip: Nau7802) -> int:
    return int.from_bytes(read(chip, 0x12, 3), "big", signed=True)


def converting(
    chip: Nau7802, ticks: Ticks, control_1: int = THREE_VOLTS | GAIN_128, control_2: int = RATE_80
) -> None:
    """Switched on, and the regulator settled."""
    write(chip, 0, ANALOGUE | DIGITAL)
    ticks.advance(200)
    write(chip, 1, control_1)
    write(chip, 2, control_2)
    write(chip, 0, ON)
    ticks.advance(200_000)


def calibrated(chip: Nau7802, ticks: Ticks, *control: int) -> None:
    converting(chip, ticks, *control)
    write(chip, 2, read(chip, 2)[0] | CALIBRATE)
    ticks.advance(344_000)


def test_reset_values_and_revision(chip: Nau7802) -> None:
    assert read(chip, 0, 3) == b"\0\0\0"
    assert read(chip, 0x1F) == b"\x0f"


def test_it_is_powered_up_200_us_after_its_digital_part_is_on(chip: Nau7802, ticks: Ticks) -> None:
    write(chip, 0, DIGITAL)
    ticks.advance(199)
    assert read(chip, 0) == bytes([DIGITAL])
    ticks.advance(1)
    assert read(chip, 0) == bytes([DIGITAL | POWERED])
    write(chip, 0, 0)
    assert read(chip, 0) == b"\0"


def test_a_reset_holds_the_other_registers(chip: Nau7802, ticks: Ticks) -> None:
    calibrated(chip, ticks)
    write(chip, 0, RESET)
    assert read(chip, 0, 3) == bytes([RESET, 0, 0])
    write(chip, 1, 0x27)
    assert read(chip, 1) == b"\0"
    write(chip, 0, DIGITAL)
    write(chip, 1, 0x27)
    assert read(chip, 1) == b"\x27"


@pytest.mark.parametrize("part", [CONVERT, ANALOGUE])
def test_nothing_is_converted_unless_all_of_it_is_on(
    chip: Nau7802, ticks: Ticks, part: int
) -> None:
    write(chip, 0, ON & ~part)
    ticks.advance(10_000_000)
    assert not read(chip, 0)[0] & READY


def test_the_first_result_comes_after_four_conversions(chip: Nau7802, ticks: Ticks) -> None:
    calibrated(chip, ticks)
    ticks.advance(4 * PERIOD_US - 1)
    assert not read(chip, 0)[0] & READY
    assert chip.ready_level() == 0
    ticks.advance(1)
    assert read(chip, 0)[0] & READY
    assert chip.ready_level() == 1
    assert code(chip) == pytest.approx(CODE, abs=1)


@pytest.mark.parametrize(
    ("bits", "rate"), [(0, 10), (1, 20), (2, 40), (3, 80), (7, 320)], ids=lambda value: str(value)
)
def test_rates(chip: Nau7802, ticks: Ticks, bits: int, rate: int) -> None:
    calibrated(chip, ticks, THREE_VOLTS | GAIN_128, bits << 4)
    ticks.advance(4_000_000 // rate)
    for _ in range(5):
        assert code(chip) == pytest.approx(CODE, abs=1)
        assert not read(chip, 0)[0] & READY
        ticks.advance(1_000_000 // rate - 1)
        assert not read(chip, 0)[0] & READY
        ticks.advance(1)
        assert read(chip, 0)[0] & READY
    assert chip.inputs[0].taken == 5


def test_a_result_counts_once_and_only_when_its_lowest_byte_is_read(
    chip: Nau7802, ticks: Ticks
) -> None:
    calibrated(chip, ticks)
    ticks.advance(1_000_000)
    read(chip, 0x12, 2)
    assert chip.inputs[0].taken == 0
    assert code(chip) == code(chip)
    assert chip.inputs[0].taken == 1
    ticks.advance(20 * PERIOD_US)
    code(chip)
    assert chip.inputs[0].taken == 2


@given(
    st.integers(-15_000_000, 15_000_000), st.integers(0, 7), st.sampled_from([5, 0, 7]), st.data()
)
def test_the_code_is_the_share_of_half_the_supply(
    nanovolts: int, gain: int, regulator: int, data: st.DataObject
) -> None:
    ticks = Ticks()
    chip = chip_at(ticks, nanovolts)
    calibrated(chip, ticks, regulator << 3 | gain, 7 << 4)
    ticks.advance(20_000)
    half_nanovolts = (4_500 - 300 * regulator) * 500_000
    exact = (0x800000 << gain) * nanovolts / half_nanovolts
    assert code(chip) == pytest.approx(min(max(exact, -0x800000), 0x7FFFFF), abs=1)


def test_without_its_regulator_the_supply_comes_from_outside(ticks: Ticks) -> None:
    chip = chip_at(ticks, avdd_millivolt=5_000)
    write(chip, 0, ON & ~REGULATED)
    ticks.advance(200)
    write(chip, 1, GAIN_128)
    write(chip, 2, CALIBRATE | RATE_80)
    ticks.advance(1_000_000)
    assert code(chip) == pytest.approx(CODE * 3 / 5, abs=1)


class TestCalibration:
    def test_it_takes_its_time_and_stops_the_conversions(
        self, chip: Nau7802, ticks: Ticks
    ) -> None:
        converting(chip, ticks)
        write(chip, 2, RATE_80 | CALIBRATE)
        ticks.advance(343_999)
        assert read(chip, 2) == bytes([RATE_80 | CALIBRATE])
        assert not read(chip, 0)[0] & READY
        ticks.advance(1)
        assert read(chip, 2) == bytes([RATE_80])

    def test_without_it_codes_are_off(self, chip: Nau7802, ticks: Ticks) -> None:
        converting(chip, ticks)
        assert code(chip) == pytest.approx(CODE + OFFSET, abs=1)

    @pytest.mark.parametrize(
        ("register", "byte", "factor"),
        [(1, THREE_VOLTS | 6, 0.5), (1, 4 << 3 | 7, 3.0 / 3.3), (2, 2 << 4, 1)],
        ids=["gain", "supply", "rate"],
    )
    def test_it_is_due_after_each_change(
        self, chip: Nau7802, ticks: Ticks, register: int, byte: int, factor: float
    ) -> None:
        calibrated(chip, ticks)
        write(chip, register, byte)
        ticks.advance(1_000_000)
        assert code(chip) == pytest.approx(CODE * factor + OFFSET, abs=1)
        write(chip, 2, read(chip, 2)[0] | CALIBRATE)
        ticks.advance(1_000_000)
        assert code(chip) == pytest.approx(CODE * factor, abs=1)

    def test_it_is_wrong_before_the_regulator_has_settled(
        self, chip: Nau7802, ticks: Ticks
    ) -> None:
        write(chip, 0, ON)
        ticks.advance(200)
        write(chip, 1, THREE_VOLTS | GAIN_128)
        ticks.advance(199_000)
        write(chip, 2, RATE_80 | CALIBRATE)
        ticks.advance(1_000_000)
        assert code(chip) == pytest.approx(CODE + OFFSET, abs=1)

    def test_an_error_stays_until_one_succeeds(self, chip: Nau7802, ticks: Ticks) -> None:
        chip.inject("calibration_error", {})
        assert chip.active() == ["calibration_error"]
        calibrated(chip, ticks)
        assert read(chip, 2) == bytes([RATE_80 | CALIBRATION_ERROR])
        ticks.advance(1_000_000)
        assert code(chip) == pytest.approx(CODE + OFFSET, abs=1)
        write(chip, 2, RATE_80)
        assert read(chip, 2) == bytes([RATE_80 | CALIBRATION_ERROR])
        chip.clear("calibration_error")
        write(chip, 2, RATE_80 | CALIBRATE)
        ticks.advance(344_000)
        assert read(chip, 2) == bytes([RATE_80])

    def test_an_error_ends_with_a_reset(self, chip: Nau7802, ticks: Ticks) -> None:
        chip.inject("calibration_error", {})
        calibrated(chip, ticks)
        write(chip, 0, RESET)
        write(chip, 0, DIGITAL)
        assert read(chip, 2) == b"\0"

    @pytest.mark.parametrize("mode", [1, 2, 3])
    def test_that_of_the_system_ends_with_an_error(
        self, chip: Nau7802, ticks: Ticks, mode: int
    ) -> None:
        converting(chip, ticks)
        write(chip, 2, RATE_80 | CALIBRATE | mode)
        ticks.advance(344_000)
        assert read(chip, 2)[0] & CALIBRATION_ERROR


@pytest.mark.parametrize(
    ("word", "args", "expected"),
    [
        ("open", {}, 0x7FFFFF),
        ("short", {}, 0),
        ("saturated", {"low": False}, 0x7FFFFF),
        ("saturated", {"low": True}, -0x800000),
    ],
)
def test_faults_of_the_bridge(
    chip: Nau7802, ticks: Ticks, word: str, args: dict[str, Any], expected: int
) -> None:
    calibrated(chip, ticks)
    chip.inputs[0].inject(word, args, ticks())
    ticks.advance(100_000)
    assert code(chip) == expected


def test_frozen_conversions_and_calibrations_never_end(chip: Nau7802, ticks: Ticks) -> None:
    calibrated(chip, ticks)
    ticks.advance(1_000_000)
    code(chip)
    chip.inject("frozen", {})
    ticks.advance(10_000_000)
    assert not read(chip, 0)[0] & READY
    write(chip, 2, RATE_80 | CALIBRATE)
    ticks.advance(10_000_000)
    assert read(chip, 2)[0] & CALIBRATE


def test_slow_conversions_take_longer(chip: Nau7802, ticks: Ticks) -> None:
    chip.inject("slow_conversion", {"permille": 3000})
    converting(chip, ticks)
    write(chip, 2, RATE_80 | CALIBRATE)
    ticks.advance(3 * 344_000 - 1)
    assert read(chip, 2)[0] & CALIBRATE
    ticks.advance(1 + 12 * PERIOD_US - 1)
    assert not read(chip, 0)[0] & READY
    ticks.advance(1)
    assert read(chip, 0)[0] & READY


def test_a_wrong_id(chip: Nau7802) -> None:
    chip.inject("wrong_id", {"id": 0x33})
    assert read(chip, 0x1F) == b"\x33"


def test_the_pointer_counts_up_and_the_result_cannot_be_written(chip: Nau7802) -> None:
    write(chip, 0, DIGITAL)
    write(chip, 0x11, 1, 2, 3, 4, 5)
    assert read(chip, 0x11, 5) == bytes([1, 0, 0, 0, 5])
    write(chip, 0x1F, 9)
    assert read(chip, 0x1F) == b"\x0f"
