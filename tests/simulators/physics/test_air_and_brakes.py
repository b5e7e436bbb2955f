"""Pipe, cylinders, compressor beside published figures and hand calculation."""

import math

from beside import beside
from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles import load_profile
from simulators.physics.air import ATMOSPHERE_KPA, Compressor, free_air_flow, pressure_rate
from simulators.physics.brakes import (
    BORE_L_M,
    GOODS,
    PASSENGER,
    SAMPLE_S,
    BrakePipe,
    Timing,
    distributor_goal,
    fill,
    shoe_friction,
)
from simulators.physics.figures import read_figures

FIGURES = read_figures(load_profile("te33a"))


def cylinder_times(timing: Timing) -> tuple[float, float]:
    """Seconds to 95 % of 380 kPa and, from there, down to 40 kPa."""
    pressure, filled = 0.0, 0
    while pressure < 0.95 * 380:
        pressure = fill(pressure, 380, timing, 0.01)
        filled += 1
    pressure, released = 380.0, 0
    while pressure > 40:
        pressure = fill(pressure, 0, timing, 0.01)
        released += 1
    return filled / 100, released / 100


def test_cylinder_times_of_uic_540() -> None:
    filled, released = cylinder_times(PASSENGER)
    beside("P fill, 3 to 5", filled, 4, "s", 0.25)
    beside("P release, 15 to 20", released, 17.5, "s", 0.14)
    filled, released = cylinder_times(GOODS)
    beside("G fill, 18 to 30", filled, 24, "s", 0.25)
    beside("G release, 45 to 60", released, 52.5, "s", 0.14)


def test_the_wave_runs_along_a_pipe_of_1_km() -> None:
    pipe = BrakePipe(FIGURES, 1000, 4, 0.0)
    steps = 0
    while pipe.pressure_at(0) > 509:
        pipe.step(60, 0, 800)
        steps += 1
    left = steps
    while pipe.pressure_at(1000) > 509:
        pipe.step(60, 0, 800)
        steps += 1
    took_s = (steps - left) * SAMPLE_S
    beside("wave speed, 244 to 260", 1000 / took_s, 252, "m/s", 0.032)


def test_ice_halves_the_wave() -> None:
    pipe, frozen = BrakePipe(FIGURES, 800, 4, 0.0), BrakePipe(FIGURES, 800, 4, 0.0)
    seen: dict[str, float] = {}
    for step in range(100):
        pipe.step(60, 0, 800)
        frozen.step(60, 0, 800, frozen=True)
        for name, one in (("open", pipe), ("ice", frozen)):
            if one.groups_kpa[-1] < 500:
                seen.setdefault(name, step * SAMPLE_S)
    assert seen["ice"] > 1.6 * seen["open"], seen


def test_free_air_leak_law() -> None:
    """1 L/min into 100 L: p_atm / 100 / 60 kPa/s. A closed pipe falls so, and no faster."""
    beside("rate of 100 L/min in 1000 L", pressure_rate(100, 1000), 0.168875, "kPa/s", 1e-6)
    pipe = BrakePipe(FIGURES, 500, 2, 0.0)
    for _ in range(600):
        pipe.step(0, 120, 800, cut_out=True)
    volume = FIGURES.pipe_volume + 500 * BORE_L_M
    by_hand = 120 * ATMOSPHERE_KPA / volume
    beside("fall in a minute", pipe.charged_kpa - pipe.head_kpa, by_hand, "kPa", 1e-6)
    measured = free_air_flow((pipe.charged_kpa - pipe.head_kpa) / 60, volume)
    beside("flow found from it", measured, 120, "L/min", 1e-6)


@given(st.floats(1, 20_000), st.floats(10, 5_000))
def test_flow_and_rate_are_inverse(flow: float, volume: float) -> None:
    assert math.isclose(free_air_flow(pressure_rate(flow, volume), volume), flow)


def test_a_bore_of_34_3_mm_holds_0_92_l_a_metre() -> None:
    beside("volume of a metre", BORE_L_M, math.pi / 4 * 0.343**2 * 10, "L", 0.005)


def test_full_service_fills_the_cylinder_to_its_most() -> None:
    beside("cylinder at 150 kPa", distributor_goal(150, 380), 380, "kPa", 0.03)
    assert distributor_goal(10, 380) == 0
    beside("shoe friction at 0", shoe_friction(0), 0.36, "", 1e-9)
    beside("shoe friction at 75", shoe_friction(75), 0.27, "", 1e-9)


def test_a_compressor_keeps_the_reservoir_between_its_pressures_and_fills_as_computed() -> None:
    compressor = Compressor(FIGURES, 20)
    pressures, filling = [], 0
    for _ in range(20_000):
        compressor.step(300, 1.0, 0.1)
        pressures.append(compressor.main_kpa)
        filling += compressor.running
    settled = pressures[2_000:]
    beside("compressor on", min(settled), 750, "kPa", 0.002)
    beside("compressor off", max(settled), 900, "kPa", 0.002)
    by_hand = (300 + 40 * 825 / 900) / 5000
    beside("share of the time that it runs", filling / 20_000, by_hand, "", 0.1)


@given(st.floats(0, 150), st.floats(0, 3_000))
def test_pressures_stay_between_vacuum_and_what_feeds_them(drop: float, leak: float) -> None:
    pipe = BrakePipe(FIGURES, 700, 3, 0.0)
    for _ in range(300):
        drawn = pipe.step(drop, leak, 800)
        assert drawn >= 0
        assert 0 <= pipe.head_kpa <= pipe.charged_kpa + 1e-6
        assert all(0 <= kpa <= pipe.charged_kpa + 1e-6 for kpa in pipe.groups_kpa)
