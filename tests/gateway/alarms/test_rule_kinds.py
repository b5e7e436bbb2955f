"""The rules for brakes, wheels, loads, compressors and windings on series of values, made by hand:
each fires where it should, and leaves alone what looks like it."""

from math import exp
from pathlib import Path
from random import Random
from statistics import median

import pytest
from rule_bench import RuleBench, Series, constant, raised, shipped

from gateway.alarms.signals.values import _median_without

STANDS = {"axle.speed axle 1": lambda at_s: 0.0, "motor.current motor 1": lambda at_s: 0.0}
PULLS = {"axle.speed axle 1": lambda at_s: 200.0, "motor.current motor 1": lambda at_s: 600.0}

CHARGED = {"brake.pipe_pressure locomotive": lambda at_s: 505.0}


def falling(start: float, a_second: float) -> Series:
    return lambda at_s: start - a_second * at_s


def speeds(*rpm: Series) -> dict[str, Series]:
    return {f"axle.speed axle {number}": value for number, value in enumerate(rpm, 1)}


# -- wheels


def test_an_axle_that_runs_away_is_told_after_a_third_of_a_second(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "wheel-slip")
    run: Series = lambda at_s: 200 if at_s < 10 else 220  # noqa: E731
    bench.run(20, speeds(run, *[constant(200)] * 3) | {"motor.current motor 1": constant(600)})
    assert raised(bench) == [(10.3, "wheel-slip@axle 1")]


def test_less_than_a_kilometre_an_hour_is_no_slip(tmp_path: Path) -> None:
    """At 2 km/h a single turn more a minute is 10 %."""
    bench = shipped(tmp_path, "wheel-slip", "wheel-slide")
    bench.run(
        20, speeds(constant(14), *[constant(10)] * 3) | {"motor.current motor 1": constant(600)}
    )
    assert bench.happened == []


def test_a_small_wheel_is_learned_while_the_train_rolls_free(tmp_path: Path) -> None:
    """4 % smaller, and then the same axle slips by 6 %: its own 4 % are not in it."""
    bench = shipped(tmp_path, "wheel-slip")
    others = [constant(200.0)] * 3
    coasting = {
        "motor.current motor 1": lambda at_s: 0.0 if at_s < 300 else 600.0,
        "brake.cylinder_pressure bogie 1": constant(0.0),
    }
    small: Series = lambda at_s: 208.0 if at_s < 320 else 216.0  # noqa: E731
    bench.run(330, speeds(small, *others) | coasting)
    assert bench.happened == [], "216 of 208 is 3.8 %, and 8 % of what the others turn"


def test_a_locked_axle_slides(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "wheel-slide")
    locked: Series = lambda at_s: 200 if at_s < 5 else 0  # noqa: E731
    bench.run(10, speeds(locked, *[constant(200)] * 3))
    assert raised(bench) == [(5.3, "wheel-slide@axle 1")]


# -- loads


def loads(*tonnes: float) -> dict[str, Series]:
    return {f"axle.load axle {n}": constant(value) for n, value in enumerate(tonnes, 1)}


def test_an_axle_load_is_the_mean_of_a_minute_at_a_stand(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "axle-overloaded")
    bench.run(90, loads(25.0, 23.0) | STANDS)
    assert raised(bench) == [(60.0, "axle-overloaded@axle 1")]
    (alarm,) = bench.life.alarms()
    assert (alarm.value, alarm.limit, alarm.unit) == (25.0, pytest.approx(24.15), "t")
    assert alarm.conditions == ("steady",), "what it holds for is shown with it"


@pytest.mark.parametrize(("amperes", "fires"), [(0.0, True), (300.0, False)])
def test_a_train_stands_where_no_wheel_gave_a_pulse_and_no_motor_pulls(
    tmp_path: Path, amperes: float, fires: bool
) -> None:
    """After a start at a stand a wheel's sensor cannot know whether it lives."""
    bench = shipped(tmp_path, "axle-overloaded", "sensor-not-ready", "speed-not-ready")
    silent: Series = lambda at_s: "not_ready"  # noqa: E731
    bench.run(
        70, loads(25.0) | speeds(silent, silent) | {"motor.current motor 1": constant(amperes)}
    )
    assert [alarm for _, alarm in raised(bench)] == ["axle-overloaded@axle 1"] * fires


def test_no_axle_load_is_judged_under_power(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "axle-overloaded", "axle-load-apart")
    brakes = {"brake.cylinder_pressure bogie 1": constant(0.0)}
    bench.run(200, loads(28.0, 23.0, 23.0) | PULLS | brakes)
    assert bench.happened == []


def test_a_minute_begins_anew_when_the_train_pulls_in_between(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "axle-overloaded")
    pulls: Series = lambda at_s: 600.0 if 40 <= at_s < 45 else 0.0  # noqa: E731
    bench.run(
        120, loads(25.0) | {"axle.speed axle 1": constant(0), "motor.current motor 1": pulls}
    )
    assert raised(bench) == [(105.0, "axle-overloaded@axle 1")]


