"""Which stretches of the log the server has, and which it still needs: plain data.

Newest data goes first: `live` follows the log, and stretches that it left out lie `behind`. All
before `live` that is in no stretch of `behind` was acknowledged by the server.
"""

from collections.abc import Iterable
from typing import Literal

import msgspec

from gateway.spool.format import HEADER_BYTES, Position

__all__ = ["LATE", "REPLAYED", "Progress", "Reason", "SentLate", "Stretch"]

Reason = Literal["late", "replayed"]
LATE: Reason = "late"
REPLAYED: Reason = "replayed"

MOST_LATE = 8
"""So many stretches left out, and no more are: what follows is sent in order."""

_SENT_LATE_KEPT = 64
_SENT_LATE_SPAN_US = 600_000_000

_BEGIN = Position(0, 0)


class Stretch(msgspec.Struct, frozen=True, array_like=True):
    """Left out and never sent (`late`), or to be sent again (`replayed`)."""

    start: Position
    end: Position
    reason: Reason


class SentLate(msgspec.Struct, frozen=True, array_like=True):
    """What went out long after it was received, and between which UTC times."""

    first_us: int
    last_us: int
    start: Position
    end: Position


class Progress(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A state that is true of the server; each method returns the next one.

    `behind` is in the order of the log and does not overlap. `sent_late` are the latest such
    stretches; what went out late up to `forgotten_us` is not among them.
    """

    live: Position = _BEGIN
    behind: tuple[Stretch, ...] = ()
    sent_late: tuple[SentLate, ...] = ()
    forgotten_us: int = 0

    @property
    def unsent_from(self) -> Position:
        """All before this has reached the server."""
        return min([self.live, *(one.start for one in self.behind if one.reason == LATE)])

    def unsent_in(self, segment: int) -> list[tuple[int, int | None]]:
        """Offsets in a segment between which nothing has reached the server; None: to its end."""
        late = [(one.start, one.end) for one in self.behind if one.reason == LATE]
        parts: list[tuple[int, int | None]] = []
        for start, end in [*late, (self.live, None)]:
            if start.segment > segment or (end is not None and end.segment < segment):
                continue
            first = start.offset if start.segment == segment else HEADER_BYTES
            stop = end.offset if end is not None and end.segment == segment else None
            if stop is None or stop > max(first, HEADER_BYTES):
                parts.append((max(first, HEADER_BYTES), stop))
        return parts

    def within(self, committed: Position) -> "Progress":
        """The same where the log ends at `committed`: a disk that lied may have lost the rest."""
        behind = [
            Stretch(one.start, min(one.end, committed), one.reason)
            for one in self.behind
            if one.start < committed
        ]
        return msgspec.structs.replace(self, live=min(self.live, committed), behind=tuple(behind))

    def may_leave_out(self) -> bool:
        return sum(one.reason == LATE for one in self.behind) < MOST_LATE

    def leave_out(self, up_to: Position) -> "Progress":
        """Go on at `up_to`; what is skipped is sent behind."""
        late = Stretch(self.live, up_to, LATE)
        return msgspec.structs.replace(self, live=up_to, behind=(*self.behind, late))

    def sent_live(self, end: Position) -> "Progress":
        return msgspec.structs.replace(self, live=end)

    def sent_behind(self, end: Position) -> "Progress":
        """The oldest stretch has reached the server up to `end`."""
        oldest, *rest = self.behind
        if end < oldest.end:
            rest.insert(0, Stretch(end, oldest.end, oldest.reason))
        return msgspec.structs.replace(self, behind=tuple(rest))

    def note_late(self, start: Position, end: Position, now_us: int) -> "Progress":
        """That stretch went out now, long after it was received."""
        kept = list(self.sent_late)
        last = kept[-1] if kept else None
        if last is not None and last.end == start and now_us - last.first_us < _SENT_LATE_SPAN_US:
            kept[-1] = SentLate(last.first_us, max(last.last_us, now_us), last.start, end)
        else:
            kept.append(SentLate(now_us, now_us, start, end))
        forgotten = [one.last_us for one in kept[:-_SENT_LATE_KEPT]]
        return msgspec.structs.replace(
            self,
            sent_late=tuple(kept[-_SENT_LATE_KEPT:]),
            forgotten_us=max([self.forgotten_us, *forgotten]),
        )

    def late_since(self, since_us: int) -> list[tuple[Position, Position]]:
        """What went out late at that time or after it."""
        return [(one.start, one.end) for one in self.sent_late if one.last_us >= since_us]

    def replay(self, wanted: Iterable[tuple[Position, Position]]) -> "Progress":
        """Send these stretches again, as far as they were sent; those asked for before, too."""
        asked = [(one.start, one.end) for one in self.behind if one.reason == REPLAYED]
        late = [one for one in self.behind if one.reason == LATE]
        clipped = [(start, min(end, self.live)) for start, end in wanted]
        pieces = _without(_joined([*asked, *clipped]), [(one.start, one.end) for one in late])
        again = [Stretch(start, end, REPLAYED) for start, end in pieces]
        behind = sorted([*late, *again], key=lambda one: one.start)
        return msgspec.structs.replace(self, behind=tuple(behind))


def _joined(parts: Iterable[tuple[Position, Position]]) -> list[tuple[Position, Position]]:
    joined: list[tuple[Position, Position]] = []
    for start, end in sorted(part for part in parts if part[0] < part[1]):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _without(
    parts: list[tuple[Position, Position]], holes: Iterable[tuple[Position, Position]]
) -> list[tuple[Position, Position]]:
    for first, last in holes:
        cut = []
        for start, end in parts:
            cut += [(start, min(end, first)), (max(start, last), end)]
        parts = [(start, end) for start, end in cut if start < end]
    return parts
