"""Counts the pulses of a tacho with a pulse counter (PCNT) of an ESP32.

Facts (MicroPython's documentation of machine.Counter; ESP32 technical reference):
- ESP32 has eight units, ESP32-S3 four. The counter is 16 bits wide; MicroPython adds the overflows
  up, so the count does not wrap within a year at 1 MHz.
- The filter passes levels that last at least so many of 1023 cycles of 80 MHz: 12.7 us at most. A
  sensor that bounces for longer needs a filter of its own before the pin.
- No edge is dated: it came between two looks at the count.
"""

from machine import Counter
from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import Pin

FILTER_US = (1, 12)
"""The shortest and the longest filter."""

_MASK = const(0x3FFFFFFF)


class PulseCounter:
    """One unit.

    `count` = rising edges, `edge` = when the last came, in `grain_ns`; both modulo 2^30 and from
    an arbitrary start. `coarse_us` = how far `edge` may be off: as far as `read` is called apart.
    """

    def __init__(self, unit: int, pin: "Pin", filter_us: int) -> None:
        self.count = 0
        self.edge = 0
        self.grain_ns = 1000
        self.coarse_us = 0
        self._looked = 0
        self._counter = Counter(unit, pin, filter_ns=filter_us * 1000)

    def check(self) -> None:
        """It counts since it was made."""

    def read(self, now: int) -> None:
        """Bring `count` and `edge` up to date, at the tick `now`. Raises OSError."""
        count = self._counter.value() & _MASK
        if count != self.count:
            self.count = count
            self.edge = now
            self.coarse_us = (now - self._looked) & _MASK
        self._looked = now
