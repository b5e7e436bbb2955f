"""Locomotive classes that the tests of the physics need."""

import msgspec

from gateway.profiles import Figure, Profile, load_profile
from simulators.physics.figures import Figures, read_figures

_VL80S = {
    "mass": 184,
    "power": 6160,
    "starting_effort": 650,
    "continuous_effort": 414,
    "continuous_speed": 53.6,
    "top_speed": 110,
    "wheel_diameter": 1250,
    "gear_ratio": 4.19,
    "motor_current_max": 1300,
    "motor_current_continuous": 820,
    "motor_voltage": 950,
    "winding_temperature_max": 130,
    "cylinder_pressure_max": 380,
    "main_reservoir_volume": 1800,
    "bogie_wheelbase": 3.0,
    "bogie_distance": 7.5,
    "supply_voltage": 50,
}

_KZ8A = {
    "mass": 200,
    "power": 8564,
    "starting_effort": 833,
    "continuous_effort": 575,
    "continuous_speed": 53.6,
    "wheel_diameter": 1250,
    "gear_ratio": 5.0,
    "bogie_wheelbase": 2.6,
    "bogie_distance": 9.0,
}


def te33a() -> Profile:
    return load_profile("te33a")


def vl80s() -> Profile:
    """Bo'Bo'+Bo'Bo' with DC series motors."""
    return _with(_VL80S, motor_kind="dc_series")


def kz8a() -> Profile:
    """Bo'Bo'+Bo'Bo' with asynchronous motors."""
    return _with(_KZ8A, motor_kind="asynchronous")


def figures_of(profile: Profile) -> Figures:
    return read_figures(profile)


def _with(values: dict[str, float], motor_kind: str) -> Profile:
    profile = te33a()
    figures = dict(profile.figures)
    for name, value in values.items():
        figures[name] = Figure(value, figures[name].unit, "given to a test", False)
    return msgspec.structs.replace(
        profile,
        sections=2,
        bogies=4,
        axles=8,
        motors=8,
        motor_kind=motor_kind,
        figures=figures,
    )
