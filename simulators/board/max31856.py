"""MAX31856: temperature of a type K thermocouple, on SPI with CPHA = 1 (Maxim 19-7534).

Registers: 0 CR0 (0x80 automatic, 0x40 one-shot, 0x30 test for an open circuit, 0x08 cold junction
off, 0x04 faults latched, 0x02 clear faults, 0x01 50 Hz), 1 CR1 (reset 0x03: averages 70, type 0F),
2 mask of the FAULT pin (reset 0xFF), 3 and 4 limits of the cold junction, 5 to 8 those of the
thermocouple, 9 offset and A and B temperature of the cold junction (1/64 °C in the upper 14 bits),
C to E linearised temperature (1/128 °C in the upper 19 bits), F faults: 0x80 cold junction and
0x40 thermocouple out of range, 0x20 and 0x10 cold junction above and below its limits, 0x08 and
0x04 thermocouple so, 0x02 over- or undervoltage, 0x01 open. Address and frames as in the MAX31865.
A one-shot starts when CS goes high; its bit reads 1 until it is over.

The input is the thermocouple's voltage against its cold junction, in nV. EMF of type K after the
ITS-90 polynomials of NIST Monograph 175, in a table of a point each 10 °C.

Not simulated: other types (the type bits are stored only), averages, the FAULT pin.
Unverified: 169 and 143 ms for a one-shot at 50 and 60 Hz, 98 and 82 ms for each further conversion
in automatic mode, 13.3, 33.4 and 113.4 ms for a test for an open circuit; that it is made with the
first conversion after it was switched on and with each 16th after that, one-shots too; that an
open circuit reads as the end of the range; that a temperature out of range is clipped at -200 and
1372 °C; that the chip goes on converting with an overvoltage (an input below ground or beyond the
supply, with T- at 735 mV); that a new one-shot drops the running one.
"""

from array import array
from math import exp

from simulators.board.chip import Chip
from simulators.board.inputs import HIGH, LOW, OPEN, SHORT
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

_AUTO = 0x80
_ONE_SHOT = 0x40
_COLD_OFF = 0x08
_LATCH = 0x04
_CLEAR = 0x02
_FIFTY_HZ = 0x01
_RESET = b"\x00\x03\xff\x7f\xc0\x7f\xff\x80\x00\x00\x00\x00\x00\x00\x00\x00"
_COLD = 10
_RESULT = 12
_STATUS = 15

_COLD_RANGE = 0x80
_RANGE = 0x40
_COLD_HIGH = 0x20
_COLD_LOW = 0x10
_ABOVE_HIGH = 0x08
_BELOW_LOW = 0x04
_VOLTAGE = 0x02
_OPEN = 0x01

_ONE_SHOT_US = (143_000, 169_000)
_PERIOD_US = (82_000, 98_000)
_OPEN_TEST_US = (0, 13_300, 33_400, 113_400)
_OPEN_TEST_EACH = 16

_COLDEST_C = -200
_HOTTEST_C = 1372
_STEP_C = 10
_POINTS = 159
_LOWEST_NV = -735_000_000
_HIGHEST_NV = 2_000_000_000


