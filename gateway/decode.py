"""From a stored message to values: channel tables, blocks as arrays, physical units."""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from axwire.errors import MessageError
from axwire.parse import Block, Hello, Readings
from axwire.places import place_name
from axwire.quantities import QUANTITIES, Quantity
from axwire.table import Channel
from numpy.typing import NDArray

__all__ = [
    "ChannelTable",
    "GroupTable",
    "Rows",
    "TableBuilder",
    "count_samples",
    "decode_block",
    "decode_readings",
]

MISSING = {2: -(1 << 15), 4: -(1 << 31)}
"""The lowest integer of a width marks a sample that was not taken."""

_SLOW_MS = 500
"""Two rows a second and fewer cost little: they stay as long as anything does."""

_BRAKE = "brake."

_MISSING_BYTES = {
    width: value.to_bytes(width, "little", signed=True) for width, value in MISSING.items()
}
_ABOVE_LOWEST = bytes(byte ^ 0x80 for byte in range(256))
"""By the highest byte of an integer: how far it is above the lowest one."""

_DTYPES = {2: "<i2", 4: "<i4"}


@dataclass(frozen=True)
class GroupTable:
    """One group of a channel table, ready to turn raw integers into values."""

    number: int
    first: int
    period_ms: int
    channels: tuple[Channel, ...]

    @cached_property
    def quantities(self) -> tuple[Quantity, ...]:
        return tuple(QUANTITIES[channel.quantity] for channel in self.channels)

    @cached_property
    def places(self) -> tuple[str, ...]:
        return tuple(place_name(channel.place) for channel in self.channels)

    @cached_property
    def all_ok(self) -> bytes:
        """The statuses of rows in which every channel is ok."""
        return bytes(len(self.channels))

    @cached_property
    def may_be_thinned(self) -> bool:
        """Whether its rows may go when the disk is full: they are fast, and of no brake."""
        if self.period_ms >= _SLOW_MS:
            return False
        return not any(quantity.name.startswith(_BRAKE) for quantity in self.quantities)

    @cached_property
    def scales(self) -> NDArray[np.float64]:
        """Shape (channels,): units a step."""
        return np.array(
            [
                c.scale * 10.0**q.exponent
                for c, q in zip(self.channels, self.quantities, strict=True)
            ]
        )

    @cached_property
    def offsets(self) -> NDArray[np.float64]:
        """Shape (channels,): the value of raw 0, in units."""
        return np.array(
            [
                c.offset * 10.0**q.exponent
                for c, q in zip(self.channels, self.quantities, strict=True)
            ]
        )

    @cached_property
    def lows(self) -> NDArray[np.float64]:
        """Shape (channels,): below it a value is out of range."""
        return np.array([quantity.low for quantity in self.quantities], np.float64)

    @cached_property
    def highs(self) -> NDArray[np.float64]:
        """Shape (channels,): above it a value is out of range."""
        return np.array([quantity.high for quantity in self.quantities], np.float64)


@dataclass(frozen=True)
class ChannelTable:
    """What a node measured in one boot and revision, by group number."""

    revision: int
    groups: dict[int, GroupTable]

    @property
    def channel_count(self) -> int:
        return sum(len(group.channels) for group in self.groups.values())


class TableBuilder:
    """Puts the pieces of a node's HELLOs together; they come in any order."""

    def __init__(self) -> None:
        self._pieces: dict[int, dict[int, Hello]] = {}

    def preview(self, hello: Hello) -> ChannelTable | None:
        """What `add` would return; takes nothing in. Raises MessageError."""
        pieces = self._with(hello)
        if len(pieces) < hello.pieces:
            return None
        groups: dict[int, GroupTable] = {}
        first = 0
        for piece in range(hello.pieces):
            for group in pieces[piece].groups:
                if group.number in groups or group.first != first:
                    raise MessageError(
                        f"group {group.number} begins at channel {group.first}, not {first}, "
                        "or comes twice"
                    )
                first += len(group.channels)
                groups[group.number] = GroupTable(
                    group.number, group.first, group.period_ms, tuple(group.channels)
                )
        return ChannelTable(hello.revision, groups)

    def add(self, hello: Hello) -> ChannelTable | None:
        """The whole table of a revision once its last piece is in; None before.

        Raises MessageError, and then has not taken the piece in.
        """
        table = self.preview(hello)
        self._pieces[hello.revision] = self._with(hello)
        return table

    def forget(self, revision: int) -> None:
        self._pieces.pop(revision, None)

    def _with(self, hello: Hello) -> dict[int, Hello]:
        known = self._pieces.get(hello.revision, {})
        kept = {number: piece for number, piece in known.items() if piece.pieces == hello.pieces}
        return {**kept, hello.piece: hello}


