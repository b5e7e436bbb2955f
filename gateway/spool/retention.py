"""Makes room, in the order of what is missed least, and tells what was lost.

1. The reserve, when the disk is full.
2. Whole segments that were forwarded, oldest first.
3. Of the others the waveforms, then the readings, oldest first (gateway.spool.thinning).
4. When nothing else is left, whole segments that were not forwarded, oldest first.
"""

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gateway.spool.faults import explain
from gateway.spool.format import (
    GOING_SUFFIX,
    HEADER_BYTES,
    INDEX_SUFFIX,
    Kind,
    Position,
    segment_path,
)
from gateway.spool.gaps import REMOVED, Gap
from gateway.spool.inspection import SegmentReport, inspect_segment
from gateway.spool.reserve import Reserve
from gateway.spool.segments import file_size, list_segments
from gateway.spool.storage import Storage
from gateway.spool.thinning import Thinned, Thinner
from gateway.spool.writer import SpoolWriter

__all__ = ["ALARM_SHARE", "THIN_SHARE", "Limits", "Removed", "Unsent", "make_room"]

_log = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT)

Unsent = Callable[[int], list[tuple[int, int | None]]]
"""The stretches of a segment that were never forwarded, by offset; None: up to its end."""

ALARM_SHARE = 0.8
"""Of the limit, in what is not forwarded: people are told."""

THIN_SHARE = 0.95
"""Of the limit, in all: room is made."""

_PATIENCE_SEGMENTS = 2
"""So far above the limit the spool may be while a segment is being thinned."""


@dataclass(frozen=True)
class Limits:
    """How large the spool may grow, and how much of the disk it leaves to others."""

    max_bytes: int
    min_free_bytes: int


@dataclass(frozen=True)
class Removed:
    """A segment that is gone; `messages_lost` of it were never forwarded."""

    number: int
    bytes: int
    messages_lost: int


def make_room(
    writer: SpoolWriter,
    limits: Limits,
    forwarded: Position | None,
    unsent: Unsent | None = None,
    thinner: Thinner | None = None,
    reserve: Reserve | None = None,
) -> list[Removed]:
    """Give up the least until the limits hold; returns which segments were removed whole.

    `forwarded` is the forwarder's cursor: all before it has left. `unsent` says what has not of
    the segments behind; without it, all of them. What has not, and is removed, is counted and
    told by a GAP record; what is thinned, by one in its place. Only segments of which nothing was
    forwarded are thinned. Those that a restart needs always stay: from the newest STATE record
    on. While the spool is below its limit, so does the segment before the cursor's, which may
    hold the STATE record that the forwarder starts from. Call it in the committing thread.
    """
    cursor = forwarded or Position(0, 0)
    unsent = unsent or _all_behind(cursor)
    return _Room(writer, limits, cursor, unsent, thinner, reserve).make()


class _Room:
    def __init__(
        self,
        writer: SpoolWriter,
        limits: Limits,
        forwarded: Position,
        unsent: Unsent,
        thinner: Thinner | None,
        reserve: Reserve | None,
    ) -> None:
        self._writer = writer
        self._limits = limits
        self._forwarded = forwarded
        self._unsent = unsent
        self._thinner = thinner
        self._reserve = reserve
        self._removed: list[Removed] = []

    def make(self) -> list[Removed]:
        writer = self._writer
        if self._reserve is not None:
            if self._is_disk_full():
                if self._reserve.give_up():
                    writer.commit()
            elif writer.fault is None:
                self._reserve.renew()
        if writer.state_segment is None:
            return []
        stays = min(writer.state_segment, writer.committed.segment)
        try:
            numbers = [n for n in list_segments(writer.storage, writer.folder) if n < stays]
            left = self._remove_while(numbers, self._forwarded_must_go)
            whole = [number for number in left if self._is_wholly_unsent(number)]
            self._thin(whole)
            self._remove_while(left, lambda number: self._unsent_must_go(number, whole))
        except OSError as error:
            _log.error("no room could be made: %s", explain(error, writer.folder))
        return self._removed

    def _is_disk_full(self) -> bool:
        return self._writer.fault_errno in _FULL

    def _is_above(self, share: float) -> bool:
        return self._writer.total_bytes > share * self._limits.max_bytes

    def _remove_while(self, numbers: list[int], must_go: Callable[[int], bool]) -> list[int]:
        """Remove the oldest ones; returns what is left."""
        for index, number in enumerate(numbers):
            if not must_go(number):
                return numbers[index:]
            self._removed.append(_remove(self._writer, number, self._unsent(number)))
        return []

    def _forwarded_must_go(self, number: int) -> bool:
        if number >= self._forwarded.segment - 1:
            return False
        if self._is_above(THIN_SHARE) or (self._is_disk_full() and not self._removed):
            return True
        writer = self._writer
        return writer.storage.free_bytes(writer.folder) < self._limits.min_free_bytes

    def _is_wholly_unsent(self, number: int) -> bool:
        """Nothing of it has left, and it is not being sent."""
        if number <= self._forwarded.segment:
            return False
        parts = self._unsent(number)
        return len(parts) == 1 and parts[0][0] <= HEADER_BYTES and parts[0][1] is None

    def _thin(self, whole: list[int]) -> None:
        while self._thinner is not None and (self._is_above(THIN_SHARE) or self._is_disk_full()):
            thinned = self._thinner.choose(whole)
            if thinned is None:
                return
            _replace(self._writer, thinned)
            if self._writer.fault is not None:
                self._writer.commit()

    def _unsent_must_go(self, number: int, whole: list[int]) -> bool:
        is_busy = self._thinner is not None and self._thinner.is_busy(whole)
        if self._is_disk_full():
            return not self._removed and not is_busy
        patience = _PATIENCE_SEGMENTS * self._writer.settings.segment_bytes if is_busy else 0
        return self._writer.total_bytes > self._limits.max_bytes + patience


