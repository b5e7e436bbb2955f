"""Effort, resistance, adhesion, motors and motion beside published figures and arithmetic."""

import math
from itertools import pairwise

import pytest
from beside import beside
from hypothesis import given
from hypothesis import strategies as st

from gateway.errors import ConfigError
from gateway.profiles import Profile, load_profile
from simulators.duties import Driving, Duty, Section, Train, load_duty
from simulators.physics import adhesion, resistance
from simulators.physics.effort import NOTCHES, braking, tractive
from simulators.physics.figures import Figures, read_figures
from simulators.physics.machine import STEP_S, Machine
from simulators.physics.motors import Asynchronous, DcSeries, motor_model
from simulators.physics.resistance import G
from simulators.physics.train import Consist, within_rating
from simulators.physics.weights import transfer_t_kn

SPEEDS = st.floats(0, 140)


def level_duty(wagons: int, wagon_t: float, gradient: float = 0.0, limit: float = 120) -> Duty:
    return Duty(
        title="test",
        source="test",
        ambient_c=20,
        train=Train(wagons=wagons, wagon_t=wagon_t),
        driving=Driving(start_after_s=1),
        sections=[
            Section(
                length_m=200_000,
                limit_kmh=limit,
                axle_load_class_t=25,
                gradient_permille=gradient,
            )
        ],
    )


def test_a_figure_that_is_missing_is_named() -> None:
    profile = load_profile("te33a")
    del profile.figures["pipe_volume"]
    with pytest.raises(ConfigError, match=r"te33a.*pipe_volume"):
        read_figures(profile)


@pytest.mark.parametrize(
    ("profile", "published_kn"),
    [(load_profile("te33a"), 534), (load_profile("kz8a"), 833), (load_profile("vl80s"), 650)],
)
def test_starting_effort_comes_to_dry_rails(profile: Profile, published_kn: float) -> None:
    """The whole train started on the models: effort at the rails, not of a curve alone."""
    machine = Machine(read_figures(profile), level_duty(100, 100), 3)
    most = 0.0
    while machine.t_s < 60:
        before = machine.consist.speed_m_s
        machine.step()
        held = machine.consist.resistance_kn(before * 3.6)
        gained = (machine.consist.speed_m_s - before) / STEP_S * machine.consist.mass_t * 1.06
        most = max(most, gained + held if before else 0.0)
    beside(f"starting effort {profile.motor_kind}", most, published_kn, "kN", 0.01)


def test_continuous_effort_and_what_a_locomotive_needs_of_adhesion() -> None:
    figures = read_figures(load_profile("te33a"))
    beside("continuous effort TE33A", tractive(figures, NOTCHES, 24.5), 424, "kN", 0.001)
    for name, published in (("te33a", 0.39), ("kz8a", 0.43)):
        of = read_figures(load_profile(name))
        needed = of.starting_effort / (of.mass * G)
        beside(f"adhesion at start {name}", needed, published, "", 0.02)
    beside(
        "VL80S continuous power",
        tractive(read_figures(load_profile("vl80s")), 8, 53.6) * 53.6 / 3.6,
        6160,
        "kW",
        0.01,
    )


def test_published_adhesion_curves_at_points_by_hand() -> None:
    beside("AC electric at 0", adhesion.ac_electric(0), 0.36, "", 1e-9)
    beside("AC electric at 50", adhesion.ac_electric(50), 0.2614, "", 1e-3)
    beside("diesel at 22.5", adhesion.diesel(22.5), 0.218, "", 1e-9)
    beside("Curtius-Kniffler at 31", adhesion.curtius_kniffler(31), 0.261, "", 1e-9)


def test_resistance_by_hand() -> None:
    figures = read_figures(load_profile("te33a"))
    beside("locomotive at 100 km/h", resistance.locomotive(figures, 100), 5.9, "N/kN", 1e-9)
    beside("wagons of 23 t at 80 km/h", resistance.wagons(23, 80), 0.7 + 27 / 23, "N/kN", 1e-9)
    beside("starting of 21 t", resistance.starting(21), 1.0, "N/kN", 1e-9)
    force = resistance.running_force(figures, 138, 5000, 23)
    by_hand = (138 * 5.9 + 5000 * (0.7 + (3 + 10 + 25) / 23)) * G / 1000
    beside("train of 5,138 t at 100 km/h", force(100), by_hand, "kN", 1e-9)


