"""The sums that a conversion is made of; arithmetic_viper.py is the same in machine code.

All numbers have at most 32 bits.
"""

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array


def scaled(value: int, ratio: "array[int]") -> int:
    """`value` times a ratio, rounded; see scaling.Ratio, whose `parts` these are."""
    high = value >> 14
    low = value & 0x3FFF
    return (
        (high * ratio[0] << 4)
        + ((high * ratio[1] + low * ratio[0] + (low * ratio[1] >> 14)) >> 10)
        + ratio[3]
    ) >> ratio[2]


def share(step: int, part: int, whole: int) -> int:
    """`step * part / whole` to within 2**-15 of `step`; `part` is 0 to `whole`."""
    while whole > 0x7FFF:
        whole >>= 1
        part >>= 1
    fraction = (part << 15) // whole
    return (step >> 15) * fraction + ((step & 0x7FFF) * fraction >> 15)
