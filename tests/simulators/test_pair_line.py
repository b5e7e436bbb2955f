"""The simulated RS-485 pair: what a driver's pin and the other side do to bytes."""

from board_parts import Ticks

from simulators.board.pair_line import PairLine
from simulators.board.ticks import ticks_add, ticks_diff

BAUD = 100_000
BYTE_US = 100
"""At that rate."""


class Pair:
    """A pair whose time the test owns: microseconds since it was made, across the counter's wrap.

    `left` is what got to the other side, with the end of it.
    """

    def __init__(self) -> None:
        self.ticks = Ticks()
        self.begun = self.ticks()
        self.left: list[tuple[int, bytes]] = []
        self.line = PairLine(self.ticks, self._leave, lambda: None)
        self.line.configure(BAUD, 64, 64)

    def until(self, us: int) -> None:
        """Time passes; the line is looked at when it wants to be."""
        while (event := self.line.event_us()) is not None and self._us(event) <= us:
            self._look(max(self._us(event), self._us(self.ticks())))
            if self.line.event_us() == event:
                break
        self._look(us)

    def arrive(self, us: int, data: bytes) -> None:
        self.line.arrive(ticks_add(self.begun, us), data)

    def _look(self, us: int) -> None:
        self.ticks.now_us = ticks_add(self.begun, us)
        self.line.tend(self.ticks())

    def _leave(self, tick: int, data: memoryview | bytearray | bytes) -> None:
        self.left.append((self._us(tick), bytes(data)))

    def _us(self, tick: int) -> int:
        return ticks_diff(tick, self.begun)

    def write(self, data: bytes) -> None:
        assert self.line.write_from(data, len(data)) == len(data)

    def read(self) -> bytes:
        buffer = bytearray(64)
        return bytes(buffer[: self.line.read_into(buffer, 64)])


def test_what_is_sent_with_the_driver_on_arrives_when_its_last_bit_has_left() -> None:
    pair = Pair()
    pair.line.enable(True)
    pair.write(b"abcde")
    pair.until(499)
    assert pair.left == []
    pair.until(500)
    pair.line.enable(False)
    assert pair.left == [(500, b"abcde")]
    assert pair.line.dropped == 0


def test_what_is_sent_without_the_driver_is_lost() -> None:
    pair = Pair()
    pair.write(b"abcde")
    pair.until(1000)
    assert (pair.left, pair.line.dropped) == ([], 5)


def test_a_driver_that_comes_on_late_or_goes_off_early_cuts_bytes_off() -> None:
    pair = Pair()
    pair.write(b"abcde")
    pair.until(150)
    pair.line.enable(True)
    pair.until(450)
    pair.line.enable(False)
    pair.until(1000)
    assert (pair.left, pair.line.dropped) == ([(500, b"cd")], 3)


def test_the_last_byte_may_still_be_on_the_wire_when_all_is_said_to_be_sent() -> None:
    pair = Pair()
    pair.line.enable(True)
    pair.write(b"abcde")
    pair.until(400)
    assert pair.line.pending() == 0
    pair.line.enable(False)
    pair.until(1000)
    assert pair.left == [(500, b"abcd")]


def test_while_it_drives_the_board_hears_nothing() -> None:
    pair = Pair()
    pair.arrive(1000, b"0123456789")
    pair.until(1250)
    pair.line.enable(True)
    pair.until(1450)
    pair.line.enable(False)
    pair.until(5000)
    assert (pair.read(), pair.line.dropped) == (b"0156789", 3)


def test_of_bytes_that_both_send_at_once_none_arrives() -> None:
    pair = Pair()
    pair.line.enable(True)
    pair.write(b"abcdefgh")
    pair.arrive(350, b"01234")
    pair.until(800)
    pair.line.enable(False)
    pair.until(5000)
    assert pair.left == [(800, b"abc")]
    assert pair.read() == b""


def test_what_comes_after_the_driver_is_off_is_heard() -> None:
    pair = Pair()
    pair.line.enable(True)
    pair.until(990)
    pair.line.enable(False)
    pair.arrive(990, b"0123")
    pair.until(5000)
    assert (pair.read(), pair.line.dropped) == (b"0123", 0)
