"""The UART's line over a real pseudo-terminal: there, not there yet, unplugged, plugged in."""

import os
import select
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest
from board_parts import Ticks, await_bytes, becomes_writable, fill

from simulators.board import descriptors_host
from simulators.board.line import PtyLine

RETRY_US = 200_000


class Cable:
    """The host's end of a line, behind a path that stays the same, as a udev name does."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.host = -1

    def plug_in(self) -> None:
        self.host, board = os.openpty()
        tty.setraw(board)
        self.path.symlink_to(os.ttyname(board))
        os.set_blocking(self.host, False)
        self._board = board

    def unplug(self) -> None:
        self.path.unlink()
        os.close(self._board)
        os.close(self.host)
        self.host = -1


@pytest.fixture
def ticks() -> Ticks:
    return Ticks()


@pytest.fixture
def cable(tmp_path: Path) -> Iterator[Cable]:
    cable = Cable(tmp_path / "tty")
    yield cable
    if cable.host >= 0:
        cable.unplug()


@pytest.fixture
def line(cable: Cable, ticks: Ticks) -> Iterator[PtyLine]:
    cable.plug_in()
    line = PtyLine(descriptors_host, str(cable.path), ticks)
    yield line
    line.close()


def received(line: PtyLine, limit: int = 100) -> bytes:
    buffer = bytearray(limit)
    return bytes(buffer[: line.read_into(buffer, limit)])


def at_host(cable: Cable, count: int) -> bytes:
    await_bytes(cable.host, count)
    return os.read(cable.host, count + 1)


def events(line: PtyLine) -> int:
    poller = select.poll()
    poller.register(line.fileno(), select.POLLIN | select.POLLOUT)
    return sum(flags for _, flags in poller.poll(0))


def test_any_byte_passes_unchanged_both_ways(line: PtyLine, cable: Cable) -> None:
    every = bytes(range(256))
    assert line.write_from(every, 256) == 256
    assert at_host(cable, 256) == every
    os.write(cable.host, every)
    await_bytes(line.fileno(), 256)
    assert line.waiting() == 256
    assert received(line, 100) + received(line, 200) == every
    assert (line.received, line.sent, line.dropped) == (256, 256, 0)


def test_nothing_is_echoed(line: PtyLine, cable: Cable) -> None:
    os.write(cable.host, b"line\r\n")
    await_bytes(line.fileno(), 6)
    assert received(line) == b"line\r\n"
    with pytest.raises(BlockingIOError):
        os.read(cable.host, 100)


def test_a_silent_line_never_blocks(line: PtyLine) -> None:
    assert line.waiting() == 0
    assert received(line) == b""
    assert events(line) == select.POLLOUT


def test_a_full_line_takes_part_and_then_nothing(line: PtyLine, cable: Cable) -> None:
    taken = fill(line.fileno(), lambda data: line.write_from(data, len(data)))
    assert line.write_from(b"more", 4) == 0
    assert not line.writable()
    assert line.dropped == 0
    arrived = 0
    while arrived < taken:
        await_bytes(cable.host, 1)
        arrived += len(os.read(cable.host, 100_000))
    assert becomes_writable(line.fileno(), 10_000)
    assert line.writable()
    assert line.sent == taken


def test_an_unplugged_line_looks_silent_and_not_readable_for_ever(
    line: PtyLine, cable: Cable
) -> None:
    cable.unplug()
    assert events(line) & select.POLLHUP
    assert received(line) == b""
    assert events(line) == select.POLLOUT
    assert line.write_from(b"into the air", 12) == 12
    assert line.dropped == 12


@pytest.mark.parametrize("noticed_by", ["read", "write", "waiting"])
def test_a_line_plugged_in_again_goes_on_under_the_same_descriptor(
    line: PtyLine, cable: Cable, ticks: Ticks, noticed_by: str
) -> None:
    before = line.fileno()
    cable.unplug()
    if noticed_by == "read":
        received(line)
    elif noticed_by == "write":
        line.write_from(b"x", 1)
    else:
        line.waiting()
    cable.plug_in()
    ticks.advance(RETRY_US - 1)
    line.tend(ticks())
    assert line.write_from(b"too early", 9) == 9
    ticks.advance(1)
    line.tend(ticks())
    line.write_from(b"hello", 5)
    assert at_host(cable, 5) == b"hello"
    assert line.fileno() == before


def test_a_line_that_is_not_there_yet_is_found_later(cable: Cable, ticks: Ticks) -> None:
    line = PtyLine(descriptors_host, str(cable.path), ticks)
    assert line.write_from(b"nobody", 6) == 6
    for _ in range(3):
        ticks.advance(RETRY_US)
        line.tend(ticks())
    cable.plug_in()
    ticks.advance(RETRY_US)
    line.tend(ticks())
    line.write_from(b"hello", 5)
    assert at_host(cable, 5) == b"hello"
    line.close()


def test_a_path_that_is_no_terminal_counts_as_none(tmp_path: Path, ticks: Ticks) -> None:
    (tmp_path / "file").write_bytes(b"not a line")
    line = PtyLine(descriptors_host, str(tmp_path / "file"), ticks)
    assert line.waiting() == 0
    assert line.write_from(b"x", 1) == 1
    assert line.dropped == 1
    line.close()


def test_a_line_unplugged_many_times_leaks_no_descriptor(
    line: PtyLine, cable: Cable, ticks: Ticks
) -> None:
    def open_now() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = open_now()
    for _ in range(20):
        cable.unplug()
        received(line)
        cable.plug_in()
        ticks.advance(RETRY_US)
        line.tend(ticks())
    assert open_now() == before
