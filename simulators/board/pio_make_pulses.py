"""What the PIO program `make_pulses` does: pulses on the set pin, as long as the last word says.

A pulse takes 5 cycles more than the word, the gap behind it 4. Not simulated: the levels
themselves, and that a new length takes effect when a pulse is over; the wire is told the rate.
"""

from simulators.board.errors import BoardError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from simulators.board.rp2 import StateMachine

_OVERHEAD = 9


class Model:
    """A state machine with a wire that it drives."""

    def __init__(self, machine: "StateMachine") -> None:
        self._machine = machine
        self._wire = machine.wire("set_base")
        self._length = 0
        self._wire.drive(True, 0)

    def run(self) -> None:
        """Take what has come, and say how fast the pulses are."""
        if not self._machine.running:
            self._wire.pulses_mhz = 0
            return
        word = self._machine.pull()
        while word >= 0:
            self._length = word
            word = self._machine.pull()
        cycles = 2 * self._length + _OVERHEAD
        self._wire.pulses_mhz = self._machine.freq * 1000 // cycles

    def exec(self, instr: int) -> None:
        raise BoardError("make_pulses has no use for the instruction 0x%04x" % instr)

    def got(self, left: int) -> None:
        """It pushes nothing."""
