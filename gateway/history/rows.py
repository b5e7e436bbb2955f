"""The selected samples of the log, in its order, with the best time that is known for each."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
import numpy as np
from axwire.codes import OK, OUT_OF_RANGE, STATUSES
from axwire.table import Channel
from numpy.typing import NDArray

from gateway.clock import ClockRecord, placed
from gateway.decode import GroupTable
from gateway.history.log_decoder import Block, LogDecoder, decoder_for, read_segment
from gateway.history.selection import ChannelName, Selection
from gateway.spool.errors import SpoolError
from gateway.spool.format import Kind, Record
from gateway.spool.gaps import gap_of
from gateway.spool.segments import list_segments
from gateway.spool.storage import FileStorage, Storage
from gateway.walltime import TimeRecord

__all__ = ["MISSING", "STATUS_WORDS", "Samples", "SelectedRows"]

MISSING = len(STATUSES)
_THINNED = MISSING + 1
STATUS_WORDS = (*STATUSES, "missing", "thinned_minimum", "thinned_mean", "thinned_maximum")
"""What a status number of Samples means: those of axwire.codes, and four of our own."""


@dataclass(frozen=True)
class Samples:
    """Samples of one block: arrays of shape (rows,) and (rows, channels).

    `times_us` are UTC microseconds, `sure` whether by a clock that is believed. A value is NaN
    where none was taken.
    """

    node: str
    channels: tuple[tuple[ChannelName, Channel], ...]
    times_us: NDArray[np.int64]
    sure: bool
    values: NDArray[np.float64]
    statuses: NDArray[np.uint8]

    @property
    def count(self) -> int:
        return self.values.size


class SelectedRows:
    """Iterates over a spool once, a block at a time, in little memory.

    Afterwards: `samples` given, `gap_messages` by reason that gaps in the log tell of,
    `unreadable` records and those `without_table`, which are in none of the rows, and `skipped`
    segments that could not be read at all. Raises SpoolFolderError.
    """

    def __init__(self, folder: Path, selection: Selection, storage: Storage | None = None) -> None:
        self.samples = 0
        self.gap_messages: Counter[str] = Counter()
        self.unreadable = 0
        self.without_table = 0
        self.skipped: list[int] = []
        self._folder = folder
        self._storage: Storage = storage or FileStorage()
        self._selection = selection
        self._columns: dict[int, tuple[GroupTable, list[int], Channels]] = {}

    def __iter__(self) -> Iterator[Samples]:
        decoder: LogDecoder | None = None
        for number in list_segments(self._storage, self._folder):
            try:
                decoder = decoder or decoder_for(self._storage, self._folder, number)
                later = self._later_in(number)
                yield from self._samples_of(number, decoder, later)
            except (OSError, SpoolError):
                self.skipped.append(number)
        if decoder is not None:
            self.unreadable = decoder.unreadable
            self.without_table = decoder.without_table

    def _later_in(self, number: int) -> "_Later":
        """What a segment says of clocks and times: it holds for the rows before it too."""
        later = _Later()
        for record in read_segment(self._storage, self._folder, number):
            later.take(record)
        return later

    def _samples_of(self, number: int, decoder: LogDecoder, later: "_Later") -> Iterator[Samples]:
        for record in read_segment(self._storage, self._folder, number):
            if record.kind == Kind.GAP:
                self._note_gap(record)
            for block in decoder.decode(record, self._selection.wants_node):
                clock = decoder.clock(block.node, block.boot)
                if clock is None or not clock.trusted:
                    clock = later.of(block, clock)
                samples = self._select(block, clock or _by_arrival(block))
                if samples is not None:
                    self.samples += samples.count
                    yield samples

    def _note_gap(self, record: Record) -> None:
        gap = gap_of(record)
        self.gap_messages[gap.reason] += gap.messages or 0

    def _select(self, block: Block, clock: ClockRecord) -> Samples | None:
        rows = block.rows
        columns, channels = self._channels_of(rows.group)
        if not columns:
            return None
        count = 1 if block.taken is not None else len(rows.raw)
        times_us = np.array(
            [clock.utc_at((rows.t_ms + k * rows.group.period_ms) * 1000) for k in range(count)],
            np.int64,
        )
        values, statuses = _valued(block)
        if block.taken is not None:
            times_us = np.repeat(times_us, 3)
        inside = [self._selection.wants_time(at) for at in times_us.tolist()]
        if not any(inside):
            return None
        return Samples(
            block.node,
            channels,
            times_us[inside],
            clock.trusted,
            values[inside][:, columns],
            statuses[inside][:, columns],
        )

    def _channels_of(self, group: GroupTable) -> tuple[list[int], "Channels"]:
        kept = self._columns.get(id(group))
        if kept is None:
            names = [
                (ChannelName.of(group.first + column, channel), channel)
                for column, channel in enumerate(group.channels)
            ]
            columns = [
                k for k, (name, _) in enumerate(names) if self._selection.wants_channel(name)
            ]
            kept = (group, columns, tuple(names[k] for k in columns))
            self._columns[id(group)] = kept
        return kept[1], kept[2]


class _Later:
    """The first clock of each boot, a believed one before any other, and the first sure time of
    each run of the machine."""

    def __init__(self) -> None:
        self._clocks: dict[tuple[str, int], ClockRecord] = {}
        self._times: dict[str, TimeRecord] = {}

    def take(self, record: Record) -> None:
        try:
            if record.kind == Kind.CLOCK:
                self._take_clock(msgspec.msgpack.decode(record.body, type=ClockRecord))
            elif record.kind == Kind.TIME:
                time = msgspec.msgpack.decode(record.body, type=TimeRecord)
                if time.trusted:
                    self._times.setdefault(time.base, time)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return

    def of(self, block: Block, known: ClockRecord | None) -> ClockRecord | None:
        """A better clock than the known one for rows of that block."""
        found = self._clocks.get((block.node, block.boot))
        clock = found if known is None or (found and found.trusted) else known
        if clock is None or clock.trusted:
            return clock
        return placed(clock, self._times.get(clock.base), clock.board_us)

    def _take_clock(self, clock: ClockRecord) -> None:
        known = self._clocks.get((clock.node, clock.boot))
        if known is None or (clock.trusted and not known.trusted):
            self._clocks[clock.node, clock.boot] = clock


Channels = tuple[tuple[ChannelName, Channel], ...]


def _valued(block: Block) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """Shape (rows, channels) both: in units, and numbers of STATUS_WORDS."""
    rows = block.rows
    values = rows.values
    statuses = np.tile(np.frombuffer(rows.statuses, np.uint8), (len(rows.raw), 1))
    outside = (values < rows.group.lows) | (values > rows.group.highs)
    statuses[(statuses == OK) & outside] = OUT_OF_RANGE
    statuses[(statuses == OK) & rows.missing] = MISSING
    if block.taken is not None:
        is_ok = statuses == OK
        statuses[is_ok] = (np.arange(3, dtype=np.uint8)[:, None] + _THINNED + 0 * statuses)[is_ok]
    return values, statuses


def _by_arrival(block: Block) -> ClockRecord:
    """Where no clock of the boot is known: the last row was taken when it arrived."""
    last_us = block.last_t_ms * 1000
    return ClockRecord(block.node, block.boot, last_us, block.received_us, 0, 0, trusted=False)
