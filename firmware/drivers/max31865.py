"""MAX31865: PT100 to digital converter on SPI, one conversion at a time.

Facts (Maxim data sheet 19-6478):
- SPI mode 1 or 3, at most 5 MHz; the first byte is the register, with bit 7 set to write; further
  bytes go to the next registers. It has no acknowledgement: an absent chip reads all 00 or all FF.
  It has no identity: registers that read back stand for one.
- 00 configuration: 80 bias, 40 automatic, 20 one-shot (clears itself), 10 three-wire, 0C fault
  cycle, 02 clear faults, 01 filter for 50 Hz. 01-02 resistance: 15 bits of ratio to the reference
  resistor, bit 0 = fault. 03-04 high, 05-06 low threshold, in the same format. 07 faults, latched:
  80 above high, 40 below low, 20/10/08 a lead off, 04 a voltage beyond the supply.
- Reset: configuration 00, thresholds FFFF and 0000: open and short show only when programmed, so
  the thresholds are read with each result.
- The bias needs 10.5 time constants of the input filter and 1 ms before a conversion: 10 ms here.
  One conversion takes 62.5 ms with the filter for 50 Hz, 52 ms for 60 Hz, 66 and 55 ms at most.
- Some shorts (one lead of a three-wire sensor) give a plausible resistance and cannot be told.
Bias is on for a conversion only, so that the sensor does not warm itself.

Temperature after Callendar and Van Dusen, IEC 60751, R0 = 100 ohm: R = R0 (1 + A t + B t^2), below
0 °C + C (t - 100) t^3. A table of one point each 10 K is made once; in between a straight line is
at most 0.004 K off, an eighth of the converter's step. `raw` is in 0.01 °C.

The configuration of a channel in °C x 10^-9: scale = 10_000_000, offset = 0.
"""

from array import array
from time import ticks_add, ticks_diff, ticks_us

from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, OPEN, OUT_OF_RANGE, SHORT, STUCK
from drivers import CONVERTING, MISSING_16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import SPI, Pin

    from axnode.hardware import Board

SETTINGS = {
    "spi": [0, 7],
    "cs": [0, 63],
    "rref_milliohm": [100_000, 1_000_000],
    "wires": (2, 3, 4),
    "filter_hz": (50, 60),
}
DEFAULTS = {"filter_hz": 50}

_BIAS = const(0x80)
_ONE_SHOT = const(0x20)
_THREE_WIRE = const(0x10)
_CLEAR_FAULTS = const(0x02)
_FILTER_50_HZ = const(0x01)
_KEPT = const(0xD1)
"""Configuration bits that read back as written."""

_WRITE = const(0x80)
_CONFIGURATION = const(0)
_RESULT = const(1)
_THRESHOLDS = const(3)
_SETTLE_US = const(10_000)
_WAKE_US = const(1_000)
_LONGEST_US = const(66_000)
_FAULT_HIGH = const(0x80)
_FAULT_LOW = const(0x40)
_FAULT_LEADS = const(0x38)

_COLDEST_C = const(-100)
_HOTTEST_C = const(320)
_STEP_C = const(10)
_POINTS = const(44)
"""Beyond coldest and hottest no machine is: the thresholds, and nearly the ends of the table."""

_FINE = const(6)
"""The table resolves 1/64 of a code."""

_TABLES: "dict[int, Pt100]" = {}


def make(settings: "dict[str, int]", board: "Board") -> "Max31865":
    """The chip that the configuration describes. Chips with the same reference share a table."""
    rref = settings["rref_milliohm"]
    if rref not in _TABLES:
        _TABLES[rref] = Pt100(rref)
    return Max31865(
        board.spi(settings["spi"]),
        board.output(settings["cs"], 1),
        _TABLES[rref],
        settings["wires"],
        settings["filter_hz"],
    )


