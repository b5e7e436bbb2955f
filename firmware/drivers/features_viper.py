"""The loops over a window of samples, compiled to machine code. features_plain.py is the same.

In a file of its own: a port without the emitter, or one that this was compiled for another
processor than, refuses the whole file. `work` has the fields that features.py names. Nothing here
leaves 32 bits.
"""

import micropython
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    ptr8 = bytearray
    ptr16 = array[int]
    ptr32 = array[int]

_STRIDE = const(0)
_FIRST = const(1)
_AT = const(2)
_COUNT = const(3)
_SUM = const(4)
_LOWEST = const(5)
_HIGHEST = const(6)
_MEAN = const(7)
_LEFT = const(8)
_RIGHT = const(9)
_SQUARES_HIGH = const(10)
_SQUARES_LOW = const(11)
_FOURTHS_HIGH = const(12)
_FOURTHS_LOW = const(13)


@micropython.viper
def gather(data: ptr8, samples: ptr16, work: ptr32):  # type: ignore[no-untyped-def]
    """Take samples out of what a chip sent: low byte first, each `stride` bytes."""
    stride = int(work[_STRIDE])
    source = int(work[_FIRST])
    at = int(work[_AT])
    end = at + int(work[_COUNT])
    total = int(work[_SUM])
    lowest = int(work[_LOWEST])
    highest = int(work[_HIGHEST])
    while at < end:
        value = int(data[source]) | int(data[source + 1]) << 8
        samples[at] = value
        value = (value ^ 0x8000) - 0x8000
        total += value
        if value < lowest:
            lowest = value
        if value > highest:
            highest = value
        source += stride
        at += 1
    work[_AT] = at
    work[_SUM] = total
    work[_LOWEST] = lowest
    work[_HIGHEST] = highest


@micropython.viper
def spread(samples: ptr16, work: ptr32):  # type: ignore[no-untyped-def]
    """Add up the second and the fourth powers of what lies between samples and their mean."""
    at = int(work[_AT])
    end = at + int(work[_COUNT])
    mean = int(work[_MEAN])
    left = int(work[_LEFT])
    right = int(work[_RIGHT])
    half = (1 << right) >> 1
    squares_high = int(work[_SQUARES_HIGH])
    squares_low = int(work[_SQUARES_LOW])
    fourths_high = int(work[_FOURTHS_HIGH])
    fourths_low = int(work[_FOURTHS_LOW])
    while at < end:
        value = (int(samples[at]) ^ 0x8000) - 0x8000
        value = ((value << left) - mean + half) >> right
        value = value * value
        squares_high += value >> 12
        squares_low += value & 0xFFF
        value = (value + 256) >> 9
        value = value * value
        fourths_high += value >> 15
        fourths_low += value & 0x7FFF
        at += 1
    work[_AT] = at
    work[_SQUARES_HIGH] = squares_high
    work[_SQUARES_LOW] = squares_low
    work[_FOURTHS_HIGH] = fourths_high
    work[_FOURTHS_LOW] = fourths_low
