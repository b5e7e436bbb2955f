"""The steps of ads1115_plain.py, compiled to machine code where the interpreter can."""

import micropython  # type: ignore[import-not-found]

from simulators.board.constant import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    ptr8 = bytearray
    ptr32 = array[int]

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


@micropython.viper  # type: ignore[untyped-decorator]
def convert(state: ptr32, line: ptr32, to_uv: ptr32, to_code: ptr32, now_us: int) -> int:
    started_us = int(state[_STARTED_US])
    duration_us = int(state[_DURATION_US])
    elapsed_us = (now_us - started_us) & _TICKS
    if elapsed_us >= _HALF or elapsed_us < duration_us:
        return 0
    settings = int(state[_LATCHED]) & int(state[_CONFIG])
    if settings & _SINGLE_TO_GROUND != _SINGLE_TO_GROUND or int(line[_CURRENT]) == 0:
        return 2
    if int(state[_RECONFIGURED]) != 0:
        return 2
    part_us = (started_us + (duration_us >> 1) - int(line[_FROM_US])) & _TICKS
    if part_us >= int(line[_KNOWN_US]):
        return 2
    # On a 64-bit machine what is loaded has lost its sign.
    sign = 1
    sign = sign << 31
    whole_us = int(line[_STEP_US])
    step = (int(line[_STEP]) ^ sign) - sign
    while whole_us > 0x7FFF:
        whole_us >>= 1
        part_us >>= 1
    part = (part_us << 15) // whole_us
    value = (int(line[_BASE]) ^ sign) - sign
    value += (step >> 15) * part + ((step & 0x7FFF) * part >> 15)
    ratio = to_uv
    for turn in range(2):
        high = value >> 14
        low = value & 0x3FFF
        first = int(ratio[0])
        second = int(ratio[1])
        part = (high * second + low * first + (low * second >> 14)) >> 10
        value = ((high * first << 4) + part + int(ratio[3])) >> int(ratio[2])
        if turn == 0:
            ceiling = int(state[_CEILING_UV])
            if value > ceiling:
                value = ceiling
            if value < _FLOOR_UV:
                value = _FLOOR_UV
            ratio = to_code
    if value > 0x7FFF:
        value = 0x7FFF
    if value < -0x8000:
        value = -0x8000
    state[_CODE] = value & 0xFFFF
    state[_FRESH] = 1
    state[_CONVERTING] = 0
    return 1


@micropython.viper  # type: ignore[untyped-decorator]
def begin(state: ptr32, word: int, now_us: int) -> int:
    state[_CONFIG] = word & 0x7FFF
    if word & _START != _START:
        return 0
    state[_LATCHED] = word & 0x7FFF
    state[_CONVERTING] = 1
    state[_RECONFIGURED] = 0
    state[_STARTED_US] = now_us
    state[_DURATION_US] = int(state[_RATES + (word >> 5 & 7)]) + _WAKE_UP_US
    return 1


@micropython.viper  # type: ignore[untyped-decorator]
def read_word(state: ptr32, register: int, buffer: ptr8) -> int:
    word = int(state[_CODE + register])
    if register == 1:
        word = int(state[_CONFIG])
        if int(state[_CONVERTING]) == 0:
            word |= 0x8000
    buffer[0] = word >> 8
    buffer[1] = word
    if register == 0 and int(state[_FRESH]) != 0:
        state[_FRESH] = 0
        return 1
    return 0