def test_balancing_speed_of_6000_t_on_9_per_mille() -> None:
    """KZ8A: where constant power meets (w + i) of both, solved by hand; and simulated."""
    figures = read_figures(load_profile("kz8a"))
    wagon_t, wagons = 6000 / 60, 60

    def needs(v: float) -> float:
        engine = 200 * (1.9 + 0.01 * v + 0.0003 * v * v)
        load = 6000 * (0.7 + (3 + 0.1 * v + 0.0025 * v * v) / 25)
        return (engine + load + 6200 * 9) * G / 1000

    low, high = 10.0, 100.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if 8561.1 * 3.6 / middle > needs(middle) else (low, middle)
    machine = Machine(figures, level_duty(wagons, wagon_t, 9.0), 3)
    while machine.t_s < 2400:
        machine.step()
    beside("balancing speed", machine.consist.speed_m_s * 3.6, low, "km/h", 0.005)


def test_a_train_within_the_rating_by_hand() -> None:
    """TE33A on 9 per mille with a curve of 600 m, at 24.5 km/h and 424 kN: 40 wagons of 92 t."""
    figures, duty = read_figures(load_profile("te33a")), load_duty("main_line")
    against = 9 + 700 / 600
    engine = 138 * (1.9 + 0.01 * 24.5 + 0.0003 * 24.5**2 + against) * G / 1000
    wagon = 92 * (0.7 + (3 + 0.1 * 24.5 + 0.0025 * 24.5**2) / 23 + against) * G / 1000
    pulled = within_rating(figures, duty).train.wagons
    beside("mass of the wagons", 92 * pulled, 92 * (424 - engine) / wagon, "t", 0.025)
    assert engine + pulled * wagon <= 424 < engine + (pulled + 1) * wagon
    level = level_duty(10, 92)
    assert within_rating(figures, level) == level


def test_acceleration_by_hand() -> None:
    """A locomotive of 138 t alone: F - W = 1.06 m a."""
    figures = read_figures(load_profile("te33a"))
    consist = Consist(figures, level_duty(0, 1))
    for _ in range(100):
        consist.move(200.0, 0.0, 0.1)
    by_hand = (200 - 138 * G * 1.95 / 1000) / (138 * 1.06) * 10
    beside("speed after 10 s at 200 kN", consist.speed_m_s, by_hand, "m/s", 0.01)


def test_stopping_distance_by_intervals() -> None:
    """Emergency brake at 80 km/h, 5,000 t, 0.304 of pressing: the 1520 mm rules' calculation.

    Free run while cylinders fill, 10 s for a train of 200 to 300 axles, then speed intervals of
    10 km/h with zeta = 120 km/h an hour for 1 N/kN. The rules' figures are general knowledge.
    """
    figures = read_figures(load_profile("te33a"))
    wagons = 50
    duty = level_duty(wagons, 92)
    machine = Machine(figures, duty, 1)
    machine.consist.speed_m_s = 80 / 3.6
    machine.cylinders_kpa = [0.0, 0.0]
    machine.driver.look = lambda *_: None  # type: ignore[method-assign]
    machine.driver.independent_kpa = 0.0
    machine.driver.reduction_kpa = 200.0
    while machine.consist.speed_m_s > 0:
        machine.step()
    share = (wagons * 4 * 7.0 + 6 * 14.0) / (wagons * 92 + 138)
    by_hand = 80 / 3.6 * 10
    for fast, slow in pairwise(range(80, -10, -10)):
        v = (fast + slow) / 2
        shoes = 1000 * 0.36 * (v + 150) / (2 * v + 150) * share
        run = 0.7 + (3 + 0.1 * v + 0.0025 * v * v) / 23
        by_hand += 500 * (fast**2 - slow**2) / (120 * (shoes + run))
    beside("stopping distance from 80 km/h", machine.consist.place_m, by_hand, "m", 0.1)


@given(SPEEDS, st.integers(0, NOTCHES))
def test_no_notch_gives_more_than_power_and_starting_effort_allow(
    speed: float, notch: int
) -> None:
    figures = read_figures(load_profile("te33a"))
    for effort, power in (
        (tractive(figures, notch, speed), figures.wheel_power),
        (braking(figures, notch, speed), figures.dynamic_brake_power),
    ):
        assert 0 <= effort <= figures.starting_effort
        assert effort * speed / 3.6 <= power * notch / NOTCHES * (1 + 1e-9)


