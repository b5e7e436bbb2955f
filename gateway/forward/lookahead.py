"""The clock of a boot that has none yet: the first record of it further on in the log."""

from enum import Enum

import msgspec

from gateway.clock import ClockRecord
from gateway.forward.log import CHUNK_BYTES, Log
from gateway.spool.format import Kind, Position, Record
from gateway.spool.reader import SpoolReader
from gateway.timebase import Clock

__all__ = ["WAIT_US", "ClockSearch", "NoClock"]

WAIT_US = 10_000_000
"""A clock record that was received so long after a row, and no later, is used for the row."""

_SETTLE_US = 5_000_000
"""So much longer for what was received by then, and for small steps of the wall clock."""


class NoClock(Enum):
    """Why a row has no clock: none will be taken, or it is too early to tell."""

    NONE = "none"
    NOT_YET = "not yet"


class ClockSearch:
    """Looks ahead of the records that are being sent. Reads each stretch of the log once.

    The answer rests on the log alone: whoever reads it again comes to the same one. Only at the
    end of the log does a clock say how long to wait for what is not there yet: one that does not
    step, and no answer is given while the disk keeps records waiting.

    Holds what lies ahead of the row that was asked for last: as many records as there were boots
    in some 10 s of log.
    """

    def __init__(self, log: Log, clock: Clock) -> None:
        self._log = log
        self._clock = clock
        self._reader: SpoolReader | None = None
        self._first: dict[tuple[str, int], tuple[Record, ClockRecord]] = {}
        self._asked = Position(0, 0)
        self._newest_received_us = 0
        self._waiting: tuple[Position, int] | None = None

    @property
    def held(self) -> int:
        """Clock records that were found ahead."""
        return len(self._first)

    def find(self, node: str, boot: int, row: Record) -> ClockRecord | NoClock:
        """The clock of a row in the record `row`, whose boot had none up to there.

        Raises OSError or SpoolError where the log cannot be read.
        """
        self._forget_before(row)
        if self._reader is None or self._reader.position < row.end:
            self.close()
            self._reader = self._log.reader(row.end)
            self._newest_received_us = row.received_us
        while (node, boot) not in self._first:
            if abs(self._newest_received_us - row.received_us) > WAIT_US:
                return NoClock.NONE
            settled = self._log.settled()
            if not self._read_on(self._reader):
                over = settled and self._clock.monotonic_us() >= self.decided_us(row)
                return NoClock.NONE if over else NoClock.NOT_YET
        ahead, clock = self._first[node, boot]
        return clock if abs(ahead.received_us - row.received_us) <= WAIT_US else NoClock.NONE

    def decided_us(self, row: Record) -> int:
        """The monotonic time from which on `find` answers for that row, whatever the log holds."""
        if self._waiting is None or self._waiting[0] != row.start:
            self._waiting = (row.start, self._clock.monotonic_us() + WAIT_US + _SETTLE_US)
        return self._waiting[1]

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()

    def _forget_before(self, row: Record) -> None:
        """Who asks knows what lies before the row. Asked for an earlier one, begin anew there."""
        if row.start < self._asked:
            self._first.clear()
            self.close()
            self._reader = None
        self._asked = row.start
        for key, (ahead, _) in list(self._first.items()):
            if ahead.start >= row.start:
                break
            del self._first[key]

    def _read_on(self, reader: SpoolReader) -> bool:
        records = reader.read(CHUNK_BYTES)
        for record in records:
            self._newest_received_us = record.received_us or self._newest_received_us
            if record.kind == Kind.CLOCK:
                self._note(record)
        return bool(records)

    def _note(self, record: Record) -> None:
        try:
            found = msgspec.msgpack.decode(record.body, type=ClockRecord)
        except (msgspec.MsgspecError, ValueError):
            return
        self._first.setdefault((found.node, found.boot), (record, found))
