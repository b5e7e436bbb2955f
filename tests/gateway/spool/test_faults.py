"""A disk that fails: nothing acknowledged is missing afterwards, and nothing is stored twice."""

import errno
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.spool import (
    Kind,
    Limits,
    Priority,
    Spool,
    SpoolWriter,
    Storage,
    WriterSettings,
    make_room,
    open_spool,
    read_records,
)
from gateway.spool.gaps import gap_of

from .storages import FailingStorage, FullDisk, Operation, WatchedStorage

SMALL = WriterSettings(segment_bytes=600)


class Run:
    """Appends numbered messages and remembers which were acknowledged."""

    def __init__(self, folder: Path, storage: Storage) -> None:
        self.clock = ManualClock()
        self.acknowledged = 0
        self.spool: Spool = open_spool(
            folder,
            self.clock,
            settings=SMALL,
            storage=storage,
            on_committed=self._acknowledge,
        )

    @property
    def writer(self) -> SpoolWriter:
        return self.spool.writer

    def add(self, count: int = 1) -> None:
        for _ in range(count):
            ticket = self.writer.metrics.records + self.writer.buffered_bytes // 120 + 1
            body = b"%05d" % ticket + bytes(95)
            assert self.writer.append(Kind.MESSAGE, Priority.READINGS, body, 1) == ticket

    def _acknowledge(self, ticket: int) -> None:
        assert ticket > self.acknowledged
        self.acknowledged = ticket


def stored(folder: Path) -> list[int]:
    return [int(r.body[:5]) for r in read_records(folder) if r.kind == Kind.MESSAGE]


def drive(run: Run) -> None:
    for size in (2, 1, 3, 4, 2, 7, 1):
        run.add(size)
        run.writer.commit()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EIO, errno.EROFS])
def test_one_failure_at_any_operation_loses_and_doubles_nothing(tmp_path: Path, code: int) -> None:
    smooth = FailingStorage()
    drive(Run(tmp_path / "smooth", smooth))
    assert smooth.count > 40
    for failing in range(1, smooth.count):
        folder = tmp_path / str(failing)
        run = Run(folder, FailingStorage(code, frozenset([failing])))
        drive(run)
        assert run.writer.commit()
        assert run.writer.fault is None
        assert run.acknowledged == 20
        assert stored(folder) == list(range(1, 21)), f"operation {failing}"
        run.spool.close()
        with open_spool(folder, ManualClock()) as again:
            assert not again.recovery.problems
        assert stored(folder) == list(range(1, 21)), f"operation {failing}"


@settings(max_examples=300, deadline=None)
@given(failing=st.frozensets(st.integers(0, 150), max_size=60), survives=st.booleans())
def test_any_failures_keep_what_was_acknowledged_once(
    tmp_path_factory: pytest.TempPathFactory, failing: frozenset[int], survives: bool
) -> None:
    folder = tmp_path_factory.mktemp("spool")
    run = Run(folder, FailingStorage(errno.EIO, failing))
    drive(run)
    if survives:
        while not run.writer.commit():
            pass
        assert run.acknowledged == 20
    run.spool.close()
    with open_spool(folder, ManualClock()):
        pass
    found = stored(folder)
    assert found == list(range(1, len(found) + 1))
    assert len(found) >= run.acknowledged


@pytest.mark.parametrize("unhelpful", ["truncate", "unlink"])
def test_a_lost_sync_abandons_the_segment_and_writes_the_batch_anew(
    tmp_path: Path, unhelpful: str
) -> None:
    storage = FailingStorage(errno.EIO)
    run = Run(tmp_path, storage)
    run.add(2)
    run.writer.commit()
    storage.refused = frozenset(["datasync", unhelpful])
    run.add(1)
    for _ in range(3):
        assert not run.writer.commit()
    assert run.acknowledged == 2
    storage.refused = frozenset()
    assert run.writer.commit()
    assert run.acknowledged == 3
    assert run.writer.committed.segment > 1
    assert stored(tmp_path) == [1, 2, 3]
    run.spool.close()
    with open_spool(tmp_path, ManualClock()):
        assert stored(tmp_path) == [1, 2, 3]


