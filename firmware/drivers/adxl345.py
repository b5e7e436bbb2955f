"""ADXL345: vibration of one axis on I2C or SPI, for trends: too slow to name a bearing's fault.

Facts (Analog Devices data sheet, Rev. E; * = not verified):
- I2C at 0x1D or 0x53, 400 kHz. SPI mode 3, at most 5 MHz, bit 7 of the first byte set to read,
  bit 6 for more than one byte; an absent chip reads all FF or all 00.
- 00 identity E5. 2C: 15 = 3200 samples a second, each one less half of that. 2D: 08 measure.
  31: 0B = full resolution, 16 g: 13 bits, 1/256 g a code. 38: 00 no FIFO, 40 fill it once and
  stop. 39: samples in it, at most 32. 32 to 37: X, Y, Z, low byte first; the FIFO moves on with
  each read of the six, 5 us after it at the earliest.
- Set up in standby, as the data sheet asks. Rated from -40 °C; it cannot tell its temperature, so
  that of the board must do: `coldest_c`.
The noise at 3200 a second is some codes *: samples without any change are STUCK.

A window is so many samples in fills of 32, with a pause between two fills while they are read:
good for a trend, not for a spectrum. A waveform of it has these pauses in it.

Inputs: features.RMS, PEAK, CREST, KURTOSIS, MEAN, as of the IIS3DWB.
"""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, STUCK
from drivers import CONVERTING, MISSING_16
from drivers.features import BURST_ON, MEASURE_US, RESULTS, Features

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import I2C, SPI, Pin

    from axnode.hardware import Board

SETTINGS = {
    "i2c": [0, 7],
    "address": (29, 83),
    "spi": [0, 7],
    "cs": [0, 63],
    "axis": ("x", "y", "z"),
    "rate": (3200, 1600, 800, 400),
    "samples": (32, 64, 128, 256, 512),
    "burst_on": BURST_ON,
    "burst_level": [1, 32767],
}
DEFAULTS = {
    "i2c": None,
    "address": 83,
    "spi": None,
    "cs": None,
    "rate": 3200,
    "samples": 256,
    "burst_on": "none",
    "burst_level": 32767,
}

_IDENTITY = const(0xE5)
_RATE = const(0x2C)
_POWER = const(0x2D)
_FORMAT = const(0x31)
_DATA = const(0x32)
_FIFO = const(0x38)
_MEASURE = const(0x08)
_FULL_RESOLUTION_16_G = const(0x0B)
_FILL = const(0x40)
_READ_SEVERAL = const(0xC0)
_FILL_SAMPLES = const(32)
_SAMPLE_BYTES = const(6)
_LOWEST = const(-4096)
_HIGHEST = const(4095)

_PIECE = const(8)
_PIECE_US = const(3_000)
"""Samples read at a time: 2 ms on I2C, in which no other chip is served; with the wake-up 3."""

_RECENT_US = const(50_000)

_FILLING = const(0)
_READING = const(1)
_MEASURING = const(2)
_GIVING = const(3)


def make(settings: "dict[str, int]", board: "Board") -> "Adxl345":
    """The chip that the configuration describes. Raises ValueError: on both buses, or on none."""
    on_spi = settings["spi"] is not None
    if on_spi == (settings["i2c"] is not None) or on_spi != (settings["cs"] is not None):
        raise ValueError("it needs i2c, or spi and cs")
    features = Features(
        settings["samples"],
        _LOWEST,
        _HIGHEST,
        BURST_ON.index(settings["burst_on"]),
        settings["burst_level"],
    )
    axis = SETTINGS["axis"].index(settings["axis"])
    if on_spi:
        port = OnSpi(board.spi(settings["spi"]), board.output(settings["cs"], 1))
        return Adxl345(port, axis, settings["rate"], features)
    return Adxl345(
        OnI2c(board.i2c(settings["i2c"]), settings["address"]), axis, settings["rate"], features
    )


class OnI2c:
    """The chip's registers on I2C."""

    def __init__(self, i2c: "I2C", address: int) -> None:
        self._i2c = i2c
        self._address = address
        self._byte = bytearray(1)

    def write(self, register: int, value: int) -> None:
        self._byte[0] = value
        self._i2c.writeto_mem(self._address, register, self._byte)

    def read(self, register: int, data: "bytearray | memoryview") -> None:
        self._i2c.readfrom_mem_into(self._address, register, data)


class OnSpi:
    """The chip's registers on SPI."""

    def __init__(self, spi: "SPI", select: "Pin") -> None:
        self._spi = spi
        self._select = select
        self._command = bytearray(2)
        self._ask = bytearray(1)

    def write(self, register: int, value: int) -> None:
        self._command[0] = register
        self._command[1] = value
        self._select(0)
        self._spi.write(self._command)
        self._select(1)

    def read(self, register: int, data: "bytearray | memoryview") -> None:
        self._ask[0] = _READ_SEVERAL | register
        self._select(0)
        self._spi.write(self._ask)
        self._spi.readinto(data)
        self._select(1)


