"""The gateway's own time to UTC, and how far that can be believed.

Rows lie in the log with times that rest on a monotonic clock. Monotonic time is good as long as
the machine runs (a base, named by its boot id); what has to be added to it to get UTC is known
only when a time source has set the wall clock, which may be an hour later. So it is stored apart,
in records of its own: one that comes later places everything of its base that came before.

A wall clock that nobody vouches for may step as it likes. Once a base has had a sure time, it is
carried on by the monotonic clock, and the error that is admitted grows.
"""

import logging
from collections.abc import Iterable

import msgspec

from gateway.timebase import Clock

__all__ = ["SURE_US", "TimeRecord", "Times", "WallTime"]

_log = logging.getLogger(__name__)

SURE_US = 250_000
"""A row whose time may be wrong by more is marked as estimated."""

_FREE_PPB = 20_000
"""How fast the clock of a Pi runs off while no time source holds it (unverified)."""

_STEP_US = 1_000
_READ_US = 200
"""Monotonic and wall time are read one after the other: what lay between them at most."""

_TRIES = 50
_BASES = 64
"""Machines boot for years: as many of their latest boots are remembered."""


class TimeRecord(msgspec.Struct, frozen=True):
    """How a base's monotonic time maps to UTC, as stored: UTC = monotonic + `wall_us`.

    Within `error_us`, and what the time source itself is off, from `since_us` to `until_us` (None:
    it is held there still); outside, the clock ran freely. `stepped_us`: by so much a time that
    counted as sure was corrected at `since_us`. `by`: the node whose clock told it, for a base
    that is over.
    """

    base: str
    wall_us: int
    trusted: bool
    since_us: int
    until_us: int | None = None
    error_us: int = 0
    stepped_us: int = 0
    by: str = ""

    def error_at(self, monotonic_us: int) -> int:
        """How wrong UTC may be at that time of the base."""
        if monotonic_us < self.since_us:
            free_us = self.since_us - monotonic_us
            return self.error_us + self.stepped_us + free_us * _FREE_PPB // 1_000_000_000
        if self.until_us is not None and monotonic_us > self.until_us:
            free_us = monotonic_us - self.until_us
            return self.error_us + free_us * _FREE_PPB // 1_000_000_000
        return self.error_us


class Times:
    """What the log says of each base; `base` is the one that was told last."""

    def __init__(self) -> None:
        self.base = ""
        self._latest: dict[str, TimeRecord] = {}

    def learn(self, record: TimeRecord) -> None:
        """Take a record in. What nobody vouches for never replaces what somebody did."""
        known = self._latest.pop(record.base, None)
        keep = known is not None and known.trusted and not record.trusted
        self._latest[record.base] = known if keep and known is not None else record
        if not record.by:
            self.base = record.base
        while len(self._latest) > _BASES:
            del self._latest[next(iter(self._latest))]

    def of(self, base: str) -> TimeRecord | None:
        """The latest record of a base, of those that are sure if there is one."""
        return self._latest.get(base)

    def all(self) -> list[TimeRecord]:
        return list(self._latest.values())

    def restore(self, records: Iterable[TimeRecord], base: str) -> None:
        """As `all` and `base` were."""
        self._latest = {record.base: record for record in records}
        self.base = base


class WallTime:
    """Watches the machine's wall clock against its monotonic one.

    `known`: what the log says of this base, so that a new run of the gateway goes on from there.
    """

    def __init__(self, clock: Clock, known: TimeRecord | None = None) -> None:
        self.steps = 0
        """How often the wall clock jumped, believed or not."""
        self._clock = clock
        now_us, wall_us = self._read_surely()
        self._seen_us = wall_us
        begun = known or TimeRecord(clock.boot_id(), wall_us, False, now_us)
        self.record = _judged(begun, now_us, wall_us, vouched=clock.trusted())

    def look(self) -> TimeRecord | None:
        """Call it ten times a second; a record, where there is something new to store."""
        read = self._read()
        if read is None:
            return None
        before = self.record
        self._judge(*read)
        return None if self.record is before else self.record

    @property
    def wall_us(self) -> int:
        """What the monotonic clock lacks of UTC."""
        return self.record.wall_us

    def utc_us(self) -> int:
        """The best that is known of UTC now."""
        return self._clock.monotonic_us() + self.record.wall_us

    def error_us(self) -> int | None:
        """How wrong that may be, by what the gateway itself adds; None: nobody ever vouched."""
        if not self.record.trusted:
            return None
        return self.record.error_at(self._clock.monotonic_us())

    def trusted(self) -> bool:
        """Whether a row of now gets a time that is sure."""
        error_us = self.error_us()
        return error_us is not None and error_us <= SURE_US

    def _judge(self, now_us: int, wall_us: int) -> None:
        step_us = abs(wall_us - self._seen_us)
        if step_us > _STEP_US:
            self.steps += 1
            self._seen_us = wall_us
        before = self.record
        self.record = _judged(before, now_us, wall_us, vouched=self._clock.trusted())
        if self.record is not before:
            _log.warning("%s", _told(before, self.record))

    def _read(self) -> tuple[int, int] | None:
        """Monotonic time, and what it lacks of the wall clock; None: we were interrupted."""
        before_us = self._clock.monotonic_us()
        utc_us = self._clock.utc_us()
        after_us = self._clock.monotonic_us()
        if after_us - before_us > _READ_US:
            return None
        return after_us, utc_us - (before_us + after_us) // 2

    def _read_surely(self) -> tuple[int, int]:
        for _ in range(_TRIES):
            read = self._read()
            if read is not None:
                return read
        now_us = self._clock.monotonic_us()
        return now_us, self._clock.utc_us() - now_us


def _judged(known: TimeRecord, now_us: int, wall_us: int, *, vouched: bool) -> TimeRecord:
    """What is so now; `known` itself where nothing changed."""
    step_us = abs(wall_us - known.wall_us)
    if not known.trusted:
        if not vouched and step_us <= _STEP_US:
            return known
        return TimeRecord(known.base, wall_us, vouched, now_us)
    if not vouched:
        if known.until_us is None:
            return msgspec.structs.replace(known, until_us=now_us)
        return known
    if step_us > _STEP_US or known.until_us is not None:
        stepped_us = step_us if step_us > _STEP_US else 0
        since_us = now_us if stepped_us else known.since_us
        return TimeRecord(known.base, wall_us, True, since_us, stepped_us=stepped_us)
    return known


def _told(before: TimeRecord, now: TimeRecord) -> str:
    """What became of the time, for a person."""
    moved_s = (now.wall_us - before.wall_us) / 1e6
    if not now.trusted:
        return f"the clock moved by {moved_s:.3f} s; no time source has set it yet"
    if not before.trusted:
        return (
            f"the clock is set: it was off by {moved_s:.3f} s, all rows of this run get the time"
        )
    if now.until_us is not None:
        return "no time source holds the clock any more: the time before is carried on"
    if now.stepped_us:
        return f"a clock that was set was corrected by {moved_s:.3f} s: rows sent before are off"
    return "a time source holds the clock again"
