"""Reading the segments of a folder: which there are, where each ends, and its records."""

from collections.abc import Iterator
from pathlib import Path

from gateway.spool.errors import NewerFormatError, SpoolFolderError
from gateway.spool.format import (
    HEADER_BYTES,
    RECORD_BYTES,
    Kind,
    Position,
    Priority,
    Record,
    SegmentHeader,
    find_record,
    parse_records,
    segment_number,
    segment_path,
    unpack_header,
)
from gateway.spool.storage import FileStorage, Storage

__all__ = [
    "CHUNK_BYTES",
    "SegmentReader",
    "file_size",
    "list_segments",
    "read_records",
    "segment_end",
]

CHUNK_BYTES = 1024 * 1024
_PAGE_BYTES = 4096


def list_segments(storage: Storage, folder: Path) -> list[int]:
    """The numbers of the segments, rising; raises SpoolFolderError."""
    try:
        names = storage.names(folder)
    except OSError as error:
        raise SpoolFolderError(
            f"cannot read the spool's folder {folder}: {error.strerror or error}; "
            "check the path and who may read it"
        ) from error
    return [number for name in names if (number := segment_number(name)) is not None]


def file_size(storage: Storage, path: Path) -> int:
    """Bytes in the file; 0 where it cannot be opened."""
    try:
        fd = storage.open_read(path)
    except OSError:
        return 0
    try:
        return storage.size(fd)
    finally:
        storage.close(fd)


def segment_end(storage: Storage, folder: Path, number: int) -> int | None:
    """Where the next segment says that this one ends.

    What lies behind was never acknowledged. None where no sound segment follows.
    """
    try:
        with SegmentReader(storage, folder, number + 1) as following:
            return following.header.previous_end or None if following.header else None
    except (OSError, NewerFormatError):
        return None


def read_records(
    folder: Path,
    start: Position | None = None,
    storage: Storage | None = None,
    *,
    skip_unreadable: bool = False,
) -> Iterator[Record]:
    """Every record from `start` (the oldest by default) to where the spool ends now.

    Only reads, and works while a gateway writes: of the newest segment, it gives what was there
    when it was opened. A damaged stretch comes as one GAP record without a body.
    Raises SpoolFolderError, and NewerFormatError or OSError at a segment that cannot be read at
    all, unless they are to be skipped.
    """
    storage = storage or FileStorage()
    numbers = list_segments(storage, folder)
    first = start or Position(0, 0)
    for number in numbers:
        if number < first.segment:
            continue
        try:
            reader = SegmentReader(storage, folder, number)
        except FileNotFoundError:
            continue
        except (OSError, NewerFormatError):
            if not skip_unreadable:
                raise
            continue
        with reader:
            if number == first.segment:
                reader.offset = max(reader.offset, first.offset)
            newest = number == numbers[-1]
            end = None if newest else segment_end(storage, folder, number)
            stop = end or reader.size()
            while records := reader.read(stop, torn_tail=newest):
                yield from records


class SegmentReader:
    """Reads one segment from `offset` on, past whatever is damaged.

    `header` is None where it cannot be read; the records do not need it.
    """

    def __init__(self, storage: Storage, folder: Path, number: int) -> None:
        self.number = number
        self.offset = HEADER_BYTES
        self.torn_bytes = 0
        self._storage = storage
        self._last_received_us = 0
        self._fd = storage.open_read(segment_path(folder, number))
        try:
            self.header: SegmentHeader | None = unpack_header(self._load(0, HEADER_BYTES), number)
        except (OSError, NewerFormatError):
            self.close()
            raise

    def __enter__(self) -> "SegmentReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._storage.close(self._fd)

    def size(self) -> int:
        """Bytes in the file now."""
        return self._storage.size(self._fd)

    def read(
        self, stop: int, max_bytes: int = CHUNK_BYTES, *, torn_tail: bool = False
    ) -> list[Record]:
        """The next records before `stop`, at least one and about `max_bytes`; [] at the end.

        With `torn_tail`, bytes at the end that hold no record are left unread and counted in
        `torn_bytes`; else they come as a GAP.
        """
        records: list[Record] = []
        want = max(max_bytes, RECORD_BYTES)
        while self.offset < stop:
            asked = min(want, stop - self.offset)
            data = self._load(self.offset, asked)
            self.offset, need = parse_records(data, self.number, self.offset, records)
            if records:
                break
            if len(data) == asked < need <= stop - self.offset:
                want = need
                continue
            gap = self._pass_damage(stop, torn_tail)
            if gap is None:
                return []
            records.append(gap)
        if records:
            self._last_received_us = records[-1].received_us
        return records

    def raw(self, stop: int) -> bytes:
        """The file's bytes up to `stop`, zeros where they cannot be read."""
        data = self._load(0, stop)
        return data + bytes(stop - len(data))

    def _pass_damage(self, stop: int, torn_tail: bool) -> Record | None:
        data = self._load(self.offset, stop - self.offset)
        found = find_record(data, self.number, self.offset)
        if found is None and torn_tail:
            self.torn_bytes = stop - self.offset
            return None
        end = stop if found is None else found
        gap = Record(
            segment=self.number,
            offset=self.offset,
            size=end - self.offset,
            kind=Kind.GAP,
            priority=Priority.URGENT,
            received_us=self._last_received_us,
            body=b"",
            stored=False,
        )
        self.offset = end
        return gap

    def _load(self, offset: int, size: int) -> bytes:
        try:
            return self._storage.read(self._fd, size, offset)
        except OSError:
            return self._load_pages(offset, size)

    def _load_pages(self, offset: int, size: int) -> bytes:
        """As much as a medium with unreadable places gives, zeros in place of the rest."""
        size = min(size, self._storage.size(self._fd) - offset)
        parts = []
        at = offset
        while at < offset + size:
            page = min(_PAGE_BYTES - at % _PAGE_BYTES, offset + size - at)
            try:
                parts.append(self._storage.read(self._fd, page, at))
            except OSError:
                parts.append(bytes(page))
            at += page
        return b"".join(parts)
