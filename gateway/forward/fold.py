"""What was known at a place in the log, rebuilt by folding the records before it."""

import logging
from collections.abc import Callable

import msgspec
from axwire.cose import Envelope

from gateway.boot import Boot
from gateway.forward.log import CHUNK_BYTES, Log
from gateway.ledger import Ledger
from gateway.quick import AnyUp
from gateway.spool.format import Kind, Position, Record

__all__ = ["fold", "fold_first_state", "fold_parsed", "ledger_at", "note_readings"]

_log = logging.getLogger(__name__)


def fold(ledger: Ledger, record: Record) -> bool:
    """Bring the ledger on by one record; False where the record cannot be read."""
    return _survives(record, lambda: ledger.replay(record.kind, record.body))


def fold_parsed(ledger: Ledger, record: Record, envelope: Envelope, up: AnyUp) -> bool:
    """`fold` for who has parsed the record's message already."""
    return _survives(record, lambda: ledger.take_in(envelope, up))


def note_readings(boot: Boot, sequence: int, samples: int) -> None:
    """What folding a message of readings comes to, for who has decoded it already."""
    boot.samples += samples
    boot.accepted.add(sequence)
    boot.durable.add(sequence)


def ledger_at(log: Log, cursor: Position | None) -> Ledger:
    """The ledger as it was at `cursor` (the oldest record by default).

    Folds from the newest STATE record before it on, else from the oldest record. Where older
    segments were removed, the first STATE behind it has the tables of the rows in between.
    Raises OSError or SpoolError where the log cannot be read.
    """
    end = cursor or Position(0, 0)
    state = log.newest_state(end)
    ledger = Ledger()
    if state is not None:
        if _fold_between(log, ledger, state, end):
            return ledger
        ledger = Ledger()
    if log.was_cut():
        fold_first_state(log, ledger, None)
    _fold_between(log, ledger, None, end)
    return ledger


def fold_first_state(log: Log, ledger: Ledger, start: Position | None) -> None:
    """Learn what the first STATE record from `start` on knows (the oldest record by default).

    Where what came before was removed, it has the tables of the rows up to it.
    Raises OSError or SpoolError where the log cannot be read.
    """
    reader = log.reader(start)
    try:
        while records := reader.read(CHUNK_BYTES):
            for record in records:
                if record.kind == Kind.STATE and fold(ledger, record):
                    return
    finally:
        reader.close()


def _survives(record: Record, step: Callable[[], None]) -> bool:
    try:
        step()
    except (msgspec.MsgspecError, ValueError) as error:
        _log.warning("the record at %s cannot be read: %s", record.start, error)
        return False
    return True


def _fold_between(log: Log, ledger: Ledger, start: Position | None, end: Position) -> bool:
    """Fold every record before `end`; False, and no further, where the first is unreadable."""
    reader = log.reader(start)
    first = True
    try:
        while reader.position < end and (records := reader.read(CHUNK_BYTES)):
            for record in records:
                if record.end > end:
                    return True
                if not fold(ledger, record) and first and start is not None:
                    return False
                first = False
    finally:
        reader.close()
    return True
