"""Runs a program of the RP2040's programmable I/O instruction by instruction: a model for `rp2`.

Instructions have their real encoding (RP2040 data sheet 3.4). A program runs from one word that it
is given to the next, in no time of the board's; on its wires the time of its instructions passes.
That is enough for a program that waits in `pull` and comes back there in bounded time.

Refused with BoardError: side-set, `wait`, `out`, `irq`, shifting to the right, autopush and
autopull, more than one pin to set or to read.
"""

from array import array

from simulators.board.errors import BoardError
from simulators.board.ticks import ticks_add

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from simulators.board.rp2 import StateMachine

_JMP, _IN, _PUSH, _MOV, _SET = 0, 2, 4, 5, 7
_PINS, _X, _Y, _NULL, _ISR, _OSR = 0, 1, 2, 3, 6, 7
_OUT_LOW, _OUT_HIGH = 2, 3
_INSTRUCTIONS = 32
_CYCLES = 100_000
_MASK = 0xFFFFFFFF
_SETTINGS = ("set_init", "in_shiftdir")
_NAMES = {
    "pins": _PINS,
    "x": _X,
    "y": _Y,
    "null": _NULL,
    "isr": _ISR,
    "osr": _OSR,
    "not_x": 1,
    "x_dec": 2,
    "not_y": 3,
    "y_dec": 4,
    "x_not_y": 5,
    "pin": 6,
    "block": 0x20,
    "noblock": 0,
}
_STATEMENTS = ("wrap_target", "wrap", "label", "nop", "jmp", "in_", "push", "pull", "mov", "set")