def test_a_rolling_train_loses_the_energy_that_resistance_takes() -> None:
    """Work against resistance = loss of kinetic energy, rotating masses in."""
    consist = Consist(read_figures(load_profile("te33a")), level_duty(20, 80))
    consist.speed_m_s = 25.0
    mass = consist.mass_t * 1.06
    before, work = mass * consist.speed_m_s**2 / 2, 0.0
    for _ in range(3000):
        held, place = consist.resistance_kn(consist.speed_m_s * 3.6), consist.place_m
        consist.move(0.0, 0.0, 0.1)
        work += held * (consist.place_m - place)
    lost = before - mass * consist.speed_m_s**2 / 2
    beside("energy lost by a rolling train", lost, work, "kJ", 1e-6)


@pytest.mark.parametrize(
    "profile", [load_profile("te33a"), load_profile("kz8a"), load_profile("vl80s")]
)
def test_weight_transfer_sums_to_zero_and_fits_the_formula(profile: Profile) -> None:
    figures = read_figures(profile)
    changes = transfer_t_kn(figures)
    assert sum(changes) == pytest.approx(0, abs=1e-12)
    effort = figures.starting_effort / figures.sections
    bogie = effort * (figures.coupler_height - figures.pivot_height) / figures.bogie_distance
    within = effort / 2 * figures.pivot_height / figures.bogie_wheelbase
    first = -(bogie / figures.axles_a_bogie + within) / G
    beside("first axle at start", changes[0] * figures.starting_effort, first, "t", 1e-9)


@pytest.mark.parametrize("profile", [load_profile("te33a"), load_profile("vl80s")])
def test_a_motor_draws_its_continuous_current_at_the_continuous_point(profile: Profile) -> None:
    figures = read_figures(profile)
    motor = motor_model(figures)
    force = figures.continuous_effort / figures.axles
    current = motor.current(force, figures.continuous_speed, 1.0)
    rated = figures.motor_current_continuous
    beside(f"continuous current {figures.motor_kind}", current, rated, "A", 0.01)
    at_start = motor.current(figures.starting_effort / figures.axles, 0, 1.0)
    assert rated < at_start < figures.motor_current_max


def test_a_series_motor_obeys_its_voltage_equation_and_power() -> None:
    """U = c Phi omega + I R at the continuous point; U I less I^2 R = F v."""
    figures = read_figures(load_profile("vl80s"))
    motor = DcSeries(figures)
    omega = figures.motor_rpm(53.6) * 2 * math.pi / 60
    beside("continuous speed of NB-418", figures.motor_rpm(53.6), 953, "1/min", 0.01)
    volts = motor.c_phi(820) * omega + 820 * motor.ohm
    beside("voltage at the continuous point", volts, 950, "V", 1e-6)
    beside("and at the terminals", motor.voltage(820, 53.6), 950, "V", 1e-6)
    shaft = motor.c_phi(820) * omega * 820 / 1000
    beside("shaft power over wheel power", shaft, 414 / 8 * 53.6 / 3.6, "kW", 0.05)
    ratio = (motor.c_phi(820 * 783 / 538) / motor.c_phi(820), 22.90 / 20.73)
    beside("saturation from 538 to 783 A", *ratio, "", 1e-6)


@given(SPEEDS, st.floats(0, 1))
def test_motor_currents_grow_with_force_and_stay_bounded(speed: float, share: float) -> None:
    for profile in (load_profile("te33a"), load_profile("vl80s")):
        figures: Figures = read_figures(profile)
        motor = motor_model(figures)
        force = tractive(figures, NOTCHES, speed) / figures.axles
        less, more = motor.current(share * force, speed, 1), motor.current(force, speed, 1)
        assert 0 <= less <= more + 1e-9 <= figures.motor_current_max + 1e-6
        assert motor.voltage(more, speed) <= figures.motor_voltage + 1e-9


def test_an_asynchronous_motor_without_force_draws_its_magnetising_current() -> None:
    motor = Asynchronous(read_figures(load_profile("te33a")))
    beside("magnetising current", motor.current(0, 30, 1), 0.35 * 950, "A", 1e-9)
    beside("in weak field", motor.current(0, 120, 1), 0.35 * 950 / 2, "A", 1e-9)


def test_a_slipping_wheel_runs_away_and_is_caught() -> None:
    wheel = adhesion.Wheelset()
    slips = []
    for step in range(600):
        wheel.step(80.0, 30.0 if step < 100 else 120.0, 5.0, 0.1)
        slips.append(wheel.slip_m_s)
    assert max(slips[:100]) / 5.0 > 0.05
    assert max(slips) <= 8.0
    assert slips[-1] == 0
    assert wheel.cut == 1.0
    beside("creep at the limit", adhesion.creep(100, 100), 0.008, "", 1e-9)
