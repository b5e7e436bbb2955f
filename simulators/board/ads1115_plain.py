"""What a bus transaction and a conversion come to in an ADS1115; ads1115_viper.py is the same in
machine code. `state` is the chip's, see ads1115.py, `line` a signal's, see signals.py."""

from simulators.board.arithmetic_plain import scaled, share
from simulators.board.constant import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array
    from typing import Any

_TICKS = const(0x3FFFFFFF)
_HALF = const(0x20000000)
_SINGLE_TO_GROUND = const(0x4100)
_START = const(0x8100)
_WAKE_UP_US = const(25)
_FLOOR_UV = const(-300_000)

_CONFIG = const(0)
_LATCHED = const(1)
_CONVERTING = const(2)
_RECONFIGURED = const(3)
_FRESH = const(4)
_STARTED_US = const(5)
_DURATION_US = const(6)
_CEILING_UV = const(7)
_CODE = const(8)
_RATES = const(12)

_FROM_US = const(0)
_KNOWN_US = const(1)
_BASE = const(2)
_STEP = const(3)
_STEP_US = const(4)
_CURRENT = const(5)


def convert(
    state: "array[int]",
    line: "array[int]",
    to_uv: "array[int]",
    to_code: "array[int]",
    now_us: int,
) -> int:
    """The single shot of an ADS1115 that is running, if it is over: one of a current, to ground.

    What there is to do: 0 nothing, 1 it is done, 2 the chip has to do it some other way.
    """
    elapsed_us = (now_us - state[_STARTED_US]) & _TICKS
    if elapsed_us >= _HALF or elapsed_us < state[_DURATION_US]:
        return 0
    latched = state[_LATCHED]
    if latched & state[_CONFIG] & _SINGLE_TO_GROUND != _SINGLE_TO_GROUND or not line[_CURRENT]:
        return 2
    if state[_RECONFIGURED]:
        return 2
    part_us = (state[_STARTED_US] + (state[_DURATION_US] >> 1) - line[_FROM_US]) & _TICKS
    if part_us >= line[_KNOWN_US]:
        return 2
    value = line[_BASE] + share(line[_STEP], part_us, line[_STEP_US])
    value = scaled(value, to_uv)
    if value > state[_CEILING_UV]:
        value = state[_CEILING_UV]
    if value < _FLOOR_UV:
        value = _FLOOR_UV
    value = scaled(value, to_code)
    if value > 0x7FFF:
        value = 0x7FFF
    if value < -0x8000:
        value = -0x8000
    state[_CODE] = value & 0xFFFF
    state[_FRESH] = 1
    state[_CONVERTING] = 0
    return 1


def begin(state: "array[int]", word: int, now_us: int) -> int:
    """Configure an ADS1115 that converts nothing; 1: it begins a single shot."""
    state[_CONFIG] = word & 0x7FFF
    if word & _START != _START:
        return 0
    state[_LATCHED] = word & 0x7FFF
    state[_CONVERTING] = 1
    state[_RECONFIGURED] = 0
    state[_STARTED_US] = now_us
    state[_DURATION_US] = state[_RATES + (word >> 5 & 7)] + _WAKE_UP_US
    return 1


def read_word(state: "array[int]", register: int, buffer: "Any") -> int:
    """The two bytes of a register of an ADS1115; 1: they are a conversion that is new."""
    word = state[_CODE + register]
    if register == 1:
        word = state[_CONFIG]
        if not state[_CONVERTING]:
            word |= 0x8000
    buffer[0] = word >> 8
    buffer[1] = word & 0xFF
    if register == 0 and state[_FRESH]:
        state[_FRESH] = 0
        return 1
    return 0
