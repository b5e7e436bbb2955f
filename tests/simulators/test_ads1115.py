"""The ADS1115 as a driver meets it on the bus."""

import pytest
from board_parts import Ticks, ads1115, constant, read_register, samples, write_register
from hypothesis import given
from hypothesis import strategies as st

from simulators.board.ads1115 import Ads1115
from simulators.board.signals import LINEAR, Signal

CONVERSION, CONFIGURATION, LOW_THRESHOLD, HIGH_THRESHOLD = range(4)
START, SINGLE_SHOT = 0x8000, 0x0100
NOMINAL_US = [125_000, 62_500, 31_250, 15_625, 7_812, 4_000, 2_105, 1_162]


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def chip(ticks: Ticks) -> Ads1115:
    """Two loops of 12 and 4 mA over 100 ohm."""
    return ads1115(ticks, constant(12_000_000), constant(4_000_000))


def configuration(mux: int = 4, gain: int = 2, rate: int = 7, mode: int = SINGLE_SHOT) -> int:
    return mux << 12 | gain << 9 | mode | rate << 5 | 3


def convert(chip: Ads1115, ticks: Ticks, config: int) -> int:
    """One single shot; its code."""
    write_register(chip, CONFIGURATION, START | config)
    while not read_register(chip, CONFIGURATION) & START:
        ticks.advance(100)
    code = read_register(chip, CONVERSION)
    return code - 0x10000 if code & 0x8000 else code


def test_reset_values(chip: Ads1115) -> None:
    assert read_register(chip, CONVERSION) == 0
    assert read_register(chip, CONFIGURATION) == 0x8583
    assert read_register(chip, LOW_THRESHOLD) == 0x8000
    assert read_register(chip, HIGH_THRESHOLD) == 0x7FFF


def test_thresholds_are_stored_and_the_conversion_register_is_not(chip: Ads1115) -> None:
    for register, word in ((LOW_THRESHOLD, 0x1234), (HIGH_THRESHOLD, 0x5678), (CONVERSION, 1)):
        write_register(chip, register, word)
    assert read_register(chip, LOW_THRESHOLD) == 0x1234
    assert read_register(chip, HIGH_THRESHOLD) == 0x5678
    assert read_register(chip, CONVERSION) == 0


def test_the_pointer_stays_for_further_reads(chip: Ads1115) -> None:
    chip.point(CONFIGURATION)
    for _ in range(2):
        buffer = bytearray(3)
        chip.fetch(buffer)
        assert buffer == b"\x85\x83\xff"


def test_a_single_shot_takes_its_time_and_then_its_value(chip: Ads1115, ticks: Ticks) -> None:
    write_register(chip, CONFIGURATION, START | configuration())
    assert read_register(chip, CONFIGURATION) == configuration()
    ticks.advance(1_186)
    assert read_register(chip, CONFIGURATION) == configuration()
    assert read_register(chip, CONVERSION) == 0
    ticks.advance(1)
    assert read_register(chip, CONFIGURATION) == START | configuration()
    # 12 mA over 100 ohm = 1.2 V of 2.048 V.
    assert read_register(chip, CONVERSION) == 19_200


@pytest.mark.parametrize("rate", range(8))
def test_conversion_time_at_each_rate(chip: Ads1115, ticks: Ticks, rate: int) -> None:
    write_register(chip, CONFIGURATION, START | configuration(rate=rate))
    ticks.advance(NOMINAL_US[rate] + 24)
    assert not read_register(chip, CONFIGURATION) & START
    ticks.advance(1)
    assert read_register(chip, CONFIGURATION) & START


@pytest.mark.parametrize(("permille", "conversion_us"), [(900, 8_680), (1100, 7_102)])
def test_a_chip_may_be_ten_percent_slower_or_faster(
    ticks: Ticks, permille: int, conversion_us: int
) -> None:
    chip = ads1115(ticks, constant(0), rate_permille=permille)
    write_register(chip, CONFIGURATION, START | configuration(rate=4))
    ticks.advance(conversion_us + 24)
    assert not read_register(chip, CONFIGURATION) & START
    ticks.advance(1)
    assert read_register(chip, CONFIGURATION) & START


