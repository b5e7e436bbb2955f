"""The forwarder: reads the spool, writes to the server, keeps what is sent. One request a step.

Newest data goes first. Where much lies unsent, the live lane goes on near the end of the log, and
the lane behind it sends what was left out whenever the live lane has nothing to send.
"""

import logging
import queue
from collections import Counter
from concurrent.futures import Future
from dataclasses import dataclass
from random import Random

from gateway.forward.audit import section_at
from gateway.forward.batches import USUAL_RECORD_BYTES, Batch, BatchReader
from gateway.forward.cursor import CursorFile
from gateway.forward.delivery import Delivery, Quarantine
from gateway.forward.lane import Lane
from gateway.forward.lines import LineWriter
from gateway.forward.log import Log
from gateway.forward.progress import REPLAYED, Progress
from gateway.forward.replay import Replay, add_replay
from gateway.forward.sink import Sink
from gateway.forward.surety import Hold
from gateway.spool.errors import SpoolError
from gateway.spool.format import Position
from gateway.state import Forward
from gateway.timebase import Clock

__all__ = ["NO_TIME", "ForwardSettings", "Forwarder"]

_log = logging.getLogger(__name__)

_IDLE_US = 60_000_000
_CLOCK_LOOK_US = 1_000_000
_UNREADABLE_LOOK_US = 5_000_000
_ASK_US = 30_000_000
NO_TIME = (
    "this machine's clock is not set: rows wait for a time source; if none comes, they go with "
    "estimated times"
)
_LATE_US = 60_000_000
_OLDEST_LOOK_US = 1_000_000
"""What goes out so long after it was received is remembered as late."""


@dataclass(frozen=True)
class ForwardSettings:
    """Who sends, how much at a time, how often the cursor is stored at most, how much may lie
    unsent before newest data goes first, and how long a server that answers waits for rows whose
    time is not sure yet."""

    locomotive: str
    batch_values: int = 20_000
    cursor_period_us: int = 10_000_000
    live_bytes: int = 512 * 1024
    time_wait_us: int = 0


