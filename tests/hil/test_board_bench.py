"""A scenario on a board that a stimulus unit feeds, from end to end and in real time.

The unit's program and the firmware run in MicroPython on simulated boards, with wires in between.
"""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import simulated_unit
from simulated_unit import SimulatedUnit, Wires
from typer.testing import CliRunner

from gateway.errors import ConfigError
from gateway.profiles import NodeFit, load_profile
from gateway.timebase import SystemClock
from hil.bench.bench_file import load_bench
from hil.bench.cli import app
from hil.bench.record import Record
from hil.bench.reporting import JSON, read_report
from hil.board_target import BoardTarget
from hil.cable import Cable
from hil.errors import BenchError
from hil.fitting import fit_node
from hil.interpreter import find_interpreter
from hil.stimulus import StimulusUnit
from hil.target import MicropythonTarget

pytestmark = pytest.mark.timeout(120)

NODE = "brakes-a"
BENCH = """
profile = "te33a"

[board]
node = "brakes-a"
port = "board"
key_file = "brakes-a.key"
supply = true

[stimulus]
port = "unit/unit"

[[wired]]
output = "loop 1"
quantity = "brake.pipe_pressure"
place = "locomotive"

[[wired]]
output = "loop 2"
quantity = "brake.cylinder_pressure"
place = "bogie 1"

[[wired]]
output = "loop 3"
quantity = "brake.cylinder_pressure"
place = "bogie 2"

[[wired]]
output = "loop 4"
quantity = "brake.main_reservoir_pressure"
place = "locomotive"
"""
SCENARIO = """
title = "A loop opens, and the supply is cut, on a board that a unit feeds"
covers = ["promise 2"]
nodes = ["brakes-a"]
seconds = 11

[[happens]]
kind = "sensor"
word = "open"
at_s = 3.5
until_s = 5
node = "brakes-a"
quantity = "brake.cylinder_pressure"
place = "bogie 1"

[[happens]]
kind = "power_cut"
at_s = 6.2
off_s = 0.5
node = "brakes-a"

[[expect]]
kind = "shown"
promise = "2"
quantity = "brake.cylinder_pressure"
place = "bogie 1"
quality = "open"
after_s = 3.5
within_s = 1.5

[[expect]]
kind = "shown"
quantity = "brake.cylinder_pressure"
place = "bogie 1"
quality = "ok"
after_s = 5
within_s = 1

[[expect]]
kind = "others_ok"
node = "brakes-a"
besides = ["brake.cylinder_pressure bogie 1"]
from_s = 3.4
to_s = 6

[[expect]]
kind = "tracks"
promise = "data"
quantity = "brake.main_reservoir_pressure"
place = "locomotive"
tolerance = 1.5
from_s = 3
to_s = 10.5

[[expect]]
kind = "shown"
promise = "back"
quantity = "brake.main_reservoir_pressure"
place = "locomotive"
quality = "ok"
after_s = 9.5
within_s = 1.5
"""


@dataclass
class OnWires:
    """A bench as a person would wire it: its file, the unit, and the board."""

    path: Path
    unit: SimulatedUnit
    board: MicropythonTarget


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnWires]:
    folder = tmp_path_factory.mktemp("bench")
    interpreter, clock = find_interpreter(), SystemClock()
    (folder / "unit").mkdir()
    unit = SimulatedUnit(folder / "unit", interpreter)
    key = os.urandom(32)
    key_file = folder / "brakes-a.key"
    key_file.touch(mode=0o600)
    key_file.write_text(key.hex() + "\n", encoding="ascii")
    cable = Cable(folder / "board")
    board = MicropythonTarget(
        fit_node(fit_of(NODE), "0123456789abcdef", 1),
        key,
        interpreter,
        folder / "node",
        cable.board_path,
    )
    board.start()
    wires = Wires(unit, board, clock, supply=board.supply)
    (folder / "bench.toml").write_text(BENCH, encoding="utf-8")
    yield OnWires(folder / "bench.toml", unit, board)
    wires.close()
    board.stop()
    cable.close()
    unit.close()


