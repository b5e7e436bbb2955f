"""What asyncio finds as `select` where it is to be known how long the firmware's turns are.

A turn lasts from the end of one wait to the begin of the next; nothing else of the firmware can
run in it, a row that is due least of all. Its own time is the processor's that it took, or all
that passed where it slept, which it must not do but in `poll`. So what the machine does meanwhile
(other processes, interrupts, a host that runs other machines) does not count. Nor does

- what the simulated hardware does for its host,
- a sleep in which Linux fetched a page of the program from its disk,
- the simulated hardware's part in a collection of garbage, which goes through all of the heap:
  what one takes before there is any firmware.

For MicroPython on Linux alone.
"""

import gc
from array import array

import ffi  # type: ignore[import-not-found]
import uselect  # type: ignore[import-not-found]

from simulators.board.heap import mem_alloc
from simulators.board.ticks import ticks_diff, ticks_us

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

POLLIN, POLLOUT, POLLERR, POLLHUP = 1, 4, 8, 16

_getrusage = ffi.open("libc.so.6").func("i", "getrusage", "iP")
_SELF = 0
_SECONDS, _MICROSECONDS, _FETCHED, _SLEPT = (0, 2), (1, 3), 9, 16
"""Indices in getrusage's answer, all of it `long`: time as user and as system, pages that came
from a disk (majflt), waits (nvcsw)."""

_LONG_US = 2000
_WEIGHINGS = 20
_FREED_BYTES = 1024
"""More than a turn frees itself, less than a collection does."""


class Turns:
    """Since the last `take`, of their own time: their `count`, how many were `long`, the
    `longest_us`; how many `slept`, and how many `collected` garbage."""

    def __init__(self) -> None:
        self.count = 0
        self.long = 0
        self.longest_us = 0
        self.slept = 0
        self.collected = 0
        self._hardware_us = 0
        self._usage = array("l", [0] * 18)
        self.begin()

    def weigh(self) -> None:
        """Find out what a collection takes; called when there is no firmware yet."""
        least_us = None
        for _ in range(_WEIGHINGS):
            began_us = self._processor_us()
            gc.collect()
            took_us = self._processor_us() - began_us
            if least_us is None or took_us < least_us:
                least_us = took_us
        self._hardware_us = least_us or 0

    def begin(self) -> None:
        """A wait is over."""
        self._own_us = 0
        self._has_slept = self._has_collected = False
        self.go_on()

    def end(self) -> None:
        """A wait begins."""
        self.pause()
        self.count += 1
        if self._has_collected:
            self.collected += 1
            self._own_us -= self._hardware_us
        if self._has_slept:
            self.slept += 1
        if self._own_us > _LONG_US:
            self.long += 1
        if self._own_us > self.longest_us:
            self.longest_us = self._own_us

    def pause(self) -> None:
        """The simulated hardware turns to its host."""
        took_us = self._processor_us() - self._began_us
        if self._usage[_SLEPT] - self._waits > self._usage[_FETCHED] - self._fetched:
            self._has_slept = True
            took_us = ticks_diff(ticks_us(), self._began_tick)
        self._own_us += took_us
        if mem_alloc() < self._allocated - _FREED_BYTES:
            self._has_collected = True

    def go_on(self) -> None:
        """It has done what the host wanted."""
        self._allocated = mem_alloc()
        self._began_us = self._processor_us()
        self._waits = self._usage[_SLEPT]
        self._fetched = self._usage[_FETCHED]
        self._began_tick = ticks_us()

    def take(self) -> "dict[str, int]":
        """What the host is told; it begins anew."""
        told = {
            "count": self.count,
            "long": self.long,
            "longest_us": self.longest_us,
            "slept": self.slept,
            "collected": self.collected,
        }
        self.count = self.long = self.longest_us = self.slept = self.collected = 0
        return told

    def _processor_us(self) -> int:
        usage = self._usage
        _getrusage(_SELF, usage)
        seconds = usage[_SECONDS[0]] + usage[_SECONDS[1]]
        return seconds * 1_000_000 + usage[_MICROSECONDS[0]] + usage[_MICROSECONDS[1]]


turns = Turns()
"""Those of this board."""


class Waits:
    """A poller of MicroPython's, with a look at the clock before and after each wait."""

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


_made: "list[Waits]" = []


def poll() -> "Any":
    """The first poller is that of asyncio's loop. Another's `ipoll` is a part of some turn."""
    if _made:
        return uselect.poll()
    _made.append(Waits())
    return _made[0]
