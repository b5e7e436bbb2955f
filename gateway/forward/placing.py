"""The time of a row: its boot's clock, with what is known of the gateway's own."""

from typing import Literal

import msgspec

from gateway.clock import ClockRecord, between, placed
from gateway.forward.log import Log
from gateway.forward.lookahead import ClockSearch, NoClock
from gateway.forward.surety import Hold, NoTime, TimeSearch
from gateway.ledger import Ledger
from gateway.spool.format import Record
from gateway.timebase import Clock
from gateway.walltime import TimeRecord

__all__ = ["Placing"]

_LOOK_US = 1_000_000


class Placing:
    """Finds the clock of each row in the order of the log; what it looks up may raise OSError or
    SpoolError."""

    def __init__(self, log: Log, clock: Clock, hold: Hold) -> None:
        self.waits_for_time = False
        """Whether the last row waits until the gateway's own clock is set."""
        self._may_wait = True
        self._clock = clock
        self._hold = hold
        self._clocks = ClockSearch(log, clock)
        self._times = TimeSearch(log, clock)

    def find(
        self,
        ledger: Ledger,
        record: Record,
        node: str,
        number: int,
        t_ms: int,
        *,
        may_wait: bool = True,
    ) -> ClockRecord | None:
        """The clock for a record whose newest row is of `t_ms`; None: it may still come, and the
        row `may_wait` for it.

        `ledger`: what is known at that record. The clock's `trusted` says whether that row's time
        is sure, its `error_us` how wrong it may be.
        """
        self._may_wait = may_wait
        board_us = t_ms * 1000
        clock = ledger.boot(node, number).clock
        if clock is None:
            found = self._clocks.find(node, number, record)
            if found is NoClock.NOT_YET and may_wait:
                return None
            clock = found if isinstance(found, ClockRecord) else None
        if clock is None:
            guess = _guess(ledger, record, node, number, board_us)
            by_guess = self._placed(ledger, record, guess, board_us)
            return by_guess and msgspec.structs.replace(by_guess, trusted=False)
        silence = ledger.boot(node, number).silence
        if silence is None or board_us >= silence[1].board_us:
            return self._placed(ledger, record, clock, board_us)
        return self._by_silence(ledger, record, silence, board_us)

    def decided_us(self, record: Record) -> int:
        """The monotonic time at which to ask again for a record that has to wait."""
        if self.waits_for_time:
            return self._clock.monotonic_us() + _LOOK_US
        return self._clocks.decided_us(record)

    def close(self) -> None:
        self._clocks.close()
        self._times.close()

    def _by_silence(
        self,
        ledger: Ledger,
        record: Record,
        silence: tuple[ClockRecord, ClockRecord],
        board_us: int,
    ) -> ClockRecord | None:
        """For a row from before the end of a silence: what was known before it is nearer."""
        first, second = silence
        if board_us <= first.board_us:
            return self._placed(ledger, record, first, board_us)
        before = self._placed(ledger, record, first, first.board_us)
        after = self._placed(ledger, record, second, second.board_us)
        if before is None or after is None:
            return None
        if before.trusted and after.trusted:
            return between(before, after, board_us)
        return self._placed(ledger, record, second, board_us)

    def _placed(
        self, ledger: Ledger, record: Record, clock: ClockRecord, board_us: int
    ) -> ClockRecord | None:
        time = self._time(ledger, record, clock.base)
        return None if time is NoTime.NOT_YET else placed(clock, time, board_us)

    def _time(
        self, ledger: Ledger, record: Record, base: str
    ) -> TimeRecord | Literal[NoTime.NOT_YET] | None:
        """What is known of a base at this record or, if that is not sure, behind it."""
        self.waits_for_time = False
        known = ledger.times.of(base)
        if known is None or known.trusted:
            return known
        found = self._times.find(base, record)
        if isinstance(found, TimeRecord):
            return found
        if found is NoTime.NOT_YET and self._may_wait and not self._hold.over(base):
            self.waits_for_time = True
            return NoTime.NOT_YET
        return known


def _guess(ledger: Ledger, record: Record, node: str, number: int, board_us: int) -> ClockRecord:
    """As if the row had been taken when it was received."""
    base = ledger.times.base
    time = ledger.times.of(base)
    wall_us = 0 if time is None else time.wall_us
    return ClockRecord(node, number, board_us, record.received_us, 0, 0, False, base, wall_us)