class Adxl345:
    """One chip, of which one axis is used: 0, 1, 2 = X, Y, Z.

    `features` has the last window. `period_ns` = from sample to sample within a fill.
    """

    inputs = RESULTS
    wide = False
    coldest_c = -40
    conversion_us = 0

    def __init__(self, port: "OnI2c | OnSpi", axis: int, rate: int, features: Features) -> None:
        self.raw = MISSING_16
        self.due = 0
        self.features = features
        self.period_ns = 1_000_000_000 // rate
        self._port = port
        self._first = 2 * axis
        self._rate = 15 - SETTINGS["rate"].index(rate)
        self._fill_us = _FILL_SAMPLES * 1_000_000 // rate
        fill_us = self._fill_us * 17 // 16 + _FILL_SAMPLES // _PIECE * _PIECE_US
        self.window_us = len(features.samples) // _FILL_SAMPLES * fill_us + MEASURE_US
        self._phase = _FILLING
        self._input = 0
        self._given = (1 << RESULTS) - 1
        self._measured = 0
        self._began = 0
        self._left = 0
        self._pair = bytearray(2)
        self._data = bytearray(_PIECE * _SAMPLE_BYTES)
        view = memoryview(self._data)
        self._slots = [
            view[at : at + _SAMPLE_BYTES] for at in range(0, len(self._data), _SAMPLE_BYTES)
        ]

    def check(self) -> int:
        """See who it is, set it up and read that back."""
        self._given = (1 << RESULTS) - 1
        port = self._port
        port.read(0, self._pair)
        if self._pair[0] != _IDENTITY:
            return NO_ANSWER
        port.write(_POWER, 0)
        port.write(_RATE, self._rate)
        port.write(_FORMAT, _FULL_RESOLUTION_16_G)
        port.write(_FIFO, 0)
        port.write(_POWER, _MEASURE)
        port.read(_FORMAT, self._pair)
        if self._pair[0] != _FULL_RESOLUTION_16_G:
            return NO_ANSWER
        return self._configured()

    def verify(self) -> int:
        """Who it is and whether it is set up as it was, its FIFO left alone."""
        self._port.read(0, self._pair)
        return self._configured() if self._pair[0] == _IDENTITY else NO_ANSWER

    def start(self, number: int) -> None:
        """Give result `number` of the last window, or take a new one."""
        now = ticks_us()
        self._input = number
        if not self._given & 1 << number and 0 <= ticks_diff(now, self._measured) < _RECENT_US:
            self._phase = _GIVING
            self.due = now
            return
        self._port.write(_POWER, _MEASURE)
        self.features.begin(now)
        self._fill(now)

    def poll(self, now: int) -> int:
        """Carry the window a step further, and give what is asked for once it has all."""
        self.raw = MISSING_16
        phase = self._phase
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
        return self.features.status

    def _fill(self, now: int) -> None:
        """Let the FIFO fill anew."""
        self._port.write(_FIFO, 0)
        self._port.write(_FIFO, _FILL)
        self._phase = _FILLING
        self._began = now
        self._left = _FILL_SAMPLES
        self.due = ticks_add(now, self._fill_us + self._fill_us // 16)

    def _wait(self, now: int) -> int:
        """See whether the FIFO is full, of a chip that is still what it was made to be."""
        status = self._configured()
        if status != OK:
            return status
        self._port.read(_FIFO, self._pair)
        if self._pair[0] != _FILL:
            return NOT_READY
        if self._pair[1] & 0x3F < _FILL_SAMPLES:
            if ticks_diff(now, self._began) >= 2 * self._fill_us:
                return STUCK
            self.due = ticks_add(now, self._fill_us // 16)
            return CONVERTING
        self._phase = _READING
        self.due = now
        return CONVERTING

    def _take(self, now: int) -> int:
        """Read a piece of the FIFO; the next fill begins when it is empty."""
        for slot in self._slots:
            self._port.read(_DATA, slot)
        self._left -= _PIECE
        self.due = now
        if self.features.add(self._data, _SAMPLE_BYTES, self._first, _PIECE):
            self._phase = _MEASURING
        elif not self._left:
            self._fill(now)
        return CONVERTING

    def _configured(self) -> int:
        """OK, or what is wrong with rate and power."""
        self._port.read(_RATE, self._pair)
        if self._pair[0] == self._rate and self._pair[1] == _MEASURE:
            return OK
        return NO_ANSWER if self._pair[0] == 0xFF else NOT_READY
