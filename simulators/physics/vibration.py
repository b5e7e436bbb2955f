"""What an accelerometer on an axlebox or a motor feels: features by speed, and the waveform.

Levels are chosen: each machine has its own. Kinematic frequencies are the standard ones.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["RATE_HZ", "Bearing", "Damage", "features", "waveform"]

RATE_HZ = 26_667.0
"""The output rate of an IIS3DWB."""

_QUIET = 0.7
_A_KMH = 0.25
_FLAT_A_MM_KMH = 0.35
_BEARING_A_KMH = 0.35
_KURTOSIS, _CREST = 3.0, 3.5
_FLAT_KURTOSIS, _FLAT_CREST = 4.0, 2.0
_BEARING_KURTOSIS, _BEARING_CREST = 5.0, 3.0
_RING_HZ, _RING_S = 3_400.0, 0.0012
_WHEEL_RING_HZ, _WHEEL_RING_S = 480.0, 0.008
_MESH_SHARE = 0.25
_TRACK_SHARE = math.sqrt(1 - 1.25 * _MESH_SHARE**2)
_SLIP = 0.01

Values = NDArray[np.float64]


@dataclass(frozen=True)
class Bearing:
    """Rolling bearing: number and diameter of rollers, pitch diameter (mm), contact angle.

    The default is a tapered axlebox cartridge of about 130 mm bore; chosen.
    """

    rollers: int = 21
    roller_mm: float = 23.0
    pitch_mm: float = 187.0
    contact_deg: float = 10.0

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


@dataclass(frozen=True)
class Damage:
    """0 to 1 for each part of a bearing, a wheel flat in mm of depth."""

    outer: float = 0.0
    inner: float = 0.0
    roller: float = 0.0
    flat_mm: float = 0.0


def features(speed_kmh: Values, bearing: Values, flat_mm: Values) -> tuple[Values, Values, Values]:
    """RMS in m/s^2, crest factor and kurtosis at these speeds, with `bearing` damage of 0 to 1."""
    smooth = _QUIET + _A_KMH * speed_kmh
    flat = _FLAT_A_MM_KMH * flat_mm * speed_kmh
    rough = _BEARING_A_KMH * bearing * speed_kmh
    rms = np.sqrt(smooth**2 + flat**2 + rough**2)
    flat_share, rough_share = (flat / rms) ** 2, (rough / rms) ** 2
    crest = _CREST + _FLAT_CREST * flat_share + _BEARING_CREST * rough_share
    kurtosis = _KURTOSIS + _FLAT_KURTOSIS * flat_share + _BEARING_KURTOSIS * rough_share
    return rms, crest, kurtosis


def waveform(
    turn_hz: float,
    speed_kmh: float,
    samples: int,
    seed: int,
    damage: Damage | None = None,
    bearing: Bearing | None = None,
    gear_teeth: int = 83,
    rate_hz: float = RATE_HZ,
) -> Values:
    """m/s^2 at `rate_hz` of an axlebox, sound by default, at `turn_hz` turns of its axle a second.

    Noise of the track and of gear mesh (teeth x turns, with its second harmonic); a ringing at
    3.4 kHz each time a damaged part is rolled over, with 1 % of slip; a thud at each turn of a
    flat. An inner race's and a roller's strokes rise and fall as they pass the loaded zone.
    """
    damage, bearing = damage or Damage(), bearing or Bearing()
    random = np.random.default_rng(seed)
    t_s = np.arange(samples) / rate_hz
    level = _QUIET + _A_KMH * speed_kmh
    mesh_hz = gear_teeth * turn_hz
    signal = level * _TRACK_SHARE * random.normal(0, 1, samples)
    signal += level * _MESH_SHARE * math.sqrt(2) * np.sin(2 * math.pi * mesh_hz * t_s)
    signal += level * _MESH_SHARE / 2 * math.sqrt(2) * np.sin(4 * math.pi * mesh_hz * t_s)
    if turn_hz <= 0:
        return signal
    loaded = 0.5 + 0.5 * np.cos(2 * math.pi * turn_hz * t_s)
    caged = 0.5 + 0.5 * np.cos(2 * math.pi * bearing.cage_hz(turn_hz) * t_s)
    ring = _ring(_RING_HZ, _RING_S, rate_hz)
    for size, hz, zone in (
        (damage.outer, bearing.outer_hz(turn_hz), np.ones(samples)),
        (damage.inner, bearing.inner_hz(turn_hz), loaded),
        (damage.roller, 2 * bearing.roller_hz(turn_hz), caged),
    ):
        if size:
            strokes = _strokes(hz, samples, rate_hz, random) * zone
            signal += _scaled(strokes, ring, _BEARING_A_KMH * size * speed_kmh)
    if damage.flat_mm:
        strokes = _strokes(turn_hz, samples, rate_hz, None)
        thud = _ring(_WHEEL_RING_HZ, _WHEEL_RING_S, rate_hz)
        signal += _scaled(strokes, thud, _FLAT_A_MM_KMH * damage.flat_mm * speed_kmh)
    return signal


def _strokes(
    hz: float, samples: int, rate_hz: float, random: np.random.Generator | None
) -> Values:
    count = int(samples / rate_hz * hz) + 2
    gaps = np.full(count, 1 / hz)
    if random is not None:
        gaps *= 1 + _SLIP * random.normal(0, 1, count)
    at = np.rint(np.cumsum(gaps) * rate_hz).astype(int)
    strokes = np.zeros(samples)
    strokes[at[at < samples]] = 1.0
    return strokes


def _ring(hz: float, decay_s: float, rate_hz: float) -> Values:
    t_s = np.arange(int(6 * decay_s * rate_hz)) / rate_hz
    ring: Values = np.exp(-t_s / decay_s) * np.sin(2 * math.pi * hz * t_s)
    return ring


def _scaled(strokes: Values, ring: Values, rms: float) -> Values:
    rung = np.convolve(strokes, ring)[: len(strokes)]
    size = float(np.sqrt(np.mean(rung**2)))
    return rung * (rms / size) if size else rung
