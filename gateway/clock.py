"""Board time to UTC, over pings: decides whom to ping when, and what is worth storing.

A board counts microseconds since its reset and knows no wall time. The gateway pings it; the
board answers with its count; gateway/fit.py finds the line through the answers. What is stored
with the rows is the board's time; `ClockRecord` turns it into the gateway's monotonic time and
into UTC when rows are read, so that a correction reaches old rows too.
"""

from dataclasses import dataclass
from math import inf

import msgspec

from gateway.fit import Drift, Line, PingFit
from gateway.timebase import Clock
from gateway.walltime import SURE_US, TimeRecord, WallTime

__all__ = ["SILENCE_US", "Answer", "ClockRecord", "ClockSync", "between", "placed"]

SILENCE_US = 300_000_000
"""Records of a boot so far apart in its time are joined by a line for the rows between them."""

_PING_EARLY_US = 250_000
_PING_LATE_US = 1_000_000
"""Also the heartbeat of a node that has nothing to say: silence means loss."""
_EARLY_PINGS = 8
_PONG_TIMEOUT_US = 5_000_000
_RECORD_EACH_US = 60_000_000
_RECORD_SHIFT_US = 1_000
"""A record stays in force until the estimate has moved this far: part of the error it admits."""

_WANDER_PPB = 500
_WANDER_US = 60_000_000
"""By how much a crystal's drift may change in a minute: 0.5 ppm (unverified)."""
_UNKNOWN_PPB = 30_000
"""How far a crystal may run off over hours in which nothing was heard of it (unverified)."""


