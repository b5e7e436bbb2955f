"""A power cut at every point: what was acknowledged is there afterwards, once."""

import errno
from pathlib import Path

import pytest
from manual_clock import ManualClock
from power_cuts.disk import Operation
from power_cuts.recorder import Recorder

from gateway.spool import (
    Kind,
    Limits,
    Priority,
    Spool,
    gap_of,
    make_room,
    open_spool,
    read_records,
)

from .cuts import each_cut, image_of, recorder_of
from .folders import RECEIVED_US, SMALL, fill, message_number, numbers, places


class Session:
    """Writes numbered messages and notes at which operation each was acknowledged."""

    def __init__(self, recorder: Recorder) -> None:
        self.acknowledged: list[tuple[int, int]] = []
        self._recorder = recorder
        self._number = 0
        self._sent: dict[int, int] = {}

    def acknowledge(self, ticket: int) -> None:
        self.acknowledged.append((len(self._recorder.operations), self._sent[ticket]))

    def open(self) -> Spool:
        self._sent = {}
        return open_spool(
            self._recorder.root,
            ManualClock(),
            settings=SMALL,
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


def test_an_acknowledged_message_is_there_once_after_a_cut_at_any_point(tmp_path: Path) -> None:
    recorder = recorder_of(tmp_path)
    session = Session(recorder)
    for sizes in ((1, 3, 2, 5), (4, 1), (2, 8, 1, 1)):
        with recorder.watching(), session.open() as spool:
            for size in sizes:
                session.batch(spool, size)
    assert session.acknowledged_at(len(recorder.operations)) == 28
    assert len(recorder.operations) > 60

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

    each_cut({}, recorder, check)


def test_a_cut_while_a_failing_disk_is_written_doubles_nothing(tmp_path: Path) -> None:
    recorder = recorder_of(tmp_path)
    session = Session(recorder)
    syncs = 0

    def refuse_some(operation: Operation) -> None:
        nonlocal syncs
        syncs += operation.name == "sync"
        if operation.name == "sync" and syncs % 5 == 0:
            raise OSError(errno.EIO, "Input/output error")

    recorder.before = refuse_some
    with recorder.watching(), session.open() as spool:
        for size in (1, 3, 2, 5, 4, 1, 2, 8, 1, 1):
            session.batch(spool, size)
        while not spool.writer.commit():
            pass
    assert syncs > 15

    def check(rebuilt: Path, cut: int) -> None:
        open_spool(rebuilt, ManualClock(), settings=SMALL).close()
        found = numbers(rebuilt)
        assert found == list(range(1, len(found) + 1))
        assert len(found) >= session.acknowledged_at(cut)

    each_cut({}, recorder, check)


@pytest.mark.parametrize("damaged", [1, 3])
def test_a_cut_while_damage_is_mended_loses_no_more(tmp_path: Path, damaged: int) -> None:
    start = tmp_path / "start"
    fill(start, 1, 25)
    lost = next(n for n, r in places(start).items() if r.segment == damaged and r.offset > 32)
    path = start / f"{damaged:010d}.seg"
    content = bytearray(path.read_bytes())
    content[places(start)[lost].offset + 21] ^= 4
    path.write_bytes(content + b"torn")
    recorder = recorder_of(tmp_path, image_of(start))
    with recorder.watching():
        open_spool(recorder.root, ManualClock()).close()
    assert {"create", "link", "rename"} <= {operation.name for operation in recorder.operations}

    def check(rebuilt: Path, cut: int) -> None:
        open_spool(rebuilt, ManualClock()).close()
        assert numbers(rebuilt) == [n for n in range(1, 26) if n != lost]
        gaps = [r for r in read_records(rebuilt) if r.kind == Kind.GAP]
        assert len(gaps) == 1
        assert gaps[0].stored
        assert list(rebuilt.glob("*.bad"))
        assert not list(rebuilt.glob("*.tmp"))

    each_cut(image_of(start), recorder, check)


def test_a_cut_while_room_is_made_hides_no_removal(
    tmp_path: Path,
) -> None:
    start = tmp_path / "start"
    fill(start, 1, 60)
    fill(start, 61, 2, state=b"state")
    recorder = recorder_of(tmp_path, image_of(start))
    with (
        recorder.watching(),
        open_spool(recorder.root, ManualClock(), settings=SMALL) as spool,
    ):
        removed = make_room(spool.writer, Limits(1500, 0), forwarded=None)
    assert len(removed) > 2

    def check(rebuilt: Path, cut: int) -> None:
        with open_spool(rebuilt, ManualClock(), settings=SMALL) as spool:
            assert spool.recovery.problems == ()
            assert spool.recovery.snapshot == b"state"
        found = numbers(rebuilt)
        assert found == list(range(found[0], 63))
        told = [gap_of(r).messages for r in read_records(rebuilt) if r.kind == Kind.GAP]
        assert found[0] - 1 == sum(messages or 0 for messages in told)

    each_cut(image_of(start), recorder, check)
