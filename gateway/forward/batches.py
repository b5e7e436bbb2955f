"""The log as batches of line protocol. Whoever reads a stretch again gets the same lines."""

import logging
from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec
from axwire.cose import split
from axwire.errors import MessageError, WireError
from axwire.parse import Health, Readings, Thinned, parse_up

from gateway.clock import ClockRecord
from gateway.decode import ChannelTable, Rows, count_samples, decode_readings
from gateway.forward.fold import fold, ledger_at, note_readings
from gateway.forward.lines import Lines, LineWriter, Lost
from gateway.forward.log import CHUNK_BYTES, Log
from gateway.forward.lookahead import ClockSearch, NoClock
from gateway.ledger import Boot, Run
from gateway.spool.format import Kind, Position, Record
from gateway.spool.gaps import gap_of
from gateway.thinned import Summary, decode_thinned
from gateway.timebase import Clock

__all__ = ["USUAL_RECORD_BYTES", "Batch", "BatchReader"]

_log = logging.getLogger(__name__)

_Blocks = TypeVar("_Blocks", Readings, Thinned)
_Decoded = TypeVar("_Decoded", Rows, Summary)

_BATCH_LOG_BYTES = 4 * 1024 * 1024
"""A batch ends after so much of the log, however little of it is to be sent."""

USUAL_RECORD_BYTES = 256
"""Estimates rest on this until something was read."""


@dataclass(frozen=True)
class Batch:
    """What a stretch of the log says to the server; the body is frozen.

    `body` has no newline at its end and may be empty. `received_us` is the latest receive time.
    """

    body: bytes
    end: Position
    points: int
    values: int
    messages: int
    received_us: int


@dataclass
class _Draft:
    texts: list[str] = field(default_factory=list)
    points: int = 0
    values: int = 0
    messages: int = 0
    log_bytes: int = 0
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
        self.received_us = max(self.received_us, record.received_us)
        self.end = record.end


