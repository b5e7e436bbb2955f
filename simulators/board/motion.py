"""What an accelerometer feels on its axes, in ug: the signals, with its own noise on top.

With a tone the signals are amplitudes: what is felt is a sine of that frequency, so that a host
need not send every sample of a vibration. While an axis is told the shape of one (shape.py), its
signal is the level of that, and there is no tone. stuck: the last value, without noise. open,
short: the axis is dead, 0 without noise. Noise and spikes come to each conversion.
"""

from array import array

from simulators.board.constant import const
from simulators.board.inputs import HIGH, LOW, OK, Noise
from simulators.board.shape import Shape, tables
from simulators.board.ticks import ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from simulators.board.inputs import Input
    from simulators.board.motion_plain import felt, shaken
    from simulators.board.signals import Signal
else:
    try:
        from simulators.board.motion_viper import felt, shaken
    except (ImportError, SyntaxError, ValueError):
        from simulators.board.motion_plain import felt, shaken

_FROM_US = const(0)
_KNOWN_US = const(1)
_BASE = const(2)
_EXTRA = const(7)
_MOST_UG = const((1 << 24) - 1)


class Motion:
    """Codes of the axes `inputs`; codes clip at `lowest` and `highest`. `shapes`: the signals that
    tell how the axes are shaken, as far as there are any."""

    def __init__(
        self,
        inputs: "list[Input]",
        tone_hz: int,
        noise_ug: int,
        lowest: int,
        highest: int,
        shapes: "Sequence[Signal | None]",
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
        self._tables = tables()
        self._shapes: "list[Shape | None]" = [None] * len(inputs)
        for axis, signal in enumerate(shapes):
            if signal is not None:
                self._shapes[axis] = Shape(signal, noise_ug, self._tables)

    def code(self, axis: int, at_us: int, ug_a_code_256: int) -> int:
        """What the converter makes of an axis at a moment; `ug_a_code_256` = 256 x ug a code."""
        source = self._inputs[axis]
        shape = self._shapes[axis]
        if shape is not None:
            wave = shape.wave
            if 0 <= ticks_diff(at_us, wave[_FROM_US]) < wave[_KNOWN_US] or shape.plan(
                at_us, source.signal
            ):
                return self._shaken(axis, wave, at_us, ug_a_code_256)
        line = source.signal.line
        if source.faults or not 0 <= ticks_diff(at_us, line[_FROM_US]) < line[_KNOWN_US]:
            value = source.value(at_us) if source.condition == OK else 0
            if source.condition != OK or "stuck" in source.faults:
                return self._dead(source.condition, value, ug_a_code_256)
            line = self._given
            line[_FROM_US] = at_us
            line[_BASE] = value
        return felt(self._axes[axis], line, self._tables, at_us, ug_a_code_256)

    def _shaken(self, axis: int, wave: "array[int]", at_us: int, ug_a_code_256: int) -> int:
        """The same of an axis with a plan; drift, noise and spikes add to what shakes it."""
        source = self._inputs[axis]
        wave[_EXTRA] = 0
        if source.faults:
            value = source.value(at_us) if source.condition == OK else 0
            if source.condition != OK or "stuck" in source.faults:
                return self._dead(source.condition, value, ug_a_code_256)
            extra = value - source.signal.value(at_us)
            wave[_EXTRA] = max(-_MOST_UG, min(_MOST_UG, extra))
        return shaken(self._axes[axis], wave, self._tables, at_us, ug_a_code_256)

    def _dead(self, condition: int, value: int, ug_a_code_256: int) -> int:
        """The code of an axis that feels nothing any more."""
        if condition == HIGH:
            return self._highest
        if condition == LOW:
            return self._lowest
        return max(self._lowest, min(self._highest, (value << 5) // (ug_a_code_256 >> 3)))
