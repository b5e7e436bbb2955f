"""The forwarder's side: only what is committed, in order, once, wherever it went on from."""

import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.spool import (
    CommitThread,
    Kind,
    Limits,
    Position,
    Priority,
    Spool,
    SpoolReader,
    WriterSettings,
    make_room,
    open_spool,
)

from .folders import RECEIVED_US, SMALL, fill, message_number, places


def add(spool: Spool, number: int, kind: Kind = Kind.MESSAGE) -> None:
    body = b"%04d" % number + bytes(number * 37 % 60)
    spool.writer.append(kind, Priority.READINGS, body, RECEIVED_US)


def drain(reader: SpoolReader, max_bytes: int = 300) -> list[int]:
    found: list[int] = []
    while records := reader.read(max_bytes):
        found += [message_number(record) for record in records if record.kind == Kind.MESSAGE]
    return found


def test_nothing_is_read_before_it_is_committed(tmp_path: Path) -> None:
    with open_spool(tmp_path, ManualClock(), settings=SMALL) as spool:
        reader = spool.reader(None)
        assert reader.read(1000) == []
        add(spool, 1)
        assert reader.read(1000) == []
        spool.writer.commit()
        assert drain(reader) == [1]
        assert reader.read(1000) == []
        for number in range(2, 30):
            add(spool, number)
        spool.writer.commit()
        assert drain(reader) == list(range(2, 30))
        reader.close()


def test_written_but_not_yet_synced_is_not_read(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    end = places(tmp_path)[2].end
    reader = SpoolReader(tmp_path, None, lambda: end)
    assert drain(reader) == [1, 2]
    assert reader.position == end
    reader.close()


@settings(max_examples=60, deadline=None)
@given(
    batches=st.lists(st.integers(1, 12), min_size=1, max_size=12),
    max_bytes=st.integers(1, 2000),
    stops=st.sets(st.integers(0, 40)),
)
def test_a_reader_resumes_anywhere_and_gets_each_record_once(
    tmp_path_factory: pytest.TempPathFactory,
    batches: list[int],
    max_bytes: int,
    stops: set[int],
) -> None:
    with open_spool(tmp_path_factory.mktemp("spool"), ManualClock(), settings=SMALL) as spool:
        reader = spool.reader(None)
        found: list[int] = []
        number = turn = 0
        for batch in batches:
            for _ in range(batch):
                number += 1
                add(spool, number)
            spool.writer.commit()
            while records := reader.read(max_bytes):
                assert sum(r.size for r in records) <= max_bytes or len(records) == 1
                found += [message_number(record) for record in records]
                assert reader.position == records[-1].end
                turn += 1
                if turn in stops:
                    reader.close()
                    reader = spool.reader(Position.parse(str(reader.position)))
        reader.close()
        assert found == list(range(1, number + 1))


def test_a_reader_follows_a_writer_in_another_thread(tmp_path: Path) -> None:
    total = 3000
    committed = threading.Semaphore(0)
    clock = ManualClock()
    spool = open_spool(
        tmp_path,
        clock,
        settings=WriterSettings(segment_bytes=20_000, commit_bytes=500),
        on_committed=lambda ticket: committed.release(),
    )
    thread = CommitThread(spool.writer, clock)
    thread.start()
    reader = spool.reader(None)
    found: list[int] = []

    def follow() -> None:
        while len(found) < total and committed.acquire(timeout=30):
            found.extend(drain(reader, 2000))

    follower = threading.Thread(target=follow)
    follower.start()
    for number in range(1, total + 1):
        add(spool, number)
    assert thread.stop()
    follower.join(30)
    reader.close()
    spool.close()
    assert found == list(range(1, total + 1))
    assert spool.writer.committed.segment > 5


def test_removed_segments_are_passed_over_and_counted(tmp_path: Path) -> None:
    with open_spool(tmp_path, ManualClock(), settings=SMALL) as spool:
        reader = spool.reader(None)
        for number in range(1, 60):
            add(spool, number)
        add(spool, 60, Kind.STATE)
        spool.writer.commit()
        first = reader.read(100)
        position = reader.position
        reader.close()
        removed = make_room(spool.writer, Limits(1200, 0), forwarded=position)
        reader = spool.reader(position)
        rest = drain(reader)
        lost = sum(segment.messages_lost for segment in removed)
        assert lost > 20
        assert len(first) + lost + len(rest) == 59
        assert reader.passed_segments == len(removed)
        reader.close()
        without_a_place = spool.reader(None)
        drain(without_a_place)
        assert without_a_place.passed_segments == removed[-1].number


def test_a_damaged_stretch_comes_as_one_gap(tmp_path: Path) -> None:
    fill(tmp_path, 1, 25)
    hit = places(tmp_path)[3]
    path = tmp_path / "0000000001.seg"
    with open_spool(tmp_path, ManualClock(), settings=SMALL) as spool:
        content = bytearray(path.read_bytes())
        content[hit.offset + 21] ^= 1
        path.write_bytes(content)
        reader = spool.reader(None)
        records = []
        while more := reader.read(500):
            records += more
        reader.close()
    gaps = [record for record in records if record.kind == Kind.GAP]
    assert [(gap.start, gap.end, gap.stored) for gap in gaps] == [(hit.start, hit.end, False)]
    assert len(records) == 25


def test_a_position_that_the_disk_forgot_goes_on_at_the_end(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    with open_spool(tmp_path, ManualClock(), settings=SMALL) as spool:
        reader = spool.reader(Position(1, 5000))
        assert reader.position == spool.recovery.end
        add(spool, 4)
        spool.writer.commit()
        assert drain(reader) == [4]
        reader.close()


def test_a_vanished_newest_segment_is_an_error_and_passes_over_nothing(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    reader = SpoolReader(tmp_path, None, lambda: Position(2, 100))
    assert drain_until_error(reader) == [1, 2, 3]
    assert reader.position == Position(2, 0)


def drain_until_error(reader: SpoolReader) -> list[int]:
    found = [message_number(record) for record in reader.read(10_000)]
    with pytest.raises(FileNotFoundError):
        reader.read(1000)
    return found
