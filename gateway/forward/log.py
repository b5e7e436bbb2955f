"""What of the spool is committed: readers of it, and how much lies between two places."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.errors import NewerFormatError
from gateway.spool.format import (
    COMPACT_HEADER_BYTES,
    FIRST_SEGMENT,
    HEADER_BYTES,
    Kind,
    Position,
)
from gateway.spool.reader import SpoolReader
from gateway.spool.segments import SegmentReader, list_segments
from gateway.spool.storage import FileStorage, Storage

__all__ = ["CHUNK_BYTES", "Log"]

CHUNK_BYTES = 256 * 1024


class Log:
    """The spool in `folder` up to what `committed()` says; nothing here writes.

    `settled()` says whether nothing waits to be committed, `thinned()` how many segments were
    thinned: their sizes are then looked up again.
    Its methods may raise OSError or SpoolFolderError. `bytes_between` may be called from any
    thread.
    """

    def __init__(
        self,
        folder: Path,
        committed: Callable[[], Position],
        storage: Storage | None = None,
        settled: Callable[[], bool] = lambda: True,
        thinned: Callable[[], int] = lambda: 0,
    ) -> None:
        self.folder = folder
        self.committed = committed
        self.settled = settled
        self.storage: Storage = storage or FileStorage()
        self._thinned = thinned
        self._closed: dict[int, _Closed] = {}
        self._looked_up = 0

    def reader(self, start: Position | None) -> SpoolReader:
        """A reader from `start` (the oldest record by default) that follows what is committed."""
        return SpoolReader(self.folder, start, self.committed, self.storage)

    def segments(self) -> list[int]:
        """The numbers of the segments that are there, rising."""
        return list_segments(self.storage, self.folder)

    def was_cut(self) -> bool:
        """Whether the beginning of the log was removed to make room."""
        numbers = self.segments()
        return bool(numbers) and numbers[0] > FIRST_SEGMENT

    def newest_state(self, before: Position) -> Position | None:
        """Where the newest STATE record that ends at or before `before` begins."""
        for number in reversed(self.segments()):
            if number > before.segment:
                continue
            found = self._newest_state_of(number, min(before, Position(number + 1, 0)))
            if found is not None:
                return found
        return None

    def bytes_between(self, start: Position | None, end: Position) -> int:
        """Bytes of records that are there from `start` (the oldest by default) to `end`.

        Of a thinned segment that is in part between them, the like part of what it still holds.
        """
        start = start or Position(0, 0)
        if start >= end:
            return 0
        newest = self.committed().segment
        total = 0
        for number in self.segments():
            if not start.segment <= number <= end.segment:
                continue
            first = max(HEADER_BYTES, start.offset if number == start.segment else 0)
            stop = end.offset if number == end.segment else None
            if stop is not None and number == newest:
                total += max(0, stop - first)
            else:
                total += self._closed_segment(number).bytes_between(first, stop)
        return total

    def received_us(self, at: Position) -> int | None:
        """When the first record at or after `at` was received; None where there is none."""
        reader = self.reader(at)
        try:
            records = reader.read(1)
            return (records[0].received_us or None) if records else None
        finally:
            reader.close()

    def _newest_state_of(self, number: int, end: Position) -> Position | None:
        newest = None
        reader = self.reader(Position(number, 0))
        try:
            while reader.position < end and (records := reader.read(CHUNK_BYTES)):
                for record in records:
                    if record.end > end:
                        return newest
                    if record.kind == Kind.STATE:
                        newest = record.start
        finally:
            reader.close()
        return newest

    def _closed_segment(self, number: int) -> "_Closed":
        thinned = self._thinned()
        if thinned != self._looked_up:
            self._looked_up, self._closed = thinned, {}
        closed = self._closed.get(number)
        if closed is None:
            closed = self._closed[number] = _closed(self.storage, self.folder, number)
        return closed


@dataclass(frozen=True)
class _Closed:
    """A segment with `held` bytes of records, for all those up to offset `end`."""

    held: int
    end: int

    def bytes_between(self, first: int, stop: int | None) -> int:
        stop = self.end if stop is None else min(stop, self.end)
        if first >= stop:
            return 0
        return self.held * (stop - first) // (self.end - HEADER_BYTES)


def _closed(storage: Storage, folder: Path, number: int) -> _Closed:
    try:
        with SegmentReader(storage, folder, number) as reader:
            header = COMPACT_HEADER_BYTES if reader.compact else HEADER_BYTES
            return _Closed(max(0, reader.size() - header), reader.end())
    except (OSError, NewerFormatError):
        return _Closed(0, 0)
