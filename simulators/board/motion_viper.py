"""The sums of motion_plain.py, compiled to machine code where the interpreter can."""

import micropython  # type: ignore[import-not-found]

from simulators.board.constant import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from array import array

    ptr16 = array[int]
    ptr32 = array[int]

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


@micropython.viper  # type: ignore[untyped-decorator]
def felt(axis: ptr32, line: ptr32, sine: ptr16, at_us: int, ug_a_code_256: int) -> int:
    # On a 64-bit machine what is loaded has lost its sign.
    sign = 1
    sign = sign << 31
    part_us = (at_us - int(line[_FROM_US])) & _TICKS
    whole_us = int(line[_STEP_US])
    step = (int(line[_STEP]) ^ sign) - sign
    while whole_us > 0x7FFF:
        whole_us >>= 1
        part_us >>= 1
    part = (part_us << 15) // whole_us
    value = (int(line[_BASE]) ^ sign) - sign
    value += (step >> 15) * part + ((step & 0x7FFF) * part >> 15)
    tone_hz = int(axis[_TONE_HZ])
    if tone_hz != 0:
        at_us = at_us % 1_000_000
        turn = (at_us // 1000 * tone_hz % 1000 * 1000 + at_us % 1000 * tone_hz) % 1_000_000
        height = (int(sine[turn * 256 // 1_000_000]) ^ 0x8000) - 0x8000
        value = ((value >> 12) * height >> 2) + ((value & 0xFFF) * height >> 14)
    x = int(axis[_X]) * 171 % 30269
    y = int(axis[_Y]) * 172 % 30307
    z = int(axis[_Z]) * 170 % 30323
    axis[_X] = x
    axis[_Y] = y
    axis[_Z] = z
    value += (x + y + z - 45450) * int(axis[_SIGMA]) // 15150
    code = (value << 5) // (ug_a_code_256 >> 3)
    lowest = (int(axis[_LOWEST]) ^ sign) - sign
    highest = int(axis[_HIGHEST])
    if code < lowest:
        code = lowest
    if code > highest:
        code = highest
    return code


@micropython.viper  # type: ignore[untyped-decorator]
def shaken(axis: ptr32, wave: ptr32, tables: ptr16, at_us: int, ug_a_code_256: int) -> int:
    sign = 1
    sign = sign << 31
    part_us = (at_us - int(wave[_FROM_US])) & _TICKS
    phase = int(wave[_PHASE]) + int(wave[_TURNS]) * part_us
    height = (int(tables[phase >> 16 & 255]) ^ 0x8000) - 0x8000
    value = int(wave[_MESH]) * (height >> 2) >> 12
    height = (int(tables[phase >> 15 & 255]) ^ 0x8000) - 0x8000
    value += int(wave[_HARMONIC]) * (height >> 2) >> 12
    at = _STRUCK
    end = at + _NEXT * int(wave[_COUNT])
    while at < end:
        age_us = part_us + int(wave[at]) - _LATEST_US
        half_us = int(wave[at + _HALF])
        if age_us >= 0 and age_us < 10 * half_us:
            steps = (age_us << 6) // half_us
            height = (int(tables[age_us * int(wave[at + _RING]) >> 16 & 255]) ^ 0x8000) - 0x8000
            height = height * int(tables[_DECAY + (steps & 63)]) >> 16 >> (steps >> 6)
            value += int(wave[at + _STRENGTH]) * height >> 12
        at += _NEXT
    x = int(axis[_X]) * 171 % 30269
    y = int(axis[_Y]) * 172 % 30307
    z = int(axis[_Z]) * 170 % 30323
    axis[_X] = x
    axis[_Y] = y
    axis[_Z] = z
    noise = (x + y + z - 45450) * int(wave[_DEVIATION]) // 15150
    ug = (value << 7) + (noise << 8) + ((int(wave[_EXTRA]) ^ sign) - sign)
    most = int(_MOST_UG)
    if ug > most:
        ug = most
    if ug < 0 - most:
        ug = 0 - most
    code = (ug << 5) // (ug_a_code_256 >> 3)
    lowest = (int(axis[_LOWEST]) ^ sign) - sign
    highest = int(axis[_HIGHEST])
    if code < lowest:
        code = lowest
    if code > highest:
        code = highest
    return code
