"""The reserve: room set apart while there is plenty, given up when the disk is full."""

import errno
import os
from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import (
    FileStorage,
    Kind,
    Limits,
    Priority,
    Reserve,
    SpoolWriter,
    make_room,
    open_spool,
    read_records,
)

from .folders import RECEIVED_US, SMALL, numbers
from .storages import FullDisk

LIMITS = Limits(1_000_000, 0)
SIZE = 4000


def reserve_file(folder: Path) -> Path:
    return folder / "reserve"


def append(writer: SpoolWriter, number: int) -> None:
    writer.append(Kind.MESSAGE, Priority.READINGS, b"%04d" % number, RECEIVED_US)


def test_it_takes_its_size_on_the_disk_and_is_found_again(tmp_path: Path) -> None:
    reserve = Reserve(FileStorage(), tmp_path, SIZE)
    assert not reserve.held
    reserve.renew()
    assert reserve.held
    status = reserve_file(tmp_path).stat()
    assert status.st_size == SIZE
    assert status.st_blocks * 512 >= SIZE
    assert Reserve(FileStorage(), tmp_path, SIZE).held
    assert not list(tmp_path.glob("*.tmp"))


def test_none_is_kept_where_none_is_wanted(tmp_path: Path) -> None:
    reserve = Reserve(FileStorage(), tmp_path, 0)
    reserve.renew()
    assert not reserve.held
    assert not list(tmp_path.iterdir())


def test_a_disk_with_little_room_is_left_alone(tmp_path: Path) -> None:
    storage = FullDisk(tmp_path, room_bytes=4 * SIZE - 1)
    reserve = Reserve(storage, tmp_path, SIZE)
    reserve.renew()
    assert not list(tmp_path.iterdir())
    storage.room_bytes += 1
    reserve.renew()
    assert reserve.held


def test_a_full_disk_frees_it_and_collecting_goes_on_without_a_loss(tmp_path: Path) -> None:
    storage = FullDisk(tmp_path, room_bytes=5 * SIZE)
    reserve = Reserve(storage, tmp_path, SIZE)
    with open_spool(tmp_path, ManualClock(), settings=SMALL, storage=storage) as spool:
        spool.writer.append(Kind.STATE, Priority.SERVICE, b"state", RECEIVED_US)
        assert spool.writer.commit()
        make_room(spool.writer, LIMITS, None, reserve=reserve)
        assert reserve.held
        storage.room_bytes = sum(path.stat().st_size for path in tmp_path.iterdir()) + 30
        append(spool.writer, 1)
        append(spool.writer, 2)
        assert not spool.writer.commit()
        make_room(spool.writer, LIMITS, None, reserve=reserve)
        assert spool.writer.fault is None
        assert spool.writer.buffered_bytes == 0
        assert not reserve.held
        assert reserve.is_given_up
        assert not reserve_file(tmp_path).exists()
        storage.room_bytes += 10 * SIZE
        make_room(spool.writer, LIMITS, None, reserve=reserve)
        assert reserve.held
        assert not reserve.is_given_up
    assert numbers(tmp_path) == [1, 2]
    assert not [r for r in read_records(tmp_path) if r.kind == Kind.GAP]


def test_a_file_system_that_sets_nothing_apart_is_not_asked_each_second(tmp_path: Path) -> None:
    class Refusing(FullDisk):
        asked = 0

        def allocate(self, fd: int, size: int) -> None:
            self.asked += 1
            raise OSError(errno.EOPNOTSUPP, os.strerror(errno.EOPNOTSUPP))

    storage = Refusing(tmp_path, 10 * SIZE)
    reserve = Reserve(storage, tmp_path, SIZE)
    reserve.renew()
    reserve.renew()
    assert (storage.asked, reserve.held) == (1, False)
    assert not list(tmp_path.iterdir())
    storage.room_bytes += SIZE
    reserve.renew()
    assert storage.asked == 2


@pytest.mark.parametrize("size", [1, SIZE - 1])
def test_a_smaller_one_of_an_earlier_configuration_is_made_anew(tmp_path: Path, size: int) -> None:
    reserve_file(tmp_path).write_bytes(bytes(size))
    reserve = Reserve(FileStorage(), tmp_path, SIZE)
    assert not reserve.held
    reserve.renew()
    assert reserve_file(tmp_path).stat().st_size == SIZE
