"""From a stored message to values: channel tables, blocks as arrays, physical units."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from axwire.errors import MessageError
from axwire.parse import Block, Hello, Readings
from axwire.places import place_name
from axwire.quantities import QUANTITIES, Quantity
from axwire.table import Channel, Group
from numpy.typing import NDArray

__all__ = ["ChannelTable", "GroupTable", "Rows", "TableBuilder", "decode_block", "decode_readings"]

MISSING = {2: -(1 << 15), 4: -(1 << 31)}
"""The lowest integer of a width marks a sample that was not taken."""

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


@dataclass(frozen=True)
class ChannelTable:
    """What a node measured in one boot and revision, by group number."""

    revision: int
    groups: dict[int, GroupTable]

    @property
    def channel_count(self) -> int:
        return sum(len(group.channels) for group in self.groups.values())


class TableBuilder:
    """Puts the pieces of a node's HELLO together."""

    def __init__(self) -> None:
        self._pieces: dict[int, list[Group]] = {}
        self._expected: tuple[int, int] | None = None

    def add(self, hello: Hello) -> ChannelTable | None:
        """The whole table once its last piece is in; None before. Raises MessageError."""
        if self._expected != (hello.revision, hello.pieces):
            self._expected = (hello.revision, hello.pieces)
            self._pieces = {}
        self._pieces[hello.piece] = hello.groups
        if len(self._pieces) < hello.pieces:
            return None
        groups: dict[int, GroupTable] = {}
        first = 0
        for piece in range(hello.pieces):
            for group in self._pieces[piece]:
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


@dataclass(frozen=True)
class Rows:
    """A decoded block: row k was taken at `t_ms + k * group.period_ms` on the board's clock."""

    group: GroupTable
    t_ms: int
    raw: NDArray[np.int32]
    """Shape (rows, channels): as the node read them."""
    missing: NDArray[np.bool_]
    """Shape (rows, channels): no sample was taken."""
    statuses: bytes
    """One code of axwire.codes a channel, for all rows."""

    @cached_property
    def values(self) -> NDArray[np.float64]:
        """Shape (rows, channels): in each quantity's unit, NaN where no sample was taken."""
        values = self.raw * self.group.scales + self.group.offsets
        values[self.missing] = np.nan
        return values

    @property
    def samples(self) -> int:
        """Samples taken: the cells that are not missing."""
        return int(self.missing.size - np.count_nonzero(self.missing))

    @property
    def last_t_ms(self) -> int:
        return self.t_ms + (len(self.raw) - 1) * self.group.period_ms


def decode_block(block: Block, table: ChannelTable) -> Rows:
    """One block with the table of its revision. Raises MessageError when they do not fit."""
    group = table.groups.get(block.group)
    if group is None:
        raise MessageError(f"group {block.group} is not in the channel table")
    channels = len(group.channels)
    rows = block.rows(channels)
    samples = np.frombuffer(block.samples, _DTYPES[block.width]).astype(np.int32)
    if block.differences is None:
        raw = samples.reshape(rows, channels)
    else:
        raw = np.empty((rows, channels), np.int32)
        raw[0] = samples
        raw[1:] = np.frombuffer(block.differences, np.int8).reshape(rows - 1, channels)
        np.cumsum(raw, axis=0, out=raw)
    missing = raw == MISSING[block.width]
    return Rows(group, block.t_ms, raw, missing, block.statuses or bytes(channels))


def decode_readings(readings: Readings, table: ChannelTable) -> Iterator[Rows]:
    """Every block of the message. Raises MessageError."""
    for block in readings.blocks:
        yield decode_block(block, table)
