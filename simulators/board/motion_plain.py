"""What an accelerometer makes of an axis; motion_viper.py is the same in machine code."""

from simulators.board.arithmetic_plain import share
from simulators.board.constant import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

_TICKS = const(0x3FFFFFFF)

_X = const(0)
_Y = const(1)
_Z = const(2)
_SIGMA = const(3)
_TONE_HZ = const(4)
_LOWEST = const(5)
_HIGHEST = const(6)

_FROM_US = const(0)
_BASE = const(2)
_STEP = const(3)
_STEP_US = const(4)


def felt(
    axis: "array[int]", line: "array[int]", sine: "array[int]", at_us: int, ug_a_code_256: int
) -> int:
    """The code of an axis of an accelerometer at a moment that the line tells, see motion.py.

    `axis`: the state of its noise (see inputs.Noise) and the deviation, the tone's frequency, the
    lowest and the highest code; `sine` is one turn in 256 steps, of 2**14.
    """
    part_us = (at_us - line[_FROM_US]) & _TICKS
    value = line[_BASE] + share(line[_STEP], part_us, line[_STEP_US])
    tone_hz = axis[_TONE_HZ]
    if tone_hz:
        at_us %= 1_000_000
        turn = (at_us // 1000 * tone_hz % 1000 * 1000 + at_us % 1000 * tone_hz) % 1_000_000
        height = sine[turn * 256 // 1_000_000]
        value = ((value >> 12) * height >> 2) + ((value & 0xFFF) * height >> 14)
    axis[_X] = axis[_X] * 171 % 30269
    axis[_Y] = axis[_Y] * 172 % 30307
    axis[_Z] = axis[_Z] * 170 % 30323
    value += (axis[_X] + axis[_Y] + axis[_Z] - 45450) * axis[_SIGMA] // 15150
    # Small integers on the board: 16 g in ug have 24 bits, and 6 more fit.
    code = (value << 5) // (ug_a_code_256 >> 3)
    if code < axis[_LOWEST]:
        code = axis[_LOWEST]
    if code > axis[_HIGHEST]:
        code = axis[_HIGHEST]
    return code
