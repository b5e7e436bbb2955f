"""Physical signals, fed by the host a stretch at a time and read by the chips at any moment.

A stretch is int32 samples at t0, t0 + period, ...: piecewise linear between them, or each held
until the next. A signal keeps SLOTS stretches; a newer one takes over at its t0. Between the last
sample of a linear stretch and the next stretch's first one the line goes on.

Units are integers: loop current in nA, voltage in uV, that of a bridge or a thermocouple in nV,
resistance in 0.1 mOhm, acceleration in ug, pulses in mHz, a contact's level 0 or 1. A stretch of a
shape is no course but a record, see shape.py.
"""

from array import array

from simulators.board.constant import const
from simulators.board.ticks import HALF, ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from simulators.board.arithmetic_plain import share
else:
    try:
        from simulators.board.arithmetic_viper import share
    except (ImportError, SyntaxError, ValueError):
        from simulators.board.arithmetic_plain import share

SLOTS = const(4)
LINEAR = const(1)
STEADY = const(2)
"""Flags of a stretch: straight lines between samples; its last value is meant to hold for good."""
_FROM_US = const(0)
_KNOWN_US = const(1)
_BASE = const(2)
_STEP = const(3)
_STEP_US = const(4)
"""Fields of a line: from when on it holds and for how long, its first value, and by how much that
changes in how many microseconds. The field behind them says whether it is a current."""

_HELD_US = const(120_000_000)
_LOOK_BACK_US = const(250_000)
"""A chip asks for the middle of a conversion that is over: stretches are kept this much longer."""


