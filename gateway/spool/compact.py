"""Compact segments: what is left of a segment when records were taken out of it to make room.

A GAP stands in place of each stretch that is gone and says how much it stands for, so that
every offset counts as it did in the segment that was written: no position changes its meaning.
docs/spool.md has the table.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import msgspec

from gateway.spool.format import (
    COMPACT_HEADER_BYTES,
    COMPACT_SALT,
    COMPACT_VERSION,
    MAX_BODY_BYTES,
    Compacted,
    Entry,
    Kind,
    Priority,
    Record,
    SegmentHeader,
    pack_header,
    pack_records,
)
from gateway.spool.gaps import DAMAGED, THINNED, Account, StandIn, is_blank, stand_in_of

__all__ = ["Accountant", "Compaction", "Shift", "compact"]

Accountant = Callable[[Record], Account | None]
"""Whose message a record is; None where it is nobody's."""

_ACCOUNTS_EACH = 1000
"""So many fit the body of a GAP."""


class Shift:
    """Turns the places of records in a compact file into their offsets."""

    def __init__(self, first_offset: int) -> None:
        self._shift = first_offset - COMPACT_HEADER_BYTES

    def apply(self, records: Iterable[Record], offset: int) -> list[Record]:
        """The records with their true offsets and sizes, from `offset` on."""
        placed = []
        for record in records:
            stand_in = _stand_in(record)
            if stand_in is None:
                start, size = record.offset + self._shift, record.size
            else:
                start, size = stand_in.offset, stand_in.bytes
                self._shift = start + size - record.offset - record.size
            cut = max(0, offset - start)
            if cut < size:
                placed.append(_placed(record, start + cut, size - cut))
        return placed

    def pass_damage(
        self, damage: Record, offset: int, rest: Iterable[Record], shift_at_end: int
    ) -> Record:
        """A damaged stretch, which may have held gaps: how far offsets have moved on is known
        from the next gap in `rest`, else from the end of the segment."""
        stand_ins = ((_stand_in(record), record) for record in rest)
        known = next((s.offset - record.offset for s, record in stand_ins if s), shift_at_end)
        self._shift = max(self._shift, known)
        return _placed(damage, offset, damage.offset + damage.size + self._shift - offset)


@dataclass
class Compaction:
    """What became of a segment: its new bytes, and how many messages were taken out of it."""

    content: bytearray
    messages: int


@dataclass
class _Run:
    """A stretch that goes, or is gone already."""

    reason: str
    offset: int
    end: int
    messages: int = 0
    first_us: int = 0
    last_us: int = 0

    def add(self, record: Record, messages: int, first_us: int, last_us: int) -> None:
        self.end = record.offset + record.size
        self.messages += messages
        self.first_us = min(self.first_us or first_us, first_us or self.first_us)
        self.last_us = max(self.last_us, last_us)


@dataclass
class _Span:
    """The stretch between two STATE records: its gaps, and the accounts of what is gone."""

    places: list[tuple[int, _Run]] = field(default_factory=list)
    accounts: dict[tuple[str, int], Account] = field(default_factory=dict)

    def add(self, account: Account) -> None:
        key = (account.node, account.boot)
        known = self.accounts.get(key, account)
        samples = account.samples + (known.samples if known is not account else 0)
        first, last = min(known.first, account.first), max(known.last, account.last)
        self.accounts[key] = Account(*key, first, last, samples)


class _Rewrite:
    """Collects what stays of a segment, with a place for each gap."""

    def __init__(self, account: Accountant) -> None:
        self.messages = 0
        self._account = account
        self._entries: list[Entry] = []
        self._run: _Run | None = None
        self._span = _Span()

    def keep(self, record: Record) -> None:
        self._end_run()
        if record.kind == Kind.STATE:
            self._end_span()
        self._entries.append(Entry(record.kind, record.priority, record.received_us, record.body))

    def take_out(self, record: Record) -> None:
        is_message = record.kind == Kind.MESSAGE
        self.messages += is_message
        self._run_of(THINNED, record).add(
            record, is_message, record.received_us, record.received_us
        )
        account = self._account(record)
        if account is not None:
            self._span.add(account)

    def pass_gap(self, record: Record) -> None:
        """What is gone already: unreadable now, salvaged, or taken out before."""
        found = _stand_in(record)
        if found is None:
            received_us = record.received_us
            self._run_of(DAMAGED, record).add(record, 0, received_us, received_us)
            return
        last_us = found.first_us + found.span_us
        run = self._run_of(found.reason, record)
        run.add(record, found.messages, found.first_us, last_us)
        for account in found.accounts:
            self._span.add(account)

    def entries(self) -> list[Entry]:
        self._end_run()
        self._end_span()
        return self._entries

    def _run_of(self, reason: str, record: Record) -> _Run:
        if self._run is None or self._run.reason != reason:
            self._end_run()
            self._run = _Run(reason, record.offset, record.offset)
        return self._run

    def _end_run(self) -> None:
        if self._run is not None:
            self._span.places.append((len(self._entries), self._run))
            self._entries.append(_gap(self._run, []))
            self._run = None

    def _end_span(self) -> None:
        """Write the accounts into the first gaps, so that whoever reads on knows them."""
        accounts = list(self._span.accounts.values())
        for place, run in self._span.places:
            self._entries[place] = _gap(run, accounts[:_ACCOUNTS_EACH])
            del accounts[:_ACCOUNTS_EACH]
            if not accounts:
                break
        self._span = _Span()


def compact(
    header: SegmentHeader,
    records: Iterable[Record],
    end: int,
    level: int,
    goes: Callable[[Record], bool],
    account: Accountant,
) -> Compaction:
    """The segment of `records`, which ended at `end`, without those that go.

    Gaps that lie in place of what they tell of, and unreadable stretches, become one each.
    """
    rewrite = _Rewrite(account)
    for record in records:
        if record.kind == Kind.GAP and (is_blank(record) or _stand_in(record) is not None):
            rewrite.pass_gap(record)
        elif goes(record):
            rewrite.take_out(record)
        else:
            rewrite.keep(record)
    own = SegmentHeader(
        header.number,
        header.created_us,
        header.previous_end,
        COMPACT_VERSION,
        Compacted(end, level),
    )
    content = bytearray(pack_header(own))
    content += pack_records(rewrite.entries(), header.number, len(content), COMPACT_SALT)
    return Compaction(content, rewrite.messages)


def _gap(run: _Run, accounts: list[Account]) -> Entry:
    span_us = max(0, run.last_us - run.first_us)
    size = run.end - run.offset
    body = msgspec.msgpack.encode(
        StandIn(run.reason, run.offset, size, run.messages, run.first_us, span_us, accounts)
    )
    assert len(body) <= MAX_BODY_BYTES
    return Entry(Kind.GAP, Priority.URGENT, run.first_us, body)


def _stand_in(record: Record) -> StandIn | None:
    if record.kind != Kind.GAP or not record.body:
        return None
    try:
        return stand_in_of(record.body)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _placed(record: Record, offset: int, size: int) -> Record:
    return Record(
        record.segment,
        offset,
        size,
        record.kind,
        record.priority,
        record.received_us,
        record.body,
        record.stored,
    )
