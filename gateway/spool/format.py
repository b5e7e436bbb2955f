"""The bytes of a segment: its header, its records, and how both are checked.

docs/spool.md has the tables and the reasons.
"""

import re
import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path
from typing import NamedTuple

import msgspec

from gateway.spool.errors import NewerFormatError, PositionError

FORMAT_VERSION = 1
COMPACT_VERSION = 2
HEADER_BYTES = 32
COMPACT_HEADER_BYTES = 48
INDEX_SUFFIX = ".idx"
RECORD_BYTES = 20
MAX_BODY_BYTES = 64 * 1024
MAX_STATE_BYTES = 4 * 1024 * 1024

FIRST_SEGMENT = 1
SEGMENT_SUFFIX = ".seg"
GOING_SUFFIX = ".gone"
"""Of a segment that is removed to make room, until the disk has the record of that."""

_MAGIC = b"AXLSPOOL"
_MARK = 0xA5F1
_MARK_BYTES = _MARK.to_bytes(2, "little")
_MARK_OFFSET = 4
_SEGMENT_STEP = 0x9E3779B1
COMPACT_SALT = 0x5BD1E995
"""Added to the start of each CRC in a compact segment, so that no record of what the file was
before is taken for one of what it is."""

_U32 = 0xFFFFFFFF

_HEADER = struct.Struct("<8sHHIqII")
_COMPACT = struct.Struct("<IB7xI")
_RECORD = struct.Struct("<IHBBIq")
_CRC = struct.Struct("<I")
_NAME = re.compile(r"(\d{10})\.seg")


class Kind(IntEnum):
    """What a record holds."""

    MESSAGE = 1
    CLOCK = 2
    STATE = 3
    GAP = 4
    RUN = 5
    QUARANTINE = 6
    TIME = 7
    ALARM = 8


class Priority(IntEnum):
    """What goes first when space runs out (0), and what is committed at once (3)."""

    WAVEFORM = 0
    READINGS = 1
    SERVICE = 2
    URGENT = 3


class Position(NamedTuple):
    """A place between two records; positions order as the log does and are never used again."""

    segment: int
    offset: int

    def __str__(self) -> str:
        return f"{self.segment}:{self.offset}"

    @classmethod
    def parse(cls, text: str) -> "Position":
        """The position written as SEGMENT or SEGMENT:OFFSET; raises PositionError."""
        segment, _, offset = text.partition(":")
        if not segment.isdecimal() or not (offset or "0").isdecimal():
            raise PositionError(
                f"{text!r} is no place in the spool: write SEGMENT:OFFSET, for example 12:4096, "
                "as `axlebox spool cat` prints it"
            )
        return cls(int(segment), int(offset or "0"))


class Entry(NamedTuple):
    """A record before it has a place."""

    kind: int
    priority: int
    received_us: int
    body: bytes


class Record(msgspec.Struct, frozen=True, gc=False):
    """A record read back.

    A damaged stretch comes as a GAP that is not `stored`, with the stretch's size and no body.
    """

    segment: int
    offset: int
    size: int
    kind: int
    priority: int
    received_us: int
    body: bytes
    stored: bool = True

    @property
    def start(self) -> Position:
        return Position(self.segment, self.offset)

    @property
    def end(self) -> Position:
        return Position(self.segment, self.offset + self.size)


@dataclass(frozen=True)
class Compacted:
    """What a compact segment says of itself (gateway.spool.compact).

    Offsets in it count as they did in the segment it was made from, which ended at `end`.
    Records of a priority below `level` are gone.
    """

    end: int
    level: int


@dataclass(frozen=True)
class SegmentHeader:
    """What a segment says of itself; `previous_end` is 0 where nothing came before.

    `compacted` is None where the segment is as it was written, and where only that part of the
    header of a compact one cannot be read.
    """

    number: int
    created_us: int
    previous_end: int
    version: int = FORMAT_VERSION
    compacted: Compacted | None = None


def body_limit(kind: int) -> int:
    """The largest body in bytes; a snapshot of the state may be larger than the rest."""
    return MAX_STATE_BYTES if kind == Kind.STATE else MAX_BODY_BYTES


def segment_name(number: int) -> str:
    return f"{number:010d}{SEGMENT_SUFFIX}"


def segment_path(folder: Path, number: int) -> Path:
    return folder / segment_name(number)


