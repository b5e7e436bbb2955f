"""NAU7802: 24-bit ADC for a strain bridge, on I2C at 0x2A.

Facts (Nuvoton data sheet, revision 1.7):
- 00 PU_CTRL: 80 supply from the chip's regulator, 20 a result is ready, 10 convert, 08 powered up
  (200 us after the digital part is on), 04 analogue and 02 digital part on, 01 reset of all
  registers. 01 CTRL1: regulator in bits 5..3, 4.5 V less 0.3 V a step; gain 2^n in bits 2..0.
  02 CTRL2: rate in bits 6..4 (0: 10, 1: 20, 2: 40, 3: 80, 7: 320 per second), 08 calibration
  error, 04 calibrate, which clears itself; bits 1..0 = 0: the chip's own offset. 12-14 the result,
  highest byte first. 15 = 30: no chopper clock (9.1). 1C, 80: capacitor at the second input (9.4).
  1F: revision, xF (readable only when powered up: observed).
- It must be calibrated after each change of gain or rate. A calibration error stays until one
  succeeds or the chip is reset (8.6.3), and what it converts until then is wrong.
- It converts all the time; a result that is not read is replaced by the next (unverified).
- The regulator takes 200 ms to settle, a calibration 344 ms (both observed, not specified), the
  filter four conversions (unverified).
- Rated from -40 to 85 °C. Its thermometer shares the input with the bridge, so that of the board
  must do: `coldest_c`.
The regulator needs 0.3 V less than the supply: 3.0 V on a board with 3.3 V.

A row takes the newest result, up to a conversion old. Where `rate` is twice that of the rows or
more, each row finds one; a conversion that takes so long that it does not ends as STUCK.
"""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const

from axwire.codes import NO_ANSWER, NOT_READY, OK, STUCK
from drivers import CONVERTING, MISSING_32
from drivers.bridge import LIMITS, NO_LIMITS, check_limits, signed, status

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import I2C

    from axnode.hardware import Board

SETTINGS = {
    "i2c": [0, 7],
    "gain": (1, 2, 4, 8, 16, 32, 64, 128),
    "rate": (10, 20, 40, 80, 320),
    "avdd_millivolt": (4500, 4200, 3900, 3600, 3300, 3000, 2700, 2400),
}
SETTINGS.update(LIMITS)
DEFAULTS = {"gain": 128, "avdd_millivolt": 3000}
DEFAULTS.update(NO_LIMITS)

_ADDRESS = const(0x2A)
_POWER = const(0x00)
_CONTROL_1 = const(0x01)
_CONTROL_2 = const(0x02)
_RESULT = const(0x12)
_CHOPPER = const(0x15)
_CAPACITOR = const(0x1C)
_REVISION = const(0x1F)

_REGULATED = const(0x80)
_READY = const(0x20)
_CONVERT = const(0x10)
_POWERED = const(0x08)
_ANALOGUE = const(0x04)
_DIGITAL = const(0x02)
_RESET = const(0x01)
_CALIBRATE = const(0x04)
_NO_CHOPPER = const(0x30)
_CAPACITOR_ON = const(0x80)
_RATE_320 = const(7)

_POWER_UP_US = const(1_000)
_POWER_UP_MOST_US = const(10_000)
_REGULATOR_US = const(250_000)
_CALIBRATION_US = const(350_000)
_CALIBRATION_MOST_US = const(1_000_000)
_LOOK_AGAIN_US = const(20_000)
_SETTLING = const(4)

_POWERING, _SUPPLYING, _CALIBRATING, _RUNNING = const(0), const(1), const(2), const(3)


def make(settings: "dict[str, int]", board: "Board") -> "Nau7802":
    """The chip that the configuration describes. Raises ValueError: its limits are none."""
    check_limits(settings)
    return Nau7802(
        board.i2c(settings["i2c"]),
        settings["gain"],
        settings["rate"],
        settings["avdd_millivolt"],
        settings["lowest"],
        settings["highest"],
    )


