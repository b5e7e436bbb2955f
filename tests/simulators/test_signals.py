"""What a chip finds at its input when the host feeds a signal by stretches."""

import pytest
from board_parts import TICKS_PERIOD, Ticks, samples
from hypothesis import given
from hypothesis import strategies as st

from simulators.board.signals import LINEAR, SLOTS, STEADY, Signal


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def signal() -> Signal:
    return Signal("m1.current", "nA", 4_000_000, 8)


def test_before_the_first_stretch_the_initial_value_holds(signal: Signal, ticks: Ticks) -> None:
    assert signal.value(ticks()) == 4_000_000
    assert signal.feed(ticks(), 0, ticks.after(500), 100, samples([7]))
    assert signal.value(ticks.after(499)) == 4_000_000
    assert signal.value(ticks.after(500)) == 7
    assert signal.starved == 0


def test_samples_are_held_until_the_next(signal: Signal, ticks: Ticks) -> None:
    assert signal.feed(ticks(), 0, ticks(), 1000, samples([10, -20, 30]))
    moments = (0, 999, 1000, 1999, 2000, 2999)
    assert [signal.value(ticks.after(us)) for us in moments] == [10, 10, -20, -20, 30, 30]
    assert signal.starved == 0


def test_a_linear_stretch_is_straight_between_its_samples(signal: Signal, ticks: Ticks) -> None:
    assert signal.feed(ticks(), LINEAR, ticks(), 1000, samples([0, 1000, -1000]))
    moments = (0, 250, 1000, 1500, 2000)
    assert [signal.value(ticks.after(us)) for us in moments] == [0, 250, 1000, 0, -1000]
    assert signal.starved == 0


def test_a_line_goes_on_from_one_stretch_to_the_next(signal: Signal, ticks: Ticks) -> None:
    assert signal.feed(ticks(), LINEAR, ticks(), 1000, samples([0, 1000]))
    assert signal.feed(ticks(), LINEAR, ticks.after(2000), 1000, samples([3000, 4000]))
    moments = (500, 1000, 1500, 1999, 2000, 2500)
    values = [signal.value(ticks.after(us)) for us in moments]
    assert values == pytest.approx([500, 1000, 2000, 2998, 3000, 3500], abs=1)


def test_past_the_end_the_last_value_holds_and_is_counted(signal: Signal, ticks: Ticks) -> None:
    signal.feed(ticks(), 0, ticks(), 1000, samples([10, 20]))
    assert signal.value(ticks.after(1999)) == 20
    assert signal.starved == 0
    assert [signal.value(ticks.after(us)) for us in (2000, 5000)] == [20, 20]
    assert signal.starved == 2
    signal.feed(ticks.after(5000), 0, ticks.after(5000), 1000, samples([30]))
    assert signal.value(ticks.after(5500)) == 30
    assert signal.starved == 2


def test_a_steady_stretch_holds_for_good_without_starving(signal: Signal, ticks: Ticks) -> None:
    signal.feed(ticks(), STEADY, ticks(), 1000, samples([42]))
    assert signal.value(ticks.after(1_000_000)) == 42
    assert signal.starved == 0


def test_a_later_stretch_takes_over_where_it_begins(signal: Signal, ticks: Ticks) -> None:
    signal.feed(ticks(), 0, ticks(), 1000, samples([1, 2, 3, 4]))
    signal.feed(ticks(), 0, ticks.after(1500), 1000, samples([9]))
    assert [signal.value(ticks.after(us)) for us in (1400, 1500, 2400)] == [2, 9, 9]


def test_a_moment_just_before_a_stretch_that_has_begun_reads_the_value_before_it(
    signal: Signal, ticks: Ticks
) -> None:
    signal.feed(ticks(), 0, ticks(), 1000, samples([1, 2]))
    signal.feed(ticks(), 0, ticks.after(2000), 1000, samples([3]))
    assert signal.value(ticks.after(2100)) == 3
    assert signal.value(ticks.after(1900)) == 2


def test_a_chip_that_asks_late_gets_what_was_there_though_more_has_come(
    signal: Signal, ticks: Ticks
) -> None:
    signal.feed(ticks(), LINEAR, ticks(), 20_000, samples([0, 4000]))
    signal.feed(ticks(), LINEAR, ticks.after(20_000), 20_000, samples([4000, 0]))
    signal.feed(ticks.after(30_000), LINEAR, ticks.after(40_000), 20_000, samples([0]))
    assert signal.value(ticks.after(15_000)) == pytest.approx(3000, abs=1)
    assert signal.value(ticks.after(30_000)) == pytest.approx(2000, abs=1)


def test_a_signal_left_alone_for_half_the_clock_is_not_taken_for_the_future(
    signal: Signal, ticks: Ticks
) -> None:
    signal.feed(ticks(), 0, ticks(), 1000, samples([1, 2]))
    for _ in range(10):
        ticks.advance(60_000_000)
        signal.settle(ticks())
    assert signal.value(ticks()) == 2
    assert signal.starved == 1


@pytest.mark.parametrize(
    ("t0_us", "period_us", "data"),
    [
        (0, 1000, b""),
        (0, 1000, samples([0] * 9)),
        (0, 1000, samples([1]) + b"\0"),
        (0, 0, samples([1])),
        (0, TICKS_PERIOD // 4, samples([1, 2])),
        (TICKS_PERIOD, 1000, samples([1])),
    ],
    ids=["empty", "longer than its capacity", "torn", "no period", "too long", "no such moment"],
)
def test_a_stretch_that_cannot_be_is_refused(
    signal: Signal, ticks: Ticks, t0_us: int, period_us: int, data: bytes
) -> None:
    assert not signal.feed(ticks(), 0, t0_us, period_us, data)
    assert signal.value(ticks()) == 4_000_000


def test_a_stretch_older_than_the_one_before_is_refused(signal: Signal, ticks: Ticks) -> None:
    assert signal.feed(ticks(), 0, ticks.after(1000), 1000, samples([1]))
    assert not signal.feed(ticks(), 0, ticks.after(1000), 1000, samples([2]))
    assert not signal.feed(ticks(), 0, ticks.after(-5000), 1000, samples([3]))


def test_stretches_that_are_not_over_fill_the_slots_and_over_ones_free_them(
    signal: Signal, ticks: Ticks
) -> None:
    for index in range(SLOTS):
        assert signal.feed(ticks(), 0, ticks.after(index * 1000), 1000, samples([index]))
    assert not signal.feed(ticks(), 0, ticks.after(SLOTS * 1000), 1000, samples([9]))
    ticks.advance(1_000_000)
    assert signal.feed(ticks(), 0, ticks(), 1000, samples([9]))
    assert signal.value(ticks()) == 9


@given(
    st.lists(st.integers(-(2**25), 2**25), min_size=2, max_size=8),
    st.integers(1, 10_000_000),
    st.integers(0, TICKS_PERIOD - 1),
    st.floats(0, 1),
)
def test_a_line_is_right_to_two_steps_of_a_16_bit_converter(
    values: list[int], period_us: int, t0_us: int, share: float
) -> None:
    signal = Signal("any", "nA", 0, 8)
    assert signal.feed(t0_us, LINEAR, t0_us, period_us, samples(values))
    at_us = int(share * period_us * (len(values) - 1))
    index, part_us = divmod(at_us, period_us)
    exact = float(values[index])
    if part_us:
        exact += (values[index + 1] - values[index]) * part_us / period_us
    got = signal.value((t0_us + at_us) % TICKS_PERIOD)
    assert got == pytest.approx(exact, abs=2 + (max(values) - min(values)) / 2**14)
