"""The write side: buffers records, commits them in groups, and says what has become durable."""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.errors import BufferFullError, RecordTooLargeError
from gateway.spool.faults import explain
from gateway.spool.format import (
    HEADER_BYTES,
    RECORD_BYTES,
    Entry,
    Kind,
    Position,
    Priority,
    body_limit,
)
from gateway.spool.gaps import Gap, gap_entry
from gateway.spool.metrics import WriterMetrics
from gateway.spool.recovery import Recovery
from gateway.spool.segment_log import LogTail, SegmentLog, is_nearly_full
from gateway.spool.storage import FileStorage, Storage
from gateway.timebase import Clock

__all__ = ["SpoolWriter", "WriterSettings"]

_log = logging.getLogger(__name__)

_STATE_EACH_BYTES = 4 * 1024 * 1024
_STATE_SHARE = 16


@dataclass(frozen=True)
class WriterSettings:
    """When to commit, what to hold, and how large a segment grows.

    A commit costs a card about 7 kB whatever its size, so urgent ones have an allowance:
    `urgent_burst` in a row, one more each `urgent_refill_us`; beyond it they wait for the group.
    """

    segment_bytes: int = 16 * 1024 * 1024
    commit_period_us: int = 1_000_000
    commit_bytes: int = 256 * 1024
    buffer_bytes: int = 8 * 1024 * 1024
    urgent_burst: int = 10
    urgent_refill_us: int = 2_000_000
    retry_first_us: int = 250_000
    retry_max_us: int = 10_000_000


