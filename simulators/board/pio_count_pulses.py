"""What the PIO program `count_pulses` does: counts a tacho's pulses and dates the last.

X counts the rising edges down from 0, Y the turns of the program's loop, OSR is Y as it was at the
last edge. A turn is 32 cycles; a level counts when it has lasted two turns. The processor looks
with forced instructions: `in_(source, 30)`, which fills the empty ISR, and `push(noblock)`.

A reading is the four words that fill the FIFO: it is taken with the fourth. After the host's CUT
there are none. A test holds this and the program's instructions together.
"""

from simulators.board.constant import const
from simulators.board.errors import BoardError
from simulators.board.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from simulators.board.rp2 import StateMachine
    from simulators.board.tacho import Edges

_FILTER_HZ = const(64_000_000)
"""The clock at which two turns take 1 us."""

_WORDS = const(4)
_MASK = const((1 << 30) - 1)
_PUSH = const(0x8000)
_IN_X = const(0x403E)
_IN_Y = const(0x405E)
_IN_OSR = const(0x40FE)


class Model:
    """A state machine with a tacho at its jmp_pin, or with nothing there."""

    def __init__(self, machine: "StateMachine") -> None:
        self._machine = machine
        if machine.program is not None:
            # A board keeps the machine's few words, not what they were made from.
            machine.program.function = None
        self._half_us = (_FILTER_HZ + machine.freq // 2) // machine.freq
        tacho = machine.wire("jmp_pin").sensor
        self._edges: "Edges | None" = None if tacho is None else tacho.watch(self._half_us)
        self._now_us = machine.board.ticks_us()
        self._isr = self._x = self._y = self._osr = 0
        self._rest = 0
        self._seen = 0
        self._gone = False

    def run(self) -> None:
        """Let the turns go by, and note when the last edge came."""
        now_us = self._machine.board.ticks_us()
        if now_us == self._now_us and (self._edges is None or not self._edges.cut):
            return
        half_us = 2 * ticks_diff(now_us, self._now_us) + self._rest
        self._now_us = now_us
        self._rest = half_us % self._half_us
        if self._machine.running:
            self._y = (self._y - half_us // self._half_us) & _MASK
        if self._edges is not None and not self._gone:
            self._see(self._edges)

    def exec(self, instr: int) -> None:
        """Look at a register, or push. BoardError for what no driver forces in."""
        if instr == _IN_X:
            self._isr = self._x
        elif instr == _IN_Y:
            self._isr = self._y
        elif instr == _IN_OSR:
            self._isr = self._osr
        elif instr != _PUSH:
            raise BoardError("count_pulses has no use for the instruction 0x%04x" % instr)
        elif not self._gone:
            self._push()

    def got(self, left: int) -> None:
        """Nothing depends on it."""

    def _push(self) -> None:
        fits = self._machine.push(self._isr)
        self._isr = 0
        if fits and self._machine.waiting == _WORDS and self._edges is not None:
            self._edges.take()

    def _see(self, edges: "Edges") -> None:
        try:
            edges.look()
        except OSError:
            self._gone = True
            return
        fresh = (edges.count - self._seen) & _MASK
        self._seen = edges.count
        if fresh and self._machine.running:
            ago_us = ticks_diff(self._now_us, edges.last_us)
            self._x = (self._x - fresh) & _MASK
            self._osr = (self._y + 2 * ago_us // self._half_us) & _MASK
