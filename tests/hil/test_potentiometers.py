"""PT100, bridge and shaker of a stimulus unit, on a bench in real time.

The unit's program and the firmware run in MicroPython on simulated boards, with wires in between.
"""

import os
from pathlib import Path

import numpy as np
import pytest
import simulated_unit
from simulated_unit import SimulatedUnit, Wires
from typer.testing import CliRunner

from gateway.profiles import (
    GroupFit,
    NodeFit,
    Sensor,
    StrainSensor,
    ThermocoupleSensor,
    VibrationSensor,
    load_profile,
)
from gateway.timebase import SystemClock
from hil.bench.cli import app
from hil.bench.record import Record
from hil.bench.reporting import JSON, read_report
from hil.board_target import BoardTarget
from hil.cable import Cable
from hil.errors import BenchError
from hil.feeder import feed_stretch
from hil.fitting import Fitting, fit_node
from hil.interpreter import find_interpreter
from hil.stimulus import StimulusUnit
from hil.target import MicropythonTarget
from simulators.board.signals import STEADY
from simulators.locomotive import Locomotive
from simulators.sensors import electrical

pytestmark = pytest.mark.timeout(120)

CLOCK = SystemClock()
OHM = 10_000
PT100_STEP = 126.358 / 1024 * OHM
"""127 ohm beside 25 kohm are 126.358 ohm, in 1024 steps."""

BRIDGE_STEP = 19.984 / (4420 + 19.984) / 1024 * 1e9
"""20 ohm beside 25 kohm are 19.984 ohm, between two resistors of 2210 ohm."""

NODE = "axleboxes-1"
BENCH = """
profile = "te33a"

[board]
node = "axleboxes-1"
port = "board"
key_file = "axleboxes-1.key"

[stimulus]
port = "unit/unit"

[[wired]]
output = "pt100 1"
quantity = "axle.bearing_temperature"
place = "axle 1 left"

[[wired]]
output = "pt100 2"
quantity = "axle.bearing_temperature"
place = "axle 1 right"
"""
SCENARIO = """
title = "A bearing is measured, and the wire of another breaks"
covers = ["promise 2"]
nodes = ["axleboxes-1"]
duty_from_s = 100
seconds = 11

[[happens]]
kind = "sensor"
word = "open"
at_s = 5
node = "axleboxes-1"
quantity = "axle.bearing_temperature"
place = "axle 1 right"

[[expect]]
kind = "tracks"
promise = "data"
quantity = "axle.bearing_temperature"
place = "axle 1 left"
tolerance = 0.4
from_s = 3
to_s = 10.5

[[expect]]
kind = "shown"
promise = "2"
quantity = "axle.bearing_temperature"
place = "axle 1 right"
quality = "open"
after_s = 5
within_s = 3
"""


def until(unit: StimulusUnit, output: str, value: float, step: float) -> int:
    """The level of an output once it is within a step of this."""
    end_us = CLOCK.monotonic_us() + 5_000_000
    while abs((level := unit.applied().levels[output].value) - value) > step:
        assert CLOCK.monotonic_us() < end_us, level
    return level


# -- what the unit puts out


def test_it_says_what_it_can(unit: StimulusUnit) -> None:
    pt100, bridge, shaker = (unit.outputs[name] for name in ("pt100 1", "bridge 1", "shaker 1"))
    assert (pt100.kind, pt100.low, pt100.high) == ("resistance", 750_000, 2_012_342)
    assert pt100.conditions == ("open", "stuck")
    assert (bridge.kind, bridge.low, bridge.high) == ("bridge", -2_250_455, 2_246_053)
    assert (shaker.kind, shaker.low, shaker.high) == ("shaker", 0, 2_997_070)
    assert bridge.conditions == shaker.conditions == ("stuck",)