def test_one_axle_that_carries_more_than_the_others(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "axle-load-apart")
    bench.run(70, loads(24.5, 23.0, 23.1, 22.9) | STANDS)
    assert raised(bench) == [(60.0, "axle-load-apart@axle 1")]


# -- brake cylinders


def filling(seconds: float, goal_kpa: float = 380.0, begin_s: float = 10.0) -> Series:
    """95 % of the pressure after so long: the time as UIC 540 counts it."""
    constant_s = seconds / 2.9957
    return lambda at_s: (
        0.0 if at_s < begin_s else goal_kpa * (1 - exp((begin_s - at_s) / constant_s))
    )


def releasing(seconds: float, from_kpa: float = 380.0, begin_s: float = 10.0) -> Series:
    constant_s = seconds / 2.2513
    return lambda at_s: from_kpa * exp(min(0.0, begin_s - at_s) / constant_s)


def test_the_time_to_fill_and_to_release_of_position_p_is_right(tmp_path: Path) -> None:
    for number, series in enumerate((filling(5.0), releasing(20.0), filling(3.0, 100.0))):
        bench = shipped(tmp_path, "cylinder-fills-slowly", "cylinder-releases-slowly")
        bench.run(60, {"brake.cylinder_pressure bogie 1": series} | CHARGED)
        assert bench.happened == [], number


def test_a_cylinder_that_fills_as_in_position_g_is_told_while_it_fills(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "cylinder-fills-slowly")
    bench.run(60, {"brake.cylinder_pressure bogie 1": filling(24.0)} | CHARGED)
    ((at_s, alarm),) = raised(bench)
    assert alarm == "cylinder-fills-slowly@bogie 1"
    assert 18 <= at_s <= 19, "8 s after it began, not after it was full"


def test_a_cylinder_that_follows_a_pipe_lowered_in_steps_is_right(tmp_path: Path) -> None:
    """The driver takes more and more: twelve seconds of rising, and none of it late."""
    pipe: Series = lambda at_s: 510 - 12 * min(max(at_s - 10, 0.0), 12.0)  # noqa: E731
    cylinder: Series = lambda at_s: 2.6 * (510 - pipe(at_s - 0.5))  # type: ignore[operator]  # noqa: E731
    bench = shipped(tmp_path, "cylinder-fills-slowly")
    bench.run(
        60, {"brake.pipe_pressure locomotive": pipe, "brake.cylinder_pressure bogie 1": cylinder}
    )
    assert bench.happened == []


def test_a_cylinder_that_releases_slowly_is_told(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "cylinder-releases-slowly")
    bench.run(90, {"brake.cylinder_pressure bogie 1": releasing(52.5)})
    ((at_s, _),) = raised(bench)
    assert 35 <= at_s <= 36


def test_pressure_left_in_a_cylinder_under_power(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "cylinder-residual")
    air = {
        "brake.pipe_pressure locomotive": constant(505),
        "brake.cylinder_pressure bogie 1": constant(0),
        "brake.cylinder_pressure bogie 2": constant(60),
    }
    bench.run(60, PULLS | air)
    assert raised(bench) == [(30.0, "cylinder-residual@bogie 2")]
    braked = shipped(tmp_path, "cylinder-residual")
    braked.run(60, PULLS | air | {"brake.pipe_pressure locomotive": constant(450)})
    assert braked.happened == [], "the driver brakes: it belongs there"


def test_two_bogies_that_are_not_braked_alike(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "cylinders-apart")
    bench.run(
        30,
        {
            "brake.cylinder_pressure bogie 1": filling(4.0),
            "brake.cylinder_pressure bogie 2": constant(0),
        },
    )
    assert {alarm for _, alarm in raised(bench)} == {
        "cylinders-apart@bogie 1",
        "cylinders-apart@bogie 2",
    }
    late = shipped(tmp_path, "cylinders-apart")
    late.run(
        30,
        {
            "brake.cylinder_pressure bogie 1": filling(4.0),
            "brake.cylinder_pressure bogie 2": filling(4.0, begin_s=10.5),
        },
    )
    assert late.happened == []


# -- air


def test_air_that_is_lost_is_told_in_litres_of_free_air(tmp_path: Path) -> None:
    """1000 L that fall by 60 kPa a minute lose 592 L/min; by 30 they lose 296."""
    for kpa_min, fires in ((60.0, True), (30.0, False)):
        bench = shipped(tmp_path, "pipe-leak")
        bench.run(
            150,
            {
                "brake.pipe_pressure locomotive": constant(505),
                "compressor.running compressor 1": constant(0),
                "brake.main_reservoir_pressure locomotive": lambda at_s, k=kpa_min: (
                    890 - k * at_s / 60
                ),  # type: ignore[misc]
            },
        )
        assert bool(bench.happened) == fires
        if fires:
            (alarm,) = bench.life.alarms()
            assert alarm.value == pytest.approx(-592, abs=2)
            assert 90 <= bench.happened[0][0] <= 91, "charged for 60 s, over 20 s, for 10 s"


