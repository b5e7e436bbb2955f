"""The HX711 as a driver meets it on its two pins."""

from typing import Any

import pytest
from board_parts import Ticks, constant
from hypothesis import given
from hypothesis import strategies as st

from simulators.board.hx711 import FLOATING, Hx711
from simulators.board.inputs import Input

BRIDGE_NV = 5_000_000
"""5 mV against 2.5 V / 128 = 19.53 mV of full scale."""
CODE = round(0x800000 * 128 * BRIDGE_NV / 2_500_000_000)
PERIOD_US = 100_000


def chip_at(ticks: Ticks, *nanovolts: int, **options: Any) -> Hx711:
    wired = [*nanovolts, 0][:2]
    inputs = [Input(f"load0/{at}", constant(nv, "nV"), at) for at, nv in enumerate(wired)]
    return Hx711("load0", inputs, ticks, **options)


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chip(ticks: Ticks) -> Hx711:
    return chip_at(ticks, BRIDGE_NV, 2 * BRIDGE_NV)


def pulse(chip: Hx711, ticks: Ticks, high_us: int = 2) -> int:
    """One pulse; DOUT behind its rising edge."""
    chip.clock(1)
    level = chip.ready_level()
    ticks.advance(high_us)
    chip.clock(0)
    ticks.advance(2)
    return level


def read(chip: Hx711, ticks: Ticks, pulses: int = 25) -> int:
    """The code of a result that is ready."""
    assert chip.ready_level() == 0
    bits = [pulse(chip, ticks) for _ in range(24)]
    rest = [pulse(chip, ticks) for _ in range(pulses - 24)]
    assert set(rest) <= {1}
    code = int("".join(str(bit) for bit in bits), 2)
    return code - (1 << 24) if code >> 23 else code


def settled(chip: Hx711, ticks: Ticks) -> None:
    """After a reset: the first result."""
    ticks.advance(4 * PERIOD_US)


def test_the_first_result_comes_after_four_conversions(chip: Hx711, ticks: Ticks) -> None:
    ticks.advance(4 * PERIOD_US - 1)
    assert chip.ready_level() == 1
    ticks.advance(1)
    assert read(chip, ticks) == pytest.approx(CODE, abs=1)


