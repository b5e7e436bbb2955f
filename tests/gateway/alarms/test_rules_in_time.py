"""A rule in a file, values in time: when it opens, when it closes, and what it leaves alone."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rule_bench import RuleBench, Series

from gateway.errors import ConfigError

WORDS = """
[rules.words]
code = "X01"
title = { kk = "қыздыру", ru = "нагрев", en = "warm" }
meaning = { kk = "қыздыру", ru = "нагрев", en = "warm" }
action = { kk = "қарау", ru = "смотреть", en = "look" }
"""

LIMIT = f"""
[[rules]]
id = "warm"
kind = "value"
quantity = "motor.winding_temperature"
priority = "high"
on_delay_s = 2
off_delay_s = 3
limit = {{ above = 100, close = 90, unit = "°C", source = "test", verified = true }}
{WORDS}"""

M1, M2, M3 = (f"motor.winding_temperature motor {number}" for number in (1, 2, 3))


def steps(*parts: tuple[float, float | str | None]) -> Series:
    """From each time on that value."""
    return lambda at_s: [value for since, value in parts if at_s >= since - 1e-6][-1]  # type: ignore[return-value]


def test_it_opens_after_the_delay_and_closes_below_the_other_limit(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, LIMIT)
    bench.run(20, {M1: steps((0, 80), (1, 101), (6, 95), (8, 90), (9, 91), (10, 90))})
    assert bench.happened == [
        (3.0, "raised", "warm@motor 1"),
        (13.0, "returned", "warm@motor 1"),
    ]


def test_a_short_peak_opens_nothing(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, LIMIT)
    bench.run(10, {M1: steps((0, 80), (1, 120), (2.9, 99), (3, 120), (4.9, 80))})
    assert bench.happened == []


PIPE, RESERVOIR = "brake.pipe_pressure locomotive", "brake.equalising_pressure locomotive"


def ramp(*points: tuple[float, float]) -> Series:
    """Straight lines through the points."""
    times, values = zip(*points, strict=True)
    return lambda at_s: float(np.interp(at_s, times, values))


def test_a_pipe_that_falls_below_its_reservoir_is_told(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, '[[rules]]\nid = "pipe-falling"\n')
    bench.run(60, {RESERVOIR: steps((0, 510)), PIPE: ramp((0, 508), (20, 508), (60, 428))})
    ((at_s, action, alarm),) = bench.happened
    assert (action, alarm) == ("raised", "pipe-falling@locomotive")
    assert 27 <= at_s <= 28, "8 kPa more at 2 kPa/s, then 3 s"


def test_a_driver_who_brakes_and_releases_raises_nothing_of_the_pipe(tmp_path: Path) -> None:
    """Also with the cylinders kept empty, as under the dynamic brake: the reservoir says it."""
    bench = RuleBench(tmp_path, '[[rules]]\nid = "pipe-falling"\n')
    reservoir = ramp((0, 510), (20, 510), (23, 440), (40, 440), (43, 510))
    pipe = ramp((0, 507), (20.5, 507), (26, 437), (40, 437), (40.5, 436), (50, 505))
    cylinder = steps((0, 0))
    current = steps((0, 600))
    bench.run(
        60,
        {
            RESERVOIR: reservoir,
            PIPE: pipe,
            "brake.cylinder_pressure bogie 1": cylinder,
            "motor.current motor 1": current,
        },
    )
    assert bench.happened == []


@pytest.mark.parametrize("lost", [None, "open", "saturated"])
def test_what_is_open_stays_so_while_nobody_knows(tmp_path: Path, lost: str | None) -> None:
    bench = RuleBench(tmp_path, LIMIT)
    bench.run(60, {M1: steps((0, 101), (4, lost), (40, 50))})
    assert bench.happened == [
        (2.0, "raised", "warm@motor 1"),
        (43.0, "returned", "warm@motor 1"),
    ]


def test_an_unknown_value_opens_nothing(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, LIMIT)
    bench.run(60, {M1: steps((0, None)), M2: steps((0, "short"))})
    assert bench.happened == []


def test_a_limit_is_a_figure_of_the_class(tmp_path: Path) -> None:
    figure = LIMIT.replace("above = 100", 'above = "winding_temperature_max"').replace(
        "close = 90", 'close = "winding_temperature_max - 20"'
    )
    bench = RuleBench(tmp_path, figure)
    bench.run(10, {M1: steps((0, 179)), M2: steps((0, 181))})
    assert bench.happened == [(2.0, "raised", "warm@motor 2")]
    (alarm,) = bench.life.alarms()
    assert (alarm.limit, alarm.unit, alarm.verified) == (180, "°C", False)


def test_an_unverified_limit_is_never_high(tmp_path: Path) -> None:
    sure = RuleBench(tmp_path, LIMIT)
    unsure = RuleBench(tmp_path, LIMIT.replace("verified = true", "verified = false"))
    for bench in (sure, unsure):
        bench.run(3, {M1: steps((0, 101))})
    assert [one.priority for one in sure.life.alarms()] == ["high"]
    assert [one.priority for one in unsure.life.alarms()] == ["medium"]


def test_a_rule_is_judged_only_where_its_conditions_hold(tmp_path: Path) -> None:
    bench = RuleBench(
        tmp_path, LIMIT.replace("on_delay_s = 2", 'on_delay_s = 2\nwhen = ["standing"]')
    )
    turning = steps((0, 200), (5, 0), (20, 200))
    bench.run(40, {M1: steps((0, 120), (25, 20)), "axle.speed axle 1": turning})
    assert bench.happened == [(7.0, "raised", "warm@motor 1")], "and nobody saw it end, standing"


def test_no_rule_is_judged_where_its_condition_is_not_known(tmp_path: Path) -> None:
    bench = RuleBench(
        tmp_path, LIMIT.replace("on_delay_s = 2", 'on_delay_s = 2\nwhen = ["moving"]')
    )
    bench.run(10, {M1: steps((0, 120))})
    assert bench.happened == []


def test_a_wrong_sensor_is_no_alarm_of_the_machine(tmp_path: Path) -> None:
    fault = '[[rules]]\nid = "sensor-fault"\non_delay_s = 1\noff_delay_s = 2\n'
    bench = RuleBench(tmp_path, LIMIT + fault)
    bench.run(20, {M1: steps((0, 80), (5, "open"), (9, 80))})
    name = "sensor-fault@motor.winding_temperature motor 1"
    assert bench.happened == [(6.0, "raised", name), (11.0, "returned", name)]
    (alarm,) = bench.life.alarms()
    assert (alarm.kind, alarm.place, alarm.quantity) == (
        "sensor",
        "motor 1",
        "motor.winding_temperature",
    )


def test_a_frozen_sensor_is_told_by_its_siblings(tmp_path: Path) -> None:
    frozen = """
    [[rules]]
    id = "sensor-frozen"
    moves = 5
    limit = { above = 30, close = 1, unit = "s", source = "test" }
    """
    bench = RuleBench(tmp_path, frozen)
    ramp: Series = lambda at_s: 20 + at_s  # noqa: E731
    bench.run(60, {M1: steps((0, 20), (50, 21)), M2: ramp, M3: ramp})
    name = "sensor-frozen@motor.winding_temperature motor 1"
    assert bench.happened == [(30.1, "raised", name), (50.0, "returned", name)]
    bench = RuleBench(tmp_path, frozen)
    bench.run(60, {M1: steps((0, 20)), M2: steps((0, 30)), M3: steps((0, 40))})
    assert bench.happened == [], "on a cold locomotive at rest nothing changes"


def test_a_rise_is_measured_over_its_window(tmp_path: Path) -> None:
    rise = LIMIT.replace('kind = "value"', 'kind = "rise"\nwindow_s = 30').replace(
        'above = 100, close = 90, unit = "°C"', 'above = 5, close = 2, unit = "K/min"'
    )
    climbing: Series = lambda at_s: 20 + max(0.0, at_s - 60) * 0.2  # noqa: E731
    level: Series = lambda at_s: 20 + at_s * 0.05  # noqa: E731
    bench = RuleBench(tmp_path, rise)
    bench.run(120, {M1: climbing, M2: level})
    ((at_s, action, alarm),) = bench.happened
    assert (action, alarm) == ("raised", "warm@motor 1")
    assert 60 + 30 * 5 / 12 <= at_s - 2 <= 60 + 30 * 5 / 12 + 1


def test_a_deviation_is_from_the_median_of_the_siblings(tmp_path: Path) -> None:
    apart = LIMIT.replace('kind = "value"', 'kind = "deviation"').replace(
        'above = 100, close = 90, unit = "°C"', 'above = 30, close = 20, unit = "K"'
    )
    bench = RuleBench(tmp_path, apart)
    bench.run(10, {M1: steps((0, 80), (1, 111)), M2: steps((0, 80)), M3: steps((0, 81))})
    assert bench.happened == [(3.0, "raised", "warm@motor 1")]
    bench = RuleBench(tmp_path, apart)
    bench.run(10, {M1: steps((0, 120)), M2: steps((0, 80))})
    assert bench.happened == [], "of two nobody can say which is wrong"


def test_a_difference_is_to_another_place(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, '[[rules]]\nid = "axlebox-sides"\n')
    left, right = (f"axle.bearing_temperature axle 2 {side}" for side in ("left", "right"))
    bench.run(20, {left: steps((0, 90)), right: steps((0, 30))})
    assert bench.happened == [(10.0, "raised", "axlebox-sides@axle 2 left")]


def test_a_silent_node_is_told(tmp_path: Path) -> None:
    bench = RuleBench(tmp_path, '[[rules]]\nid = "node-silent"\n')
    bench.silent_us["brakes-a"] = 0
    bench.run(12, {})
    bench.silent_us["brakes-a"] = 0
    bench.run(2, {})
    assert [(action, alarm) for _, action, alarm in bench.happened] == [
        ("raised", "node-silent@brakes-a"),
        ("returned", "node-silent@brakes-a"),
    ]
    assert bench.happened[0][0] == 10.1


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda toml: toml.replace("priority", "prioritee"), "unknown key prioritee"),
        (lambda toml: toml.replace("winding_temp", "windng_temp"), "is motor.winding_temperature"),
        (lambda toml: toml.replace("above = 100", 'above = "winding_max"'), "neither a number"),
        (lambda toml: toml.replace('source = "test", ', ""), "source is missing"),
        (lambda toml: toml.replace("close = 90", "close = 110"), "put close on the other side"),
        (lambda toml: toml.replace('"°C"', '"K"'), "convert it to °C"),
        (lambda toml: toml.replace(WORDS, ""), "nobody would know what it says"),
        (lambda toml: toml.replace('"X01"', '"M01"'), "the code M01 is that of winding-hot"),
        (lambda toml: 'off = ["winding-hott"]\n' + toml, "is winding-hot meant?"),
        (lambda toml: toml + toml, "is there twice"),
    ],
)
def test_a_wrong_file_is_refused_with_what_to_do(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    with pytest.raises(ConfigError, match=words.replace("?", "\\?")):
        RuleBench(tmp_path, change(LIMIT))


def test_a_depot_changes_one_number_and_switches_a_rule_off(tmp_path: Path) -> None:
    changed = (
        'off = ["winding-warm"]\n[[rules]]\nid = "winding-hot"\non_delay_s = 1\n'
        'limit = { above = 150, unit = "°C", source = "depot", verified = true }\n'
    )
    bench = RuleBench(tmp_path, changed)
    assert [one.rule.id for one in bench.rules] == ["winding-hot"]
    bench.run(10, {M1: steps((0, 151))})
    (alarm,) = bench.life.alarms()
    assert (alarm.rule, alarm.limit, alarm.priority) == ("winding-hot", 150, "high")
    assert bench.happened == [(1.0, "raised", "winding-hot@motor 1")]