class Pt100:
    """Turns a ratio code into hundredths of a degree, with integers alone. `thresholds` is the
    write that programs the chip's."""

    def __init__(self, rref_milliohm: int) -> None:
        self._codes = array("i", bytes(4 * _POINTS))
        for index in range(_POINTS):
            ohm = resistance(_COLDEST_C + index * _STEP_C)
            self._codes[index] = round(ohm * 1000 / rref_milliohm * (32768 << _FINE))
        high = self.code(_HOTTEST_C) << 1
        low = self.code(_COLDEST_C) << 1
        self.thresholds = bytes(
            (_WRITE | _THRESHOLDS, high >> 8, high & 0xFF, low >> 8, low & 0xFF)
        )

    def code(self, celsius: int) -> int:
        """The 15-bit code at a temperature that is a point of the table."""
        return self._codes[(celsius - _COLDEST_C) // _STEP_C] >> _FINE

    def centi_celsius(self, code: int) -> int:
        """Hundredths of a degree at a 15-bit code; beyond the table, those at its end."""
        codes = self._codes
        fine = code << _FINE
        if fine <= codes[0]:
            return _COLDEST_C * 100
        if fine >= codes[_POINTS - 1]:
            return 0x7FFF
        low = self._point_below(fine)
        span = codes[low + 1] - codes[low]
        part = ((fine - codes[low]) * (_STEP_C * 100) + (span >> 1)) // span
        part += (_COLDEST_C + low * _STEP_C) * 100
        return part if part < 0x7FFF else 0x7FFF

    def _point_below(self, fine: int) -> int:
        """The last point of the table that is not above `fine`, which lies within it."""
        codes = self._codes
        low = 0
        high = _POINTS - 1
        while high - low > 1:
            middle = (low + high) >> 1
            if codes[middle] <= fine:
                low = middle
            else:
                high = middle
        return low


class Max31865:
    """One chip with one PT100 on 2, 3 or 4 wires; `filter_hz` = that of the mains, 50 or 60."""

    inputs = 1
    wide = False
    conversion_us = _SETTLE_US + _WAKE_US + _LONGEST_US

    # What one exchange sends and receives, the same for all chips: none waits within one.
    _command = bytearray((_WRITE, 0))
    _ask = bytearray(2)
    _answer = bytearray(2)
    _ask_result = bytearray((_RESULT, 0, 0, 0, 0, 0, 0, 0))
    _result = bytearray(8)

    def __init__(
        self, spi: "SPI", select: "Pin", pt100: Pt100, wires: int, filter_hz: int
    ) -> None:
        self.raw = MISSING_16
        self.due = 0
        self._spi = spi
        self._select = select
        self._pt100 = pt100
        self._nominal_us = 62_500 if filter_hz == 50 else 52_000
        self._longest_us = _LONGEST_US if filter_hz == 50 else 55_000
        self._began = 0
        self._settling = False
        self._configuration = (_THREE_WIRE if wires == 3 else 0) | (
            _FILTER_50_HZ if filter_hz == 50 else 0
        )

    def check(self) -> int:
        """Program configuration and thresholds and read them back, the result left alone."""
        self._select(0)
        self._spi.write(self._pt100.thresholds)
        self._select(1)
        self._configure(_CLEAR_FAULTS)
        if (self._read(_CONFIGURATION) ^ self._configuration) & _KEPT:
            return NO_ANSWER
        for index in range(1, 5):
            if self._read(_THRESHOLDS + index - 1) != self._pt100.thresholds[index]:
                return NO_ANSWER
        return OK

    def start(self, number: int) -> None:
        """Switch the bias on; the conversion itself begins when it has settled."""
        self._configure(_BIAS | _CLEAR_FAULTS)
        self._settling = True
        self.due = ticks_add(ticks_us(), _SETTLE_US)

    def poll(self, now: int) -> int:
        """Begin the conversion, or read what it gave, unless the chip was reset."""
        self.raw = MISSING_16
        if self._settling:
            self._configure(_BIAS | _ONE_SHOT)
            self._settling = False
            self._began = ticks_us()
            self.due = ticks_add(self._began, self._longest_us)
            return CONVERTING
        configuration = self._read(_CONFIGURATION)
        if (configuration ^ (self._configuration | _BIAS)) & _KEPT:
            return NO_ANSWER if configuration == 0xFF else NOT_READY
        if configuration & _ONE_SHOT:
            if ticks_diff(now, self._began) >= 2 * self._nominal_us:
                return STUCK
            self.due = ticks_add(now, self._nominal_us // 16)
            return CONVERTING
        result = self._result
        self._select(0)
        self._spi.write_readinto(self._ask_result, result)
        self._select(1)
        self._configure(0)
        for index in range(1, 5):
            if result[index + 2] != self._pt100.thresholds[index]:
                return NOT_READY
        self.raw = self._pt100.centi_celsius(result[1] << 7 | result[2] >> 1)
        if result[2] & 1:
            return _fault(result[7])
        if self.raw == 0x7FFF or self.raw == _COLDEST_C * 100:
            return OUT_OF_RANGE
        return OK

    def _configure(self, bits: int) -> None:
        self._command[1] = self._configuration | bits
        self._select(0)
        self._spi.write(self._command)
        self._select(1)

    def _read(self, register: int) -> int:
        self._ask[0] = register
        self._select(0)
        self._spi.write_readinto(self._ask, self._answer)
        self._select(1)
        return self._answer[1]


def resistance(celsius: float) -> float:
    """Ohm of a PT100 at a temperature, IEC 60751."""
    ratio = 1 + 3.9083e-3 * celsius - 5.775e-7 * celsius * celsius
    if celsius < 0:
        ratio -= 4.183e-12 * (celsius - 100) * celsius * celsius * celsius
    return 100 * ratio


def _fault(faults: int) -> int:
    if faults & (_FAULT_HIGH | _FAULT_LEADS):
        return OPEN
    return SHORT if faults & _FAULT_LOW else OUT_OF_RANGE