@pytest.mark.parametrize("rate", [10, 80])
def test_the_next_ones_come_at_the_rate(ticks: Ticks, rate: int) -> None:
    chip = chip_at(ticks, BRIDGE_NV, rate=rate)
    ticks.advance(4_000_000 // rate)
    for _ in range(5):
        before = ticks()
        assert read(chip, ticks) == pytest.approx(CODE, abs=1)
        assert chip.ready_level() == 1
        ticks.now_us = before
        ticks.advance(1_000_000 // rate - 1)
        assert chip.ready_level() == 1
        ticks.advance(1)
    assert chip.inputs[0].taken == 5


@given(st.integers(-25_000_000, 25_000_000), st.sampled_from([3_300, 5_000]))
def test_the_code_is_the_share_of_half_the_supply(nanovolts: int, avdd_millivolt: int) -> None:
    ticks = Ticks()
    chip = chip_at(ticks, nanovolts, avdd_millivolt=avdd_millivolt)
    settled(chip, ticks)
    exact = 0x800000 * 128 * nanovolts / (avdd_millivolt * 500_000)
    assert read(chip, ticks) == pytest.approx(min(max(exact, -0x800000), 0x7FFFFF), abs=1)


@pytest.mark.parametrize(
    ("pulses", "source", "factor"), [(25, 0, 1), (26, 1, 2 * 32 / 128), (27, 0, 64 / 128)]
)
def test_pulses_beyond_24_choose_input_and_gain(
    chip: Hx711, ticks: Ticks, pulses: int, source: int, factor: float
) -> None:
    settled(chip, ticks)
    assert read(chip, ticks, pulses) == pytest.approx(CODE, abs=1)
    for _ in range(3):
        ticks.advance(5 * PERIOD_US)
        assert read(chip, ticks, pulses) == pytest.approx(CODE * factor, abs=1)
    assert chip.inputs[source].taken == 3 + (source == 0)


def test_a_new_choice_takes_four_conversions_and_an_old_one_none(
    chip: Hx711, ticks: Ticks
) -> None:
    settled(chip, ticks)
    read(chip, ticks, 27)
    ticks.advance(PERIOD_US)
    # The conversion that ran is not given; the filter needs four more.
    ticks.advance(4 * PERIOD_US - 1_000)
    assert chip.ready_level() == 1
    ticks.advance(1_000)
    read(chip, ticks, 27)
    ticks.advance(PERIOD_US)
    assert chip.ready_level() == 0


def test_dout_is_high_from_the_25th_pulse_on(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    read(chip, ticks, 24)
    assert pulse(chip, ticks) == 1
    assert chip.ready_level() == 1


def test_a_result_counts_when_its_last_bit_has_been_clocked_out(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    for _ in range(23):
        pulse(chip, ticks)
    assert chip.inputs[0].taken == 0
    pulse(chip, ticks)
    assert chip.inputs[0].taken == 1


def test_pulses_while_nothing_is_ready_are_overlooked(chip: Hx711, ticks: Ticks) -> None:
    for _ in range(30):
        pulse(chip, ticks)
    settled(chip, ticks)
    assert read(chip, ticks) == pytest.approx(CODE, abs=1)
    assert chip.inputs[0].taken == 1


def test_a_clock_that_is_high_too_long_powers_down_and_resets(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    read(chip, ticks, 27)
    ticks.advance(10 * PERIOD_US)
    chip.clock(1)
    ticks.advance(61)
    assert chip.ready_level() == 1
    ticks.advance(10 * PERIOD_US)
    assert chip.ready_level() == 1
    chip.clock(0)
    ticks.advance(4 * PERIOD_US - 1)
    assert chip.ready_level() == 1
    ticks.advance(1)
    assert read(chip, ticks) == pytest.approx(CODE, abs=1)


def test_a_pulse_of_60_us_is_still_one(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    for _ in range(24):
        pulse(chip, ticks, high_us=60)
    assert chip.inputs[0].taken == 1


def test_one_stretched_pulse_costs_the_result(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    for number in range(25):
        pulse(chip, ticks, high_us=61 if number == 7 else 2)
    assert chip.inputs[0].taken == 0
    assert chip.ready_level() == 1


def test_a_result_does_not_change_while_it_is_clocked_out(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    bits = [pulse(chip, ticks) for _ in range(12)]
    chip.inputs[0].inject("saturated", {"low": True}, ticks())
    ticks.advance(3 * PERIOD_US)
    bits += [pulse(chip, ticks) for _ in range(12)]
    assert int("".join(str(bit) for bit in bits), 2) == pytest.approx(CODE, abs=1)


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
    chip: Hx711, ticks: Ticks, word: str, args: dict[str, Any], expected: int
) -> None:
    chip.inputs[0].inject(word, args, ticks())
    settled(chip, ticks)
    assert read(chip, ticks) == expected


def test_a_silent_chip_drives_nothing(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    chip.inject("nack", {})
    assert chip.ready_level() == FLOATING
    for _ in range(25):
        assert pulse(chip, ticks) == FLOATING
    assert chip.inputs[0].taken == 0


def test_frozen_conversions_never_end(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    read(chip, ticks)
    chip.inject("frozen", {})
    ticks.advance(100 * PERIOD_US)
    assert chip.ready_level() == 1


def test_slow_conversions_take_longer(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    read(chip, ticks)
    ticks.advance(PERIOD_US)
    chip.settle(ticks())
    chip.inject("slow_conversion", {"permille": 3000})
    read(chip, ticks)
    ticks.advance(PERIOD_US)
    read(chip, ticks)
    ticks.advance(2 * PERIOD_US)
    assert chip.ready_level() == 1
    ticks.advance(PERIOD_US)
    assert chip.ready_level() == 0


def test_a_brown_out_resets(chip: Hx711, ticks: Ticks) -> None:
    settled(chip, ticks)
    read(chip, ticks, 27)
    ticks.advance(10 * PERIOD_US)
    chip.inject("brown_out", {})
    assert chip.ready_level() == 1
    settled(chip, ticks)
    assert read(chip, ticks) == pytest.approx(CODE, abs=1)
