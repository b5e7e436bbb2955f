"""Sending again from a point in time: which stretches of the log that is, and what is gone."""

from pathlib import Path

import msgspec

from gateway.forward.audit import section_at
from gateway.forward.cursor import CursorFile
from gateway.forward.log import CHUNK_BYTES, Log
from gateway.forward.progress import Progress
from gateway.spool.format import HEADER_BYTES, Position, segment_path
from gateway.spool.lock import FolderLock
from gateway.spool.segments import file_size

__all__ = ["Replay", "add_replay", "plan_replay"]

_MARGIN_US = 60_000_000
"""A row may have been received so long before it went out without being remembered as late."""

_HEAD_BYTES = 4096


class Replay(msgspec.Struct, frozen=True, kw_only=True):
    """What will be sent again: so many bytes of log, the first of it received at `first_us`.

    `oldest_us`: the spool has nothing older, so what was received between `since_us` and then
    cannot be sent again; None where it reaches back far enough. `forgotten_us`: what was received
    before `since_us` and went out late up to then is not known any more; None where all is.
    """

    since_us: int
    bytes: int
    first_us: int | None = None
    oldest_us: int | None = None
    forgotten_us: int | None = None


def add_replay(progress: Progress, log: Log, since_us: int) -> tuple[Progress, Replay]:
    """Add to `progress` what was received or went out at that UTC time or later.

    Receive times are compared as they were stored: what was received before the gateway's clock
    was set has an earlier one. Raises OSError or SpoolError.
    """
    early_us = since_us - _MARGIN_US
    place, first_us, oldest_us = _received_since(log, early_us)
    late = progress.late_since(early_us)
    wanted = [(section_at(log, start), end) for start, end in late]
    if place is not None:
        wanted.append((place, progress.live))
    after = progress.replay(wanted)
    replayed = sum(
        log.bytes_between(one.start, one.end) for one in after.behind if one not in progress.behind
    )
    cut = oldest_us is not None and oldest_us > since_us and log.was_cut()
    forgotten = progress.forgotten_us if progress.forgotten_us >= early_us else None
    replay = Replay(
        since_us=since_us,
        bytes=replayed,
        first_us=first_us,
        oldest_us=oldest_us if cut else None,
        forgotten_us=forgotten,
    )
    return after, replay


def plan_replay(folder: Path, server: str, since_us: int) -> Replay:
    """Have the next run of the gateway replay; none may run now.

    Raises SpoolLockedError where one does, OSError or SpoolError.
    """
    lock = FolderLock(folder)
    try:
        log = Log(folder, lambda: end)
        numbers = log.segments()
        newest = numbers[-1] if numbers else 0
        end = Position(newest, file_size(log.storage, segment_path(folder, newest)))
        cursor_file = CursorFile(folder, server)
        progress = cursor_file.load()
        if progress is None:
            return Replay(since_us=since_us, bytes=0)
        progress, replay = add_replay(progress.within(end), log, since_us)
        cursor_file.save(progress)
        return replay
    finally:
        lock.release()


def _received_since(log: Log, since_us: int) -> tuple[Position | None, int | None, int | None]:
    """The section in which the first record since then lies, its time, and the oldest time."""
    numbers = log.segments()
    oldest_us = next((t for number in numbers if (t := _first_time(log, number))), None)
    begin = 0
    for number in reversed(numbers):
        begin = number
        time_us = _first_time(log, number)
        if time_us is not None and time_us < since_us:
            break
    reader = log.reader(Position(begin, HEADER_BYTES))
    try:
        while records := reader.read(CHUNK_BYTES):
            for record in records:
                if record.received_us >= since_us:
                    return section_at(log, record.end), record.received_us, oldest_us
    finally:
        reader.close()
    return None, None, oldest_us


def _first_time(log: Log, number: int) -> int | None:
    """The receive time of the first record of a segment that has one."""
    reader = log.reader(Position(number, HEADER_BYTES))
    try:
        while records := reader.read(_HEAD_BYTES):
            for record in records:
                if record.segment != number:
                    return None
                if record.received_us:
                    return record.received_us
    finally:
        reader.close()
    return None
