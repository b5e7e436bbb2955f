"""Time since boot, from a counter of microseconds that wraps within minutes.

MicroPython's `ticks_us` starts again at 2^30 (after 17.9 minutes), and an integer beyond 2^30 is
an object on the heap. So the sampling loop works with ticks alone, which are compared with
`ticks_diff` and never allocate; a tick becomes a time only where a message is written.
"""

from time import ticks_diff, ticks_us

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_WRAP_BITS = const(30)


class BootClock:
    """Counts the wraps of a 30-bit microsecond counter. Time 0 is when the clock was made."""

    def __init__(self, ticks: "Callable[[], int]" = ticks_us) -> None:
        self._ticks = ticks
        self._wraps = 0
        self._origin = self._last = ticks()

    def tick(self) -> int:
        """The counter now. Must be called at least every 8 minutes; allocates nothing."""
        now = self._ticks()
        if now < self._last:
            self._wraps += 1
        self._last = now
        return now

    def us_at(self, tick: int) -> int:
        """Microseconds since boot at a tick at most 8 minutes from the last call of `tick`."""
        last = (self._wraps << _WRAP_BITS) + self._last
        return last - self._origin + ticks_diff(tick, self._last)

    def ms_at(self, tick: int) -> int:
        """Whole milliseconds since boot at such a tick."""
        return self.us_at(tick) // 1000