def test_a_failing_disk_leaves_no_heap_of_empty_segments(tmp_path: Path) -> None:
    storage = FailingStorage(errno.EIO)
    run = Run(tmp_path, storage)
    run.add(1)
    run.writer.commit()
    storage.refused = frozenset(["datasync"])
    run.add(1)
    for _ in range(20):
        run.writer.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["0000000001.seg"]


def test_a_disk_that_syncs_headers_alone_leaves_no_heap_of_headers(tmp_path: Path) -> None:
    fails = False

    def fail_on_records(operation: Operation) -> None:
        if fails and operation.name == "datasync" and operation.path.stat().st_size > 32:
            raise OSError(errno.EIO, "Input/output error")

    run = Run(tmp_path, WatchedStorage(fail_on_records))
    run.add(1)
    run.writer.commit()
    fails = True
    run.add(1)
    for _ in range(20):
        assert not run.writer.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["0000000001.seg"]
    fails = False
    assert run.writer.commit()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "0000000001.seg",
        "0000000002.seg",
    ]


def test_a_half_made_segment_that_could_not_be_removed_is_made_again(tmp_path: Path) -> None:
    storage = FailingStorage(errno.EIO, refused=frozenset(["datasync", "unlink"]))
    run = Run(tmp_path, storage)
    run.add(1)
    assert not run.writer.commit()
    storage.refused = frozenset()
    assert run.writer.commit()
    assert [path.name for path in tmp_path.iterdir()] == ["0000000001.seg"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (errno.ENOSPC, "the disk is full: free space"),
        (errno.EROFS, "read-only, often after an error of the card: look into `dmesg`"),
        (errno.EIO, "input/output errors: look into `dmesg`, replace the disk"),
        (errno.EACCES, "permission denied: give the folder to the user"),
        (errno.ENOTCONN, "look into `dmesg`"),
    ],
)
def test_the_fault_says_what_to_do_and_goes_away(tmp_path: Path, code: int, words: str) -> None:
    storage = FailingStorage(code, refused=frozenset(["write"]))
    run = Run(tmp_path, storage)
    run.add(1)
    assert not run.writer.commit()
    assert run.writer.fault is not None
    assert words in run.writer.fault
    assert str(tmp_path) in run.writer.fault
    assert "Nothing is acknowledged" in run.writer.fault
    assert run.writer.metrics.failures == 1
    storage.refused = frozenset()
    assert run.writer.commit()
    assert run.writer.fault is None


