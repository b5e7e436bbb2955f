"""The MAX31865 as a driver meets it on the bus."""

import pytest
from board_parts import Ticks, constant, frame, max31865, samples
from hypothesis import given
from hypothesis import strategies as st

from simulators.board.max31865 import Max31865
from simulators.board.signals import LINEAR, Signal

BIAS, AUTO, ONE_SHOT, THREE_WIRE, CLEAR, FIFTY_HZ = 0x80, 0x40, 0x20, 0x10, 0x02, 0x01
ABOVE_HIGH, BELOW_LOW, REFIN_HIGH = 0x80, 0x40, 0x20
R0 = 1_000_000
"""100 ohm in 0.1 mOhm: 7620 of 32768 steps against 430 ohm."""


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chip(ticks: Ticks) -> Max31865:
    return max31865(ticks, constant(R0, "tenth_milliohm"))


def configure(chip: Max31865, byte: int) -> None:
    frame(chip, bytes([0x80, byte]))


def read(chip: Max31865, address: int, count: int = 1) -> bytes:
    return frame(chip, bytes([address]) + bytes(count))[1:]


def code(chip: Max31865) -> int:
    high, low = read(chip, 1, 2)
    return (high << 8 | low) >> 1


def biased(chip: Max31865, ticks: Ticks, bits: int = 0) -> None:
    configure(chip, BIAS | bits)
    ticks.advance(10_000)


def one_shot(chip: Max31865, ticks: Ticks, bits: int = FIFTY_HZ) -> None:
    configure(chip, BIAS | ONE_SHOT | bits)
    ticks.advance(62_500)


def test_reset_values(chip: Max31865) -> None:
    assert read(chip, 0, 9) == b"\x00\x00\x00\xff\xff\x00\x00\x00\xff"


def test_the_address_counts_up_and_loops(chip: Max31865) -> None:
    frame(chip, b"\x83\x12\x34\x56\x78")
    assert read(chip, 3, 4) == b"\x12\x34\x56\x78"
    assert read(chip, 0x7E, 6) == b"\xff\xff\x00\x00\x00\x12"


def test_the_address_is_kept_for_the_frame_alone(chip: Max31865) -> None:
    chip.select(True)
    chip.exchange(0x03)
    chip.select(False)
    assert frame(chip, b"\x00\x00")[1] == 0


def test_read_only_registers_cannot_be_written(chip: Max31865) -> None:
    frame(chip, b"\x81\x55\x55")
    frame(chip, b"\x87\x55")
    assert read(chip, 1, 2) == b"\x00\x00"
    assert read(chip, 7) == b"\x00"


def test_configuration_reads_back_without_its_self_clearing_bits(chip: Max31865) -> None:
    configure(chip, BIAS | THREE_WIRE | CLEAR | FIFTY_HZ)
    assert read(chip, 0) == bytes([BIAS | THREE_WIRE | FIFTY_HZ])


@pytest.mark.parametrize(
    ("filter_bit", "duration_us"), [(FIFTY_HZ, 62_500), (0, 52_000)], ids=["50 Hz", "60 Hz"]
)
def test_a_one_shot_takes_its_time(
    chip: Max31865, ticks: Ticks, filter_bit: int, duration_us: int
) -> None:
    biased(chip, ticks, filter_bit)
    configure(chip, BIAS | ONE_SHOT | filter_bit)
    ticks.advance(duration_us - 1)
    assert read(chip, 0) == bytes([BIAS | ONE_SHOT | filter_bit])
    assert code(chip) == 0
    assert chip.ready_level() == 1
    ticks.advance(1)
    assert read(chip, 0) == bytes([BIAS | filter_bit])
    assert chip.ready_level() == 0
    assert code(chip) == 7620
    assert chip.ready_level() == 1


def test_a_one_shot_begins_when_chip_select_rises(chip: Max31865, ticks: Ticks) -> None:
    biased(chip, ticks)
    chip.select(True)
    for byte in (0x80, BIAS | ONE_SHOT | FIFTY_HZ):
        chip.exchange(byte)
    ticks.advance(100_000)
    chip.select(False)
    assert code(chip) == 0
    ticks.advance(62_500)
    assert code(chip) == 7620


def test_a_new_one_shot_drops_the_one_that_is_running(chip: Max31865, ticks: Ticks) -> None:
    biased(chip, ticks)
    for _ in range(5):
        configure(chip, BIAS | ONE_SHOT | FIFTY_HZ)
        ticks.advance(60_000)
    assert code(chip) == 0
    assert chip.inputs[0].taken == 0