def test_a_compressor_that_starts_too_often(tmp_path: Path) -> None:
    often: Series = lambda at_s: float(at_s % 50 < 10)  # noqa: E731
    seldom: Series = lambda at_s: float(at_s % 100 < 20)  # noqa: E731
    bench = shipped(tmp_path, "compressor-starts")
    bench.run(
        600, {"compressor.running compressor 1": often, "compressor.running compressor 2": seldom}
    )
    assert [alarm for _, alarm in raised(bench)] == ["compressor-starts@compressor 1"]


def test_a_compressor_that_hardly_rests(tmp_path: Path) -> None:
    bench = shipped(tmp_path, "compressor-duty")
    bench.run(
        1810,
        {
            "compressor.running compressor 1": lambda at_s: float(at_s % 100 < 60),
            "compressor.running compressor 2": lambda at_s: float(at_s % 100 < 45),
        },
    )
    assert raised(bench) == [(1800.0, "compressor-duty@compressor 1")]


BROKEN = ("pipe-falling", "reservoir-falling", "compressor-starts", "slowing", "pipe-broken")


def test_two_signs_of_a_broken_pipe_are_needed(tmp_path: Path) -> None:
    pipe: Series = lambda at_s: 505 - 5 * max(0.0, at_s - 30)  # noqa: E731
    reservoir: Series = lambda at_s: 880 - 6 * max(0.0, at_s - 30)  # noqa: E731
    one = {
        "brake.equalising_pressure locomotive": constant(510),
        "brake.pipe_pressure locomotive": pipe,
        "brake.main_reservoir_pressure locomotive": constant(880),
    }
    bench = shipped(tmp_path, *BROKEN)
    bench.run(60, one)
    assert [alarm for _, alarm in raised(bench)] == ["pipe-falling@locomotive"]
    bench = shipped(tmp_path, *BROKEN)
    bench.run(60, one | {"brake.main_reservoir_pressure locomotive": reservoir})
    assert {alarm for _, alarm in raised(bench)} == {
        "pipe-falling@locomotive",
        "pipe-broken@locomotive",
    }, "the signs themselves raise nothing"


# -- heat


def test_two_signs_of_a_hot_box_are_enough_before_either_is_at_its_limit(tmp_path: Path) -> None:
    def box(right: float) -> dict[str, Series]:
        return {
            "axle.bearing_temperature axle 2 left": constant(60),
            "axle.bearing_temperature axle 2 right": constant(right),
            "ambient.temperature locomotive": constant(20),
        }

    names = ("axlebox-hot", "axlebox-above-ambient", "axlebox-sides", "axlebox-rising")
    bench = shipped(tmp_path, *names, "axlebox-together")
    bench.run(30, box(right=20.0))
    assert raised(bench) == [(10.0, "axlebox-together@axle 2 left")]
    bench = shipped(tmp_path, *names, "axlebox-together")
    bench.run(30, box(right=50.0))
    assert bench.happened == [], "warm on both sides"


def test_a_forecast_of_a_winding_comes_true(tmp_path: Path) -> None:
    """The motor is stepped here by the same two nodes that the rule has, on its own; what the rule
    says must be when it was there."""
    bench = RuleBench(
        tmp_path, '[[rules]]\nid = "winding-soon"\n[[rules]]\nid = "winding-hot"\non_delay_s = 0\n'
    )
    amperes, ambient = 1200.0, 40.0
    rise, hot = 140.0, 1 + 0.0039 * 160
    k1 = 1 / (950.0**2 * hot)
    k2 = 0.15 / 120**2
    across, away = 1 / (0.6 * rise), 1 / (0.4 * rise)
    winding, frame, course = 100.0, 70.0, []
    kmh = 200 * 1.067 * 3.14159265 * 0.06
    for _ in range(1200):
        loss = k1 * amperes**2 * (1 + 0.0039 * (winding - 20)) + k2 * kmh**2
        flow = across * (winding - frame)
        winding, frame = (
            winding + (loss - flow) / (300 * across),
            frame + (flow - away * (frame - ambient)) / (1800 * away),
        )
        course.append(winding)
    series = PULLS | {
        "motor.current motor 1": constant(amperes),
        "motor.winding_temperature motor 1": lambda at_s: course[min(int(at_s), 1199)],
        "ambient.temperature locomotive": constant(ambient),
    }
    bench.run(1100, series)
    times = {alarm.partition("@")[0]: at_s for at_s, alarm in raised(bench)}
    told = next(record for record in bench.records if record.rule == "winding-soon")
    assert told.value is not None
    was_min = (times["winding-hot"] - times["winding-soon"]) / 60
    assert was_min > 1
    assert told.value == pytest.approx(was_min, rel=0.15, abs=0.2)


@pytest.mark.parametrize("seed", range(5))
def test_the_median_of_the_siblings_is_that_of_all_others(seed: int) -> None:
    print(f"seed {seed}")
    random = Random(seed)
    for _ in range(300):
        values = [float(random.randrange(6)) for _ in range(random.randrange(2, 9))]
        for at, own in enumerate(values):
            others = values[:at] + values[at + 1 :]
            assert _median_without(sorted(values), own) == median(others)
