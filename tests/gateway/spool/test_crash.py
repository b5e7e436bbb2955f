"""A power cut at every point: what was acknowledged is there afterwards, once."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.spool import (
    Kind,
    Limits,
    Priority,
    Spool,
    make_room,
    open_spool,
    read_records,
)

from .crash import RecordingStorage, rebuild
from .folders import RECEIVED_US, SMALL, fill, message_number, numbers, places
from .storages import Operation

MODELS = ("synced", "prefix")


class Session:
    """Writes numbered messages and notes at which operation each was acknowledged."""

    def __init__(self, folder: Path, storage: RecordingStorage) -> None:
        self.acknowledged: list[tuple[int, int]] = []
        self._folder = folder
        self._storage = storage
        self._number = 0
        self._sent: dict[int, int] = {}

    def acknowledge(self, ticket: int) -> None:
        self.acknowledged.append((len(self._storage.operations), self._sent[ticket]))

    def open(self) -> Spool:
        self._sent = {}
        return open_spool(
            self._folder,
            ManualClock(),
            settings=SMALL,
            storage=self._storage,
            on_committed=self.acknowledge,
        )

    def batch(self, spool: Spool, count: int) -> None:
        if spool.writer.wants_snapshot:
            ticket = spool.writer.append(
                Kind.STATE, Priority.SERVICE, b"%04d" % self._number, RECEIVED_US
            )
            self._sent[ticket] = self._number
        for _ in range(count):
            self._number += 1
            body = b"%04d" % self._number + bytes(self._number * 37 % 200)
            ticket = spool.writer.append(Kind.MESSAGE, Priority.READINGS, body, RECEIVED_US)
            self._sent[ticket] = self._number
        spool.writer.commit()

    def acknowledged_at(self, cut: int) -> int:
        return max([number for at, number in self.acknowledged if at <= cut], default=0)


def each_cut(
    start: Path, operations: list[Operation], tmp_path: Path, check: Callable[[Path, int], None]
) -> None:
    for model in MODELS:
        for cut in range(len(operations) + 1):
            folder = tmp_path / "cut" / "spool"
            folder.mkdir(parents=True)
            rebuild(start, operations[:cut], model, folder)
            check(folder, cut)
            shutil.rmtree(tmp_path / "cut")


def test_an_acknowledged_message_is_there_once_after_a_cut_at_any_point(tmp_path: Path) -> None:
    start, folder = tmp_path / "start", tmp_path / "run"
    start.mkdir()
    folder.mkdir()
    storage = RecordingStorage()
    session = Session(folder, storage)
    for sizes in ((1, 3, 2, 5), (4, 1), (2, 8, 1, 1)):
        with session.open() as spool:
            for size in sizes:
                session.batch(spool, size)
    assert session.acknowledged_at(len(storage.operations)) == 28
    assert len(storage.operations) > 60

    def check(rebuilt: Path, cut: int) -> None:
        acknowledged = session.acknowledged_at(cut)
        with open_spool(rebuilt, ManualClock(), settings=SMALL) as spool:
            recovery = spool.recovery
            mended = (recovery.salvaged, recovery.gaps, recovery.problems)
            assert mended == ((), (), ())
            found = numbers(rebuilt)
            assert found == list(range(1, len(found) + 1))
            assert len(found) >= acknowledged
            known = int(recovery.snapshot) if recovery.snapshot else 0
            behind = [message_number(r) for r in recovery.records() if r.kind == Kind.MESSAGE]
            assert behind == list(range(known + 1, len(found) + 1))
        fill(rebuilt, len(found) + 1, 3)
        assert numbers(rebuilt) == [*found, *range(len(found) + 1, len(found) + 4)]

    each_cut(start, storage.operations, tmp_path, check)


def test_a_cut_while_a_failing_disk_is_written_doubles_nothing(tmp_path: Path) -> None:
    start, folder = tmp_path / "start", tmp_path / "run"
    start.mkdir()
    folder.mkdir()

    class Flaky(RecordingStorage):
        """Every fifth sync of a file fails after the fact."""

        syncs = 0

        def datasync(self, fd: int) -> None:
            self.syncs += 1
            if self.syncs % 5 == 0:
                raise OSError(errno.EIO, "Input/output error")
            super().datasync(fd)

    storage = Flaky()
    session = Session(folder, storage)
    with session.open() as spool:
        for size in (1, 3, 2, 5, 4, 1, 2, 8, 1, 1):
            session.batch(spool, size)
        while not spool.writer.commit():
            pass
    assert storage.syncs > 15

    def check(rebuilt: Path, cut: int) -> None:
        open_spool(rebuilt, ManualClock(), settings=SMALL).close()
        found = numbers(rebuilt)
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= session.acknowledged_at(cut)

    each_cut(start, storage.operations, tmp_path, check)


@pytest.mark.parametrize("damaged", [1, 3])
def test_a_cut_while_damage_is_mended_loses_no_more(tmp_path: Path, damaged: int) -> None:
    start, folder = tmp_path / "start", tmp_path / "run"
    fill(start, 1, 25)
    lost = next(n for n, r in places(start).items() if r.segment == damaged and r.offset > 32)
    path = start / f"{damaged:010d}.seg"
    content = bytearray(path.read_bytes())
    content[places(start)[lost].offset + 21] ^= 4
    path.write_bytes(content + b"torn")
    shutil.copytree(start, folder)
    storage = RecordingStorage()
    open_spool(folder, ManualClock(), storage=storage).close()
    assert {"create", "link", "rename"} <= {operation.name for operation in storage.operations}

    def check(rebuilt: Path, cut: int) -> None:
        open_spool(rebuilt, ManualClock()).close()
        assert numbers(rebuilt) == [n for n in range(1, 26) if n != lost]
        gaps = [r for r in read_records(rebuilt) if r.kind == Kind.GAP]
        assert len(gaps) == 1
        assert gaps[0].stored
        assert list(rebuilt.glob("*.bad"))
        assert not list(rebuilt.glob("*.tmp"))

    each_cut(start, storage.operations, tmp_path, check)


def test_a_cut_while_room_is_made_removes_only_from_the_old_end(tmp_path: Path) -> None:
    start, folder = tmp_path / "start", tmp_path / "run"
    fill(start, 1, 60)
    fill(start, 61, 2, state=b"state")
    shutil.copytree(start, folder)
    storage = RecordingStorage()
    with open_spool(folder, ManualClock(), settings=SMALL, storage=storage) as spool:
        removed = make_room(spool.writer, Limits(1500, 0), forwarded=None)
    assert len(removed) > 2

    def check(rebuilt: Path, cut: int) -> None:
        with open_spool(rebuilt, ManualClock(), settings=SMALL) as spool:
            assert spool.recovery.problems == ()
            assert spool.recovery.snapshot == b"state"
        found = numbers(rebuilt)
        assert found == list(range(found[0], 63))

    each_cut(start, storage.operations, tmp_path, check)
