"""IIS3DWB: vibration of one axis on SPI, a window of up to 512 samples at 26,667 a second.

Facts (ST data sheet DS12569, register names from ST's iis3dwb_reg.h; * = not verified):
- SPI mode 0 or 3, at most 10 MHz; bit 7 of the first byte set to read; further bytes come from
  the next registers, behind 7E from 78 again. An absent chip reads all FF or all 00.
- 0F identity 7B. 10: A0 on, 3..2 range: 0 = 2, 1 = 16, 2 = 4, 3 = 8 g; 61, 488, 122, 244 ug a
  code.
- FIFO of 3 KB: 512 samples. 07, bit 0 of 08: watermark; bit 7 of 08: stop there. 09 = 0A: every
  sample. 0A: 0 empties it, 1 fills it once and stops. 3A, 1..0 of 3B: samples in it.
- 78: tag, its upper five bits 02 for acceleration; 79 to 7E: X, Y, Z, low byte first. A stream
  would be 187 kB a second: windows are taken instead, filled by the chip and read in pieces.
- 20, 21: temperature of the chip, 256 a °C above 25 *. Rated from -40 °C: below that the values
  are marked OUT_OF_RANGE.
- 63: how much faster than nominal its clock runs, in 0.15 % *.
- Nothing is valid for 10 ms after it was switched on *.
It shows less than 6.3 kHz. The noise of 75 ug/sqrt(Hz) is a dozen codes at 16 g: samples without
any change come from no living sensor and are STUCK.

Inputs: features.RMS, PEAK, CREST, KURTOSIS, MEAN, all of one window while they are asked for
within 50 ms of each other and each only once; else a new window is taken. features.py says how to
configure the channels.
"""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, OUT_OF_RANGE, STUCK
from drivers import CONVERTING, MISSING_16
from drivers.features import BURST_ON, MEASURE_US, RESULTS, Features

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import SPI, Pin

    from axnode.hardware import Board

SETTINGS = {
    "spi": [0, 7],
    "cs": [0, 63],
    "axis": ("x", "y", "z"),
    "range_g": (2, 16, 4, 8),
    "samples": (128, 256, 512),
    "burst_on": BURST_ON,
    "burst_level": [1, 32767],
}
DEFAULTS = {"range_g": 16, "samples": 512, "burst_on": "none", "burst_level": 32767}

_READ = const(0x80)
_SETUP = const(0x07)
_MODE = const(0x0A)
_CONTROL_1 = const(0x10)
_TEMPERATURE = const(0x20)
_LEVEL = const(0x3A)
_FREQ_FINE = const(0x63)
_TAG = const(0x78)

_IDENTITY = const(0x7B)
_STOP_AT_WATERMARK = const(0x80)
_EVERY_SAMPLE = const(0x0A)
_ON = const(0xA0)
_FILL = const(1)
_ACCELERATION = const(2)
_WORD = const(7)

_PERIOD_NS = const(37_500)
_TURN_ON_US = const(10_000)
_PIECE = const(32)
_PIECE_US = const(3_000)
"""Samples read at a time: 2 ms at 1 MHz, in which no other chip is served; with the wake-up 3."""

_RECENT_US = const(50_000)
_COLDEST = const(-16_640)
"""-40 °C as the chip gives it."""

_SETTLING = const(0)
_FILLING = const(1)
_READING = const(2)
_MEASURING = const(3)
_GIVING = const(4)


def make(settings: "dict[str, int]", board: "Board") -> "Iis3dwb":
    """The chip that the configuration describes."""
    features = Features(
        settings["samples"],
        -0x8000,
        0x7FFF,
        BURST_ON.index(settings["burst_on"]),
        settings["burst_level"],
    )
    return Iis3dwb(
        board.spi(settings["spi"]),
        board.output(settings["cs"], 1),
        SETTINGS["axis"].index(settings["axis"]),
        settings["range_g"],
        features,
    )


