"""The figures of a class that the models need, read from its profile by name."""

import math
from dataclasses import dataclass
from typing import Literal

from gateway.errors import ConfigError
from gateway.profiles import Profile

__all__ = ["Figures", "read_figures"]

_NAMES = (
    "mass",
    "starting_effort",
    "continuous_effort",
    "continuous_speed",
    "top_speed",
    "wheel_diameter",
    "gear_ratio",
    "motor_current_max",
    "motor_current_continuous",
    "motor_voltage",
    "winding_temperature_max",
    "brake_pipe_charged",
    "pipe_volume",
    "main_reservoir_on",
    "main_reservoir_off",
    "main_reservoir_volume",
    "compressor_flow",
    "cylinder_pressure_max",
    "dynamic_brake_power",
    "dynamic_brake_effort",
    "bogie_wheelbase",
    "bogie_distance",
    "coupler_height",
    "pivot_height",
    "supply_voltage",
    "resistance_a",
    "resistance_b",
    "resistance_c",
)


@dataclass(frozen=True)
class Figures:
    """One class in the units of its profile: t, kN, km/h, mm, A, V, °C, kPa, L, L/min, kW, m."""

    motor_kind: Literal["asynchronous", "dc_series"]
    sections: int
    bogies: int
    axles: int
    mass: float
    starting_effort: float
    continuous_effort: float
    continuous_speed: float
    top_speed: float
    wheel_diameter: float
    gear_ratio: float
    motor_current_max: float
    motor_current_continuous: float
    motor_voltage: float
    winding_temperature_max: float
    brake_pipe_charged: float
    pipe_volume: float
    main_reservoir_on: float
    main_reservoir_off: float
    main_reservoir_volume: float
    compressor_flow: float
    cylinder_pressure_max: float
    dynamic_brake_power: float
    dynamic_brake_effort: float
    bogie_wheelbase: float
    bogie_distance: float
    coupler_height: float
    pivot_height: float
    supply_voltage: float
    resistance_a: float
    resistance_b: float
    resistance_c: float

    @property
    def wheel_power(self) -> float:
        """kW at the wheels, from the continuous point."""
        return self.continuous_effort * self.continuous_speed / 3.6

    @property
    def axles_a_bogie(self) -> int:
        return self.axles // self.bogies

    def motor_rpm(self, speed_kmh: float) -> float:
        """1/min of a motor whose wheels have the nominal diameter."""
        return speed_kmh / 3.6 / (math.pi * self.wheel_diameter / 1000) * 60 * self.gear_ratio


def read_figures(profile: Profile) -> Figures:
    """Raises ConfigError that names what the profile lacks, or counts that do not fit."""
    missing = [name for name in _NAMES if name not in profile.figures]
    if missing:
        raise ConfigError(
            f"profile {profile.id}: the simulation needs the figures {', '.join(missing)}; "
            "add them with value, unit, source and verified"
        )
    if profile.motors != profile.axles or profile.axles % profile.bogies:
        raise ConfigError(
            f"profile {profile.id}: the simulation drives each axle by a motor of its own and "
            f"shares {profile.axles} axles equally among {profile.bogies} bogies; "
            "correct axles, motors or bogies"
        )
    if profile.bogies != 2 * profile.sections:
        raise ConfigError(
            f"profile {profile.id}: the simulation carries each section on two bogies; "
            "correct sections or bogies"
        )
    values = {name: float(profile.figures[name].value) for name in _NAMES}
    return Figures(profile.motor_kind, profile.sections, profile.bogies, profile.axles, **values)
