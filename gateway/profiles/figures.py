"""The figures that a profile must have: unit, what can be, and what each says.

The ranges are those of any locomotive on rails, wide enough for each and narrow enough to catch a
wrong unit or a lost digit; they are chosen by axlebox and no limits of any kind.
"""

from typing import NamedTuple

__all__ = ["FIGURES", "FigureKind"]


class FigureKind(NamedTuple):
    """One figure; it must lie from `low` to `high`."""

    unit: str
    low: float
    high: float
    meaning: str


FIGURES = {
    "mass": FigureKind("t", 20, 600, "of the whole locomotive, ready for service"),
    "axle_load": FigureKind("t", 5, 40, "static, of one axle"),
    "power": FigureKind("kW", 100, 20_000, "the continuous one where there are two"),
    "starting_effort": FigureKind("kN", 20, 2_000, "at standstill"),
    "continuous_effort": FigureKind("kN", 10, 1_500, "at the continuous speed"),
    "continuous_speed": FigureKind("km/h", 5, 300, "at which the continuous effort is had"),
    "top_speed": FigureKind("km/h", 20, 400, "allowed"),
    "wheel_diameter": FigureKind("mm", 600, 1_500, "of a new tyre"),
    "gear_ratio": FigureKind("1", 1, 10, "turns of the motor for one of the axle"),
    "motor_current_max": FigureKind("A", 50, 3_000, "of one motor, when starting"),
    "motor_current_continuous": FigureKind("A", 20, 2_500, "of one motor, without end"),
    "motor_voltage": FigureKind("V", 100, 3_500, "of one motor, rated"),
    "winding_temperature_max": FigureKind("°C", 90, 250, "of the windings' insulation class"),
    "brake_pipe_charged": FigureKind("kPa", 300, 700, "above the atmosphere"),
    "pipe_volume": FigureKind("L", 5, 200, "of the locomotive's own brake pipe"),
    "main_reservoir_on": FigureKind("kPa", 400, 1_000, "the compressor starts"),
    "main_reservoir_off": FigureKind("kPa", 500, 1_200, "the compressor stops"),
    "main_reservoir_volume": FigureKind("L", 100, 6_000, "of all main reservoirs"),
    "compressor_flow": FigureKind("L/min", 300, 20_000, "of all compressors, free air"),
    "cylinder_pressure_max": FigureKind("kPa", 200, 700, "in a brake cylinder"),
    "dynamic_brake_power": FigureKind("kW", 100, 20_000, "at the motors or the resistors"),
    "dynamic_brake_effort": FigureKind("kN", 20, 1_000, "the most there is"),
    "bogie_wheelbase": FigureKind("m", 1.5, 6, "between a bogie's outermost axles"),
    "bogie_distance": FigureKind("m", 4, 20, "between the pivots of two bogies of one section"),
    "coupler_height": FigureKind("m", 0.7, 1.3, "of the coupler's axis above the rail"),
    "pivot_height": FigureKind("m", 0.1, 1.3, "above the rail, where a bogie pulls the body"),
    "supply_voltage": FigureKind("V", 20, 200, "of the control supply"),
    "resistance_a": FigureKind("N/kN", 0.3, 10, "running resistance a + b v + c v^2, v in km/h"),
    "resistance_b": FigureKind("N/kN", 0, 0.2, "as above, for each km/h"),
    "resistance_c": FigureKind("N/kN", 0, 0.005, "as above, for each (km/h)^2"),
}
