"""Ratios in small integers against exact arithmetic."""

from fractions import Fraction

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from simulators.board.scaling import Ratio


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(-(2**25) + 1, 2**25 - 1))
@example(100_000, 1_000_000, 20_000_000)
@example(32768, 2_048_000, 2_048_000)
@example(1, 1, -1)
def test_a_product_lies_within_three_quarters_of_the_exact_one(
    one: int, other: int, value: int
) -> None:
    numerator, denominator = sorted((one, other))
    exact = Fraction(numerator, denominator) * value
    assert abs(Ratio(numerator, denominator).of(value) - exact) < Fraction(3, 4)


def test_round_values_of_a_current_loop_are_exact() -> None:
    shunt = Ratio(100_000, 1_000_000)
    assert [shunt.of(nanoampere) for nanoampere in (0, 4_000_000, 20_000_000)] == [
        0,
        400_000,
        2_000_000,
    ]


def test_a_ratio_too_large_to_hold_is_refused() -> None:
    with pytest.raises(ValueError, match="above 8"):
        Ratio(9, 1)