def test_without_the_start_bit_nothing_is_converted(chip: Ads1115, ticks: Ticks) -> None:
    write_register(chip, CONFIGURATION, configuration())
    ticks.advance(10_000)
    assert read_register(chip, CONFIGURATION) == START | configuration()
    assert read_register(chip, CONVERSION) == 0


def test_a_start_during_a_conversion_has_no_effect(chip: Ads1115, ticks: Ticks) -> None:
    write_register(chip, CONFIGURATION, START | configuration(mux=4))
    ticks.advance(1_000)
    write_register(chip, CONFIGURATION, START | configuration(mux=5))
    ticks.advance(187)
    assert read_register(chip, CONFIGURATION) & START
    assert read_register(chip, CONVERSION) == 19_200
    assert [source.taken for source in chip.inputs] == [1, 0, 0, 0]


@pytest.mark.parametrize(
    ("gain", "full_scale_uv"),
    list(enumerate((6_144_000, 4_096_000, 2_048_000, 1_024_000, 512_000, *[256_000] * 3))),
)
def test_each_gain_and_its_clipping(ticks: Ticks, gain: int, full_scale_uv: int) -> None:
    quarter = full_scale_uv // 4
    chip = ads1115(ticks, constant(quarter, "uV"), supply_uv=6_500_000)
    assert convert(chip, ticks, configuration(gain=gain)) == 8192
    beyond = ads1115(ticks, constant(full_scale_uv, "uV"), constant(0, "uV"), supply_uv=6_500_000)
    assert convert(beyond, ticks, configuration(gain=gain)) == 0x7FFF
    if full_scale_uv <= 256_000:
        below = ads1115(ticks, constant(-full_scale_uv, "uV"))
        assert convert(below, ticks, configuration(gain=gain)) == -0x8000


@pytest.mark.parametrize(
    ("mux", "millivolts"),
    list(enumerate((100 - 200, 100 - 800, 200 - 800, 400 - 800, 100, 200, 400, 800))),
)
def test_each_setting_of_the_multiplexer(ticks: Ticks, mux: int, millivolts: int) -> None:
    chip = ads1115(ticks, *[constant(mv * 1000, "uV") for mv in (100, 200, 400, 800)])
    assert convert(chip, ticks, configuration(mux=mux)) == millivolts * 16


def test_an_input_cannot_leave_the_supply(ticks: Ticks) -> None:
    chip = ads1115(ticks, constant(5_000_000, "uV"), constant(-5_000_000, "uV"))
    assert convert(chip, ticks, configuration(mux=4, gain=0)) == 3_600_000 * 32768 // 6_144_000
    assert convert(chip, ticks, configuration(mux=5, gain=0)) == -300_000 * 32768 // 6_144_000


def test_a_conversion_sees_its_input_half_way(ticks: Ticks) -> None:
    signal = Signal("ramp", "uV", 0, 8)
    signal.feed(ticks(), LINEAR, ticks(), 125_025, samples([0, 2_000_000]))
    chip = ads1115(ticks, signal)
    assert convert(chip, ticks, configuration(rate=0)) == pytest.approx(16_000, abs=1)


