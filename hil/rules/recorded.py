"""What a gateway knew in a recorded run: each sample as it was taken, stale where none came."""

from collections.abc import Iterator

import numpy as np
from axwire.quantities import BY_NAME

from gateway.alarms.picture import Latest, NodeSeen
from gateway.live import NODE_SILENT_US, PERIODS_SILENT
from gateway.state import Quality
from hil.rules.play import LOOKS_A_SECOND
from simulators.recordings.runs import RecordedRun

__all__ = ["RecordedFeed"]

_NODE = "recording"


class _Channel:
    """One channel, read on and on. A recording has good samples alone, so that a fault of a
    sensor is a gap in it."""

    def __init__(self, run: RecordedRun, quantity: str, place: str) -> None:
        times, values = run.samples(quantity, place)
        self._times_us = np.rint(times * 1e6).astype(np.int64).tolist()
        self._values = values.tolist()
        self._quantity, self._place = quantity, place
        known = BY_NAME.get(quantity)
        self._low, self._high = (known.low, known.high) if known else (-np.inf, np.inf)
        period_us = float(np.median(np.diff(times))) * 1e6 if len(times) > 1 else 0.0
        self._longest_us = max(NODE_SILENT_US, round(PERIODS_SILENT * period_us))
        self._next = 0
        self._is_stale = False

    def news(self, now_us: int) -> Latest | None:
        before = self._next
        while self._next < len(self._times_us) and self._times_us[self._next] <= now_us:
            self._next += 1
        if self._next == 0:
            return None
        if self._next > before:
            self._is_stale = False
            value = self._values[self._next - 1]
            return self._latest("ok" if self._low <= value <= self._high else "out_of_range")
        if self._is_stale or now_us - self._times_us[self._next - 1] <= self._longest_us:
            return None
        self._is_stale = True
        return self._latest("stale")

    def _latest(self, quality: Quality) -> Latest:
        at = self._next - 1
        name = f"{self._quantity} {self._place}"
        taken_us, value = self._times_us[at], self._values[at]
        return Latest(name, _NODE, self._quantity, self._place, value, quality, taken_us)


class RecordedFeed:
    """See hil.rules.play.Feed. All channels are of one node, which speaks all the time."""

    def __init__(self, run: RecordedRun) -> None:
        self._channels = [_Channel(run, *channel) for channel in run.channels]

    def news(self, look: int) -> Iterator[Latest]:
        now_us = look * 1_000_000 // LOOKS_A_SECOND
        for channel in self._channels:
            latest = channel.news(now_us)
            if latest is not None:
                yield latest

    def nodes(self, look: int) -> Iterator[NodeSeen]:
        yield NodeSeen(_NODE, "live", 0)
