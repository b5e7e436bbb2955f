"""What one output is to do over time: a queue of stretches, played by the tick.

A stretch is int32 samples at t0, t0 + period, ...: with straight lines between them, or each held
until the next. A newer one takes over at its t0; between the last sample of a linear one and the
next one's first the line goes on. Ticks are microseconds that wrap at 2**30.
"""

from time import ticks_diff

from stimulus import LINEAR, STEADY

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

SLOTS = 4
SAMPLES = 64
_LONGEST_US = 1 << 28


class Track:
    """`starved`: how often it ran out of what it was to play."""

    def __init__(self, rest: int) -> None:
        self.rest = rest
        self.starved = 0
        self._held = rest
        self._queue: list[tuple[int, int, int, array[int]]] = []

    def add(
        self, now_us: int, flags: int, t0_us: int, period_us: int, samples: "array[int]"
    ) -> "str | None":
        """Queue a stretch; why not, where it cannot be taken."""
        self.value(now_us)
        if not 0 < len(samples) <= SAMPLES:
            return "a stretch has 1 to %d samples, not %d" % (SAMPLES, len(samples))
        if not 0 < period_us <= _LONGEST_US // SAMPLES or not 0 <= t0_us < 1 << 30:
            return "a stretch of %d us from tick %d cannot be" % (period_us, t0_us)
        if len(self._queue) == SLOTS:
            return "all %d places are taken" % SLOTS
        if self._queue and ticks_diff(t0_us, self._queue[-1][0]) <= 0:
            return "it begins before the one that was sent last"
        if ticks_diff(t0_us, now_us) > _LONGEST_US:
            return "it begins later than can be told"
        self._queue.append((t0_us, period_us, flags, samples))
        return None

    def clear(self) -> None:
        """At rest from now on."""
        del self._queue[:]
        self._held = self.rest

    def value(self, now_us: int) -> int:
        """The value at this tick; ticks never go back from call to call."""
        queue = self._queue
        while len(queue) > 1 and ticks_diff(now_us, queue[1][0]) >= 0:
            self._held = queue.pop(0)[3][-1]
        if not queue:
            return self._held
        t0_us, period_us, flags, samples = queue[0]
        elapsed_us = ticks_diff(now_us, t0_us)
        if elapsed_us < 0:
            return self._held
        index = elapsed_us // period_us
        last = len(samples) - 1
        if index < last:
            if not flags & LINEAR:
                return samples[index]
            rest_us = elapsed_us - index * period_us
            return samples[index] + (samples[index + 1] - samples[index]) * rest_us // period_us
        if len(queue) > 1 and flags & LINEAR:
            over_us = ticks_diff(queue[1][0], t0_us) - last * period_us
            done_us = elapsed_us - last * period_us
            return samples[last] + (queue[1][3][0] - samples[last]) * done_us // over_us
        if len(queue) == 1 and (index > last or flags & LINEAR):
            self._end(flags, samples[last])
        return samples[last]

    def _end(self, flags: int, value: int) -> None:
        """The last stretch is over: its last value stays."""
        del self._queue[:]
        self._held = value
        if not flags & STEADY:
            self.starved += 1
