"""The train as one mass on the line: what holds it, what its brakes give, how it moves."""

from collections.abc import Callable

from msgspec.structs import replace

from simulators.duties import Duty, Section
from simulators.physics.brakes import (
    GOODS,
    PASSENGER,
    BrakePipe,
    distributor_goal,
    fill,
    shoe_friction,
)
from simulators.physics.figures import Figures
from simulators.physics.resistance import G, curve, running_force

__all__ = ["FULL_KPA", "Consist", "within_rating"]

FULL_KPA = 380.0
"""Pressure of a loaded wagon's cylinder at which its calculated pressing holds; chosen."""

ENGINE_PRESSING_T = 14.0
"""Calculated shoe pressing of one of the locomotive's axles at full pressure; chosen."""

_ROTATING = 1.06
_SHORT_WAGONS = 20


def within_rating(figures: Figures, duty: Duty) -> Duty:
    """The duty with no more wagons than the locomotive pulls up its steepest section for ever: at
    continuous effort and speed, as the mass of a train is set for a line."""
    train, speed_kmh = duty.train, figures.continuous_speed
    steepest = max(_against(section) for section in duty.sections)
    axle_load_t = train.wagon_t / train.axles_a_wagon
    engine = running_force(figures, figures.mass, 0.0, 0.0)
    wagon = running_force(figures, 0.0, train.wagon_t, axle_load_t)
    engine_kn = engine(speed_kmh) + figures.mass * G / 1000 * steepest
    wagon_kn = wagon(speed_kmh) + train.wagon_t * G / 1000 * steepest
    pulled = max(0, int((figures.continuous_effort - engine_kn) / wagon_kn))
    return replace(duty, train=replace(train, wagons=min(train.wagons, pulled)))


class Consist:
    """Locomotive and wagons. Speed never falls below 0: where the train would roll back its
    driver holds it. Rotating masses count 6 % (general knowledge)."""

    def __init__(self, figures: Figures, duty: Duty) -> None:
        self._figures = figures
        train = duty.train
        self._wagons_t = train.wagons * train.wagon_t
        self._axle_load_t = train.wagon_t / train.axles_a_wagon if train.wagons else 0.0
        self.length_m = train.wagons * train.wagon_length_m
        self._pressing_kn = train.wagons * train.axles_a_wagon * train.pressing_t * G
        self.timing = PASSENGER if train.wagons <= _SHORT_WAGONS else GOODS
        self.cylinders_kpa: list[float] = []
        self._ends: list[tuple[float, float]] = []
        end_m = 0.0
        for section in duty.sections:
            end_m += section.length_m
            self._ends.append((end_m, _against(section)))
        self._section = 0
        self.place_m = 0.0
        self.speed_m_s = 0.0
        self.load(1.0, 1.0)

    def load(self, weight: float, wagons: float) -> None:
        """Masses as shares of what they should be."""
        engine_t, wagons_t = self._figures.mass * weight, self._wagons_t * wagons
        self.mass_t = engine_t + wagons_t
        self._weight_kn = self.mass_t * G / 1000
        self._running: Callable[[float], float] = running_force(
            self._figures, engine_t, wagons_t, self._axle_load_t * wagons
        )

    def begin_again(self) -> None:
        """Back at the start of the line, at the speed that it has."""
        self.place_m, self._section = 0.0, 0

    def resistance_kn(self, speed_kmh: float) -> float:
        """Running resistance on level straight track."""
        return self._running(speed_kmh)

    def line_kn(self) -> float:
        """What gradient and curve hold back where the middle of the train is."""
        middle_m = self.place_m - self.length_m / 2
        ends = self._ends
        while self._section < len(ends) - 1 and middle_m >= ends[self._section][0]:
            self._section += 1
        return self._weight_kn * ends[self._section][1]

    def brake_wagons(self, pipe: BrakePipe, dt_s: float) -> float:
        """kN of the wagons' shoes for 1 of friction."""
        if not self._pressing_kn:
            return 0.0
        if len(self.cylinders_kpa) != len(pipe.groups_kpa):
            self.cylinders_kpa = [0.0] * len(pipe.groups_kpa)
        cylinders = self.cylinders_kpa
        pressed = 0.0
        for group, seen_kpa in enumerate(pipe.groups_kpa):
            goal = distributor_goal(pipe.charged_kpa - seen_kpa, FULL_KPA)
            now = cylinders[group]
            if goal or now > 0.01:
                now = cylinders[group] = fill(now, goal, self.timing, dt_s)
                pressed += now
        return self._pressing_kn * pressed / (FULL_KPA * len(cylinders))

    def move(self, pull_kn: float, pressing_kn: float, dt_s: float) -> None:
        """Speed and place `dt_s` later. `pull_kn`: effort at the rails, braking counts less than
        0; `pressing_kn`: of all shoes, for 1 of friction."""
        speed = self.speed_m_s
        kmh = speed * 3.6
        held = self._running(kmh) + pressing_kn * shoe_friction(kmh)
        net = pull_kn - self.line_kn()
        if speed == 0 and net <= held:
            return
        after = speed + (net - held) / (self.mass_t * _ROTATING) * dt_s
        after = max(after, 0.0)
        self.place_m += (speed + after) / 2 * dt_s
        self.speed_m_s = after


def _against(section: Section) -> float:
    """What gradient and curve hold back there, in N per kN of weight."""
    return section.gradient_permille + curve(section.curve_m)
