"""The index of a closed segment: `0000000012.idx` beside `0000000012.seg`.

Holds the buckets of gateway.history.aggregate of every channel, in board time, with the clocks
that were known. Everything in it can be made anew from the segment, except of what was thinned
since; a missing or damaged one only costs that. docs/spool.md has the table.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray

from gateway.clock import ClockRecord
from gateway.history.aggregate import BUCKET_MS, Aggregate, Buckets, Series
from gateway.history.log_decoder import LogDecoder
from gateway.history.selection import ChannelName
from gateway.spool.format import INDEX_SUFFIX, segment_path
from gateway.spool.salvage import TEMPORARY_SUFFIX, write_whole
from gateway.spool.storage import Storage

__all__ = [
    "Directory",
    "Indexed",
    "Sidecar",
    "index_path",
    "indexed_channels",
    "pack_sidecar",
    "write_sidecar",
]

VERSION = 1

_MAGIC = b"AXLINDEX"
_HEAD = struct.Struct("<8sHHIqqqII")
"""Magic, version, 1 if all times are sure, segment, when the segment was made, first and last row
in UTC, bytes of the directory, CRC-32 of the directory started from that of what precedes it."""


class Indexed(msgspec.Struct, frozen=True, array_like=True):
    """One channel of one boot: what it is, when it has rows, and where they lie in the file."""

    node: str
    boot: int
    number: int
    quantity: str
    place: str
    unit: str
    period_ms: int
    scale: float
    offset: float
    first_ms: int
    last_ms: int
    anchor_ms: int
    anchor_us: int
    at: int = 0
    size: int = 0
    check: int = 0

    @property
    def name(self) -> ChannelName:
        return ChannelName(self.number, self.quantity, self.place, self.unit)


class Directory(msgspec.Struct, frozen=True, array_like=True):
    """All that is in the file, by node, and the newest clock of each boot."""

    nodes: dict[str, list[Indexed]]
    clocks: list[ClockRecord]


class Sidecar:
    """One index file. `range_us` = UTC of its first and last row, None where that is not sure."""

    def __init__(self, storage: Storage, path: Path, head: bytes) -> None:
        """`head` = the first bytes of the file; raises ValueError where it is no sound index."""
        if len(head) < _HEAD.size:
            raise ValueError(f"{path.name} is cut short")
        magic, version, is_sure, self.segment, self.created_us, first_us, last_us, size, check = (
            _HEAD.unpack_from(head)
        )
        if magic != _MAGIC or version != VERSION:
            raise ValueError(f"{path.name} is no index of version {VERSION}")
        self.range_us = (first_us, last_us) if is_sure else None
        self._storage = storage
        self._path = path
        self._directory_bytes = size
        self._check = check
        self._start = zlib.crc32(head[: _HEAD.size - 4])

    def directory(self) -> Directory:
        """Raises OSError, and ValueError where it is damaged."""
        data = self._read(_HEAD.size, self._directory_bytes)
        if zlib.crc32(data, self._start) != self._check:
            raise ValueError(f"{self._path.name} is damaged")
        return msgspec.msgpack.decode(data, type=Directory)

    def buckets(self, channel: Indexed) -> Buckets:
        """The rows of a channel; raises OSError, and ValueError where they are damaged."""
        data = self._read(_HEAD.size + self._directory_bytes + channel.at, channel.size)
        if len(data) != channel.size or zlib.crc32(data) != channel.check:
            raise ValueError(f"{self._path.name} is damaged")
        return _unpacked(data)

    def _read(self, offset: int, size: int) -> bytes:
        fd = self._storage.open_read(self._path)
        try:
            return self._storage.read(fd, size, offset)
        finally:
            self._storage.close(fd)

    @classmethod
    def open(cls, storage: Storage, path: Path) -> "Sidecar":
        """Raises OSError, and ValueError where it is no sound index."""
        fd = storage.open_read(path)
        try:
            return cls(storage, path, storage.read(fd, _HEAD.size, 0))
        finally:
            storage.close(fd)


def index_path(folder: Path, number: int) -> Path:
    return segment_path(folder, number).with_suffix(INDEX_SUFFIX)


def pack_sidecar(
    number: int, created_us: int, aggregate: Aggregate, decoder: LogDecoder
) -> bytearray:
    """The file of a segment that is read to its end."""
    channels: list[Indexed] = []
    clocks: dict[tuple[str, int], ClockRecord] = {}
    blobs = bytearray()
    for series, column, each in indexed_channels(aggregate):
        clock = decoder.clock(series.node, series.boot)
        if clock is not None:
            clocks[series.node, series.boot] = clock
        blob = _packed(aggregate.buckets(series).channel(column))
        place = {"at": len(blobs), "size": len(blob), "check": zlib.crc32(blob)}
        channels.append(msgspec.structs.replace(each, **place))
        blobs += blob
    nodes: dict[str, list[Indexed]] = {}
    for each in channels:
        nodes.setdefault(each.node, []).append(each)
    directory = msgspec.msgpack.encode(Directory(nodes, list(clocks.values())))
    times = _range_us(channels, clocks)
    head = _HEAD.pack(
        _MAGIC, VERSION, times is not None, number, created_us, *(times or (0, 0)),
        len(directory), 0,
    )[:-4]  # fmt: skip
    check = zlib.crc32(directory, zlib.crc32(head))
    return bytearray(head + struct.pack("<I", check) + directory) + blobs


def indexed_channels(
    aggregate: Aggregate, wants_node: Callable[[str], bool] = lambda node: True
) -> Iterator[tuple[Series, int, Indexed]]:
    """Every channel with its series and column there; where it lies in a file is not set yet."""
    for series, table, anchor in aggregate.series():
        if not wants_node(series.node):
            continue
        first_ms, last_ms = _bounds_ms(aggregate.buckets(series))
        for column, channel in enumerate(table.channels):
            name = ChannelName.of(table.first + column, channel)
            yield (
                series,
                column,
                Indexed(
                    node=series.node,
                    boot=series.boot,
                    number=name.number,
                    quantity=name.quantity,
                    place=name.place,
                    unit=name.unit,
                    period_ms=table.period_ms,
                    scale=float(table.scales[column]),
                    offset=float(table.offsets[column]),
                    first_ms=first_ms,
                    last_ms=last_ms,
                    anchor_ms=anchor.t_ms,
                    anchor_us=anchor.received_us,
                ),
            )


def write_sidecar(storage: Storage, folder: Path, number: int, content: bytearray) -> None:
    """Whole or not at all, after a power cut too. Raises OSError."""
    path = index_path(folder, number)
    temporary = path.with_suffix(INDEX_SUFFIX + TEMPORARY_SUFFIX)
    write_whole(storage, temporary, content)
    storage.rename(temporary, path)


def _bounds_ms(buckets: Buckets) -> tuple[int, int]:
    """Board time of the first bucket and of the end of the last one."""
    return int(buckets.numbers[0]) * BUCKET_MS, (int(buckets.numbers[-1]) + 1) * BUCKET_MS


def _range_us(
    channels: list[Indexed], clocks: dict[tuple[str, int], ClockRecord]
) -> tuple[int, int] | None:
    found = [(clocks.get((each.node, each.boot)), each) for each in channels]
    times = [
        (clock.utc_at(each.first_ms * 1000), clock.utc_at(each.last_ms * 1000))
        for clock, each in found
        if clock is not None and clock.trusted
    ]
    if len(times) < len(channels) or not times:
        return None
    return min(first for first, _ in times), max(last for _, last in times)


_COLUMNS = 8
_MEAN_STEPS = 16
"""A mean is kept to a sixteenth of a raw step."""


def _packed(buckets: Buckets) -> bytes:
    """Differences and distances, which are small, their bytes by significance, deflated."""
    there = buckets.sound > 0
    low = np.where(there, buckets.low, 0).astype(np.int64)
    high = np.where(there, buckets.high, 0).astype(np.int64)
    mean = np.where(there, buckets.total / np.maximum(buckets.sound, 1) - low, 0.0)
    columns = np.stack(
        [
            np.diff(buckets.numbers, prepend=0),
            np.diff(low, prepend=0),
            high - low,
            np.rint(mean * _MEAN_STEPS).astype(np.int64),
            buckets.sound.astype(np.int64),
            buckets.suspect.astype(np.int64),
            buckets.missing.astype(np.int64),
            buckets.status.astype(np.int64),
        ]
    )
    width = 4 if np.abs(columns).max() < 1 << 31 else 8
    significance = columns.astype(f"<i{width}").reshape(-1, 1).view(np.uint8).T
    packed = zlib.compress(np.ascontiguousarray(significance).tobytes(), 6)
    return bytes([width]) + packed


def _unpacked(data: bytes) -> Buckets:
    width = data[0]
    flat = np.frombuffer(zlib.decompress(data[1:]), np.uint8).reshape(width, -1)
    columns: NDArray[np.int64] = (
        np.ascontiguousarray(flat.T).view(f"<i{width}").reshape(_COLUMNS, -1).astype(np.int64)
    )
    low = np.cumsum(columns[1])
    sound = columns[4]
    return Buckets(
        np.cumsum(columns[0]),
        low.astype(np.int32),
        (low + columns[2]).astype(np.int32),
        (low + columns[3] / _MEAN_STEPS) * sound,
        sound.astype(np.int32),
        columns[5].astype(np.int32),
        columns[6].astype(np.int32),
        columns[7].astype(np.uint8),
    )
