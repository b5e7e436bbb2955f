"""The source that boards are fed from: repeats bit for bit, knows every channel, moves in time."""

import re
from pathlib import Path
from typing import get_args

import msgspec
import numpy as np
import pytest
from axwire.places import parse_place
from axwire.quantities import BY_NAME

from gateway.errors import ConfigError
from gateway.profiles import Profile, load_profile, profile_names
from simulators.duties import (
    Driving,
    Duty,
    Section,
    Stop,
    Train,
    duty_names,
    load_duty,
    read_duty,
)
from simulators.faults import MachineFault, SlippingAxle
from simulators.locomotive import KEEP_S, Locomotive

SEED = 62
STRETCH = np.arange(21) * 0.025


def stretches(locomotive: Locomotive, until_s: float, order: int) -> list[bytes]:
    """What boards get, their channels asked in one order or the other."""
    asked = [("motor.current", "motor 1"), ("axle.load", "axle 2"), ("axle.speed", "axle 6")]
    got = []
    for begin in np.arange(0, until_s, 0.5):
        some = [
            (channel, locomotive.values(*channel, begin + STRETCH).tobytes())
            for channel in asked[::order]
        ]
        got += [values for _, values in sorted(some)]
    return got


def test_a_seed_repeats_bit_for_bit_however_it_is_asked() -> None:
    fault = (20.0, 40.0, SlippingAxle("axle 1"))
    first = stretches(Locomotive(load_profile("te33a"), SEED, faults=[fault]), 60, 1)
    assert stretches(Locomotive(load_profile("te33a"), SEED, faults=[fault]), 60, -1) == first
    ahead = Locomotive(load_profile("te33a"), SEED, faults=[fault])
    ahead.values("supply.voltage", "locomotive", np.array([90.0]))
    assert stretches(ahead, 60, 1) == first
    assert stretches(Locomotive(load_profile("te33a"), SEED + 1, faults=[fault]), 60, 1) != first


def test_a_later_start_is_the_same_course() -> None:
    whole, late = (
        Locomotive(load_profile("te33a"), SEED),
        Locomotive(load_profile("te33a"), SEED, start_s=100),
    )
    t_s = np.arange(0, 20, 0.1)
    one = whole.values("motor.current", "motor 2", t_s + 100)
    assert np.array_equal(late.values("motor.current", "motor 2", t_s), one)


@pytest.mark.parametrize(
    "profile", [load_profile("te33a"), load_profile("kz8a"), load_profile("vl80s")]
)
def test_values_stay_within_what_a_healthy_machine_can_show(profile: Profile) -> None:
    locomotive = Locomotive(profile, SEED)
    t_s = np.arange(0, 320, 0.25)
    places = {"motor": "motor 2", "axle": "axle 3 left"}
    for name, quantity in BY_NAME.items():
        if name in ("air.separator_pressure", "air.dryer_pressure"):
            continue
        place = places.get(name.partition(".")[0], "locomotive")
        place = "bogie 2" if name == "brake.cylinder_pressure" else place
        values = locomotive.values(name, place, t_s)
        assert np.isfinite(values).all(), name
        assert quantity.low <= values.min() <= values.max() <= quantity.high, name
        of_shape = name.endswith(("crest", "kurtosis"))
        assert of_shape or values.std() > 0, f"{name} never moves"


def test_the_demo_shows_life_within_a_minute() -> None:
    locomotive = Locomotive(load_profile("te33a"), SEED)
    t_s = np.arange(0, 60, 0.1)
    current = locomotive.values("motor.current", "motor 1", t_s)
    speed = locomotive.speed_kmh(t_s)
    cylinder = locomotive.values("brake.cylinder_pressure", "bogie 1", t_s)
    winding = locomotive.values("motor.winding_temperature", "motor 1", t_s)
    assert current[:100].max() < 20 < 700 < current.max() < 1200
    assert speed[0] == 0
    assert speed[-1] > 30
    assert cylinder[0] > 250 > 20 > cylinder[-1]
    assert winding[-1] > winding[:200].min() + 1
    cycle = locomotive.speed_kmh(np.arange(60, 330, 0.1))
    assert 55 < cycle.max() < 68
    assert (cycle == 0).sum() > 200


@pytest.mark.parametrize("name", duty_names())
def test_every_duty_is_driven_to_its_end_within_its_limits(name: str) -> None:
    locomotive = Locomotive(load_profile("te33a"), SEED, name)
    sections = locomotive.duty.sections
    until_s = 600 if locomotive.duty.repeat else 7200
    highest = 0.0
    for begin in range(0, until_s, 300):
        speed = locomotive.speed_kmh(np.arange(begin, begin + 300, 0.5))
        highest = max(highest, float(speed.max()))
    limit = max(section.limit_kmh for section in sections)
    last = np.array([until_s - 1.0])
    place = locomotive.true("place", last)[0]
    print(f"{name}: {highest:.0f} km/h of {limit:.0f}, ends at {place:.0f} m")
    assert 0.9 * limit < highest <= limit + 2.5
    if not locomotive.duty.repeat:
        assert locomotive.speed_kmh(last)[0] == 0
        assert abs(place - locomotive.duty.length_m) < 200