@pytest.mark.parametrize("ohm", [76.0, 100.0, 138.51, 200.0])
def test_a_pt100_is_what_its_wiper_makes_of_it(
    ohm: float, unit: StimulusUnit, simulated: SimulatedUnit
) -> None:
    """138.51 ohm are 100 °C."""
    assert simulated.pt100(2) == simulated_unit.NO_CIRCUIT
    unit.condition("pt100 2", "ok")
    unit.stretch("pt100 2", STEADY, CLOCK.monotonic_us(), 1000, [round(ohm * OHM)])
    told = until(unit, "pt100 2", round(ohm * OHM), PT100_STEP)
    assert abs(told - ohm * OHM) <= PT100_STEP / 2 + 10
    assert abs(simulated.pt100(2) - told) <= 10
    assert simulated.pt100(1) == simulated_unit.NO_CIRCUIT
    unit.condition("pt100 2", "open")
    assert simulated.pt100(2) == simulated_unit.NO_CIRCUIT
    assert unit.applied().levels["pt100 2"].condition == "open"


@pytest.mark.parametrize("nv_v", [-2_200_000, 0, 600_000, 2_000_000])
def test_a_bridge_is_the_wiper_against_the_middle(
    nv_v: int, unit: StimulusUnit, simulated: SimulatedUnit
) -> None:
    unit.stretch("bridge 1", STEADY, CLOCK.monotonic_us(), 1000, [nv_v])
    told = until(unit, "bridge 1", nv_v, BRIDGE_STEP)
    assert abs(told - nv_v) <= BRIDGE_STEP / 2 + 20
    position, _ = simulated.driven()["shaken"]
    assert (position - 512) * BRIDGE_STEP == pytest.approx(told, abs=20)


def test_a_shaker_has_a_tone_as_loud_as_its_wiper_says(
    unit: StimulusUnit, simulated: SimulatedUnit
) -> None:
    assert simulated.driven()["pin 14"] == [1, 0, 0]
    unit.stretch("shaker 1", STEADY, CLOCK.monotonic_us(), 1000, [1_500_000])
    assert abs(until(unit, "shaker 1", 1_500_000, 3_000) - 1_500_000) <= 1_500
    driven = simulated.driven()
    assert driven["shaken"][1] == 512
    assert abs(driven["pin 14"][2] - 160_000) <= 100
    unit.stretch("shaker 1", STEADY, CLOCK.monotonic_us(), 1000, [0])
    until(unit, "shaker 1", 0, 0)
    assert simulated.driven()["shaken"][1] == 0
    assert simulated.driven()["pin 14"][2] == 0


def test_at_rest_no_pt100_is_there_no_bridge_is_loaded_and_nothing_shakes(
    unit: StimulusUnit, simulated: SimulatedUnit
) -> None:
    for name, value in (("pt100 1", 1_200_000), ("bridge 1", 900_000), ("shaker 1", 900_000)):
        unit.condition(name, "ok")
        unit.stretch(name, STEADY, CLOCK.monotonic_us(), 1000, [value])
        until(unit, name, value, 5_000)
    unit.rest()
    driven = simulated.driven()
    assert driven["shaken"] == [512, 0]
    assert (driven["pin 21"][1], driven["pin 14"][2]) == (0, 0)


def test_a_unit_without_potentiometers_says_so_and_has_the_rest(tmp_path: Path) -> None:
    simulated = SimulatedUnit(tmp_path, find_interpreter(), potentiometers=False)
    try:
        unit = StimulusUnit(simulated.port, CLOCK)
        assert unit.problems == (
            "no AD5235 answers at GP17, so there are no PT100",
            "no AD5235 answers at GP20, so there are no bridge and no shaker",
        )
        assert list(unit.outputs)[-1] == "contact 2"
        assert len(unit.outputs) == 8
        unit.close()
    finally:
        simulated.close()


# -- what a bench makes of it


