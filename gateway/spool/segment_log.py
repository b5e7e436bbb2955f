"""The files that are written: appends batches to the newest segment and begins new ones."""

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.format import (
    FORMAT_VERSION,
    HEADER_BYTES,
    RECORD_BYTES,
    Entry,
    Kind,
    Position,
    SegmentHeader,
    pack_header,
    pack_records,
    segment_path,
)
from gateway.spool.metrics import WriterMetrics
from gateway.spool.storage import Storage
from gateway.timebase import Clock

__all__ = ["LogTail", "SegmentLog", "is_nearly_full"]

_LAST_BYTES = 64 * 1024
_LAST_SHARE = 16


def is_nearly_full(end: int, segment_bytes: int) -> bool:
    """Whether a segment that ends there is to be followed by another with the next snapshot."""
    last = min(_LAST_BYTES, segment_bytes // _LAST_SHARE)
    return end > max(HEADER_BYTES, segment_bytes - last)


@dataclass(frozen=True)
class LogTail:
    """Where the log ends, and whether its newest segment may be written on."""

    end: Position
    resume: bool


@dataclass
class _Active:
    fd: int
    number: int
    end: int
    previous: Position | None  # None where this segment was resumed


class SegmentLog:
    """Appends at the end of a folder's log. Not for two threads at once.

    Every method may raise OSError; then nothing has become durable by that call, and the next
    call does not rest on what the failed one left behind.
    """

    def __init__(
        self,
        folder: Path,
        tail: LogTail,
        clock: Clock,
        storage: Storage,
        segment_bytes: int,
        metrics: WriterMetrics,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._storage = storage
        self._segment_bytes = segment_bytes
        self._metrics = metrics
        self._active: _Active | None = None
        self._tail = tail
        self._abandoned_number = 0

    @property
    def end(self) -> Position:
        """The end of what is durable."""
        if self._active is None:
            return self._tail.end
        return Position(self._active.number, self._active.end)

    def append(self, batch: Sequence[Entry]) -> int:
        """Make as much of `batch` durable as goes into one segment; returns how many records."""
        active = self._active or self._open()
        count, size = self._fitting(batch, active)
        if count == 0:
            self._leave(active)
            active = self._create()
            count, size = self._fitting(batch, active)
        data = memoryview(pack_records(batch[:count], active.number, active.end))
        try:
            self._write(active.fd, data, active.end)
        except OSError:
            self._cut(active)
            raise
        try:
            self._sync(active.fd)
        except OSError:
            # After a failed sync the kernel may count the lost pages as written: no later
            # sync of this file can be believed.
            self._abandon(active)
            raise
        active.end += size
        return count

    def close(self) -> None:
        """Give the open file back; the next append opens it again."""
        if self._active is not None:
            self._tail = LogTail(self.end, resume=True)
            active, self._active = self._active, None
            self._storage.close(active.fd)

    def _fitting(self, batch: Sequence[Entry], active: _Active) -> tuple[int, int]:
        """How many records go into this segment, and their size. A snapshot begins the next one
        where this one is nearly full: what is kept when older ones go then begins with it."""
        room = self._segment_bytes - active.end
        if active.end == HEADER_BYTES:
            room = max(room, RECORD_BYTES + len(batch[0].body))
        size = 0
        for count, entry in enumerate(batch):
            needed = RECORD_BYTES + len(entry.body)
            is_late = is_nearly_full(active.end + size, self._segment_bytes)
            if size + needed > room or (entry.kind == Kind.STATE and is_late):
                return count, size
            size += needed
        return len(batch), size

    def _open(self) -> _Active:
        if not self._tail.resume:
            return self._create()
        number, end = self._tail.end
        fd = self._storage.open_write(segment_path(self._folder, number))
        self._active = _Active(fd, number, end, previous=None)
        return self._active

    def _create(self) -> _Active:
        previous = self._tail.end
        number = previous.segment + 1
        header = SegmentHeader(number, self._clock.utc_us(), previous.offset, FORMAT_VERSION)
        path = segment_path(self._folder, number)
        fd = self._fresh_file(path, number)
        try:
            self._write(fd, memoryview(pack_header(header)), 0)
            self._sync(fd)
            self._storage.sync_folder(self._folder)
        except OSError:
            self._abandoned_number = number
            with contextlib.suppress(OSError):
                self._storage.close(fd)
            with contextlib.suppress(OSError):
                self._storage.unlink(path)
            raise
        self._metrics.segments_made += 1
        self._active = _Active(fd, number, HEADER_BYTES, previous)
        return self._active

    def _fresh_file(self, path: Path, number: int) -> int:
        try:
            return self._storage.create(path)
        except FileExistsError:
            if number == self._abandoned_number:
                self._storage.unlink(path)
            else:
                self._storage.rename(path, path.with_suffix(".bad"))
            return self._storage.create(path)

    def _leave(self, active: _Active) -> None:
        self._tail = LogTail(Position(active.number, active.end), resume=False)
        self._active = None
        with contextlib.suppress(OSError):
            self._storage.close(active.fd)

    def _cut(self, active: _Active) -> None:
        """After a failed write: remove the part that arrived, or never write here again."""
        try:
            self._storage.truncate(active.fd, active.end)
        except OSError:
            self._abandon(active)

    def _abandon(self, active: _Active) -> None:
        """Go on in a new segment, whose header says where this one ends."""
        with contextlib.suppress(OSError):
            self._storage.truncate(active.fd, active.end)
        self._leave(active)
        if active.end == HEADER_BYTES and active.previous is not None:
            with contextlib.suppress(OSError):
                self._storage.unlink(segment_path(self._folder, active.number))
                self._tail = LogTail(active.previous, resume=False)

    def _write(self, fd: int, data: memoryview, offset: int) -> None:
        done = 0
        while done < len(data):
            taken = self._storage.write(fd, data[done:], offset + done)
            self._metrics.disk_bytes += taken
            done += taken

    def _sync(self, fd: int) -> None:
        syncs = self._metrics.syncs
        syncs.began_us = started_us = self._clock.monotonic_us()
        try:
            self._storage.datasync(fd)
        finally:
            syncs.began_us = None
            syncs.add(self._clock.monotonic_us() - started_us)
