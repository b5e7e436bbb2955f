"""What a window of a vibration says: RMS, peak, crest factor and kurtosis, in integers.

With d = the samples less their mean, n = how many there are:
    RMS       square root of the mean of d^2             in codes of the sensor
    PEAK      the largest |d|                            in codes of the sensor
    CREST     peak / RMS                                 in thousandths
    KURTOSIS  mean of d^4 / (mean of d^2)^2              in fiftieths; 3 for noise, 1.5 for a sine
    MEAN      what gravity and the mounting add          in codes of the sensor
RMS, peak and mean are right to a code, or to 0.1 % where that is more, crest to 0.2 %, kurtosis to
0.5 %, or one in the last place. A window without any change gives zeros.

The configuration of its channels, with g a code in ug:
    RMS, PEAK, MEAN in m/s^2   scale = g x 9.80665 x 1000, offset = 0
    CREST                      scale = 1_000_000, offset = 0
    KURTOSIS                   scale = 20_000_000, offset = 0
All channels of one sensor belong into one group: a row holds what one window gave. The channel at
MEAN is the acceleration itself: waveforms are read with its table entry.

A window that is to be looked at itself is `due`: when a feature has reached a level, having been
below seven eighths of it before, or when somebody has asked. `samples`, and `data` with the same
as the bytes of little-endian 16-bit integers, then hold until the next window begins; `began` is
the tick of the first.
"""

from array import array

from micropython import const
from uctypes import addressof, bytearray_at

from axwire.codes import OK, SATURATED, STUCK

try:
    from drivers.features_viper import gather, spread
except (ImportError, SyntaxError, ValueError):
    from drivers.features_plain import gather, spread

RMS = const(0)
PEAK = const(1)
CREST = const(2)
KURTOSIS = const(3)
MEAN = const(4)
RESULTS = const(5)

BURST_ON = ("none", "rms", "peak", "crest", "kurtosis")
"""What a level can be set for, in the order of the results."""

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
_PEAK = const(14)
_WORK = const(15)

_FINE = const(4095)
"""Deviations are scaled to 12 bits, so that their fourth powers add up in 32 bits."""

_PIECE = const(128)
"""Samples a step of `measure`: under a millisecond of machine code on an RP2040, as reckoned."""

MEASURE_US = const(8_000)
"""The longest that all steps of `measure` take, with their wake-ups."""

_RATIO_BITS = const(13)


