"""Each machine fault shows at the quantities and places it concerns, and nowhere else.

Two locomotives of one seed, one with the fault. What a fault reaches only through the motion of
the train (a few tenths of a km/h) stays below the tolerances; all else is equal bit for bit.
"""

from dataclasses import dataclass, field
from typing import get_args

import msgspec
import numpy as np
import pytest
from axwire.quantities import BY_NAME
from numpy.typing import NDArray

from gateway.errors import ConfigError
from gateway.profiles import Profile, load_profile
from simulators import faults
from simulators.faults import MachineFault
from simulators.locomotive import Locomotive

SEED = 61
TOLERANCES = {
    "crest": 0.5,
    "kurtosis": 0.5,
    "motor.current": 40.0,
    "motor.voltage": 25.0,
    "motor.speed": 40.0,
    "axle.speed": 8.0,
    "axle.load": 0.3,
    "temperature": 1.0,
    "brake.pipe_pressure": 2.0,
    "pressure": 12.0,
    "vibration": 1.5,
    "acceleration": 1.5,
    "supply.voltage": 1.0,
}


def channels(profile: Profile) -> list[tuple[str, str]]:
    """Every quantity at every place that the simulation has, as sensors may sit there."""
    found = []
    for quantity in BY_NAME:
        family = quantity.partition(".")[0]
        if quantity in ("air.separator_pressure", "air.dryer_pressure"):
            continue
        if quantity == "brake.cylinder_pressure":
            found += [(quantity, f"bogie {n + 1}") for n in range(profile.bogies)]
        elif family in ("axle", "motor"):
            sides = ("left", "right") if "bearing" in quantity else ("",)
            numbers = range(1, profile.axles + 1)
            found += [(quantity, f"{family} {n} {s}".strip()) for n in numbers for s in sides]
        else:
            found.append((quantity, "locomotive"))
    return found


def tolerance(quantity: str) -> float:
    return next((most for name, most in TOLERANCES.items() if name in quantity), 0.5)


def compare(
    one: Locomotive, other: Locomotive, profile: Profile, t_s: NDArray[np.float64]
) -> tuple[set[tuple[str, str]], set[tuple[str, str]]]:
    """Channels that differ at all, and those that differ by more than the motion explains."""
    differ, clearly = set(), set()
    for quantity, place in channels(profile):
        gap = np.abs(one.values(quantity, place, t_s) - other.values(quantity, place, t_s))
        if gap.max() > 0:
            differ.add((quantity, place))
        if gap.max() > tolerance(quantity):
            clearly.add((quantity, place))
    return differ, clearly


def at(places: str, *quantities: str) -> set[tuple[str, str]]:
    return {(quantity, place) for quantity in quantities for place in places.split(", ")}


def vibrating(place: str) -> set[tuple[str, str]]:
    names = ("vibration_rms", "vibration_peak", "vibration_crest", "vibration_kurtosis")
    family = place.partition(" ")[0]
    return at(place, *(f"{family}.{name}" for name in (*names, "acceleration")))


@dataclass(frozen=True)
class Case:
    """`shows`: channels that must differ clearly, and no other may. `sealed`: no other may differ
    by a bit but those of `also`."""

    fault: MachineFault
    shows: set[tuple[str, str]]
    duty: str = "demo"
    begin_s: float = 30.0
    until_s: float = 230.0
    profile: Profile = field(default_factory=lambda: load_profile("te33a"))
    also: set[tuple[str, str]] = field(default_factory=set)
    sealed: bool = False
    every_s: float = 0.5


