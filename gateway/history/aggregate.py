"""Rows to minimum, mean and maximum of every two seconds of board time, channel by channel.

Only sound samples make these three; the others are counted beside them, so that no trend shows
what is not known to be good.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from axwire.codes import OK, OUT_OF_RANGE
from numpy.typing import NDArray

from gateway.decode import GroupTable, Rows
from gateway.history.log_decoder import Block

__all__ = ["BUCKET_MS", "Aggregate", "Buckets", "Series"]

BUCKET_MS = 2000
_ROWS_AT_ONCE = 256
_TOP = np.iinfo(np.int32).max
_BOTTOM = np.iinfo(np.int32).min
_MERGES_AT = 64


class Series(NamedTuple):
    """Whose rows: one group of one boot, in the numbering of one channel table."""

    node: str
    boot: int
    revision: int
    group: int


class Buckets(NamedTuple):
    """Each array of shape (buckets,) or (buckets, channels); rising numbers, raw integers.

    `low` and `high` hold only where `sound` is above 0; `total` is the sum of the sound samples.
    `status` is the highest code among the samples that are not sound, 0 where there are none.
    """

    numbers: NDArray[np.int64]
    low: NDArray[np.int32]
    high: NDArray[np.int32]
    total: NDArray[np.float64]
    sound: NDArray[np.int32]
    suspect: NDArray[np.int32]
    missing: NDArray[np.int32]
    status: NDArray[np.uint8]

    def channel(self, column: int) -> "Buckets":
        """The same of one channel: all of shape (buckets,)."""
        return self._cut(slice(None), (slice(None), column))

    def between(self, first: int, last: int) -> "Buckets":
        """Buckets `first` to before `last`, in the order they are here."""
        return self._cut(slice(first, last), slice(first, last))

    def _cut(self, numbers: slice, rest: slice | tuple[slice, int]) -> "Buckets":
        return Buckets(
            self.numbers[numbers],
            self.low[rest],
            self.high[rest],
            self.total[rest],
            self.sound[rest],
            self.suspect[rest],
            self.missing[rest],
            self.status[rest],
        )


@dataclass
class Anchor:
    """When the gateway had a row, where no clock of its boot is known: an estimate of its time."""

    t_ms: int
    received_us: int


@dataclass
class _Group:
    table: GroupTable
    anchor: Anchor
    waiting: list[Rows] = field(default_factory=list)
    waiting_rows: int = 0
    done: list[Buckets] = field(default_factory=list)


class Aggregate:
    """Takes blocks in; gives the buckets of each series."""

    def __init__(self) -> None:
        self._groups: dict[Series, _Group] = {}

    def add(self, block: Block) -> None:
        rows = block.rows
        key = Series(block.node, block.boot, block.revision, rows.group.number)
        group = self._groups.get(key)
        if group is None:
            anchor = Anchor(block.last_t_ms, block.received_us)
            group = self._groups[key] = _Group(rows.group, anchor)
        if block.taken is not None:
            group.done.append(_spread(block))
            return
        group.waiting.append(rows)
        group.waiting_rows += len(rows.raw)
        if group.waiting_rows >= _ROWS_AT_ONCE:
            _digest(group)

    def series(self) -> Iterator[tuple[Series, GroupTable, Anchor]]:
        """Whose rows are here."""
        for key, group in list(self._groups.items()):
            yield key, group.table, group.anchor

    def buckets(self, series: Series) -> Buckets:
        """All that came in of one series, each bucket once."""
        group = self._groups[series]
        _digest(group)
        if len(group.done) > 1:
            group.done = [_merged(group.done)]
        return group.done[0]


def _digest(group: _Group) -> None:
    if group.waiting:
        group.done.append(_aggregated(group.table, group.waiting))
        group.waiting, group.waiting_rows = [], 0
        if len(group.done) >= _MERGES_AT:
            group.done = [_merged(group.done)]


def _aggregated(table: GroupTable, blocks: list[Rows]) -> Buckets:
    raw = np.concatenate([rows.raw for rows in blocks])
    missing = np.concatenate([rows.missing for rows in blocks])
    counts = [rows.count for rows in blocks]
    t_ms = np.concatenate(
        [rows.t_ms + np.arange(rows.count, dtype=np.int64) * table.period_ms for rows in blocks]
    )
    codes = np.frombuffer(b"".join(rows.statuses for rows in blocks), np.uint8)
    status = np.repeat(codes.reshape(len(blocks), -1), counts, axis=0)
    values = raw * table.scales + table.offsets
    outside = ((values < table.lows) | (values > table.highs)) & ~missing
    status[(status == OK) & outside] = OUT_OF_RANGE
    is_sound = (status == OK) & ~missing
    return _reduced(
        t_ms // BUCKET_MS,
        np.where(is_sound, raw, _TOP).astype(np.int32, copy=False),
        np.where(is_sound, raw, _BOTTOM).astype(np.int32, copy=False),
        np.where(is_sound, raw, 0).astype(np.float64),
        is_sound.astype(np.int32),
        (~is_sound & ~missing).astype(np.int32),
        missing.astype(np.int32),
        status,
    )


def _spread(block: Block) -> Buckets:
    """A node's own summary, over all the buckets that it stands for."""
    rows, table = block.rows, block.rows.group
    assert block.taken is not None
    first, last = rows.t_ms // BUCKET_MS, (rows.t_ms + block.span_ms) // BUCKET_MS
    count = last - first + 1
    taken = np.array(block.taken, np.int64)
    shares = np.array([taken * (n + 1) // count - taken * n // count for n in range(count)])
    low, mean, high = rows.raw
    values = rows.values
    outside = np.any((values < table.lows) | (values > table.highs), axis=0)
    status = np.frombuffer(rows.statuses, np.uint8).copy()
    status[(status == OK) & outside] = OUT_OF_RANGE
    is_sound = (status == OK) & (taken > 0)
    there = is_sound & (shares > 0)
    suspect = np.where(is_sound, 0, shares)
    return Buckets(
        np.arange(first, last + 1, dtype=np.int64),
        np.where(there, low, _TOP).astype(np.int32),
        np.where(there, high, _BOTTOM).astype(np.int32),
        np.where(there, mean.astype(np.float64) * shares, 0.0),
        np.where(there, shares, 0).astype(np.int32),
        suspect.astype(np.int32),
        np.zeros(shares.shape, np.int32),
        np.broadcast_to(status, shares.shape).astype(np.uint8),
    )


def _merged(parts: list[Buckets]) -> Buckets:
    return _reduced(*(np.concatenate(arrays) for arrays in zip(*parts, strict=True)))


def _reduced(
    index: NDArray[np.int64],
    low: NDArray[np.int32],
    high: NDArray[np.int32],
    total: NDArray[np.float64],
    sound: NDArray[np.int32],
    suspect: NDArray[np.int32],
    missing: NDArray[np.int32],
    status: NDArray[np.uint8],
) -> Buckets:
    """Rows of one bucket put together."""
    if np.any(index[1:] < index[:-1]):
        order = np.argsort(index, kind="stable")
        index, low, high, total = index[order], low[order], high[order], total[order]
        sound, suspect, missing, status = (
            sound[order],
            suspect[order],
            missing[order],
            status[order],
        )
    starts = np.flatnonzero(np.concatenate(([True], index[1:] != index[:-1])))
    return Buckets(
        index[starts],
        np.minimum.reduceat(low, starts, axis=0),
        np.maximum.reduceat(high, starts, axis=0),
        np.add.reduceat(total, starts, axis=0),
        np.add.reduceat(sound, starts, axis=0),
        np.add.reduceat(suspect, starts, axis=0),
        np.add.reduceat(missing, starts, axis=0),
        np.maximum.reduceat(status, starts, axis=0),
    )