class BatchReader:
    """Cuts the log behind `cursor` (all of it by default) into batches of about `values` fields.

    Opening folds the log from the newest STATE record to the cursor. Constructor and `next` may
    raise OSError or SpoolError where the log cannot be read; call `next` again, nothing is lost.
    """

    def __init__(
        self,
        log: Log,
        lines: LineWriter,
        clock: Clock,
        cursor: Position | None,
        values: int,
    ) -> None:
        self.unreadable: Counter[str] = Counter()
        """Records that could not be read, by reason; messages among them are written as a gap."""
        self.decided_us: int | None = None
        """UTC time up to which a row waits for its clock; None while none does."""
        self._lines = lines
        self._values = values
        self._ledger = ledger_at(log, cursor)
        self._reader = log.reader(cursor)
        self._search = ClockSearch(log, clock)
        self._ahead: deque[Record] = deque()
        self._draft = _Draft()
        self._gaps: dict[tuple[str, int], Counter[str]] = {}
        self._log_bytes = 0
        self._messages = 0

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
        """What follows; None where nothing is committed, or the next row waits for its clock."""
        self.decided_us = None
        draft = self._draft
        while (record := self._peek()) is not None:
            if self._gaps and record.received_us != self._gaps_received_us():
                self._write_gaps()
            if draft.is_full(self._values) and not self._gaps:
                break
            if not self._take(record):
                self.decided_us = self._search.decided_us(record)
                break
            self._ahead.popleft()
            draft.pass_over(record)
        self._write_gaps()
        if draft.end is None:
            return None
        self._draft = _Draft()
        self._log_bytes += draft.log_bytes
        self._messages += draft.messages
        return Batch(
            "".join(draft.texts).encode().rstrip(b"\n"),
            draft.end,
            draft.points,
            draft.values,
            draft.messages,
            draft.received_us,
        )

    def close(self) -> None:
        """Give the open files back."""
        self._reader.close()
        self._search.close()

    def _peek(self) -> Record | None:
        if not self._ahead:
            self._ahead.extend(self._reader.read(CHUNK_BYTES))
        return self._ahead[0] if self._ahead else None

    def _take(self, record: Record) -> bool:
        """Write what the record says; False where its rows have to wait for their clock."""
        if record.kind == Kind.MESSAGE:
            return self._take_message(record)
        if record.kind == Kind.GAP:
            self._take_gap(record)
        elif not fold(self._ledger, record):
            self._skip(record, "unreadable")
        elif record.kind == Kind.RUN:
            run = msgspec.msgpack.decode(record.body, type=Run).run
            self._draft.add(self._lines.started(run, record.received_us))
        return True

    def _take_message(self, record: Record) -> bool:
        try:
            envelope = split(record.body)
            up = parse_up(envelope.payload)
        except WireError:
            self._skip(record, "unreadable")
            return True
        if isinstance(up, Readings):
            return self._take_readings(record, envelope.name, up)
        if isinstance(up, Thinned):
            return self._take_thinned(record, envelope.name, up)
        clock = None
        if isinstance(up, Health):
            clock = self._clock(record, envelope.name, up.boot, up.t_ms)
            if clock is None:
                return False
        fold(self._ledger, record)
        if isinstance(up, Health) and clock is not None:
            boot = self._ledger.boot(envelope.name, up.boot)
            lost = Lost(boot.lost_messages, boot.lost_samples)
            self._draft.add(self._lines.health(envelope.name, up, lost, clock))
        return True

    def _take_readings(self, record: Record, node: str, up: Readings) -> bool:
        boot = self._ledger.boot(node, up.boot)
        rows = self._decode(record, boot, up, decode_readings)
        if rows:
            clock = self._clock(record, node, up.boot, max(block.last_t_ms for block in rows))
            if clock is None:
                return False
            for block in rows:
                self._draft.add(self._lines.rows(node, boot.tables[up.revision], block, clock))
        note_readings(boot, up.sequence, count_samples(up))
        return True

    def _take_thinned(self, record: Record, node: str, up: Thinned) -> bool:
        boot = self._ledger.boot(node, up.boot)
        summaries = self._decode(record, boot, up, decode_thinned)
        if summaries:
            clock = self._clock(record, node, up.boot, max(each.last_t_ms for each in summaries))
            if clock is None:
                return False
            table = boot.tables[up.revision]
            for summary in summaries:
                self._draft.add(self._lines.summary(node, table, summary, clock))
        fold(self._ledger, record)
        return True

    def _decode(
        self,
        record: Record,
        boot: Boot,
        up: _Blocks,
        decode: Callable[[_Blocks, ChannelTable], Iterator[_Decoded]],
    ) -> list[_Decoded]:
        """Every block of the message; none, and a gap, where they do not fit the table."""
        table = boot.tables.get(up.revision)
        if table is None:
            self._skip(record, "no_table")
            return []
        try:
            return list(decode(up, table))
        except MessageError:
            self._skip(record, "unreadable")
            return []

    def _clock(self, record: Record, node: str, number: int, t_ms: int) -> ClockRecord | None:
        """The clock for a record whose newest row is of `t_ms`; None: it may still come."""
        known = self._ledger.boot(node, number).clock
        if known is not None:
            return known
        found = self._search.find(node, number, record)
        if found is NoClock.NOT_YET:
            return None
        if isinstance(found, ClockRecord):
            return found
        return ClockRecord(node, number, t_ms * 1000, record.received_us, 0, 0, trusted=False)

    def _skip(self, record: Record, reason: str) -> None:
        _log.warning("the record at %s is not forwarded: %s", record.start, reason)
        self.unreadable[reason] += 1
        if record.kind == Kind.MESSAGE:
            self._note_gap(record, reason, record.size, 1)

    def _take_gap(self, record: Record) -> None:
        gap = gap_of(record)
        self._note_gap(record, gap.reason, gap.bytes, gap.messages)

    def _note_gap(self, record: Record, reason: str, size: int, messages: int | None) -> None:
        if not record.received_us:
            self.unreadable["gap_without_time"] += 1
            return
        sums = self._gaps.setdefault((reason, record.received_us), Counter())
        sums.update(gaps=1, gap_bytes=size)
        if messages is not None:
            sums.update(gap_messages=messages)

    def _gaps_received_us(self) -> int:
        """Gaps noted at one time become one point: points of equal time and tags overwrite."""
        return next(iter(self._gaps))[1]

    def _write_gaps(self) -> None:
        for (reason, received_us), sums in self._gaps.items():
            self._draft.add(self._lines.gap(reason, dict(sums), received_us))
        self._gaps.clear()
