"""Thinning: the lowest priorities go out of old segments, so that the rest may stay longer.

A segment is written anew without them (gateway.spool.compact) beside the old one, made durable,
and renamed into its place by the thread that commits: whatever is cut, the one or the other is
there, whole.
"""

import contextlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.compact import Accountant, compact
from gateway.spool.errors import SpoolError
from gateway.spool.format import Kind, Priority, Record, segment_path
from gateway.spool.salvage import TEMPORARY_SUFFIX, write_whole
from gateway.spool.segments import SegmentReader, segment_end
from gateway.spool.storage import Storage

__all__ = ["LEVELS", "Thinned", "Thinner"]

_log = logging.getLogger(__name__)

LEVELS = (Priority.WAVEFORM + 1, Priority.READINGS + 1)
"""Of all segments first the waveforms go, then the readings. Nothing above them ever does."""

_WORTHWHILE = 0.9
"""A segment that would not shrink to this stays as it is."""

_SUFFIX = ".thin" + TEMPORARY_SUFFIX
_GOES = (Kind.MESSAGE, Kind.QUARANTINE)


@dataclass(frozen=True)
class Thinned:
    """A segment's successor, durable under another name: bytes before and after, messages gone."""

    number: int
    path: Path
    size_before: int
    size: int
    messages: int


class Thinner:
    """Knows how far each segment is thinned, and prepares the next.

    With `background`, `choose` only asks for one and returns it when `work`, called in another
    thread, is through with it; else it does the work itself.
    """

    def __init__(self, storage: Storage, folder: Path, account: Accountant) -> None:
        self.background = False
        self._storage = storage
        self._folder = folder
        self._account = account
        self._levels: dict[int, int] = {}
        self._wanted: tuple[int, int] | None = None
        self._ready: Thinned | None = None
        self._blocked = False

    def choose(self, numbers: Sequence[int]) -> Thinned | None:
        """The successor of one of the segments `numbers`, to be put in its place; None: not yet,
        or none is left that would shrink."""
        for number in self._levels.keys() - set(numbers):
            del self._levels[number]
        if self._wanted is None and self._ready is None:
            self._wanted = self._next(numbers)
        if not self.background:
            while self.work() and self._ready is None and not self._blocked:
                self._wanted = self._next(numbers)
        ready = self._take()
        if ready is None or ready.number in numbers:
            return ready
        self._discard(ready)
        return None

    def is_busy(self, numbers: Sequence[int]) -> bool:
        """Whether something of `numbers` is about to give room."""
        if self._blocked:
            return False
        return self._wanted is not None or self._next(numbers) is not None

    def work(self) -> bool:
        """Prepare what `choose` asked for; False where it asked for nothing."""
        wanted = self._wanted
        if wanted is None:
            return False
        number, level = wanted
        try:
            self._ready = self._prepare(number, level)
            self._levels[number] = level
            self._blocked = False
        except (OSError, SpoolError) as error:
            self._blocked = True
            _log.warning("segment %d cannot be thinned: %s", number, error)
        self._wanted = None
        return True

    def _take(self) -> Thinned | None:
        ready, self._ready = self._ready, None
        return ready

    def _next(self, numbers: Sequence[int]) -> tuple[int, int] | None:
        for level in LEVELS:
            for number in numbers:
                if self._level(number) < level:
                    return number, level
        return None

    def _level(self, number: int) -> int:
        known = self._levels.get(number)
        if known is None:
            known = self._levels[number] = self._read_level(number)
        return known

    def _read_level(self, number: int) -> int:
        try:
            with SegmentReader(self._storage, self._folder, number) as reader:
                compacted = reader.header.compacted if reader.header else None
                return compacted.level if compacted else 0
        except (OSError, SpoolError):
            return LEVELS[-1]

    def _prepare(self, number: int, level: int) -> Thinned | None:
        """None where it would not shrink, and for a damaged one, which is salvaged first."""
        end = segment_end(self._storage, self._folder, number)
        with SegmentReader(self._storage, self._folder, number) as reader:
            header, size = reader.header, reader.size()
            end = end or reader.end()
            gain = 0
            for record in reader.records(end):
                if not record.stored:
                    return None
                gain += record.size if _goes(record, level) else 0
        if header is None or gain < (1 - _WORTHWHILE) * size:
            return None
        with SegmentReader(self._storage, self._folder, number) as reader:
            made = compact(
                header,
                reader.records(end),
                end,
                level,
                lambda record: _goes(record, level),
                self._account,
            )
        if len(made.content) > _WORTHWHILE * size:
            return None
        path = segment_path(self._folder, number).with_suffix(_SUFFIX)
        write_whole(self._storage, path, made.content)
        return Thinned(number, path, size, len(made.content), made.messages)

    def _discard(self, thinned: Thinned) -> None:
        with contextlib.suppress(OSError):
            self._storage.unlink(thinned.path)


def _goes(record: Record, level: int) -> bool:
    return record.priority < level and record.kind in _GOES
