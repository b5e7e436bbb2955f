"""GAP records: what the spool no longer has, said in the spool itself."""

import msgspec

from gateway.spool.format import MAX_BODY_BYTES, RECORD_BYTES, Entry, Kind, Priority, Record

__all__ = ["DAMAGED", "MISSING", "REMOVED", "Gap", "gap_entry", "gap_of", "pieces"]

DAMAGED = "damaged"
MISSING = "missing"
REMOVED = "removed"


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes of the log that are gone, from `segment`:`offset` on, and what is known of them.

    `reason` is "damaged" (unreadable), "missing" (a segment's file vanished), "removed" (deleted
    to make room before it was forwarded), or a word of whoever dropped records.
    `messages` is None where they cannot be counted; the times are receive times, 0 if unknown.
    """

    reason: str
    segment: int
    offset: int
    bytes: int
    messages: int | None = None
    first_us: int = 0
    last_us: int = 0


def gap_entry(gap: Gap, received_us: int) -> Entry:
    """The record that stores `gap`."""
    return Entry(Kind.GAP, Priority.URGENT, received_us, msgspec.json.encode(gap))


def gap_of(record: Record) -> Gap:
    """What a GAP record says.

    A blank body means that the record lies in place of what was lost: the gap is the record's
    own stretch. A body that is no Gap gives the reason "unreadable".
    """
    place = (record.segment, record.offset, record.size)
    if not record.body.strip(b"\0"):
        return Gap(DAMAGED, *place, first_us=record.received_us, last_us=record.received_us)
    try:
        return msgspec.json.decode(record.body, type=Gap)
    except msgspec.MsgspecError:
        return Gap("unreadable", *place)


def pieces(size: int, received_us: int) -> list[Entry]:
    """GAP records that together take exactly `size` bytes, to lie in place of a damaged stretch.

    None where `size` is less than a record's overhead.
    """
    entries = []
    while size >= RECORD_BYTES:
        piece = min(size, RECORD_BYTES + MAX_BODY_BYTES)
        if 0 < size - piece < RECORD_BYTES:
            piece -= RECORD_BYTES
        blank = bytes(piece - RECORD_BYTES)
        entries.append(Entry(Kind.GAP, Priority.URGENT, received_us, blank))
        size -= piece
    return entries
