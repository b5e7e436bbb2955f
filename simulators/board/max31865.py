"""MAX31865: resistance of a platinum sensor, on SPI with CPHA = 1 (Maxim 19-6478).

Registers: 0 configuration (0x80 bias, 0x40 automatic, 0x20 one-shot, 0x10 3-wire, 0x0C fault
cycle, 0x02 clear faults, 0x01 50 Hz), 1 and 2 the result (15 bits and the fault bit), 3 to 6 the
high and low threshold (reset 0xFFFF and 0), 7 the latched fault status. The first byte of a frame
is the address, + 0x80 to write; it counts up while CS stays low and loops at 0x7F; addresses that
do not exist read 0xFF. A one-shot starts when CS goes high. Result = R / Rref * 32768.

Open and short show in the status only when thresholds are programmed, or (open) by a fault cycle.

Unverified: 62.5 and 52 ms for a one-shot at 50 and 60 Hz, and for the first conversion in
automatic mode; 600 us for the automatic fault cycle; that the one-shot bit reads 1 until the
conversion is over (as the MAX31856's does) and that a new one-shot drops the running one;
thresholds compared as 16 bits; what is measured while the bias is off (0) or has not settled (7/8
of the value), after 1.5 ms (10.5 time constants of 430 ohm and 100 nF, and 1 ms).
"""

from simulators.board.chip import Chip
from simulators.board.constant import const
from simulators.board.inputs import HIGH, LOW, OPEN, SHORT
from simulators.board.scaling import Ratio
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

_BIAS = const(0x80)
_AUTO = const(0x40)
_ONE_SHOT = const(0x20)
_THREE_WIRE = const(0x10)
_CYCLE = const(0x0C)
_CYCLE_AUTOMATIC = const(0x04)
_CYCLE_MANUAL_END = const(0x0C)
_CLEAR = const(0x02)
_FIFTY_HZ = const(0x01)
_KEPT = _BIAS | _AUTO | _THREE_WIRE | _FIFTY_HZ

_ABOVE_HIGH = const(0x80)
_BELOW_LOW = const(0x40)
_REFIN_HIGH = const(0x20)

_ONE_SHOT_US = (52_000, 62_500)
_PERIOD_US = (16_667, 20_000)
_CYCLE_US = const(600)
_BIAS_SETTLE_US = const(1_500)
_FULL_SCALE = (OPEN, HIGH)
_NEAR_ZERO = const(2)


