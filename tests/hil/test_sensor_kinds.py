"""Every kind of sensor that a profile can name, from what it is fed to what the gateway stored."""

from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from axwire.codes import OK, OUT_OF_RANGE
from axwire.places import place_name
from axwire.quantities import QUANTITIES
from numpy.typing import NDArray

from gateway.errors import ConfigError
from gateway.profiles import (
    ContactSensor,
    GroupFit,
    LoopSensor,
    NodeFit,
    Pt100Sensor,
    Sensor,
    StrainSensor,
    TachoSensor,
    ThermocoupleSensor,
    VibrationSensor,
    load_profile,
)
from hil.account import read_store
from hil.boards import board_names
from hil.fitting import SignalFit, fit_node
from hil.interpreter import find_interpreter
from hil.lockstep_rig import LockstepRig
from hil.rig import RigPlan

SEED = 61
SECONDS = 8.0
SETTLED_MS = 4_000
"""Since the board was switched on: bridges are calibrated and filters have settled by then."""


def group(quantity: str, place: str, period_ms: int, sensor: Sensor) -> GroupFit:
    return GroupFit(quantity=quantity, places=[place], period_ms=period_ms, sensor=sensor)


LOAD = StrainSensor(full=40, mv_per_v=2.0, least=5)
NODE = NodeFit(
    name="every-kind",
    groups=[
        group("axle.load", "axle 1", 100, LOAD),
        group("axle.load", "axle 2", 100, msgspec.structs.replace(LOAD, chip="nau7802")),
        group("axle.load", "axle 3", 250, msgspec.structs.replace(LOAD, mv_per_v=-1.5)),
        group("axle.bearing_temperature", "axle 1 left", 1000, ThermocoupleSensor()),
        group("axle.bearing_temperature", "axle 1 right", 250, ThermocoupleSensor(mains_hz=60)),
        group("motor.winding_temperature", "motor 1", 100, Pt100Sensor()),
        group("brake.pipe_pressure", "locomotive", 20, LoopSensor(low=0, high=1000)),
        group("axle.speed", "axle 1", 100, TachoSensor(teeth=60, full_rpm=1200)),
        group("compressor.running", "compressor 1", 100, ContactSensor()),
        group("compressor.running", "compressor 2", 100, ContactSensor(on="open")),
    ],
)
SHAKEN = NodeFit(
    name="shaken",
    groups=[
        group("axle.acceleration", "axle 1 left", 500, VibrationSensor()),
        group("axle.acceleration", "axle 2 left", 500, VibrationSensor(chip="adxl345")),
    ],
)

FED: list[dict[str, float]] = [
    {
        "axle.load": 22.5,
        "axle.bearing_temperature": -40.0,
        "motor.winding_temperature": 142.5,
        "brake.pipe_pressure": 512.0,
        "axle.speed": 612.0,
        "compressor.running": 1.0,
        "axle.acceleration": 40.0,
    },
    {
        "axle.load": 31.25,
        "axle.bearing_temperature": 95.0,
        "motor.winding_temperature": -48.0,
        "brake.pipe_pressure": 0.0,
        "axle.speed": 45.0,
        "compressor.running": 0.0,
        "axle.acceleration": 10.0,
    },
]

MODEL: dict[type, float] = {ThermocoupleSensor: 0.02}
"""What a chip's model is off by itself: the table of the MAX31856 has a point each 10 °C."""