def _replace(writer: SpoolWriter, thinned: Thinned) -> None:
    storage = writer.storage
    storage.rename(thinned.path, segment_path(writer.folder, thinned.number))
    storage.sync_folder(writer.folder)
    writer.note_thinned(thinned.size_before - thinned.size, thinned.size, thinned.messages)
    _log.warning(
        "segment %d was thinned: %d messages gone unsent", thinned.number, thinned.messages
    )


def _all_behind(forwarded: Position) -> Unsent:
    def unsent(number: int) -> list[tuple[int, int | None]]:
        if number < forwarded.segment:
            return []
        return [(forwarded.offset if number == forwarded.segment else 0, None)]

    return unsent


def _remove(writer: SpoolWriter, number: int, parts: list[tuple[int, int | None]]) -> Removed:
    """The record of a loss is on the disk before the segment goes: no cut hides it."""
    storage, path = writer.storage, segment_path(writer.folder, number)
    size = file_size(storage, path)
    gap, messages = _gap(writer, number, parts)
    going = path.with_suffix(GOING_SUFFIX) if gap else path
    if gap is not None:
        storage.rename(path, going)
        storage.sync_folder(writer.folder)
    writer.forget_segment(size, messages)
    if gap is not None:
        writer.note_gap(gap)
        if not writer.commit():
            _empty(storage, going)
            writer.commit()
        _log.warning("segment %d was removed, %d messages of it unsent", number, messages)
    if gap is None or writer.fault is None:
        storage.unlink(going)
        storage.sync_folder(writer.folder)
    if writer.fault is not None:
        writer.commit()
    for name in storage.names(writer.folder):
        if name.startswith(f"{path.stem}.") and name.endswith((".bad", INDEX_SUFFIX)):
            storage.unlink(writer.folder / name)
    return Removed(number, size, messages)


def _gap(
    writer: SpoolWriter, number: int, parts: list[tuple[int, int | None]]
) -> tuple[Gap | None, int]:
    """What goes with a segment of which these parts were never forwarded, and its messages.

    The gap tells of those, too, that gaps in the segment told of.
    """
    if not parts:
        return None, 0
    lost = messages = told = 0
    for since, until in parts:
        report = _inspect(writer, number, since)
        lost += report.end - max(since, HEADER_BYTES)
        messages += report.records.get(Kind.MESSAGE, 0)
        told += report.gap_messages
        if until is not None:
            rest = _inspect(writer, number, until)
            lost -= rest.end - until
            messages -= rest.records.get(Kind.MESSAGE, 0)
            told -= rest.gap_messages
    whole = _inspect(writer, number, parts[0][0])
    begin = max(parts[0][0], HEADER_BYTES)
    gap = Gap(REMOVED, number, begin, lost, messages + told, whole.first_us, whole.last_us)
    return gap, messages


def _inspect(writer: SpoolWriter, number: int, since: int) -> SegmentReport:
    return inspect_segment(writer.storage, writer.folder, number, newest=False, since=since)


def _empty(storage: Storage, path: Path) -> None:
    """Gives a full disk the room that the record of the loss needs."""
    fd = storage.open_write(path)
    try:
        storage.truncate(fd, HEADER_BYTES)
    finally:
        storage.close(fd)