class Features:
    """A window of `samples` samples, a power of 2 up to 512, and what was made of the last one.

    `lowest` and `highest` are the ends of the sensor's range. `burst_on`: index in BURST_ON.
    """

    def __init__(
        self, samples: int, lowest: int, highest: int, burst_on: int, burst_level: int
    ) -> None:
        self.samples = array("h", bytes(2 * samples))
        self.data = bytearray_at(addressof(self.samples), 2 * samples)
        self.results = array("h", bytes(2 * RESULTS))
        self.status = OK
        self.due = False
        self.began = 0
        self._bits = 0
        while 1 << self._bits < samples:
            self._bits += 1
        self._bottom = lowest
        self._top = highest
        self._burst_on = burst_on - 1
        self._level = burst_level
        self._below = True
        self._asked = False
        self._work = array("i", bytes(4 * _WORK))

    def ask(self) -> None:
        """Somebody wants to see the next window itself."""
        self._asked = True

    def begin(self, tick: int) -> None:
        """A new window, whose first sample is taken at `tick`."""
        work = self._work
        work[_AT] = 0
        work[_SUM] = 0
        work[_LOWEST] = 0x7FFF
        work[_HIGHEST] = -0x8000
        self.began = tick
        self.due = False

    def add(self, data: bytearray, stride: int, first: int, count: int) -> bool:
        """Take the next samples out of what the sensor sent. Whether the window is full."""
        work = self._work
        work[_STRIDE] = stride
        work[_FIRST] = first
        work[_COUNT] = count
        gather(data, self.samples, work)
        if work[_AT] >> self._bits == 0:
            return False
        self._prepare()
        return True

    def measure(self) -> bool:
        """A step of the computation once the window is full. Whether it was the last."""
        work = self._work
        if work[_COUNT]:
            spread(self.samples, work)
            if work[_AT] >> self._bits == 0:
                return False
        self._conclude()
        return True

    def _prepare(self) -> None:
        """The mean, and the shift that brings the largest deviation to 12 bits."""
        work = self._work
        bits = self._bits
        half = 1 << bits >> 1
        mean = (work[_SUM] + half) >> bits
        self.results[MEAN] = mean if mean > -0x7FFF else -0x7FFF
        span = work[_HIGHEST] - work[_LOWEST]
        left = right = 0
        while span << left + 1 <= _FINE and span:
            left += 1
        rest = work[_SUM] & (1 << bits) - 1
        mean = (work[_SUM] >> bits << left) + ((rest << left) + half >> bits)
        above = (work[_HIGHEST] << left) - mean
        below = mean - (work[_LOWEST] << left)
        peak = above if above > below else below
        while peak + (1 << right >> 1) >> right > _FINE:
            right += 1
        work[_MEAN] = mean
        work[_LEFT] = left
        work[_RIGHT] = right
        work[_PEAK] = peak + (1 << right >> 1) >> right
        work[_SQUARES_HIGH] = work[_SQUARES_LOW] = work[_FOURTHS_HIGH] = work[_FOURTHS_LOW] = 0
        work[_AT] = 0
        work[_COUNT] = 0 if not span else 1 << bits if bits < 7 else _PIECE
        self.results[PEAK] = _code(peak + (1 << left >> 1) >> left)
        if work[_LOWEST] <= self._bottom or work[_HIGHEST] >= self._top:
            self.status = SATURATED
        else:
            self.status = OK if span else STUCK

    def _conclude(self) -> None:
        work = self._work
        results = self.results
        if not work[_COUNT]:
            results[RMS] = results[CREST] = results[KURTOSIS] = 0
        else:
            left = work[_LEFT]
            right = work[_RIGHT]
            bits = self._bits
            root = _root((work[_SQUARES_HIGH] << 18 - bits) + (work[_SQUARES_LOW] << 6 >> bits))
            results[RMS] = _code((root << right) + (4 << left) >> 3 + left)
            results[CREST] = (work[_PEAK] * 8000 + (root >> 1)) // root
            results[KURTOSIS] = self._kurtosis()
        self._watch()

    def _kurtosis(self) -> int:
        """50 n x fourths / squares^2. Both are scaled to what a division in 30 bits can take."""
        work = self._work
        squares = (work[_SQUARES_HIGH] << 8) + (work[_SQUARES_LOW] >> 4)
        shift = 0
        while squares >> shift >= 1 << 14:
            shift += 1
        squares = (squares + (1 << shift >> 1)) >> shift
        divisor = squares * squares
        fourths = work[_FOURTHS_HIGH] + (work[_FOURTHS_LOW] >> 15)
        low = work[_FOURTHS_LOW] & 0x7FFF
        dropped = 0
        while fourths >> dropped >= 1 << 13:
            dropped += 1
        fourths = fourths << 15 - dropped | low >> dropped
        ratio = fourths // divisor
        rest = fourths % divisor
        for _ in range(_RATIO_BITS):
            rest <<= 1
            ratio <<= 1
            if rest >= divisor:
                rest -= divisor
                ratio += 1
        down = _RATIO_BITS - 10 + 2 * shift - dropped
        scaled = ratio * (50 << self._bits)
        return scaled + (1 << down >> 1) >> down

    def _watch(self) -> None:
        """See whether a feature has reached the level, or somebody has asked."""
        if self._asked:
            self._asked = False
            self.due = True
        if self._burst_on >= 0:
            value = self.results[self._burst_on]
            if self._below and value >= self._level:
                self._below = False
                self.due = True
            elif value < self._level - (self._level >> 3):
                self._below = True


def _code(value: int) -> int:
    """As much of it as 16 bits hold."""
    return value if value < 0x7FFF else 0x7FFF


def _root(square: int) -> int:
    """The integer whose square is nearest below, of less than 2^30."""
    root = 0
    bit = 1 << 14
    while bit:
        if (root + bit) * (root + bit) <= square:
            root += bit
        bit >>= 1
    return root
