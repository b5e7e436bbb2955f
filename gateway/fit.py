"""The line from a board's count to the gateway's monotonic time, through its answers to pings.

A board's count was read after the ping left and before the answer came: whatever the delays, that
is sure. So each ping says that the board's clock went through an interval. Two steps use it:

- The drift is the slope of a regression over the pings with the shortest round trips, as in
  Klipper's clocksync: what waited behind a block of readings, or in a broker, is left out.
- With the drift taken out, the intervals of all pings have a part in common, and the clock lies in
  it. An interval is widened by its age times what the drift may be off, so old pings count less.
  The middle of that part is the estimate, half its width the error. A ping that was delayed on the
  way back still bounds the clock from below, and the other way round; no outlier widens anything.

The error is a bound as long as the drift's error is one; tests hold both against the truth.
"""

from typing import NamedTuple

import numpy as np

__all__ = ["Drift", "Line", "PingFit"]

_WINDOW = 128
_QUICKEST_SHARE = 4
_QUICKEST_LEAST = 8
"""Of the last 128 pings the quickest quarter tells the drift, and never fewer than eight."""

_CRYSTAL_PPB = 100_000
"""What a board's crystal may be off, from -40 to 85 degrees (unverified)."""
_LIMIT_PPB = 200_000
_CHANGE_PPB = 5_000
"""What the drift may change within the window, with the temperature (unverified)."""
_SIGMAS = 4

_USELESS = 1e-2
"""A drift that may be off by so much says nothing of a second ago: the newest ping decides."""

_JUMP_US = 10_000
"""An answer so far off what any crystal could have done contradicts the others."""
_JUMPS = 3
"""After so many in a row the board's clock is believed to have jumped, and the fit begins anew."""


class Drift(NamedTuple):
    """What board time lacks of the gateway's, in parts per billion, and how wrong that may be."""

    ppb: int
    error_ppb: int


class Line(NamedTuple):
    """Board time `board_us` was monotonic time `monotonic_us`, within `error_us`."""

    board_us: int
    monotonic_us: int
    drift: Drift
    error_us: int


class PingFit:
    """One boot's pings. `known`: its drift as it was last known, for a boot that ran on."""

    def __init__(self, known: Drift | None = None) -> None:
        self.contradictions = 0
        self._known = known or Drift(0, _CRYSTAL_PPB)
        self._pings = np.zeros((_WINDOW, 3), np.int64)
        self._count = 0
        self._line: Line | None = None
        self._jumps = 0

    def __len__(self) -> int:
        return min(self._count, _WINDOW)

    def add(self, sent_us: int, received_us: int, board_us: int) -> bool:
        """A ping: sent and answered on the gateway's clock, board time in between.

        False: it contradicts what was known so far, and is left out.
        """
        if self._line is not None and not _possible(self._line, sent_us, received_us, board_us):
            self.contradictions += 1
            self._jumps += 1
            if self._jumps < _JUMPS:
                return False
            self._count = 0
        self._jumps = 0
        self._pings[self._count % _WINDOW] = sent_us, received_us, board_us
        self._count += 1
        self._line = self._fit()
        return True

    def line(self) -> Line:
        """The estimate by all pings so far; there must be one."""
        assert self._line is not None, "no ping was answered"
        return self._line

    def _fit(self) -> Line:
        pings = self._pings[: len(self)]
        newest = pings[(self._count - 1) % _WINDOW]
        board_us, monotonic_us = int(newest[2]), int(newest[1])
        relative = (pings - (monotonic_us, monotonic_us, board_us)).astype(np.float64)
        board = relative[:, 2]
        low, high = relative[:, 0] - board, relative[:, 1] - board
        drift = self._drift(board, low, high)
        slope, widening = drift.ppb * 1e-9, drift.error_ppb * 1e-9
        age = np.abs(board)
        lower, upper = low - slope * board, high - slope * board
        first = float(np.max(lower - widening * age))
        last = float(np.min(upper + widening * age))
        while first > last and widening < _USELESS:
            # The drift changed faster than it was thought to: believe old pings less.
            widening = 2 * widening
            first = float(np.max(lower - widening * age))
            last = float(np.min(upper + widening * age))
        if first > last:
            first, last = float(low[(self._count - 1) % _WINDOW]), 0.0
        drift = Drift(drift.ppb, max(drift.error_ppb, round(widening * 1e9)))
        middle = monotonic_us + round((first + last) / 2)
        return Line(board_us, middle, drift, round((last - first) / 2))

    def _drift(self, board: "_Floats", low: "_Floats", high: "_Floats") -> Drift:
        """By the quickest pings, once they tell it better than what was known before."""
        count = max(_QUICKEST_LEAST, len(board) // _QUICKEST_SHARE)
        if len(board) < count:
            return self._known
        quick = np.argpartition(high - low, count - 1)[:count]
        x, y = board[quick], (low[quick] + high[quick]) / 2
        x = x - x.mean()
        spread = float(x @ x)
        if not spread:
            return self._known
        slope = float(x @ y) / spread
        rest = y - y.mean() - slope * x
        deviation = (float(rest @ rest) / (count - 2) / spread) ** 0.5
        error_ppb = _CHANGE_PPB + round(_SIGMAS * deviation * 1e9)
        if error_ppb >= self._known.error_ppb or abs(slope) * 1e9 > _LIMIT_PPB:
            return self._known
        return Drift(round(slope * 1e9), error_ppb)


_Floats = np.ndarray[tuple[int], np.dtype[np.float64]]


def _possible(line: Line, sent_us: int, received_us: int, board_us: int) -> bool:
    elapsed = board_us - line.board_us
    expected_us = line.monotonic_us + elapsed + elapsed * line.drift.ppb // 1_000_000_000
    slack_us = line.error_us + _JUMP_US + abs(elapsed) * _LIMIT_PPB // 1_000_000_000
    return sent_us - slack_us <= expected_us <= received_us + slack_us
