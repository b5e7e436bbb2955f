"""The start after a stop of any kind: torn ends, half-made files, missing and foreign segments."""

import errno
import os
from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import FileStorage, Kind, Position, Priority, open_spool, read_records, recover
from gateway.spool.errors import NewerFormatError, SpoolFolderError
from gateway.spool.format import HEADER_BYTES, SegmentHeader, pack_header
from gateway.spool.gaps import MISSING, Gap, gap_of

from .folders import RECEIVED_US, SMALL, copy, fill, message_number, numbers, places
from .storages import FailingStorage, WatchedStorage


def newest(folder: Path) -> Path:
    return max(folder.glob("*.seg"))


def test_a_torn_end_at_any_byte_of_the_last_batch(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    fill(whole, 1, 3, state=b"state")
    before = newest(whole).stat().st_size
    fill(whole, 4, 3)
    content = newest(whole).read_bytes()
    ends = {number: record.offset + record.size for number, record in places(whole).items()}
    for size in range(before, len(content)):
        folder = copy(whole, tmp_path / str(size))
        newest(folder).write_bytes(content[:size])
        complete = [number for number, end in ends.items() if end <= size]
        with open_spool(folder, ManualClock(), settings=SMALL) as spool:
            recovery = spool.recovery
            kept = [message_number(r) for r in recovery.records()]
            assert kept == complete
            assert recovery.truncated_bytes == size - max(ends[number] for number in complete)
            assert recovery.snapshot == b"state"
            assert not recovery.salvaged
            assert not recovery.gaps
        fill(folder, 7, 1)
        assert numbers(folder) == [*complete, 7]
        assert not list(folder.glob("*.bad"))


def test_rubbish_behind_the_last_record_is_cut_off(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    size = newest(tmp_path).stat().st_size
    with newest(tmp_path).open("ab") as file:
        file.write(bytes(5000))
    with open_spool(tmp_path, ManualClock()) as spool:
        assert spool.recovery.truncated_bytes == 5000
        assert spool.recovery.end == Position(1, size)
    assert newest(tmp_path).stat().st_size == size
    assert numbers(tmp_path) == [1, 2, 3]


@pytest.mark.parametrize("size", [0, 1, 20, 32])
def test_a_segment_that_was_only_begun_is_removed(tmp_path: Path, size: int) -> None:
    fill(tmp_path, 1, 3, state=b"state")
    (tmp_path / "0000000002.seg").write_bytes(bytes(size))
    (tmp_path / "0000000001.tmp").write_bytes(b"half a salvage")
    with open_spool(tmp_path, ManualClock()) as spool:
        assert spool.recovery.end.segment == 1
        assert spool.recovery.snapshot == b"state"
        assert [path.name for path in tmp_path.iterdir()] == ["0000000001.seg"]


def test_an_empty_next_segment_is_written_on(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    end = newest(tmp_path).stat().st_size
    (tmp_path / "0000000002.seg").write_bytes(pack_header(SegmentHeader(2, 5, end)))
    fill(tmp_path, 4, 1)
    assert numbers(tmp_path) == [1, 2, 3, 4]
    assert places(tmp_path)[4].segment == 2


def test_a_clean_stop_goes_on_in_the_same_segment(tmp_path: Path) -> None:
    fill(tmp_path, 1, 1)
    fill(tmp_path, 2, 1)
    assert [path.name for path in tmp_path.iterdir()] == ["0000000001.seg"]


def test_a_torn_stop_never_gives_a_position_twice(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    lost = places(tmp_path)[3].start
    os.truncate(newest(tmp_path), lost.offset + 5)
    fill(tmp_path, 4, 1)
    assert places(tmp_path)[4].start > lost


def test_only_the_segments_from_the_newest_state_on_are_read(tmp_path: Path) -> None:
    fill(tmp_path, 1, 40)
    fill(tmp_path, 41, 1, state=b"state")
    opened: list[str] = []

    class Watch(FileStorage):
        def read(self, fd: int, size: int, offset: int) -> bytes:
            if size > HEADER_BYTES:
                opened.append(Path(os.readlink(f"/proc/self/fd/{fd}")).name)
            return super().read(fd, size, offset)

    recovery = recover(tmp_path, Watch())
    assert recovery.snapshot == b"state"
    assert [message_number(r) for r in recovery.records()] == [41]
    assert recovery.state is not None
    needed = range(recovery.state.segment, recovery.end.segment + 1)
    assert set(opened) == {f"{number:010d}.seg" for number in needed}
    assert recovery.state.segment > 3


def test_without_a_state_everything_is_read(tmp_path: Path) -> None:
    fill(tmp_path, 1, 40)
    recovery = recover(tmp_path)
    assert recovery.snapshot is None
    assert recovery.wants_snapshot
    assert [message_number(r) for r in recovery.records()] == list(range(1, 41))


def test_a_state_in_an_older_segment_wants_a_new_one(tmp_path: Path) -> None:
    fill(tmp_path, 1, 1, state=b"state")
    assert not recover(tmp_path).wants_snapshot
    fill(tmp_path, 2, 20)
    recovery = recover(tmp_path)
    assert recovery.wants_snapshot
    assert [message_number(r) for r in recovery.records()] == list(range(1, 22))


def test_the_records_of_a_recovery_end_where_writing_began(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2)
    with open_spool(tmp_path, ManualClock()) as spool:
        spool.writer.append(Kind.MESSAGE, Priority.READINGS, b"0003", RECEIVED_US)
        spool.writer.commit()
        assert [message_number(r) for r in spool.recovery.records()] == [1, 2]


def test_what_a_killed_process_left_in_memory_is_synced_before_it_counts(tmp_path: Path) -> None:
    fill(tmp_path, 1, 2)
    names: list[str] = []
    recover(tmp_path, WatchedStorage(lambda operation: names.append(operation.name)))
    assert names == ["sync_folder", "open_write", "datasync", "sync_folder"]


def test_a_missing_segment_is_recorded_as_a_gap_once(tmp_path: Path) -> None:
    fill(tmp_path, 1, 30)
    size = (tmp_path / "0000000002.seg").stat().st_size
    missing = {n for n, record in places(tmp_path).items() if record.segment == 2}
    (tmp_path / "0000000002.seg").unlink()
    expected = Gap(MISSING, 2, HEADER_BYTES, size - HEADER_BYTES)
    for _ in range(3):
        fill(tmp_path, 31, 0)
        gaps = [gap_of(r) for r in read_records(tmp_path) if r.kind == Kind.GAP]
        assert gaps == [expected]
    assert numbers(tmp_path) == [n for n in range(1, 31) if n not in missing]


def test_a_closed_segment_that_was_cut_short_is_a_gap(tmp_path: Path) -> None:
    fill(tmp_path, 1, 30)
    first = tmp_path / "0000000001.seg"
    size = first.stat().st_size
    in_first = [n for n, record in places(tmp_path).items() if record.segment == 1]
    last = places(tmp_path)[in_first[-1]]
    os.truncate(first, last.offset)
    recovery = recover(tmp_path)
    assert [salvage.number for salvage in recovery.salvaged] == [1]
    gaps = [gap_of(r) for r in read_records(tmp_path) if r.kind == Kind.GAP]
    assert [(g.segment, g.offset, g.bytes) for g in gaps] == [(1, last.offset, size - last.offset)]
    assert numbers(tmp_path) == [n for n in range(1, 31) if n != in_first[-1]]
    assert recover(tmp_path).salvaged == ()


def test_bytes_behind_the_stated_end_of_a_segment_are_not_read(tmp_path: Path) -> None:
    fill(tmp_path, 1, 30)
    first = tmp_path / "0000000001.seg"
    second = (tmp_path / "0000000002.seg").read_bytes()
    first.write_bytes(first.read_bytes() + second[HEADER_BYTES:])
    assert numbers(tmp_path) == list(range(1, 31))
    assert recover(tmp_path).salvaged == ()


def test_a_newer_format_does_not_stop_the_collecting(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    size = newest(tmp_path).stat().st_size
    (tmp_path / "0000000002.seg").write_bytes(
        pack_header(SegmentHeader(2, 5, size, version=9)) + bytes(100)
    )
    with open_spool(tmp_path, ManualClock()) as spool:
        assert "format 9" in spool.recovery.problems[0]
        assert [message_number(r) for r in spool.recovery.records()] == [1, 2, 3]
        spool.writer.append(Kind.MESSAGE, Priority.READINGS, b"0004", RECEIVED_US)
        assert spool.writer.commit()
        assert spool.writer.committed.segment == 3
    with pytest.raises(NewerFormatError):
        list(read_records(tmp_path))
    assert (tmp_path / "0000000002.seg").stat().st_size == HEADER_BYTES + 100


def test_an_unreadable_page_costs_the_records_in_it_alone(tmp_path: Path) -> None:
    with open_spool(tmp_path, ManualClock()) as spool:
        for number in range(1, 301):
            body = b"%04d" % number + bytes(60)
            spool.writer.append(Kind.MESSAGE, Priority.READINGS, body, RECEIVED_US)
        spool.writer.commit()

    class BadPage(FileStorage):
        def read(self, fd: int, size: int, offset: int) -> bytes:
            if offset < 12_288 and offset + size > 8192:
                raise OSError(errno.EIO, "Input/output error")
            return super().read(fd, size, offset)

    in_page = [
        number
        for number, record in places(tmp_path).items()
        if record.offset < 12_288 and record.offset + record.size > 8192
    ]
    with open_spool(tmp_path, ManualClock(), storage=BadPage()) as spool:
        (salvage,) = spool.recovery.salvaged
        assert salvage.kept_as.exists()
    assert numbers(tmp_path) == [n for n in range(1, 301) if n not in in_page]


def test_a_disk_that_cannot_be_mended_is_read_around(tmp_path: Path) -> None:
    fill(tmp_path, 1, 5)
    content = bytearray(newest(tmp_path).read_bytes())
    content[places(tmp_path)[3].offset + 22] ^= 1
    newest(tmp_path).write_bytes(content + b"torn")
    storage = FailingStorage(errno.EROFS, refused=frozenset(["create", "truncate", "open_write"]))
    with open_spool(tmp_path, ManualClock(), storage=storage) as spool:
        assert any("stays so for now" in problem for problem in spool.recovery.problems)
        kept = [r for r in spool.recovery.records() if r.kind == Kind.MESSAGE]
        assert [message_number(r) for r in kept] == [1, 2, 4, 5]
        storage.refused = frozenset()
        spool.writer.append(Kind.MESSAGE, Priority.READINGS, b"0006", RECEIVED_US)
        assert spool.writer.commit()
        assert spool.writer.committed.segment == 2
    assert numbers(tmp_path) == [1, 2, 4, 5, 6]


def test_a_folder_that_cannot_be_made_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SpoolFolderError, match="make it, or set another path"):
        open_spool(tmp_path / "file" / "spool", ManualClock())
    with pytest.raises(SpoolFolderError, match="check the path"):
        list(read_records(tmp_path / "nowhere"))
