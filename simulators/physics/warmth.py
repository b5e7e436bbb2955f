"""All that warms slowly, stepped once a second: motors, bearings, cabinet, the day itself."""

import math

from simulators.duties import Duty
from simulators.physics.character import character
from simulators.physics.effects import Effects
from simulators.physics.figures import Figures
from simulators.physics.thermal import DESIGN_AMBIENT_C, MotorHeat, approach

__all__ = ["Warmth"]

_DAY_S = 86_400.0
_WARMEST_S = 15 * 3600.0
_BEARING_S = 900.0
_EXTRA_S = 300.0
_AXLE_RISE_K = 22.0
_MOTOR_RISE_K = 30.0
_FRAME_SHARE = 0.25
_SHOE_K_KPA = 0.4
_SHOE_KMH = 60.0
_CABINET_RISE_K = 14.0
_CABINET_S = 1800.0
_BLOWER_ON_C = 60.0
_BLOWER_AFTER_S = 120.0


class Warmth:
    """Temperatures of motors, of the left and right bearing of each axle and motor, of the air.

    An axle bearing rises 22 K at 100 km/h under its nominal load, a motor's 30 K at top speed and
    a quarter of its frame's rise; shoes add 0.4 K a kPa at 60 km/h. All chosen.
    """

    def __init__(self, figures: Figures, duty: Duty, seed: int) -> None:
        self._figures = figures
        self._duty = duty
        self._heat = MotorHeat(figures)
        axles = range(figures.axles)
        self.ambient_c = self._ambient(0.0)
        full_k = figures.winding_temperature_max - DESIGN_AMBIENT_C
        warm_k = duty.warm_share * full_k
        self.winding_c = [
            self.ambient_c + warm_k * (1 + 0.06 * character(seed, "winding", n)) for n in axles
        ]
        self.frame_c = [self.ambient_c + 0.4 * warm_k for _ in axles]
        bearings = range(2 * figures.axles)
        self._axle_spread = [1 + 0.12 * character(seed, "axle bearing", n) for n in bearings]
        self._motor_spread = [1 + 0.12 * character(seed, "motor bearing", n) for n in bearings]
        self._axle_c = [self.ambient_c + 10 * duty.warm_share] * len(bearings)
        self._motor_c = [self.ambient_c + 20 * duty.warm_share] * len(bearings)
        self._axle_extra_k = [0.0] * len(bearings)
        self._motor_extra_k = [0.0] * len(bearings)
        self.cabinet_c = self.ambient_c + _CABINET_RISE_K * duty.warm_share
        self._blower_until_s = 0.0

    def step(
        self,
        t_s: float,
        squares: list[float],
        speed_kmh: float,
        loads_t: list[float],
        shoes_kpa: list[float],
        effects: Effects,
    ) -> None:
        """Go on by 1 s; `squares`: mean of each motor's current squared, in A^2."""
        self.ambient_c = ambient = self._ambient(t_s)
        if any(squares) or max(self.winding_c) > _BLOWER_ON_C + max(ambient, 0.0):
            self._blower_until_s = t_s + _BLOWER_AFTER_S
        blown = 1.0 if t_s < self._blower_until_s else 0.0
        step = self._heat.step
        for n, square in enumerate(squares):
            self.winding_c[n], self.frame_c[n] = step(
                self.winding_c[n],
                self.frame_c[n],
                square,
                speed_kmh,
                blown * effects.air[n],
                ambient,
                1.0,
            )
        self._bearings(speed_kmh, loads_t, shoes_kpa, effects)
        self.cabinet_c = approach(self.cabinet_c, ambient + _CABINET_RISE_K, _CABINET_S, 1.0)

    def row(self) -> list[float]:
        """winding, frame (each motor); axle and motor bearings (left, right of each); cabinet,
        ambient."""
        row = self.winding_c + self.frame_c
        row += [c + k for c, k in zip(self._axle_c, self._axle_extra_k, strict=True)]
        row += [c + k for c, k in zip(self._motor_c, self._motor_extra_k, strict=True)]
        row += [self.cabinet_c, self.ambient_c]
        return row

    def _bearings(
        self, speed_kmh: float, loads_t: list[float], shoes_kpa: list[float], effects: Effects
    ) -> None:
        ambient = self.ambient_c
        nominal = self._figures.mass / self._figures.axles
        by_speed = _AXLE_RISE_K * speed_kmh / 100 / nominal
        motor_k = _MOTOR_RISE_K * speed_kmh / self._figures.top_speed
        shoe_k = _SHOE_K_KPA * speed_kmh / _SHOE_KMH
        for n in range(2 * self._figures.axles):
            axle = n >> 1
            goal = ambient + by_speed * loads_t[axle] * self._axle_spread[n]
            self._axle_c[n] = approach(self._axle_c[n], goal, _BEARING_S, 1.0)
            extra = effects.axle_rise_k[n] + shoe_k * shoes_kpa[axle]
            self._axle_extra_k[n] = approach(self._axle_extra_k[n], extra, _EXTRA_S, 1.0)
            frame_k = _FRAME_SHARE * (self.frame_c[axle] - ambient)
            goal = ambient + (motor_k + frame_k) * self._motor_spread[n]
            self._motor_c[n] = approach(self._motor_c[n], goal, _BEARING_S, 1.0)
            extra = effects.motor_rise_k[n]
            self._motor_extra_k[n] = approach(self._motor_extra_k[n], extra, _EXTRA_S, 1.0)

    def _ambient(self, t_s: float) -> float:
        """The day's course, warmest at 15 h; a duty begins at 8 h."""
        hour_s = t_s + 8 * 3600 - _WARMEST_S
        return self._duty.ambient_c + self._duty.swing_k * math.cos(2 * math.pi * hour_s / _DAY_S)
