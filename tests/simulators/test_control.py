"""The channel between host and board: whole frames, never blocking, never growing, survived."""

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from board_parts import BOARD, Ticks, read_register, write_register
from hypothesis import given
from hypothesis import strategies as st

from simulators.board import descriptors_host
from simulators.board.ads1115 import Ads1115
from simulators.board.control import Control
from simulators.board.control_frames import (
    ASK,
    CUT,
    FAULT,
    MAX_PAYLOAD,
    TAKEN,
    FrameReader,
    frame,
    json_frame,
    stretch_frame,
)
from simulators.board.hardware import Hardware
from simulators.board.host import Host
from simulators.board.signals import STEADY


class Channel:
    """Both ends of a control channel over pipes."""

    def __init__(self) -> None:
        self.from_host, self.to_board = os.pipe()
        self.from_board, self.to_host = os.pipe()
        os.set_blocking(self.from_board, False)
        self.control = Control(descriptors_host, self.from_host, self.to_host)
        self.received: list[tuple[int, bytes]] = []

    def pump(self) -> list[tuple[int, bytes]]:
        """What the board gets at one access to its hardware."""
        self.received = []
        self.control.pump(lambda kind, payload: self.received.append((kind, bytes(payload))))
        return self.received

    def close(self) -> None:
        for fd in (self.from_host, self.to_board, self.from_board, self.to_host):
            try:
                os.close(fd)
            except OSError:
                continue


@pytest.fixture
def channel() -> Iterator[Channel]:
    channel = Channel()
    yield channel
    channel.close()


def source_of(data: bytes, most: int) -> Callable[[Any, int], int]:
    """A read function that gives these bytes, at most so many at a time."""
    rest = [data]

    def read(buffer: Any, limit: int) -> int:
        count = min(limit, most, len(rest[0]))
        buffer[:count] = rest[0][:count]
        rest[0] = rest[0][count:]
        return count

    return read


def frames_in(reader: FrameReader, read: Callable[[Any, int], int]) -> list[tuple[int, bytes]]:
    found = []
    while reader.fill(read) > 0:
        while reader.next():
            found.append((reader.kind, bytes(reader.payload)))
    return found


@given(
    st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=300)), max_size=12),
    st.integers(1, 700),
)
def test_frames_come_out_as_they_went_in_however_the_bytes_are_cut(
    frames: list[tuple[int, bytes]], most: int
) -> None:
    data = b"".join(frame(kind, payload) for kind, payload in frames)
    assert frames_in(FrameReader(), source_of(data, most)) == frames


@given(st.binary(max_size=5000), st.integers(1, 5000))
def test_any_bytes_leave_the_reader_bounded(data: bytes, most: int) -> None:
    reader = FrameReader(64)
    for _, payload in frames_in(reader, source_of(data, most)):
        assert len(payload) <= 61


@pytest.mark.parametrize("most", [1, 7, 64, 10_000])
def test_a_frame_that_is_too_long_is_skipped_and_counted(most: int) -> None:
    reader = FrameReader(64)
    data = frame(1, b"before") + frame(2, bytes(3000)) + frame(3, b"after")
    assert frames_in(reader, source_of(data, most)) == [(1, b"before"), (3, b"after")]
    assert reader.oversized == 1


def test_a_payload_beyond_the_bound_is_not_made() -> None:
    with pytest.raises(ValueError, match="at most 4096 bytes, not 4097"):
        frame(1, bytes(MAX_PAYLOAD + 1))


def test_a_stretch_has_the_layout_that_is_documented() -> None:
    assert stretch_frame(2, 1, 0x3FFFFFFF, 10_000, [1, -2]) == bytes.fromhex(
        "1300 01 0200 01 ffffff3f 10270000 01000000 feffffff"
    )


def test_frames_arrive_whole_and_in_order(channel: Channel) -> None:
    data = json_frame(FAULT, {"chip": "adc0", "word": "nack"}) + frame(ASK)
    os.write(channel.to_board, data[:7])
    assert channel.pump() == []
    os.write(channel.to_board, data[7:])
    assert [kind for kind, _ in channel.pump()] == [FAULT, ASK]


def test_a_flood_is_handled_a_bounded_share_at_a_time(channel: Channel) -> None:
    flood = frame(ASK) * 20_000
    fcntl.fcntl(channel.to_board, fcntl.F_SETPIPE_SZ, 1 << 20)
    os.write(channel.to_board, flood)
    handled = [len(channel.pump()) for _ in range(10)]
    assert max(handled) <= 2 * 4099 // 3
    assert sum(handled) == 20_000


def test_a_host_that_does_not_read_blocks_nothing_and_loses_later_frames_counted(
    channel: Channel,
) -> None:
    fcntl.fcntl(channel.to_host, fcntl.F_SETPIPE_SZ, 4096)
    message = frame(TAKEN, bytes(3000))
    for _ in range(10):
        channel.control.send(message)
    assert channel.control.unsent == 8
    got = os.read(channel.from_board, 10_000)
    channel.pump()
    got += os.read(channel.from_board, 10_000)
    assert got == message * 2
    channel.control.send(message)
    assert os.read(channel.from_board, 10_000) == message


def test_a_host_that_goes_away_is_survived(channel: Channel) -> None:
    os.write(channel.to_board, frame(ASK))
    os.close(channel.to_board)
    os.close(channel.from_board)
    assert channel.pump() == [(ASK, b"")]
    assert not channel.control.connected
    assert channel.pump() == []
    channel.control.send(frame(TAKEN))
    assert channel.control.unsent == 1


def test_stretches_faults_account_and_cut_over_the_channel(channel: Channel) -> None:
    ticks = Ticks()
    hardware = Hardware(BOARD, ticks, descriptors_host)
    host = Host(hardware, ticks, channel.control)
    chip = hardware.chips["adc0"]
    assert isinstance(chip, Ads1115)
    os.write(channel.to_board, stretch_frame(0, STEADY, ticks(), 1000, [20_000_000]))
    os.write(channel.to_board, json_frame(FAULT, {"chip": "rtd0", "word": "open"}))
    host.pump()
    write_register(chip, 1, 0xC5E3)
    ticks.advance(2_000)
    assert read_register(chip, 0) == 32_000
    os.write(channel.to_board, frame(CUT) + frame(ASK))
    host.pump()
    reader = FrameReader()
    answers = frames_in(reader, lambda buffer, limit: read_now(channel.from_board, buffer, limit))
    assert [kind for kind, _ in answers] == [TAKEN]
    account = json.loads(answers[0][1])
    assert account["taken"] == {
        **{f"adc0/{number}": int(number == 0) for number in range(4)},
        **{f"adc1/{number}": 0 for number in range(4)},
        "rtd0/0": 0,
    }
    assert account["ticks_us"] == ticks()
    assert account["cut"] is True
    assert account["faults"] == ["rtd0/0 open"]
    assert account["starved"] == {}
    assert account["refused"] == 0
    assert chip.silent


def read_now(fd: int, buffer: Any, limit: int) -> int:
    return descriptors_host.read_into(fd, buffer, limit)
