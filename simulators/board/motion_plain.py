"""What an accelerometer makes of an axis.

motion_viper.py is the same in machine code; there what both functions share is written out in
each, for a call costs more than the sums.
"""

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

_DEVIATION = const(2)
_PHASE = const(3)
_TURNS = const(4)
_MESH = const(5)
_HARMONIC = const(6)
_EXTRA = const(7)
_COUNT = const(8)
_STRUCK = const(9)
_STRENGTH = const(1)
_RING = const(2)
_HALF = const(3)
_NEXT = const(4)
_DECAY = const(256)
_LATEST_US = const(65_536)
_MOST_UG = const((1 << 24) - 1)


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
    return _code(axis, value + _noise(axis, axis[_SIGMA]), ug_a_code_256)


def shaken(
    axis: "array[int]", wave: "array[int]", tables: "array[int]", at_us: int, ug_a_code_256: int
) -> int:
    """The code of an axis at a moment that a plan tells, see shape.Shape. `axis`: as of `felt`."""
    part_us = (at_us - wave[_FROM_US]) & _TICKS
    phase = wave[_PHASE] + wave[_TURNS] * part_us
    value = wave[_MESH] * (tables[phase >> 16 & 255] >> 2) >> 12
    value += wave[_HARMONIC] * (tables[phase >> 15 & 255] >> 2) >> 12
    at = _STRUCK
    end = at + _NEXT * wave[_COUNT]
    while at < end:
        age_us = part_us + wave[at] - _LATEST_US
        half_us = wave[at + _HALF]
        if 0 <= age_us < 10 * half_us:
            steps = (age_us << 6) // half_us
            height = tables[age_us * wave[at + _RING] >> 16 & 255]
            height = height * tables[_DECAY + (steps & 63)] >> 16 >> (steps >> 6)
            value += wave[at + _STRENGTH] * height >> 12
        at += _NEXT
    ug = (value << 7) + (_noise(axis, wave[_DEVIATION]) << 8) + wave[_EXTRA]
    if ug > _MOST_UG:
        ug = _MOST_UG
    if ug < -_MOST_UG:
        ug = -_MOST_UG
    return _code(axis, ug, ug_a_code_256)


def _noise(axis: "array[int]", deviation: int) -> int:
    """The next of its random numbers."""
    axis[_X] = axis[_X] * 171 % 30269
    axis[_Y] = axis[_Y] * 172 % 30307
    axis[_Z] = axis[_Z] * 170 % 30323
    return (axis[_X] + axis[_Y] + axis[_Z] - 45450) * deviation // 15150


def _code(axis: "array[int]", ug: int, ug_a_code_256: int) -> int:
    """The code, within the chip's range."""
    # Small integers on the board: 16 g in ug have 24 bits, and 6 more fit.
    code = (ug << 5) // (ug_a_code_256 >> 3)
    if code < axis[_LOWEST]:
        code = axis[_LOWEST]
    if code > axis[_HIGHEST]:
        code = axis[_HIGHEST]
    return code