class Signal:
    """One physical quantity over time. `starved` counts values asked for past the last stretch.

    `before_feed(now_us)` is called before older stretches are forgotten. `line` is what the
    last value lay on: fields _FROM_US to _STEP_US.
    """

    def __init__(self, name: str, unit: str, initial: int, capacity: int) -> None:
        self.name = name
        self.unit = unit
        self.starved = 0
        self.before_feed: "Callable[[int], None] | None" = None
        self._held = initial
        self._starving = False
        self._capacity = capacity
        self._samples = [array("i", bytes(4 * capacity)) for _ in range(SLOTS)]
        self._raw = [_bytes_of(samples) for samples in self._samples]
        self._t0_us = [0] * SLOTS
        self._period_us = [1] * SLOTS
        self._count = [0] * SLOTS
        self._flags = [0] * SLOTS
        self._head = 0
        self._queued = 0
        self.line = array("i", (0, 0, 0, 0, 1, unit == "nA"))

    def feed(
        self,
        now_us: int,
        flags: int,
        t0_us: int,
        period_us: int,
        samples: "memoryview | bytes",
    ) -> bool:
        """Queue a stretch of little-endian int32 samples. False when it cannot be taken:
        empty, longer than the signal's capacity or than 2**29 us, older than the stretch before
        it, or all slots full of stretches that are not over yet. From one sample to the next a
        signal changes by less than 2**31."""
        count = len(samples) // 4
        if not 0 < count <= self._capacity or len(samples) != 4 * count:
            return False
        if not 0 < period_us < HALF or count * period_us >= HALF or not 0 <= t0_us < 1 << 30:
            return False
        if self.before_feed is not None:
            self.before_feed(now_us)
        self.settle(now_us)
        if self._queued == SLOTS:
            return False
        if self._queued:
            tail = (self._head + self._queued - 1) % SLOTS
            if ticks_diff(t0_us, self._t0_us[tail]) <= 0:
                return False
        slot = (self._head + self._queued) % SLOTS
        self._raw[slot][0 : 4 * count] = samples
        self._t0_us[slot] = t0_us
        self._period_us[slot] = period_us
        self._count[slot] = count
        self._flags[slot] = flags
        self._queued += 1
        return True

    def hold(self, value: int) -> None:
        """From now on it has this value, until something is fed. Nothing may be queued."""
        self._held = value
        self.line[_KNOWN_US] = 0

    def value(self, at_us: int) -> int:
        """The value at a moment; past the last stretch its last value, and a count."""
        line = self.line
        part_us = ticks_diff(at_us, line[_FROM_US])
        if 0 <= part_us < line[_KNOWN_US]:
            return line[_BASE] + share(line[_STEP], part_us, line[_STEP_US])
        return self._look_up(at_us)

    def record(self, at_us: int, into: "array[int]") -> int:
        """Copy the samples of the stretch that speaks at a moment, behind its t0 and for how many
        us from there it does; how many there are, 0 where none speaks."""
        found = -1
        span_us = 0
        for at in range(self._queued):
            slot = (self._head + at) % SLOTS
            after_us = ticks_diff(at_us, self._t0_us[slot])
            if after_us < 0:
                if found >= 0:
                    span_us = ticks_diff(self._t0_us[slot], self._t0_us[found])
                break
            found = slot
            span_us = self._count[slot] * self._period_us[slot]
        if found < 0 or ticks_diff(at_us, self._t0_us[found]) >= span_us:
            return 0
        into[0] = self._t0_us[found]
        into[1] = span_us
        samples = self._samples[found]
        count = self._count[found]
        for at in range(count):
            into[2 + at] = samples[at]
        return count

    def find(self, at_us: int) -> bool:
        """Make `line` the one that the value at a moment lies on; False: there is none."""
        if self._queued:
            self._advance(at_us)
        if not self._queued:
            return False
        self._look_up(at_us)
        return 0 <= ticks_diff(at_us, self.line[_FROM_US]) < self.line[_KNOWN_US]

    def settle(self, now_us: int) -> None:
        """Close what lies in the past, so that it is not mistaken for the future when the clock
        wraps. To be called at least every few minutes."""
        self.line[_KNOWN_US] = 0
        self._advance(ticks_add(now_us, -_LOOK_BACK_US))

    def _look_up(self, at_us: int) -> int:
        """The value at a moment, and the line that it lies on."""
        if self._queued:
            self._advance(at_us)
        if not self._queued:
            if self._starving:
                self.starved += 1
            else:
                self._hold(at_us)
            return self._held
        slot = self._head
        elapsed = ticks_diff(at_us, self._t0_us[slot])
        if elapsed < 0:
            return self._held
        samples = self._samples[slot]
        last = self._count[slot] - 1
        index = min(elapsed // self._period_us[slot], last)
        linear = self._flags[slot] & LINEAR
        step = 0
        step_us = self._period_us[slot]
        following = (slot + 1) % SLOTS
        if linear and index < last:
            step = samples[index + 1] - samples[index]
        elif self._queued == 1 and index == last:
            return samples[last]
        elif linear:
            step = self._samples[following][0] - samples[last]
            end_us = ticks_add(self._t0_us[slot], last * step_us)
            step_us = ticks_diff(self._t0_us[following], end_us)
        begin_us = index * self._period_us[slot]
        line = self.line
        line[_BASE] = samples[index]
        line[_STEP] = step
        line[_STEP_US] = step_us
        line[_FROM_US] = ticks_add(self._t0_us[slot], begin_us)
        line[_KNOWN_US] = step_us
        if self._queued > 1:
            over_us = ticks_diff(self._t0_us[following], line[_FROM_US])
            line[_KNOWN_US] = over_us if index == last else min(step_us, over_us)
        return samples[index] + share(step, elapsed - begin_us, step_us)

    def _hold(self, at_us: int) -> None:
        """The line is level until something is fed."""
        line = self.line
        line[_BASE] = self._held
        line[_STEP] = 0
        line[_STEP_US] = 1
        line[_FROM_US] = at_us
        line[_KNOWN_US] = _HELD_US

    def _advance(self, at_us: int) -> None:
        while self._queued:
            slot = self._head
            following = (slot + 1) % SLOTS
            if self._queued > 1:
                if ticks_diff(at_us, self._t0_us[following]) < 0:
                    return
            elif ticks_diff(at_us, self._t0_us[slot]) < self._span_us(slot):
                return
            self._held = self._samples[slot][self._count[slot] - 1]
            self._starving = not self._flags[slot] & STEADY
            self._head = following
            self._queued -= 1

    def _span_us(self, slot: int) -> int:
        """How long a stretch speaks: a linear one up to and with its last sample."""
        if self._flags[slot] & LINEAR:
            return (self._count[slot] - 1) * self._period_us[slot] + 1
        return self._count[slot] * self._period_us[slot]


def _bytes_of(samples: "array[int]") -> "Any":
    """The array's own memory, byte by byte."""
    try:
        import uctypes  # type: ignore[import-not-found]
    except ImportError:
        return memoryview(samples).cast("B")
    return uctypes.bytearray_at(uctypes.addressof(samples), 4 * len(samples))
