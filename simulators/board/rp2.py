"""What the firmware imports as `rp2`: PIO state machines, as far as its drivers use them.

A program is run by the model that its function is named after: `count_pulses` by the class `Model`
of the module `pio_count_pulses`, made with the state machine that it is. pio.py has a model that
carries out the instructions; a program that never waits for the processor is too fast for that.
A model has

    run()            bring everything up to date; called before anything else is asked of it
    exec(instr)      obey an instruction that the processor forces in, encoded
    got(left)        the processor has taken a word from the FIFO and so many are left

and uses of its state machine `push`, `pull`, `waiting`, `wire`, `program`, `freq`, `running` and
`board`.

Not simulated: interrupts, DMA, joined FIFOs, the fraction of the clock divider, the memory that
programs share.
"""

import sys
from array import array

from simulators.board.board import current
from simulators.board.constant import const
from simulators.board.spares import let_go
from simulators.board.ticks import sleep_us

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from simulators.board.hardware import Wire

__all__ = ["PIO", "StateMachine", "asm_pio"]

_DEPTH = const(4)
_MACHINES = const(8)
_WAIT_US = const(100)


class PIO:
    """The constants that programs are decorated with."""

    IN_LOW, IN_HIGH, OUT_LOW, OUT_HIGH = 0, 1, 2, 3
    SHIFT_LEFT, SHIFT_RIGHT = 0, 1
    JOIN_NONE, JOIN_TX, JOIN_RX = 0, 1, 2


class Program:
    """What `asm_pio` was given: the function that spells the program, and the settings."""

    def __init__(self, function: "Callable[[], None]", settings: "dict[str, Any]") -> None:
        self.function: "Callable[[], None] | None" = function
        self.settings = settings
        self.name = function.__name__


def asm_pio(**settings: "Any") -> "Callable[[Callable[[], None]], Program]":
    """Decorates the function that is a program."""

    def assemble(function: "Callable[[], None]") -> Program:
        return Program(function, settings)

    return assemble


class StateMachine:
    """One of the eight. ValueError for another, and for a program that has no model."""

    def __init__(
        self, id: int, program: "Program | None" = None, freq: int = -1, **settings: "Any"
    ) -> None:
        if not 0 <= id < _MACHINES:
            raise ValueError("invalid StateMachine")
        let_go("StateMachine")
        self.board = current()
        self.program = program
        self.freq = self.board.hardware.freq_hz
        self.running = False
        self._model: "Any" = None
        self._settings: "dict[str, Any]" = {}
        self._received = _Fifo()
        self._sent = _Fifo()
        if program is not None:
            self.init(program, freq, **settings)

    def init(self, program: Program, freq: int = -1, **settings: "Any") -> None:
        """Stop, and be ready to run this program from its beginning."""
        name = "simulators.board.pio_" + program.name
        try:
            __import__(name)
        except ImportError:
            raise ValueError("no model runs the program " + program.name)  # noqa: B904
        self.program = program
        self.freq = self.board.hardware.freq_hz if freq < 0 else freq
        self.running = False
        self._settings = settings
        self._received.clear()
        self._sent.clear()
        self._model = sys.modules[name].Model(self)

    def active(self, value: "Any" = None) -> bool:
        """Whether it runs; with a value given, from now on."""
        self._touch()
        if value is not None:
            self.running = bool(value)
            self._touch()
        return self.running

    def restart(self) -> None:
        """Begin the program again, with empty registers; the FIFOs keep their words."""
        self._touch()
        self._model = type(self._model)(self)

    def exec(self, instr: int) -> None:
        """Force an encoded instruction in."""
        self._touch()
        self._model.exec(instr)

    def get(self, buf: "Any" = None, shift: int = 0) -> int:
        """The oldest word that the program pushed; waits for one, for ever if none comes."""
        self._touch()
        while not self._received.count:
            sleep_us(_WAIT_US)
            self._touch()
        word = self._received.take() >> shift
        self._model.got(self._received.count)
        return word

    def put(self, value: int, shift: int = 0) -> None:
        """A word for the program; waits for room, for ever if none comes."""
        self._touch()
        while not self._sent.add(value << shift):
            sleep_us(_WAIT_US)
            self._touch()
        self._touch()

    def rx_fifo(self) -> int:
        """How many words wait for `get`."""
        self._touch()
        return self._received.count

    def tx_fifo(self) -> int:
        """How many words the program has not taken yet."""
        self._touch()
        return self._sent.count

    def push(self, word: int) -> bool:
        """For the model: a word for the processor. False where there is no room: it is lost."""
        return self._received.add(word)

    def pull(self) -> int:
        """For the model: the oldest word of the processor, or -1."""
        return self._sent.take() if self._sent.count else -1

    @property
    def waiting(self) -> int:
        """For the model: how many words wait for the processor."""
        return self._received.count

    def wire(self, role: str) -> "Wire":
        """For the model: the wire at the pin of that role: jmp_pin, in_base, set_base..."""
        pin = self._settings[role]
        return self.board.hardware.wire(getattr(pin, "id", pin))

    def _touch(self) -> None:
        self.board.touch()
        if self._model is not None:
            self._model.run()


class _Fifo:
    """Four words of 32 bits."""

    def __init__(self) -> None:
        self.count = 0
        self._words = array("I", bytes(4 * _DEPTH))
        self._oldest = 0

    def clear(self) -> None:
        self.count = 0

    def add(self, word: int) -> bool:
        if self.count == _DEPTH:
            return False
        # What is far from filling 32 bits stays a small integer on the board.
        self._words[(self._oldest + self.count) % _DEPTH] = (
            word if 0 <= word < 1 << 30 else word & 0xFFFFFFFF
        )
        self.count += 1
        return True

    def take(self) -> int:
        word = self._words[self._oldest]
        self._oldest = (self._oldest + 1) % _DEPTH
        self.count -= 1
        return word