class Max31856(Chip):
    """The chip with a thermocouple whose cold junction is at `cold_celsius`.

    open: the end of the range, and the fault where it is tested for. short: the temperature of the
    cold junction. `selected` while chip select is low.
    """

    PHASE = 1

    def __init__(
        self,
        name: str,
        inputs: "list[Input]",
        ticks_us: "Callable[[], int]",
        cold_celsius: int = 25,
        rate_permille: int = 1000,
    ) -> None:
        super().__init__(name, inputs, ticks_us, False)
        self._input = inputs[0]
        self._cold = cold_celsius * 64
        self._emf_nv = array("i", bytes(4 * _POINTS))
        for index in range(_POINTS):
            self._emf_nv[index] = round(emf_nv(_COLDEST_C + index * _STEP_C))
        self._one_shot_us = [us * 1000 // rate_permille for us in _ONE_SHOT_US]
        self._period_us = [us * 1000 // rate_permille for us in _PERIOD_US]
        self.selected = False
        self._address = -1
        self.reset()

    def reset(self) -> None:
        self._registers = bytearray(_RESET)
        self._latched = 0
        self._fresh = False
        self._trigger = False
        self._converting = False
        self._untested = 0
        self._testing = False
        self._is_open = False
        self._started_us = 0
        self._duration_us = 0

    def select(self, low: bool) -> None:
        """The chip-select line: a frame begins when it falls, and ends when it rises."""
        if low == self.selected:
            return
        self.selected = low
        self._address = -1
        self.settle(self.ticks_us())
        if self._trigger:
            self._trigger = False
            self._start(self._one_shot_us)

    def exchange(self, out: int) -> int:
        """One byte each way, in a frame."""
        address = self._address
        if address < 0:
            self._address = out
            return 0xFF
        self._address = (address & 0x80) | ((address + 1) & 0x7F)
        if address & 0x80:
            self._write(address & 0x7F, out)
            return 0xFF
        return self._read(address)

    def ready_level(self) -> int:
        """The DRDY pin: 0 from the end of a conversion until its result is read."""
        self.settle(self.ticks_us())
        return 0 if self._fresh else 1

    def settle(self, now_us: int) -> None:
        while self._converting and not self.frozen:
            elapsed = ticks_diff(now_us, self._started_us)
            if elapsed < self._duration_us:
                return
            self._finish()
            self._converting = bool(self._registers[0] & _AUTO)
            if self._converting:
                began_us = ticks_add(self._started_us, self._duration_us)
                self._start(self._period_us, began_us)

    def _read(self, address: int) -> int:
        if address >= len(self._registers):
            return 0xFF
        byte = self._registers[address]
        if address == 0 and self._converting and not byte & _AUTO:
            return byte | _ONE_SHOT
        if address == _STATUS:
            return byte | self._latched
        if address == _RESULT + 2 and self._fresh:
            self._fresh = False
            self._input.taken += 1
        return byte

    def _write(self, address: int, byte: int) -> None:
        cold_off = self._registers[0] & _COLD_OFF
        if address == 0:
            self._configure(byte)
        elif address < _COLD or (address < _RESULT and cold_off):
            self._registers[address] = byte

    def _configure(self, byte: int) -> None:
        before = self._registers[0]
        if (byte ^ before) & 0x30:
            self._untested = 0
        if byte & _CLEAR:
            self._latched = 0
        self._registers[0] = byte & ~(_ONE_SHOT | _CLEAR)
        self._trigger = bool(byte & _ONE_SHOT) and not byte & _AUTO
        if byte & _AUTO and not before & _AUTO:
            self._start(self._one_shot_us)
        elif before & _AUTO and not byte & _AUTO:
            self._converting = False

    def _start(self, durations_us: "list[int]", at_us: int = -1) -> None:
        """Begin a conversion, with the test for an open circuit when it is due."""
        config = self._registers[0]
        self._testing = bool(config & 0x30) and self._untested == 0
        self._untested = (self._untested + 1) % _OPEN_TEST_EACH
        usual_us = durations_us[config & _FIFTY_HZ]
        if self._testing:
            usual_us += _OPEN_TEST_US[config >> 4 & 3]
        self._converting = True
        self._started_us = self.ticks_us() if at_us < 0 else at_us
        self._duration_us = usual_us * self.slow_permille // 1000

    def _finish(self) -> None:
        """Take over the result: the thermocouple as it was half-way."""
        source = self._input
        nanovolts = source.value(ticks_add(self._started_us, self._duration_us >> 1))
        if source.condition == SHORT:
            nanovolts = 0
        cold = self._cold_junction()
        faults = 0 if -55 * 64 <= cold <= 125 * 64 else _COLD_RANGE
        if source.condition in (OPEN, HIGH):
            code = _HOTTEST_C << 7
            faults |= _RANGE
        elif source.condition == LOW:
            code = _COLDEST_C << 7
            faults |= _RANGE
        else:
            code = self._linearised(nanovolts + self._emf_at(cold))
            if code < _COLDEST_C << 7 or code > _HOTTEST_C << 7:
                faults |= _RANGE
                code = (_HOTTEST_C if code > 0 else _COLDEST_C) << 7
            if not _LOWEST_NV <= nanovolts <= _HIGHEST_NV:
                faults |= _VOLTAGE
        if self._testing:
            self._is_open = source.condition == OPEN
        elif not self._registers[0] & 0x30:
            self._is_open = False
        if self._is_open:
            faults |= _OPEN
        self._take_over(code, faults | self._beyond_limits(code, cold))

    def _take_over(self, code: int, faults: int) -> None:
        registers = self._registers
        registers[_RESULT] = code >> 11 & 0xFF
        registers[_RESULT + 1] = code >> 3 & 0xFF
        registers[_RESULT + 2] = code << 5 & 0xFF
        registers[_STATUS] = faults
        if registers[0] & _LATCH:
            self._latched |= faults
        else:
            self._latched = 0
        self._fresh = True

    def _cold_junction(self) -> int:
        """The cold junction's register in 1/64 °C: measured, or written while that is off."""
        registers = self._registers
        if not registers[0] & _COLD_OFF:
            cold = self._cold + (_signed(registers[9], 8) << 2)
            registers[_COLD] = cold >> 6 & 0xFF
            registers[_COLD + 1] = cold << 2 & 0xFF
        return _signed(registers[_COLD] << 6 | registers[_COLD + 1] >> 2, 14)

    def _beyond_limits(self, code: int, cold: int) -> int:
        limits = self._registers
        faults = 0
        if cold > _signed(limits[3], 8) << 6:
            faults |= _COLD_HIGH
        if cold < _signed(limits[4], 8) << 6:
            faults |= _COLD_LOW
        if code > _signed(limits[5] << 8 | limits[6], 16) << 3:
            faults |= _ABOVE_HIGH
        if code < _signed(limits[7] << 8 | limits[8], 16) << 3:
            faults |= _BELOW_LOW
        return faults

    def _emf_at(self, cold: int) -> int:
        """The voltage of the thermocouple at a temperature in 1/64 °C against 0 °C."""
        above = cold - _COLDEST_C * 64
        index = above // (_STEP_C * 64)
        step = self._emf_nv[index + 1] - self._emf_nv[index]
        return self._emf_nv[index] + step * (above % (_STEP_C * 64)) // (_STEP_C * 64)

    def _linearised(self, nanovolts: int) -> int:
        """The temperature in 1/128 °C at a voltage against 0 °C; beyond the table, beyond it."""
        table = self._emf_nv
        if nanovolts < table[0]:
            return (_COLDEST_C << 7) - 1
        low = 0
        high = _POINTS - 1
        if nanovolts >= table[high]:
            return (_HOTTEST_C << 7) + 1
        while high - low > 1:
            middle = (low + high) >> 1
            if table[middle] <= nanovolts:
                low = middle
            else:
                high = middle
        step = table[high] - table[low]
        part = ((nanovolts - table[low]) * (_STEP_C << 7) + (step >> 1)) // step
        return ((_COLDEST_C + low * _STEP_C) << 7) + part


def emf_nv(celsius: float) -> float:
    """Nanovolts of type K at a temperature from -270 to 1380 °C against 0 °C, ITS-90."""
    factors = _ABOVE if celsius >= 0 else _BELOW
    millivolts = 0.0
    for factor in reversed(factors):
        millivolts = millivolts * celsius + factor
    if celsius >= 0:
        millivolts += 0.1185976 * exp(-1.183432e-4 * (celsius - 126.9686) ** 2)
    return millivolts * 1e6


_ABOVE = (
    -1.7600413686e-2,
    3.8921204975e-2,
    1.8558770032e-5,
    -9.9457592874e-8,
    3.1840945719e-10,
    -5.6072844889e-13,
    5.6075059059e-16,
    -3.2020720003e-19,
    9.7151147152e-23,
    -1.2104721275e-26,
)
_BELOW = (
    0.0,
    3.9450128025e-2,
    2.3622373598e-5,
    -3.2858906784e-7,
    -4.9904828777e-9,
    -6.7509059173e-11,
    -5.7410327428e-13,
    -3.1088872894e-15,
    -1.0451609365e-17,
    -1.9889266878e-20,
    -1.6322697486e-23,
)


def _signed(value: int, bits: int) -> int:
    return value - (1 << bits) if value >> (bits - 1) else value
