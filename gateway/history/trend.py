"""One channel from here to there in so many points, from the indexes of the segments."""

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gateway.clock import ClockRecord
from gateway.history.aggregate import BUCKET_MS, Buckets
from gateway.history.indexer import Indexer, SegmentIndex
from gateway.history.log_decoder import decoder_for, read_segment
from gateway.history.selection import ChannelName, Selection, SelectionError
from gateway.history.sidecar import (
    Directory,
    Indexed,
    Sidecar,
    index_path,
    indexed_channels,
)
from gateway.spool.errors import SpoolError
from gateway.spool.segments import SegmentReader, list_segments
from gateway.spool.storage import FileStorage, Storage

__all__ = ["Trend", "Trends"]

_DIRECTORIES_KEPT = 64
_MAX_POINTS = 100_000
_CLOCK_MARGIN_US = 3_600_000_000
"""How far the wall time of a gateway may have been off when it made a segment (unverified)."""


@dataclass(frozen=True)
class Trend:
    """Every array of shape (points,): point k covers `step_us` from `start_us + k * step_us` on.

    `low`, `mean` and `high` are of the sound samples, in the channel's unit, NaN where there are
    none. `sound`, `suspect` (with a status other than ok, or out of range) and `missing` count
    samples; a point with three zeros is one of which nothing is known. `status` is the highest
    code of axwire.codes among its samples. `estimated`: the time of some sample is not sure.
    `segments_without_index` could not be looked at.
    """

    node: str
    channel: ChannelName
    start_us: int
    step_us: int
    low: NDArray[np.float64]
    mean: NDArray[np.float64]
    high: NDArray[np.float64]
    sound: NDArray[np.int64]
    suspect: NDArray[np.int64]
    missing: NDArray[np.int64]
    status: NDArray[np.uint8]
    estimated: NDArray[np.bool_]
    segments_without_index: int


@dataclass(frozen=True)
class _Part:
    """The rows of one channel in one segment, with the clock of its boot that was known there."""

    channel: Indexed
    buckets: Buckets
    clock: ClockRecord | None


