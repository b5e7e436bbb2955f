"""What a segment holds and where it is damaged: the ground for ls, verify, recovery, removal."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.errors import NewerFormatError
from gateway.spool.format import Kind, Position, segment_path
from gateway.spool.gaps import gap_of
from gateway.spool.segments import SegmentReader, file_size, list_segments, segment_end
from gateway.spool.storage import FileStorage, Storage

__all__ = ["Damage", "SegmentReport", "inspect_segment", "inspect_spool"]


@dataclass(frozen=True)
class Damage:
    """A stretch of a segment that holds no sound record."""

    offset: int
    size: int


@dataclass(frozen=True)
class SegmentReport:
    """One segment, read from end to end (from offset `since` on).

    `end` is where its records end; `torn_bytes` lie behind in the newest segment, from a write
    that a power cut or a full disk stopped. `previous_end` is where the header says that the
    segment before ends, 0 where it does not know. `gap_messages` are those that its GAP records
    tell of; `level` is what a compact segment was thinned to, None for one as it was written.
    Times are receive times in UTC microseconds, 0 where there is no record. `unreadable` says why
    nothing else could be found out.
    """

    number: int
    size: int
    end: int
    header_sound: bool
    previous_end: int
    created_us: int
    records: Mapping[int, int]
    first_us: int
    last_us: int
    damage: tuple[Damage, ...]
    torn_bytes: int
    newest_state: Position | None
    gap_messages: int = 0
    level: int | None = None
    unreadable: str | None = None

    @property
    def sound(self) -> bool:
        return self.header_sound and not self.damage and self.unreadable is None


def inspect_spool(folder: Path, storage: Storage | None = None) -> Iterator[SegmentReport]:
    """A report of each segment, oldest first; raises SpoolFolderError."""
    storage = storage or FileStorage()
    numbers = list_segments(storage, folder)
    for number in numbers:
        try:
            yield inspect_segment(storage, folder, number, newest=number == numbers[-1])
        except FileNotFoundError:
            continue


def inspect_segment(
    storage: Storage, folder: Path, number: int, *, newest: bool, since: int = 0
) -> SegmentReport:
    """Read one segment through; raises FileNotFoundError where it is gone."""
    try:
        reader = SegmentReader(storage, folder, number)
    except FileNotFoundError:
        raise
    except (OSError, NewerFormatError) as error:
        return _unreadable(storage, folder, number, error)
    with reader:
        size = reader.size()
        end = None if newest else segment_end(storage, folder, number)
        reader.seek(since)
        stop = max(end or reader.end(), reader.offset)
        counts: Counter[int] = Counter()
        damage: list[Damage] = []
        newest_state = None
        gap_messages = 0
        first_us, last_us = 0, 0
        while records := reader.read(stop, torn_tail=newest):
            for record in records:
                if not record.stored:
                    damage.append(Damage(record.offset, record.size))
                    continue
                counts[record.kind] += 1
                if record.kind == Kind.STATE:
                    newest_state = record.start
                if record.kind == Kind.GAP:
                    gap_messages += gap_of(record).messages or 0
                if record.received_us:
                    first_us = min(first_us or record.received_us, record.received_us)
                    last_us = max(last_us, record.received_us)
        header = reader.header
        return SegmentReport(
            number=number,
            size=size,
            end=reader.offset,
            header_sound=header is not None,
            previous_end=header.previous_end if header else 0,
            created_us=header.created_us if header else 0,
            records=dict(counts),
            first_us=first_us,
            last_us=last_us,
            damage=tuple(damage),
            torn_bytes=reader.torn_bytes,
            newest_state=newest_state,
            gap_messages=gap_messages,
            level=_level(reader),
        )


def _level(reader: SegmentReader) -> int | None:
    if not reader.compact:
        return None
    compacted = reader.header.compacted if reader.header else None
    return compacted.level if compacted else 0


def _unreadable(storage: Storage, folder: Path, number: int, error: Exception) -> SegmentReport:
    size = file_size(storage, segment_path(folder, number))
    return SegmentReport(
        number=number,
        size=size,
        end=size,
        header_sound=False,
        previous_end=0,
        created_us=0,
        records={},
        first_us=0,
        last_us=0,
        damage=(),
        torn_bytes=0,
        newest_state=None,
        unreadable=str(error),
    )
