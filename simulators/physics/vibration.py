"""What an accelerometer on an axlebox or a motor feels: features by speed, and its signature.

Levels are chosen: each machine has its own. Kinematic frequencies are the standard ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "AXLE_BEARING",
    "GEAR_TEETH",
    "MOTOR_BEARING",
    "Bearing",
    "Blows",
    "Damage",
    "Signature",
    "axlebox",
    "features",
    "motor",
]

_QUIET = 0.7
_A_KMH = 0.25
_FLAT_A_MM_KMH = 0.13
_BEARING_A_KMH = 0.35
_KURTOSIS, _CREST = 3.0, 3.5
_FLAT_KURTOSIS, _FLAT_CREST = 4.0, 2.0
_BEARING_KURTOSIS, _BEARING_CREST = 5.0, 3.0
_MESH_SHARE = 0.25
_HARMONIC_SHARE = _MESH_SHARE / 2
_TRACK_SHARE = math.sqrt(1 - _MESH_SHARE**2 - _HARMONIC_SHARE**2)
_SLIP = 0.01
_LOADED_RMS = math.sqrt(3 / 8)
"""Of a part that strikes as it passes the loaded zone: the RMS of (1 + cos)/2."""

_SLOWEST_HZ = 0.1
"""Below so many turns a second nothing strikes that could be felt."""

GEAR_TEETH = 83
"""Of the wheel on the axle; chosen."""

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Bearing:
    """Rolling bearing: number and diameter of rollers, pitch diameter (mm), contact angle."""

    rollers: int
    roller_mm: float
    pitch_mm: float
    contact_deg: float

    @property
    def _ratio(self) -> float:
        return self.roller_mm / self.pitch_mm * math.cos(math.radians(self.contact_deg))

    def outer_hz(self, turn_hz: float) -> float:
        """BPFO = N f/2 (1 - d/D cos a)."""
        return self.rollers * turn_hz / 2 * (1 - self._ratio)

    def inner_hz(self, turn_hz: float) -> float:
        """BPFI = N f/2 (1 + d/D cos a)."""
        return self.rollers * turn_hz / 2 * (1 + self._ratio)

    def roller_hz(self, turn_hz: float) -> float:
        """BSF = D f/(2 d) (1 - (d/D cos a)^2)."""
        return self.pitch_mm * turn_hz / (2 * self.roller_mm) * (1 - self._ratio**2)

    def cage_hz(self, turn_hz: float) -> float:
        """FTF = f/2 (1 - d/D cos a)."""
        return turn_hz / 2 * (1 - self._ratio)


AXLE_BEARING = Bearing(rollers=21, roller_mm=23.0, pitch_mm=187.0, contact_deg=10.0)
"""A tapered axlebox cartridge of about 130 mm bore; chosen."""

MOTOR_BEARING = Bearing(rollers=14, roller_mm=34.0, pitch_mm=190.0, contact_deg=0.0)
"""A cylindrical roller bearing of about 130 mm bore; chosen."""


@dataclass(frozen=True)
class Damage:
    """0 to 1 for each part of a bearing, a wheel flat in mm of depth."""

    outer: float = 0.0
    inner: float = 0.0
    roller: float = 0.0
    flat_mm: float = 0.0


@dataclass(frozen=True)
class Blows:
    """What is struck so many times `per_turn` of the axle, and then rings at `ring_hz` with a time
    constant of `decay_s`. `rms` in m/s^2; each blow comes up to `slip` of the time between two
    too late. Its strength rises and falls `zone_per_turn` times a turn; 0: it is always the same.
    """

    per_turn: float
    rms: float
    ring_hz: float
    decay_s: float
    slip: float = 0.0
    zone_per_turn: float = 0.0

    def peak(self, turn_hz: float) -> float:
        """m/s^2 of the strongest blow: a decaying sine has the mean square peak^2 decay_s / 4
        times the blows a second."""
        zone = _LOADED_RMS if self.zone_per_turn else 1.0
        return self.rms / zone * math.sqrt(4 / (self.per_turn * turn_hz * self.decay_s))


@dataclass(frozen=True)
class Signature:
    """What shakes a sensor while the axle turns evenly, having made so many `turns` before.

    `rms`: all of it, `noise` that of the track, `mesh` and `harmonic` of gear mesh and twice its
    frequency, in m/s^2; mesh comes `teeth` times a turn.
    """

    turns: float
    turn_hz: float
    rms: float
    noise: float
    mesh: float
    harmonic: float
    teeth: float
    blows: tuple[Blows, ...]
    seed: int


def features(
    speed_kmh: Values, bearing: Sequence[Values], flat_mm: Values
) -> tuple[Values, Values, Values]:
    """RMS in m/s^2, crest factor and kurtosis at these speeds. `bearing`: the damage of each of
    its parts, 0 to 1."""
    smooth = _QUIET + _A_KMH * speed_kmh
    flat = _FLAT_A_MM_KMH * flat_mm * speed_kmh
    squares = [(_BEARING_A_KMH * part * speed_kmh) ** 2 for part in bearing]
    rough = np.sqrt(np.add.reduce(squares))
    rms = np.sqrt(smooth**2 + flat**2 + rough**2)
    flat_share, rough_share = (flat / rms) ** 2, (rough / rms) ** 2
    crest = _CREST + _FLAT_CREST * flat_share + _BEARING_CREST * rough_share
    kurtosis = _KURTOSIS + _FLAT_KURTOSIS * flat_share + _BEARING_KURTOSIS * rough_share
    return rms, crest, kurtosis


def axlebox(
    turns: float, turn_hz: float, speed_kmh: float, damage: Damage, seed: int
) -> Signature:
    """Of an axlebox: track and gear, its bearing, and a thud at each turn of a flat."""
    blows = _bearing(AXLE_BEARING, 1.0, speed_kmh, damage)
    if damage.flat_mm:
        rms = _FLAT_A_MM_KMH * damage.flat_mm * speed_kmh
        blows.append(Blows(1.0, rms, ring_hz=480.0, decay_s=0.008))
    return _signature(turns, turn_hz, speed_kmh, blows, seed)


def motor(
    turns: float, turn_hz: float, speed_kmh: float, damage: Damage, seed: int, gear_ratio: float
) -> Signature:
    """Of a motor, whose shaft makes `gear_ratio` turns for each of the axle."""
    blows = _bearing(MOTOR_BEARING, gear_ratio, speed_kmh, damage)
    return _signature(turns, turn_hz, speed_kmh, blows, seed)


def _bearing(bearing: Bearing, shaft: float, speed_kmh: float, damage: Damage) -> list[Blows]:
    """A ringing at 3.4 kHz each time a damaged part is rolled over. `shaft`: turns of its inner
    race for each of the axle. An inner race's and a roller's blows pass the loaded zone."""
    return [
        Blows(per_turn, _BEARING_A_KMH * size * speed_kmh, 3_400.0, 0.0012, _SLIP, zone)
        for size, per_turn, zone in (
            (damage.outer, bearing.outer_hz(shaft), 0.0),
            (damage.inner, bearing.inner_hz(shaft), shaft),
            (damage.roller, 2 * bearing.roller_hz(shaft), bearing.cage_hz(shaft)),
        )
        if size
    ]


def _signature(
    turns: float, turn_hz: float, speed_kmh: float, blows: list[Blows], seed: int
) -> Signature:
    turning = turn_hz >= _SLOWEST_HZ
    level = _QUIET + _A_KMH * speed_kmh
    felt = tuple(blows) if turning else ()
    return Signature(
        turns=turns,
        turn_hz=turn_hz,
        rms=math.sqrt(level**2 + sum(each.rms**2 for each in felt)),
        noise=level * (_TRACK_SHARE if turning else 1.0),
        mesh=level * _MESH_SHARE if turning else 0.0,
        harmonic=level * _HARMONIC_SHARE if turning else 0.0,
        teeth=GEAR_TEETH,
        blows=felt,
        seed=seed,
    )