class Rows:
    """A block with its table: row k was taken at `t_ms + k * group.period_ms` on the board's
    clock. `statuses` has one code of axwire.codes a channel, for all rows.

    Numbers are read from the block when they are first asked for: most who handle a block only
    count its samples.
    """

    __slots__ = (
        "_block",
        "_missing",
        "_raw",
        "_samples",
        "_values",
        "count",
        "group",
        "statuses",
        "t_ms",
    )

    def __init__(self, group: GroupTable, block: Block) -> None:
        """Raises MessageError when they do not fit."""
        self.group = group
        self.t_ms = block.t_ms
        self.count = block.rows(len(group.channels))
        self.statuses = block.statuses or group.all_ok
        self._block = block
        self._raw: NDArray[np.int32] | None = None
        self._missing: NDArray[np.bool_] | None = None
        self._values: NDArray[np.float64] | None = None
        self._samples: int | None = None

    @property
    def raw(self) -> NDArray[np.int32]:
        """Shape (rows, channels): as the node read them."""
        if self._raw is None:
            self._raw = _raw_rows(self._block, len(self.group.channels))
        return self._raw

    @property
    def missing(self) -> NDArray[np.bool_]:
        """Shape (rows, channels): no sample was taken."""
        if self._missing is None:
            self._missing = self.raw == MISSING[self._block.width]
        return self._missing

    @property
    def values(self) -> NDArray[np.float64]:
        """Shape (rows, channels): in each quantity's unit, NaN where no sample was taken."""
        if self._values is None:
            self._values = self.raw * self.group.scales + self.group.offsets
            if self.has_gaps:
                self._values[self.missing] = np.nan
        return self._values

    @property
    def samples(self) -> int:
        """Samples taken: the cells that are not missing."""
        if self._samples is None:
            self._samples = self.count * len(self.group.channels)
            if _may_lack_samples(self._block):
                self._samples -= int(np.count_nonzero(self.missing))
        return self._samples

    @property
    def has_gaps(self) -> bool:
        """Whether a sample is missing."""
        return self.samples < self.count * len(self.group.channels)

    @property
    def is_sound(self) -> bool:
        """Every sample was taken, and every channel is ok."""
        return self.statuses == self.group.all_ok and not self.has_gaps

    @property
    def last_t_ms(self) -> int:
        return self.t_ms + (self.count - 1) * self.group.period_ms

    def part(self, first: int, end: int) -> "Rows":
        """The rows from `first` to before `end`."""
        part = copy(self)
        part.t_ms = self.t_ms + first * self.group.period_ms
        part.count = end - first
        part._raw = self.raw[first:end]
        part._missing = self.missing[first:end]
        part._values = None
        part._samples = part._missing.size - int(np.count_nonzero(part._missing))
        return part


def decode_block(block: Block, table: ChannelTable) -> Rows:
    """One block with the table of its revision. Raises MessageError when they do not fit."""
    group = table.groups.get(block.group)
    if group is None:
        raise MessageError(f"group {block.group} is not in the channel table")
    return Rows(group, block)


def count_samples(readings: Readings) -> int:
    """Samples taken in the message, without its table: all cells but the missing ones."""
    count = 0
    for block in readings.blocks:
        cells = len(block.samples) // block.width
        count += cells + len(block.differences or b"")
        if _may_lack_samples(block):
            channels = cells if block.differences is not None else len(block.statuses or b"-")
            block.rows(channels)
            raw = _raw_rows(block, channels)
            count -= int(np.count_nonzero(raw == MISSING[block.width]))
    return count


def decode_readings(readings: Readings, table: ChannelTable) -> Iterator[Rows]:
    """Every block of the message. Raises MessageError."""
    for block in readings.blocks:
        yield decode_block(block, table)


def _may_lack_samples(block: Block) -> bool:
    """False where none can be missing: no sample is the lowest integer, nor comes near it."""
    if block.differences is None:
        return _MISSING_BYTES[block.width] in block.samples
    top = block.width - 1
    above_lowest = min(block.samples[top :: block.width].translate(_ABOVE_LOWEST)) << 8 * top
    steps = len(block.differences) * block.width // len(block.samples)
    return above_lowest <= 128 * steps


def _raw_rows(block: Block, channels: int) -> NDArray[np.int32]:
    """Shape (rows, channels)."""
    samples = np.frombuffer(block.samples, _DTYPES[block.width])
    if block.differences is None:
        return samples.astype(np.int32).reshape(-1, channels)
    raw = np.empty((1 + len(block.differences) // channels, channels), np.int32)
    raw[0] = samples
    raw[1:] = np.frombuffer(block.differences, np.int8).reshape(-1, channels)
    raw.cumsum(axis=0, dtype=np.int32, out=raw)
    return raw
