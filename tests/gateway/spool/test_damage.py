"""Bytes that rot: every other record is kept, the damaged file too, and the gap is told."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.spool import FileStorage, Kind, Position, open_spool, read_records
from gateway.spool.format import RECORD_BYTES, Record
from gateway.spool.gaps import DAMAGED, gap_of
from gateway.spool.inspection import inspect_segment
from gateway.spool.salvage import salvage_segment

from .folders import SMALL, copy, fill, message_number, numbers, places
from .storages import FailingStorage, WatchedStorage

LAST = 25


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "spool"
    fill(folder, 1, LAST)
    assert len(list(folder.iterdir())) == 3
    return folder


def flip(path: Path, offset: int, mask: int = 1) -> None:
    content = bytearray(path.read_bytes())
    content[offset] ^= mask
    path.write_bytes(content)


@pytest.mark.parametrize("segment", [1, 2, 3])
def test_a_flipped_bit_anywhere_costs_its_record_alone(
    whole: Path, tmp_path: Path, segment: int
) -> None:
    records = {n: record for n, record in places(whole).items() if record.segment == segment}
    path = whole / f"{segment:010d}.seg"
    for offset in range(path.stat().st_size):
        folder = copy(whole, tmp_path / str(offset))
        flip(folder / path.name, offset, 1 << offset % 8)
        hit = [n for n, r in records.items() if r.offset <= offset < r.offset + r.size]
        expected = [n for n in range(1, LAST + 1) if n not in hit]
        assert numbers(folder) == expected, f"read around offset {offset}"
        with open_spool(folder, ManualClock(), settings=SMALL) as spool:
            recovery = spool.recovery
        assert numbers(folder) == expected, f"salvaged at offset {offset}"
        torn = hit == [LAST]
        assert recovery.truncated_bytes == (places(whole)[LAST].size if torn else 0)
        damaged = [] if torn else [folder / f"{segment:010d}.bad"]
        assert list(folder.glob("*.bad")) == damaged
        assert [salvage.kept_as for salvage in recovery.salvaged] == damaged
        gaps = [gap_of(record) for record in read_records(folder) if record.kind == Kind.GAP]
        assert [(gap.reason, gap.segment, gap.offset, gap.bytes) for gap in gaps] == [
            (DAMAGED, segment, records[n].offset, records[n].size) for n in hit if not torn
        ]
        again = places(folder)
        assert all(again[n].start == records[n].start for n in records if n in again)


def test_the_damaged_file_is_kept_as_it_was(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path / "spool")
    flip(folder / "0000000002.seg", 100)
    damaged = (folder / "0000000002.seg").read_bytes()
    open_spool(folder, ManualClock()).close()
    assert (folder / "0000000002.bad").read_bytes() == damaged
    assert (folder / "0000000002.seg").read_bytes() != damaged


def test_a_second_damage_keeps_both_files(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path / "spool")
    for offset in (100, 300):
        flip(folder / "0000000002.seg", offset)
        open_spool(folder, ManualClock()).close()
    assert sorted(path.name for path in folder.glob("*.bad")) == [
        "0000000002.2.bad",
        "0000000002.bad",
    ]


@settings(max_examples=150, deadline=None)
@given(
    stretches=st.lists(
        st.tuples(
            st.integers(1, 3), st.integers(0, 599), st.integers(1, 300), st.integers(0, 255)
        ),
        min_size=1,
        max_size=4,
    )
)
def test_overwritten_stretches_cost_the_records_they_touch_alone(
    whole: Path,
    tmp_path_factory: pytest.TempPathFactory,
    stretches: list[tuple[int, int, int, int]],
) -> None:
    folder = copy(whole, tmp_path_factory.mktemp("damaged") / "spool")
    changed: set[Position] = set()
    for segment, start, size, byte in stretches:
        path = folder / f"{segment:010d}.seg"
        content = bytearray(path.read_bytes())
        for offset in range(start, min(start + size, len(content))):
            if content[offset] != byte:
                content[offset] = byte
                changed.add(Position(segment, offset))
        path.write_bytes(content)
    original = {path.name: path.read_bytes() for path in whole.iterdir()}

    def untouched(record: Record) -> bool:
        name = f"{record.segment:010d}.seg"
        here = slice(record.offset, record.offset + record.size)
        return (folder / name).read_bytes()[here] == original[name][here]

    expected = [n for n, record in places(whole).items() if untouched(record)]
    with open_spool(folder, ManualClock(), settings=SMALL) as spool:
        assert spool.recovery.problems == ()
    assert numbers(folder) == expected
    with open_spool(folder, ManualClock(), settings=SMALL) as spool:
        assert spool.recovery.salvaged == ()
    assert numbers(folder) == expected


def test_a_whole_segment_of_rubbish_is_one_gap_as_large(tmp_path: Path) -> None:
    with open_spool(tmp_path, ManualClock()) as spool:
        for number in range(2000):
            spool.writer.append(Kind.MESSAGE, 1, b"%04d" % number + bytes(96), 1)
        spool.writer.commit()
    path = tmp_path / "0000000001.seg"
    content = path.read_bytes()
    last = places(tmp_path)[1999]
    path.write_bytes(
        content[:32] + b"\xf1\xa5" * ((last.offset - 32) // 2) + content[last.offset :]
    )
    open_spool(tmp_path, ManualClock()).close()
    gaps = [gap_of(record) for record in read_records(tmp_path) if record.kind == Kind.GAP]
    assert sum(gap.bytes for gap in gaps) == last.offset - 32
    assert numbers(tmp_path) == [1999]


def test_a_header_alone_can_be_made_anew(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path / "spool")
    for segment in (1, 2, 3):
        flip(folder / f"{segment:010d}.seg", 3)
    open_spool(folder, ManualClock()).close()
    assert numbers(folder) == list(range(1, LAST + 1))
    for segment in (1, 2, 3):
        report = inspect_segment(FileStorage(), folder, segment, newest=segment == 3)
        assert report.sound


def test_a_spool_without_its_header_and_records_tells_the_loss(tmp_path: Path) -> None:
    fill(tmp_path, 1, 3)
    path = tmp_path / "0000000001.seg"
    size = path.stat().st_size
    path.write_bytes(bytes(size))
    open_spool(tmp_path, ManualClock()).close()
    (gap,) = [gap_of(record) for record in read_records(tmp_path)]
    assert (gap.reason, gap.segment, gap.bytes) == (DAMAGED, 1, size - 32)
    assert (tmp_path / "0000000001.bad").stat().st_size == size


@pytest.mark.parametrize("operation", ["create", "write", "datasync", "link", "rename"])
def test_a_salvage_that_fails_changes_nothing(whole: Path, tmp_path: Path, operation: str) -> None:
    folder = copy(whole, tmp_path / "spool")
    flip(folder / "0000000001.seg", 100)
    report = inspect_segment(FileStorage(), folder, 1, newest=False)
    before = (folder / "0000000001.seg").read_bytes()
    with pytest.raises(OSError, match="Input/output"):
        salvage_segment(FailingStorage(refused=frozenset([operation])), folder, report)
    assert (folder / "0000000001.seg").read_bytes() == before
    salvage_segment(FileStorage(), folder, report)
    assert inspect_segment(FileStorage(), folder, 1, newest=False).sound


def test_a_salvage_is_durable_when_it_returns(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path / "spool")
    flip(folder / "0000000001.seg", 100)
    report = inspect_segment(FileStorage(), folder, 1, newest=False)
    names: list[str] = []
    salvage_segment(WatchedStorage(lambda op: names.append(op.name)), folder, report)
    assert names == ["create", "write", "datasync", "link", "rename", "sync_folder"]


def test_a_file_system_without_links_gets_a_copy(whole: Path, tmp_path: Path) -> None:
    folder = copy(whole, tmp_path / "spool")
    flip(folder / "0000000001.seg", 100)
    damaged = (folder / "0000000001.seg").read_bytes()
    report = inspect_segment(FileStorage(), folder, 1, newest=False)
    storage = FailingStorage(code=1, refused=frozenset(["link"]))
    kept_as = salvage_segment(storage, folder, report).kept_as
    assert kept_as.read_bytes() == damaged
    assert report.damage[0].size > RECORD_BYTES
    assert message_number(next(iter(read_records(folder)))) == 1