class Max31865(Chip):
    """The chip, its reference resistor and the leads of its sensor.

    open: full scale. short: near zero. A lead's resistance adds to what is measured unless the
    sensor has four wires, or three and the 3-wire bit is set. `selected` while chip select is low.
    """

    PHASE = 1

    def __init__(
        self,
        name: str,
        inputs: "list[Input]",
        ticks_us: "Callable[[], int]",
        rref_milliohm: int = 430_000,
        wires: int = 4,
        lead_milliohm: int = 0,
        rate_permille: int = 1000,
    ) -> None:
        super().__init__(name, inputs, ticks_us, False)
        self._input = inputs[0]
        self._to_code = Ratio(32768, rref_milliohm * 10)
        self._wires = wires
        self._lead = lead_milliohm * 10
        self._one_shot_us = [us * 1000 // rate_permille for us in _ONE_SHOT_US]
        self._period_us = [us * 1000 // rate_permille for us in _PERIOD_US]
        self.selected = False
        self._address = -1
        self.reset()

    def reset(self) -> None:
        self._config = 0
        self._cycle = 0
        self._code = 0
        self._thresholds = bytearray(b"\xff\xff\x00\x00")
        self._status = 0
        self._fresh = False
        self._trigger = False
        self._converting = False
        self._started_us = 0
        self._duration_us = 0
        self._cycle_us = 0
        self._bias_us = 0
        self._bias_settled = False

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
        if not self._bias_settled and self._config & _BIAS:
            self._bias_settled = ticks_diff(now_us, self._bias_us) >= _BIAS_SETTLE_US
        if self._cycle == _CYCLE_AUTOMATIC and ticks_diff(now_us, self._cycle_us) >= _CYCLE_US:
            self._check_leads()
        while self._converting and not self.frozen:
            elapsed = ticks_diff(now_us, self._started_us)
            if elapsed < self._duration_us:
                return
            if self._config & _AUTO:
                period_us = self._scaled_us(self._period_us)
                whole = (elapsed - self._duration_us) // period_us
                if whole:
                    skipped_us = self._duration_us + (whole - 1) * period_us
                    self._started_us = ticks_add(self._started_us, skipped_us)
                    self._duration_us = period_us
            self._finish()
            self._converting = bool(self._config & _AUTO)
            self._started_us = ticks_add(self._started_us, self._duration_us)
            self._duration_us = self._scaled_us(self._period_us)

    def _read(self, address: int) -> int:
        if address == 0:
            running = self._converting and not self._config & _AUTO
            return self._config | self._cycle | (_ONE_SHOT if running else 0)
        if address == 1:
            return self._code >> 7
        if address == 2:
            if self._fresh:
                self._fresh = False
                self._input.taken += 1
            return (self._code << 1 & 0xFF) | (1 if self._status else 0)
        if address < 7:
            return self._thresholds[address - 3]
        return self._status if address == 7 else 0xFF

    def _write(self, address: int, byte: int) -> None:
        if address == 0:
            self._configure(byte)
        elif 3 <= address < 7:
            self._thresholds[address - 3] = byte

    def _configure(self, byte: int) -> None:
        now_us = self.ticks_us()
        if byte & _BIAS and not self._config & _BIAS:
            self._bias_us = now_us
            self._bias_settled = False
        was_automatic = self._config & _AUTO
        self._config = byte & _KEPT
        if byte & _CLEAR and not byte & (_ONE_SHOT | _CYCLE):
            self._status = 0
        self._trigger = bool(byte & _ONE_SHOT) and not byte & (_AUTO | _CYCLE)
        if byte & _CYCLE and not byte & (_AUTO | _ONE_SHOT):
            self._converting = False
            self._cycle = byte & _CYCLE
            self._cycle_us = now_us
            if self._cycle == _CYCLE_MANUAL_END:
                self._check_leads()
        elif byte & _AUTO and not was_automatic:
            self._start(self._one_shot_us)
        elif was_automatic and not byte & _AUTO:
            self._converting = False

    def _start(self, durations_us: "list[int]") -> None:
        self._converting = True
        self._started_us = self.ticks_us()
        self._duration_us = self._scaled_us(durations_us)

    def _scaled_us(self, durations_us: "list[int]") -> int:
        return durations_us[self._config & _FIFTY_HZ] * self.slow_permille // 1000

    def _finish(self) -> None:
        """Take over the result: the sensor as it was half-way, compared with the thresholds."""
        value = self._input.value(ticks_add(self._started_us, self._duration_us >> 1))
        self._code = self._measured(value)
        self._fresh = True
        aligned = self._code << 1
        limits = self._thresholds
        if aligned >= limits[0] << 8 | limits[1]:
            self._status |= _ABOVE_HIGH
        if aligned <= limits[2] << 8 | limits[3]:
            self._status |= _BELOW_LOW

    def _measured(self, resistance: int) -> int:
        condition = self._input.condition
        if condition in _FULL_SCALE:
            return 0x7FFF
        if condition == SHORT:
            return _NEAR_ZERO
        if condition == LOW or not self._config & _BIAS:
            return 0
        code = self._to_code.of(resistance + self._lead_error())
        if not self._bias_settled:
            code = code * 7 >> 3
        return 0 if code < 0 else 0x7FFF if code > 0x7FFF else code

    def _lead_error(self) -> int:
        three_wire = self._config & _THREE_WIRE
        if self._wires == 4:
            return -self._lead if three_wire else 0
        if self._wires == 3:
            return 0 if three_wire else self._lead
        return self._lead if three_wire else 2 * self._lead

    def _check_leads(self) -> None:
        self._cycle = 0
        if self._input.condition == OPEN:
            self._status |= _REFIN_HIGH
