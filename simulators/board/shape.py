"""The shape of a vibration: what an axis feels from a few numbers that tell how it is shaken.

They come as a stretch of a signal of the unit `shape`, which holds until the next one:

  NOISE            bell-shaped noise, 1/4096
  MESH, HARMONIC   a sine and one of twice its frequency, 1/2048 each
  PHASE, TURNS     where the sine is at the stretch's begin, how far it gets in a us; 2^-24 turn
and for each kind of blow, of which a stretch has up to BLOWS:
  FIRST, PERIOD    when the first one at or after the begin comes, in us, and the time from one to
                   the next in 1/16 us
  NUMBER           of the first one, counted on from stretch to stretch
  SHARE            how strong it is, 1/256
  SLIP             each is up to so many us late, one more than another
  HALF, RING       it rings with this half-life in us, getting so far in a us; 2^-24 turn
  ZONE, ZONE_STEP  its strength is (1 + cos)/2 of an angle at the first one, which changes so much
                   from one to the next; 2^-16 turn. ZONE_STEP 0: it is always the same
  SEED             of the slip
Shares are of the level: the axis' own signal, in ug.

What is felt is computed in plans of 16,384 us, made when the chip is asked for a moment in one; it
depends on nothing but the stretches and the moment. A ring is followed for ten half-lives.
"""

import math
from array import array

from simulators.board.constant import const
from simulators.board.ticks import ticks_add, ticks_diff

TYPE_CHECKING = False
if TYPE_CHECKING:
    from simulators.board.signals import Signal

NOISE, MESH, HARMONIC, PHASE, TURNS = 0, 1, 2, 3, 4
HEAD = 5
FIRST, PERIOD, NUMBER, SHARE, SLIP, HALF, RING, ZONE, ZONE_STEP, SEED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    9,
)
FIELDS = 10
BLOWS = 4
RECORD = HEAD + FIELDS * BLOWS
"""The most numbers of a stretch."""

_WAVE = const(9)
_STRUCK = const(16)
_STRUCK_FIELDS = const(4)
_LATEST_US = const(65_536)
"""What ages in a plan are counted from, so that none is negative."""

_BITS = const(14)
_PLAN_US = const(1 << 14)
_HALVES = const(10)
_SINE = const(256)
_DECAY = const(64)
_ONE = const(1 << 14)
_MOST_UG = const((1 << 24) - 1)
_MOST_128_UG = const((1 << 18) - 1)
_MOST_NOISE = const(23_000)
_SHAPE = const(2)
"""Where the numbers begin in what Signal.record gives."""


def tables() -> "array[int]":
    """One turn of a sine in 256 steps, then half of a half-life in 64; of 2**14."""
    filled = array("h", bytes(2 * (_SINE + _DECAY)))
    for point in range(_SINE):
        filled[point] = round(math.sin(2 * math.pi * point / _SINE) * _ONE)
    for point in range(_DECAY):
        filled[_SINE + point] = round(2 ** (-point / _DECAY) * _ONE)
    return filled


class Shape:
    """`wave` is the plan, for motion_plain.shaken: when it begins and how many us it holds, the
    noise's deviation in 256 ug, phase and turns of the sine, its two amplitudes in 128 ug, what a
    fault adds in ug, how many blows there are, and for each its age at the begin in us + 65,536,
    its strength in 128 ug, RING and HALF."""

    def __init__(self, signal: "Signal", noise_ug: int, table: "array[int]") -> None:
        self.wave = array("i", bytes(4 * (_WAVE + _STRUCK * _STRUCK_FIELDS)))
        self._signal = signal
        self._noise = noise_ug >> 8
        self._table = table
        self._record = array("i", bytes(4 * (_SHAPE + RECORD)))

    def plan(self, at_us: int, level: "Signal") -> bool:
        """Make the plan that a moment lies in. False: there is no shape then."""
        record = self._record
        count = self._signal.record(at_us, record)
        if not count:
            self.wave[1] = 0
            return False
        wave = self.wave
        begin_us = ticks_diff(at_us, record[0]) >> _BITS << _BITS
        wave[0] = ticks_add(record[0], begin_us)
        wave[1] = min(_PLAN_US, record[1] - begin_us)
        level_ug = min(max(level.value(wave[0]), 0), _MOST_UG)
        noise = (level_ug >> 8) * record[_SHAPE + NOISE] >> 12
        wave[2] = min(int(math.sqrt(noise * noise + self._noise * self._noise)), _MOST_NOISE)
        turns = record[_SHAPE + TURNS]
        a_plan = (turns << _BITS) & 0xFFFFFF
        wave[3] = record[_SHAPE + PHASE] + a_plan * (begin_us >> _BITS) & 0xFFFFFF
        wave[4] = turns
        wave[5] = (level_ug >> 7) * record[_SHAPE + MESH] >> 11
        wave[6] = (level_ug >> 7) * record[_SHAPE + HARMONIC] >> 11
        wave[8] = 0
        for at in range(_SHAPE + HEAD, _SHAPE + count - FIELDS + 1, FIELDS):
            self._strike(at, begin_us, level_ug >> 7)
        return True

    def _strike(self, at: int, begin_us: int, level: int) -> None:
        """Put the blows of one kind that can be felt in the plan into it."""
        record, wave = self._record, self.wave
        first_us, period, slip_us = record[at + FIRST], record[at + PERIOD], record[at + SLIP]
        rings_us = _HALVES * record[at + HALF]
        number = ((begin_us - rings_us - slip_us - first_us) << 4) // period
        while wave[8] < _STRUCK:
            struck_us = first_us + (number * period >> 4) - begin_us
            if struck_us >= _PLAN_US:
                return
            struck_us += self._late_us(at, number)
            if -rings_us < struck_us < _PLAN_US:
                into = _WAVE + _STRUCK_FIELDS * wave[8]
                wave[into] = _LATEST_US - struck_us
                strength = level * record[at + SHARE] >> 8
                wave[into + 1] = min(strength, _MOST_128_UG) * self._zone(at, number) >> 8
                wave[into + 2] = record[at + RING]
                wave[into + 3] = record[at + HALF]
                wave[8] += 1
            number += 1

    def _late_us(self, at: int, number: int) -> int:
        """The same for a blow in each stretch that knows it."""
        record = self._record
        mixed = (record[at + NUMBER] + number + record[at + SEED]) % 30269 * 171 % 30269
        return mixed * 172 % 30307 * record[at + SLIP] // 30307

    def _zone(self, at: int, number: int) -> int:
        """How loaded the part is that is struck, 0 to 256."""
        step = self._record[at + ZONE_STEP]
        if not step:
            return 256
        angle = self._record[at + ZONE] + number * step
        return 128 + (self._table[(angle >> 8) + 64 & 255] >> 7)