def run(folder: Path, simulated: SimulatedUnit, scenario: str) -> Record:
    """What a person does: wires unit and board, and gives the command."""
    key = os.urandom(32)
    key_file = folder / f"{NODE}.key"
    key_file.touch(mode=0o600)
    key_file.write_text(key.hex() + "\n", encoding="ascii")
    (folder / "unit").symlink_to(simulated.port.parent)
    (folder / "bench.toml").write_text(BENCH, encoding="utf-8")
    (folder / "mine.toml").write_text(scenario, encoding="utf-8")
    cable = Cable(folder / "board")
    (fit,) = (node for node in load_profile("te33a").all_nodes if node.name == NODE)
    fitting = fit_node(fit, "0123456789abcdef", 1)
    board = MicropythonTarget(fitting, key, find_interpreter(), folder / "node", cable.board_path)
    for number in range(2, len(fitting.signals)):
        board.feed(number, STEADY, CLOCK.monotonic_us() % (1 << 30), 1000, [1_000_000])
    board.start()
    wires = Wires(simulated, board, CLOCK, supply=board.supply, pt100=True)
    command = ["run", str(folder / "mine.toml"), "--bench", str(folder / "bench.toml")]
    try:
        done = CliRunner().invoke(app, [*command, "--report", str(folder)], catch_exceptions=False)
        print(done.output)
    finally:
        wires.close()
        board.stop()
        cable.close()
    (record,) = read_report(folder / JSON).records
    return record


def test_a_scenario_of_pt100_reaches_the_page(tmp_path: Path, simulated: SimulatedUnit) -> None:
    record = run(tmp_path, simulated, SCENARIO)
    assert record.broken == []
    assert record.passed
    assert record.stored > 30


@pytest.mark.parametrize(
    ("old", "new", "lacks"),
    [
        ('word = "open"', 'word = "saturated"', "sensor_saturated"),
        ("seconds = 11", 'seconds = 11\nneeds = ["waveform"]', "accelerometers that feel each"),
    ],
)
def test_what_a_unit_cannot_do_to_its_sensors_is_skipped(
    tmp_path: Path, simulated: SimulatedUnit, old: str, new: str, lacks: str
) -> None:
    assert lacks in run(tmp_path, simulated, SCENARIO.replace(old, new)).skipped


def fitted(quantity: str, place: str, sensor: Sensor) -> Fitting:
    group = GroupFit(quantity=quantity, places=[place], period_ms=1000, sensor=sensor)
    return fit_node(NodeFit(name="one", groups=[group]), "00", 0)


@pytest.mark.parametrize("chip", ["hx711", "nau7802"])
def test_a_bridge_gives_its_mv_per_v_at_any_supply(chip: str, unit: StimulusUnit) -> None:
    sensor = StrainSensor(full=40, mv_per_v=2.0, chip=chip)  # type: ignore[arg-type]
    wired = {("axle.load", "axle 1"): "bridge 1"}
    target = BoardTarget(fitted("axle.load", "axle 1", sensor), unit, wired, supply=False)
    assert target.capabilities == {"sensor_stuck"}
    target.start()
    samples = electrical(sensor, np.array([22.5])).tolist()
    target.feed(0, STEADY, CLOCK.monotonic_us(), 1000, samples)
    until(unit, "bridge 1", 2e6 * 22.5 / 40, BRIDGE_STEP)


def test_what_another_kind_of_sensor_gives_does_not_fit(unit: StimulusUnit) -> None:
    channel = ("axle.bearing_temperature", "axle 1 left")
    fitting = fitted(*channel, ThermocoupleSensor())
    with pytest.raises(BenchError, match=r"bridge 1 puts out nV/V, but the sensor of .* gives nV"):
        BoardTarget(fitting, unit, {channel: "bridge 1"}, supply=False)


def test_a_shaker_follows_the_level_of_a_machine_and_is_told_no_shape(unit: StimulusUnit) -> None:
    print("seed 7")
    channel = ("axle.acceleration", "axle 1 left")
    locomotive = Locomotive(load_profile("te33a"), 7, "demo", start_s=100)
    fitting = fitted(*channel, VibrationSensor())
    target = BoardTarget(fitting, unit, {channel: "shaker 1"}, supply=False)
    target.start()
    start_us = CLOCK.monotonic_us()
    feed_stretch(target, locomotive, False, start_us, 0.0, 0.5)
    sent = electrical(VibrationSensor(), locomotive.values(*channel, np.arange(0, 0.52, 0.025)))
    end_us = CLOCK.monotonic_us() + 5_000_000
    while not (level := target.applied().levels["shaker 1"]).starved:
        assert CLOCK.monotonic_us() < end_us, level
        if level.value:
            assert sent.min() - 3_000 <= level.value <= sent.max() + 3_000
    assert abs(level.value - sent[-1]) <= 3_000
