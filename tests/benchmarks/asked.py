"""When an alarm was due by what its gateway had, for a rule that is asked now and then.

A forecast is made each ten seconds, from a moment that depends on when its gateway heard of the
winding first: no run without boards can know it. The gateway's own store does. So the wait until a
rule is asked again is its own, and all that happens to the reading of which it is asked is ours.
"""

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from axwire.cose import split
from axwire.parse import Readings, parse_up

from gateway.alarms.record import Kept, read_record
from gateway.alarms.rules import OfQuantity
from gateway.decode import decode_readings
from gateway.ledger import Ledger
from gateway.spool.format import Kind
from gateway.spool.segments import read_records

__all__ = ["due_utc_us"]


class _Row(NamedTuple):
    node: str
    boot: int
    received_us: int
    t_ms: int


def due_utc_us(spool: Path, rule: OfQuantity) -> dict[str, int]:
    """Of each alarm of the rule that was raised, when it was due: the rule's delay after its
    sensor began the reading of which it held first, which is the newest that the gateway had then.

    Raises LookupError where the store has no such reading, or no clock of its board.
    """
    ledger = Ledger()
    rows: defaultdict[str, list[_Row]] = defaultdict(list)
    raised: dict[str, Kept] = {}
    for record in read_records(spool, None):
        ledger.replay(record.kind, record.body)
        if record.kind == Kind.ALARM:
            told = read_record(record.body)
            if told.rule == rule.id and told.action == "raised" and told.alarm is not None:
                raised.setdefault(told.id, told.alarm)
        elif record.kind == Kind.MESSAGE:
            for place, row in _rows(record.body, record.received_us, ledger, rule.quantity):
                rows[place].append(row)
    delay_us = round(rule.on_delay_s * 1e6)
    due: dict[str, int] = {}
    for alarm, kept in raised.items():
        heard = [
            row for row in rows[kept.place] if row.received_us <= kept.since_utc_us - delay_us
        ]
        clock = ledger.boot(heard[-1].node, heard[-1].boot).clock if heard else None
        if clock is None:
            raise LookupError(f"{spool} does not have what {alarm} was raised of")
        due[alarm] = clock.utc_at(heard[-1].t_ms * 1000) + delay_us
    return due


def _rows(
    message: bytes, received_us: int, ledger: Ledger, quantity: str
) -> Iterator[tuple[str, _Row]]:
    """The places at which a message has rows of the quantity, and these."""
    envelope = split(message)
    up = parse_up(envelope.payload)
    if not isinstance(up, Readings):
        return
    table = ledger.boot(envelope.name, up.boot).tables[up.revision]
    for block in decode_readings(up, table):
        times_ms = range(block.t_ms, block.last_t_ms + 1, block.group.period_ms)
        for measured, place in zip(block.group.quantities, block.group.places, strict=True):
            if measured.name == quantity:
                for t_ms in times_ms:
                    yield place, _Row(envelope.name, up.boot, received_us, t_ms)
