"""The loops over a window of samples where features_viper.py cannot be had: the same results, bit
by bit, and far slower."""

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

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


def gather(data: bytearray, samples: "array[int]", work: "array[int]") -> None:
    """Take samples out of what a chip sent: low byte first, each `stride` bytes."""
    stride = work[_STRIDE]
    source = work[_FIRST]
    at = work[_AT]
    end = at + work[_COUNT]
    total = work[_SUM]
    lowest = work[_LOWEST]
    highest = work[_HIGHEST]
    while at < end:
        value = ((data[source] | data[source + 1] << 8) ^ 0x8000) - 0x8000
        samples[at] = value
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


def spread(samples: "array[int]", work: "array[int]") -> None:
    """Add up the second and the fourth powers of what lies between samples and their mean."""
    at = work[_AT]
    end = at + work[_COUNT]
    mean = work[_MEAN]
    left = work[_LEFT]
    right = work[_RIGHT]
    half = (1 << right) >> 1
    squares_high = work[_SQUARES_HIGH]
    squares_low = work[_SQUARES_LOW]
    fourths_high = work[_FOURTHS_HIGH]
    fourths_low = work[_FOURTHS_LOW]
    while at < end:
        value = ((samples[at] << left) - mean + half) >> right
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
