"""A switch on a pin, and on a second one its inverse, as a changeover contact has it.

The signal is 0 or 1: the level at the pin. open, nack: nothing drives the wires. short: both are
low. saturated: the pin is high (or low). stuck: the level stays. bounce: for so long after each
change, and so many times over, the level falls back.

After the host's CUT a look at the pin is an OSError, which no board's own pin gives: so what was
taken stays what it is. A look at the pin is a sample taken; one at the inverse is not.
"""

from simulators.board.chip import Chip
from simulators.board.errors import FaultError
from simulators.board.inputs import HIGH, LOW, OPEN, SHORT
from simulators.board.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from simulators.board.inputs import Input

_FLOATING = -1
_EIO = 5
_ENDS = (HIGH, LOW)
_NOT_ITS = ("slow_conversion", "brown_out", "frozen")


class Contact(Chip):
    """The contact and its wires."""

    def __init__(self, name: str, inputs: "list[Input]", ticks_us: "Callable[[], int]") -> None:
        super().__init__(name, inputs, ticks_us, False)
        inputs[0].own_words = ("bounce",)
        self._input = inputs[0]
        self._closed = 1 if self._input.value(ticks_us()) else 0
        self._changed_us = ticks_us()
        self._bouncing = False

    def reset(self) -> None:
        """There is nothing in it to reset."""

    def inject(self, word: str, args: "dict[str, Any]") -> None:
        if word in _NOT_ITS:
            raise FaultError(self.name + " cannot have the fault " + word)
        super().inject(word, args)

    def settle(self, now_us: int) -> None:
        level = 1 if self._input.value(now_us) else 0
        if level != self._closed:
            self._closed = level
            self._changed_us = now_us
            self._bouncing = "bounce" in self._input.faults

    def level(self) -> int:
        """The pin: 0, 1 or floating."""
        self._look()
        self._input.taken += 1
        condition = self._input.condition
        if condition in _ENDS:
            return 1 if condition == HIGH else 0
        return self._wire(0)

    def inverse_level(self) -> int:
        """The other pin."""
        self._look()
        return self._wire(1)

    def _look(self) -> None:
        if self._cut:
            raise OSError(_EIO)
        self.settle(self.ticks_us())

    def _wire(self, inverted: int) -> int:
        condition = self._input.condition
        if condition == OPEN or self.silent:
            return _FLOATING
        if condition == SHORT:
            return 0
        return inverted ^ self._closed ^ self._fallen_back()

    def _fallen_back(self) -> int:
        """1 while the contact has bounced off."""
        bounce = self._input.faults.get("bounce")
        if not self._bouncing or bounce is None:
            return 0
        passed = ticks_diff(self.ticks_us(), self._changed_us) // bounce["us"]
        if passed >= 2 * bounce["edges"]:
            self._bouncing = False
        return passed & 1 if self._bouncing else 0
