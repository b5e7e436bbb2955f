"""Makes room: removes the oldest segments, forwarded ones first, and tells what was lost."""

import errno
import logging
from collections.abc import Callable
from dataclasses import dataclass

from gateway.spool.faults import explain
from gateway.spool.format import HEADER_BYTES, Kind, Position, segment_path
from gateway.spool.gaps import REMOVED, Gap
from gateway.spool.inspection import SegmentReport, inspect_segment
from gateway.spool.segments import file_size, list_segments
from gateway.spool.writer import SpoolWriter

__all__ = ["Limits", "Removed", "Unsent", "make_room"]

_log = logging.getLogger(__name__)
_FULL = (errno.ENOSPC, errno.EDQUOT)

Unsent = Callable[[int], list[tuple[int, int | None]]]
"""The stretches of a segment that were never forwarded, by offset; None: up to its end."""


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
) -> list[Removed]:
    """Remove the oldest segments until the limits hold; returns what was removed.

    `forwarded` is the forwarder's cursor: all before it has left. `unsent` says what has not of
    the segments behind; without it, all of them. What has not left is removed only where the
    spool is above its limit or the disk is full (then one segment a call), is counted, and is
    told by a GAP record. The segments that a restart needs always stay: those from the newest
    STATE record on. Where only the disk is short, the segment before the cursor's stays too: it
    may hold the STATE record that the forwarder starts from. Call it in the committing thread.
    """
    removed: list[Removed] = []
    if writer.state_segment is None:
        return removed
    stays = min(writer.state_segment, writer.committed.segment)
    try:
        for number in list_segments(writer.storage, writer.folder):
            if number >= stays or not _must_go(writer, limits, number, forwarded, removed):
                break
            parts = (unsent or _all_behind(forwarded or Position(0, 0)))(number)
            removed.append(_remove(writer, number, parts))
    except OSError as error:
        _log.error("no room could be made: %s", explain(error, writer.folder))
    return removed


def _must_go(
    writer: SpoolWriter,
    limits: Limits,
    number: int,
    forwarded: Position | None,
    removed: list[Removed],
) -> bool:
    if writer.total_bytes > limits.max_bytes:
        return True
    if writer.fault_errno in _FULL:
        return not removed
    if forwarded is None or number >= forwarded.segment - 1:
        return False
    return writer.storage.free_bytes(writer.folder) < limits.min_free_bytes


def _all_behind(forwarded: Position) -> Unsent:
    def unsent(number: int) -> list[tuple[int, int | None]]:
        if number < forwarded.segment:
            return []
        return [(forwarded.offset if number == forwarded.segment else 0, None)]

    return unsent


def _remove(writer: SpoolWriter, number: int, parts: list[tuple[int, int | None]]) -> Removed:
    storage, path = writer.storage, segment_path(writer.folder, number)
    size = file_size(storage, path)
    gap = _gap(writer, number, parts)
    storage.unlink(path)
    messages = gap.messages or 0 if gap else 0
    writer.forget_segment(size, messages)
    if gap is not None:
        writer.note_gap(gap)
        _log.warning("segment %d was removed, %d messages of it unsent", number, messages)
    if gap is not None or writer.fault is not None:
        writer.commit()
    for name in storage.names(writer.folder):
        if name.startswith(f"{path.stem}.") and name.endswith(".bad"):
            storage.unlink(writer.folder / name)
    return Removed(number, size, messages)


def _gap(writer: SpoolWriter, number: int, parts: list[tuple[int, int | None]]) -> Gap | None:
    """What goes with a segment of which these parts were never forwarded."""
    if not parts:
        return None
    lost = messages = 0
    for since, until in parts:
        report = _inspect(writer, number, since)
        lost += report.end - max(since, HEADER_BYTES)
        messages += report.records.get(Kind.MESSAGE, 0)
        if until is not None:
            rest = _inspect(writer, number, until)
            lost -= rest.end - until
            messages -= rest.records.get(Kind.MESSAGE, 0)
    whole = _inspect(writer, number, parts[0][0])
    begin = max(parts[0][0], HEADER_BYTES)
    return Gap(REMOVED, number, begin, lost, messages, whole.first_us, whole.last_us)


def _inspect(writer: SpoolWriter, number: int, since: int) -> SegmentReport:
    return inspect_segment(writer.storage, writer.folder, number, newest=False, since=since)
