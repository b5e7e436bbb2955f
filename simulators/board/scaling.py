"""Multiplication by a fixed ratio without leaving the board's 31-bit small integers.

Larger integers, and floats, are allocated on the heap that the firmware under test runs in.
"""

from array import array

TYPE_CHECKING = False
if TYPE_CHECKING:
    from simulators.board.arithmetic_plain import scaled
else:
    try:
        from simulators.board.arithmetic_viper import scaled
    except (ImportError, SyntaxError, ValueError):
        from simulators.board.arithmetic_plain import scaled

__all__ = ["Ratio", "scaled"]


class Ratio:
    """`numerator / denominator` (both positive) as a 28-bit mantissa and a shift.

    For ratios up to 1 and |value| under 2**25 nothing is allocated, and the result lies less than
    3/4 from the exact product. `parts` is what arithmetic_plain.scaled takes.
    """

    def __init__(self, numerator: int, denominator: int) -> None:
        shift = 0
        while (numerator << shift) // denominator < 1 << 27:
            shift += 1
        mantissa = ((numerator << (shift + 1)) // denominator + 1) >> 1
        shift -= 24
        if shift < 1:
            raise ValueError("a ratio above 8 is not provided for")
        self.parts = array("i", (mantissa >> 14, mantissa & 0x3FFF, shift, 1 << (shift - 1)))

    def of(self, value: int) -> int:
        """`value` times the ratio, rounded."""
        return scaled(value, self.parts)
