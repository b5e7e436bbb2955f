"""A driver who follows speed limits and stops: notch, dynamic brake and driver's valve."""

import math

from simulators.duties import Duty
from simulators.physics.effort import NOTCHES

__all__ = ["AT_STOP_M", "LOOK_S", "Driver", "Hands"]

LOOK_S = 0.5
"""How often the driver looks."""

AT_STOP_M = 60.0
"""A halt so far before its place counts as there."""

_BELOW_LIMIT = 0.97
_PLAN_S = 5.0
_CREEP_M_S = 1.2
_HALTED_M_S = 0.1
_SLOW_KMH = 12.0
_HOLD_S = 8.0
_HURRY_S = 3.0
_HURRY_KMH = 12.0
_RELEASE_S = 4.0
_MORE_KPA = 25.0
_MOST_KPA = 150.0
_STAND_KPA = 300.0
_STEADY_M_S2 = 0.02
_AHEAD_S = 3.0


class Driver:
    """Decides from time, place and speed alone, as a person with the timetable would.

    `notch`: 1 to 8 pulls, -1 to -8 brakes dynamically. All thresholds are chosen.
    """

    def __init__(self, duty: Duty) -> None:
        self.notch = 0
        self.reduction_kpa = 0.0
        self.independent_kpa = _STAND_KPA
        self._duty = duty
        self._driving = duty.driving
        self._line = _restrictions(duty)
        self._next = 0
        self._limit_m_s = self._line[0][1]
        self._until_s = duty.driving.start_after_s
        self._standing = True
        self._changed_s = -math.inf
        self._braked_s = -math.inf
        self._before_m_s = 0.0

    @property
    def standing(self) -> bool:
        """At a stop, or waiting to start."""
        return self._standing

    def begin_again(self) -> None:
        """The train is set back to the start of the line, standing as it does."""
        self._next = 0

    def look(self, t_s: float, place_m: float, speed_m_s: float) -> None:
        """Set the levers for the next half second."""
        faster_m_s2 = (speed_m_s - self._before_m_s) / LOOK_S
        self._before_m_s = speed_m_s
        if self._standing:
            if t_s < self._until_s:
                return
            self._standing = False
            self.independent_kpa = 0.0
            self._changed_s = t_s + _RELEASE_S
        target = self._target(t_s, place_m, speed_m_s)
        if self._standing:
            self.notch, self.reduction_kpa, self.independent_kpa = 0, 0.0, _STAND_KPA
            return
        over_kmh = (speed_m_s - target) * 3.6
        self._set_air(t_s, over_kmh, speed_m_s)
        if t_s - self._changed_s >= self._driving.notch_s:
            self._set_notch(t_s, over_kmh, speed_m_s, faster_m_s2)

    def _target(self, t_s: float, place_m: float, speed_m_s: float) -> float:
        """m/s; notes a stop that is reached."""
        line = self._line
        while self._next < len(line) and line[self._next][0] <= place_m:
            at_m, limit, wait_s = line[self._next]
            if wait_s is not None:
                break
            self._limit_m_s = limit
            self._next += 1
        target = self._limit_m_s * _BELOW_LIMIT
        horizon_m = speed_m_s * speed_m_s / self._driving.braking_m_s2 + 500
        for at_m, limit, wait_s in line[self._next :]:
            left_m = at_m - place_m
            if left_m > horizon_m:
                break
            if wait_s is not None and left_m < AT_STOP_M and speed_m_s < _HALTED_M_S:
                self._standing, self._until_s = True, t_s + wait_s
                self._next += 1
                return 0.0
            plan_m = max(left_m - speed_m_s * _PLAN_S, 0.0)
            reach = math.sqrt(limit * limit + 2 * self._driving.braking_m_s2 * plan_m)
            if wait_s is not None and left_m > AT_STOP_M - 10:
                reach = max(reach, _CREEP_M_S)
            target = min(target, reach)
            if wait_s is not None:
                break
        return target

    def _set_air(self, t_s: float, over_kmh: float, speed_m_s: float) -> None:
        helped = self._driving.dynamic_brake and speed_m_s * 3.6 > _SLOW_KMH
        if self.reduction_kpa == 0:
            if over_kmh > (4 if helped else 2) and (not helped or self.notch <= -NOTCHES):
                self.reduction_kpa = self._driving.service_kpa
                self._braked_s = t_s
        elif over_kmh < 0:
            self.reduction_kpa = 0.0
            self._changed_s = t_s
        elif over_kmh > 4:
            waited_s = t_s - self._braked_s
            if waited_s >= (_HURRY_S if over_kmh > _HURRY_KMH else _HOLD_S):
                self.reduction_kpa = min(self.reduction_kpa + _MORE_KPA, _MOST_KPA)
                self._braked_s = t_s

    def _set_notch(self, t_s: float, over_kmh: float, speed_m_s: float, faster: float) -> None:
        least = 0
        if self._driving.dynamic_brake and speed_m_s * 3.6 > _SLOW_KMH:
            least = -NOTCHES
        if self.notch > 0 and faster > 0:
            over_kmh += faster * 3.6 * _AHEAD_S
        step = 0
        if over_kmh > 2:
            step = -1 if self.notch <= 0 else -2
        elif over_kmh > 0.5:
            step = -1 if faster > -_STEADY_M_S2 else 0
        elif over_kmh < -3:
            step = 1
        elif over_kmh < -1:
            step = 1 if faster < _STEADY_M_S2 else 0
        if self.reduction_kpa and step > 0:
            step = 0
        wanted = min(max(self.notch + step, least), self._driving.most_notch)
        if wanted != self.notch:
            self.notch = wanted
            self._changed_s = t_s


class Hands:
    """The levers of a Driver, in the hands of a person: they stay where they were put."""

    standing = False

    def __init__(self) -> None:
        self.notch = 0
        self.reduction_kpa = 0.0
        self.independent_kpa = _STAND_KPA

    def notch_by(self, step: int) -> None:
        """Pull more, or brake more with the motors: -8 to 8."""
        self.notch = max(-NOTCHES, min(NOTCHES, self.notch + step))

    def brake_by(self, kpa: float) -> None:
        """Take so much out of the brake pipe; at most what a full service brake takes."""
        self.reduction_kpa = max(0.0, min(_MOST_KPA, self.reduction_kpa + kpa))

    def release(self) -> None:
        """Both brakes."""
        self.reduction_kpa = self.independent_kpa = 0.0

    def hold(self) -> None:
        """The independent brake, as at a stop."""
        self.independent_kpa = _STAND_KPA

    def look(self, t_s: float, place_m: float, speed_m_s: float) -> None:
        """The person looks."""

    def begin_again(self) -> None:
        """There is no timetable."""


def _restrictions(duty: Duty) -> list[tuple[float, float, float | None]]:
    """Place in m, speed in m/s and, at a stop, its wait; in order."""
    found: list[tuple[float, float, float | None]] = []
    at_m = 0.0
    for section in duty.sections:
        found.append((at_m, section.limit_kmh / 3.6, None))
        at_m += section.length_m
    found.extend((stop.at_m, 0.0, stop.wait_s) for stop in duty.stops)
    if not duty.stops or duty.stops[-1].at_m < at_m:
        rest_s = duty.driving.start_after_s if duty.rest_s is None else duty.rest_s
        found.append((at_m, 0.0, rest_s if duty.repeat else math.inf))
    return sorted(found, key=lambda one: (one[0], one[2] is not None))
