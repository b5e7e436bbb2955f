"""What a sensor makes of a physical value: the electrical signal at a chip's input."""

import numpy as np
from numpy.typing import NDArray

from gateway.profiles import LoopSensor, Pt100Sensor, Sensor, TachoSensor, VibrationSensor

__all__ = ["UNITS", "electrical"]

UNITS: dict[type, str] = {
    LoopSensor: "nA",
    Pt100Sensor: "tenth_milliohm",
    VibrationSensor: "ug",
    TachoSensor: "mHz",
}
"""Unit of `electrical` by kind of sensor, as the wiring file of a simulated board names it."""

_ZERO_NA, _SPAN_NA = 4_000_000, 16_000_000

# Callendar-Van Dusen coefficients of IEC 60751.
_A, _B, _C = 3.9083e-3, -5.775e-7, -4.183e-12
_R0_TENTH_MILLIOHM = 1_000_000
_G = 9.80665
_FULL_UG = 2_000_000_000


def electrical(sensor: Sensor, values: NDArray[np.float64]) -> NDArray[np.int32]:
    """Loop current in nA, resistance in tenths of a milliohm, acceleration in ug or teeth in mHz,
    for values in the unit measured.

    A transducer goes on linearly below 4 mA and above 20 mA, down to 0 and up to 25 mA.
    """
    if isinstance(sensor, LoopSensor):
        share = (values - sensor.low) / (sensor.high - sensor.low)
        signal = np.clip(_ZERO_NA + share * _SPAN_NA, 0, 25_000_000)
    elif isinstance(sensor, VibrationSensor):
        signal = np.clip(values / _G * 1e6, -_FULL_UG, _FULL_UG)
    elif isinstance(sensor, TachoSensor):
        signal = values / 60 * sensor.teeth * 1000
    else:
        below = np.minimum(values, 0.0)
        ratio = 1 + _A * values + _B * values**2 + _C * (below - 100) * below**3
        signal = ratio * _R0_TENTH_MILLIOHM
    return np.rint(signal).astype(np.int32)