class Forwarder:
    """At least once: a batch is over when the server has all of it.

    `step` and `close` belong to one thread. `state`, `progress` and the counters may be read from
    any, and `ask_replay` called; the counters never go back.
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
        self.log_bytes = 0
        self.cursor_failures = 0
        self.progress = Progress()
        """What the server is known to have."""
        self._log = log
        self._clock = clock
        self._settings = settings
        self._cursor_file = cursor_file
        self._lines = LineWriter(settings.locomotive)
        probe = self._lines.probe()
        self._live = Lane(Delivery(sink, clock, random, probe, quarantine))
        self._behind = Lane(Delivery(sink, clock, random, probe, quarantine))
        self._lanes = (self._live, self._behind)
        self._hold = Hold(clock, settings.time_wait_us)
        self._ask_us = 0
        self._loaded = False
        self._saved = Progress()
        self._save_us = 0
        self._waiting_since_us: int | None = None
        self._live_up_to_us = 0
        self._sent_up_to_us: int | None = None
        self._fault: str | None = None
        self._oldest: tuple[int, Position | None, int | None] = (0, None, None)
        self._replays: queue.SimpleQueue[tuple[int, Future[Replay]]] = queue.SimpleQueue()

    @property
    def retries(self) -> Counter[str]:
        """Requests that had to be made again, by reason."""
        return self._live.delivery.retries + self._behind.delivery.retries

    @property
    def problem(self) -> str | None:
        """What a person has to mend; a server that is merely away is none."""
        refused = [lane.delivery.error for lane in self._lanes if lane.delivery.refused]
        return self._fault or next(iter(refused), None)

    @property
    def lines_quarantined(self) -> int:
        return sum(lane.delivery.quarantined for lane in self._lanes)

    @property
    def records_unreadable(self) -> Counter[str]:
        """Records that could not be turned into lines, by reason."""
        return self._live.unreadable + self._behind.unreadable

    @property
    def passed_segments(self) -> int:
        """Segments that were removed before they could be sent."""
        return sum(lane.passed_segments for lane in self._lanes)

    @property
    def acknowledged(self) -> Position | None:
        """All before it has reached the server; None: nothing is known to have."""
        place = self.progress.unsent_from
        return place if place > Position(0, 0) else None

    def ask_replay(self, since_us: int) -> "Future[Replay]":
        """Have sent again what was received, or went out, at that UTC time or later.

        Call `step` soon; it answers once that is stored. The answer may be OSError or SpoolError.
        """
        answer: Future[Replay] = Future()
        self._replays.put((since_us, answer))
        return answer

    def step(self) -> int:
        """Make at most one request; returns the monotonic time of the next step.

        Call it earlier when something was committed. A batch that is not through keeps its bytes.
        """
        now_us = self._clock.monotonic_us()
        try:
            self._load()
            self._take_replays()
            held_us = max(self._held_us(lane) for lane in self._lanes)
            if now_us < held_us:
                return self._next_us(now_us, held_us)
            lane = self._next_lane(now_us)
        except (OSError, SpoolError) as error:
            self._note_fault(f"the spool cannot be read: {error}")
            return now_us + _UNREADABLE_LOOK_US
        self._note_fault(None)
        if lane is None:
            return self._rest(now_us)
        if not lane.delivery.done:
            lane.attempt()
            self._hold.heard(answers=lane.delivery.error is None)
        if lane.delivery.done and lane.batch is not None:
            self._acknowledge(lane, lane.batch)
        self._note_waiting()
        now_us = self._clock.monotonic_us()
        return self._next_us(now_us, max(now_us, *(self._held_us(lane) for lane in self._lanes)))

    def state(self) -> Forward:
        """For the page. The number of messages is estimated from the bytes that wait."""
        progress = self.progress
        error = self._fault or self._delivery_error()
        if error is None and self._waits_for_time():
            error = NO_TIME
        try:
            backlog = self._log.bytes_between(progress.live, self._log.committed())
            backlog += sum(self._log.bytes_between(one.start, one.end) for one in progress.behind)
        except (OSError, SpoolError) as problem:
            backlog, error = 0, error or f"the spool cannot be read: {problem}"
        reader = self._live.reader
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
            oldest_unsent_ms=self._oldest_unsent_ms() if backlog else None,
            sent_up_to_ms=None if sent_us is None else sent_us // 1000,
            sent_bytes=self.log_bytes,
            error=error,
        )

    def close(self) -> None:
        """Store the cursor and give the files back; `step` must not be called again."""
        self._save_cursor()
        for lane in self._lanes:
            lane.leave()

    def _load(self) -> None:
        if self._loaded:
            return
        progress = self._cursor_file.load()
        if self._cursor_file.note is not None:
            _log.warning("%s", self._cursor_file.note)
        self.progress = (progress or Progress()).within(self._log.committed())
        self._saved = self.progress
        self._save_us = self._clock.monotonic_us() + self._settings.cursor_period_us
        self._loaded = True

    def _take_replays(self) -> None:
        while not self._replays.empty():
            since_us, answer = self._replays.get()
            if not answer.set_running_or_notify_cancel():
                continue
            try:
                self._behind.leave()
                progress, replay = add_replay(self.progress, self._log, since_us)
                self._cursor_file.save(progress)
            except (OSError, SpoolError) as error:
                answer.set_exception(error)
            else:
                self.progress = self._saved = progress
                _log.info("%d bytes of the spool are sent again", replay.bytes)
                answer.set_result(replay)

    def _held_us(self, lane: Lane) -> int:
        """Until when this lane's trouble holds both: that of a server does, that of a body not."""
        return 0 if lane.delivery.own_trouble else lane.delivery.retry_us

    def _next_lane(self, now_us: int) -> Lane | None:
        if self._live.delivery.retry_us <= now_us and self._fetch_live():
            return self._live
        if self._behind.delivery.retry_us <= now_us and self._fetch_behind():
            return self._behind
        return None

    def _fetch_live(self) -> bool:
        lane = self._live
        waits = lane.reader is not None and lane.reader.waits_for_time
        if lane.batch is None and not waits and self._is_far_behind():
            committed = self._log.committed()
            place = section_at(self._log, committed)
            if self.progress.live < place < committed:
                self.progress = self.progress.leave_out(place)
                lane.leave()
        if lane.reader is None:
            live = self.progress.live
            start = live if live > Position(0, 0) else None
            lane.open(self._reader(start))
        return lane.fetch()

    def _is_far_behind(self) -> bool:
        committed = self._log.committed()
        unsent = self._log.bytes_between(self.progress.live, committed)
        return unsent > self._settings.live_bytes and self.progress.may_leave_out()

    def _fetch_behind(self) -> bool:
        lane = self._behind
        while lane.reader is not None or self.progress.behind:
            if lane.reader is None:
                stretch = self.progress.behind[0]
                start = stretch.start if stretch.start > Position(0, 0) else None
                lane.open(self._reader(start, stretch.end, stretch.reason))
            if lane.fetch():
                return True
            if lane.reader is not None and lane.reader.decided_us is not None:
                return False
            lane.leave()
        return False

    def _reader(
        self, start: Position | None, end: Position | None = None, mark: str | None = None
    ) -> BatchReader:
        return BatchReader(
            self._log,
            self._lines,
            self._clock,
            start,
            self._settings.batch_values,
            end=end,
            mark=mark,
            replay=mark == REPLAYED,
            hold=self._hold,
        )

    def _waits_for_time(self) -> bool:
        return any(lane.reader is not None and lane.reader.waits_for_time for lane in self._lanes)

    def _acknowledge(self, lane: Lane, batch: Batch) -> None:
        lane.batch = None
        start = self.progress.live if lane is self._live else self.progress.behind[0].start
        if lane is self._live:
            progress = self.progress.sent_live(batch.end)
        else:
            progress = self.progress.sent_behind(batch.end)
            if len(progress.behind) < len(self.progress.behind):
                lane.leave()
        now_us = self._clock.utc_us()
        if batch.first_received_us and now_us - batch.first_received_us > _LATE_US:
            progress = progress.note_late(start, batch.end, now_us)
        if lane is self._live:
            self._live_up_to_us = max(self._live_up_to_us, batch.received_us)
        else:
            self._sent_up_to_us = max(self._sent_up_to_us or 0, batch.received_us)
        if progress.unsent_from == progress.live:
            self._sent_up_to_us = max(self._sent_up_to_us or 0, self._live_up_to_us)
        self.progress = progress
        self.messages += batch.messages
        self.log_bytes += batch.log_bytes
        if batch.body:
            self.batches += 1
            self.points += batch.points
            self.values += batch.values
        if self._clock.monotonic_us() >= self._save_us:
            self._save_cursor()

    def _rest(self, now_us: int) -> int:
        """Nothing to send: store the cursor when it is due, and wait."""
        if self._saved != self.progress and now_us >= self._save_us:
            self._save_cursor()
        if self._waits_for_time() and now_us >= self._ask_us:
            self._hold.heard(answers=self._live.delivery.ask())
            self._ask_us = self._clock.monotonic_us() + _ASK_US
        waits = [now_us + _IDLE_US]
        for lane in self._lanes:
            if lane.delivery.retry_us > now_us:
                waits.append(lane.delivery.retry_us)
            decided_us = lane.reader.decided_us if lane.reader else None
            if decided_us is not None:
                waits.append(now_us + max(0, min(decided_us - now_us, _CLOCK_LOOK_US)))
        return self._next_us(now_us, min(waits))

    def _next_us(self, now_us: int, wanted_us: int) -> int:
        if self._saved == self.progress or now_us >= self._save_us:
            return wanted_us
        return min(wanted_us, self._save_us)

    def _save_cursor(self) -> None:
        """A cursor that cannot be stored costs repeated writes later, nothing now."""
        self._save_us = self._clock.monotonic_us() + self._settings.cursor_period_us
        progress = self.progress
        if progress == self._saved:
            return
        try:
            self._cursor_file.save(progress)
        except OSError as error:
            self.cursor_failures += 1
            _log.warning("the forwarder's cursor cannot be stored: %s", error)
        else:
            self._saved = progress

    def _oldest_unsent_ms(self) -> int | None:
        """Looked up at most once a second while the backlog shrinks."""
        now_us, start = self._clock.monotonic_us(), self.progress.unsent_from
        looked_us, at, _ = self._oldest
        if at != start and (at is None or now_us - looked_us >= _OLDEST_LOOK_US):
            try:
                received_us = self._log.received_us(start)
            except (OSError, SpoolError):
                received_us = None
            self._oldest = (now_us, start, received_us)
        received_us = self._oldest[2]
        return None if received_us is None else received_us // 1000

    def _delivery_error(self) -> str | None:
        errors = [lane.delivery.error for lane in self._lanes if lane.delivery.error is not None]
        return next(iter(errors), None)

    def _note_fault(self, text: str | None) -> None:
        if text is not None and text != self._fault:
            _log.error("%s", text)
        self._fault = text
        self._note_waiting()

    def _note_waiting(self) -> None:
        if self._fault is None and self._delivery_error() is None:
            self._waiting_since_us = None
        elif self._waiting_since_us is None:
            self._waiting_since_us = self._clock.utc_us()
