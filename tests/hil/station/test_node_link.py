"""The station's end of a node's link: what it acknowledges, and above all what it does not."""

from collections.abc import Callable
from typing import Any

import pytest
from axwire import GATEWAY_MESSAGE_CAP, codes
from axwire.cose import DOWN, split
from axwire.down import ACK, COMMAND, Down, parse_down
from axwire.framing import Deframer, frame
from board_peer import Board
from manual_clock import ManualClock

from hil.station import node_link
from hil.station.errors import ContactError, StationError
from hil.station.node_link import NodeLink


class Port:
    """A serial port to a board that a test owns; time passes while nothing comes."""

    def __init__(self, clock: ManualClock, board: Board) -> None:
        self.waiting = bytearray()
        self.told: list[Down] = []
        self.answer: Callable[[Down], list[bytes]] = lambda down: []
        self._clock = clock
        self._board = board
        self._deframer = Deframer(GATEWAY_MESSAGE_CAP)

    def say(self, *messages: bytes) -> None:
        for message in messages:
            self.waiting += frame(message)

    def read(self, count: int) -> bytes:
        if not self.waiting:
            self._clock.advance_us(100_000)
        data = bytes(self.waiting[:count])
        del self.waiting[:count]
        return data

    @property
    def in_waiting(self) -> int:
        return len(self.waiting)

    def write(self, data: bytes) -> None:
        for message in self._deframer.feed(data):
            envelope = split(message)
            envelope.check(self._board.key, DOWN)
            self.told.append(parse_down(envelope.payload))
            self.say(*self.answer(self.told[-1]))

    def close(self) -> None:
        pass

    def acknowledged(self, boot: int) -> list[Any]:
        """The last ACK for that boot."""
        acks = [down for down in self.told if (down.kind, down.boot) == (ACK, boot)]
        return list(acks[-1].fields) if acks else []


class Line:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, board: Board) -> None:
        self.board = board
        self.clock = ManualClock()
        self.port = Port(self.clock, board)
        monkeypatch.setattr(node_link.serial, "Serial", lambda *a, **more: self.port)
        self.link = NodeLink("port", "motors-a", bytes(range(32)), self.clock)


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> Line:
    return Line(monkeypatch, Board())


def test_readings_of_an_earlier_boot_stay_with_the_board(line: Line) -> None:
    """They may be of its time on a locomotive, which this is not."""
    board = line.board
    earlier = Board(boot=0x1234)
    line.port.say(board.hello(), board.event(codes.EVENT_EARLIER_BOOT, (0x1234, 0, 0, 0)))
    line.port.say(earlier.hello(), earlier.readings(), board.readings())
    line.link.wait_for_start()
    line.link.listen(1.0)
    assert line.port.acknowledged(board.boot) == [3, []]
    assert {down.boot for down in line.port.told} == {board.boot}
    assert line.link.boot == board.boot


def test_what_is_lost_is_not_acknowledged(line: Line) -> None:
    board = line.board
    line.port.say(board.hello())
    board.readings()
    line.port.say(board.readings(), board.readings())
    line.link.wait_for_start()
    line.link.listen(0.5)
    assert line.port.acknowledged(board.boot) == [1, [2, 3]]


def test_values_come_in_units_with_their_statuses(line: Line) -> None:
    board = line.board
    line.port.say(board.hello())
    line.link.wait_for_start()
    ok, bad = codes.OK, codes.OPEN
    line.port.say(
        board.readings([(1000, 2000), (1500, 2000)], t_ms=100, statuses=(ok, ok)),
        board.readings([(7, -(1 << 15))], t_ms=300, statuses=(ok, bad)),
    )
    first, second = line.link.listen(0.5)
    assert (first.quantity, first.place, first.unit) == ("motor.current", "motor 1", "A")
    assert first.values == pytest.approx([1.0, 1.5, 0.007])
    assert (first.rows, first.first_ms, first.last_ms) == (3, 100, 300)
    assert second.values == pytest.approx([2.0, 2.0])
    assert (first.statuses, second.statuses) == ({ok}, {ok, bad})


def test_what_the_node_kept_from_before_is_not_what_it_gives_now(line: Line) -> None:
    """It sends that behind what it measures: rows too many, at old levels."""
    board = line.board
    line.port.say(board.hello(), board.readings([(1000, 2000)], t_ms=900))
    line.link.wait_for_start()
    line.link.listen(0.2)
    line.port.say(
        board.readings([(5000, 2000)], t_ms=1000),
        board.readings([(1000, 2000), (1000, 2000)], t_ms=300),
        board.readings([(5000, 2000)], t_ms=1100),
    )
    first, _ = line.link.listen(0.5)
    assert first.values == pytest.approx([5.0, 5.0])
    assert (first.rows, first.first_ms, first.last_ms) == (2, 1000, 1100)


def test_a_node_that_told_its_table_before_is_asked_for_it(line: Line) -> None:
    board = line.board
    board.hello()
    line.port.say(board.readings())

    def answer(down: Down) -> list[bytes]:
        return [board.hello()] if down.kind == COMMAND else []

    line.port.answer = answer
    assert line.link.wait_for_start().firmware
    assert [d.fields for d in line.port.told if d.kind == COMMAND] == [[codes.COMMAND_HELLO, []]]


@pytest.mark.parametrize("result", [codes.DONE, codes.FAILED, codes.NOT_SUPPORTED])
def test_a_command_has_what_was_told_until_its_answer(line: Line, result: int) -> None:
    board = line.board
    line.port.say(board.hello())
    line.link.wait_for_start()

    def answer(down: Down) -> list[bytes]:
        if down.kind != COMMAND:
            return []
        return [
            board.event(codes.EVENT_PROOF, tuple(range(16))),
            board.event(codes.EVENT_COMMAND_DONE, (down.sequence - 1, 8, codes.FAILED)),
            board.event(codes.EVENT_COMMAND_DONE, (down.sequence, 8, result)),
        ]

    line.port.answer = answer
    if result == codes.NOT_SUPPORTED:
        with pytest.raises(StationError, match="refuses command 8"):
            line.link.prove([1, 2, 3, 4])
    else:
        assert line.link.prove([1, 2, 3, 4]) == list(range(16))
    sequences = [down.sequence for down in line.port.told]
    assert sequences == sorted(set(sequences))


def test_silence_and_another_key_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    silent = Line(monkeypatch, Board())
    with pytest.raises(ContactError, match="did not start"):
        silent.link.wait_for_start()
    stranger = Line(monkeypatch, Board(secret=bytes(32)))
    stranger.port.say(stranger.board.hello())
    with pytest.raises(StationError, match="wrong tag") as wrong:
        stranger.link.wait_for_start()
    assert "--again" in wrong.value.what_to_do
    assert not stranger.port.told
    other = Line(monkeypatch, Board(name="axles-a"))
    other.port.say(other.board.hello())
    with pytest.raises(StationError, match="it is axles-a, not motors-a"):
        other.link.wait_for_start()
