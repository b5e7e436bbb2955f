"""A locomotive at work, as a function of time: plausible values for every channel of a profile.

A duty of five minutes repeats: start, pull, coast, brake, stand. It is smooth where the machine
is, so that the steps between samples are those of a machine; what differs from motor to motor
and from axle to axle comes from the seed.
"""

import math
import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from gateway.profiles import Profile

__all__ = ["Locomotive"]

_DUTY_S = 300.0
_PHASES_S = (0.0, 20.0, 110.0, 150.0, 180.0, 240.0, 270.0, _DUTY_S)
_EFFORT = (0.0, 1.0, 0.55, 0.0, -0.5, -0.3, 0.0, 0.0)
_SPEED_KMH = (0.0, 12.0, 62.0, 66.0, 58.0, 16.0, 0.0, 0.0)
_PIPE_DROP_KPA = (0.0, 0.0, 0.0, 0.0, 70.0, 90.0, 60.0, 0.0)
_COMPRESSOR_S = 95.0
_COMPRESSOR_ON_S = 30.0
_THERMAL_S = 240.0
_AMBIENT_C = 12.0
_WINDING_RISE_K = 95.0

Seconds = NDArray[np.float64]
Values = NDArray[np.float64]


class Locomotive:
    """Values of one simulated locomotive; the same seed gives the same machine."""

    def __init__(self, profile: Profile, seed: int) -> None:
        self._profile = profile
        self._seed = seed
        self._models: dict[str, Callable[[Seconds, float], Values]] = {
            "motor.current": self._motor_current,
            "motor.winding_temperature": self._winding_temperature,
            "axle.load": self._axle_load,
            "axle.speed": self._axle_speed,
            "axle.acceleration": self._axle_vibration,
            "brake.pipe_pressure": self._pipe_pressure,
            "brake.cylinder_pressure": self._cylinder_pressure,
            "brake.main_reservoir_pressure": self._reservoir_pressure,
        }

    def values(self, quantity: str, place: str, t_s: Seconds) -> Values:
        """The quantity at that place, in its unit, at times in seconds since the start.

        Raises KeyError for a quantity that this locomotive does not have.
        """
        return self._models[quantity](t_s, self._character(quantity, place))

    def speed_kmh(self, t_s: Seconds) -> Values:
        return _duty(t_s, _SPEED_KMH)

    def _character(self, quantity: str, place: str) -> float:
        """-1 to 1: how this one differs from its siblings."""
        name = f"{self._seed} {quantity} {place}".encode()
        return zlib.crc32(name) / 0xFFFFFFFF * 2 - 1

    def _motor_current(self, t_s: Seconds, character: float) -> Values:
        limit = 0.75 * self._profile.figures["motor_current_max"].value
        effort = np.abs(_duty(t_s, _EFFORT))
        hunting = 6 * np.sin(2 * math.pi * (0.7 + 0.1 * character) * t_s + character)
        current: Values = limit * effort * (1 + 0.03 * character) + hunting * (effort > 0.02) + 2
        return current

    def _winding_temperature(self, t_s: Seconds, character: float) -> Values:
        heat = 0.5 - 0.5 * np.cos(2 * math.pi * (t_s - 60) / _DUTY_S)
        warm_up = 1 - np.exp(-(t_s + 300) / _THERMAL_S)
        return _AMBIENT_C + _WINDING_RISE_K * warm_up * (0.6 + 0.4 * heat) * (1 + 0.06 * character)

    def _axle_load(self, t_s: Seconds, character: float) -> Values:
        static = self._profile.figures["axle_load"].value * (1 + 0.012 * character)
        transfer = 1.1 * character * _duty(t_s, _EFFORT)
        ride = 0.15 * np.sin(2 * math.pi * 1.3 * t_s + 5 * character)
        return static + transfer + ride * self.speed_kmh(t_s) / 60

    def _axle_speed(self, t_s: Seconds, character: float) -> Values:
        metres = math.pi * self._profile.figures["wheel_diameter"].value / 1000
        return self.speed_kmh(t_s) / 3.6 / metres * 60

    def _axle_vibration(self, t_s: Seconds, character: float) -> Values:
        """The amplitude of what an axle box feels: it grows with speed."""
        return (1.0 + 0.35 * self.speed_kmh(t_s)) * (1 + 0.15 * character)

    def _pipe_pressure(self, t_s: Seconds, character: float) -> Values:
        charged = self._profile.figures["brake_pipe_charged"].value
        return charged - _duty(t_s, _PIPE_DROP_KPA) + 0.8 * np.sin(2 * math.pi * 0.05 * t_s)

    def _cylinder_pressure(self, t_s: Seconds, character: float) -> Values:
        """A distributor fills its cylinder about 2.5 kPa for each kPa that the pipe fell."""
        return 2.5 * _duty(t_s, _PIPE_DROP_KPA) * (1 + 0.02 * character)

    def _reservoir_pressure(self, t_s: Seconds, character: float) -> Values:
        low = self._profile.figures["main_reservoir_on"].value
        high = self._profile.figures["main_reservoir_off"].value
        phase = np.mod(t_s, _COMPRESSOR_S)
        filling = phase / _COMPRESSOR_ON_S
        falling = 1 - (phase - _COMPRESSOR_ON_S) / (_COMPRESSOR_S - _COMPRESSOR_ON_S)
        return low + (high - low) * np.where(phase < _COMPRESSOR_ON_S, filling, falling)


def _duty(t_s: Seconds, points: tuple[float, ...]) -> Values:
    """The duty's value at each time, eased from point to point."""
    within = np.mod(t_s, _DUTY_S)
    starts = np.array(_PHASES_S)
    heights = np.array(points)
    phase = np.clip(np.searchsorted(starts, within, side="right") - 1, 0, len(starts) - 2)
    share = (within - starts[phase]) / (starts[phase + 1] - starts[phase])
    eased = 0.5 - 0.5 * np.cos(math.pi * share)
    values: Values = heights[phase] + (heights[phase + 1] - heights[phase]) * eased
    return values