class Model:
    """One state machine: `in_base` is read, `set_base` is driven."""

    def __init__(self, machine: "StateMachine") -> None:
        program = machine.program
        assert program is not None
        assert program.function is not None
        settings = program.settings
        for name in settings:
            if name not in _SETTINGS or (name == "in_shiftdir" and settings[name]):
                raise BoardError("the simulated PIO does not do " + name)
        self._machine = machine
        self._code = assemble(program.function)
        self._at = self._code.target
        self._x = self._y = self._isr = self._osr = 0
        self._in = machine.wire("in_base")
        self._set = machine.wire("set_base")
        if settings.get("set_init") in (_OUT_LOW, _OUT_HIGH):
            self._set.drive(True, settings["set_init"] - _OUT_LOW)

    def run(self) -> None:
        """Go on until it waits for a word, or for room for one."""
        if not self._machine.running:
            return
        hardware = self._machine.board.hardware
        began_us = hardware.line_us()
        khz = self._machine.freq // 1000
        code = self._code
        cycles = 0
        while True:
            at = self._at
            word = code.words[at]
            hardware.hold_line(ticks_add(began_us, cycles * 1000 // khz))
            self._at = code.target if at == code.last else at + 1
            if not self._step(word):
                self._at = at
                break
            cycles += 1 + (word >> 8 & 0x1F)
            if cycles > _CYCLES:
                raise BoardError("this PIO program does not wait for a word")
        hardware.release_line()

    def exec(self, instr: int) -> None:
        """Carry out one instruction that the processor forces in."""
        self._step(instr)

    def got(self, left: int) -> None:
        """There is room for a word now."""
        self.run()

    def _step(self, word: int) -> bool:
        """One instruction. False: it has to wait."""
        kind = word >> 13
        target = word >> 5 & 7
        value = word & 0x1F
        if kind == _SET:
            self._put_into(target, value)
        elif kind == _IN:
            bits = value or 32
            taken = self._taken_from(target) & (1 << bits) - 1
            self._isr = _word(self._isr << bits | taken)
        elif kind == _JMP:
            if self._holds(target):
                self._at = value
        elif kind == _MOV:
            self._put_into(target, self._taken_from(value))
        elif kind == _PUSH:
            return self._pull(word) if word & 0x80 else self._push(word)
        else:
            raise BoardError("the simulated PIO has no instruction 0x%04x" % word)
        return True

    def _pull(self, word: int) -> bool:
        received = self._machine.pull()
        if received >= 0:
            self._osr = received
        elif word & 0x20:
            return False
        else:
            self._osr = self._x
        return True

    def _push(self, word: int) -> bool:
        if not self._machine.push(self._isr) and word & 0x20:
            return False
        self._isr = 0
        return True

    def _holds(self, condition: int) -> bool:
        if condition > 5:
            raise BoardError("the simulated PIO does not jump on pins and OSR")
        x, y = self._x, self._y
        if condition == 2:
            self._x = x - 1 if x else _MASK
        elif condition == 4:
            self._y = y - 1 if y else _MASK
        elif condition == 5:
            return x != y
        if condition < 3:
            return not condition or (x != 0) == (condition == 2)
        return (y != 0) == (condition == 4)

    def _taken_from(self, source: int) -> int:
        if source == _PINS:
            return self._in.level(1)
        if source == _X:
            return self._x
        if source == _Y:
            return self._y
        if source == _NULL:
            return 0
        return self._isr if source == _ISR else self._osr

    def _put_into(self, target: int, value: int) -> None:
        if target == _PINS:
            self._set.drive(True, value & 1)
        elif target == _X:
            self._x = value
        elif target == _Y:
            self._y = value
        elif target == _ISR:
            self._isr = value
        elif target == _OSR:
            self._osr = value
        else:
            raise BoardError("the simulated PIO does not write to %d" % target)


class Code:
    """An assembled program: `words`, from `target` to `last` in a circle."""

    def __init__(self) -> None:
        self.words = array("H")
        self.target = 0
        self.last = -1


def assemble(function: "Callable[[], None]") -> Code:
    """The program that the statements of a function spell."""
    assembler = _Assembler()
    names: "dict[str, Any]" = function.__globals__
    before = dict(names)
    names.update(_NAMES)
    for statement in _STATEMENTS:
        names[statement] = getattr(assembler, statement)
    try:
        function()
    finally:
        names.clear()
        names.update(before)
    return assembler.end()


class _Assembler:
    """What the names in a program mean while it is assembled."""

    def __init__(self) -> None:
        self._code = Code()
        self._labels: "dict[str, int]" = {}
        self._jumps: "list[tuple[int, str]]" = []

    def __getitem__(self, delay: int) -> "_Assembler":
        if not 0 <= delay < 32:
            raise BoardError("a PIO instruction delays by 0 to 31")
        self._code.words[-1] |= delay << 8
        return self

    def wrap_target(self) -> None:
        self._code.target = len(self._code.words)

    def wrap(self) -> None:
        self._code.last = len(self._code.words) - 1

    def label(self, name: str) -> None:
        self._labels[name] = len(self._code.words)

    def nop(self) -> "_Assembler":
        return self._word(_MOV << 13 | _Y << 5 | _Y)

    def jmp(self, condition: "int | str", label: str = "") -> "_Assembler":
        """`jmp("label")` or `jmp(condition, "label")`."""
        always = isinstance(condition, str)
        self._jumps.append((len(self._code.words), str(condition) if always else label))
        return self._word(_JMP << 13 | (0 if always else int(condition)) << 5)

    def in_(self, source: int, bits: int) -> "_Assembler":
        return self._word(_IN << 13 | source << 5 | bits & 0x1F)

    def push(self, block: int = 0x20) -> "_Assembler":
        return self._word(_PUSH << 13 | block)

    def pull(self, block: int = 0x20) -> "_Assembler":
        return self._word(_PUSH << 13 | 0x80 | block)

    def mov(self, target: int, source: int) -> "_Assembler":
        return self._word(_MOV << 13 | target << 5 | source)

    def set(self, target: int, value: int) -> "_Assembler":
        return self._word(_SET << 13 | target << 5 | value)

    def end(self) -> Code:
        code = self._code
        for at, label in self._jumps:
            code.words[at] |= self._labels[label]
        if code.last < 0:
            code.last = len(code.words) - 1
        if len(code.words) > _INSTRUCTIONS:
            raise BoardError("a PIO program has at most %d instructions" % _INSTRUCTIONS)
        return code

    def _word(self, word: int) -> "_Assembler":
        self._code.words.append(word)
        return self


def _word(value: int) -> int:
    """The lower 32 bits; what is far from filling them stays a small integer on the board."""
    return value if 0 <= value < 1 << 30 else value & _MASK
