"""NAU7802: 24-bit ADC for a strain bridge, on I2C at 0x2A (Nuvoton, revision 1.7 of 2012).

Registers: 0 PU_CTRL (0x80 supply from its regulator, 0x20 a result is ready, 0x10 convert, 0x08
powered up, 0x04 analogue and 0x02 digital part on, 0x01 reset), 1 CTRL1 (regulator 5..3: 4.5 V
down to 2.4 V in steps of 0.3; gain 2..0: 1 to 128), 2 CTRL2 (0x80 second input, rate 6..4: 10,
20, 40, 80 and, with 7, 320 per s; 0x08 calibration error, 0x04 calibrate, mode 1..0), 12 to 14 the
result, 1F revision 0x0F. The pointer counts up. Powered up 200 us after the digital part is on.
A calibration error stays until a calibration succeeds or a reset (data sheet 8.6.3).
Result = V / (half the supply / gain) * 0x800000, clipped at 0x7FFFFF and 0x800000.

Not simulated: the second input (reads the first), calibration of system offset and gain (ends
with the error), the temperature sensor, and that the chip is rated to -40 °C and no further.
Unverified: half the supply as full scale; 344 ms for a calibration at any rate; an offset of
25,000 codes until it has been done for the gain, rate and supply in force, and begun when the
regulator had settled for 200 ms; that the first result comes after four conversions, as the filter
needs them, and again after each change; that a result which was not read is replaced by the next;
that the ready bit falls with the read of the lowest byte.
"""

from simulators.board.chip import Chip
from simulators.board.inputs import HIGH, LOW, OPEN, SHORT
from simulators.board.scaling import Ratio
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from simulators.board.inputs import Input

_REGULATED = 0x80
_READY = 0x20
_CONVERT = 0x10
_POWERED = 0x08
_ANALOGUE = 0x04
_DIGITAL = 0x02
_RESET = 0x01
_KEPT = 0xD7
"""Bits of PU_CTRL that read back as written."""

_CALIBRATION_ERROR = 0x08
_CALIBRATE = 0x04
_RESULT = 0x12
_REVISION = 0x1F

_POWER_UP_US = 200
_REGULATOR_US = 200_000
_CALIBRATION_US = 344_000
_SETTLING = 4
_RATES = (10, 20, 40, 80, 10, 10, 10, 320)
_OFFSET = 25_000
_HIGHEST = 0x7FFFFF
_LOWEST = -0x800000


