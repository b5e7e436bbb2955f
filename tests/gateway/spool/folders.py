"""Small spools to damage: numbered messages of varied length in segments of 600 bytes."""

from pathlib import Path

from manual_clock import ManualClock

from gateway.spool import Kind, Priority, WriterSettings, open_spool, read_records
from gateway.spool.format import Record

SMALL = WriterSettings(segment_bytes=600)
RECEIVED_US = 1_763_755_200_000_000


def fill(folder: Path, first: int, count: int, *, state: bytes | None = None) -> None:
    """Append messages `first`, ... and commit them as one batch, a state before them."""
    with open_spool(folder, ManualClock(), settings=SMALL) as spool:
        if state is not None:
            spool.writer.append(Kind.STATE, Priority.SERVICE, state, RECEIVED_US)
        for number in range(first, first + count):
            body = b"%04d" % number + bytes(number * 37 % 60)
            spool.writer.append(
                Kind.MESSAGE, Priority.READINGS, body, RECEIVED_US + number * 1_000_000
            )
        assert spool.writer.commit()


def message_number(record: Record) -> int:
    return int(record.body[:4])


def numbers(folder: Path) -> list[int]:
    """The messages that can be read, in order."""
    return [message_number(r) for r in read_records(folder) if r.kind == Kind.MESSAGE]


def places(folder: Path) -> dict[int, Record]:
    """Each message's record."""
    return {message_number(r): r for r in read_records(folder) if r.kind == Kind.MESSAGE}


def copy(source: Path, target: Path) -> Path:
    target.mkdir()
    for path in source.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target