def test_automatic_mode_converts_at_the_line_frequency(chip: Max31865, ticks: Ticks) -> None:
    configure(chip, BIAS | AUTO | FIFTY_HZ)
    ticks.advance(62_499)
    assert chip.ready_level() == 1
    ticks.advance(1)
    for _ in range(5):
        assert chip.ready_level() == 0
        assert code(chip) == 7620
        ticks.advance(19_999)
        assert chip.ready_level() == 1
        ticks.advance(1)
    assert chip.inputs[0].taken == 5


def test_automatic_mode_gives_the_newest_value(ticks: Ticks) -> None:
    signal = Signal("ramp", "tenth_milliohm", 0, 8)
    signal.feed(ticks(), LINEAR, ticks(), 1_000_000, samples([R0, 2 * R0]))
    chip = max31865(ticks, signal)
    configure(chip, BIAS | AUTO | FIFTY_HZ)
    ticks.advance(503_000)
    # Conversions end at 62.5 ms + k * 20 ms: the last one at 502.5, half-way at 492.5 ms.
    assert code(chip) == pytest.approx(7620 * 1.4925, abs=2)
    configure(chip, BIAS | FIFTY_HZ)
    ticks.advance(300_000)
    assert chip.ready_level() == 1


def test_a_result_counts_once_and_only_when_its_low_byte_is_read(
    chip: Max31865, ticks: Ticks
) -> None:
    biased(chip, ticks)
    one_shot(chip, ticks)
    read(chip, 1)
    assert chip.inputs[0].taken == 0
    assert [code(chip), code(chip)] == [7620, 7620]
    assert chip.inputs[0].taken == 1
    read(chip, 0, 8)
    assert chip.inputs[0].taken == 1


def test_a_run_of_one_shots_counts_each(chip: Max31865, ticks: Ticks) -> None:
    biased(chip, ticks)
    for _ in range(4):
        one_shot(chip, ticks)
        assert code(chip) == 7620
    assert chip.inputs[0].taken == 4


def test_without_bias_nothing_is_measured(chip: Max31865, ticks: Ticks) -> None:
    configure(chip, ONE_SHOT | FIFTY_HZ)
    ticks.advance(62_500)
    assert code(chip) == 0


def test_a_bias_that_has_not_settled_gives_too_little(chip: Max31865, ticks: Ticks) -> None:
    configure(chip, BIAS | AUTO | FIFTY_HZ)
    ticks.advance(62_500)
    assert code(chip) == 7620
    fast = max31865(ticks, constant(R0, "tenth_milliohm"), rate_permille=100_000)
    one_shot_us = 625
    configure(fast, BIAS | ONE_SHOT | FIFTY_HZ)
    ticks.advance(one_shot_us)
    assert code(fast) == 7620 * 7 // 8


@pytest.mark.parametrize(
    ("wires", "three_wire_bit", "leads"),
    [(2, 0, 2), (3, 0, 1), (3, THREE_WIRE, 0), (4, 0, 0), (4, THREE_WIRE, -1)],
)
def test_leads_add_what_the_wiring_does_not_cancel(
    ticks: Ticks, wires: int, three_wire_bit: int, leads: int
) -> None:
    signal = constant(R0, "tenth_milliohm")
    chip = max31865(ticks, signal, wires=wires, lead_milliohm=5_000)
    biased(chip, ticks, three_wire_bit)
    one_shot(chip, ticks, FIFTY_HZ | three_wire_bit)
    assert code(chip) == pytest.approx((100 + 5 * leads) / 430 * 32768, abs=1)


