"""Follows the log while it is written, for the forwarder: only what is committed."""

from collections.abc import Callable
from pathlib import Path

from gateway.spool.format import FIRST_SEGMENT, Position, Record
from gateway.spool.segments import SegmentReader, list_segments, segment_end
from gateway.spool.storage import FileStorage, Storage

__all__ = ["SpoolReader"]


class SpoolReader:
    """Reads on from `position`, across segments, up to what `committed()` says is durable.

    A start behind that is a place which the disk forgot in a crash: reading goes on at the end.
    Segments that are gone are passed over and counted in `passed_segments`: for a reader without
    a place, all before the oldest. What was removed to make room is told by a GAP record at the
    end of the log. A damaged stretch comes as one GAP record without a body. Not for two threads
    at once.
    """

    def __init__(
        self,
        folder: Path,
        start: Position | None,
        committed: Callable[[], Position],
        storage: Storage | None = None,
    ) -> None:
        self.position = min(start or Position(0, 0), committed())
        self.passed_segments = 0
        self._folder = folder
        self._committed = committed
        self._storage: Storage = storage or FileStorage()
        self._segment: SegmentReader | None = None
        self._segment_stop: int | None = None

    def read(self, max_bytes: int) -> list[Record]:
        """The next records, about `max_bytes` of them and at least one; [] when all are read.

        `position` is then behind the last one: what to store to go on from there.
        Raises OSError or NewerFormatError where a segment cannot be read at all, and then has
        passed over nothing: the next call tries again.
        """
        committed = self._committed()
        while self.position < committed:
            segment = self._segment or self._enter(committed)
            if segment.number == committed.segment:
                stop = committed.offset
            else:
                stop = self._stop_of(segment)
            records = segment.read(stop, max_bytes)
            self.position = Position(segment.number, segment.offset)
            if records:
                return records
            if segment.number == committed.segment:
                return []
            self.close()
            self.position = Position(segment.number + 1, 0)
        return []

    def close(self) -> None:
        """Give the open segment back; the next read opens it again."""
        if self._segment is not None:
            self._segment.close()
            self._segment = self._segment_stop = None

    def _enter(self, committed: Position) -> SegmentReader:
        first = self.position.segment
        numbers = list_segments(self._storage, self._folder)
        number = min([n for n in numbers if n >= first], default=committed.segment)
        segment = SegmentReader(self._storage, self._folder, number)
        if number == first:
            segment.seek(self.position.offset)
        else:
            self.passed_segments += number - max(first, FIRST_SEGMENT)
        self._segment = segment
        return segment

    def _stop_of(self, segment: SegmentReader) -> int:
        if self._segment_stop is None:
            end = segment_end(self._storage, self._folder, segment.number)
            self._segment_stop = end or segment.end()
        return self._segment_stop
