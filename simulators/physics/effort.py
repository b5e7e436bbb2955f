"""Tractive and dynamic braking effort of the whole locomotive by notch and speed, in kN."""

from simulators.physics.figures import Figures

__all__ = ["NOTCHES", "braking", "tractive"]

NOTCHES = 8
_FADE_FROM_KMH = 8.0
_FADE_TO_KMH = 3.0


def tractive(figures: Figures, notch: float, speed_kmh: float) -> float:
    """Constant starting effort, then constant power through the continuous point, to top speed.

    A notch is its share in eighths of both.
    """
    if speed_kmh >= figures.top_speed:
        return 0.0
    power_kn = figures.wheel_power * 3.6 / max(speed_kmh, 1.0)
    return min(figures.starting_effort, power_kn) * notch / NOTCHES


def braking(figures: Figures, notch: float, speed_kmh: float) -> float:
    """Greatest effort, then constant power; it fades from 8 to 3 km/h (chosen)."""
    fade = (speed_kmh - _FADE_TO_KMH) / (_FADE_FROM_KMH - _FADE_TO_KMH)
    if fade <= 0:
        return 0.0
    power_kn = figures.dynamic_brake_power * 3.6 / speed_kmh
    return min(figures.dynamic_brake_effort, power_kn) * min(fade, 1.0) * notch / NOTCHES