class ClockRecord(msgspec.Struct, frozen=True):
    """How one boot's time maps to UTC, as stored: `board_us` was `utc_us`, within `error_us`.

    `utc_us` less `wall_us` is the monotonic time of the gateway's `base`; records of axlebox 0.1
    had no base. `trusted`: whether somebody vouched for the wall clock then. The drift is
    known within `drift_error_ppb`.
    """

    node: str
    boot: int
    board_us: int
    utc_us: int
    drift_ppb: int
    error_us: int
    trusted: bool
    base: str = ""
    wall_us: int = 0
    drift_error_ppb: int = _UNKNOWN_PPB

    def utc_at(self, board_us: int) -> int:
        """UTC in microseconds at that board time; exact integers, the same on every machine."""
        elapsed = board_us - self.board_us
        return self.utc_us + elapsed + elapsed * self.drift_ppb // 1_000_000_000

    def utc_from(self, board_us: int, period_us: int, count: int) -> list[int]:
        """`utc_at` of so many board times, a period apart: the same integers in one go."""
        elapsed = board_us - self.board_us
        first = self.utc_us + elapsed
        if not self.drift_ppb:
            return list(range(first, first + count * period_us, period_us))
        drifted, rest = divmod(elapsed * self.drift_ppb, 1_000_000_000)
        first += drifted
        step = period_us * self.drift_ppb
        return [first + k * period_us + (rest + k * step) // 1_000_000_000 for k in range(count)]

    def monotonic_at(self, board_us: int) -> int:
        """The base's monotonic time at that board time."""
        return self.utc_at(board_us) - self.wall_us

    def error_at(self, board_us: int) -> int:
        """How wrong that may be: grows with the time to the record, for drift changes."""
        elapsed = abs(board_us - self.board_us)
        wandered = self.drift_error_ppb + elapsed * _WANDER_PPB // (2 * _WANDER_US)
        ppb = min(wandered, max(_UNKNOWN_PPB, self.drift_error_ppb))
        return self.error_us + elapsed * ppb // 1_000_000_000


def placed(record: ClockRecord, time: TimeRecord | None, board_us: int) -> ClockRecord:
    """The record as it holds at `board_us`, its UTC by what is known of its base.

    Its `error_us` is that of then, and it is `trusted` only where the time there is sure.
    """
    error_us = record.error_at(board_us)
    trusted, wall_us = record.trusted, record.wall_us
    if time is not None:
        error_us += time.error_at(record.monotonic_at(board_us))
        trusted, wall_us = time.trusted, time.wall_us
    return msgspec.structs.replace(
        record,
        utc_us=record.utc_us - record.wall_us + wall_us,
        wall_us=wall_us,
        error_us=error_us,
        trusted=trusted and error_us <= SURE_US,
    )


def between(first: ClockRecord, second: ClockRecord, board_us: int) -> ClockRecord:
    """The line through two records of one boot, as it holds at `board_us` between them.

    Both are placed, each at its own board time. In between, the drift may have been off its mean.
    """
    span = second.board_us - first.board_us
    off = (board_us - first.board_us) * (second.board_us - board_us) // span
    error_us = max(first.error_us, second.error_us) + off * _UNKNOWN_PPB // 1_000_000_000
    return msgspec.structs.replace(
        first,
        drift_ppb=(second.utc_us - first.utc_us - span) * 1_000_000_000 // span,
        error_us=error_us,
        trusted=first.trusted and second.trusted and error_us <= SURE_US,
    )


@dataclass(frozen=True)
class Answer:
    """What came of a PONG: whether a ping was open for it, and a record worth storing."""

    expected: bool
    record: ClockRecord | None = None


@dataclass
class _Boot:
    boot: int
    fit: PingFit
    next_ping_us: int
    pings_sent: int = 0
    record: ClockRecord | None = None
    recorded_us: int = 0
    round_trip_us: int | None = None


class ClockSync:
    """Decides when to ping whom, and when an estimate is worth a record.

    `known`: what the log says of the machine's present base.
    """

    def __init__(self, clock: Clock, known: TimeRecord | None = None) -> None:
        self.wall = WallTime(clock, known)
        self.contradictions = 0
        """Answers that no clock could have given."""
        self._clock = clock
        self._boots: dict[str, _Boot] = {}
        self._waiting: dict[tuple[str, int], int] = {}

    def seen(self, node: str, boot: int, known: ClockRecord | None = None) -> None:
        """A message of that boot came in: from now on it is pinged, its predecessor no more.

        `known`: what the log says of its clock, which runs on while a gateway is away.
        """
        state = self._boots.get(node)
        if state is None or state.boot != boot:
            drift = None if known is None else Drift(known.drift_ppb, _UNKNOWN_PPB)
            self._boots[node] = _Boot(boot, PingFit(drift), self._clock.monotonic_us())

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

    @property
    def next_ping_us(self) -> float:
        """When the next ping is due; infinite before any node was heard."""
        return min((state.next_ping_us for state in self._boots.values()), default=inf)

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
        state.round_trip_us = now - sent
        before = state.fit.contradictions
        taken = state.fit.add(sent, now, board_us)
        self.contradictions += state.fit.contradictions - before
        if not taken:
            return Answer(expected=True)
        record = self._record(node, boot, state.fit.line())
        if not self._worth_storing(state, record, now):
            return Answer(expected=True)
        state.record = record
        state.recorded_us = now
        return Answer(True, record)

    def estimate(self, node: str, boot: int) -> ClockRecord | None:
        """The record in force for a boot that is alive."""
        state = self._boots.get(node)
        return state.record if state is not None and state.boot == boot else None

    def round_trip_us(self, node: str, boot: int) -> int | None:
        """How long the latest ping of that boot and its answer took."""
        state = self._boots.get(node)
        return state.round_trip_us if state is not None and state.boot == boot else None

    def monotonic_at(self, node: str, boot: int, board_us: int) -> int | None:
        """That board time on the gateway's monotonic clock; None while the boot has no record."""
        record = self.estimate(node, boot)
        return None if record is None else record.monotonic_at(board_us)

    def error_us(self, node: str, boot: int) -> int | None:
        """How wrong that boot's time may be now, against the gateway's."""
        record = self.estimate(node, boot)
        if record is None:
            return None
        now_us = self._clock.monotonic_us()
        return record.error_at(record.board_us + now_us - record.monotonic_at(record.board_us))

    def _record(self, node: str, boot: int, line: Line) -> ClockRecord:
        wall = self.wall.record
        return ClockRecord(
            node,
            boot,
            line.board_us,
            line.monotonic_us + wall.wall_us,
            line.drift.ppb,
            line.error_us + _RECORD_SHIFT_US,
            self.wall.trusted(),
            wall.base,
            wall.wall_us,
            line.drift.error_ppb,
        )

    @staticmethod
    def _worth_storing(state: _Boot, new: ClockRecord, now: int) -> bool:
        old = state.record
        if old is None or old.trusted != new.trusted or now - state.recorded_us > _RECORD_EACH_US:
            return True
        admitted = old.error_at(new.board_us)
        if 2 * new.error_us < admitted or 2 * new.drift_error_ppb < old.drift_error_ppb:
            return True
        shift = abs(old.utc_at(new.board_us) - new.utc_us)
        return shift > _RECORD_SHIFT_US and new.error_us <= max(2 * admitted, shift)