class SpoolWriter:
    """Takes records from any thread; `commit` makes them durable, in the order they came.

    The log must be locked and recovered, and only this writer may write it. Times named `now_us`
    are the clock's monotonic ones. `on_committed(ticket)` is called in the committing thread
    after each commit that got anywhere: every record up to that ticket is durable.
    `on_due_changed()` is called in the appending thread when a commit has become due earlier
    than `next_due_us` said before.
    """

    def __init__(
        self,
        folder: Path,
        clock: Clock,
        recovery: Recovery,
        *,
        settings: WriterSettings | None = None,
        storage: Storage | None = None,
        on_committed: Callable[[int], None] | None = None,
    ) -> None:
        self.folder = folder
        self.settings = settings or WriterSettings()
        self.storage: Storage = storage or FileStorage()
        self.metrics = WriterMetrics()
        self.fault: str | None = None
        self.fault_errno: int | None = None
        self.wants_snapshot = recovery.wants_snapshot
        self.state_segment = recovery.state.segment if recovery.state else None
        self._planned_end = recovery.end.offset
        self._state_bytes = 0
        self._behind_state_bytes = 0
        self.on_committed = on_committed
        self.on_due_changed: Callable[[], None] | None = None
        self.total_bytes = recovery.total_bytes
        self._clock = clock
        self._log = SegmentLog(
            folder,
            LogTail(recovery.end, recovery.resume),
            clock,
            self.storage,
            self.settings.segment_bytes,
            self.metrics,
        )
        self._committed = recovery.end
        self._committed_ticket = 0
        self._committed_us = clock.monotonic_us()
        self._lock = threading.Lock()
        self._commit_lock = threading.Lock()
        self._pending: list[Entry] = []
        self._pending_bytes = 0
        self._in_flight_bytes = 0
        self._ticket = 0
        self._due_us: int | None = None
        self._retry_us: int | None = None
        self._backoff_us = self.settings.retry_first_us
        self._urgent_us = 0
        for gap in recovery.gaps:
            self.note_gap(gap)

    @property
    def committed(self) -> Position:
        """Readers may read up to here."""
        return self._committed

    @property
    def committed_ticket(self) -> int:
        return self._committed_ticket

    @property
    def buffered_bytes(self) -> int:
        """What waits for the disk."""
        return self._pending_bytes + self._in_flight_bytes

    @property
    def room_bytes(self) -> int:
        """What the buffer still takes; links stop reading before it is used up."""
        return max(0, self.settings.buffer_bytes - self.buffered_bytes)

    @property
    def next_due_us(self) -> int | None:
        """When to commit next; None while nothing waits."""
        with self._lock:
            if not self._pending:
                return None
            return self._due_us if self._retry_us is None else self._retry_us

    def due(self, now_us: int) -> bool:
        due_us = self.next_due_us
        return due_us is not None and due_us <= now_us

    def commit_age_us(self, now_us: int) -> int:
        """How long ago the last record became durable, or the writer was made."""
        return now_us - self._committed_us

    def append(
        self, kind: int, priority: int, body: bytes | bytearray | memoryview, received_us: int
    ) -> int:
        """Buffer a record; returns its ticket, one above the last.

        Raises BufferFullError or RecordTooLargeError, and then has taken nothing. A STATE record
        answers `wants_snapshot`: its body must hold the effect of every record appended before.
        """
        if not (0 < kind < 256 and 0 <= priority < 256 and abs(received_us) < 1 << 63):
            raise ValueError(f"no record has kind {kind}, priority {priority} at {received_us}")
        if len(body) > body_limit(kind):
            raise RecordTooLargeError(
                f"a record of kind {kind} may hold {body_limit(kind)} bytes, not {len(body)}: "
                "split it before it is appended"
            )
        size = RECORD_BYTES + len(body)
        with self._lock:
            buffered = self.buffered_bytes
            if buffered and buffered + size > self.settings.buffer_bytes:
                self.metrics.refused_full += 1
                raise BufferFullError(
                    f"{buffered} bytes already wait for the disk of {self.folder}: read nothing "
                    "more from the links until a commit succeeds"
                )
            ticket, sooner = self._put(Entry(kind, priority, received_us, bytes(body)))
        if sooner and self.on_due_changed is not None:
            self.on_due_changed()
        return ticket

    def commit(self) -> bool:
        """Write what is buffered and make it durable; False where the disk refused.

        A refusal sets `fault`, keeps the records and plans the next attempt; nothing raises.
        """
        with self._commit_lock:
            before = self._committed_ticket
            durable = self._commit_batch()
            after = self._committed_ticket
        if after != before and self.on_committed is not None:
            self.on_committed(after)
        return durable

    def close(self) -> bool:
        """Commit what is left and give the files back; False where something was left over."""
        durable = self.commit()
        with self._commit_lock:
            self._log.close()
        return durable

    def note_gap(self, gap: Gap) -> int:
        """Buffer a GAP record, even where the buffer is full; returns its ticket."""
        with self._lock:
            ticket, _ = self._put(gap_entry(gap, self._clock.utc_us()))
        return ticket

    def forget_segment(self, size: int, messages_lost: int) -> None:
        """Take a removed segment out of the sums."""
        self.total_bytes -= size
        self.metrics.segments_removed += 1
        self.metrics.messages_removed += messages_lost

    def note_thinned(self, saved: int, written: int, messages: int) -> None:
        """A closed segment has shrunk by `saved` bytes and lost `messages` that were not sent."""
        self.total_bytes -= saved
        self.metrics.disk_bytes += written
        self.metrics.segments_thinned += 1
        self.metrics.messages_thinned += messages

    def _plan(self, kind: int, size: int) -> None:
        """Where the segment will end, and a snapshot in time for the next to begin with it."""
        limit = self.settings.segment_bytes
        begins = kind == Kind.STATE and is_nearly_full(self._planned_end, limit)
        if begins or self._planned_end + size > limit:
            self._planned_end = HEADER_BYTES
        self._planned_end += size
        if kind == Kind.STATE:
            self.wants_snapshot = False
        elif is_nearly_full(self._planned_end, limit):
            self.wants_snapshot = True

    def _put(self, entry: Entry) -> tuple[int, bool]:
        """The ticket, and whether a commit is due earlier than before."""
        before_us = self._due_us
        size = RECORD_BYTES + len(entry.body)
        self._ticket += 1
        self._pending.append(entry)
        self._pending_bytes += size
        self._plan(entry.kind, size)
        if before_us is None:
            now_us = self._clock.monotonic_us()
            self._due_us = now_us + self.settings.commit_period_us
        if entry.priority >= Priority.URGENT or self._pending_bytes >= self.settings.commit_bytes:
            self._hasten(entry.priority)
        return self._ticket, self._due_us != before_us

    def _hasten(self, priority: int) -> None:
        now_us = self._clock.monotonic_us()
        if self._due_us is not None and self._due_us <= now_us:
            return
        if self._pending_bytes < self.settings.commit_bytes:
            spent_us = max(self._urgent_us, now_us)
            allowance_us = (self.settings.urgent_burst - 1) * self.settings.urgent_refill_us
            if spent_us - now_us > allowance_us:
                return
            self._urgent_us = spent_us + self.settings.urgent_refill_us
        self._due_us = now_us

    def _commit_batch(self) -> bool:
        batch = self._take()
        started_us = self._clock.monotonic_us()
        done = 0
        try:
            while done < len(batch):
                run = batch[done : done + self._log.append(batch[done:])]
                self._advance(run)
                done += len(run)
        except OSError as error:
            self._keep(batch[done:], error)
            return False
        if batch:
            self.metrics.commits += 1
            self.metrics.commit_us += self._clock.monotonic_us() - started_us
            self._healthy()
        return True

    def _take(self) -> list[Entry]:
        with self._lock:
            batch, self._pending = self._pending, []
            self._in_flight_bytes, self._pending_bytes = self._pending_bytes, 0
            self._due_us = None
            return batch

    def _advance(self, run: list[Entry]) -> None:
        size = sum(RECORD_BYTES + len(entry.body) for entry in run)
        end = self._log.end
        has_state = any(entry.kind == Kind.STATE for entry in run)
        if end.segment != self._committed.segment:
            self.total_bytes += HEADER_BYTES
            self.wants_snapshot = not has_state
        self._note_state(run)
        if has_state:
            self.state_segment = end.segment
        self.total_bytes += size
        self.metrics.records += len(run)
        self.metrics.bytes += size
        self._committed_us = self._clock.monotonic_us()
        with self._lock:
            self._in_flight_bytes -= size
            self._committed = end
            self._committed_ticket += len(run)
            if not self.buffered_bytes:
                self._planned_end = end.offset

    def _note_state(self, run: list[Entry]) -> None:
        """Ask for a snapshot where a restart would have much to read behind the last one."""
        for entry in run:
            if entry.kind == Kind.STATE:
                self._state_bytes, self._behind_state_bytes = len(entry.body), 0
            else:
                self._behind_state_bytes += RECORD_BYTES + len(entry.body)
        if self._behind_state_bytes >= max(_STATE_EACH_BYTES, _STATE_SHARE * self._state_bytes):
            self.wants_snapshot = True

    def _keep(self, rest: list[Entry], error: OSError) -> None:
        now_us = self._clock.monotonic_us()
        with self._lock:
            self._pending = rest + self._pending
            self._pending_bytes += self._in_flight_bytes
            self._in_flight_bytes = 0
            self._due_us = self._due_us if self._due_us is not None else now_us
            self._retry_us = now_us + self._backoff_us
        self._backoff_us = min(2 * self._backoff_us, self.settings.retry_max_us)
        self.metrics.failures += 1
        words = explain(error, self.folder)
        if words != self.fault:
            _log.error("%s", words)
        self.fault, self.fault_errno = words, error.errno

    def _healthy(self) -> None:
        if self.fault is not None:
            _log.warning("the spool in %s can be written again", self.folder)
        self.fault = self.fault_errno = self._retry_us = None
        self._backoff_us = self.settings.retry_first_us
