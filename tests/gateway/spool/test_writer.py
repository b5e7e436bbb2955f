"""Group commit: when it is due, what it makes durable, and what the buffer refuses."""

from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import (
    Kind,
    Priority,
    Spool,
    SpoolWriter,
    WriterSettings,
    open_spool,
    read_records,
)
from gateway.spool.errors import BufferFullError, RecordTooLargeError, SpoolLockedError
from gateway.spool.format import MAX_BODY_BYTES, RECORD_BYTES
from gateway.spool.gaps import Gap

from .storages import Operation, WatchedStorage

RECEIVED_US = 1_763_755_200_000_000


def add(writer: SpoolWriter, body: bytes, priority: int = Priority.READINGS) -> int:
    return writer.append(Kind.MESSAGE, priority, body, RECEIVED_US)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def test_readings_wait_one_second_for_company(tmp_path: Path, clock: ManualClock) -> None:
    with open_spool(tmp_path, clock) as spool:
        assert spool.writer.next_due_us is None
        start_us = clock.monotonic_us()
        add(spool.writer, b"first")
        clock.advance_us(400_000)
        add(spool.writer, b"second")
        assert spool.writer.next_due_us == start_us + 1_000_000
        assert not spool.writer.due(clock.monotonic_us())
        clock.advance_us(600_000)
        assert spool.writer.due(clock.monotonic_us())


def test_256_kib_are_due_at_once(tmp_path: Path, clock: ManualClock) -> None:
    with open_spool(tmp_path, clock) as spool:
        woken: list[int] = []
        spool.writer.on_due_changed = lambda: woken.append(clock.monotonic_us())
        for _ in range(7):
            add(spool.writer, bytes(32 * 1024))
        assert not spool.writer.due(clock.monotonic_us())
        add(spool.writer, bytes(32 * 1024))
        assert spool.writer.due(clock.monotonic_us())
        assert len(woken) == 2


def test_an_event_is_due_at_once(tmp_path: Path, clock: ManualClock) -> None:
    with open_spool(tmp_path, clock) as spool:
        add(spool.writer, b"reading")
        add(spool.writer, b"event", Priority.URGENT)
        assert spool.writer.due(clock.monotonic_us())


def test_a_flood_of_events_does_not_wear_out_the_card(tmp_path: Path, clock: ManualClock) -> None:
    with open_spool(tmp_path, clock) as spool:
        commits = 0
        for _ in range(10 * 60 * 10):
            add(spool.writer, b"event", Priority.URGENT)
            if spool.writer.due(clock.monotonic_us()):
                spool.writer.commit()
                commits += 1
            clock.advance_us(100_000)
        assert 600 < commits < 1000


def test_tickets_rise_and_are_reported_only_after_the_sync(
    tmp_path: Path, clock: ManualClock
) -> None:
    log: list[object] = []
    storage = WatchedStorage(lambda operation: log.append(operation.name))
    with open_spool(tmp_path, clock, storage=storage, on_committed=log.append) as spool:
        assert [add(spool.writer, b"a"), add(spool.writer, b"b")] == [1, 2]
        assert spool.writer.committed_ticket == 0
        log.clear()
        assert spool.writer.commit()
        assert log[-3:] == ["write", "datasync", 2]
        add(spool.writer, b"c")
        log.clear()
        spool.writer.commit()
        assert log == ["write", "datasync", 3]


def test_a_segments_header_and_name_are_durable_before_its_records(
    tmp_path: Path, clock: ManualClock
) -> None:
    log: list[object] = []
    storage = WatchedStorage(lambda operation: log.append(operation.name))
    with open_spool(tmp_path / "spool", clock, storage=storage, on_committed=log.append) as spool:
        add(spool.writer, b"a")
        log.clear()
        spool.writer.commit()
        assert log == ["create", "write", "datasync", "sync_folder", "write", "datasync", 1]


def test_one_batch_is_one_write(tmp_path: Path, clock: ManualClock) -> None:
    writes: list[Operation] = []
    storage = WatchedStorage(lambda op: writes.append(op) if op.name == "write" else None)
    with open_spool(tmp_path, clock, storage=storage) as spool:
        for index in range(500):
            add(spool.writer, b"%d" % index)
        spool.writer.commit()
        assert len(writes) == 2
        assert writes[0].offset == 0