class Trends:
    """Answers from the index files in `folder`, and from `indexer` for the segment being written.

    Without an indexer (another process), segments that have no index are read through, which
    takes seconds each. Not for two threads at once.
    """

    def __init__(
        self, folder: Path, storage: Storage | None = None, indexer: Indexer | None = None
    ) -> None:
        self._folder = folder
        self._storage: Storage = storage or FileStorage()
        self._indexer = indexer
        self._sidecars: dict[int, Sidecar] = {}
        self._directories: OrderedDict[int, Directory] = OrderedDict()
        self._created_us: dict[int, int] = {}

    def query(self, node: str, channel: str, from_us: int, to_us: int, points: int) -> Trend:
        """The channel between two UTC times in at most `points` steps of at least 2 s.

        `channel` is a number or `quantity at place`; where a number changed its meaning, the
        newest holds. Raises SelectionError where the node has no such channel in that time, or
        two of them, and SpoolError where the folder cannot be read.
        """
        if to_us <= from_us or not 0 < points <= _MAX_POINTS:
            raise SelectionError("a trend needs a begin before its end, and 1 to 100000 points")
        wanted = Selection(node, channel, from_us, to_us)
        parts, without_index = self._parts(wanted)
        if not parts:
            waiting = f"; segments without an index: {without_index}" if without_index else ""
            raise SelectionError(
                f"nothing of channel {channel!r} of node {node!r} is stored in that time{waiting}"
            )
        name = parts[-1].channel.name
        parts = [part for part in parts if _measures(part.channel) == _measures(parts[-1].channel)]
        _refuse_doubles(parts, channel)
        longest_ms = max(BUCKET_MS, *(part.channel.period_ms for part in parts))
        step_us = max(-(-(to_us - from_us) // points), longest_ms * 1000)
        sums = _Sums(from_us, step_us, -(-(to_us - from_us) // step_us))
        clocks = _Clocks(parts)
        for part in parts:
            sums.add(part, clocks.of(part))
        return sums.trend(node, name, without_index)

    def channels(self, node: str | None = None) -> list[tuple[str, ChannelName]]:
        """Node and name of every channel in the index files."""
        found: set[tuple[str, ChannelName]] = set()
        for number in list_segments(self._storage, self._folder):
            sidecar = self._sidecar(number)
            if sidecar is not None:
                for name, channels in self._directory(number, sidecar).nodes.items():
                    if node in (None, name):
                        found.update((name, each.name) for each in channels)
        return sorted(found, key=lambda pair: (pair[0], pair[1].number))

    def _parts(self, wanted: Selection) -> tuple[list[_Part], int]:
        parts: list[_Part] = []
        without_index = 0
        numbers = list_segments(self._storage, self._folder)
        for gone in self._sidecars.keys() - set(numbers):
            del self._sidecars[gone]
        for number, following in zip(numbers, [*numbers[1:], None], strict=True):
            sidecar = self._sidecar(number)
            if sidecar is not None:
                try:
                    parts += self._stored_parts(number, sidecar, wanted)
                    continue
                except (OSError, ValueError):
                    self._distrust(number)
            if following is not None and self._is_over(following, wanted):
                continue
            if self._indexer is None:
                parts += self._read_parts(number, wanted)
            elif number == self._indexer.live.number:
                with self._indexer.lock:
                    parts += _live_parts(self._indexer.live, wanted)
            else:
                without_index += 1
        return parts, without_index

    def _stored_parts(self, number: int, sidecar: Sidecar, wanted: Selection) -> list[_Part]:
        if sidecar.range_us is not None and not _overlaps(sidecar.range_us, wanted):
            return []
        directory = self._directory(number, sidecar)
        clocks = {(clock.node, clock.boot): clock for clock in directory.clocks}
        return [
            _Part(each, sidecar.buckets(each), clocks.get((each.node, each.boot)))
            for each in directory.nodes.get(wanted.node or "", [])
            if wanted.wants_channel(each.name)
        ]

    def _read_parts(self, number: int, wanted: Selection) -> list[_Part]:
        try:
            decoder = decoder_for(self._storage, self._folder, number)
            index = SegmentIndex(number, decoder)
            for record in read_segment(self._storage, self._folder, number):
                for block in decoder.decode(record, wanted.wants_node):
                    index.aggregate.add(block)
        except (OSError, SpoolError):
            return []
        return _live_parts(index, wanted)

    def _sidecar(self, number: int) -> Sidecar | None:
        known = self._sidecars.get(number)
        if known is None:
            try:
                found = Sidecar.open(self._storage, index_path(self._folder, number))
            except OSError:
                return None
            except ValueError:
                self._distrust(number)
                return None
            if found.segment != number or found.created_us != self._created(number):
                self._distrust(number)
                return None
            known = self._sidecars[number] = found
        return known

    def _distrust(self, number: int) -> None:
        self._sidecars.pop(number, None)
        self._directories.pop(number, None)
        if self._indexer is not None:
            self._indexer.make_anew(number)

    def _directory(self, number: int, sidecar: Sidecar) -> Directory:
        known = self._directories.pop(number, None) or sidecar.directory()
        self._directories[number] = known
        if len(self._directories) > _DIRECTORIES_KEPT:
            self._directories.popitem(last=False)
        return known

    def _is_over(self, following: int, wanted: Selection) -> bool:
        """Whether all rows of the segment before `following` are too old."""
        return (
            wanted.from_us is not None
            and 0 < self._created(following) < wanted.from_us - _CLOCK_MARGIN_US
        )

    def _created(self, number: int) -> int:
        if number not in self._created_us:
            self._created_us[number] = created_us(self._storage, self._folder, number)
        return self._created_us[number]


class _Clocks:
    """What places rows in time: the best clock of their boot in any of the segments."""

    def __init__(self, parts: Iterable[_Part]) -> None:
        self._best: dict[int, ClockRecord] = {}
        for part in parts:
            known = self._best.get(part.channel.boot)
            if part.clock and (known is None or part.clock.trusted or not known.trusted):
                self._best[part.channel.boot] = part.clock

    def of(self, part: _Part) -> ClockRecord:
        if part.clock is not None and part.clock.trusted:
            return part.clock
        known = self._best.get(part.channel.boot)
        if known is not None:
            return known
        each = part.channel
        at_us, when_us = each.anchor_ms * 1000, each.anchor_us
        return ClockRecord(each.node, each.boot, at_us, when_us, 0, 0, trusted=False)


class _Sums:
    def __init__(self, start_us: int, step_us: int, points: int) -> None:
        self._start_us = start_us
        self._step_us = step_us
        self._low = np.full(points, np.inf)
        self._high = np.full(points, -np.inf)
        self._total = np.zeros(points)
        self._sound = np.zeros(points, np.int64)
        self._suspect = np.zeros(points, np.int64)
        self._missing = np.zeros(points, np.int64)
        self._status = np.zeros(points, np.uint8)
        self._estimated = np.zeros(points, np.bool_)

    def add(self, part: _Part, clock: ClockRecord) -> None:
        """Buckets rise, and so do the points that they belong to."""
        channel = part.channel
        elapsed_us = part.buckets.numbers * (BUCKET_MS * 1000) - clock.board_us
        utc_us = clock.utc_us + elapsed_us + elapsed_us * clock.drift_ppb // 1_000_000_000
        points = (utc_us - self._start_us) // self._step_us
        first, last = np.searchsorted(points, [0, len(self._low)])
        if first == last:
            return
        points = points[first:last]
        starts = np.flatnonzero(np.concatenate(([True], points[1:] != points[:-1])))
        at = points[starts]
        rows = part.buckets.between(int(first), int(last))
        sound = np.add.reduceat(rows.sound, starts)
        self._sound[at] += sound
        self._suspect[at] += np.add.reduceat(rows.suspect, starts)
        self._missing[at] += np.add.reduceat(rows.missing, starts)
        self._status[at] = np.maximum(self._status[at], np.maximum.reduceat(rows.status, starts))
        self._estimated[at] |= not clock.trusted
        total = np.add.reduceat(rows.total, starts)
        self._total[at] += total * channel.scale + channel.offset * sound
        there = rows.sound > 0
        ends = (
            rows.low * channel.scale + channel.offset,
            rows.high * channel.scale + channel.offset,
        )
        low = np.where(there, np.minimum(*ends), np.inf)
        high = np.where(there, np.maximum(*ends), -np.inf)
        self._low[at] = np.minimum(self._low[at], np.minimum.reduceat(low, starts))
        self._high[at] = np.maximum(self._high[at], np.maximum.reduceat(high, starts))

    def trend(self, node: str, channel: ChannelName, without_index: int) -> Trend:
        there = self._sound > 0
        return Trend(
            node=node,
            channel=channel,
            start_us=self._start_us,
            step_us=self._step_us,
            low=np.where(there, self._low, np.nan),
            mean=np.where(there, self._total / np.maximum(self._sound, 1), np.nan),
            high=np.where(there, self._high, np.nan),
            sound=self._sound,
            suspect=self._suspect,
            missing=self._missing,
            status=self._status,
            estimated=self._estimated,
            segments_without_index=without_index,
        )


def created_us(storage: Storage, folder: Path, number: int) -> int:
    """When a segment was made; 0 where that cannot be read."""
    try:
        with SegmentReader(storage, folder, number) as reader:
            return reader.header.created_us if reader.header else 0
    except (OSError, SpoolError):
        return 0


def _live_parts(index: SegmentIndex, wanted: Selection) -> list[_Part]:
    """The same from memory; the caller holds what keeps it still."""
    return [
        _Part(
            each,
            index.aggregate.buckets(series).channel(column),
            index.decoder.clock(each.node, each.boot),
        )
        for series, column, each in indexed_channels(index.aggregate, wanted.wants_node)
        if wanted.wants_channel(each.name)
    ]


def _overlaps(range_us: tuple[int, int], wanted: Selection) -> bool:
    first_us, last_us = range_us
    return (wanted.to_us is None or first_us < wanted.to_us) and (
        wanted.from_us is None or last_us > wanted.from_us
    )


def _measures(channel: Indexed) -> tuple[str, str]:
    return channel.quantity, channel.place


def _refuse_doubles(parts: Iterable[_Part], asked: str) -> None:
    numbers: dict[tuple[int, str], set[int]] = {}
    for part in parts:
        numbers.setdefault((part.channel.boot, part.channel.node), set()).add(part.channel.number)
    for (_, node), found in numbers.items():
        if len(found) > 1:
            raise SelectionError(
                f"{asked!r} of node {node!r} is measured twice: ask for channel "
                f"{' or '.join(str(number) for number in sorted(found))}"
            )