class Nau7802:
    """One chip with a bridge at its first input, supplied with the regulator's voltage."""

    inputs = 1
    wide = True
    coldest_c = -40

    def __init__(
        self, i2c: "I2C", gain: int, rate: int, avdd_millivolt: int, lowest: int, highest: int
    ) -> None:
        self.raw = MISSING_32
        self.due = 0
        self._i2c = i2c
        self._nominal_us = 1_000_000 // rate
        self.conversion_us = 2 * self._nominal_us
        self._lowest = lowest
        self._highest = highest
        self._stage = _POWERING
        self._since = 0
        self._patience_us = 0
        regulator = SETTINGS["avdd_millivolt"].index(avdd_millivolt)
        gain_bits = SETTINGS["gain"].index(gain)
        rate_bits = _RATE_320 if rate == 320 else SETTINGS["rate"].index(rate)
        self._wanted = bytes(
            (
                _REGULATED | _CONVERT | _POWERED | _ANALOGUE | _DIGITAL,
                regulator << 3 | gain_bits,
                rate_bits << 4,
            )
        )
        self._got = bytearray(3)
        self._byte = bytearray(1)

    def check(self) -> int:
        """Reset the chip and switch it on. The rest of its start takes time: `poll` sees to it."""
        self._write(_POWER, _RESET)
        self._write(_POWER, _ANALOGUE | _DIGITAL)
        self._stage = _POWERING
        self._since = ticks_us()
        power = self._read(_POWER)
        return OK if power & (_ANALOGUE | _DIGITAL | _RESET) == _ANALOGUE | _DIGITAL else NOT_READY

    def verify(self) -> int:
        """Who it is, and whether it runs as it was set up."""
        if self._read(_REVISION) & 0x0F != 0x0F:
            return NO_ANSWER
        self._i2c.readfrom_mem_into(_ADDRESS, _POWER, self._got)
        return OK if self._stage == _RUNNING and self._configured() else NOT_READY

    def start(self, number: int) -> None:
        """Nothing: it converts all the time."""
        self.due = ticks_us()
        if self._stage == _POWERING:
            self.due = ticks_add(self._since, _POWER_UP_US)

    def poll(self, now: int) -> int:
        """Read the newest result, unless the chip lost its configuration or is not yet started."""
        self.raw = MISSING_32
        if self._stage == _POWERING:
            return self._set_up(now)
        got = self._got
        self._i2c.readfrom_mem_into(_ADDRESS, _POWER, got)
        if self._stage == _CALIBRATING and got[2] & _CALIBRATE:
            return self._wait(now, _CALIBRATION_MOST_US, _LOOK_AGAIN_US)
        if not self._configured():
            return NOT_READY
        if self._stage == _SUPPLYING:
            self._write(_CONTROL_2, self._wanted[2] | _CALIBRATE)
            return self._enter(_CALIBRATING, now, _CALIBRATION_US)
        if self._stage == _CALIBRATING:
            self._patience_us = 2 * _SETTLING * self._nominal_us
            return self._enter(_RUNNING, now, _SETTLING * self._nominal_us)
        if not got[0] & _READY:
            return self._wait(now, self._patience_us, self._nominal_us >> 3)
        self._i2c.readfrom_mem_into(_ADDRESS, _RESULT, got)
        self._since = now
        self._patience_us = 2 * self._nominal_us
        self.raw = signed(got[0] << 16 | got[1] << 8 | got[2])
        return status(self.raw, self._lowest, self._highest)

    def _set_up(self, now: int) -> int:
        """Configure the chip once it is powered up."""
        if not self._read(_POWER) & _POWERED:
            return self._wait(now, _POWER_UP_MOST_US, _POWER_UP_US)
        if self._read(_REVISION) & 0x0F != 0x0F:
            return NO_ANSWER
        self._write(_CONTROL_1, self._wanted[1])
        self._write(_CONTROL_2, self._wanted[2])
        self._write(_CHOPPER, _NO_CHOPPER)
        self._write(_CAPACITOR, _CAPACITOR_ON)
        self._write(_POWER, self._wanted[0])
        return self._enter(_SUPPLYING, now, _REGULATOR_US)

    def _enter(self, stage: int, now: int, wait_us: int) -> int:
        self._stage = stage
        self._since = now
        self.due = ticks_add(now, wait_us)
        return CONVERTING

    def _wait(self, now: int, most_us: int, wait_us: int) -> int:
        if ticks_diff(now, self._since) >= most_us:
            return STUCK
        self.due = ticks_add(now, wait_us)
        return CONVERTING

    def _configured(self) -> bool:
        """Whether what was just read is what was written, and no calibration failed."""
        got = self._got
        wanted = self._wanted
        return got[0] & ~_READY == wanted[0] and got[1] == wanted[1] and got[2] == wanted[2]

    def _write(self, register: int, byte: int) -> None:
        self._byte[0] = byte
        self._i2c.writeto_mem(_ADDRESS, register, self._byte)

    def _read(self, register: int) -> int:
        self._i2c.readfrom_mem_into(_ADDRESS, register, self._byte)
        return self._byte[0]
