"""What an accelerometer feels on its axes, in ug: the signals, with its own noise on top.

With a tone the signals are amplitudes: what is felt is a sine of that frequency, so that a host
need not send every sample of a vibration. stuck: the last value, without noise. open, short: the
axis is dead, 0 without noise. Noise and spikes come to each conversion.
"""

import math
from array import array

from simulators.board.inputs import HIGH, LOW, OK, Noise

TYPE_CHECKING = False
if TYPE_CHECKING:
    from simulators.board.inputs import Input

_POINTS = 256
_ONE = 1 << 14


class Motion:
    """Codes of `axes` inputs; `ug_a_code` in 1/256 ug, codes clip at `lowest` and `highest`."""

    def __init__(
        self, inputs: "list[Input]", tone_hz: int, noise_ug: int, lowest: int, highest: int
    ) -> None:
        self._inputs = inputs
        self._tone_hz = tone_hz
        self._noise_ug = noise_ug
        self._noise = [Noise(7 + 13 * axis) for axis in range(len(inputs))]
        self._lowest = lowest
        self._highest = highest
        self._sine = array("h", bytes(2 * _POINTS))
        for point in range(_POINTS):
            self._sine[point] = round(math.sin(2 * math.pi * point / _POINTS) * _ONE)

    def code(self, axis: int, at_us: int, ug_a_code_256: int) -> int:
        """What the converter makes of an axis at a moment; `ug_a_code_256` = 256 x ug a code."""
        source = self._inputs[axis]
        condition = source.condition
        if condition == HIGH:
            return self._highest
        if condition == LOW:
            return self._lowest
        if condition != OK:
            return 0
        value = source.value(at_us)
        if "stuck" not in source.faults:
            if self._tone_hz:
                value = self._sounding(value, at_us)
            value += self._noise[axis].sample(self._noise_ug)
        # Small integers on the board: 16 g in ug have 24 bits, and 6 more fit.
        code = (value << 5) // (ug_a_code_256 >> 3)
        return max(self._lowest, min(self._highest, code))

    def _sounding(self, amplitude: int, at_us: int) -> int:
        tone_hz = self._tone_hz
        at_us %= 1_000_000
        share = (at_us // 1000 * tone_hz % 1000 * 1000 + at_us % 1000 * tone_hz) % 1_000_000
        sine = self._sine[share * _POINTS // 1_000_000]
        return ((amplitude >> 12) * sine >> 2) + ((amplitude & 0xFFF) * sine >> 14)
