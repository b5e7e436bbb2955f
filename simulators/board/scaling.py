"""Multiplication by a fixed ratio without leaving the board's 31-bit small integers.

Larger integers, and floats, are allocated on the heap that the firmware under test runs in.
"""


class Ratio:
    """`numerator / denominator` (both positive) as a 28-bit mantissa and a shift.

    For ratios up to 1 and |value| under 2**25 nothing is allocated, and the result lies less than
    3/4 from the exact product.
    """

    def __init__(self, numerator: int, denominator: int) -> None:
        shift = 0
        while (numerator << shift) // denominator < 1 << 27:
            shift += 1
        mantissa = ((numerator << (shift + 1)) // denominator + 1) >> 1
        self._high = mantissa >> 14
        self._low = mantissa & 0x3FFF
        self._shift = shift - 24
        if self._shift < 1:
            raise ValueError("a ratio above 8 is not provided for")
        self._half = 1 << (self._shift - 1)

    def of(self, value: int) -> int:
        """`value` times the ratio, rounded."""
        high = value >> 14
        low = value & 0x3FFF
        return (
            (high * self._high << 4)
            + ((high * self._low + low * self._high + (low * self._low >> 14)) >> 10)
            + self._half
        ) >> self._shift