class TestFaultStatus:
    """Latched, from thresholds that are programmed and from fault cycles that are asked for."""

    THRESHOLDS = b"\x83\x70\x00\x10\x00"

    @pytest.mark.parametrize(("word", "expected"), [("open", 0x7FFF), ("short", 2)])
    def test_open_and_short_do_not_show_without_thresholds(
        self, chip: Max31865, ticks: Ticks, word: str, expected: int
    ) -> None:
        chip.inputs[0].inject(word, {}, ticks())
        biased(chip, ticks)
        one_shot(chip, ticks)
        assert code(chip) == expected
        assert read(chip, 2)[0] & 1 == 0
        assert read(chip, 7) == b"\0"

    @pytest.mark.parametrize(
        ("word", "status"), [("open", ABOVE_HIGH), ("short", BELOW_LOW), ("saturated", ABOVE_HIGH)]
    )
    def test_they_show_with_thresholds_and_stay_until_cleared(
        self, chip: Max31865, ticks: Ticks, word: str, status: int
    ) -> None:
        frame(chip, self.THRESHOLDS)
        chip.inputs[0].inject(word, {"low": False}, ticks())
        biased(chip, ticks)
        one_shot(chip, ticks)
        assert read(chip, 2)[0] & 1
        assert read(chip, 7) == bytes([status])
        chip.inputs[0].clear(word)
        one_shot(chip, ticks)
        assert code(chip) == 7620
        assert read(chip, 7) == bytes([status])
        configure(chip, BIAS | CLEAR | FIFTY_HZ)
        assert read(chip, 7) == b"\0"
        assert read(chip, 2)[0] & 1 == 0

    def test_a_value_at_a_threshold_is_beyond_it(self, ticks: Ticks) -> None:
        chip = max31865(ticks, constant(R0, "tenth_milliohm"))
        at = (7620 << 1).to_bytes(2, "big")
        frame(chip, b"\x83" + at + at)
        biased(chip, ticks)
        one_shot(chip, ticks)
        assert read(chip, 7) == bytes([ABOVE_HIGH | BELOW_LOW])

    def test_clearing_together_with_a_one_shot_does_not_clear(
        self, chip: Max31865, ticks: Ticks
    ) -> None:
        frame(chip, self.THRESHOLDS)
        chip.inputs[0].inject("open", {}, ticks())
        biased(chip, ticks)
        one_shot(chip, ticks)
        assert read(chip, 7) == bytes([ABOVE_HIGH])
        chip.inputs[0].clear("open")
        one_shot(chip, ticks, FIFTY_HZ | CLEAR)
        assert read(chip, 7) == bytes([ABOVE_HIGH])

    def test_the_automatic_fault_cycle_finds_an_open_element(
        self, chip: Max31865, ticks: Ticks
    ) -> None:
        chip.inputs[0].inject("open", {}, ticks())
        biased(chip, ticks)
        configure(chip, BIAS | 0x04)
        ticks.advance(599)
        assert read(chip, 0) == bytes([BIAS | 0x04])
        ticks.advance(1)
        assert read(chip, 0) == bytes([BIAS])
        assert read(chip, 7) == bytes([REFIN_HIGH])

    def test_the_manual_fault_cycle_ends_at_its_second_step(
        self, chip: Max31865, ticks: Ticks
    ) -> None:
        chip.inputs[0].inject("open", {}, ticks())
        biased(chip, ticks)
        configure(chip, BIAS | 0x08)
        ticks.advance(100_000)
        assert read(chip, 0) == bytes([BIAS | 0x08])
        configure(chip, BIAS | 0x0C)
        assert read(chip, 0) == bytes([BIAS])
        assert read(chip, 7) == bytes([REFIN_HIGH])

    def test_a_sound_sensor_passes_the_fault_cycle(self, chip: Max31865, ticks: Ticks) -> None:
        biased(chip, ticks)
        configure(chip, BIAS | 0x04)
        ticks.advance(1_000)
        assert read(chip, 7) == b"\0"


@given(st.integers(0, 4_299_000), st.sampled_from([400_000, 430_000]))
def test_the_code_is_the_ratio_to_the_reference(resistance: int, rref_milliohm: int) -> None:
    ticks = Ticks()
    chip = max31865(ticks, constant(resistance, "tenth_milliohm"), rref_milliohm=rref_milliohm)
    biased(chip, ticks)
    one_shot(chip, ticks)
    exact = min(resistance / (rref_milliohm * 10) * 32768, 0x7FFF)
    assert code(chip) == pytest.approx(exact, abs=1)


def test_published_codes_of_a_pt100(ticks: Ticks) -> None:
    """Codes of the datasheet's table for a 400 ohm reference, at -50, 0, 100 and 250 °C."""
    for ohm, expected in ((80.31, 6579), (100.00, 8192), (138.51, 11346), (194.10, 15901)):
        signal = constant(round(ohm * 10_000), "tenth_milliohm")
        chip = max31865(ticks, signal, rref_milliohm=400_000)
        biased(chip, ticks)
        one_shot(chip, ticks)
        assert code(chip) == pytest.approx(expected, abs=1)
