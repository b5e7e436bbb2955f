"""Temperatures: a motor of two nodes, bearings and boxes of one.

C_w dT_w/dt = k1 I^2 (1 + 0.0039 (T_w - 20)) + k2 n^2 - G_wf (T_w - T_f)
C_f dT_f/dt = G_wf (T_w - T_f) - G_fa (T_f - T_a) + k4 n^2
"""

from simulators.physics.figures import Figures

__all__ = ["COPPER_A_K", "DESIGN_AMBIENT_C", "MotorHeat", "approach"]

COPPER_A_K = 0.0039
DESIGN_AMBIENT_C = 40.0
"""Ambient at which the continuous current brings the winding to the limit of its class; chosen."""

_WINDING_SHARE = 0.6
_WINDING_S = 300.0
_FRAME_S = 1800.0
_COPPER_W = 1.0
_IRON_AT_TOP = 0.15
_WIND_AT_TOP = 0.05
_STILL_AIR = 0.3


class MotorHeat:
    """The constants of one class of motor, in shares of the copper loss at its limit.

    Conductances follow from one condition: continuous current at the continuous speed, blower on,
    40 °C outside, ends at the limit of the insulation class. Time constants, the split of the
    rise (0.6 winding over frame) and what is lost at top speed are chosen.
    """

    def __init__(self, figures: Figures) -> None:
        limit = figures.winding_temperature_max
        rise = limit - DESIGN_AMBIENT_C
        hot = 1 + COPPER_A_K * (limit - 20)
        self._k1 = _COPPER_W / (figures.motor_current_continuous**2 * hot)
        self._k2 = _IRON_AT_TOP * _COPPER_W / figures.top_speed**2
        self._k4 = _WIND_AT_TOP * _COPPER_W / figures.top_speed**2
        into_winding = _COPPER_W + self._k2 * figures.continuous_speed**2
        into_frame = into_winding + self._k4 * figures.continuous_speed**2
        self._winding_frame = into_winding / (_WINDING_SHARE * rise)
        self._frame_air = into_frame / ((1 - _WINDING_SHARE) * rise)
        self._winding_capacity = _WINDING_S * self._winding_frame
        self._frame_capacity = _FRAME_S * self._frame_air

    def step(
        self,
        winding_c: float,
        frame_c: float,
        current_squared: float,
        speed_kmh: float,
        air: float,
        ambient_c: float,
        dt_s: float,
    ) -> tuple[float, float]:
        """Winding and frame `dt_s` later; `air`: 1 for the full stream, 0 for none."""
        square = speed_kmh * speed_kmh
        copper = self._k1 * current_squared * (1 + COPPER_A_K * (winding_c - 20))
        across = self._winding_frame * (winding_c - frame_c)
        away = self._frame_air * (_STILL_AIR + (1 - _STILL_AIR) * air) * (frame_c - ambient_c)
        return (
            winding_c + (copper + self._k2 * square - across) * dt_s / self._winding_capacity,
            frame_c + (across + self._k4 * square - away) * dt_s / self._frame_capacity,
        )


def approach(value: float, goal: float, constant_s: float, dt_s: float) -> float:
    """One node with a time constant, stepped; `dt_s` is short beside it."""
    return value + (goal - value) * dt_s / constant_s
