"""Where the gateway's time comes from: passed in everywhere, so that a bench can own it."""

import ctypes
import time
from typing import Protocol

__all__ = ["Clock", "SystemClock"]


class Clock(Protocol):
    """Monotonic and wall time in microseconds, and whether the wall time can be believed."""

    def monotonic_us(self) -> int:
        """Microseconds that never step, from an arbitrary start."""

    def utc_us(self) -> int:
        """Microseconds since 1970-01-01 UTC as this machine believes them."""

    def trusted(self) -> bool:
        """Whether a time source (RTC, GNSS, NTP) has set the wall time."""


class SystemClock:
    """The machine's own clocks.

    With `trust="system"` the wall time counts as set when the kernel says so: adjtimex(2)
    answers TIME_ERROR (5) until a time daemon has disciplined the clock. "always" and "never"
    overrule it, for machines whose time source the kernel does not know of.
    """

    _TIME_ERROR = 5
    _TIMEX_BYTES = 256  # struct timex is 208 bytes on 64-bit Linux, 128 on 32-bit

    def __init__(self, trust: str = "system") -> None:
        self._trust = trust
        self._libc = ctypes.CDLL(None, use_errno=True)

    def monotonic_us(self) -> int:
        return time.monotonic_ns() // 1000  # noqa: TID251 the one place that asks the machine

    def utc_us(self) -> int:
        return time.time_ns() // 1000  # noqa: TID251

    def trusted(self) -> bool:
        if self._trust != "system":
            return self._trust == "always"
        state = self._libc.adjtimex(ctypes.create_string_buffer(self._TIMEX_BYTES))
        return bool(0 <= state < self._TIME_ERROR)
