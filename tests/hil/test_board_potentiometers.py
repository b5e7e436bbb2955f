"""PT100, bridge and shaker of a stimulus unit, on a bench in real time.

The unit's program and the firmware run in MicroPython on simulated boards, with wires in between.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
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


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedUnit]:
    folder = tmp_path_factory.mktemp("bench")
    (folder / "unit").mkdir()
    unit = SimulatedUnit(folder / "unit", find_interpreter())
    yield unit
    unit.close()


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
    wires = Wires(simulated, board, CLOCK, pt100=True)
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
def test_a_bridge_gives_its_mv_per_v_at_any_supply(chip: str, simulated: SimulatedUnit) -> None:
    sensor = StrainSensor(full=40, mv_per_v=2.0, chip=chip)  # type: ignore[arg-type]
    unit = StimulusUnit(simulated.port, CLOCK)
    unit.rest()
    wired = {("axle.load", "axle 1"): "bridge 1"}
    target = BoardTarget(fitted("axle.load", "axle 1", sensor), unit, wired, supply=False)
    assert target.capabilities == {"sensor_stuck"}
    target.start()
    samples = electrical(sensor, np.array([22.5])).tolist()
    target.feed(0, STEADY, CLOCK.monotonic_us(), 1000, samples)
    wanted, end_us = 2e6 * 22.5 / 40, CLOCK.monotonic_us() + 5_000_000
    while abs((level := target.applied().levels["bridge 1"].value) - wanted) > 2_300:
        assert CLOCK.monotonic_us() < end_us, level
    unit.close()


def test_what_another_kind_of_sensor_gives_does_not_fit(simulated: SimulatedUnit) -> None:
    unit = StimulusUnit(simulated.port, CLOCK)
    channel = ("axle.bearing_temperature", "axle 1 left")
    fitting = fitted(*channel, ThermocoupleSensor())
    with pytest.raises(BenchError, match=r"bridge 1 puts out nV/V, but the sensor of .* gives nV"):
        BoardTarget(fitting, unit, {channel: "bridge 1"}, supply=False)
    unit.close()


def test_a_shaker_follows_the_level_of_a_machine_and_is_told_no_shape(
    simulated: SimulatedUnit,
) -> None:
    print("seed 7")
    channel = ("axle.acceleration", "axle 1 left")
    locomotive = Locomotive(load_profile("te33a"), 7, "demo", start_s=100)
    unit = StimulusUnit(simulated.port, CLOCK)
    unit.rest()
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
    unit.close()
