"""Making room: the oldest first, what was forwarded before what was not, and nothing silently."""

from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import (
    Kind,
    Limits,
    Position,
    Priority,
    Spool,
    gap_of,
    make_room,
    open_spool,
    read_records,
)

from .folders import RECEIVED_US, SMALL, fill, numbers, places
from .storages import FailingStorage, FullDisk

PLENTY = Limits(max_bytes=1_000_000, min_free_bytes=0)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path, 1, 60)
    fill(tmp_path, 61, 2, state=b"state")
    return tmp_path


def segments(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.seg"))


def open_again(folder: Path) -> Spool:
    return open_spool(folder, ManualClock(), settings=SMALL)


def test_nothing_goes_while_there_is_room(folder: Path) -> None:
    with open_again(folder) as spool:
        assert make_room(spool.writer, PLENTY, Position(99, 0)) == []


def test_forwarded_segments_go_silently_when_the_limit_is_reached(folder: Path) -> None:
    before = segments(folder)
    with open_again(folder) as spool:
        removed = make_room(spool.writer, Limits(1700, 0), Position(99, 0))
        assert [segment.number for segment in removed] == before[: len(removed)]
        assert all(segment.messages_lost == 0 for segment in removed)
        on_disk = sum(path.stat().st_size for path in folder.glob("*.seg"))
        assert spool.writer.total_bytes == on_disk <= 1700
        assert spool.writer.metrics.segments_removed == len(removed)
    assert not [r for r in read_records(folder) if r.kind == Kind.GAP]


def test_low_disk_space_removes_what_was_forwarded_and_nothing_else(folder: Path) -> None:
    used = sum(path.stat().st_size for path in folder.iterdir())
    storage = FullDisk(folder, room_bytes=used + 100)
    with open_spool(folder, ManualClock(), settings=SMALL, storage=storage) as spool:
        assert make_room(spool.writer, Limits(1_000_000, 2000), None) == []
        removed = make_room(spool.writer, Limits(1_000_000, 2000), Position(4, 100))
        assert [segment.number for segment in removed] == [1, 2]


def test_what_was_not_forwarded_is_counted_and_told(folder: Path) -> None:
    all_places = places(folder)
    cursor = all_places[5].start
    with open_again(folder) as spool:
        removed = make_room(spool.writer, Limits(1700, 0), cursor)
        gone = {segment.number for segment in removed}
        lost = [n for n, r in all_places.items() if n >= 5 and r.segment in gone]
        assert sum(segment.messages_lost for segment in removed) == len(lost)
        assert spool.writer.metrics.messages_removed == len(lost)
    gaps = [gap_of(r) for r in read_records(folder) if r.kind == Kind.GAP]
    assert sum(gap.messages or 0 for gap in gaps) == len(lost)
    assert {gap.segment for gap in gaps} == gone
    assert gaps[0].offset == cursor.offset
    assert gaps[0].first_us == RECEIVED_US + 5_000_000
    assert all(gap.reason == "removed" for gap in gaps)
    assert numbers(folder) == list(range(max(lost) + 1, 63))


def test_what_a_restart_needs_stays_whatever_the_limit(folder: Path) -> None:
    with open_again(folder) as spool:
        make_room(spool.writer, Limits(0, 0), None)
        needed = spool.writer.state_segment
        assert needed is not None
        assert segments(folder)[0] == needed
    with open_again(folder) as spool:
        assert spool.recovery.snapshot == b"state"


def test_without_a_state_nothing_is_removed(tmp_path: Path) -> None:
    fill(tmp_path, 1, 60)
    with open_again(tmp_path) as spool:
        assert make_room(spool.writer, Limits(0, 0), Position(99, 0)) == []


def test_the_damaged_original_goes_with_its_segment(folder: Path) -> None:
    path = folder / "0000000001.seg"
    (folder / "0000000001.bad").write_bytes(path.read_bytes())
    (folder / "0000000001.2.bad").write_bytes(path.read_bytes())
    with open_again(folder) as spool:
        make_room(spool.writer, Limits(1700, 0), Position(99, 0))
    assert not list(folder.glob("*.bad"))


def test_a_disk_that_removes_no_name_stops_the_removal_and_tells_no_loss(folder: Path) -> None:
    before = segments(folder)
    storage = FailingStorage(refused=frozenset(["unlink", "rename"]))
    with open_spool(folder, ManualClock(), settings=SMALL, storage=storage) as spool:
        assert make_room(spool.writer, Limits(1700, 0), None) == []
        assert spool.writer.metrics.messages_removed == 0
    assert segments(folder) == before
    assert not [r for r in read_records(folder) if r.kind == Kind.GAP]


def test_a_removal_that_was_told_and_not_finished_is_finished_at_the_start(folder: Path) -> None:
    storage = FailingStorage(refused=frozenset(["unlink"]))
    with open_spool(folder, ManualClock(), settings=SMALL, storage=storage) as spool:
        assert make_room(spool.writer, Limits(1700, 0), None) == []
    assert [path.name for path in folder.glob("*.gone")] == ["0000000001.gone"]
    gaps = [gap_of(r) for r in read_records(folder) if r.kind == Kind.GAP]
    with open_again(folder) as spool:
        assert spool.recovery.problems == spool.recovery.gaps == ()
        assert spool.recovery.total_bytes == sum(p.stat().st_size for p in folder.iterdir())
    assert not list(folder.glob("*.gone"))
    assert [gap_of(r) for r in read_records(folder) if r.kind == Kind.GAP] == gaps
    assert gaps[0].messages == 10


def test_a_removal_that_was_not_told_is_undone_at_the_start(folder: Path) -> None:
    before = numbers(folder)
    (folder / "0000000001.seg").rename(folder / "0000000001.gone")
    with open_again(folder) as spool:
        assert spool.recovery.problems == spool.recovery.gaps == ()
    assert numbers(folder) == before


def test_a_disk_too_full_for_the_record_of_a_loss_gets_room_for_it(folder: Path) -> None:
    with open_again(folder) as spool:
        spool.writer.append(Kind.MESSAGE, Priority.READINGS, bytes(400), 1)
        assert spool.writer.commit()
    used = sum(path.stat().st_size for path in folder.iterdir())
    with open_spool(
        folder, ManualClock(), settings=SMALL, storage=FullDisk(folder, used)
    ) as spool:
        spool.writer.append(Kind.MESSAGE, Priority.READINGS, b"9999", 1)
        assert not spool.writer.commit()
        (removed,) = make_room(spool.writer, Limits(1_000_000, 0), None)
        assert removed.messages_lost == 10
        assert spool.writer.fault is None
    assert not list(folder.glob("*.gone"))
    (gap,) = [gap_of(r) for r in read_records(folder) if r.kind == Kind.GAP]
    assert (gap.reason, gap.segment, gap.messages) == ("removed", 1, 10)