class Steady:
    """A machine in which nothing changes."""

    def __init__(self, by_quantity: dict[str, float]) -> None:
        self._by_quantity = by_quantity

    def values(self, quantity: str, place: str, t_s: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.full(len(t_s), self._by_quantity[quantity])


Measured = dict[tuple[str, str], tuple[NDArray[np.float64], set[int]]]


def measured(
    folder: Path, node: NodeFit, fed: dict[str, float], faults: tuple[dict[str, Any], ...] = ()
) -> tuple[Measured, tuple[SignalFit, ...]]:
    """By quantity and place: values and statuses that were stored once all had settled."""
    print(f"seed {SEED}")
    plan = RigPlan(
        load_profile("te33a"), "TE33A-0001", ((node, Steady(fed), False),), folder, SEED
    )
    rig = LockstepRig(plan, find_interpreter())
    try:
        rig.start()
        for fault in faults:
            rig.targets[node.name].inject(fault)
        rig.run_for(SECONDS)
        account = rig.settle()
        assert rig.targets[node.name].resets == {}
        signals = rig.targets[node.name].fitting.signals
    finally:
        rig.stop()
    assert account.balanced, account
    assert (account.lost, account.duplicated) == (0, 0)
    found: dict[tuple[str, str], tuple[list[float], set[int]]] = {}
    for block in read_store(rig.spool).blocks:
        rows = block.rows
        times = rows.t_ms + np.arange(len(rows.raw)) * rows.group.period_ms
        for column, channel in enumerate(rows.group.channels):
            key = (QUANTITIES[channel.quantity].name, place_name(channel.place))
            values, statuses = found.setdefault(key, ([], set()))
            settled = (times >= SETTLED_MS) & ~rows.missing[:, column]
            values += rows.values[settled, column].tolist()
            if settled.any():
                statuses.add(rows.statuses[column])
    return {
        key: (np.array(values), statuses) for key, (values, statuses) in found.items()
    }, signals


@pytest.mark.parametrize("fed", FED, ids=["at work", "at rest"])
def test_each_kind_gives_what_it_was_fed_within_its_resolution(
    tmp_path: Path, fed: dict[str, float]
) -> None:
    stored, signals = measured(tmp_path, NODE, fed)
    assert {type(signal.sensor) for signal in signals} == {*Sensor.__args__} - {VibrationSensor}
    for signal in signals:
        values, statuses = stored[signal.quantity, signal.place]
        off = np.abs(values - fed[signal.quantity]).max()
        print(f"{signal.quantity} {signal.place}: {len(values)} values, off {off:.6f} at most")
        assert len(values) >= 3
        assert statuses == {OK}
        assert off <= signal.step + MODEL.get(type(signal.sensor), 0)


@pytest.mark.parametrize("fed", FED, ids=["at work", "at rest"])
def test_an_accelerometer_gives_the_root_mean_square_of_what_shakes_it(
    tmp_path: Path, fed: dict[str, float]
) -> None:
    stored, signals = measured(tmp_path, SHAKEN, fed)
    for signal in signals:
        values, statuses = stored["axle.vibration_rms", signal.place]
        assert statuses == {OK}
        wanted = fed["axle.acceleration"] / np.sqrt(2)
        assert values == pytest.approx(wanted, rel=0.02, abs=signal.step)


def test_two_wires_of_a_bridge_that_touch_are_no_load_of_nothing(tmp_path: Path) -> None:
    faults = tuple({"chip": chip, "word": "short"} for chip in ("hx7111", "nau78021"))
    stored, _ = measured(tmp_path, NODE, FED[0], faults)
    assert stored["axle.load", "axle 1"][1] == {OUT_OF_RANGE}
    assert stored["axle.load", "axle 2"][1] == {OUT_OF_RANGE}
    assert stored["axle.load", "axle 3"][1] == {OK}


SHORTEST: dict[str, tuple[str, Sensor, int]] = {
    "loop": ("brake.pipe_pressure", LoopSensor(low=0, high=1000), 3),
    "pt100": ("axle.bearing_temperature", Pt100Sensor(), 78),
    "thermocouple": ("axle.bearing_temperature", ThermocoupleSensor(), 201),
    "strain bridge at a HX711": ("axle.load", LOAD, 26),
    "strain bridge at a NAU7802": (
        "axle.load",
        msgspec.structs.replace(LOAD, chip="nau7802"),
        7,
    ),
}
FASTEST = {"axle.load": 22.5, "axle.bearing_temperature": 20.0, "brake.pipe_pressure": 512.0}


@pytest.mark.parametrize("kind", SHORTEST)
def test_the_shortest_period_of_a_kind_misses_no_row_and_no_shorter_one_is_taken(
    tmp_path: Path, kind: str
) -> None:
    quantity, sensor, shortest_ms = SHORTEST[kind]
    fits = [
        NodeFit(name="fast", groups=[group(quantity, "axle 1", period_ms, sensor)])
        for period_ms in (shortest_ms, shortest_ms - 1)
    ]
    stored, _ = measured(tmp_path, fits[0], FASTEST)
    values, statuses = stored[quantity, "axle 1"]
    assert statuses == {OK}
    assert len(values) >= (SECONDS * 1000 - SETTLED_MS - 1_700) // shortest_ms
    with pytest.raises(
        ConfigError,
        match=f"node fast: a {kind} cannot be read each {shortest_ms - 1} ms; "
        f"the shortest period is {shortest_ms} ms",
    ):
        fit_node(fits[1], "", 0)


@pytest.mark.parametrize("board", board_names())
def test_pins_are_handed_out_once_on_every_board(board: str) -> None:
    fit = NodeFit(
        name="pins",
        board=board,
        groups=[
            group("axle.load", "axle 1", 100, LOAD),
            group("axle.load", "axle 2", 100, msgspec.structs.replace(LOAD, chip="nau7802")),
            group("axle.speed", "axle 1", 100, TachoSensor(teeth=60, full_rpm=1200)),
            group("compressor.running", "compressor 1", 100, ContactSensor()),
            group("axle.bearing_temperature", "axle 1 left", 1000, ThermocoupleSensor()),
        ],
    )
    chips = fit_node(fit, "", 0).configuration["chips"]
    pins = [chip[key] for chip in chips for key in ("cs", "sck", "dout", "pin") if key in chip]
    assert len(pins) == len(set(pins)) == 5
    (hx711,) = (chip for chip in chips if chip["kind"] == "hx711")
    assert ("sm" in hx711) == board.startswith("pico")


@pytest.mark.parametrize(
    ("sensor", "quantity", "count", "words"),
    [
        (msgspec.structs.replace(LOAD, chip="nau7802"), "axle.load", 2, "more than 1 NAU7802"),
        (ThermocoupleSensor(), "axle.bearing_temperature", 7, "more than 6 thermocouples"),
        (TachoSensor(teeth=60, full_rpm=1200), "axle.speed", 7, "more than 6 tachos"),
        (LoopSensor(low=0, high=40), "axle.load", 17, "more than 4 ADS1115"),
        (ContactSensor(), "compressor.running", 40, "contacts"),
        (LOAD, "axle.load", 20, "HX711"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_what_a_board_has_no_room_for_is_refused_with_the_kind_and_the_way_out(
    sensor: Sensor, quantity: str, count: int, words: str
) -> None:
    places = [f"axle {number}" for number in range(1, count + 1)]
    many = GroupFit(quantity=quantity, places=places, period_ms=1000, sensor=sensor)
    with pytest.raises(ConfigError, match=f"node full: .*{words}; move some to another node"):
        fit_node(NodeFit(name="full", groups=[many]), "", 0)
