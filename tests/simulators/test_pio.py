"""Programs of the programmable I/O: their encoding, and what they do to the wires."""

from collections.abc import Iterator
from typing import Any

import pytest
from board_parts import BOARD, Ticks

from simulators.board import board, rp2
from simulators.board.errors import BoardError
from simulators.board.hardware import Wire
from simulators.board.pins import Pin
from simulators.board.pio import Model, assemble

# What the names mean that only exist while a program is assembled.
pull = push = mov = set = in_ = jmp = label = nop = wrap = wrap_target = None  # type: ignore
pins = x = y = osr = isr = null = x_dec = y_dec = not_x = noblock = x_not_y = not_y = None


def test_instructions_have_their_real_encoding() -> None:
    """As the assembler of the Pico SDK encodes the same lines."""

    def program() -> None:
        pull(noblock)
        wrap_target()
        mov(y, osr)
        set(x, 23)
        label("again")
        set(pins, 1)[1]
        in_(pins, 1)
        in_(null, 32)
        jmp(x_dec, "again")
        nop()[31]
        jmp("again")
        push()
        wrap()
        jmp(not_y, "again")

    code = assemble(program)
    words = " ".join(f"{word:04x}" for word in code.words)
    assert words == "8080 a047 e037 e101 4001 4060 0043 bf42 0003 8020 0063"
    assert (code.target, code.last) == (1, 9)


def test_the_names_of_a_program_are_gone_afterwards() -> None:
    def program() -> None:
        push()

    assemble(program)
    assert push is None
    assert "iffull" not in globals()


def test_a_delay_or_program_that_does_not_fit_is_refused() -> None:
    def slow() -> None:
        push()[32]

    def long() -> None:
        for _ in range(33):
            push()

    for program, reason in ((slow, "0 to 31"), (long, "at most 32")):
        with pytest.raises(BoardError, match=reason):
            assemble(program)
    assert push is None


class Fake:
    """A state machine with this program, and all that its model asks of it."""

    def __init__(self, function: Any, ticks: Ticks, **settings: Any) -> None:
        self.board = board.Board(BOARD, clock=ticks)
        self.program = rp2.Program(function, settings)
        self.freq = 1_000_000
        self.running = True
        self.sent: list[int] = []
        self.given: list[int] = []
        self.room = 4
        self.wires = {"in_base": Wire(), "set_base": Wire()}

    def wire(self, role: str) -> Wire:
        return self.wires[role]

    def pull(self) -> int:
        return self.given.pop(0) if self.given else -1

    def push(self, word: int) -> bool:
        if len(self.sent) == self.room:
            return False
        self.sent.append(word)
        return True


def run(function: Any, *given: int, **settings: Any) -> list[int]:
    machine = Fake(function, Ticks(), **settings)
    machine.given += given
    Model(machine).run()  # type: ignore[arg-type]
    return machine.sent


def test_it_counts_down_and_wraps() -> None:
    def program() -> None:
        pull()
        mov(x, osr)
        set(y, 0)
        label("turn")
        in_(x, 3)
        jmp(x_dec, "turn")
        push()
        in_(x, 32)
        push()
        jmp(y_dec, "end")
        in_(y, 32)
        push()
        label("end")

    assert run(program, 2) == [0o210, 0xFFFFFFFF, 0xFFFFFFFF]


def test_conditions() -> None:
    def program() -> None:
        pull()
        mov(x, osr)
        pull()
        mov(y, osr)
        jmp(x_not_y, "differ")
        set(x, 1)
        in_(x, 4)
        label("differ")
        jmp(not_x, "end")
        set(x, 2)
        in_(x, 4)
        label("end")
        push()

    assert run(program, 5, 5) == [0x12]
    assert run(program, 5, 6) == [0x2]
    assert run(program, 0, 6) == [0]


def test_it_waits_for_words_and_for_room() -> None:
    def program() -> None:
        pull()
        mov(isr, osr)
        push()

    machine = Fake(program, Ticks())
    model = Model(machine)  # type: ignore[arg-type]
    model.run()
    assert machine.sent == []
    machine.given += [11, 12, 13, 14, 15]
    model.run()
    assert machine.sent == [11, 12, 13, 14]
    assert machine.sent.pop(0) == 11
    model.got(3)
    assert machine.sent == [12, 13, 14, 15]


def test_nothing_happens_while_it_is_stopped() -> None:
    def program() -> None:
        pull()
        push()

    machine = Fake(program, Ticks())
    machine.running = False
    machine.given.append(1)
    Model(machine).run()  # type: ignore[arg-type]
    assert machine.given == [1]


class Scope:
    """Notes the levels of a wire with the time on the wires."""

    def __init__(self, machine: Fake) -> None:
        self.seen: list[tuple[int, int]] = []
        self._machine = machine
        self._began_us = machine.board.ticks_us()

    def clock(self, level: int) -> None:
        at_us = self._machine.board.hardware.line_us()
        self.seen.append(((at_us - self._began_us) % (1 << 30), level))


def test_the_time_of_its_instructions_passes_on_the_wires() -> None:
    def program() -> None:
        pull()
        set(pins, 1)[4]
        set(pins, 0)
        nop()[9]
        set(pins, 1)

    machine = Fake(program, Ticks(), set_init=rp2.PIO.OUT_LOW)
    scope = Scope(machine)
    machine.wires["set_base"].clocks = scope
    machine.given.append(0)
    model = Model(machine)  # type: ignore[arg-type]
    model.run()
    assert scope.seen == [(0, 0), (1, 1), (6, 0), (17, 1)]
    assert machine.board.hardware.line_us() == machine.board.ticks_us()
    model.exec(0xE000)
    assert scope.seen[-1] == (0, 0)


def test_what_it_cannot_do_is_refused() -> None:
    def endless() -> None:
        nop()

    def empty() -> None:
        pull()

    with pytest.raises(BoardError, match="does not wait for a word"):
        run(endless)
    for settings in ({"autopush": True}, {"in_shiftdir": 1}, {"sideset_init": 2}):
        with pytest.raises(BoardError, match="does not do " + next(iter(settings))):
            run(empty, **settings)
    model = Model(Fake(empty, Ticks()))  # type: ignore[arg-type]
    for word in (0x2000, 0x6000, 0xC000, 0xE080, 0x00C0, 0x00E0):
        with pytest.raises(BoardError, match="the simulated PIO"):
            model.exec(word)


@pytest.fixture
def simulated() -> Iterator[board.Board]:
    made = board.Board(BOARD, clock=Ticks())
    board.install(made)
    yield made
    board._installed.clear()


def test_a_state_machine_runs_it(simulated: board.Board) -> None:
    @rp2.asm_pio(set_init=rp2.PIO.OUT_LOW, in_shiftdir=rp2.PIO.SHIFT_LEFT)
    def clock_bits() -> None:
        pull()
        set(pins, 1)
        in_(pins, 1)
        mov(y, osr)
        in_(y, 4)
        push()

    simulated.hardware.wire(9).source = lambda: 1
    machine = rp2.StateMachine(3, clock_bits, freq=1_000_000, in_base=Pin(9), set_base=Pin(8))
    assert simulated.hardware.wire(8).level(1) == 0
    machine.put(5)
    assert machine.rx_fifo() == 0
    machine.active(1)
    assert machine.rx_fifo() == 1
    assert machine.get() == 0x15
    assert simulated.hardware.wire(8).level(0) == 1
    machine.exec(0xE000)
    assert simulated.hardware.wire(8).level(1) == 0
