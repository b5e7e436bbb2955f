"""What of the spool is committed: readers of it, and how much lies between two places."""

from collections.abc import Callable
from pathlib import Path

from gateway.spool.format import FIRST_SEGMENT, HEADER_BYTES, Kind, Position, segment_path
from gateway.spool.reader import SpoolReader
from gateway.spool.segments import file_size, list_segments
from gateway.spool.storage import FileStorage, Storage

__all__ = ["CHUNK_BYTES", "Log"]

CHUNK_BYTES = 256 * 1024


class Log:
    """The spool in `folder` up to what `committed()` says; nothing here writes.

    `settled()` says whether nothing waits to be committed.
    Its methods may raise OSError or SpoolFolderError. `bytes_between` may be called from any
    thread.
    """

    def __init__(
        self,
        folder: Path,
        committed: Callable[[], Position],
        storage: Storage | None = None,
        settled: Callable[[], bool] = lambda: True,
    ) -> None:
        self.folder = folder
        self.committed = committed
        self.settled = settled
        self.storage: Storage = storage or FileStorage()
        self._closed_sizes: dict[int, int] = {}

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
        """Bytes of records from `start` (the oldest by default) to `end`."""
        start = start or Position(0, 0)
        if start >= end:
            return 0
        first = max(HEADER_BYTES, start.offset)
        if start.segment == end.segment:
            return max(0, end.offset - first)
        total = end.offset - HEADER_BYTES
        for number in self.segments():
            if start.segment <= number < end.segment:
                skipped = first if number == start.segment else HEADER_BYTES
                total += max(0, self._size_of(number) - skipped)
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

    def _size_of(self, number: int) -> int:
        size = self._closed_sizes.get(number)
        if size is None:
            try:
                size = file_size(self.storage, segment_path(self.folder, number))
            except FileNotFoundError:
                return 0
            self._closed_sizes[number] = size
        return size