class Nau7802(Chip):
    """The chip with a bridge at its first input, which is supplied with the chip's own AVDD.

    open: the end of the range, to which an input without a wire drifts. short: 0 V.
    """

    HAS_ID = True
    CALIBRATES = True

    def __init__(
        self,
        name: str,
        inputs: "list[Input]",
        ticks_us: "Callable[[], int]",
        avdd_millivolt: int = 3_300,
        rate_permille: int = 1000,
    ) -> None:
        super().__init__(name, inputs, ticks_us, True)
        self._input = inputs[0]
        self._avdd = avdd_millivolt
        self._conversion_us = [1_000_000_000 // (rate * rate_permille) for rate in _RATES]
        self._pointer = 0
        self.reset()

    def reset(self) -> None:
        self._registers = bytearray(0x20)
        self._registers[0x06] = self._registers[0x0D] = 0x80
        self._registers[_REVISION] = 0x0F
        self._powered_us = 0
        self._powering = False
        self._regulated_us = 0
        self._converting = False
        self._calibrating = False
        self._calibrated = -1
        self._settling = 0
        self._fresh = False
        self._started_us = 0
        self._duration_us = 0
        self._to_code = Ratio(1, 1)

    def point(self, register: int) -> None:
        """The first byte of a write transaction."""
        self._pointer = register & 0x1F

    def store(self, data: "memoryview | bytes | bytearray", start: int) -> None:
        """The bytes after it, from `start` on, into register after register."""
        for index in range(start, len(data)):
            self._write(self._pointer, data[index])
            self._pointer = (self._pointer + 1) & 0x1F

    def fetch(self, buffer: "memoryview | bytearray") -> None:
        """Fill a read transaction from the register that the pointer names, and the next ones."""
        self.settle(self.ticks_us())
        for index in range(len(buffer)):
            buffer[index] = self._read(self._pointer)
            self._pointer = (self._pointer + 1) & 0x1F

    def general_call(self, command: int) -> None:
        """Not answered."""

    def ready_level(self) -> int:
        """The DRDY pin: 1 while a result is ready."""
        self.settle(self.ticks_us())
        return 1 if self._fresh else 0

    def settle(self, now_us: int) -> None:
        if self._powering and ticks_diff(now_us, self._powered_us) >= _POWER_UP_US:
            self._powering = False
            self._registers[0] |= _POWERED
            self._restart(ticks_add(self._powered_us, _POWER_UP_US))
        if self._calibrating and not self.frozen:
            if ticks_diff(now_us, self._started_us) < self._duration_us:
                return
            self._calibrating = False
            self._end_calibration()
            self._restart(ticks_add(self._started_us, self._duration_us))
        while self._converting and not self._calibrating and not self.frozen:
            elapsed = ticks_diff(now_us, self._started_us)
            if elapsed < self._duration_us:
                return
            whole = elapsed // self._duration_us
            if self._settling >= whole:
                self._settling -= whole
            else:
                self._settling = 0
                last_us = ticks_add(self._started_us, (whole - 1) * self._duration_us)
                self._finish(ticks_add(last_us, self._duration_us >> 1))
            self._started_us = ticks_add(self._started_us, whole * self._duration_us)
            self._take_time()

    def _read(self, register: int) -> int:
        byte = self._registers[register]
        if register == 0 and self._fresh:
            return byte | _READY
        if register == 2 and self._calibrating:
            return byte | _CALIBRATE
        if register == _RESULT + 2 and self._fresh:
            self._fresh = False
            self._input.taken += 1
        if register == _REVISION and self.wrong_id >= 0:
            return self.wrong_id & 0xFF
        return byte

    def _write(self, register: int, byte: int) -> None:
        now_us = self.ticks_us()
        self.settle(now_us)
        registers = self._registers
        if register == 0:
            self._power(byte, now_us)
        elif registers[0] & _RESET:
            return
        elif register == 2:
            before = registers[2]
            registers[2] = byte & ~(_CALIBRATE | _CALIBRATION_ERROR) | before & _CALIBRATION_ERROR
            if (byte ^ before) & 0xF0:
                self._restart(now_us)
            if byte & _CALIBRATE and self._converting:
                self._calibrating = True
                self._fresh = False
                self._started_us = now_us
                self._duration_us = _CALIBRATION_US * self.slow_permille // 1000
        elif register == 1:
            changed = registers[1] ^ byte
            registers[1] = byte
            if changed & 0x38:
                self._regulated_us = now_us
            if changed:
                self._restart(now_us)
        elif not _RESULT <= register < _RESULT + 3 and register != _REVISION:
            registers[register] = byte

    def _power(self, byte: int, now_us: int) -> None:
        if byte & _RESET:
            self.reset()
            self._registers[0] = _RESET
            return
        before = self._registers[0]
        if not byte & _DIGITAL:
            self._powering = False
            before = 0
        elif not before & _DIGITAL:
            self._powering = True
            self._powered_us = now_us
        self._registers[0] = byte & _KEPT | before & _POWERED
        if byte & _REGULATED and not before & _REGULATED:
            self._regulated_us = now_us
        if (byte ^ before) & (_REGULATED | _CONVERT | _ANALOGUE | _DIGITAL):
            self._restart(now_us)

    def _restart(self, now_us: int) -> None:
        """Begin anew with the settings in force, whatever was going on."""
        needed = _CONVERT | _POWERED | _ANALOGUE | _DIGITAL
        self._converting = self._registers[0] & needed == needed
        self._calibrating = False
        self._fresh = False
        self._settling = _SETTLING - 1
        self._started_us = now_us
        self._take_time()
        control = self._registers[1]
        regulated = self._registers[0] & _REGULATED
        supply_millivolt = 4500 - 300 * (control >> 3 & 7) if regulated else self._avdd
        self._to_code = Ratio(0x800000 << (control & 7), supply_millivolt * 500_000)

    def _take_time(self) -> None:
        usual_us = self._conversion_us[self._registers[2] >> 4 & 7]
        self._duration_us = usual_us * self.slow_permille // 1000

    def _settings(self) -> int:
        registers = self._registers
        return registers[0] & _REGULATED | registers[1] << 8 | (registers[2] & 0xF0) << 16

    def _end_calibration(self) -> None:
        if self.miscalibrates or self._registers[2] & 3:
            self._registers[2] |= _CALIBRATION_ERROR
            return
        self._registers[2] &= ~_CALIBRATION_ERROR
        regulated = self._registers[0] & _REGULATED
        if not regulated or ticks_diff(self._started_us, self._regulated_us) >= _REGULATOR_US:
            self._calibrated = self._settings()

    def _finish(self, at_us: int) -> None:
        """Put a result into its registers: the bridge as it was at a moment."""
        code = self._code(at_us)
        code = _HIGHEST if code > _HIGHEST else _LOWEST if code < _LOWEST else code
        self._registers[_RESULT] = code >> 16 & 0xFF
        self._registers[_RESULT + 1] = code >> 8 & 0xFF
        self._registers[_RESULT + 2] = code & 0xFF
        self._fresh = True

    def _code(self, at_us: int) -> int:
        nanovolts = self._input.value(at_us)
        condition = self._input.condition
        if condition in (OPEN, HIGH):
            return _HIGHEST
        if condition == LOW:
            return _LOWEST
        code = 0 if condition == SHORT else self._to_code.of(nanovolts)
        return code if self._calibrated == self._settings() else code + _OFFSET