def run(bench: OnWires, folder: Path, scenario: str = SCENARIO) -> Record:
    """What a person does: the command with the scenario's file and the bench's."""
    (folder / "mine.toml").write_text(scenario, encoding="utf-8")
    command = ["run", str(folder / "mine.toml"), "--bench", str(bench.path)]
    done = CliRunner().invoke(app, [*command, "--report", str(folder)], catch_exceptions=False)
    print(done.output)
    (record,) = read_report(folder / JSON).records
    return record


def test_a_scenario_reaches_the_page_over_unit_wires_and_board(
    bench: OnWires, tmp_path: Path
) -> None:
    record = run(bench, tmp_path)
    assert record.broken == []
    assert record.passed
    assert record.stored > 1000
    assert bench.board.resets == {}
    assert record.repeat.endswith(f"--bench {bench.path}")


def test_the_board_sees_what_the_unit_puts_out_and_not_what_it_was_told(
    bench: OnWires, tmp_path: Path
) -> None:
    """With an RSET in the unit that is not the one of its program the values are wrong."""
    right = simulated_unit.RSET_OHM
    simulated_unit.RSET_OHM = 850
    try:
        head, _, _ = SCENARIO.partition("[[happens]]")
        tracks = next(part for part in SCENARIO.split("[[expect]]") if "tracks" in part)
        record = run(bench, tmp_path, f"{head}[[expect]]{tracks}".replace("= 11", "= 6"))
    finally:
        simulated_unit.RSET_OHM = right
    assert "what the machine does is in the data" in record.broken[0]


def test_check_says_what_is_there_what_it_can_and_what_is_missing(bench: OnWires) -> None:
    done = CliRunner().invoke(app, ["check", "--bench", str(bench.path)], catch_exceptions=False)
    print(done.output)
    for line in (
        "stimulus unit e66038b7132a5b2f at ",
        "outputs: loop 1, loop 2, loop 3, loop 4, tacho 1, tacho 2, contact 1, contact 2",
        "loop 4 is brake.main_reservoir_pressure locomotive of brakes-a",
        "speaks, as brakes-a",
        "can: gateway, power, sensor_open, sensor_saturated, sensor_stuck",
        "has no: accelerometers that feel each blow, broker between it and the gateway, chips",
    ):
        assert line in done.output
    runs = done.output.splitlines()[-1]
    assert "supply-cut-1s" in runs
    assert "sensor-loop-open" not in runs


# -- what is skipped, and why

OTHERS: list[tuple[str, str, str]] = [
    ('kind = "power_cut"', 'kind = "replay"', "has no line that a stranger can speak on"),
    ("off_s = 0.5", "off_s = 0.01", "has no supply that can be cut for less than 100 ms"),
    ('word = "open"', 'word = "drift"\nargs = { per_s = 1 }', "has no sensor_drift"),
    ('kind = "sensor"\nword = "open"', 'kind = "chip"\nword = "nack"', "chips that fail on"),
    ("seconds = 11", "seconds = 11\nflash_blocks = 64", "has no flash of a chosen size"),
    ("seconds = 11", 'seconds = 11\nneeds = ["oscilloscope"]', "has no oscilloscope"),
    ("seconds = 11", "seconds = 4000", "has no simulated time"),
    ('nodes = ["brakes-a"]', 'nodes = ["brakes-a", "axles-a"]', "the scenario brakes-a, axles-a"),
]


@pytest.mark.parametrize(("right", "other", "reason"), OTHERS)
def test_what_the_bench_lacks_is_the_reason_to_skip(
    right: str, other: str, reason: str, bench: OnWires, tmp_path: Path
) -> None:
    text = SCENARIO.replace(right, other, 1)
    if "replay" in other:
        text = text.replace("off_s = 0.5\n", "")
    record = run(bench, tmp_path, text)
    assert "the bench of bench.toml" in record.skipped
    assert reason in record.skipped
    assert not record.passed


