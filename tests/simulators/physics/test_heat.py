"""Motors reach the limit of their class at their continuous rating, and an hour's at an hour's."""

import pytest
from beside import beside
from hypothesis import given
from hypothesis import strategies as st

from gateway.profiles import Profile, load_profile
from simulators.physics.figures import read_figures
from simulators.physics.thermal import MotorHeat, approach


def run(
    heat: MotorHeat, current: float, speed: float, ambient: float, seconds: int, air: float = 1.0
) -> tuple[float, float]:
    winding = frame = ambient
    for _ in range(seconds):
        winding, frame = heat.step(winding, frame, current * current, speed, air, ambient, 1.0)
    return winding, frame


@pytest.mark.parametrize("profile", [load_profile("te33a"), load_profile("vl80s")])
def test_the_continuous_rating_ends_at_the_thermal_limit(profile: Profile) -> None:
    figures = read_figures(profile)
    heat = MotorHeat(figures)
    current, speed = figures.motor_current_continuous, figures.continuous_speed
    winding, frame = run(heat, current, speed, 40, 8 * 3600)
    limit = figures.winding_temperature_max
    beside(f"winding after 8 h, {figures.motor_kind}", winding, limit, "°C", 0.005)
    beside("frame, by the split of the rise", frame, 40 + 0.4 * (limit - 40), "°C", 0.01)
    above, _ = run(heat, 1.1 * current, speed, 40, 8 * 3600)
    assert above > limit + 15


def test_the_hourly_current_of_nb_418_reaches_the_limit_in_about_an_hour() -> None:
    """880 A against 820 A: an hourly rating brings a cold motor to its limit in an hour."""
    figures = read_figures(load_profile("vl80s"))
    winding, _ = run(MotorHeat(figures), 880, 51.6, 40, 3600)
    beside("winding after an hour at 880 A", winding, 130, "°C", 0.05)


def test_cold_copper_has_less_resistance() -> None:
    """A motor at -50 °C is heated less than one at 40 °C by the same current: 1 + 0.0039 dT."""
    heat = MotorHeat(read_figures(load_profile("te33a")))
    cold, _ = heat.step(-50, -50, 950**2, 0, 1, -50, 1.0)
    warm, _ = heat.step(40, 40, 950**2, 0, 1, 40, 1.0)
    ratio = (cold + 50) / (warm - 40)
    beside("heating at -50 over 40 °C", ratio, (1 - 0.0039 * 70) / (1 + 0.0039 * 20), "", 1e-6)


def test_without_air_a_motor_ends_hotter() -> None:
    figures = read_figures(load_profile("te33a"))
    heat = MotorHeat(figures)
    blown, _ = run(heat, 600, 60, 20, 8 * 3600)
    still, _ = run(heat, 600, 60, 20, 8 * 3600, air=0.0)
    assert still > blown + 30


@given(st.floats(-50, 45), st.floats(0, 1200), st.floats(0, 120))
def test_heat_flows_down_hill(ambient: float, current: float, speed: float) -> None:
    """No node is ever colder than the air, nor the frame hotter than the winding by more than
    its own friction explains."""
    winding, frame = run(
        MotorHeat(read_figures(load_profile("te33a"))), current, speed, ambient, 600
    )
    assert winding >= ambient - 1e-9
    assert frame >= ambient - 1e-9


def test_a_node_reaches_63_percent_after_its_time_constant() -> None:
    value = 0.0
    for _ in range(900):
        value = approach(value, 100.0, 900, 1.0)
    beside("after one time constant", value, 63.21, "%", 0.001)
