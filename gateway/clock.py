"""Board time to UTC: a regression over the pings with the shortest round trips.

A board counts microseconds since its reset and knows no wall time. The gateway pings it; the
board answers with its count. Half the round trip bounds the error of one ping, so only the
quickest ones count; a straight line through them gives offset and drift. What is stored with the
rows is the board's time; `ClockRecord` turns it into UTC when rows are read, so that a correction
reaches old rows too.
"""

from collections import deque
from dataclasses import dataclass

import msgspec
import numpy as np

from gateway.timebase import Clock

__all__ = ["Answer", "BoardClock", "ClockRecord", "ClockSync"]

_WINDOW = 64
_QUICKEST = 16
"""Of the last 64 pings the 16 quickest are believed."""

_MIN_SPAN_US = 20_000_000
"""Over less than this, jitter would pass for drift."""

_MAX_DRIFT_PPB = 200_000
"""A crystal is good for 100 ppm from -40 to 85 °C; more is a measuring error (unverified)."""

_PING_EARLY_US = 250_000
_PING_LATE_US = 1_000_000
"""Also the heartbeat of a node that has nothing to say: silence means loss."""
_EARLY_PINGS = 8
_PONG_TIMEOUT_US = 5_000_000
_RECORD_EACH_US = 60_000_000
_RECORD_SHIFT_US = 1_000
"""A record stays in force until the estimate has moved this far: part of the error it admits."""


class ClockRecord(msgspec.Struct, frozen=True):
    """How one boot's time maps to UTC, as stored: `board_us` was `utc_us`, within `error_us`."""

    node: str
    boot: int
    board_us: int
    utc_us: int
    drift_ppb: int
    error_us: int
    trusted: bool

    def utc_at(self, board_us: int) -> int:
        """UTC in microseconds at that board time; exact integers, the same on every machine."""
        elapsed = board_us - self.board_us
        return self.utc_us + elapsed + elapsed * self.drift_ppb // 1_000_000_000


@dataclass(frozen=True)
class Answer:
    """What came of a PONG: whether a ping was open for it, and a record worth storing."""

    expected: bool
    record: ClockRecord | None = None


@dataclass(frozen=True)
class _Ping:
    board_us: int
    monotonic_us: int
    round_trip_us: int


class BoardClock:
    """One boot's pings and the line through them."""

    def __init__(self) -> None:
        self._pings: deque[_Ping] = deque(maxlen=_WINDOW)

    def add(self, sent_us: int, received_us: int, board_us: int) -> None:
        """A ping: sent and answered on the gateway's monotonic clock, board time in between."""
        middle = (sent_us + received_us) // 2
        self._pings.append(_Ping(board_us, middle, received_us - sent_us))

    def __len__(self) -> int:
        return len(self._pings)

    def line(self) -> tuple[int, int, int, int]:
        """`(board_us, monotonic_us, drift_ppb, error_us)`."""
        quickest = sorted(self._pings, key=lambda ping: ping.round_trip_us)[:_QUICKEST]
        best = quickest[0]
        newest = max(ping.board_us for ping in quickest)
        board = np.array([ping.board_us - newest for ping in quickest], np.float64)
        offset = np.array(
            [ping.monotonic_us - best.monotonic_us - (ping.board_us - best.board_us)
             for ping in quickest],
            np.float64,
        )  # fmt: skip
        if np.ptp(board) < _MIN_SPAN_US:
            shift, drift_ppb = 0.0, 0
        else:
            slope, shift = np.polyfit(board, offset, 1)
            drift_ppb = round(float(np.clip(slope * 1e9, -_MAX_DRIFT_PPB, _MAX_DRIFT_PPB)))
        residual = float(np.std(offset - shift - board * drift_ppb * 1e-9))
        monotonic = best.monotonic_us + (newest - best.board_us) + round(float(shift))
        return newest, monotonic, drift_ppb, best.round_trip_us // 2 + round(residual)


@dataclass
class _Boot:
    boot: int
    clock: BoardClock
    next_ping_us: int
    pings_sent: int = 0
    record: ClockRecord | None = None
    recorded_us: int = 0
    wall_us: int = 0
    """What the record adds to the gateway's monotonic time to get UTC."""


class ClockSync:
    """Decides when to ping whom, and when an estimate is worth a record."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._boots: dict[str, _Boot] = {}
        self._waiting: dict[tuple[str, int], int] = {}

    def seen(self, node: str, boot: int) -> None:
        """A message of that boot came in: from now on it is pinged, its predecessor no more."""
        known = self._boots.get(node)
        if known is None or known.boot != boot:
            self._boots[node] = _Boot(boot, BoardClock(), self._clock.monotonic_us())

    def due(self) -> list[tuple[str, int]]:
        """Nodes and boots to ping now; tell `pinged` with the sequence used."""
        now = self._clock.monotonic_us()
        due = []
        for node, state in self._boots.items():
            if now >= state.next_ping_us:
                early = state.pings_sent < _EARLY_PINGS
                state.next_ping_us = now + (_PING_EARLY_US if early else _PING_LATE_US)
                state.pings_sent += 1
                due.append((node, state.boot))
        return due

    def pinged(self, node: str, sequence: int) -> None:
        now = self._clock.monotonic_us()
        self._waiting = {
            key: sent for key, sent in self._waiting.items() if now - sent < _PONG_TIMEOUT_US
        }
        self._waiting[node, sequence] = now

    def pong(self, node: str, boot: int, sequence: int, board_us: int) -> Answer:
        """Take an answer in; a record when the estimate has moved enough to store it.

        An answer to no open ping, or of another boot, is not expected: it is late or replayed.
        """
        now = self._clock.monotonic_us()
        sent = self._waiting.pop((node, sequence), None)
        state = self._boots.get(node)
        if sent is None or state is None or state.boot != boot or now - sent > _PONG_TIMEOUT_US:
            return Answer(expected=False)
        state.clock.add(sent, now, board_us)
        board, monotonic, drift_ppb, error_us = state.clock.line()
        wall = self._clock.utc_us() - now
        record = ClockRecord(
            node,
            boot,
            board,
            monotonic + wall,
            drift_ppb,
            error_us + _RECORD_SHIFT_US,
            self._clock.trusted(),
        )
        if not self._worth_storing(state, record, now):
            return Answer(expected=True)
        state.record = record
        state.recorded_us = now
        state.wall_us = wall
        return Answer(True, record)

    def estimate(self, node: str, boot: int) -> ClockRecord | None:
        """The record in force for a boot that is alive."""
        state = self._boots.get(node)
        return state.record if state is not None and state.boot == boot else None

    def monotonic_at(self, node: str, boot: int, board_us: int) -> int | None:
        """That board time on the gateway's monotonic clock; None while the boot has no record."""
        state = self._boots.get(node)
        if state is None or state.boot != boot or state.record is None:
            return None
        return state.record.utc_at(board_us) - state.wall_us

    @staticmethod
    def _worth_storing(state: _Boot, new: ClockRecord, now: int) -> bool:
        old = state.record
        if old is None or old.trusted != new.trusted or now - state.recorded_us > _RECORD_EACH_US:
            return True
        shift = abs(old.utc_at(new.board_us) - new.utc_us)
        return shift > _RECORD_SHIFT_US and new.error_us <= max(2 * old.error_us, shift)
