"""The clock that the bench owns, and a UART's wires under it."""

import pytest
from board_parts import TICKS_PERIOD, Ticks

from simulators.board.simulated_time import PATIENCE, Clock
from simulators.board.ticks import ticks_add, ticks_diff
from simulators.board.timed_line import TimedLine

BAUD = 1_000_000
"""So that a byte takes 10 us."""


class Horizons:
    """Moves a clock's horizon on by a fixed distance, and remembers where it was called."""

    def __init__(self, clock: Clock, distance_us: int) -> None:
        self.clock = clock
        self.distance_us = distance_us
        self.seen: list[int] = []
        clock.at_horizon = self
        clock.horizon_us = ticks_add(clock.us, distance_us)

    def __call__(self) -> None:
        self.seen.append(self.clock.us)
        self.clock.horizon_us = ticks_add(self.clock.us, self.distance_us)


def clock_at(us: int) -> Clock:
    clock = Clock()
    clock.set(us % TICKS_PERIOD, us // 1000 % TICKS_PERIOD, us % 1000)
    clock.at_horizon()
    return clock


@pytest.mark.parametrize("begun_us", [0, 999, TICKS_PERIOD - 1, 1000 * TICKS_PERIOD - 1])
def test_microseconds_and_milliseconds_stay_together(begun_us: int) -> None:
    clock = clock_at(begun_us)
    now_us = begun_us
    for step_us in (1, 998, 1, 1_000, 999, 123_456, 2**28, 1, 2**29 - 2, 5):
        now_us += step_us
        clock.pass_until(now_us % TICKS_PERIOD)
        assert (clock.us, clock.ms) == (now_us % TICKS_PERIOD, now_us // 1000 % TICKS_PERIOD)


@pytest.mark.parametrize("begun_us", [0, 250, TICKS_PERIOD - 3_700])
def test_a_wait_in_milliseconds_ends_on_their_edge(begun_us: int) -> None:
    clock = clock_at(begun_us)
    end_ms = ticks_add(clock.ms, 5)
    clock.step_ms(end_ms)
    assert clock.ms == end_ms
    assert clock.us == (begun_us // 1000 + 5) * 1000 % TICKS_PERIOD


def test_time_stops_at_each_horizon_and_what_is_due_there_comes_after_it() -> None:
    clock = clock_at(TICKS_PERIOD - 1_000)
    horizons = Horizons(clock, 400)
    clock.pass_until(200)
    assert horizons.seen == [TICKS_PERIOD - 600, TICKS_PERIOD - 200, 200]
    clock.step(ticks_add(clock.us, 1_000))
    assert clock.us == 600


def test_a_wait_of_hours_is_taken_in_parts() -> None:
    clock = clock_at(5)
    end_ms = clock.ms + 3 * 3_600_000
    steps = 0
    while ticks_diff(end_ms, clock.ms) > 0:
        clock.step_ms(end_ms)
        steps += 1
    assert (clock.ms, clock.us) == (end_ms, end_ms * 1000 % TICKS_PERIOD)
    assert steps >= 36


def test_a_clock_that_is_only_looked_at_gets_on_after_a_while() -> None:
    clock = clock_at(0)
    clock.looks = PATIENCE
    clock.lose_patience()
    clock.lose_patience()
    assert clock.us == 2
    assert clock.looks == PATIENCE
    clock.pass_until(3)
    assert clock.looks == 0


class Wired:
    """A line at BAUD with buffers of 64 bytes, and what it sent."""

    def __init__(self) -> None:
        self.ticks = Ticks()
        self.sent: list[tuple[int, bytes]] = []
        self.line = TimedLine(self.ticks, lambda us, data: self._send(us, data), lambda: None)
        self.line.configure(BAUD, 64, 64)

    def _send(self, us: int, data: bytes | bytearray | memoryview) -> None:
        self.sent.append((us, bytes(data)))

    def read(self) -> bytes:
        buffer = bytearray(200)
        return bytes(buffer[: self.line.read_into(buffer, 200)])


@pytest.fixture
def wired() -> Wired:
    return Wired()


def test_bytes_come_four_at_a_time_and_the_rest_when_the_line_falls_idle(wired: Wired) -> None:
    wired.line.arrive(wired.ticks.after(100), b"0123456789")
    seen: list[tuple[int, bytes]] = []
    for elapsed_us in range(1, 300):
        wired.ticks.advance(1)
        event_us = wired.line.event_us()
        if data := wired.read():
            assert event_us == wired.ticks(), "the board would not have woken for these"
            seen.append((elapsed_us, data))
    assert seen == [(140, b"0123"), (180, b"4567"), (232, b"89")]
    assert wired.line.received == 10


def test_pieces_that_follow_each_other_arrive_in_order(wired: Wired) -> None:
    wired.line.arrive(wired.ticks.after(0), b"abcd")
    wired.line.arrive(wired.ticks.after(40), b"efgh")
    wired.ticks.advance(40)
    assert wired.read() == b"abcd"
    wired.ticks.advance(40)
    assert wired.read() == b"efgh"
    assert wired.line.event_us() is None


def test_what_nobody_reads_is_lost_beyond_the_buffer_and_counted(wired: Wired) -> None:
    data = bytes(range(100))
    wired.line.arrive(wired.ticks(), data)
    wired.ticks.advance(2_000)
    assert wired.line.waiting() == 64
    assert wired.read() == data[:64]
    assert wired.line.dropped == 36


def test_while_nobody_empties_the_receiver_it_holds_32_bytes(wired: Wired) -> None:
    data = bytes(range(60))
    wired.line.arrive(wired.ticks(), data)
    wired.ticks.advance(100)
    wired.line.pause(wired.ticks())
    wired.ticks.advance(2_000)
    wired.line.tend(wired.ticks())
    assert wired.line.event_us() is None
    wired.line.go_on(wired.ticks())
    assert wired.read() == data[:8] + data[8:40]
    assert wired.line.dropped == 20


def test_what_is_written_leaves_byte_by_byte(wired: Wired) -> None:
    begun = wired.ticks
    first_us, second_us = begun.after(50), begun.after(110)
    assert wired.line.write_from(b"12345", 5) == 5
    assert wired.line.pending() == 5
    begun.advance(20)
    assert wired.line.pending() == 3
    assert wired.line.write_from(b"678901", 6) == 6
    assert wired.sent == [(first_us, b"12345"), (second_us, b"678901")]
    begun.advance(1_000)
    assert wired.line.pending() == 0
    assert wired.line.write_from(b"!", 1) == 1
    assert wired.sent[-1] == (begun.after(10), b"!")


def test_a_full_line_takes_the_next_byte_when_one_has_left(wired: Wired) -> None:
    assert wired.line.write_from(bytes(200), 200) == 96
    assert wired.line.write_from(b"more", 4) == 0
    assert not wired.line.writable()
    event_us = wired.line.event_us()
    assert event_us == wired.ticks.after(10)
    wired.ticks.advance(10)
    assert wired.line.writable()
    assert wired.line.write_from(b"more", 4) == 1


def test_a_line_that_was_idle_for_hours_sends_at_once(wired: Wired) -> None:
    wired.line.write_from(b"long ago", 8)
    for _ in range(60):
        wired.ticks.advance(60_000_000)
        wired.line.tend(wired.ticks())
    wired.line.write_from(b"now", 3)
    assert wired.sent[-1] == (wired.ticks.after(30), b"now")
