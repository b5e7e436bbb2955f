"""The forwarder: reads the spool, writes to the server, moves the cursor. One request a step."""

import logging
from collections import Counter
from dataclasses import dataclass
from random import Random

from gateway.forward.batches import USUAL_RECORD_BYTES, Batch, BatchReader
from gateway.forward.cursor import CursorFile
from gateway.forward.delivery import Delivery, Quarantine
from gateway.forward.lines import LineWriter
from gateway.forward.log import Log
from gateway.forward.sink import Sink
from gateway.spool.errors import SpoolError
from gateway.spool.format import Position
from gateway.state import Forward
from gateway.timebase import Clock

__all__ = ["ForwardSettings", "Forwarder"]

_log = logging.getLogger(__name__)

_IDLE_US = 60_000_000
_CLOCK_LOOK_US = 1_000_000
_UNREADABLE_LOOK_US = 5_000_000


@dataclass(frozen=True)
class ForwardSettings:
    """Who sends, how much at a time, and how often the cursor is stored at most."""

    locomotive: str
    batch_values: int = 20_000
    cursor_period_us: int = 10_000_000


class Forwarder:
    """At least once, in the order of the log: a batch is over when the server has all of it.

    `step` and `close` belong to one thread. `state`, `acknowledged` and the counters may be read
    from any; they never go back.
    """

    def __init__(
        self,
        log: Log,
        sink: Sink,
        cursor_file: CursorFile,
        clock: Clock,
        random: Random,
        quarantine: Quarantine,
        settings: ForwardSettings,
    ) -> None:
        self.batches = 0
        self.points = 0
        self.values = 0
        self.messages = 0
        self.cursor_failures = 0
        self.acknowledged: Position | None = None
        """All before it has reached the server; None: nothing is known to have."""
        self._log = log
        self._clock = clock
        self._settings = settings
        self._cursor_file = cursor_file
        self._lines = LineWriter(settings.locomotive)
        self._delivery = Delivery(sink, clock, random, self._lines.probe(), quarantine)
        self._reader: BatchReader | None = None
        self._batch: Batch | None = None
        self._saved: Position | None = None
        self._save_us = 0
        self._waiting_since_us: int | None = None
        self._sent_up_to_us: int | None = None
        self._fault: str | None = None

    @property
    def retries(self) -> Counter[str]:
        """Requests that had to be made again, by reason."""
        return self._delivery.retries

    @property
    def problem(self) -> str | None:
        """What a person has to mend; a server that is merely away is none."""
        return self._fault or (self._delivery.error if self._delivery.refused else None)

    @property
    def lines_quarantined(self) -> int:
        return self._delivery.quarantined

    @property
    def records_unreadable(self) -> Counter[str]:
        """Records that could not be turned into lines, by reason."""
        return self._reader.unreadable if self._reader else Counter()

    @property
    def passed_segments(self) -> int:
        """Segments that were removed before they could be sent."""
        return self._reader.passed_segments if self._reader else 0

    def step(self) -> int:
        """Make at most one request; returns the monotonic time of the next step.

        Call it earlier when something was committed. A batch that is not through keeps its bytes.
        """
        now_us = self._clock.monotonic_us()
        if now_us < self._delivery.retry_us:
            return self._next_us(now_us, self._delivery.retry_us)
        try:
            self._batch = self._batch or self._next_batch()
        except (OSError, SpoolError) as error:
            self._note_fault(f"the spool cannot be read: {error}")
            return now_us + _UNREADABLE_LOOK_US
        self._note_fault(None)
        if self._batch is None:
            return self._rest(now_us)
        if not self._delivery.done:
            self._delivery.attempt()
        if self._delivery.done:
            self._acknowledge(self._batch)
        self._note_waiting()
        now_us = self._clock.monotonic_us()
        return self._next_us(now_us, max(now_us, self._delivery.retry_us))

    def state(self) -> Forward:
        """For the page. The number of messages is estimated from the bytes that wait."""
        acknowledged, reader = self.acknowledged, self._reader
        error = self._fault or self._delivery.error
        try:
            backlog = self._log.bytes_between(acknowledged, self._log.committed())
        except (OSError, SpoolError) as problem:
            backlog, error = 0, error or f"the spool cannot be read: {problem}"
        if reader is None:
            messages = backlog // USUAL_RECORD_BYTES
        else:
            messages = reader.estimate_messages(backlog)
        since_us, sent_us = self._waiting_since_us, self._sent_up_to_us
        return Forward(
            state="waiting" if error else "sending" if backlog else "idle",
            backlog_messages=messages,
            backlog_bytes=backlog,
            waiting_since_ms=None if since_us is None else since_us // 1000,
            sent_up_to_ms=None if sent_us is None else sent_us // 1000,
            error=error,
        )

    def close(self) -> None:
        """Store the cursor and give the files back; `step` must not be called again."""
        self._save_cursor()
        if self._reader is not None:
            self._reader.close()

    def _next_batch(self) -> Batch | None:
        if self._reader is None:
            self._reader = self._open()
        batch = self._reader.next()
        if batch is not None:
            self._delivery.load(batch.body)
        return batch

    def _open(self) -> BatchReader:
        cursor = self._cursor_file.load()
        if self._cursor_file.note is not None:
            _log.warning("%s", self._cursor_file.note)
        if cursor is not None:
            cursor = min(cursor, self._log.committed())
        reader = BatchReader(
            self._log, self._lines, self._clock, cursor, self._settings.batch_values
        )
        self.acknowledged = self._saved = cursor
        self._save_us = self._clock.monotonic_us() + self._settings.cursor_period_us
        return reader

    def _acknowledge(self, batch: Batch) -> None:
        self._batch = None
        self.acknowledged = batch.end
        self._sent_up_to_us = max(self._sent_up_to_us or 0, batch.received_us)
        self.messages += batch.messages
        if batch.body:
            self.batches += 1
            self.points += batch.points
            self.values += batch.values
        if self._clock.monotonic_us() >= self._save_us:
            self._save_cursor()

    def _rest(self, now_us: int) -> int:
        """Nothing to send: store the cursor when it is due, and wait."""
        if self._saved != self.acknowledged and now_us >= self._save_us:
            self._save_cursor()
        decided_us = self._reader.decided_us if self._reader else None
        if decided_us is None:
            return self._next_us(now_us, now_us + _IDLE_US)
        left_us = decided_us - self._clock.utc_us()
        return self._next_us(now_us, now_us + max(0, min(left_us, _CLOCK_LOOK_US)))

    def _next_us(self, now_us: int, wanted_us: int) -> int:
        if self._saved == self.acknowledged or now_us >= self._save_us:
            return wanted_us
        return min(wanted_us, self._save_us)

    def _save_cursor(self) -> None:
        """A cursor that cannot be stored costs repeated writes later, nothing now."""
        self._save_us = self._clock.monotonic_us() + self._settings.cursor_period_us
        position = self.acknowledged
        if position is None or position == self._saved:
            return
        try:
            self._cursor_file.save(position)
        except OSError as error:
            self.cursor_failures += 1
            _log.warning("the forwarder's cursor cannot be stored: %s", error)
        else:
            self._saved = position

    def _note_fault(self, text: str | None) -> None:
        if text is not None and text != self._fault:
            _log.error("%s", text)
        self._fault = text
        self._note_waiting()

    def _note_waiting(self) -> None:
        if self._fault is None and self._delivery.error is None:
            self._waiting_since_us = None
        elif self._waiting_since_us is None:
            self._waiting_since_us = self._clock.utc_us()
