"""Reading the segments of a folder: which there are, where each ends, and its records."""

import contextlib
import itertools
from collections.abc import Generator, Iterator
from pathlib import Path

from gateway.spool.compact import Shift
from gateway.spool.errors import NewerFormatError, SpoolFolderError
from gateway.spool.format import (
    COMPACT_HEADER_BYTES,
    COMPACT_SALT,
    COMPACT_VERSION,
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
                reader.seek(first.offset)
            newest = number == numbers[-1]
            end = None if newest else segment_end(storage, folder, number)
            yield from reader.records(end or reader.end(), torn_tail=newest)


class SegmentReader:
    """Reads one segment from `offset` on, past whatever is damaged.

    `header` is None where it cannot be read; the records do not need it. In a `compact` segment
    (gateway.spool.compact) offsets are those of the segment it was made from.
    """

    def __init__(self, storage: Storage, folder: Path, number: int) -> None:
        self.number = number
        self.offset = HEADER_BYTES
        self.torn_bytes = 0
        self._storage = storage
        self._last_received_us = 0
        self._fd = storage.open_read(segment_path(folder, number))
        try:
            head = self._load(0, COMPACT_HEADER_BYTES)
            self.header: SegmentHeader | None = unpack_header(head, number)
            self.compact = self._is_compact()
        except (OSError, NewerFormatError):
            self.close()
            raise
        self._salt = COMPACT_SALT if self.compact else 0
        self._place = COMPACT_HEADER_BYTES if self.compact else HEADER_BYTES
        self._shift = Shift(self.offset) if self.compact else None

    def __enter__(self) -> "SegmentReader":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        self._storage.close(self._fd)

    def size(self) -> int:
        """Bytes in the file now."""
        return self._storage.size(self._fd)

    def end(self) -> int:
        """Where the segment ends by what it says itself: the size of one that is not compact."""
        if not self.compact:
            return self.size()
        compacted = self.header.compacted if self.header else None
        return compacted.end if compacted else self.size()

    def seek(self, offset: int) -> None:
        """Go to a place behind the present one."""
        self.offset = max(self.offset, offset)
        if not self.compact:
            self._place = self.offset

    def read(
        self, stop: int, max_bytes: int = CHUNK_BYTES, *, torn_tail: bool = False
    ) -> list[Record]:
        """The next records before `stop`, at least one and about `max_bytes`; [] at the end.

        With `torn_tail`, bytes at the end that hold no record are left unread and counted in
        `torn_bytes`; else they come as a GAP.
        """
        if self._shift is None:
            records = self._read(stop, max_bytes, torn_tail)
            self.offset = self._place
            return records
        size = self.size()
        while records := self._read(size, max_bytes, torn_tail=False):
            if not records[0].stored:
                damage, *records = records
                with contextlib.closing(self._rest()) as rest:
                    behind = itertools.chain(records, rest)
                    gap = self._shift.pass_damage(damage, self.offset, behind, stop - size)
                self.offset = gap.offset + gap.size
                records = [gap, *self._shift.apply(records, self.offset)]
            else:
                records = self._shift.apply(records, self.offset)
            if records:
                self.offset = records[-1].offset + records[-1].size
                return records
        if self.offset < stop:
            return [self._cut_short(stop)]
        return []

    def records(self, stop: int, *, torn_tail: bool = False) -> Iterator[Record]:
        """All the records before `stop`."""
        while records := self.read(stop, torn_tail=torn_tail):
            yield from records

    def raw(self, stop: int) -> bytes:
        """The file's bytes up to `stop`, zeros where they cannot be read."""
        data = self._load(0, stop)
        return data + bytes(stop - len(data))

    def _is_compact(self) -> bool:
        """As the header says; where it cannot be read, as the records say."""
        if self.header is not None:
            return self.header.version == COMPACT_VERSION
        data = self._load(0, self.size())
        if find_record(data, self.number, 0) is not None:
            return False
        return find_record(data, self.number, 0, COMPACT_SALT) is not None

    def _rest(self) -> Generator[Record, None, None]:
        """All behind this place, as it lies in the file; does not move on."""
        place, received_us = self._place, self._last_received_us
        try:
            while records := self._read(self.size(), CHUNK_BYTES, torn_tail=False):
                yield from records
        finally:
            self._place, self._last_received_us = place, received_us

    def _read(self, stop: int, max_bytes: int, torn_tail: bool) -> list[Record]:
        records: list[Record] = []
        want = max(max_bytes, RECORD_BYTES)
        while self._place < stop:
            asked = min(want, stop - self._place)
            data = self._load(self._place, asked)
            self._place, need = parse_records(data, self.number, self._place, records, self._salt)
            if records:
                break
            if len(data) == asked < need <= stop - self._place:
                want = need
                continue
            gap = self._pass_damage(stop, torn_tail)
            if gap is None:
                return []
            records.append(gap)
        if records:
            self._last_received_us = records[-1].received_us
        return records

    def _cut_short(self, stop: int) -> Record:
        """What a compact segment lacks at its end: in a whole one, records reach up to `stop`."""
        offset, self.offset = self.offset, stop
        return self._gap(offset, stop)

    def _pass_damage(self, stop: int, torn_tail: bool) -> Record | None:
        data = self._load(self._place, stop - self._place)
        found = find_record(data, self.number, self._place, self._salt)
        if found is None and torn_tail:
            self.torn_bytes = stop - self._place
            return None
        end = stop if found is None else found
        gap = self._gap(self._place, end)
        self._place = end
        return gap

    def _gap(self, start: int, end: int) -> Record:
        return Record(
            segment=self.number,
            offset=start,
            size=end - start,
            kind=Kind.GAP,
            priority=Priority.URGENT,
            received_us=self._last_received_us,
            body=b"",
            stored=False,
        )

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