def test_an_empty_commit_touches_nothing(tmp_path: Path, clock: ManualClock) -> None:
    with open_spool(tmp_path, clock) as spool:
        assert spool.writer.commit()
        assert list(tmp_path.iterdir()) == []
        assert spool.writer.metrics.commits == 0


def test_records_of_gaps_fill_a_segment_as_others_do(tmp_path: Path, clock: ManualClock) -> None:
    """A snapshot is asked for in time to begin the next."""
    settings = WriterSettings(segment_bytes=3000)
    with open_spool(tmp_path, clock, settings=settings) as spool:
        writer = spool.writer
        writer.append(Kind.STATE, Priority.SERVICE, b"state", RECEIVED_US)
        gaps = 0
        while not writer.wants_snapshot:
            gaps += 1
            assert gaps < 50
            writer.note_gap(Gap(reason="removed", segment=gaps, offset=0, bytes=100))
        writer.append(Kind.STATE, Priority.SERVICE, b"state", RECEIVED_US)
        add(writer, b"behind it")
        writer.commit()
    kinds = [(record.segment, record.kind) for record in read_records(tmp_path, None)]
    assert kinds[-2:] == [(2, Kind.STATE), (2, Kind.MESSAGE)]
    assert kinds[-3] == (1, Kind.GAP)


def test_a_full_segment_is_followed_by_the_next_and_a_snapshot_is_wanted(
    tmp_path: Path, clock: ManualClock
) -> None:
    settings = WriterSettings(segment_bytes=1000)
    with open_spool(tmp_path, clock, settings=settings) as spool:
        writer = spool.writer
        assert writer.wants_snapshot
        writer.append(Kind.STATE, Priority.SERVICE, b"state", RECEIVED_US)
        assert not writer.wants_snapshot
        for _ in range(5):
            add(writer, bytes(150))
        writer.commit()
        assert not writer.wants_snapshot
        add(writer, bytes(150))
        writer.commit()
        assert writer.committed.segment == 2
        assert writer.wants_snapshot
        writer.append(Kind.STATE, Priority.SERVICE, b"state", RECEIVED_US)
        assert not writer.wants_snapshot
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("*.seg"))]
    assert len(sizes) == 2
    assert max(sizes) <= 1000


def test_a_snapshot_is_wanted_in_time_and_begins_the_next_segment(
    tmp_path: Path, clock: ManualClock
) -> None:
    """However much a commit brings at once: whoever appends asks before each record."""
    settings = WriterSettings(segment_bytes=3000)
    with open_spool(tmp_path, clock, settings=settings) as spool:
        writer = spool.writer
        for number in range(300):
            if writer.wants_snapshot:
                writer.append(Kind.STATE, Priority.SERVICE, b"state", RECEIVED_US)
            add(writer, bytes(100))
            if number in (3, 100, 110, 290):
                writer.commit()
    begins = {}
    for record in read_records(tmp_path):
        begins.setdefault(record.segment, record.kind)
    assert len(begins) >= 12
    assert set(begins.values()) == {Kind.STATE}
    sizes = [path.stat().st_size for path in sorted(tmp_path.glob("*.seg"))]
    assert max(sizes) <= 3000
    assert min(sizes[:-1]) > 2600


def test_a_snapshot_is_wanted_again_after_four_megabytes_so_that_a_restart_reads_little(
    tmp_path: Path, clock: ManualClock
) -> None:
    with open_spool(tmp_path, clock) as spool:
        writer = spool.writer
        writer.append(Kind.STATE, Priority.SERVICE, b"state", RECEIVED_US)
        for _ in range(69):
            add(writer, bytes(60_000))
        writer.commit()
        assert not writer.wants_snapshot
        add(writer, bytes(60_000))
        writer.commit()
        assert writer.wants_snapshot
        assert writer.committed.segment == 1
        writer.append(Kind.STATE, Priority.SERVICE, bytes(300_000), RECEIVED_US)
        for _ in range(79):
            add(writer, bytes(60_000))
        writer.commit()
        assert not writer.wants_snapshot
        add(writer, bytes(60_000))
        writer.commit()
        assert writer.wants_snapshot


def test_a_record_larger_than_a_segment_has_one_to_itself(
    tmp_path: Path, clock: ManualClock
) -> None:
    with open_spool(tmp_path, clock, settings=WriterSettings(segment_bytes=256)) as spool:
        for size in (10, 4000, 10):
            add(spool.writer, bytes(size))
        assert spool.writer.commit()
    assert [len(record.body) for record in read_records(tmp_path)] == [10, 4000, 10]
    assert len(list(tmp_path.glob("*.seg"))) == 3


