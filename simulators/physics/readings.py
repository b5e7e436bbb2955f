"""From a machine's rows to what a sensor would see: each quantity, at each of its places.

What is derived from speed alone is computed here, for the points asked for; small ripple and
noise come on top, a function of seed, channel and time alone.
"""

import functools
import math
import zlib
from collections.abc import Callable

import numpy as np
from axwire.places import AXLE, BOGIE, MOTOR, parse_place
from numpy.typing import NDArray

from simulators.physics import vibration
from simulators.physics.character import character
from simulators.physics.effects import PARTS
from simulators.physics.figures import Figures

__all__ = ["Readings", "wheel_diameters_mm"]

Values = NDArray[np.float64]
Read = Callable[[str, Values], Values]
"""A column by name, at times in s."""

_WORN_MM = 30.0
_PAIR_MM = 3.0
_RIPPLE_A = 3.0
_FLOW_A = 20.0

# white noise (half range) and slow ripple (amplitude, Hz), in each quantity's unit; chosen
_NOISE = {
    "motor.current": (0.25, 0.0, 0.7),
    "motor.voltage": (1.0, 0.0, 0.7),
    "motor.winding_temperature": (0.02, 0.05, 0.02),
    "motor.frame_temperature": (0.02, 0.05, 0.02),
    "motor.bearing_temperature": (0.02, 0.05, 0.02),
    "axle.bearing_temperature": (0.02, 0.05, 0.02),
    "axle.load": (0.01, 0.0, 1.3),
    "brake.pipe_pressure": (0.15, 0.5, 0.05),
    "brake.cylinder_pressure": (0.1, 0.2, 0.05),
    "brake.main_reservoir_pressure": (0.2, 0.3, 0.05),
    "brake.equalising_pressure": (0.1, 0.2, 0.05),
    "supply.voltage": (0.05, 0.1, 0.3),
    "ambient.temperature": (0.02, 0.1, 0.003),
    "cabinet.temperature": (0.02, 0.1, 0.003),
    "compressor.motor_current": (0.05, 0.0, 0.3),
    "compressor.oil_temperature": (0.02, 0.05, 0.01),
}

_PLAIN = {
    "brake.pipe_pressure": "pipe",
    "brake.equalising_pressure": "equalising",
    "brake.main_reservoir_pressure": "main",
    "air.compressor_pressure": "delivery",
    "air.panel_pressure": "main",
    "compressor.motor_current": "compressor current",
    "compressor.running": "running",
    "compressor.oil_temperature": "oil",
    "supply.voltage": "supply",
    "ambient.temperature": "ambient",
    "cabinet.temperature": "cabinet",
}

_BY_NUMBER = {
    "motor.current": "current",
    "motor.voltage": "voltage",
    "motor.winding_temperature": "winding",
    "motor.frame_temperature": "frame",
    "axle.load": "load",
    "brake.cylinder_pressure": "cylinder",
}

_BEARINGS = {
    "motor.bearing_temperature": "motor bearing",
    "axle.bearing_temperature": "axle bearing",
}

# splitmix64's constants
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST, _SECOND = np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = (np.uint64(bits) for bits in (30, 27, 31, 11))

_SHAKEN = (("axle", "acceleration", AXLE), ("motor", "acceleration", MOTOR))


def wheel_diameters_mm(figures: Figures, seed: int) -> list[float]:
    """Of each axle: up to 30 mm worn, the axles of one locomotive within 3 mm; chosen."""
    worn = _WORN_MM * (0.5 + 0.5 * character(seed, "wheels", "worn"))
    return [
        figures.wheel_diameter - worn + _PAIR_MM / 2 * character(seed, "wheel", n)
        for n in range(figures.axles)
    ]