def segment_number(name: str) -> int | None:
    """The number in a segment's file name; None for any other file."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def pack_header(header: SegmentHeader) -> bytes:
    bare = _HEADER.pack(
        _MAGIC,
        header.version,
        COMPACT_HEADER_BYTES if header.compacted else HEADER_BYTES,
        header.number,
        header.created_us,
        header.previous_end,
        0,
    )[:-4]
    packed = bare + _CRC.pack(zlib.crc32(bare))
    if header.compacted is None:
        return packed
    more = _COMPACT.pack(header.compacted.end, header.compacted.level, 0)[:-4]
    return packed + more + _CRC.pack(zlib.crc32(more, header.number))


def unpack_header(data: bytes, number: int) -> SegmentHeader | None:
    """The header of segment `number`; None where it is damaged or another segment's.

    Raises NewerFormatError for a sound header of a format that came later.
    """
    if len(data) < HEADER_BYTES:
        return None
    magic, version, _size, stored, created_us, previous_end, crc = _HEADER.unpack_from(data)
    if magic != _MAGIC or crc != zlib.crc32(data[: HEADER_BYTES - 4]) or stored != number:
        return None
    if version > COMPACT_VERSION:
        raise NewerFormatError(
            f"{segment_name(number)} has format {version}, this axlebox reads up to "
            f"{COMPACT_VERSION}: install the version that wrote it, or a later one"
        )
    compacted = _unpack_compacted(data, number) if version == COMPACT_VERSION else None
    return SegmentHeader(number, created_us, previous_end, version, compacted)


def _unpack_compacted(data: bytes, number: int) -> Compacted | None:
    if len(data) < COMPACT_HEADER_BYTES:
        return None
    end, level, crc = _COMPACT.unpack_from(data, HEADER_BYTES)
    if crc != zlib.crc32(data[HEADER_BYTES : COMPACT_HEADER_BYTES - 4], number):
        return None
    return Compacted(end, level)


def pack_records(entries: Sequence[Entry], number: int, offset: int, salt: int = 0) -> bytearray:
    """The bytes of `entries` for segment `number` from `offset` on, nothing between them."""
    buffer = bytearray(sum(len(entry[3]) for entry in entries) + RECORD_BYTES * len(entries))
    view = memoryview(buffer)
    seed = number * _SEGMENT_STEP + salt + offset
    at = 0
    for kind, priority, received_us, body in entries:
        end = at + RECORD_BYTES + len(body)
        _RECORD.pack_into(buffer, at, 0, _MARK, kind, priority, len(body), received_us)
        view[at + RECORD_BYTES : end] = body
        _CRC.pack_into(buffer, at, zlib.crc32(view[at + 4 : end], (seed + at) & _U32))
        at = end
    return buffer


def parse_records(
    data: bytes, number: int, base: int, out: list[Record], salt: int = 0
) -> tuple[int, int]:
    """Append the sound records at the start of `data`, which lies at offset `base`, to `out`.

    Returns where they end, and how many bytes from there the next record needs: 0 when `data`
    was used up, -1 when what follows is no record.
    """
    at, limit = 0, len(data)
    seed = number * _SEGMENT_STEP + salt + base
    view = memoryview(data)
    unpack, crc32, append = _RECORD.unpack_from, zlib.crc32, out.append
    while at < limit:
        body = at + RECORD_BYTES
        if body > limit:
            return base + at, RECORD_BYTES
        crc, mark, kind, priority, length, received_us = unpack(data, at)
        if mark != _MARK or (length > MAX_BODY_BYTES and length > body_limit(kind)):
            return base + at, -1
        end = body + length
        if end > limit:
            return base + at, end - at
        if crc32(view[at + 4 : end], (seed + at) & _U32) != crc:
            return base + at, -1
        append(Record(number, base + at, end - at, kind, priority, received_us, data[body:end]))
        at = end
    return base + at, 0


def find_record(data: bytes, number: int, base: int, salt: int = 0) -> int | None:
    """The offset of the first sound record behind the first byte of `data`, or None."""
    seed = number * _SEGMENT_STEP + salt + base
    view = memoryview(data)
    mark = data.find(_MARK_BYTES, 1 + _MARK_OFFSET)
    while mark >= 0:
        at = mark - _MARK_OFFSET
        if at + RECORD_BYTES > len(data):
            return None
        crc, _, kind, _, length, _ = _RECORD.unpack_from(data, at)
        end = at + RECORD_BYTES + length
        if (
            length <= body_limit(kind)
            and end <= len(data)
            and zlib.crc32(view[at + 4 : end], (seed + at) & _U32) == crc
        ):
            return base + at
        mark = data.find(_MARK_BYTES, mark + 1)
    return None