def test_a_full_buffer_refuses_and_takes_again_after_a_commit(
    tmp_path: Path, clock: ManualClock
) -> None:
    with open_spool(tmp_path, clock, settings=WriterSettings(buffer_bytes=1000)) as spool:
        writer = spool.writer
        for _ in range(10):
            add(writer, bytes(80))
        with pytest.raises(BufferFullError, match="read nothing more from the links"):
            add(writer, b"")
        assert writer.buffered_bytes == 1000
        assert writer.room_bytes == 0
        assert writer.metrics.refused_full == 1
        writer.commit()
        assert writer.room_bytes == 1000
        assert add(writer, bytes(80)) == 11


def test_what_a_record_cannot_hold_is_refused_before_it_is_taken(
    tmp_path: Path, clock: ManualClock
) -> None:
    with open_spool(tmp_path, clock) as spool:
        with pytest.raises(RecordTooLargeError, match="65536 bytes, not 65537"):
            add(spool.writer, bytes(MAX_BODY_BYTES + 1))
        for kind, priority, received_us in ((0, 1, 0), (1, 256, 0), (1, 1, 1 << 63)):
            with pytest.raises(ValueError, match="no record has"):
                spool.writer.append(kind, priority, b"", received_us)
        assert spool.writer.buffered_bytes == 0
        spool.writer.append(Kind.STATE, Priority.SERVICE, bytes(MAX_BODY_BYTES + 1), 0)


def test_a_body_is_stored_as_it_was_when_it_was_appended(
    tmp_path: Path, clock: ManualClock
) -> None:
    with open_spool(tmp_path, clock) as spool:
        body = bytearray(b"before")
        spool.writer.append(Kind.MESSAGE, Priority.READINGS, body, RECEIVED_US)
        body[:] = b"behind"
        spool.writer.commit()
    assert [record.body for record in read_records(tmp_path)] == [b"before"]


def test_two_gateways_cannot_write_one_spool(tmp_path: Path, clock: ManualClock) -> None:
    first = open_spool(tmp_path, clock)
    with pytest.raises(SpoolLockedError, match=r"another gateway( \(process \d+\))?: stop"):
        open_spool(tmp_path, clock)
    first.close()
    open_spool(tmp_path, clock).close()


def test_closing_commits_what_is_left(tmp_path: Path, clock: ManualClock) -> None:
    spool: Spool = open_spool(tmp_path, clock)
    add(spool.writer, b"last")
    assert spool.close()
    assert [record.body for record in read_records(tmp_path)] == [b"last"]


def test_slow_syncs_are_counted_and_raise_the_alarm(tmp_path: Path, clock: ManualClock) -> None:
    duration_us = 3_000

    def take_time(operation: Operation) -> None:
        if operation.name == "datasync":
            clock.advance_us(duration_us)

    with open_spool(tmp_path, clock, storage=WatchedStorage(take_time)) as spool:
        syncs = spool.writer.metrics.syncs
        add(spool.writer, b"a")
        spool.writer.commit()
        assert (syncs.last_us, syncs.slow(clock.monotonic_us()), syncs.buckets[0]) == (
            3_000,
            False,
            2,
        )
        duration_us = 2_500_000
        add(spool.writer, b"b")
        spool.writer.commit()
        assert (syncs.max_us, syncs.slow(clock.monotonic_us())) == (2_500_000, True)
        assert sum(syncs.buckets) == syncs.count == 3
        duration_us = 3_000
        add(spool.writer, b"c")
        spool.writer.commit()
        assert not syncs.slow(clock.monotonic_us())


def test_the_counters_say_what_was_written(tmp_path: Path, clock: ManualClock) -> None:
    with open_spool(tmp_path, clock) as spool:
        for _ in range(3):
            add(spool.writer, bytes(100))
        spool.writer.commit()
        clock.advance_us(700_000)
        metrics = spool.writer.metrics
        assert (metrics.records, metrics.commits, metrics.segments_made) == (3, 1, 1)
        assert metrics.bytes == 3 * (RECORD_BYTES + 100)
        (segment,) = tmp_path.glob("*.seg")
        assert metrics.disk_bytes == spool.writer.total_bytes == segment.stat().st_size
        assert spool.writer.commit_age_us(clock.monotonic_us()) == 700_000
