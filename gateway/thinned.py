"""What a node made of its oldest readings when its flash was full, and its exact account."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from axwire.errors import MessageError
from axwire.parse import Thinned, ThinnedBlock

from gateway.decode import ChannelTable, Rows, decode_block

__all__ = ["Summary", "count_thinned", "decode_thinned"]


@dataclass(frozen=True)
class Summary:
    """Minimum, mean and maximum of one group from `rows.t_ms` on, for `span_ms`.

    `rows` has these three as its rows: of their times only `t_ms` holds. `taken` = samples of
    each channel that they stand for.
    """

    rows: Rows
    span_ms: int
    taken: tuple[int, ...]

    @property
    def last_t_ms(self) -> int:
        """Board time of the last row that it stands for."""
        return self.rows.t_ms + self.span_ms


def decode_thinned(thinned: Thinned, table: ChannelTable) -> Iterator[Summary]:
    """Every block of the message. Raises MessageError: it fits neither the table nor itself."""
    for block in thinned.blocks:
        rows = decode_block(block, table)
        low, mean, high = rows.raw
        taken = np.array(_taken(block, len(rows.group.channels)))
        if np.any(rows.missing != (taken == 0)):
            raise MessageError("minimum, mean or maximum of samples that were not taken")
        if np.any(low > mean) or np.any(mean > high):
            raise MessageError("a mean that is not between minimum and maximum")
        yield Summary(rows, block.span_ms, tuple(taken.tolist()))


def count_thinned(thinned: Thinned) -> int:
    """Samples that the message stands for, without its table."""
    return sum(sum(_taken(block, _channels(block))) for block in thinned.blocks)


def _channels(block: ThinnedBlock) -> int:
    cells = len(block.samples) // block.width
    return cells // 3 if block.differences is None else cells


def _taken(block: ThinnedBlock, channels: int) -> list[int]:
    return block.taken if isinstance(block.taken, list) else [block.taken] * channels
