"""The log as batches of line protocol. Whoever reads a stretch again gets the same lines."""

import logging
from collections import Counter, deque
from dataclasses import dataclass, field

from gateway.forward.audit import section_at
from gateway.forward.fold import fold_first_state, ledger_at
from gateway.forward.lines import Lines, LineWriter
from gateway.forward.log import CHUNK_BYTES, Log
from gateway.forward.surety import Hold
from gateway.forward.telling import Teller
from gateway.spool.format import Kind, Position, Record
from gateway.timebase import Clock

__all__ = ["USUAL_RECORD_BYTES", "Batch", "BatchReader"]

_log = logging.getLogger(__name__)

_BATCH_LOG_BYTES = 4 * 1024 * 1024
"""A batch ends after so much of the log, however little of it is to be sent."""

USUAL_RECORD_BYTES = 256
"""Estimates rest on this until something was read."""


@dataclass(frozen=True)
class Batch:
    """What a stretch of the log says to the server; the body is frozen.

    `body` has no newline at its end and may be empty. The receive times are the earliest and the
    latest of its records.
    """

    body: bytes
    end: Position
    points: int
    values: int
    messages: int
    log_bytes: int
    first_received_us: int
    received_us: int
    is_full: bool
    """Whether it ended for its size, so that more follows."""


@dataclass
class _Draft:
    texts: list[str] = field(default_factory=list)
    points: int = 0
    values: int = 0
    messages: int = 0
    log_bytes: int = 0
    first_received_us: int = 0
    received_us: int = 0
    end: Position | None = None

    def is_full(self, values: int) -> bool:
        return self.values >= values or self.log_bytes >= _BATCH_LOG_BYTES

    def add(self, lines: Lines) -> None:
        self.texts.append(lines.text)
        self.points += lines.points
        self.values += lines.values

    def pass_over(self, record: Record) -> None:
        self.log_bytes += record.size
        self.messages += record.kind == Kind.MESSAGE
        if record.received_us:
            self.first_received_us = min(
                self.first_received_us or record.received_us, record.received_us
            )
        self.received_us = max(self.received_us, record.received_us)
        self.end = record.end


class BatchReader:
    """Cuts a stretch of the log into batches of about `values` fields.

    It begins behind `start` (with the oldest record by default) and ends at `end`, which must be
    committed, or follows the log where there is no end. `mark`: the batches go out behind newer
    ones, and each says so by a point with this reason. `replay`: all went out before.
    Opening folds the log from the newest STATE record to the start. Constructor and `next` may
    raise OSError or SpoolError where the log cannot be read; call `next` again, nothing is lost.
    """

    def __init__(
        self,
        log: Log,
        lines: LineWriter,
        clock: Clock,
        start: Position | None,
        values: int,
        *,
        end: Position | None = None,
        mark: str | None = None,
        replay: bool = False,
        hold: Hold | None = None,
    ) -> None:
        self.decided_us: int | None = None
        """Monotonic time up to which a row waits for its clock; None while none does."""
        self._log = log
        self._lines = lines
        self._clock = clock
        self._start = start or Position(0, 0)
        self._end = end
        self._mark = mark
        self._values = values
        begin = None if start is None else section_at(log, start)
        self._ledger = ledger_at(log, begin)
        self._teller = Teller(
            log, lines, clock, self._ledger, hold or Hold(clock, 0), replay=replay
        )
        self._reader = log.reader(begin)
        self._ahead: deque[Record] = deque()
        self._draft = _Draft()
        self._ended = False
        self._log_bytes = 0
        self._messages = 0

    @property
    def waits_for_time(self) -> bool:
        """Whether the next row waits until the gateway's own clock is set."""
        return self.decided_us is not None and self._teller.waits_for_time

    @property
    def unreadable(self) -> Counter[str]:
        """Records that could not be read, by reason; messages among them are written as a gap."""
        return self._teller.unreadable

    @property
    def passed_segments(self) -> int:
        """Segments that were gone before they could be read."""
        return self._reader.passed_segments

    def estimate_messages(self, log_bytes: int) -> int:
        """About how many messages lie in so many bytes of log, by what was read so far."""
        if not self._messages:
            return log_bytes // USUAL_RECORD_BYTES
        return round(log_bytes * self._messages / self._log_bytes)

    def next(self) -> Batch | None:
        """What follows; None where nothing is committed, or the next row waits for its clock,
        or all was given up to the end."""
        self.decided_us = None
        if self._ended:
            return None
        teller = self._teller
        while not self._draft.is_full(self._values) or teller.is_summing:
            record = self._peek()
            if record is not None:
                teller.turn(record, self._draft)
            if self._is_end(record):
                self._ended = True
                self._draft.end = self._end
                break
            if record is None or not self._take(record):
                break
        teller.write_gaps(self._draft)
        return self._finish()

    def close(self) -> None:
        """Give the open files back."""
        self._reader.close()
        self._teller.close()

    def _peek(self) -> Record | None:
        if not self._ahead:
            passed = self._reader.passed_segments
            records = self._reader.read(CHUNK_BYTES)
            if self._reader.passed_segments != passed and records:
                _log.warning(
                    "%d segments before %s are gone: this server gets nothing more of them",
                    self._reader.passed_segments - passed,
                    records[0].start,
                )
                fold_first_state(self._log, self._ledger, records[0].start)
            self._ahead.extend(records)
        return self._ahead[0] if self._ahead else None

    def _is_end(self, record: Record | None) -> bool:
        return self._end is not None and (record is None or record.start >= self._end)

    def _take(self, record: Record) -> bool:
        """Take the next record; False where it has to wait. What is before the start was sent."""
        teller = self._teller
        teller.again = record.end <= self._start
        if not teller.take(record, self._draft):
            self.decided_us = teller.decided_us(record)
            return False
        self._ahead.popleft()
        if teller.again:
            self._draft = _Draft()
        else:
            self._draft.pass_over(record)
        return True

    def _finish(self) -> Batch | None:
        draft = self._draft
        if draft.end is None:
            return None
        self._draft = _Draft()
        self._log_bytes += draft.log_bytes
        self._messages += draft.messages
        is_full = draft.is_full(self._values)
        if self._mark is not None and draft.values:
            self._say_late(self._mark, draft)
        return Batch(
            "".join(draft.texts).encode().rstrip(b"\n"),
            draft.end,
            draft.points,
            draft.values,
            draft.messages,
            draft.log_bytes,
            draft.first_received_us,
            draft.received_us,
            is_full,
        )

    def _say_late(self, mark: str, draft: _Draft) -> None:
        fields = {
            "first_received_ms": draft.first_received_us // 1000,
            "last_received_ms": draft.received_us // 1000,
            "late_messages": draft.messages,
            "late_values": draft.values,
        }
        draft.add(self._lines.told(mark, fields, self._clock.utc_us()))
