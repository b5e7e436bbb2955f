"""What holds a train back: running, starting, gradient and curve, in N per kN of weight."""

from collections.abc import Callable

from simulators.physics.figures import Figures

__all__ = ["G", "curve", "locomotive", "running_force", "starting", "wagons"]

G = 9.80665
"""kN per t."""

_CURVE_M = 700.0
_START_KMH = 2.0


def locomotive(figures: Figures, speed_kmh: float) -> float:
    """a + b v + c v^2 of the class (published: 1.9 + 0.01 v + 0.0003 v^2 under power)."""
    v = speed_kmh
    return figures.resistance_a + (figures.resistance_b + figures.resistance_c * v) * v


def wagons(axle_load_t: float, speed_kmh: float) -> float:
    """Loaded four-axle wagons on roller bearings: 0.7 + (3 + 0.1 v + 0.0025 v^2) / q0.

    General knowledge of the 1520 mm rules, unverified.
    """
    v = speed_kmh
    return 0.7 + (3 + (0.1 + 0.0025 * v) * v) / axle_load_t


def starting(axle_load_t: float) -> float:
    """28 / (q0 + 7), published for wagons on roller bearings."""
    return 28 / (axle_load_t + 7)


def curve(radius_m: float) -> float:
    """700 / R; 0 for straight track. General knowledge of the 1520 mm rules, unverified."""
    return _CURVE_M / radius_m if radius_m else 0.0


def running_force(
    figures: Figures, mass_t: float, wagon_mass_t: float, axle_load_t: float
) -> Callable[[float], float]:
    """kN against the train at a speed in km/h on level straight track.

    Below 2 km/h wagons have the starting resistance as far as it is the greater; it fades out
    linearly. An empty `axle_load_t` of 0 means that there are no wagons.
    """
    engine = mass_t * G / 1000
    load = wagon_mass_t * G / 1000
    a = engine * figures.resistance_a
    b = engine * figures.resistance_b
    c = engine * figures.resistance_c
    extra = 0.0
    if axle_load_t:
        a += load * (0.7 + 3 / axle_load_t)
        b += load * 0.1 / axle_load_t
        c += load * 0.0025 / axle_load_t
        extra = load * max(0.0, starting(axle_load_t) - wagons(axle_load_t, 0))

    def force(speed_kmh: float) -> float:
        held = a + (b + c * speed_kmh) * speed_kmh
        if speed_kmh < _START_KMH:
            held += extra * (1 - speed_kmh / _START_KMH)
        return held

    return force
