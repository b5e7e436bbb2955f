"""Thinning: what is missed least goes first, all else stays where it was, and it is told."""

import itertools
import random
from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import (
    FileStorage,
    Kind,
    Limits,
    Position,
    Priority,
    Removed,
    Spool,
    SpoolReader,
    Storage,
    Thinner,
    WriterSettings,
    gap_of,
    make_room,
    open_spool,
    read_records,
)
from gateway.spool.format import HEADER_BYTES, Record
from gateway.spool.gaps import Account, accounts_of
from gateway.spool.inspection import inspect_spool
from gateway.spool.salvage import salvage_segment
from gateway.spool.segments import list_segments

from .cuts import each_cut, image_of, recorder_of
from .folders import RECEIVED_US, copy
from .storages import FailingStorage

SETTINGS = WriterSettings(segment_bytes=3000)
COUNT = 200
PRIORITIES = (
    *[Priority.WAVEFORM] * 2,
    *[Priority.READINGS] * 4,
    Priority.SERVICE,
    Priority.URGENT,
)


def priority_of(number: int) -> Priority:
    return PRIORITIES[number % len(PRIORITIES)]


def account(record: Record) -> Account:
    """Two nodes take turns; a sample each."""
    number = int(record.body[:4])
    return Account(f"node-{number % 2}", 7, number, number, 1)


def open_again(folder: Path, storage: Storage | None = None) -> Spool:
    return open_spool(folder, ManualClock(), settings=SETTINGS, storage=storage)


def shrink(folder: Path, share: float, storage: Storage | None = None) -> tuple[Spool, int]:
    """Make room until the spool has `share` of its size; returns it with its messages thinned."""
    with open_again(folder, storage) as spool:
        limits = Limits(round(spool.writer.total_bytes * share / 0.95), 0)
        thinner = Thinner(spool.writer.storage, folder, account)
        assert make_room(spool.writer, limits, None, thinner=thinner) == []
        assert spool.writer.total_bytes == sum(p.stat().st_size for p in folder.glob("*.seg"))
        assert spool.writer.total_bytes <= 0.95 * limits.max_bytes
        return spool, spool.writer.metrics.messages_thinned


def messages(folder: Path) -> dict[int, Record]:
    return {int(r.body[:4]): r for r in read_records(folder) if r.kind == Kind.MESSAGE}


