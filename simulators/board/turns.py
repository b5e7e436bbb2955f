"""What asyncio finds as `select` where it is to be known how long the firmware's turns are.

A turn lasts from the end of one wait to the begin of the next; nothing else of the firmware can
run in it, a row that is due least of all. What the machine below does meanwhile must not count: a
turn is measured by the processor's time that it took. One in which the process slept, which it
must not do but in `poll`, is counted as well, with the time that had passed when it was over.

For MicroPython on Linux alone.
"""

from array import array

import ffi  # type: ignore[import-not-found]
import uselect  # type: ignore[import-not-found]

from simulators.board.ticks import ticks_diff, ticks_us

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16

_getrusage = ffi.open("libc.so.6").func("i", "getrusage", "iP")
_SELF = 0
_LONG_US = 2000
_SECONDS, _MICROSECONDS, _SLEPT = (0, 2), (1, 3), 16
"""Indices in getrusage's answer, all of it `long`: time as user and as system, waits (nvcsw)."""


class Turns:
    """Since the last `take`: their `count`, how many were `long`, the `longest_us`, all by the
    processor's time; how many `slept`, and the `longest_slept_us` of these by the clock."""

    def __init__(self) -> None:
        self.count = 0
        self.long = 0
        self.longest_us = 0
        self.slept = 0
        self.longest_slept_us = 0
        self._usage = array("l", [0] * 18)
        self._paused_us = 0
        self.begin()

    def begin(self) -> None:
        """A wait is over."""
        self._began_us = self._processor_us()
        self._waits = self._usage[_SLEPT]
        self._began_tick = ticks_us()

    def end(self) -> None:
        """A wait begins."""
        self.count += 1
        took_us = self._processor_us() - self._began_us
        if took_us > _LONG_US:
            self.long += 1
        if took_us > self.longest_us:
            self.longest_us = took_us
        if self._usage[_SLEPT] != self._waits:
            self.slept += 1
            passed_us = ticks_diff(ticks_us(), self._began_tick)
            if passed_us > self.longest_slept_us:
                self.longest_slept_us = passed_us

    def pause(self) -> None:
        """The simulated hardware turns to its host."""
        self._paused_us = self._processor_us()

    def go_on(self) -> None:
        """It has done what the host wanted."""
        self._began_us += self._processor_us() - self._paused_us

    def take(self) -> "dict[str, int]":
        """What the host is told; it begins anew."""
        told = {
            "count": self.count,
            "long": self.long,
            "longest_us": self.longest_us,
            "slept": self.slept,
            "longest_slept_us": self.longest_slept_us,
        }
        self.count = self.long = self.slept = 0
        self.longest_us = self.longest_slept_us = 0
        return told

    def _processor_us(self) -> int:
        usage = self._usage
        _getrusage(_SELF, usage)
        seconds = usage[_SECONDS[0]] + usage[_SECONDS[1]]
        return seconds * 1_000_000 + usage[_MICROSECONDS[0]] + usage[_MICROSECONDS[1]]


turns = Turns()
"""Those of this board."""


class poll:  # noqa: N801 MicroPython's name
    """MicroPython's own, with a look at the clock before and after each wait."""

    def __init__(self) -> None:
        below = uselect.poll()
        self.register = below.register
        self.unregister = below.unregister
        self.modify = below.modify
        self._below = below

    def ipoll(self, timeout_ms: int = -1, flags: int = 0) -> "Any":
        turns.end()
        ready = self._below.ipoll(timeout_ms, flags)
        turns.begin()
        return ready

    def poll(self, timeout_ms: int = -1) -> "list[Any]":
        turns.end()
        ready: "list[Any]" = self._below.poll(timeout_ms)
        turns.begin()
        return ready
