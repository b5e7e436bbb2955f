"""What is done at the start: cut the torn tail, salvage what is damaged, find the last state.

Only the segments from the newest STATE record on are read, so that a large spool starts fast;
older ones are read around their damage, and `axlebox spool verify` finds it.
"""

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.format import (
    GOING_SUFFIX,
    HEADER_BYTES,
    SEGMENT_SUFFIX,
    Kind,
    Position,
    Record,
    segment_number,
    segment_path,
)
from gateway.spool.gaps import DAMAGED, MISSING, REMOVED, Gap, gap_of
from gateway.spool.inspection import SegmentReport, inspect_segment
from gateway.spool.salvage import TEMPORARY_SUFFIX, Salvage, salvage_segment
from gateway.spool.segments import file_size, list_segments, read_records, segment_end
from gateway.spool.storage import FileStorage, Storage

__all__ = ["Recovery", "recover"]

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Recovery:
    """The spool as it was found and mended.

    `snapshot` is the body of the newest STATE record, which ends at `state`; `records()` gives
    everything behind it. The log ends at `end`; `resume` says whether its newest segment may be
    written on. `gaps` are still to be stored (the writer does). `problems` tells a person what
    could not be mended; the spool collects in spite of them.
    """

    folder: Path
    storage: Storage
    snapshot: bytes | None
    state: Position | None
    end: Position
    resume: bool
    total_bytes: int
    truncated_bytes: int
    salvaged: tuple[Salvage, ...]
    gaps: tuple[Gap, ...]
    problems: tuple[str, ...]

    @property
    def wants_snapshot(self) -> bool:
        """Whether the segment that is written next holds no STATE record yet."""
        return not self.resume or self.state is None or self.state.segment != self.end.segment

    def records(self) -> Iterator[Record]:
        """The records behind the snapshot (all of them without one) up to `end`, gaps included."""
        for record in read_records(self.folder, self.state, self.storage, skip_unreadable=True):
            if record.end > self.end:
                return
            yield record


def recover(folder: Path, storage: Storage | None = None) -> Recovery:
    """Mend the log in `folder` and say where it goes on; the folder must be locked.

    Raises SpoolFolderError where the folder cannot be listed, and nothing else.
    """
    return _Mender(folder, storage or FileStorage()).mend()


