"""The search for a boot's clock further on in the log holds what lies ahead, and no more."""

from pathlib import Path

import msgspec
import pytest
from manual_clock import ManualClock

from gateway.clock import ClockRecord
from gateway.forward.log import Log
from gateway.forward.lookahead import ClockSearch
from gateway.spool import Kind, Priority, Record, SpoolWriter, open_spool, read_records

SECOND_US = 1_000_000
BOOTS = 300


@pytest.fixture
def rows(tmp_path: Path, clock: ManualClock) -> list[Record]:
    """A row of each boot; the boot's clock, and 100 kB of others' records, follow 2 s later."""
    with open_spool(tmp_path, clock) as spool:
        for boot in range(BOOTS):
            append(spool.writer, clock, Kind.MESSAGE, b"row of %d" % boot)
            clock.advance_us(2 * SECOND_US)
            found = ClockRecord("motors-a", boot, boot, 0, 0, 0, trusted=True)
            append(spool.writer, clock, Kind.CLOCK, msgspec.msgpack.encode(found))
            append(spool.writer, clock, Kind.QUARANTINE, bytes(50_000))
            append(spool.writer, clock, Kind.QUARANTINE, bytes(50_000))
            assert spool.writer.commit()
    return [record for record in read_records(tmp_path) if record.kind == Kind.MESSAGE]


def append(writer: SpoolWriter, clock: ManualClock, kind: Kind, body: bytes) -> None:
    writer.append(kind, Priority.SERVICE, body, clock.utc_us())


def search_in(folder: Path, rows: list[Record], clock: ManualClock) -> ClockSearch:
    end = rows[-1].end
    return ClockSearch(Log(folder, lambda: type(end)(end.segment + 1, 0)), clock)


def test_it_holds_few_clocks_however_many_boots_there_were(
    tmp_path: Path, rows: list[Record], clock: ManualClock
) -> None:
    search = search_in(tmp_path, rows, clock)
    held = []
    for boot, row in enumerate(rows):
        found = search.find("motors-a", boot, row)
        assert isinstance(found, ClockRecord)
        assert found.boot == boot
        held.append(search.held)
    search.close()
    assert max(held) < 10


def test_asked_for_an_earlier_row_again_it_finds_the_same_clock(
    tmp_path: Path, rows: list[Record], clock: ManualClock
) -> None:
    search = search_in(tmp_path, rows, clock)
    first = search.find("motors-a", 0, rows[0])
    search.find("motors-a", BOOTS - 1, rows[-1])
    assert search.find("motors-a", 0, rows[0]) == first
    search.close()
