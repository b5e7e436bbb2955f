"""GAP records: what the spool no longer has, said in the spool itself."""

import msgspec

from gateway.spool.format import MAX_BODY_BYTES, RECORD_BYTES, Entry, Kind, Priority, Record

__all__ = [
    "DAMAGED",
    "MISSING",
    "REMOVED",
    "THINNED",
    "Account",
    "Gap",
    "StandIn",
    "accounts_of",
    "gap_entry",
    "gap_of",
    "is_blank",
    "pieces",
    "stand_in_of",
]

DAMAGED = "damaged"
MISSING = "missing"
REMOVED = "removed"
THINNED = "thinned"

_JSON = ord("{")


class Gap(msgspec.Struct, frozen=True, omit_defaults=True):
    """Bytes of the log that are gone, from `segment`:`offset` on, and what is known of them.

    `reason` is "damaged" (unreadable), "missing" (a segment's file vanished), "removed" (deleted
    to make room before it was forwarded), "thinned" (taken out of its segment to make room), or
    a word of whoever dropped records.
    `messages` is None where they cannot be counted; the times are receive times, 0 if unknown.
    """

    reason: str
    segment: int
    offset: int
    bytes: int
    messages: int | None = None
    first_us: int = 0
    last_us: int = 0


class Account(msgspec.Struct, frozen=True, array_like=True):
    """Messages of one boot of a node that were taken out: sequences `first` to `last`, some of
    which may be there still, with so many samples in them."""

    node: str
    boot: int
    first: int
    last: int
    samples: int


class StandIn(msgspec.Struct, frozen=True, array_like=True):
    """Body of a GAP in a compact segment: it stands for `bytes` from `offset` on.

    Receive times are `first_us` and up to `span_us` later. `accounts` tell of this and of the
    gaps behind it up to the next STATE.
    """

    reason: str
    offset: int
    bytes: int
    messages: int
    first_us: int
    span_us: int
    accounts: list[Account] = []


def gap_entry(gap: Gap, received_us: int) -> Entry:
    """The record that stores `gap`."""
    return Entry(Kind.GAP, Priority.URGENT, received_us, msgspec.json.encode(gap))


def gap_of(record: Record) -> Gap:
    """What a GAP record says.

    A blank body means that the record lies in place of what was lost: the gap is the record's
    own stretch. So is that of a StandIn; read from its middle on, nobody knows of how many
    messages. A body that is neither gives the reason "unreadable".
    """
    place = (record.segment, record.offset, record.size)
    if is_blank(record):
        return Gap(DAMAGED, *place, first_us=record.received_us, last_us=record.received_us)
    try:
        if record.body[0] == _JSON:
            return msgspec.json.decode(record.body, type=Gap)
        found = stand_in_of(record.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Gap("unreadable", *place)
    whole = found.bytes == record.size and found.reason != DAMAGED
    messages = found.messages if whole else None
    return Gap(found.reason, *place, messages, found.first_us, found.first_us + found.span_us)


def is_blank(record: Record) -> bool:
    """Whether a GAP record says nothing but where it lies."""
    return not record.body.strip(b"\0")


def stand_in_of(body: bytes) -> StandIn:
    """Raises MsgspecError where the body is of another form."""
    return msgspec.msgpack.decode(body, type=StandIn)


def accounts_of(body: bytes) -> list[Account]:
    """Whose messages the GAP of this body stands for, as far as it says so."""
    if not body or body[0] in (0, _JSON):
        return []
    try:
        return stand_in_of(body).accounts
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return []


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