def test_the_next_attempt_backs_off_by_the_clock(tmp_path: Path) -> None:
    storage = FailingStorage(errno.EIO, refused=frozenset(["write"]))
    run = Run(tmp_path, storage)
    run.add(1)
    waits_ms = []
    for _ in range(8):
        assert not run.writer.commit()
        due_us = run.writer.next_due_us
        assert due_us is not None
        waits_ms.append((due_us - run.clock.monotonic_us()) // 1000)
        run.clock.advance_us(due_us - run.clock.monotonic_us() - 1)
        run.writer.append(Kind.MESSAGE, Priority.URGENT, b"00000", 1)
        assert not run.writer.due(run.clock.monotonic_us())
        run.clock.advance_us(1)
        assert run.writer.due(run.clock.monotonic_us())
    assert waits_ms == [250, 500, 1000, 2000, 4000, 8000, 10_000, 10_000]


def test_the_bound_holds_while_the_disk_stalls(tmp_path: Path) -> None:
    storage = FailingStorage(errno.EIO, refused=frozenset(["datasync"]))
    run = Run(tmp_path, storage)
    run.add(10)
    before = run.writer.buffered_bytes
    for _ in range(5):
        run.writer.commit()
        assert run.writer.buffered_bytes == before


def test_what_a_full_disk_took_of_a_batch_is_cut_off_again(tmp_path: Path) -> None:
    run = Run(tmp_path, FullDisk(tmp_path, room_bytes=400))
    run.add(2)
    assert run.writer.commit()
    durable = run.writer.committed
    run.add(2)
    assert not run.writer.commit()
    assert (tmp_path / "0000000001.seg").stat().st_size == durable.offset == 272
    assert run.writer.committed == durable


def test_records_that_come_during_a_failing_commit_stay_behind_those_it_holds(
    tmp_path: Path,
) -> None:
    arriving = [3, 4]

    def fail_once(operation: Operation) -> None:
        if operation.name == "write" and operation.offset and arriving:
            for number in arriving:
                run.writer.append(Kind.MESSAGE, Priority.READINGS, b"%05d" % number, 1)
            arriving.clear()
            raise OSError(errno.EIO, "Input/output error")

    run = Run(tmp_path, WatchedStorage(fail_once))
    run.add(2)
    assert not run.writer.commit()
    assert run.writer.commit()
    assert stored(tmp_path) == [1, 2, 3, 4]
    assert run.acknowledged == 4
    assert run.writer.buffered_bytes == 0


def test_short_writes_are_completed(tmp_path: Path) -> None:
    class ThreeBytes(WatchedStorage):
        def write(self, fd: int, data: memoryview, offset: int) -> int:
            return super().write(fd, data[:3], offset)

    run = Run(tmp_path, ThreeBytes(lambda operation: None))
    run.add(9)
    assert run.writer.commit()
    assert stored(tmp_path) == list(range(1, 10))


def test_a_full_disk_takes_again_once_old_segments_go(tmp_path: Path) -> None:
    run = Run(tmp_path, FullDisk(tmp_path, room_bytes=3_000))
    limits = Limits(max_bytes=1_000_000, min_free_bytes=0)
    failures = 0
    for _ in range(100):
        run.add(1)
        if run.writer.wants_snapshot:
            run.writer.append(Kind.STATE, Priority.SERVICE, bytes(100), 1)
        if not run.writer.commit():
            failures += 1
            assert run.writer.fault_errno == errno.ENOSPC
            assert make_room(run.writer, limits, forwarded=None)
            assert run.writer.fault is None
    assert failures > 5
    records = list(read_records(tmp_path))
    found = [int(r.body[:5]) for r in records if r.kind == Kind.MESSAGE]
    assert found == sorted(set(found))
    lost = run.writer.metrics.messages_removed
    assert lost + len(found) == 100
    gaps = [gap_of(r) for r in records if r.kind == Kind.GAP]
    assert {gap.reason for gap in gaps} == {"removed"}


def test_on_a_full_disk_what_was_forwarded_goes_and_writing_goes_on_at_once(
    tmp_path: Path,
) -> None:
    run = Run(tmp_path, FullDisk(tmp_path, room_bytes=3_000))
    while run.writer.commit():
        if run.writer.wants_snapshot:
            run.writer.append(Kind.STATE, Priority.SERVICE, bytes(100), 1)
        run.add(1)
    removed = make_room(run.writer, Limits(1_000_000, 0), run.writer.committed)
    assert [(segment.number, segment.messages_lost) for segment in removed] == [(1, 0)]
    assert run.writer.fault is None
    assert run.writer.buffered_bytes == 0


def test_a_read_only_disk_at_the_start_is_a_fault_and_no_refusal(tmp_path: Path) -> None:
    Run(tmp_path, FailingStorage()).spool.close()
    storage = FailingStorage(
        errno.EROFS,
        refused=frozenset(["create", "open_write", "sync_folder", "unlink", "truncate"]),
    )
    run = Run(tmp_path, storage)
    run.add(3)
    assert not run.writer.commit()
    assert run.writer.fault is not None
    storage.refused = frozenset()
    assert run.writer.commit()
    assert stored(tmp_path) == [1, 2, 3]


def test_a_strange_file_with_the_next_name_is_set_aside(tmp_path: Path) -> None:
    run = Run(tmp_path, FailingStorage())
    (tmp_path / "0000000001.seg").write_bytes(b"someone's")
    run.add(1)
    assert run.writer.commit()
    assert (tmp_path / "0000000001.bad").read_bytes() == b"someone's"
    assert stored(tmp_path) == [1]


def test_operations_name_the_file_they_change(tmp_path: Path) -> None:
    seen: list[Operation] = []
    run = Run(tmp_path, WatchedStorage(seen.append))
    run.add(1)
    run.writer.commit()
    assert {operation.path for operation in seen} == {
        tmp_path / "0000000001.seg",
        tmp_path,
        tmp_path.parent,
    }
