"""What an accelerometer feels on its axes, in ug: the signals, with its own noise on top.

With a tone the signals are amplitudes: what is felt is a sine of that frequency, so that a host
need not send every sample of a vibration. stuck: the last value, without noise. open, short: the
axis is dead, 0 without noise. Noise and spikes come to each conversion.
"""

import math
from array import array

from simulators.board.constant import const
from simulators.board.inputs import HIGH, LOW, OK, Noise
from simulators.board.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from simulators.board.inputs import Input
    from simulators.board.motion_plain import felt
else:
    try:
        from simulators.board.motion_viper import felt
    except (ImportError, SyntaxError, ValueError):
        from simulators.board.motion_plain import felt

_POINTS = const(256)
_ONE = const(1 << 14)
_FROM_US = const(0)
_KNOWN_US = const(1)
_BASE = const(2)


class Motion:
    """Codes of `axes` inputs; `ug_a_code` in 1/256 ug, codes clip at `lowest` and `highest`."""

    def __init__(
        self, inputs: "list[Input]", tone_hz: int, noise_ug: int, lowest: int, highest: int
    ) -> None:
        self._inputs = inputs
        self._lowest = lowest
        self._highest = highest
        self._axes = []
        for axis in range(len(inputs)):
            state = array("i", Noise(7 + 13 * axis).state())
            state.extend(array("i", (noise_ug, tone_hz, lowest, highest)))
            self._axes.append(state)
        self._given = array("i", (0, 1, 0, 0, 1, 0))
        self._sine = array("h", bytes(2 * _POINTS))
        for point in range(_POINTS):
            self._sine[point] = round(math.sin(2 * math.pi * point / _POINTS) * _ONE)

    def code(self, axis: int, at_us: int, ug_a_code_256: int) -> int:
        """What the converter makes of an axis at a moment; `ug_a_code_256` = 256 x ug a code."""
        source = self._inputs[axis]
        line = source.signal.line
        if source.faults or not 0 <= ticks_diff(at_us, line[_FROM_US]) < line[_KNOWN_US]:
            condition = source.condition
            if condition == HIGH:
                return self._highest
            if condition == LOW:
                return self._lowest
            if condition != OK:
                return 0
            value = source.value(at_us)
            if "stuck" in source.faults:
                code = (value << 5) // (ug_a_code_256 >> 3)
                return max(self._lowest, min(self._highest, code))
            line = self._given
            line[_FROM_US] = at_us
            line[_BASE] = value
        return felt(self._axes[axis], line, self._sine, at_us, ug_a_code_256)
