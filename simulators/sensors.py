"""What a sensor makes of a physical value: the electrical signal at a chip's input."""

import math

import numpy as np
from numpy.typing import NDArray

from gateway.profiles import (
    ContactSensor,
    LoopSensor,
    Pt100Sensor,
    Sensor,
    StrainSensor,
    TachoSensor,
    ThermocoupleSensor,
    VibrationSensor,
)
from simulators.board.max31856 import emf_nv
from simulators.physics.vibration import Signature

__all__ = ["COLD_JUNCTION_C", "EXCITATION_MV", "electrical", "shape", "unit_of"]

COLD_JUNCTION_C = 25
"""Where the wires of a thermocouple end, at its chip."""

EXCITATION_MV = {"nau7802": 3_000, "hx711": 3_300}
"""What supplies a strain bridge: the NAU7802's regulator, or the board."""

_UNITS: dict[type, str] = {
    LoopSensor: "nA",
    Pt100Sensor: "tenth_milliohm",
    ThermocoupleSensor: "nV",
    StrainSensor: "nV",
    VibrationSensor: "ug",
    TachoSensor: "mHz",
    ContactSensor: "level",
}

_ZERO_NA, _SPAN_NA, _MOST_NA = 4_000_000, 16_000_000, 25_000_000

# Callendar-Van Dusen coefficients of IEC 60751.
_A, _B, _C = 3.9083e-3, -5.775e-7, -4.183e-12
_R0_TENTH_MILLIOHM = 1_000_000
_G = 9.80665
_FULL_UG = 2_000_000_000
_COLDEST_C, _HOTTEST_C = -270, 1380
_TURN_16, _TURN_24 = 1 << 16, 1 << 24
_MOST_SHARE = 4095
_SEEDS = 30_269


def unit_of(sensor: Sensor) -> str:
    """Unit of `electrical`, as the wiring file of a simulated board names it."""
    return _UNITS[type(sensor)]


def electrical(sensor: Sensor, values: NDArray[np.float64]) -> NDArray[np.int32]:
    """Loop current in nA, resistance in tenths of a milliohm, voltage of a bridge or thermocouple
    in nV, acceleration in ug, teeth in mHz or the level of a pin, for values in the unit measured.

    A transducer goes on linearly below 4 mA and above 20 mA, down to 0 and up to 25 mA.
    """
    if isinstance(sensor, LoopSensor):
        share = (values - sensor.low) / (sensor.high - sensor.low)
        signal = np.minimum(np.maximum(_ZERO_NA + share * _SPAN_NA, 0), _MOST_NA)
    elif isinstance(sensor, StrainSensor):
        nanovolts = sensor.mv_per_v * EXCITATION_MV[sensor.chip] * 1_000
        signal = values / sensor.full * nanovolts
    elif isinstance(sensor, VibrationSensor):
        signal = np.clip(values / _G * 1e6, -_FULL_UG, _FULL_UG)
    elif isinstance(sensor, TachoSensor):
        signal = values / 60 * sensor.teeth * 1000
    elif isinstance(sensor, ContactSensor):
        signal = ((values >= 0.5) != (sensor.on == "closed")).astype(np.float64)
    elif isinstance(sensor, ThermocoupleSensor):
        within = np.clip(values, _COLDEST_C, _HOTTEST_C)
        against = emf_nv(COLD_JUNCTION_C)
        signal = np.array([emf_nv(celsius) - against for celsius in within.tolist()])
    else:
        below = np.minimum(values, 0.0)
        ratio = 1 + _A * values + _B * values**2 + _C * (below - 100) * below**3
        signal = ratio * _R0_TENTH_MILLIOHM
    return np.rint(signal).astype(np.int32)


def shape(signature: Signature) -> list[int]:
    """The numbers that tell an accelerometer how it is shaken, in the order that
    simulators/board/shape.py has. They are shares of what `electrical` makes of an acceleration:
    the amplitude of a sine of the same RMS."""
    level = math.sqrt(2) * signature.rms
    mesh_hz = signature.teeth * signature.turn_hz
    numbers = [
        round(signature.noise / level * 4096),
        round(math.sqrt(2) * signature.mesh / level * 2048),
        round(math.sqrt(2) * signature.harmonic / level * 2048),
        round(signature.teeth * signature.turns % 1 * _TURN_24),
        round(mesh_hz * _TURN_24 / 1e6),
    ]
    for kind, blows in enumerate(signature.blows):
        period_s = 1 / (blows.per_turn * signature.turn_hz)
        struck = blows.per_turn * signature.turns
        number = math.ceil(struck)
        zone = blows.zone_per_turn / blows.per_turn
        numbers += [
            round((number - struck) * period_s * 1e6),
            round(period_s * 16e6),
            number,
            min(round(blows.peak(signature.turn_hz) / level * 256), _MOST_SHARE),
            round(blows.slip * period_s * 1e6),
            round(blows.decay_s * math.log(2) * 1e6),
            round(blows.ring_hz * _TURN_24 / 1e6),
            round(number * zone % 1 * _TURN_16),
            round(zone * _TURN_16),
            (signature.seed + kind) % _SEEDS,
        ]
    return numbers
