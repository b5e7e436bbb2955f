"""The sums of arithmetic_plain.py, compiled to machine code where the interpreter can."""

import micropython  # type: ignore[import-not-found]

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    ptr32 = array[int]


@micropython.viper  # type: ignore[untyped-decorator]
def scaled(value: int, ratio: ptr32) -> int:
    high = value >> 14
    low = value & 0x3FFF
    first = int(ratio[0])
    second = int(ratio[1])
    part = (high * second + low * first + (low * second >> 14)) >> 10
    return ((high * first << 4) + part + int(ratio[3])) >> int(ratio[2])


@micropython.viper  # type: ignore[untyped-decorator]
def share(step: int, part: int, whole: int) -> int:
    while whole > 0x7FFF:
        whole >>= 1
        part >>= 1
    fraction = (part << 15) // whole
    return (step >> 15) * fraction + ((step & 0x7FFF) * fraction >> 15)
