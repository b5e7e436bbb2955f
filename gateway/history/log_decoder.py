"""Records of the log to blocks of rows, with the tables and clocks known at that place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import msgspec
from axwire.errors import WireError
from axwire.parse import Hello, Readings, Thinned

from gateway.clock import ClockRecord, placed
from gateway.decode import Rows, decode_readings
from gateway.ledger import Ledger
from gateway.quick import parse, split
from gateway.spool.format import Kind, Priority, Record
from gateway.spool.segments import CHUNK_BYTES, SegmentReader, list_segments, segment_end
from gateway.spool.storage import Storage
from gateway.thinned import decode_thinned

__all__ = ["Block", "LogDecoder", "decoder_for", "read_segment"]

_SMALL_BYTES = 32 * 1024

_UNREADABLE = (WireError, msgspec.MsgspecError, UnicodeDecodeError)


@dataclass(frozen=True)
class Block:
    """Rows of one group as one message told them.

    A node's own thinning comes as three rows, minimum, mean and maximum: `taken` then says of how
    many samples of each channel, in the `span_ms` from `rows.t_ms` on.
    """

    node: str
    boot: int
    revision: int
    rows: Rows
    received_us: int
    taken: tuple[int, ...] | None = None
    span_ms: int = 0

    @property
    def last_t_ms(self) -> int:
        """Board time of the last row, or of the last that is stood for."""
        rows = self.rows
        return rows.last_t_ms if self.taken is None else rows.t_ms + self.span_ms


class LogDecoder:
    """Reads on, record by record; rows whose table is not known yet are counted, not guessed."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.without_table = 0
        self.unreadable = 0

    def learn(self, record: Record) -> None:
        """Take in what a STATE, a CLOCK, a TIME or a HELLO says."""
        try:
            self.ledger.replay(record.kind, record.body)
        except _UNREADABLE:
            self.unreadable += 1

    def decode(
        self, record: Record, wanted: Callable[[str], bool] = lambda node: True
    ) -> list[Block]:
        """The blocks of a record, of wanted nodes alone; none where it holds no rows."""
        if record.kind in (Kind.STATE, Kind.CLOCK, Kind.TIME):
            self.learn(record)
        if record.kind != Kind.MESSAGE:
            return []
        try:
            envelope = split(record.body)
            if not wanted(envelope.name):
                return []
            up = parse(envelope.payload)
            if isinstance(up, Hello):
                self.learn(record)
            if not isinstance(up, (Readings, Thinned)):
                return []
            table = self.ledger.boot(envelope.name, up.boot).tables.get(up.revision)
            if table is None:
                self.without_table += 1
                return []
            key = (envelope.name, up.boot, up.revision)
            if isinstance(up, Readings):
                rows = decode_readings(up, table)
                return [Block(*key, block, record.received_us) for block in rows]
            return [
                Block(*key, each.rows, record.received_us, each.taken, each.span_ms)
                for each in decode_thinned(up, table)
            ]
        except _UNREADABLE:
            self.unreadable += 1
            return []

    def clock(self, node: str, boot: int) -> ClockRecord | None:
        """The newest clock of that boot so far, by what is known so far of the gateway's own."""
        known = self.ledger.find(node, boot)
        clock = known.clock if known else None
        if clock is None:
            return None
        return placed(clock, self.ledger.times.of(clock.base), clock.board_us)


def decoder_for(storage: Storage, folder: Path, number: int) -> LogDecoder:
    """A decoder for a segment from its beginning on.

    It knows what the first STATE in it knew, for that holds for the rows before it too; without
    one, what was known at the end of the segment before. Raises OSError or SpoolError.
    """
    decoder = LogDecoder()
    if _learn_state(decoder, storage, folder, number):
        return decoder
    numbers = [n for n in list_segments(storage, folder) if n < number]
    for first in reversed(numbers):
        if _learn_state(decoder, storage, folder, first):
            for earlier in (n for n in numbers if n >= first):
                for record in read_segment(storage, folder, earlier):
                    if record.priority >= Priority.SERVICE:
                        decoder.decode(record)
            break
    return decoder


def read_segment(
    storage: Storage, folder: Path, number: int, chunk_bytes: int = CHUNK_BYTES
) -> Iterator[Record]:
    """The records of one segment up to where it ends now. Raises OSError or NewerFormatError."""
    end = segment_end(storage, folder, number)
    with SegmentReader(storage, folder, number) as reader:
        stop = end or reader.end()
        while records := reader.read(stop, chunk_bytes, torn_tail=end is None):
            yield from records


def _learn_state(decoder: LogDecoder, storage: Storage, folder: Path, number: int) -> bool:
    """Take in the first STATE of a segment; False where it has none."""
    for record in read_segment(storage, folder, number, _SMALL_BYTES):
        if record.kind == Kind.STATE:
            decoder.learn(record)
            return True
    return False
