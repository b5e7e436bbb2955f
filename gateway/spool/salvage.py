"""Puts a sound segment in place of a damaged one: same offsets, gaps where records were."""

import contextlib
import errno
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.compact import compact
from gateway.spool.format import (
    HEADER_BYTES,
    SegmentHeader,
    pack_header,
    pack_records,
    segment_path,
)
from gateway.spool.gaps import pieces
from gateway.spool.inspection import SegmentReport
from gateway.spool.segments import SegmentReader
from gateway.spool.storage import Storage

__all__ = ["TEMPORARY_SUFFIX", "Salvage", "salvage_segment", "write_whole"]

TEMPORARY_SUFFIX = ".tmp"
_NO_LINKS = (errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV)


@dataclass(frozen=True)
class Salvage:
    """A segment that was replaced: what it was is kept in `kept_as`."""

    number: int
    kept_as: Path
    records: int
    lost_bytes: int


def salvage_segment(storage: Storage, folder: Path, report: SegmentReport) -> Salvage:
    """Replace the damaged segment of `report`; raises OSError, and then changed nothing of it.

    Every good record keeps its offset, so positions stay true; each damaged stretch becomes GAP
    records of the same size. A header that cannot be read is made anew, and does not know where
    the segment before ends. Nobody may write the segment meanwhile.
    """
    path = segment_path(folder, report.number)
    with SegmentReader(storage, folder, report.number) as reader:
        header = reader.header or SegmentHeader(report.number, report.first_us, 0)
        if reader.compact:
            content = _mended_compact(reader, header, report)
        else:
            content = _mended(reader, header, report)
    kept_as = _free_name(storage, folder, path)
    temporary = path.with_suffix(TEMPORARY_SUFFIX)
    write_whole(storage, temporary, content)
    _keep(storage, path, kept_as)
    storage.rename(temporary, path)
    storage.sync_folder(folder)
    return Salvage(
        number=report.number,
        kept_as=kept_as,
        records=sum(report.records.values()),
        lost_bytes=sum(stretch.size for stretch in report.damage),
    )


def _mended(reader: SegmentReader, header: SegmentHeader, report: SegmentReport) -> bytearray:
    content = bytearray(reader.raw(report.end))
    content[:HEADER_BYTES] = pack_header(header)
    for stretch in report.damage:
        filler = pack_records(pieces(stretch.size, report.first_us), report.number, stretch.offset)
        content[stretch.offset : stretch.offset + len(filler)] = filler
    return content


def _mended_compact(
    reader: SegmentReader, header: SegmentHeader, report: SegmentReport
) -> bytearray:
    """Its records may move within the file: what their offsets are, the gaps tell."""
    level = header.compacted.level if header.compacted else 0
    records = reader.records(report.end)
    return compact(
        header, records, report.end, level, lambda record: False, lambda record: None
    ).content


def _free_name(storage: Storage, folder: Path, path: Path) -> Path:
    taken: Sequence[str] = storage.names(folder)
    kept_as = path.with_suffix(".bad")
    count = 1
    while kept_as.name in taken:
        count += 1
        kept_as = path.with_suffix(f".{count}.bad")
    return kept_as


def write_whole(storage: Storage, path: Path, content: bytearray) -> None:
    """A new file of `content`, on the medium; raises OSError, and then leaves no file."""
    with contextlib.suppress(FileNotFoundError):
        storage.unlink(path)
    fd = storage.create(path)
    try:
        view = memoryview(content)
        done = 0
        while done < len(view):
            done += storage.write(fd, view[done:], done)
        storage.datasync(fd)
    except OSError:
        with contextlib.suppress(OSError):
            storage.unlink(path)
        raise
    finally:
        storage.close(fd)


def _keep(storage: Storage, path: Path, kept_as: Path) -> None:
    """A second name for the damaged file, or a copy where the file system knows no links."""
    try:
        storage.link(path, kept_as)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        fd = storage.open_read(path)
        try:
            content = bytearray(storage.read(fd, storage.size(fd), 0))
        finally:
            storage.close(fd)
        write_whole(storage, kept_as, content)
