"""Closed segments are read through slowly; what is found damaged is salvaged and told."""

from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import FileStorage, Kind, Position, gap_of, open_spool, read_records
from gateway.spool.inspection import inspect_spool
from gateway.spool.verification import PASS_PERIOD_US, Verifier

from .folders import SMALL, fill, message_number, numbers, places
from .storages import FailingStorage


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    fill(tmp_path, 1, 60)
    return tmp_path


def verifier(folder: Path, clock: ManualClock, step_bytes: int = 100) -> Verifier:
    with open_spool(folder, clock, settings=SMALL) as spool:
        end = spool.writer.committed
    return Verifier(FileStorage(), folder, lambda: end, clock, step_bytes)


def pass_through(verifier: Verifier) -> int:
    """Steps until it rests."""
    steps = 0
    while verifier.step():
        steps += 1
    return steps


def damage(folder: Path, number: int) -> bytes:
    """Flip a bit of a message; returns the segment's bytes."""
    place = places(folder)[number]
    path = folder / f"{place.segment:010d}.seg"
    content = bytearray(path.read_bytes())
    content[place.offset + 21] ^= 4
    path.write_bytes(content)
    return bytes(content)


def closed_bytes(folder: Path) -> int:
    paths = sorted(folder.glob("*.seg"))[:-1]
    return sum(path.stat().st_size - 32 for path in paths)


def test_a_sound_spool_is_read_once_a_day_a_little_at_a_time(
    folder: Path, clock: ManualClock
) -> None:
    reading = verifier(folder, clock)
    steps = pass_through(reading)
    assert reading.bytes == closed_bytes(folder)
    assert steps > closed_bytes(folder) / 200
    assert (reading.passes, reading.damaged) == (1, 0)
    assert reading.passed_utc_us == clock.utc_us()
    assert reading.salvage() == []
    clock.advance_us(PASS_PERIOD_US - 1)
    assert pass_through(reading) == 0
    clock.advance_us(1)
    assert pass_through(reading) == steps
    assert reading.passes == 2


def test_damage_is_found_counted_and_salvaged_and_the_original_kept(
    folder: Path, clock: ManualClock
) -> None:
    reading = verifier(folder, clock)
    original = damage(folder, 5)
    segment = places(folder)[6].segment
    pass_through(reading)
    assert reading.damaged == 1
    assert numbers(folder) == [n for n in range(1, 61) if n != 5]
    (salvage,) = reading.salvage()
    assert salvage.number == segment
    assert (folder / f"{segment:010d}.bad").read_bytes() == original
    assert all(report.sound for report in inspect_spool(folder))
    assert numbers(folder) == [n for n in range(1, 61) if n != 5]
    gaps = [gap_of(r) for r in read_records(folder) if r.kind == Kind.GAP]
    assert [gap.reason for gap in gaps] == ["damaged"]
    assert reading.lost_bytes == gaps[0].bytes
    assert reading.salvage() == []
    clock.advance_us(PASS_PERIOD_US)
    pass_through(reading)
    assert (reading.damaged, reading.passes) == (1, 2)


def test_a_cut_segment_and_a_damaged_header_are_found(folder: Path, clock: ManualClock) -> None:
    reading = verifier(folder, clock)
    cut, headless = folder / "0000000001.seg", folder / "0000000002.seg"
    cut.write_bytes(cut.read_bytes()[:-9])
    headless.write_bytes(b"X" + headless.read_bytes()[1:])
    pass_through(reading)
    assert reading.damaged == 2
    assert {salvage.number for salvage in reading.salvage()} == {1, 2}
    assert all(report.sound for report in inspect_spool(folder))


def test_the_segment_that_is_being_written_is_left_alone(folder: Path, clock: ManualClock) -> None:
    newest = max(places(folder))
    reading = verifier(folder, clock)
    damage(folder, newest)
    pass_through(reading)
    assert reading.damaged == 0


def test_a_removed_segment_is_passed_over(folder: Path, clock: ManualClock) -> None:
    reading = verifier(folder, clock)
    reading.step()
    for number in (1, 2):
        (folder / f"{number:010d}.seg").unlink()
    pass_through(reading)
    assert (reading.passes, reading.damaged) == (1, 0)


def test_a_disk_that_cannot_take_the_salvage_leaves_the_segment_readable(
    folder: Path, clock: ManualClock
) -> None:
    damage(folder, 5)
    storage = FailingStorage(refused=frozenset(["create"]))
    reading = Verifier(storage, folder, lambda: Position(99, 0), clock)
    pass_through(reading)
    assert reading.salvage() == []
    left = [message_number(r) for r in read_records(folder) if r.kind == Kind.MESSAGE]
    assert left == [n for n in range(1, 61) if n != 5]
