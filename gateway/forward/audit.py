"""What went out, by node and hour, in a form that a repeat or a replay cannot count twice.

The log is cut into sections by rules that rest on the log alone. Behind each section stands what
it put on the server; the point's place within its hour comes from the section's place in the log.
So the same section writes the same points for ever, and their sum is what the server must hold.
"""

from collections import Counter
from dataclasses import dataclass

from gateway.forward.lines import Lines, LineWriter
from gateway.forward.log import CHUNK_BYTES, Log
from gateway.spool.format import HEADER_BYTES, Position, Record

__all__ = ["HOUR_US", "Audit", "section_at"]

HOUR_US = 3_600_000_000

_SECTION_BYTES = 256 * 1024
_SECTION_US = 300_000_000
_GRANULE_BYTES = 4096
"""Two sections never begin in one granule of a segment, so each has a number of its own."""

_GRANULES = 65_536
_SLOT_US = 1_000
"""Points of sections stand this far apart: the coarsest step in which a server keeps time."""

_SLOTS = HOUR_US // _SLOT_US


@dataclass(frozen=True)
class _Section:
    segment: int
    offset: int
    received_us: int

    def ends_before(self, record: Record) -> bool:
        """Whether `record`, which lies behind, begins the next section."""
        if record.segment != self.segment:
            return True
        if record.offset // _GRANULE_BYTES == self.offset // _GRANULE_BYTES:
            return False
        return (
            record.offset - self.offset >= _SECTION_BYTES
            or record.received_us // _SECTION_US != self.received_us // _SECTION_US
        )

    @property
    def slot_us(self) -> int:
        """Where in an hour its points stand."""
        number = self.segment * _GRANULES + self.offset // _GRANULE_BYTES
        return number % _SLOTS * _SLOT_US


def section_at(log: Log, place: Position) -> Position:
    """Where the section begins in which the record before `place` lies.

    `place` itself where nothing of its segment is before it. Raises OSError or SpoolError.
    """
    start = Position(place.segment, HEADER_BYTES)
    if place <= start or place.segment not in log.segments():
        return place
    section = None
    reader = log.reader(start)
    try:
        while reader.position < place and (records := reader.read(CHUNK_BYTES)):
            for record in records:
                if record.start >= place:
                    break
                if section is None or section.ends_before(record):
                    section = _section_of(record)
    finally:
        reader.close()
    return place if section is None else Position(section.segment, section.offset)


class Audit:
    """Sums of one section; tell it of each record with `turn` before what the record says.

    In a `replay`, what was lost since the first time makes sections incomplete, and may have moved
    where later ones of its segment begin: these say nothing, for the server was told before.
    """

    def __init__(self, lines: LineWriter, *, replay: bool) -> None:
        self._lines = lines
        self._replay = replay
        self._missed_segment: int | None = None
        self._section: _Section | None = None
        self._sums: dict[tuple[str, int], Counter[str]] = {}

    def turn(self, record: Record) -> Lines | None:
        """The points of the section that ends before this record, if one does."""
        if self._section is not None and not self._section.ends_before(record):
            return None
        ended, self._section = self._section, _section_of(record)
        sums, self._sums = self._sums, {}
        if ended is None or not sums or ended.segment == self._missed_segment:
            return None
        return self._lines.audit(
            (node, counts, hour * HOUR_US + ended.slot_us)
            for (node, hour), counts in sorted(sums.items())
        )

    def count(self, node: str, time_us: int, **counts: int) -> None:
        """Add to what has a time in that hour; zeros are not told, but for `sent`."""
        key = (node, time_us // HOUR_US)
        sums = self._sums.get(key)
        if sums is None:
            sums = self._sums[key] = Counter(sent=0)
        for name, count in counts.items():
            if count:
                sums[name] += count

    def miss(self, record: Record) -> None:
        """A record lies in place of what was lost."""
        if self._replay:
            self._missed_segment = record.segment


def _section_of(record: Record) -> _Section:
    return _Section(record.segment, record.offset, record.received_us)
