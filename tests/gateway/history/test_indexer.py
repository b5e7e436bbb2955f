"""The indexer reads a little at a time, whatever is committed, and nothing depends on it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from collecting import Collecting
from manual_clock import ManualClock

from gateway.history.indexer import Indexer
from gateway.history.trend import Trends
from gateway.spool import FileStorage, Kind, Position, Priority, WriterSettings, open_spool

from .recorded import board, finish, record

Collect = Callable[..., Collecting]


class CountingStorage(FileStorage):
    """Counts the bytes that are read."""

    def __init__(self) -> None:
        self.bytes_read = 0

    def read(self, fd: int, size: int, offset: int) -> bytes:
        data = super().read(fd, size, offset)
        self.bytes_read += len(data)
        return data


@pytest.fixture
def recorded(collect: Collect) -> Collecting:
    """Some segments of a megabyte."""
    peer = board()
    collecting = collect(peer, segment_mb=1)
    record(collecting, peer, 10, seed=6)
    n = 1000
    while collecting.gateway.writer.committed.segment < 4:
        for _ in range(100):
            n += 1
            assert collecting.receive(peer.readings([[n % 9, 5]] * 400, t_ms=n * 20_000)) == [True]
        collecting.commit()
    return collecting


def indexes(folder: Path) -> list[int]:
    return sorted(int(path.stem) for path in folder.glob("*.idx"))


def test_it_reads_a_little_at_a_time(recorded: Collecting) -> None:
    storage = CountingStorage()
    writer = recorded.gateway.writer
    indexer = Indexer(storage, writer.folder, lambda: writer.committed, step_bytes=8192)
    indexer.step()
    most = 0
    before = storage.bytes_read
    while indexer.step():
        most = max(most, storage.bytes_read - before)
        before = storage.bytes_read
    assert most < 192 * 1024  # the first look for the STATE of a segment included
    assert indexes(writer.folder) == [1, 2, 3]
    assert (indexer.written, indexer.behind) == (3, 0)


def test_the_newest_segments_come_first(recorded: Collecting) -> None:
    writer = recorded.gateway.writer
    indexer = Indexer(FileStorage(), writer.folder, lambda: writer.committed)
    order: list[int] = []
    while indexer.step():
        order += [n for n in indexes(writer.folder) if n not in order]
    assert order == [3, 2, 1]


def test_what_is_not_committed_is_not_indexed(collect: Collect) -> None:
    peer = board()
    collecting = collect(peer)
    writer = collecting.gateway.writer
    indexer = Indexer(FileStorage(), writer.folder, lambda: writer.committed)
    finish(indexer)
    collecting.receive(peer.hello(), peer.readings())
    finish(indexer)
    assert not list(indexer.live.aggregate.series())
    collecting.commit()
    finish(indexer)
    assert len(list(indexer.live.aggregate.series())) == 1


def test_it_follows_a_spool_from_before_its_first_record(tmp_path: Path) -> None:
    peer = board()
    traffic = [peer.hello(), *(peer.readings([[n, n]] * 50, t_ms=n * 5000) for n in range(40))]
    settings = WriterSettings(segment_bytes=4000)
    with open_spool(tmp_path, ManualClock(), settings=settings) as spool:
        indexer = Indexer(FileStorage(), tmp_path, lambda: spool.writer.committed)
        assert not indexer.step()
        for message in traffic:
            spool.writer.append(Kind.MESSAGE, Priority.READINGS, message, 1)
            assert spool.writer.commit()
        finish(indexer)
        last = spool.writer.committed.segment
    assert indexer.failures == 0
    assert indexes(tmp_path) == list(range(1, last))


def test_a_disk_that_takes_no_index_stops_nothing(recorded: Collecting) -> None:
    class Refusing(FileStorage):
        refuses = True

        def create(self, path: Path) -> int:
            if self.refuses:
                raise OSError(28, "No space left on device")
            return super().create(path)

    storage = Refusing()
    writer = recorded.gateway.writer
    indexer = Indexer(storage, writer.folder, lambda: writer.committed)
    for _ in range(500):
        indexer.step()
    assert indexer.failures > 0
    assert (indexes(writer.folder), indexer.behind) == ([], 3)
    assert list(indexer.live.aggregate.series())
    again = Indexer(FileStorage(), writer.folder, lambda: writer.committed)
    finish(again)
    assert indexes(writer.folder) == [1, 2, 3]


def test_a_segment_that_is_removed_meanwhile_leaves_no_index(recorded: Collecting) -> None:
    writer = recorded.gateway.writer

    class Removing(FileStorage):
        def rename(self, old: Path, new: Path) -> None:
            new.with_suffix(".seg").unlink()
            super().rename(old, new)

    indexer = Indexer(Removing(), writer.folder, lambda: Position(4, writer.committed.offset))
    finish(indexer)
    assert indexes(writer.folder) == []


def test_an_index_that_was_being_written_is_tidied_away(recorded: Collecting) -> None:
    folder = recorded.gateway.writer.folder
    (folder / "0000000001.idx.tmp").write_bytes(b"half")
    recorded.close()
    Collecting(recorded.folder, recorded.boards, recorded.clock).close()
    assert not list(folder.glob("*.tmp"))


def test_an_index_is_small_beside_its_segment(recorded: Collecting) -> None:
    writer = recorded.gateway.writer
    indexer = Indexer(FileStorage(), writer.folder, lambda: writer.committed)
    finish(indexer)
    assert Trends(writer.folder, indexer=indexer).channels("motors-a")[1][1].place == "motor 2"
    for number in indexes(writer.folder):
        segment = (writer.folder / f"{number:010d}.seg").stat().st_size
        assert (writer.folder / f"{number:010d}.idx").stat().st_size < segment / 5