class Readings:
    """`read` gives a column of the machine."""

    def __init__(self, figures: Figures, seed: int, read: Read) -> None:
        self._figures = figures
        self._seed = seed
        self._read = read
        self._diameters_mm = wheel_diameters_mm(figures, seed)
        self._numbers: dict[tuple[str | int, ...], int] = {}
        self._asked: Values | None = None
        self._ms = np.empty(0, np.uint64)

    def values(self, quantity: str, place: str, t_s: Values) -> Values:
        """In the quantity's unit. Raises KeyError where this locomotive has no such thing."""
        true = self._true(quantity, place, t_s)
        noise = _NOISE.get(quantity)
        if noise is None:
            return true
        white, ripple, hz = noise
        own = self._own(quantity, place)
        true += white * self._white(own, t_s)
        swing = np.sin(2 * math.pi * (hz * (0.9 + own % 97 / 485) * t_s + own % 89 / 89))
        if quantity == "motor.current":
            swing *= _RIPPLE_A * np.minimum(np.abs(true) / _FLOW_A, 1)
            return true + swing
        if quantity == "axle.load":
            return true + 0.15 * self._read("speed", t_s) / 60 * swing
        return true + ripple * swing

    def signature(
        self, quantity: str, place: str, begin_s: float, end_s: float
    ) -> vibration.Signature:
        """What shakes an accelerometer there, between two times at which the wheel turns evenly.

        Raises KeyError where this locomotive has no such thing.
        """
        family, _, what = quantity.partition(".")
        kind, number, side = _parts(place)
        if (family, what, kind) not in _SHAKEN or not 1 <= number <= self._figures.axles:
            raise KeyError(f"{quantity} at {place}")
        n = number - 1
        round_m = math.pi * self._diameters_mm[n] / 1000
        ends = self._read(f"path {n}", np.array([begin_s, end_s])) / round_m
        turns, turn_hz = float(ends[0]), float(ends[1] - ends[0]) / (end_s - begin_s)
        middle = np.array([(begin_s + end_s) / 2])
        outer, inner, roller = (
            float(self._damage(f"{family} {part}", n, side, middle)[0]) for part in PARTS
        )
        flat_mm = float(self._read(f"flat {n}", middle)[0]) if family == "axle" else 0.0
        damage = vibration.Damage(outer, inner, roller, flat_mm)
        speed_kmh = float(self._read(f"tread {n}", middle)[0])
        own = self._own(family, n, side, "blows")
        if family == "axle":
            return vibration.axlebox(turns, turn_hz, speed_kmh, damage, own)
        return vibration.motor(turns, turn_hz, speed_kmh, damage, own, self._figures.gear_ratio)

    def _true(self, quantity: str, place: str, t_s: Values) -> Values:
        kind, number, side = _parts(place)
        if quantity in _PLAIN:
            values = self._read(_PLAIN[quantity], t_s)
            return np.rint(values) if quantity == "compressor.running" else values
        expected = {"motor": MOTOR, "axle": AXLE, "brake": BOGIE}[quantity.partition(".")[0]]
        count = self._figures.bogies if expected == BOGIE else self._figures.axles
        if kind != expected or not 1 <= number <= count:
            raise KeyError(f"{quantity} at {place}")
        n = number - 1
        if quantity in _BY_NUMBER:
            return self._read(f"{_BY_NUMBER[quantity]} {n}", t_s)
        if quantity in _BEARINGS:
            return self._bearing(_BEARINGS[quantity], n, side, t_s)
        if quantity in ("axle.speed", "motor.speed"):
            return self._speed(quantity, n, t_s)
        return self._vibration(quantity, n, side, t_s)

    def _bearing(self, name: str, n: int, side: int, t_s: Values) -> Values:
        """Left or right; the hotter one where no side is named."""
        if side:
            return self._read(f"{name} {2 * n + side - 1}", t_s)
        left, right = (self._read(f"{name} {2 * n + one}", t_s) for one in (0, 1))
        return np.maximum(left, right)

    def _speed(self, quantity: str, n: int, t_s: Values) -> Values:
        metres = math.pi * self._diameters_mm[n] / 1000
        rpm = self._read(f"tread {n}", t_s) / 3.6 / metres * 60
        return rpm * self._figures.gear_ratio if quantity == "motor.speed" else rpm

    def _vibration(self, quantity: str, n: int, side: int, t_s: Values) -> Values:
        """The acceleration is the amplitude of a tone with the same effective value."""
        family, _, what = quantity.partition(".")
        speed_kmh = self._read(f"tread {n}", t_s)
        flat = self._read(f"flat {n}", t_s) if family == "axle" else np.zeros_like(t_s)
        parts = [self._damage(f"{family} {part}", n, side, t_s) for part in PARTS]
        rms, crest, kurtosis = vibration.features(speed_kmh, parts, flat)
        spread = 1 + 0.15 * character(self._seed, f"{family} vibration", n)
        own = self._own(family, n, side)
        level = rms * spread * (1 + 0.02 * self._white(own, t_s))
        return {
            "acceleration": math.sqrt(2) * level,
            "vibration_rms": level,
            "vibration_peak": level * crest,
            "vibration_crest": crest,
            "vibration_kurtosis": kurtosis,
        }[what]

    def _damage(self, part: str, n: int, side: int, t_s: Values) -> Values:
        """Left or right; the worse one where no side is named."""
        sides = (side - 1,) if side else (0, 1)
        worse: Values = np.maximum.reduce(
            [self._read(f"{part} {2 * n + one}", t_s) for one in sides]
        )
        return worse

    def _own(self, *names: str | int) -> int:
        """A number that only what has these names has."""
        own = self._numbers.get(names)
        if own is None:
            own = zlib.crc32(" ".join(map(str, (self._seed, *names))).encode())
            self._numbers[names] = own
        return own

    def _white(self, own: int, t_s: Values) -> Values:
        """-1 to 1, evenly, another number each millisecond: a hash of the time (splitmix64)."""
        if t_s is not self._asked:
            self._asked = t_s
            self._ms = np.rint(t_s * 1000).astype(np.int64).astype(np.uint64)
        mixed = (self._ms + np.uint64(own)) * _GOLDEN
        mixed ^= mixed >> _30
        mixed *= _FIRST
        mixed ^= mixed >> _27
        mixed *= _SECOND
        mixed ^= mixed >> _31
        mixed >>= _11
        white: Values = mixed.astype(np.float64)
        white /= 2.0**52
        white -= 1
        return white


@functools.cache
def _parts(place: str) -> tuple[int, int, int]:
    code = parse_place(place)
    return code >> 8, code >> 2 & 63, code & 3