class _Mender:
    def __init__(self, folder: Path, storage: Storage) -> None:
        self._folder = folder
        self._storage = storage
        self._truncated_bytes = 0
        self._salvaged: list[Salvage] = []
        self._gaps: list[Gap] = []
        self._problems: list[str] = []
        self._clean = True

    def mend(self) -> Recovery:
        with contextlib.suppress(OSError):  # a folder above that we may not enter is another's
            self._storage.sync_folder(self._folder.parent)
        numbers = self._tidy(list_segments(self._storage, self._folder))
        end, state, snapshot = self._mend_from_newest(numbers)
        if numbers:
            self._make_durable(numbers[-1])
        numbers = self._settle_removals(numbers, state)
        for problem in self._problems:
            _log.error("%s", problem)
        return Recovery(
            folder=self._folder,
            storage=self._storage,
            snapshot=snapshot,
            state=state,
            end=end,
            resume=bool(numbers) and self._clean,
            total_bytes=sum(self._size(number) for number in numbers),
            truncated_bytes=self._truncated_bytes,
            salvaged=tuple(self._salvaged),
            gaps=tuple(self._unstored_gaps(state)),
            problems=tuple(self._problems),
        )

    def _tidy(self, numbers: list[int]) -> list[int]:
        """Remove what an interrupted salvage or rotation left; returns the segments that stay."""
        with self._told(f"an unfinished file stays in {self._folder}"):
            for name in self._storage.names(self._folder):
                if name.endswith(TEMPORARY_SUFFIX):
                    self._storage.unlink(self._folder / name)
        while numbers and self._begun_only(numbers[-1]):
            number = numbers.pop()
            with self._told(f"a segment without a header stays in {self._folder}"):
                self._storage.unlink(segment_path(self._folder, number))
        return numbers

    def _begun_only(self, number: int) -> bool:
        if self._size(number) > HEADER_BYTES:
            return False
        report = inspect_segment(self._storage, self._folder, number, newest=True)
        return not report.header_sound and report.unreadable is None

    def _mend_from_newest(
        self, numbers: list[int]
    ) -> tuple[Position, Position | None, bytes | None]:
        end = Position(0, 0)
        for index in reversed(range(len(numbers))):
            number = numbers[index]
            newest = index == len(numbers) - 1
            report = inspect_segment(self._storage, self._folder, number, newest=newest)
            if newest:
                end = Position(number, report.end)
                self._clean = report.level is None  # what comes next needs a segment of its own
            self._mend_segment(report)
            if report.newest_state is not None:
                state = self._read_state(report.newest_state)
                if state is not None:
                    return end, *state
            if index and numbers[index - 1] != number - 1:
                self._note_missing(numbers[index - 1] + 1, number - 1)
        return end, None, None

    def _mend_segment(self, report: SegmentReport) -> None:
        if report.unreadable is not None:
            self._clean = False
            self._problems.append(
                f"{segment_path(self._folder, report.number)} is left as it is: "
                f"{report.unreadable}"
            )
            return
        if not report.sound:
            self._clean = False
            if report.torn_bytes and not report.header_sound:
                self._gaps.append(Gap(DAMAGED, report.number, report.end, report.torn_bytes))
            with self._told(
                f"segment {report.number} is damaged, and stays so for now; it is read around"
            ):
                self._salvaged.append(salvage_segment(self._storage, self._folder, report))
            self._truncated_bytes += report.torn_bytes
        elif report.torn_bytes:
            self._clean = False
            self._truncated_bytes += report.torn_bytes
            with self._told(f"the torn end of segment {report.number} could not be cut off"):
                self._truncate(report.number, report.end)

    def _truncate(self, number: int, size: int) -> None:
        fd = self._storage.open_write(segment_path(self._folder, number))
        try:
            self._storage.truncate(fd, size)
        finally:
            self._storage.close(fd)

    def _make_durable(self, number: int) -> None:
        """What was read may still be in memory only, left there by a process that was killed."""
        with self._told("what was written before the start may not be on the disk"):
            fd = self._storage.open_write(segment_path(self._folder, number))
            try:
                self._storage.datasync(fd)
            finally:
                self._storage.close(fd)
            self._storage.sync_folder(self._folder)

    def _read_state(self, place: Position) -> tuple[Position, bytes] | None:
        for record in self._readable_from(place):
            if record.stored and record.start == place:
                return record.end, record.body
        return None

    def _settle_removals(self, numbers: list[int], state: Position | None) -> list[int]:
        """A removal that a cut stopped is finished where the log tells of it, else undone.

        Returns the segments that are there.
        """
        with self._told("the removal of a segment was stopped, and stays so for now"):
            names = self._storage.names(self._folder)
            going = [self._folder / name for name in names if name.endswith(GOING_SUFFIX)]
            if not going:
                return numbers
            told = {gap.segment for gap in self._stored_gaps(state) if gap.reason == REMOVED}
            for path in going:
                segment = path.with_suffix(SEGMENT_SUFFIX)
                number = segment_number(segment.name)
                if number in told:
                    self._storage.unlink(path)
                elif number is not None:
                    self._storage.rename(path, segment)
            self._storage.sync_folder(self._folder)
        return list_segments(self._storage, self._folder)

    def _note_missing(self, first: int, last: int) -> None:
        for number in range(first, last + 1):
            end = segment_end(self._storage, self._folder, number) or HEADER_BYTES
            self._gaps.append(Gap(MISSING, number, HEADER_BYTES, end - HEADER_BYTES))

    def _unstored_gaps(self, state: Position | None) -> list[Gap]:
        """A missing segment is found again at each start until a newer state is stored."""
        if not self._gaps:
            return []
        stored = {(gap.reason, gap.segment) for gap in self._stored_gaps(state)}
        return [gap for gap in self._gaps if (gap.reason, gap.segment) not in stored]

    def _stored_gaps(self, state: Position | None) -> Iterator[Gap]:
        return (gap_of(r) for r in self._readable_from(state) if r.kind == Kind.GAP)

    def _readable_from(self, start: Position | None) -> Iterator[Record]:
        return read_records(self._folder, start, self._storage, skip_unreadable=True)

    def _size(self, number: int) -> int:
        return file_size(self._storage, segment_path(self._folder, number))

    @contextlib.contextmanager
    def _told(self, words: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self._clean = False
            self._problems.append(f"{words}: {error.strerror or error}")
