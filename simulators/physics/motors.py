"""Current and voltage of one traction motor for the effort that its axle gives."""

import math
from bisect import bisect_right
from typing import Protocol

from simulators.physics.figures import Figures

__all__ = ["Asynchronous", "DcSeries", "MotorModel", "motor_model"]

_MAGNETISING = 0.35
_FULL_VOLTAGE_SHARE = 0.5

# NB-412K, published: volts per rad/s of its armature at a current in ampere, and its resistances.
_CURRENTS = (0.0, 65.0, 191.0, 361.0, 538.0, 783.0)
_C_PHI = (0.0, 5.15, 11.75, 17.57, 20.73, 22.90)
_OHM = 0.031 + 0.0238 + 0.032
_RATED_A = 538.0
_RATED_V = 1450.0
"""The point of the NB-412K that stands for the continuous one of the motor scaled; unverified."""

_LOST_FIELD_A = 1.6


class MotorModel(Protocol):
    """What the locomotive asks of either kind."""

    def current(self, force_kn: float, speed_kmh: float, flux: float) -> float:
        """A, for the magnitude of the force at the tread; `flux`: 1 when excited, 0 when off."""

    def voltage(self, current_a: float, speed_kmh: float) -> float:
        """V at the terminals."""

    def without_field(self, current_a: float) -> float:
        """A of a motor that lost its field while it should draw `current_a`."""


class Asynchronous:
    """Constant flux up to half the top speed, then flux falls with speed.

    I^2 = (magnetising x flux)^2 + (k force / flux)^2, with k from the continuous point; a
    magnetising current of 0.35 of the continuous one and the corner speed are chosen.
    """

    def __init__(self, figures: Figures) -> None:
        self._corner_kmh = _FULL_VOLTAGE_SHARE * figures.top_speed
        self._magnetising = _MAGNETISING * figures.motor_current_continuous
        active = math.sqrt(1 - _MAGNETISING**2) * figures.motor_current_continuous
        self._a_kn = active / (figures.continuous_effort / figures.axles)
        self._volts = figures.motor_voltage
        self._most = figures.motor_current_max

    def current(self, force_kn: float, speed_kmh: float, flux: float) -> float:
        weak = 1.0 if speed_kmh <= self._corner_kmh else self._corner_kmh / speed_kmh
        excited = self._magnetising * weak * flux
        active = self._a_kn * force_kn / weak
        return min(math.sqrt(excited * excited + active * active), self._most)

    def voltage(self, current_a: float, speed_kmh: float) -> float:
        """Voltage in proportion to frequency up to the corner, with a boost at rest."""
        if current_a <= 0:
            return 0.0
        return self._volts * min(1.0, 0.03 + 0.97 * speed_kmh / self._corner_kmh)

    def without_field(self, current_a: float) -> float:
        """Its inverter drops out."""
        return 0.0


class DcSeries:
    """E = c Phi(I) omega, torque = c Phi(I) I, U = E + I R, with the shape of the NB-412K.

    The current axis and the resistances are scaled so that the published table's 538 A at 1450 V
    falls on the continuous point, c Phi so that voltage and speed agree there. Where the voltage
    is not enough the field is weakened.
    """

    def __init__(self, figures: Figures) -> None:
        self._rated_a = figures.motor_current_continuous
        self._volts = figures.motor_voltage
        self._most = figures.motor_current_max
        self.ohm = _OHM * (self._volts / self._rated_a) / (_RATED_V / _RATED_A)
        self._omega_kmh = figures.motor_rpm(1.0) * 2 * math.pi / 60
        omega = self._omega_kmh * figures.continuous_speed
        rated_c_phi = (self._volts - self._rated_a * self.ohm) / omega
        stretch = self._rated_a / _RATED_A
        scale = rated_c_phi / _C_PHI[_CURRENTS.index(_RATED_A)]
        self._currents = [a * stretch for a in _CURRENTS]
        self._c_phi = [value * scale for value in _C_PHI]
        self._per_kn = rated_c_phi * self._rated_a / (figures.continuous_effort / figures.axles)
        fine = [step / 100 * self._currents[-1] for step in range(201)]
        self._fine = fine
        self._torques = [self.c_phi(a) * a for a in fine]

    def c_phi(self, current_a: float) -> float:
        """V s/rad, linear between the table's points and level behind its end."""
        at = bisect_right(self._currents, current_a) - 1
        if at >= len(self._currents) - 1:
            return self._c_phi[-1]
        share = (current_a - self._currents[at]) / (self._currents[at + 1] - self._currents[at])
        return self._c_phi[at] + share * (self._c_phi[at + 1] - self._c_phi[at])

    def current(self, force_kn: float, speed_kmh: float, flux: float) -> float:
        torque = force_kn * self._per_kn
        if torque <= 0:
            return 0.0
        at = min(bisect_right(self._torques, torque), len(self._torques) - 1)
        low = self._torques[at - 1]
        step = self._fine[1]
        current = self._fine[at - 1] + step * (torque - low) / (self._torques[at] - low)
        omega = self._omega_kmh * speed_kmh
        if omega > 0:
            most = (self._volts - current * self.ohm) / omega
            if most * current < torque:
                current = torque / most
        return min(current, self._most)

    def voltage(self, current_a: float, speed_kmh: float) -> float:
        if current_a <= 0:
            return 0.0
        omega = self._omega_kmh * speed_kmh
        return min(self._volts, self.c_phi(current_a) * omega + current_a * self.ohm)

    def without_field(self, current_a: float) -> float:
        """Without its back electromotive force it draws more: 1.6 times, chosen."""
        return min(_LOST_FIELD_A * current_a, self._most)


def motor_model(figures: Figures) -> Asynchronous | DcSeries:
    return Asynchronous(figures) if figures.motor_kind == "asynchronous" else DcSeries(figures)