AXLES = ", ".join(f"axle {n}" for n in range(1, 7))
MOTORS = ", ".join(f"motor {n}" for n in range(1, 7))
CASES = {
    "hot axle bearing": Case(
        faults.HotBearing("axle 2 left"),
        at("axle 2 left", "axle.bearing_temperature") | vibrating("axle 2"),
        sealed=True,
    ),
    "hot motor bearing": Case(
        faults.HotBearing("motor 3 right"),
        at("motor 3 right", "motor.bearing_temperature") | vibrating("motor 3"),
        sealed=True,
    ),
    "blocked motor air": Case(
        faults.BlockedMotorAir("motor 4"),
        at("motor 4", "motor.winding_temperature", "motor.frame_temperature"),
        duty="main_line",
        until_s=1500,
        every_s=5,
        also=at("motor 4 left, motor 4 right", "motor.bearing_temperature"),
        sealed=True,
    ),
    "lost field, inverter": Case(
        faults.LostField("motor 5"),
        at("motor 5", "motor.current", "motor.winding_temperature"),
        duty="heavy_start",
        begin_s=20,
        until_s=75,
        also=at("motor 5", "motor.voltage"),
    ),
    "lost field, series motor": Case(
        faults.LostField("motor 5"),
        at("motor 5", "motor.current", "motor.winding_temperature"),
        duty="heavy_start",
        begin_s=20,
        until_s=75,
        also=at("motor 5", "motor.voltage"),
        profile=load_profile("vl80s"),
    ),
    "slipping axle": Case(
        faults.SlippingAxle("axle 3", adhesion=0.5),
        at("axle 3", "axle.speed")
        | at("motor 3", "motor.speed", "motor.current")
        | at("axle 3", "axle.vibration_peak")
        | at("motor 3", "motor.vibration_peak"),
        duty="heavy_start",
        begin_s=20,
        until_s=75,
        also=at("motor 3", "motor.winding_temperature")
        | at("motor 3", "motor.vibration_rms", "motor.acceleration")
        | at("axle 3", "axle.vibration_rms", "axle.acceleration"),
    ),
    "wheel flat": Case(faults.WheelFlat("axle 6", 2.0), vibrating("axle 6"), sealed=True),
    "pipe leak": Case(
        faults.PipeLeak(6000.0),
        at("locomotive", "brake.pipe_pressure", "brake.main_reservoir_pressure")
        | at("locomotive", "air.panel_pressure", "air.compressor_pressure")
        | at("locomotive", "compressor.running", "compressor.motor_current")
        | at("locomotive", "compressor.oil_temperature", "supply.voltage"),
        duty="heavy_start",
        begin_s=5,
        until_s=29,
    ),
    "dragging brake of an axle": Case(
        faults.DraggingBrake("axle 1", 60),
        at("axle 1 left, axle 1 right", "axle.bearing_temperature"),
        duty="heavy_start",
        until_s=400,
        every_s=2,
    ),
    "dragging brake of a bogie": Case(
        faults.DraggingBrake("bogie 2", 60),
        at("bogie 2", "brake.cylinder_pressure")
        | at(
            "axle 4 left, axle 4 right, axle 5 left, axle 5 right, axle 6 left, axle 6 right",
            "axle.bearing_temperature",
        ),
        duty="heavy_start",
        until_s=190,
        every_s=2,
    ),
    "slow cylinder": Case(
        faults.SlowCylinder("bogie 1"),
        at("bogie 1", "brake.cylinder_pressure"),
        duty="heavy_start",
        begin_s=10,
        until_s=50,
    ),
    "relay stuck": Case(
        faults.RelayStuck("bogie 1"),
        at("bogie 1", "brake.cylinder_pressure"),
        duty="heavy_start",
        begin_s=10,
        until_s=50,
    ),
    "frozen pipe": Case(
        faults.FrozenPipe(),
        at("locomotive", "brake.pipe_pressure"),
        begin_s=30,
        until_s=160,
    ),
    "overload": Case(
        faults.Overload(0.1),
        at(AXLES, "axle.load"),
        duty="heavy_start",
        begin_s=5,
        until_s=90,
    ),
    "uneven load": Case(
        faults.UnevenLoad("axle 5", 2.0),
        at("axle 4, axle 5, axle 6", "axle.load"),
        duty="cold_start",
        begin_s=5,
        until_s=60,
        sealed=True,
    ),
    "compressor wear": Case(
        faults.CompressorWear(0.5),
        at("locomotive", "brake.main_reservoir_pressure", "air.panel_pressure")
        | at("locomotive", "air.compressor_pressure", "compressor.running")
        | at("locomotive", "compressor.motor_current", "compressor.oil_temperature")
        | at("locomotive", "supply.voltage"),
        duty="descent",
        until_s=900,
        sealed=True,
    ),
    "supply low": Case(faults.SupplyLow(0.7), at("locomotive", "supply.voltage"), sealed=True),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_a_fault_shows_where_it_should_and_nowhere_else(case: Case) -> None:
    print(f"seed {SEED}")
    before = np.arange(0.0, case.begin_s - 1, 0.5)
    after = np.arange(case.begin_s, case.until_s, case.every_s)
    sound = Locomotive(case.profile, SEED, case.duty)
    broken = Locomotive(case.profile, SEED, case.duty, faults=[(case.begin_s, None, case.fault)])
    assert compare(sound, broken, case.profile, before) == (set(), set())
    differ, clearly = set(), set()
    for part in np.array_split(after, int(case.until_s / 300) + 1):
        some, clear = compare(sound, broken, case.profile, part)
        differ |= some
        clearly |= clear
    assert case.shows <= clearly, f"not seen: {case.shows - clearly}"
    assert clearly <= case.shows | case.also, f"seen as well: {clearly - case.shows}"
    if case.sealed:
        assert differ <= case.shows | case.also, f"touched: {differ - case.shows}"


def test_overloaded_wagons_slow_the_train_and_load_no_axle_of_the_locomotive() -> None:
    heavy = faults.Overload(0.3, of="wagons")
    sound = Locomotive(load_profile("te33a"), SEED, "main_line")
    broken = Locomotive(load_profile("te33a"), SEED, "main_line", faults=[(0.0, None, heavy)])
    t_s = np.arange(60.0, 300.0)
    print(f"after 300 s: {sound.speed_kmh(t_s)[-1]:.1f} and {broken.speed_kmh(t_s)[-1]:.1f} km/h")
    assert broken.speed_kmh(t_s)[-1] < sound.speed_kmh(t_s)[-1] - 3
    standing = np.arange(0.0, 50.0)
    for n in range(1, 7):
        place = f"axle {n}"
        values = [one.values("axle.load", place, standing) for one in (sound, broken)]
        assert np.array_equal(*values)


def test_every_kind_of_fault_is_tested() -> None:
    assert {type(case.fault) for case in CASES.values()} == set(get_args(MachineFault))


def test_faults_are_data_and_strict() -> None:
    text = '[[faults]]\nkind = "hot_bearing"\nplace = "axle 2 left"\nrise_k = 40\n'
    (fault,) = msgspec.toml.decode(text, type=dict[str, list[MachineFault]])["faults"]
    assert fault == faults.HotBearing("axle 2 left", rise_k=40)
    assert msgspec.json.decode(msgspec.json.encode(fault), type=MachineFault) == fault
    with pytest.raises(msgspec.ValidationError, match="rise"):
        msgspec.toml.decode(text.replace("rise_k", "rise"), type=dict[str, list[MachineFault]])


@pytest.mark.parametrize(
    ("fault", "says"),
    [
        (faults.HotBearing("bogie 1"), "axle 1 to 6 or motor 1 to 6"),
        (faults.WheelFlat("axle 7"), "axle 1 to 6"),
        (faults.WheelFlat("axle 2 left"), "leave it out"),
        (faults.RelayStuck("nowhere 1"), "nowhere"),
        (faults.PipeLeak(-5.0), "must not be negative"),
    ],
)
def test_a_fault_that_cannot_be_is_refused_by_name(fault: MachineFault, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        Locomotive(load_profile("te33a"), SEED, faults=[(0, None, fault)])


def test_injected_and_cleared_while_running() -> None:
    locomotive = Locomotive(load_profile("te33a"), SEED)
    sound = Locomotive(load_profile("te33a"), SEED)
    t_s = np.arange(0.0, 20.0, 0.1)
    locomotive.values("supply.voltage", "locomotive", t_s)
    begun_s = locomotive.inject(faults.SupplyLow(0.5), at_s=5.0)
    assert 20 <= begun_s <= 22
    later = np.arange(0.0, 40.0, 0.1)

    def gap() -> NDArray[np.float64]:
        values = [one.values("supply.voltage", "locomotive", later) for one in (sound, locomotive)]
        return values[0] - values[1]

    low = gap()
    assert not low[later < begun_s].any()
    assert (low[later > begun_s + 0.2] > 30).all()
    assert locomotive.clear("supply_low") == 1
    assert locomotive.clear("supply_low") == 0
    later = np.arange(45.0, 60.0, 0.1)
    assert not gap().any()