class TestContinuous:
    """One conversion after the other, without being asked."""

    def test_it_is_never_idle(self, chip: Ads1115, ticks: Ticks) -> None:
        write_register(chip, CONFIGURATION, configuration(mode=0))
        for _ in range(100):
            ticks.advance(700)
            assert not read_register(chip, CONFIGURATION) & START

    def test_the_register_follows_the_signal(self, ticks: Ticks) -> None:
        signal = Signal("steps", "uV", 0, 8)
        signal.feed(ticks(), 0, ticks(), 10_000, samples([100_000, 200_000, 300_000]))
        chip = ads1115(ticks, signal)
        write_register(chip, CONFIGURATION, configuration(mode=0))
        seen = []
        for _ in range(3):
            ticks.advance(9_900)
            seen.append(read_register(chip, CONVERSION))
        assert seen == [1600, 3200, 4800]

    def test_a_conversion_counts_once_however_often_it_is_read(
        self, chip: Ads1115, ticks: Ticks
    ) -> None:
        write_register(chip, CONFIGURATION, configuration(mode=0))
        for _ in range(10):
            ticks.advance(1_162)
            read_register(chip, CONVERSION)
            read_register(chip, CONVERSION)
        assert chip.inputs[0].taken == 9

    def test_new_settings_wait_for_the_conversion_that_is_running(
        self, chip: Ads1115, ticks: Ticks
    ) -> None:
        write_register(chip, CONFIGURATION, configuration(mux=4, mode=0))
        ticks.advance(1_000)
        write_register(chip, CONFIGURATION, configuration(mux=5, mode=0))
        ticks.advance(200)
        assert read_register(chip, CONVERSION) == 19_200
        ticks.advance(1_162)
        assert read_register(chip, CONVERSION) == 6_400
        assert [source.taken for source in chip.inputs] == [1, 1, 0, 0]

    def test_single_shot_mode_ends_it_after_the_conversion_that_is_running(
        self, chip: Ads1115, ticks: Ticks
    ) -> None:
        write_register(chip, CONFIGURATION, configuration(mode=0))
        ticks.advance(500)
        write_register(chip, CONFIGURATION, configuration())
        assert not read_register(chip, CONFIGURATION) & START
        ticks.advance(700)
        assert read_register(chip, CONFIGURATION) & START

    def test_it_outlives_the_wrap_of_the_clock(self, chip: Ads1115, ticks: Ticks) -> None:
        write_register(chip, CONFIGURATION, configuration(mode=0))
        for _ in range(40):
            ticks.advance(60_000_000)
            chip.settle(ticks())
        before = chip.inputs[0].taken
        read_register(chip, CONVERSION)
        assert chip.inputs[0].taken == before + 1


class TestTaken:
    """A taken sample is a fresh conversion that the driver has read."""

    def test_a_conversion_read_twice_counts_once(self, chip: Ads1115, ticks: Ticks) -> None:
        convert(chip, ticks, configuration())
        read_register(chip, CONVERSION)
        assert chip.inputs[0].taken == 1

    def test_a_result_read_too_early_is_the_old_one_and_does_not_count(
        self, chip: Ads1115, ticks: Ticks
    ) -> None:
        convert(chip, ticks, configuration(mux=4))
        write_register(chip, CONFIGURATION, START | configuration(mux=5))
        assert read_register(chip, CONVERSION) == 19_200
        assert [source.taken for source in chip.inputs] == [1, 0, 0, 0]

    def test_half_a_result_does_not_count(self, chip: Ads1115, ticks: Ticks) -> None:
        write_register(chip, CONFIGURATION, START | configuration())
        ticks.advance(2_000)
        chip.point(CONVERSION)
        chip.fetch(bytearray(1))
        assert chip.inputs[0].taken == 0
        chip.fetch(bytearray(2))
        assert chip.inputs[0].taken == 1

    def test_a_conversion_nobody_read_does_not_count(self, chip: Ads1115, ticks: Ticks) -> None:
        for _ in range(5):
            write_register(chip, CONFIGURATION, START | configuration())
            ticks.advance(2_000)
        assert read_register(chip, CONVERSION) == 19_200
        assert chip.inputs[0].taken == 1


def test_the_general_call_resets(chip: Ads1115, ticks: Ticks) -> None:
    write_register(chip, CONFIGURATION, configuration())
    chip.general_call(0x04)
    assert read_register(chip, CONFIGURATION) == START | configuration()
    chip.general_call(0x06)
    assert read_register(chip, CONFIGURATION) == 0x8583


@given(st.integers(0, 20_400_000), st.sampled_from([25_000, 49_900, 100_000]))
def test_a_loop_current_is_right_to_one_step(nanoampere: int, shunt_milliohm: int) -> None:
    ticks = Ticks()
    chip = ads1115(ticks, constant(nanoampere), shunt_milliohm=shunt_milliohm)
    exact = nanoampere * shunt_milliohm / 1e6 / 2_048_000 * 32768
    assert convert(chip, ticks, configuration()) == pytest.approx(exact, abs=1)