def test_a_channel_without_a_wire_is_a_reason_too(bench: OnWires, tmp_path: Path) -> None:
    whole = bench.path.read_text(encoding="utf-8")
    head, _, _ = whole.rpartition("[[wired]]")
    bench.path.write_text(head, encoding="utf-8")
    try:
        record = run(bench, tmp_path)
    finally:
        bench.path.write_text(whole, encoding="utf-8")
    assert record.skipped == (
        "the bench of bench.toml has no output wired to brake.main_reservoir_pressure locomotive"
    )


# -- what is wrong

MISTAKES = [
    ('node = "brakes-a"', 'node = "brakes-z"', "profile te33a has no node brakes-z; it has"),
    ('output = "loop 2"', 'output = "loop 1"', "output loop 1 is wired twice"),
    ('place = "bogie 2"', 'place = "bogie 1"', "brake.cylinder_pressure bogie 1 is wired twice"),
    ('place = "bogie 2"', 'place = "bogie 9"', "brakes-a has no brake.cylinder_pressure bogie 9"),
    ("supply = true", "suply = true", "unknown field `suply`"),
    ("[stimulus]", "[stimulator]", "unknown field `stimulator`"),
    ('port = "board"', "port = 3", "Expected a path as `str`, got `int`"),
]


@pytest.mark.parametrize(("right", "wrong", "says"), MISTAKES)
def test_a_mistake_in_a_bench_is_named(right: str, wrong: str, says: str, tmp_path: Path) -> None:
    path = tmp_path / "bench.toml"
    assert right in BENCH
    path.write_text(BENCH.replace(right, wrong, 1), encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_bench(path)
    assert str(path) in str(caught.value)
    assert says in str(caught.value)


def test_an_output_of_another_kind_does_not_fit(bench: OnWires) -> None:
    fitting = fit_node(fit_of(NODE), "00", 0)
    unit = StimulusUnit(bench.unit.port, SystemClock())
    channel = ("brake.pipe_pressure", "locomotive")
    says = "tacho 1 puts out mHz, but the sensor of brake.pipe_pressure locomotive gives nA"
    with pytest.raises(BenchError, match=says):
        BoardTarget(fitting, unit, {channel: "tacho 1"}, supply=False)
    with pytest.raises(BenchError, match="the stimulus unit has no output loop 7 for"):
        BoardTarget(fitting, unit, {channel: "loop 7"}, supply=False)
    unit.close()


def test_what_a_real_board_cannot_is_an_error_and_no_capability(bench: OnWires) -> None:
    fitting = fit_node(fit_of(NODE), "00", 0)
    unit = StimulusUnit(bench.unit.port, SystemClock())
    channel = ("brake.pipe_pressure", "locomotive")
    target = BoardTarget(fitting, unit, {channel: "loop 1"}, supply=False)
    assert target.capabilities == {"sensor_open", "sensor_saturated", "sensor_stuck"}
    with pytest.raises(BenchError, match="cannot make the fault nack of a real board"):
        target.inject({"chip": "adc1", "word": "nack", "args": {}})
    with pytest.raises(BenchError, match="no output of the stimulus unit is wired to brakes-a/1"):
        target.inject({"chip": "adc1", "word": "open", "args": {}, "input": 1})
    with pytest.raises(BenchError, match="cannot be asked how many samples"):
        target.taken()
    with pytest.raises(BenchError, match="the supply of the board is not wired"):
        target.cut_power(1_000_000)
    powered = BoardTarget(fitting, unit, {channel: "loop 1"}, supply=True)
    with pytest.raises(BenchError, match="a relay cannot cut the supply for 10000 us"):
        powered.cut_power(10_000)
    unit.close()


def test_a_unit_that_is_pulled_out_ends_the_run_with_its_name(
    bench: OnWires, tmp_path: Path
) -> None:

    def pull_out() -> None:
        for _ in range(10_000):
            if bench.unit.loop_na(1):
                break
        bench.unit.cable.unplug()

    fitter = threading.Thread(target=pull_out)
    fitter.start()
    try:
        with pytest.raises(BenchError, match=r"unit at .*/unit/unit is gone .* pulled out\?"):
            run(bench, tmp_path)
    finally:
        fitter.join()
        bench.unit.cable.plug()


def fit_of(node: str) -> NodeFit:
    return next(fit for fit in load_profile("te33a").nodes if fit.name == node)