def test_a_train_rests_before_it_begins_again() -> None:
    rested = msgspec.structs.replace(load_duty("demo"), stops=[], rest_s=250)
    times = np.arange(0, 900, 0.5)
    speed = Locomotive(load_profile("te33a"), SEED, rested).speed_kmh(times)
    starts = times[1:][(speed[:-1] == 0) & (speed[1:] > 0)]
    halts = times[1:][(speed[:-1] > 0) & (speed[1:] == 0)]
    assert len(starts) > 1
    assert 250 <= starts[1] - halts[halts < starts[1]][-1] < 265, "rest, then brakes are released"


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_that_is_shipped_drives_the_demo(name: str) -> None:
    speed = Locomotive(load_profile(name), SEED).speed_kmh(np.arange(0, 300, 0.5))
    assert 40 < speed.max() < 69


def test_the_past_is_kept_for_ten_minutes() -> None:
    locomotive = Locomotive(load_profile("te33a"), SEED)
    locomotive.values("supply.voltage", "locomotive", np.array([2 * KEEP_S + 700]))
    old = np.array([KEEP_S + 701])
    assert locomotive.values("axle.load", "axle 1", old)[0] > 15
    with pytest.raises(LookupError, match="is past"):
        locomotive.values("axle.load", "axle 1", np.array([1.0]))


def test_places_that_it_has_not_are_refused() -> None:
    locomotive = Locomotive(load_profile("te33a"), SEED)
    t_s = np.arange(3.0)
    for quantity, place in (("motor.current", "motor 7"), ("axle.load", "bogie 1")):
        parse_place(place)
        with pytest.raises(KeyError):
            locomotive.values(quantity, place, t_s)
    with pytest.raises(KeyError):
        locomotive.values("air.dryer_pressure", "locomotive", t_s)


def test_slower_wheels_are_larger_ones() -> None:
    """Every axle turns by its own diameter; while coasting that alone tells them apart."""
    locomotive = Locomotive(load_profile("te33a"), SEED)
    t_s = np.array([145.0])
    speeds = {float(locomotive.values("axle.speed", f"axle {n}", t_s)[0]) for n in range(1, 7)}
    assert len(speeds) == 6
    assert 0.0005 < (max(speeds) - min(speeds)) / max(speeds) < 0.004


DUTY = """
title = "own"
source = "test"
ambient_c = 10
[train]
wagons = 2
[driving]
start_after_s = 5
[[sections]]
length_m = 1000
limit_kmh = 40
axle_load_class_t = 23.5
"""


@pytest.mark.parametrize(
    ("change", "to", "says"),
    [
        ("wagons = 2", "wagons = -2", "wagons"),
        ("limit_kmh", "limit", "limit"),
        ("axle_load_class_t = 23.5", "axle_load_class_t = 21", "too heavy"),
        ("[[sections]]", "[[stops]]\nat_m = 2000\nwait_s = 5\n[[sections]]", "stops"),
        ("[train]", "[train", "own.toml"),
    ],
)
def test_a_mistake_in_a_duty_is_named(tmp_path: Path, change: str, to: str, says: str) -> None:
    path = tmp_path / "own.toml"
    path.write_text(DUTY, encoding="utf-8")
    own: Duty = read_duty(path)
    assert own.length_m == 1000
    path.write_text(DUTY.replace(change, to), encoding="utf-8")
    with pytest.raises(ConfigError, match=says):
        read_duty(path)


def test_an_unknown_duty_is_named_beside_those_there_are() -> None:
    with pytest.raises(ConfigError, match=r"no duty picnic.*demo.*main_line"):
        load_duty("picnic")
    assert {"demo", "main_line", "heavy_start", "descent", "shunting", "cold_start"} <= set(
        duty_names()
    )


def test_every_duty_key_and_fault_is_documented() -> None:
    text = (Path(__file__).parents[2] / "docs/physics.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`(?:\w+(?:\[\])?\.)?(\w+)`", text))
    needed = {*duty_names()} | {
        key
        for struct in (Driving, Duty, Section, Stop, Train)
        for key in struct.__struct_fields__
        if key not in ("train", "driving", "sections", "stops")
    }
    for fault in get_args(MachineFault):
        needed |= {fault.__struct_config__.tag, *fault.__struct_fields__}
    assert needed <= words, needed - words
