"""Where the gateway's time comes from: passed in everywhere, so that a bench can own it."""

import ctypes
import secrets
import time
from pathlib import Path
from typing import Protocol

__all__ = ["Clock", "SystemClock"]

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_TIME_ERROR = 5
_STA_UNSYNC = 0x0040
_STA_NANO = 0x2000
_SLEW_US = 5_000
"""A time daemon that is still moving the clock by more has not set it yet."""


class Clock(Protocol):
    """Monotonic and wall time in microseconds, and whether the wall time can be believed."""

    def monotonic_us(self) -> int:
        """Microseconds that never step, from a start that is the same for one `boot_id`."""

    def utc_us(self) -> int:
        """Microseconds since 1970-01-01 UTC as this machine believes them; may step."""

    def trusted(self) -> bool:
        """Whether a time source (RTC, GNSS, NTP) has set the wall time."""

    def boot_id(self) -> str:
        """Names the monotonic time: it begins anew when the machine does."""


class _Timex(ctypes.Structure):
    """The beginning of struct timex of adjtimex(2); it is 208 bytes on 64-bit Linux."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("frequency", ctypes.c_long),
        ("maximum_error", ctypes.c_long),
        ("estimated_error", ctypes.c_long),
        ("status", ctypes.c_int),
        ("rest", ctypes.c_char * 256),
    )


class SystemClock:
    """The machine's own clocks; the monotonic one is CLOCK_BOOTTIME, which also counts sleep.

    With `trust="system"` the wall time counts as set when the kernel says so (adjtimex(2): no
    STA_UNSYNC) and has no more than 5 ms left of a correction. systemd-timesyncd, ntpd and chrony
    with `rtcsync` tell the kernel. "always" and "never" overrule it, for machines whose time
    source the kernel does not know of.
    """

    def __init__(self, trust: str = "system") -> None:
        self._trust = trust
        self._libc = ctypes.CDLL(None, use_errno=True)
        try:
            self._boot_id = _BOOT_ID.read_text(encoding="ascii").strip().replace("-", "")[:16]
        except OSError:
            self._boot_id = secrets.token_hex(8)

    def monotonic_us(self) -> int:
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 1000  # noqa: TID251 asks the machine

    def utc_us(self) -> int:
        return time.time_ns() // 1000  # noqa: TID251

    def trusted(self) -> bool:
        if self._trust != "system":
            return self._trust == "always"
        timex = _Timex()
        state = self._libc.adjtimex(ctypes.byref(timex))
        return is_set(state, timex.status, timex.offset)

    def boot_id(self) -> str:
        return self._boot_id


def is_set(state: int, status: int, offset: int) -> bool:
    """Whether what adjtimex(2) answered means a clock that was set, and is where it should be.

    `offset` is what is left of a correction, in nanoseconds with STA_NANO, else microseconds.
    """
    left_us = abs(offset) // (1000 if status & _STA_NANO else 1)
    return 0 <= state < _TIME_ERROR and not status & _STA_UNSYNC and left_us <= _SLEW_US