def gaps(folder: Path) -> list[Record]:
    return [r for r in read_records(folder) if r.kind == Kind.GAP]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Numbered messages of all priorities, then a state: the segments before it may shrink."""
    folder = tmp_path / "spool"
    folder.mkdir()
    with open_again(folder) as spool:
        for number in range(COUNT):
            body = b"%04d" % number + bytes(60 + number * 37 % 100)
            spool.writer.append(Kind.MESSAGE, priority_of(number), body, RECEIVED_US + number)
        spool.writer.append(Kind.STATE, Priority.SERVICE, bytes(2500), RECEIVED_US + COUNT)
        assert spool.writer.commit()
    return folder


@pytest.mark.parametrize("share", [0.99, 0.95, 0.9, 0.8, 0.7, 0.6, 0.5])
def test_waveforms_go_first_then_readings_and_nothing_else(folder: Path, share: float) -> None:
    _, thinned = shrink(folder, share)
    left = messages(folder)
    gone = set(range(COUNT)) - set(left)
    assert len(gone) == thinned > 0
    assert {priority_of(n) for n in gone} <= {Priority.WAVEFORM, Priority.READINGS}
    newest = list_segments(FileStorage(), folder)[-1]
    may_go = {n for n in range(COUNT) if n not in left or left[n].segment < newest}
    waveforms = {n for n in may_go if priority_of(n) == Priority.WAVEFORM}
    readings_gone = {n for n in gone if priority_of(n) == Priority.READINGS}
    if readings_gone:
        assert waveforms <= gone
    oldest_first = sorted(n for n in may_go if priority_of(n) == Priority.WAVEFORM)
    assert sorted(waveforms & gone) == oldest_first[: len(waveforms & gone)]


def test_what_stays_keeps_its_place_and_the_gaps_fill_the_rest(folder: Path) -> None:
    before = {r.start: r for r in read_records(folder)}
    _, thinned = shrink(folder, 0.5)
    after = list(read_records(folder))
    for record in after:
        if record.kind != Kind.GAP:
            assert before[record.start] == record
    for left, right in itertools.pairwise(after):
        assert right.start in (left.end, Position(left.segment + 1, 32))
    told = [gap_of(record) for record in gaps(folder)]
    assert {gap.reason for gap in told} == {"thinned"}
    assert sum(gap.messages or 0 for gap in told) == thinned
    for record, gap in zip(gaps(folder), told, strict=True):
        covered = [r for p, r in before.items() if record.start <= p < record.end]
        assert gap.messages == len(covered)
        assert gap.bytes == sum(r.size for r in covered)
        assert gap.first_us == covered[0].received_us
        assert gap.last_us == covered[-1].received_us


def test_a_reader_goes_on_from_any_place_as_it_would_have_before(folder: Path) -> None:
    places = [r.start for r in read_records(folder)]
    shrink(folder, 0.5)
    after = list(read_records(folder))
    end = after[-1].end
    for place in places:
        reader = SpoolReader(folder, place, lambda: end)
        read = []
        while records := reader.read(500):
            read += records
        reader.close()
        expected = [r for r in after if r.end > place]
        assert [r.end for r in read] == [r.end for r in expected]
        assert read[0].start == max(place, expected[0].start)
        assert reader.position == end
        assert list(read_records(folder, place)) == read
        if read[0].start > expected[0].start:
            assert gap_of(read[0]).messages is None
            assert gap_of(read[0]).bytes == read[0].size


def test_a_reader_in_the_middle_of_a_segment_is_not_disturbed(folder: Path) -> None:
    whole = list(read_records(folder))
    end = whole[-1].end
    reader = SpoolReader(folder, None, lambda: end)
    read = reader.read(500)
    shrink(folder, 0.5)
    while records := reader.read(500):
        read += records
    reader.close()
    first = [r for r in whole if r.segment == 1]
    assert read[: len(first)] == first
    assert read[-1].end == end


def test_the_gaps_say_whose_messages_they_stand_for(folder: Path) -> None:
    shrink(folder, 0.9)
    shrink(folder, 0.5)
    left = messages(folder)
    gone = [n for n in range(COUNT) if n not in left]
    found = [a for record in gaps(folder) for a in accounts_of(record.body)]
    assert sum(a.samples for a in found) == len(gone)
    for name in ("node-0", "node-1"):
        own = [n for n in gone if f"node-{n % 2}" == name]
        assert min(a.first for a in found if a.node == name) == own[0]
        assert max(a.last for a in found if a.node == name) == own[-1]


def test_forwarded_segments_go_whole_before_anything_unsent_is_thinned(folder: Path) -> None:
    with open_again(folder) as spool:
        limits = Limits(round(spool.writer.total_bytes * 0.8), 0)
        thinner = Thinner(spool.writer.storage, folder, account)
        removed = make_room(spool.writer, limits, Position(99, 0), thinner=thinner)
        assert removed
        assert all(segment.messages_lost == 0 for segment in removed)
    assert not gaps(folder)


def test_the_segment_that_is_being_sent_and_what_a_restart_needs_stay_whole(folder: Path) -> None:
    with open_again(folder) as spool:
        limits = Limits(round(spool.writer.total_bytes * 0.6), 0)
        thinner = Thinner(spool.writer.storage, folder, account)
        make_room(spool.writer, limits, Position(2, 100), thinner=thinner)
    levels = {report.number: report.level for report in inspect_spool(folder)}
    newest = max(levels)
    assert {number for number in levels if levels[number] is None} >= {1, 2, newest}
    assert levels[3] == Priority.READINGS + 1


def test_what_went_out_ahead_of_older_data_is_not_thinned(folder: Path) -> None:
    """The forwarder sends the newest first: here it has sent segments 5 and up, and half of 4."""

    def unsent(number: int) -> list[tuple[int, int | None]]:
        return [(32, None)] if number < 4 else [(32, 1500)] if number == 4 else []

    with open_again(folder) as spool:
        limits = Limits(round(spool.writer.total_bytes * 0.95), 0)
        thinner = Thinner(spool.writer.storage, folder, account)
        make_room(spool.writer, limits, Position(1, 0), unsent, thinner)
    levels = {report.number: report.level for report in inspect_spool(folder)}
    assert {number for number in levels if levels[number] is not None} == {2, 3}


def test_when_nothing_can_be_thinned_the_oldest_segments_go_and_the_gap_tells_all(
    folder: Path,
) -> None:
    whole = messages(folder)
    with open_again(folder) as spool:
        thinner = Thinner(spool.writer.storage, folder, account)
        removed = make_room(spool.writer, Limits(3500, 0), None, thinner=thinner)
        assert [segment.number for segment in removed] == list(range(1, len(removed) + 1))
        metrics = spool.writer.metrics
        lost = metrics.messages_thinned + metrics.messages_removed
    gone = set(whole) - set(messages(folder))
    assert metrics.messages_removed > 0
    assert len(gone) == lost
    assert sum(gap_of(r).messages or 0 for r in gaps(folder)) == lost


def test_in_the_background_one_is_asked_for_and_taken_when_it_is_ready(folder: Path) -> None:
    with open_again(folder) as spool:
        limits = Limits(round(spool.writer.total_bytes * 0.99), 0)
        thinner = Thinner(spool.writer.storage, folder, account)
        thinner.background = True

        def room() -> list[Removed]:
            return make_room(spool.writer, limits, None, thinner=thinner)

        assert room() == []
        assert spool.writer.metrics.segments_thinned == 0
        assert thinner.work()
        assert room() == []
        assert spool.writer.metrics.segments_thinned == 1
        while thinner.work():
            assert room() == []
        assert spool.writer.total_bytes <= 0.95 * limits.max_bytes
    assert not list(folder.glob("*.tmp"))


def test_a_disk_that_cannot_take_the_thinned_segment_loses_nothing(folder: Path) -> None:
    before = messages(folder)
    storage = FailingStorage(refused=frozenset(["create"]))
    with open_again(folder, storage) as spool:
        limits = Limits(round(spool.writer.total_bytes * 1.02), 0)
        thinner = Thinner(storage, folder, account)
        assert make_room(spool.writer, limits, None, thinner=thinner) == []
        assert spool.writer.metrics.messages_thinned == 0
    assert messages(folder) == before


def test_a_damaged_segment_is_not_thinned_before_it_is_salvaged(folder: Path) -> None:
    path = folder / "0000000001.seg"
    content = bytearray(path.read_bytes())
    content[40] ^= 1
    path.write_bytes(content)
    with open_again(folder) as spool:
        limits = Limits(round(spool.writer.total_bytes * 0.9), 0)
        make_room(
            spool.writer, limits, None, thinner=Thinner(spool.writer.storage, folder, account)
        )
    assert path.read_bytes() == content


def test_a_cut_at_any_point_of_thinning_leaves_each_segment_whole_or_thinned(
    folder: Path, tmp_path: Path
) -> None:
    start, whole = image_of(folder), messages(folder)
    recorder = recorder_of(tmp_path, start)
    with recorder.watching():
        shrink(recorder.root, 0.6)
    thinned = messages(recorder.root)
    assert len(thinned) < len(whole)

    def check(rebuilt: Path, cut: int) -> None:
        with open_again(rebuilt) as spool:
            assert spool.recovery.problems == ()
            assert spool.recovery.salvaged == ()
        found = messages(rebuilt)
        assert thinned.items() <= found.items() <= whole.items()
        lost = sum(gap_of(r).messages or 0 for r in gaps(rebuilt))
        assert len(found) + lost == COUNT
        assert not list(rebuilt.glob("*.tmp"))

    each_cut(start, recorder, check)


def test_a_thinned_segment_that_is_cut_short_tells_what_it_lacks(
    folder: Path, tmp_path: Path
) -> None:
    shrink(folder, 0.5)
    whole = [r for r in read_records(folder) if r.segment == 1]
    path = folder / "0000000001.seg"
    content = path.read_bytes()
    for size in range(HEADER_BYTES, len(content)):
        path.write_bytes(content[:size])
        read = [r for r in read_records(folder) if r.segment == 1]
        assert read[-1].end == whole[-1].end
        assert not read[-1].stored
        assert set(read[:-1]) <= set(whole)
    assert not next(iter(inspect_spool(folder))).sound


def test_damage_of_a_thinned_segment_costs_what_it_hit_and_moves_nothing(
    folder: Path, tmp_path: Path
) -> None:
    shrink(folder, 0.5)
    whole = {r.start: r for r in read_records(folder)}
    seed = 20_240_607
    print("seed", seed)
    chance = random.Random(seed)
    path = folder / "0000000001.seg"
    content = path.read_bytes()
    for round_number in range(120):
        damaged = bytearray(content)
        at = chance.randrange(len(content))
        damaged[at] ^= 1 << chance.randrange(8)
        hurt = copy(folder, tmp_path / f"hurt-{round_number}")
        (hurt / path.name).write_bytes(damaged)
        read = list(read_records(hurt))
        sound = [r for r in read if r.stored]
        assert all(whole[r.start] == r for r in sound)
        assert len(sound) >= len(whole) - 1
        reports = [r for r in inspect_spool(hurt) if not r.sound]
        if len(sound) == len(whole):
            continue
        assert [report.number for report in reports] == [1]
        (lost,) = [r for p, r in whole.items() if p not in {s.start for s in sound}]
        (stretch,) = reports[0].damage
        assert (stretch.offset, stretch.size) == (lost.offset, lost.size)


def test_a_damaged_thinned_segment_is_salvaged_at_its_places(folder: Path) -> None:
    shrink(folder, 0.5)
    whole = {r.start: r for r in read_records(folder)}
    path = folder / "0000000001.seg"
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 16
    path.write_bytes(content)
    (report,) = [r for r in inspect_spool(folder) if not r.sound]
    salvage_segment(FileStorage(), folder, report)
    assert all(report.sound for report in inspect_spool(folder))
    assert (folder / "0000000001.bad").read_bytes() == content
    left = {r.start: r for r in read_records(folder) if r.kind != Kind.GAP}
    assert left.items() <= whole.items()
    assert len(left) >= len([r for r in whole.values() if r.kind != Kind.GAP]) - 1
    assert "damaged" in {gap_of(r).reason for r in gaps(folder)}


def test_a_log_whose_newest_segment_is_thinned_goes_on_in_a_new_one(folder: Path) -> None:
    shrink(folder, 0.5)
    newest = list_segments(FileStorage(), folder)[-1]
    for number in range(3, newest + 1):
        (folder / f"{number:010d}.seg").unlink()
    before = messages(folder)
    with open_again(folder) as spool:
        spool.writer.append(Kind.MESSAGE, Priority.SERVICE, b"9999", RECEIVED_US)
        assert spool.writer.commit()
        assert spool.writer.committed.segment == 3
    assert {k: v for k, v in messages(folder).items() if k != 9999} == before
