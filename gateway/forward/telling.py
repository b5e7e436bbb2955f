"""What each record of the log says to the server, in the order of the log."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

import msgspec
from axwire.cose import Envelope
from axwire.errors import MessageError, WireError
from axwire.parse import Event, Health, Readings, Thinned

from gateway.alarms.record import read_record
from gateway.boot import Boot
from gateway.clock import ClockRecord
from gateway.decode import ChannelTable, Rows, count_samples, decode_readings
from gateway.forward.audit import HOUR_US, Audit
from gateway.forward.fold import fold, fold_parsed, note_readings
from gateway.forward.lines import Lines, LineWriter, Lost
from gateway.forward.log import Log
from gateway.forward.placing import Placing
from gateway.forward.surety import Hold
from gateway.ledger import SERVER_REFUSED, Ledger, Quarantined, Run, earlier_boot
from gateway.quick import AnyUp, parse, split
from gateway.spool.format import Kind, Record
from gateway.spool.gaps import gap_of
from gateway.thinned import Summary, decode_thinned
from gateway.timebase import Clock

__all__ = ["Paper", "Teller"]

_log = logging.getLogger(__name__)

_Blocks = TypeVar("_Blocks", Readings, Thinned)
_Decoded = TypeVar("_Decoded", Rows, Summary)


class Paper(Protocol):
    """What lines are written on."""

    def add(self, lines: Lines) -> None: ...


class Teller:
    """Brings `ledger` on record by record, and writes what each says on a paper.

    `again`: all of it went out before, so nothing is warned of or counted a second time.
    """

    def __init__(
        self,
        log: Log,
        lines: LineWriter,
        clock: Clock,
        ledger: Ledger,
        hold: Hold,
        *,
        replay: bool,
    ) -> None:
        self.unreadable: Counter[str] = Counter()
        """Records that could not be read, by reason; messages among them are written as a gap."""
        self.again = False
        self._lines = lines
        self._ledger = ledger
        self._placing = Placing(log, clock, hold)
        self._audit = Audit(lines, replay=replay)
        self._gaps: dict[tuple[str, int], Counter[str]] = {}

    @property
    def waits_for_time(self) -> bool:
        """Whether the last row waits until the gateway's own clock is set."""
        return self._placing.waits_for_time

    @property
    def is_summing(self) -> bool:
        """Whether gaps were noted that are not written yet."""
        return bool(self._gaps)

    def turn(self, record: Record, paper: Paper) -> None:
        """Before a record: write what ends there. Telling it of the same record again is safe."""
        if self._gaps and record.received_us != next(iter(self._gaps))[1]:
            self.write_gaps(paper)
        account = self._audit.turn(record)
        if account is not None:
            paper.add(account)

    def take(self, record: Record, paper: Paper) -> bool:
        """Write what the record says; False where its rows have to wait for their clock."""
        if record.kind == Kind.MESSAGE:
            return self._take_message(record, paper)
        if record.kind == Kind.GAP:
            fold(self._ledger, record)
            self._take_gap(record)
        elif not fold(self._ledger, record):
            self._skip(record, "unreadable")
        elif record.kind == Kind.RUN:
            run = msgspec.msgpack.decode(record.body, type=Run).run
            paper.add(self._lines.started(run, record.received_us))
        elif record.kind == Kind.ALARM:
            paper.add(self._lines.alarm(read_record(record.body), record.received_us))
        elif record.kind == Kind.QUARANTINE:
            self._take_quarantine(record, paper)
        return True

    def decided_us(self, record: Record) -> int:
        """The monotonic time from which on the record's rows wait no more."""
        return self._placing.decided_us(record)

    def write_gaps(self, paper: Paper) -> None:
        """Gaps noted at one time become one point: points of equal time and tags overwrite."""
        for (reason, received_us), sums in self._gaps.items():
            paper.add(self._lines.told(reason, sums, received_us))
        self._gaps.clear()

    def close(self) -> None:
        """Give the open files back."""
        self._placing.close()

    def _take_message(self, record: Record, paper: Paper) -> bool:
        try:
            envelope = split(record.body)
            up = parse(envelope.payload)
        except WireError:
            self._skip(record, "unreadable")
            return True
        node = envelope.name
        if isinstance(up, Readings):
            return self._take_readings(record, node, up, paper)
        if isinstance(up, Thinned):
            return self._take_thinned(record, envelope, up, paper)
        if isinstance(up, Health):
            return self._take_health(record, envelope, up, paper)
        earlier = earlier_boot(up) if isinstance(up, Event) else None
        self._fold(record, envelope, up, up.boot if earlier is None else earlier.number)
        return True

    def _take_readings(self, record: Record, node: str, up: Readings, paper: Paper) -> bool:
        boot = self._ledger.boot(node, up.boot)
        rows = self._decode(record, boot, up, decode_readings)
        if not rows:
            note_readings(boot, up.sequence, count_samples(up))
            return True
        clock = self._clock(record, node, up.boot, max(block.last_t_ms for block in rows))
        if clock is None:
            return False
        table = boot.tables[up.revision]
        taken = 0
        for block in rows:
            for part, time_us in _by_hour(block, clock):
                lines = self._lines.rows(node, table, part, clock)
                paper.add(lines)
                samples = part.samples
                taken += samples
                self._audit.count(node, time_us, sent=lines.values, samples=samples)
        note_readings(boot, up.sequence, taken)
        return True

    def _take_thinned(self, record: Record, envelope: Envelope, up: Thinned, paper: Paper) -> bool:
        node = envelope.name
        boot = self._ledger.boot(node, up.boot)
        summaries = self._decode(record, boot, up, decode_thinned)
        if summaries:
            clock = self._clock(record, node, up.boot, max(each.last_t_ms for each in summaries))
            if clock is None:
                return False
            table = boot.tables[up.revision]
            for summary in summaries:
                lines = self._lines.summary(node, table, summary, clock)
                paper.add(lines)
                self._audit.count(
                    node,
                    clock.utc_at(summary.rows.t_ms * 1000),
                    sent=lines.values,
                    thinned_samples=sum(summary.taken),
                )
        self._fold(record, envelope, up, up.boot)
        return True

    def _take_health(self, record: Record, envelope: Envelope, up: Health, paper: Paper) -> bool:
        node = envelope.name
        clock = self._clock(record, node, up.boot, up.t_ms)
        if clock is None:
            return False
        self._fold(record, envelope, up, up.boot)
        boot = self._ledger.boot(node, up.boot)
        lost = Lost(boot.lost_messages, boot.lost_samples)
        lines = self._lines.health(node, up, lost, clock)
        paper.add(lines)
        self._audit.count(node, clock.utc_at(up.t_ms * 1000), sent=lines.values)
        return True

    def _fold(self, record: Record, envelope: Envelope, up: AnyUp, number: int) -> None:
        """Fold, and account for what the record shows to be lost of that boot."""
        node = envelope.name
        boot = self._ledger.boot(node, number)
        messages, samples = boot.lost_messages, boot.lost_samples
        fold_parsed(self._ledger, record, envelope, up)
        boot = self._ledger.boot(node, number)
        messages, samples = boot.lost_messages - messages, boot.lost_samples - samples
        if messages or samples:
            self._audit.count(
                node, record.received_us, lost_messages=messages, lost_samples=samples
            )

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
        return self._placing.find(
            self._ledger, record, node, number, t_ms, may_wait=not self.again
        )

    def _take_quarantine(self, record: Record, paper: Paper) -> None:
        refused = msgspec.msgpack.decode(record.body, type=Quarantined)
        if refused.reason == SERVER_REFUSED:
            account = self._lines.refused(refused.message.decode(errors="replace"))
            if account is not None:
                paper.add(account)

    def _skip(self, record: Record, reason: str) -> None:
        if not self.again:
            _log.warning("the record at %s is not forwarded: %s", record.start, reason)
            self.unreadable[reason] += 1
        if record.kind == Kind.MESSAGE:
            self._note_gap(record, reason, record.size, 1)

    def _take_gap(self, record: Record) -> None:
        gap = gap_of(record)
        if (gap.segment, gap.offset) == record.start:
            self._audit.miss(record)
        self._note_gap(record, gap.reason, gap.bytes, gap.messages)

    def _note_gap(self, record: Record, reason: str, size: int, messages: int | None) -> None:
        if not record.received_us:
            if not self.again:
                self.unreadable["gap_without_time"] += 1
            return
        sums = self._gaps.setdefault((reason, record.received_us), Counter())
        sums.update(gaps=1, gap_bytes=size)
        if messages is not None:
            sums.update(gap_messages=messages)


def _by_hour(rows: Rows, clock: ClockRecord) -> Iterator[tuple[Rows, int]]:
    """The rows in parts that lie in one hour each, and a time of each part."""
    first_us, last_us = clock.utc_at(rows.t_ms * 1000), clock.utc_at(rows.last_t_ms * 1000)
    if first_us // HOUR_US == last_us // HOUR_US:
        yield rows, first_us
        return
    count, begin = rows.count, 0
    while begin < count:
        part = rows.part(begin, count)
        begin_us = clock.utc_at(part.t_ms * 1000)
        end = begin + 1
        while (
            end < count
            and clock.utc_at((rows.t_ms + end * rows.group.period_ms) * 1000) // HOUR_US
            == begin_us // HOUR_US
        ):
            end += 1
        yield rows.part(begin, end), begin_us
        begin = end
