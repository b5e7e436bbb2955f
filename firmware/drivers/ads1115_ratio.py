"""Ratiometric transducers on an ADS1115: their outputs as parts of their supply.

Such a transducer gives 10 % of its supply at the low end of its range and 90 % at the high end
(0.5 to 4.5 V of 5 V), so what the supply does cancels out. One input of the chip measures the
supply (`supply_input`), through a divider that is the same as those of the outputs;
`supply_millivolt` is what it reads there when all is well. Each reading takes two conversions, the
output and then the supply, 1.2 ms apart at 860 a second: a chip read each 10 ms has room for three
transducers.

- Below 5 % of the supply the channel is OPEN, above 95 % SHORT: no transducer that lives gives
  either (common among them, of no standard; unverified). A cut wire reads 0 V only with a resistor
  to ground at the input: the divider is one. An output shorted to ground reads the same.
- A supply more than a tenth off: OUT_OF_RANGE, with the value. Less than half of it: NOT_READY,
  without one.

`raw` = 1/25000 of the supply. The configuration of a channel, with low and high what 10 and 90 %
stand for, in 10^exponent of the quantity:
    scale  = (high - low) / 20000
    offset = low - (high - low) / 8
"""

from micropython import const

from axwire.codes import NOT_READY, OK, OPEN, OUT_OF_RANGE, SATURATED, SHORT
from drivers import CONVERTING, MISSING_16
from drivers.ads1115 import Ads1115

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import I2C

_WHOLE = const(25_000)
_LOW = const(1_250)
_HIGH = const(23_750)
_NONE = const(-0x8000)


class RatioAds1115(Ads1115):
    """One chip; `supply_input` is not for a channel."""

    def __init__(
        self,
        i2c: "I2C",
        address: int,
        range_mv: int,
        rate: int,
        supply_input: int,
        supply_millivolt: int,
    ) -> None:
        Ads1115.__init__(self, i2c, address, range_mv, rate, 0)
        self.conversion_us *= 2
        nominal = supply_millivolt * 32768 // range_mv
        if nominal + nominal // 5 >= 0x7FFF:
            raise ValueError("supply_millivolt is too much for a range of %d mV" % range_mv)
        self._supply_input = supply_input
        self._low = -0x8000
        self._high = 0x7FFF
        self._nominal = nominal
        self._output = _NONE

    def start(self, number: int) -> None:
        """Begin to convert the output; the supply follows."""
        self._output = _NONE
        Ads1115.start(self, number)

    def poll(self, now: int) -> int:
        """Read the output and convert the supply, or read that and divide."""
        status = Ads1115.poll(self, now)
        code = self.raw
        if code == MISSING_16:
            return status
        self.raw = MISSING_16
        if self._output == _NONE:
            Ads1115.start(self, self._supply_input)
            self._output = code
            return CONVERTING
        if code < self._nominal >> 1:
            return NOT_READY
        output = self._output
        ratio = output * _WHOLE // code
        self.raw = ratio if -0x7FFF <= ratio <= 0x7FFF else 0x7FFF if ratio > 0 else -0x7FFF
        if abs(output) == 0x7FFF:
            return SATURATED
        if abs(code - self._nominal) * 10 > self._nominal:
            return OUT_OF_RANGE
        if ratio < _LOW:
            return OPEN
        return SHORT if ratio > _HIGH else OK
