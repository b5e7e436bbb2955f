"""The PIO program of the unit's pulses, by its instructions, against what its model says."""

import importlib
import sys
from itertools import pairwise
from typing import Any

import pytest
from board_parts import BOARD, Ticks

from simulators.board import board, rp2
from simulators.board.hardware import Wire
from simulators.board.pio import Model as Pio
from simulators.board.pio_make_pulses import Model


class Machine:
    """A state machine with the program, and words that it is given before cycles."""

    def __init__(self, program: rp2.Program) -> None:
        self.board = board.Board(BOARD, clock=Ticks())
        self.program = program
        self.freq = 5_000_000
        self.running = True
        self.given: list[int] = []
        self.pin = Wire()

    def wire(self, role: str) -> Wire:
        return self.pin if role == "set_base" else Wire()

    def pull(self) -> int:
        return self.given.pop(0) if self.given else -1


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setitem(sys.modules, "rp2", rp2)
    monkeypatch.delitem(sys.modules, "stimulus.pulses", raising=False)
    yield importlib.import_module("stimulus.pulses").make_pulses
    sys.modules.pop("stimulus.pulses", None)


def rising(program: Any, words: dict[int, int], until: int) -> list[int]:
    """The cycles at which pulses begin; `words`: what the processor gives, by cycle."""
    machine = Machine(program)
    pio: Any = Pio(machine)  # type: ignore[arg-type]
    begins, cycle, level = [], 0, 0
    while cycle < until:
        machine.given += [word for at, word in words.items() if at == cycle]
        at = pio._at
        word = pio._code.words[at]
        pio._at = pio._code.target if at == pio._code.last else at + 1
        assert pio._step(word), "it must not wait"
        if machine.pin.output > level:
            begins.append(cycle)
        level = machine.pin.output
        cycle += 1 + (word >> 8 & 0x1F)
    return begins


@pytest.mark.parametrize("length", [0, 1, 17, 250])
def test_a_pulse_and_its_gap_take_what_the_model_says(length: int, program: Any) -> None:
    begins = rising(program, {0: length}, 3000)
    apart = {later - earlier for earlier, later in pairwise(begins)}
    assert apart == {2 * length + 9}
    machine: Any = Machine(program)
    machine.given = [length]
    Model(machine).run()
    assert machine.pin.pulses_mhz == 5_000_000_000 // (2 * length + 9)


def test_a_new_length_is_taken_when_the_pulse_is_over(program: Any) -> None:
    begins = rising(program, {0: 100, 500: 10}, 1000)
    apart = [later - earlier for earlier, later in pairwise(begins)]
    assert apart == [209, 209, 209, *[29] * (len(apart) - 3)]


def test_nothing_passes_while_it_is_stopped(program: Any) -> None:
    machine: Any = Machine(program)
    machine.given = [100]
    model = Model(machine)
    model.run()
    machine.running = False
    model.run()
    assert machine.pin.pulses_mhz == 0
