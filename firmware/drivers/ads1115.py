"""ADS1115: four-input 16-bit ADC on I2C, reading 4-20 mA loops over a shunt.

With `supply_input` in place of `shunt_milliohm` its inputs are ratiometric transducers: see
ads1115_ratio.py.

Facts (TI data sheet SBAS444):
- Registers 0 conversion, 1 configuration, both 16 bits, high byte first; reset 0x8583.
- Configuration: bit 15 written 1 begins a single conversion, reads 1 while none is running;
  14..12 input: 100 = AIN0 against ground .. 111 = AIN3; 11..9 range; 8 = 1 single-shot;
  7..5 rate: 8, 16, 32, 64, 128, 250, 475, 860 per second, 10 % tolerance; 1..0 = 11: comparator
  off.
- It has no identity: a configuration that reads back stands for one.
- Ranges 6144, 4096, 2048, 1024, 512, 256 mV for a code of 32768; a code at either end is clipped.
A loop carries 4 to 20 mA for what it measures. NAMUR NE43: a transmitter reports its own failure
below 3.6 or above 21 mA; a cut wire gives 0 mA, a shorted one as much as the supply can drive.

The configuration of a loop's channel, with low and high what 4 and 20 mA stand for, in 10^exponent
of the quantity:
    mA a code = range_mv / 32768 / (shunt_milliohm / 1000)
    scale  = (high - low) / 16 x mA a code
    offset = low - (high - low) / 4
"""

from time import ticks_add, ticks_diff, ticks_us

from micropython import const

from axwire.codes import NOT_READY, OK, OPEN, SATURATED, SHORT, STUCK
from drivers import CONVERTING, MISSING_16

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import I2C

    from axnode.hardware import Board

SETTINGS = {
    "i2c": [0, 7],
    "address": [72, 75],
    "range_mv": (6144, 4096, 2048, 1024, 512, 256),
    "rate": (8, 16, 32, 64, 128, 250, 475, 860),
    "shunt_milliohm": [1000, 1_000_000],
    "supply_input": [0, 3],
    "supply_millivolt": [500, 6000],
}
DEFAULTS = {"shunt_milliohm": None, "supply_input": None, "supply_millivolt": 2500}

_CONVERSION = const(0)
_CONFIGURATION = const(1)
_START = const(0x80)
_SINGLE_SHOT = const(0x01)
_INPUT_0 = const(0x40)
_COMPARATOR_OFF = const(0x03)
_LOW_UA = const(3600)
_HIGH_UA = const(21000)
_RECENT_US = const(1000)


def make(settings: "dict[str, int]", board: "Board") -> "Ads1115":
    """The chip that the configuration describes. Raises ValueError: its range clips what it reads,
    or it reads neither loops nor transducers."""
    range_mv = settings["range_mv"]
    shunt_milliohm = settings["shunt_milliohm"]
    if (shunt_milliohm is None) == (settings["supply_input"] is None):
        raise ValueError("it needs either shunt_milliohm or supply_input")
    if shunt_milliohm is None:
        from drivers.ads1115_ratio import RatioAds1115

        return RatioAds1115(
            board.i2c(settings["i2c"]),
            settings["address"],
            range_mv,
            settings["rate"],
            settings["supply_input"],
            settings["supply_millivolt"],
        )
    if code_of(_HIGH_UA, range_mv, shunt_milliohm) >= 0x7FFF:
        raise ValueError("21 mA over this shunt is more than %d mV" % range_mv)
    i2c = board.i2c(settings["i2c"])
    return Ads1115(i2c, settings["address"], range_mv, settings["rate"], shunt_milliohm)


class Ads1115:
    """One chip whose inputs are current loops with the same shunt."""

    inputs = 4
    wide = False

    def __init__(
        self, i2c: "I2C", address: int, range_mv: int, rate: int, shunt_milliohm: int
    ) -> None:
        self.raw = MISSING_16
        self.due = 0
        self._i2c = i2c
        self._address = address
        self._nominal_us = 1_000_000 // rate
        self._usual_us = self._nominal_us + self._nominal_us // 10
        self.conversion_us = self._usual_us
        self._began = 0
        self._looked = 0
        self._low = code_of(_LOW_UA, range_mv, shunt_milliohm)
        self._high = code_of(_HIGH_UA, range_mv, shunt_milliohm)
        self._wanted = bytearray(2)
        self._wanted[0] = _INPUT_0 | SETTINGS["range_mv"].index(range_mv) << 1 | _SINGLE_SHOT
        self._wanted[1] = SETTINGS["rate"].index(rate) << 5 | _COMPARATOR_OFF
        self._got = bytearray(2)

    def check(self) -> int:
        """Configure the chip and read that back; begins no conversion.

        STUCK: one still runs, whose result would be mistaken for that of the next.
        """
        self._wanted[0] &= ~_START
        self._i2c.writeto_mem(self._address, _CONFIGURATION, self._wanted)
        self._i2c.readfrom_mem_into(self._address, _CONFIGURATION, self._got)
        if not self._configured():
            return NOT_READY
        return OK if self._got[0] & _START else STUCK

    def start(self, number: int) -> None:
        """Begin to convert input `number`, unless the chip lost its configuration meanwhile.

        That is looked at when it has been idle: `poll` then says NOT_READY.
        """
        now = ticks_us()
        if not 0 <= ticks_diff(now, self._looked) < _RECENT_US:
            self._i2c.readfrom_mem_into(self._address, _CONFIGURATION, self._got)
            if not self._configured():
                self.due = now
                return
        wanted = self._wanted
        wanted[0] = _START | _INPUT_0 | number << 4 | wanted[0] & 0x0F
        self._i2c.writeto_mem(self._address, _CONFIGURATION, wanted)
        self._began = ticks_us()
        self.due = ticks_add(self._began, self._usual_us)

    def poll(self, now: int) -> int:
        """Read the code once the chip is idle again, unless it lost its configuration."""
        got = self._got
        i2c = self._i2c
        address = self._address
        i2c.readfrom_mem_into(address, _CONFIGURATION, got)
        if got != self._wanted:
            return self._unfinished(now)
        i2c.readfrom_mem_into(address, _CONVERSION, got)
        self._looked = now
        code = ((got[0] ^ 0x80) << 8 | got[1]) - 0x8000
        if self._low <= code <= self._high:
            self.raw = code
            return OK
        if code == MISSING_16:
            code += 1
        self.raw = code
        if code == 0x7FFF or code == -0x7FFF:
            return SATURATED
        return OPEN if code < self._low else SHORT

    def _unfinished(self, now: int) -> int:
        """What a configuration means that is not the one written, start bit and all."""
        self.raw = MISSING_16
        if not self._configured():
            return NOT_READY
        if ticks_diff(now, self._began) >= 2 * self._nominal_us:
            return STUCK
        self.due = ticks_add(now, self._nominal_us // 10)
        return CONVERTING

    def _configured(self) -> bool:
        """Whether the configuration just read is the one written, the start bit aside."""
        wanted = self._wanted
        got = self._got
        return not (got[0] ^ wanted[0]) & ~_START and got[1] == wanted[1]


def code_of(microampere: int, range_mv: int, shunt_milliohm: int) -> int:
    """The code of a current over a shunt."""
    return microampere * shunt_milliohm * 32768 // (range_mv * 1_000_000)