class Iis3dwb:
    """One chip, of which one axis is used: 0, 1, 2 = X, Y, Z.

    `features` has the last window. `period_ns` = from sample to sample.
    """

    inputs = RESULTS
    wide = False
    conversion_us = 0

    def __init__(
        self, spi: "SPI", select: "Pin", axis: int, range_g: int, features: Features
    ) -> None:
        self.raw = MISSING_16
        self.due = 0
        self.features = features
        self.period_ns = _PERIOD_NS
        self._spi = spi
        self._select = select
        self._first = 1 + 2 * axis
        self._samples = len(features.samples)
        self.window_us = (
            _TURN_ON_US
            + self._nominal_us() * 17 // 16
            + self._samples // _PIECE * _PIECE_US
            + MEASURE_US
        )
        self._phase = _SETTLING
        self._input = 0
        self._given = (1 << RESULTS) - 1
        self._measured = 0
        self._status = OK
        self._on = 0
        self._began = 0
        self._left = 0
        stop = _STOP_AT_WATERMARK if self._samples < 512 else 0
        watermark = self._samples if stop else 0
        self._setup = bytes(
            (_SETUP, watermark & 0xFF, stop | watermark >> 8, _EVERY_SAMPLE, _FILL)
        )
        self._control_1 = _ON | SETTINGS["range_g"].index(range_g) << 2
        self._command = bytearray(2)
        self._ask = bytearray(12)
        self._answer = bytearray(12)
        self._ask_fifo = bytes((_READ | _TAG,))
        self._words = bytearray(_PIECE * _WORD)

    def check(self) -> int:
        """Switch it on with an empty FIFO and read identity and configuration back."""
        self._write(_CONTROL_1, self._control_1)
        self._select(0)
        self._spi.write(self._setup)
        self._select(1)
        self._write(_MODE, 0)
        self._on = ticks_us()
        self._given = (1 << RESULTS) - 1
        self._read(_FREQ_FINE)
        fine = self._answer[1]
        self.period_ns = _PERIOD_NS * 2000 // (2000 + 3 * (fine - 256 if fine > 127 else fine))
        return self._configured(0)

    def verify(self) -> int:
        """Who it is and whether it is set up as it was, its FIFO left alone."""
        status = self._configured(_FILL)
        return status if status == OK else self._configured(0)

    def start(self, number: int) -> None:
        """Give result `number` of the last window, or take a new one."""
        now = ticks_us()
        self._input = number
        bit = 1 << number
        if not self._given & bit and 0 <= ticks_diff(now, self._measured) < _RECENT_US:
            self._phase = _GIVING
            self.due = now
            return
        ready = ticks_add(self._on, _TURN_ON_US)
        if 0 < ticks_diff(ready, now) <= _TURN_ON_US:
            self._phase = _SETTLING
            self.due = ready
        else:
            self._fill(now)

    def poll(self, now: int) -> int:
        """Carry the window a step further, and give what is asked for once it has all."""
        self.raw = MISSING_16
        phase = self._phase
        if phase == _SETTLING:
            self._fill(now)
            return CONVERTING
        if phase == _FILLING:
            return self._wait(now)
        if phase == _READING:
            return self._take(now)
        if phase == _MEASURING:
            if self.features.measure():
                self._phase = _GIVING
                self._given = 0
                self._measured = now
            return CONVERTING
        self._given |= 1 << self._input
        self.raw = self.features.results[self._input]
        return self._status

    def _fill(self, now: int) -> None:
        """Let the FIFO fill anew."""
        self._write(_MODE, 0)
        self._write(_MODE, _FILL)
        self._phase = _FILLING
        self._began = now
        self.features.begin(now)
        self._left = self._samples
        self.due = ticks_add(now, self._nominal_us() + self._nominal_us() // 16)

    def _wait(self, now: int) -> int:
        """See whether the FIFO is full, of a chip that is still what it was made to be."""
        status = self._configured(_FILL)
        if status != OK:
            return status
        self._read(_LEVEL)
        if self._answer[1] | (self._answer[2] & 3) << 8 < self._samples:
            if ticks_diff(now, self._began) >= 2 * self._nominal_us():
                return STUCK
            self.due = ticks_add(now, self._nominal_us() // 16)
            return CONVERTING
        self._read(_TEMPERATURE)
        cold = (self._answer[1] | self._answer[2] << 8 ^ 0x8000) - 0x8000 < _COLDEST
        self._status = OUT_OF_RANGE if cold else OK
        self._phase = _READING
        self.due = now
        return CONVERTING

    def _take(self, now: int) -> int:
        """Read a piece of the FIFO."""
        words = self._words
        self._select(0)
        self._spi.write(self._ask_fifo)
        self._spi.readinto(words)
        self._select(1)
        if words[0] >> 3 != _ACCELERATION or words[len(words) - _WORD] >> 3 != _ACCELERATION:
            return NO_ANSWER if words[0] == 0xFF else NOT_READY
        if self.features.add(words, _WORD, self._first, _PIECE):
            self._phase = _MEASURING
            if self.features.status != OK:
                self._status = self.features.status
        self.due = now
        return CONVERTING

    def _nominal_us(self) -> int:
        """How long it takes to fill the FIFO."""
        return self._samples * _PERIOD_NS // 1000

    def _configured(self, mode: int) -> int:
        """OK, or what is wrong with identity and configuration."""
        self._read(_SETUP)
        answer = self._answer
        if answer[9] != _IDENTITY:
            return NO_ANSWER
        if answer[10] != self._control_1 or answer[4] != mode:
            return NOT_READY
        for index in range(1, 4):
            if answer[index] != self._setup[index]:
                return NOT_READY
        return OK

    def _write(self, register: int, value: int) -> None:
        self._command[0] = register
        self._command[1] = value
        self._select(0)
        self._spi.write(self._command)
        self._select(1)

    def _read(self, register: int) -> None:
        """What is in the registers from this one on, behind the first byte of the answer."""
        self._ask[0] = _READ | register
        self._select(0)
        self._spi.write_readinto(self._ask, self._answer)
        self._select(1)
