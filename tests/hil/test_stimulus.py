"""The stimulus unit: its program in MicroPython on a simulated Pico, over its serial port."""

import ast
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from axwire.cbor import INT32, Writer
from simulated_unit import SimulatedUnit

from gateway.config import as_path
from gateway.timebase import SystemClock
from hil.bench.bench_file import Bench, BoardPort, UnitPort, Wire
from hil.bench.broker_stage import BrokerStage
from hil.bench.capabilities import WORDS
from hil.bench.needs import needs_of, why_not
from hil.bench.scenario import load_scenario, scenario_files
from hil.bench.stage import LockstepStage
from hil.errors import BenchError
from hil.firmware_files import firmware_root
from hil.interpreter import find_interpreter
from hil.stimulus import Applied, StimulusUnit
from simulators.board.signals import LINEAR, STEADY

DOCS = Path(__file__).parents[2] / "docs"
CLOCK = SystemClock()
STEP_NA = 6_204
"""A step of the DAC: 0.5 mV times 10 / 806 ohm."""


def test_it_says_what_it_can(unit: StimulusUnit) -> None:
    assert list(unit.outputs) == [
        *("loop 1", "loop 2", "loop 3", "loop 4"),
        *("tacho 1", "tacho 2", "contact 1", "contact 2"),
        *("pt100 1", "pt100 2", "bridge 1", "shaker 1"),
    ]
    loop = unit.outputs["loop 1"]
    assert (loop.kind, loop.low, loop.high) == ("loop", 0, 25_403_225)
    assert loop.conditions == ("open", "high", "low", "stuck")
    assert unit.unique_id == "e66038b7132a5b2f"
    assert unit.problems == ()
    assert unit.error_us < 100_000


def test_a_level_that_is_held_comes_out_of_the_dac_and_is_told(
    unit: StimulusUnit, simulated: SimulatedUnit
) -> None:
    unit.condition("loop 2", "ok")
    t0_us = CLOCK.monotonic_us()
    unit.stretch("loop 2", STEADY, t0_us, 1000, [12_000_000])
    level = until(unit, "loop 2", 12_000_000)
    assert abs(level - 12_000_000) <= STEP_NA / 2
    assert abs(simulated.loop_na(2) - level) <= 1
    assert simulated.loop_na(1) == 0


def test_a_line_is_played_when_it_is_due(unit: StimulusUnit) -> None:
    """From 4 to 20 mA in a second: every level that is told lies where the line was then."""
    unit.condition("loop 1", "ok")
    t0_us = CLOCK.monotonic_us() + 50_000
    points = [4_000_000 + 16_000_000 * each // 20 for each in range(21)]
    unit.stretch("loop 1", LINEAR, t0_us, 50_000, points)
    sent_error_us = unit.error_us
    seen = {}
    level = unit.applied().levels["loop 1"]
    while level.value < 19_900_000 and CLOCK.monotonic_us() < t0_us + 3_000_000:
        level = unit.applied().levels["loop 1"]
        seen[level.at_us] = (level.value, sent_error_us + unit.error_us)
    on_the_way = {at_us: told for at_us, told in seen.items() if told[0] > 4_100_000}
    assert len(on_the_way) > 20
    for at_us, (value, error_us) in on_the_way.items():
        line_na = min(points[-1], 4_000_000 + 16 * ((at_us - t0_us) % (1 << 30)))
        assert abs(value - line_na) <= STEP_NA + 16 * error_us
    assert unit.applied().late_us < 1_000_000


def applied(unit: StimulusUnit, condition: Callable[[Applied], bool]) -> Applied:
    """What the unit does once this is so."""
    end_us = CLOCK.monotonic_us() + 5_000_000
    while not condition(now := unit.applied()):
        assert CLOCK.monotonic_us() < end_us, now
    return now


def until(unit: StimulusUnit, output: str, value: int) -> int:
    """The level of an output once it is within a step of this."""
    there = applied(unit, lambda now: abs(now.levels[output].value - value) <= STEP_NA)
    return there.levels[output].value


@pytest.mark.parametrize(
    ("condition", "loop_na", "disabled"),
    [("open", 8_000_000, 1), ("high", 25_403_225, 0), ("low", 0, 0), ("stuck", 8_000_000, 0)],
)
def test_a_fault_of_a_loop_is_made_and_ended(
    condition: str, loop_na: int, disabled: int, unit: StimulusUnit, simulated: SimulatedUnit
) -> None:
    unit.condition("loop 3", "ok")
    unit.stretch("loop 3", STEADY, CLOCK.monotonic_us(), 1000, [8_000_000])
    until(unit, "loop 3", 8_000_000)
    unit.condition("loop 3", condition)
    told = unit.applied().levels["loop 3"]
    assert told.condition == condition
    assert abs(told.value - loop_na) <= STEP_NA
    assert simulated.driven()["pin 8"][1] == disabled
    unit.stretch("loop 3", STEADY, CLOCK.monotonic_us(), 1000, [10_000_000])
    unit.condition("loop 3", "ok")
    until(unit, "loop 3", 10_000_000)
    assert simulated.driven()["pin 8"][1] == 0


def test_pulses_and_contacts(unit: StimulusUnit, simulated: SimulatedUnit) -> None:
    unit.stretch("tacho 1", STEADY, CLOCK.monotonic_us(), 1000, [1_500_000])
    unit.stretch("contact 2", STEADY, CLOCK.monotonic_us(), 1000, [0])
    until(unit, "tacho 1", 1_500_000)
    applied(unit, lambda now: now.levels["contact 2"].value == 0)
    driven = simulated.driven()
    assert abs(driven["pin 10"][2] - 1_500_000) <= 3_000
    assert driven["pin 11"][2] == 0
    assert (driven["pin 12"][1], driven["pin 13"][1]) == (0, 1)
    unit.rest()
    driven = simulated.driven()
    assert (driven["pin 10"][2], driven["pin 13"][1]) == (0, 0)


def test_the_supply_comes_back_by_itself(unit: StimulusUnit, simulated: SimulatedUnit) -> None:
    unit.cut_supply(200)
    cut = unit.applied()
    assert not cut.supply_on
    assert simulated.driven()["pin 15"] == [1, 1, 0]
    on = applied(unit, lambda now: now.supply_on)
    off_us = (on.supply_us - cut.supply_us) % (1 << 30)
    assert 200_000 <= off_us < 1_000_000
    assert simulated.driven()["pin 15"][1] == 0


def test_what_runs_out_is_counted(unit: StimulusUnit) -> None:
    before = unit.applied().levels["loop 4"].starved
    unit.stretch("loop 4", LINEAR, CLOCK.monotonic_us(), 1000, [4_000_000, 5_000_000])
    after = applied(unit, lambda now: now.levels["loop 4"].starved > before)
    assert after.levels["loop 4"].starved == before + 1


# -- what goes wrong


@pytest.mark.parametrize(
    ("output", "flags", "t0_us", "period_us", "samples", "says"),
    [
        ("loop 1", LINEAR, 0, 1000, [26_000_000], "loop 1 puts out 0 to 25403225, not 26000000"),
        ("tacho 1", STEADY, 0, 1000, [-1], "tacho 1 puts out 0 to 10000000, not -1"),
        ("loop 1", LINEAR, 0, 1000, [1] * 65, "loop 1: a stretch has 1 to 64 samples, not 65"),
        ("loop 1", LINEAR, 0, 0, [1], "loop 1: a stretch of 0 us from tick"),
        ("pt100 1", STEADY, 0, 1000, [740_000], "pt100 1 puts out 750000 to 2012342, not 740000"),
        ("loop 9", LINEAR, 0, 1000, [1], "has no output loop 9; it has loop 1, loop 2"),
        ("loop 1", LINEAR, 400_000_000, 1000, [1], "loop 1: it begins later than can be told"),
    ],
)
def test_a_stretch_that_cannot_be_is_refused(
    output: str,
    flags: int,
    t0_us: int,
    period_us: int,
    samples: list[int],
    says: str,
    unit: StimulusUnit,
) -> None:
    with pytest.raises(BenchError, match=re.escape(says)):
        unit.stretch(output, flags, CLOCK.monotonic_us() + t0_us, period_us, samples)


def test_a_queue_that_is_full_or_out_of_order_is_refused(unit: StimulusUnit) -> None:
    t0_us = CLOCK.monotonic_us() + 10_000_000
    for number in range(4):
        unit.stretch("loop 1", LINEAR, t0_us + 1000 * number, 1000, [1])
    with pytest.raises(BenchError, match="loop 1: all 4 places are taken"):
        unit.stretch("loop 1", LINEAR, t0_us + 5000, 1000, [1])
    unit.rest()
    unit.stretch("loop 1", LINEAR, t0_us, 1000, [1])
    with pytest.raises(BenchError, match="it begins before the one that was sent last"):
        unit.stretch("loop 1", LINEAR, t0_us, 1000, [1])


def test_a_condition_that_an_output_cannot_have(unit: StimulusUnit) -> None:
    with pytest.raises(BenchError, match=r"tacho 1 of the stimulus unit at .* cannot be open"):
        unit.condition("tacho 1", "open")


def test_the_supply_is_not_cut_for_ever(unit: StimulusUnit) -> None:
    with pytest.raises(BenchError, match="refuses: the supply is off for 0 to 500000 ms"):
        unit.cut_supply(500_001)
    assert unit.applied().supply_on


def raw(unit: StimulusUnit, kind: int, *parts: Any, number: int | None = None) -> None:
    """A request as no bench of ours sends it."""
    writer = Writer(200)
    writer.array(2 + len(parts))
    writer.integer(kind)
    unit._number += 1
    writer.integer(unit._number if number is None else number)
    for part in parts:
        if isinstance(part, bytes):
            writer.typed(INT32, part)
        elif isinstance(part, str):
            writer.text(part)
        else:
            writer.integer(part)
    unit._ask(kind, writer)


@pytest.mark.parametrize(
    ("kind", "parts", "says"),
    [
        (9, (), "there is no request of kind 9"),
        (2, (1,), "this kind of request has 7 parts, not 3"),
        (2, (99, 0, 0, 1, b""), "there is no output 99"),
        (2, (0, 0, "now", 1, b""), "flags, begin and period of a stretch are integers"),
        (2, (0, 0, 0, 1, 5), "the samples of a stretch are a typed array of int32"),
        (2, (0, 0, 0, 1, b"abc"), "the samples of a stretch are a typed array of int32"),
        (3, (4, 1), "tacho 1 cannot have condition 1"),
        (4, ("off",), "the supply is off for 0 to 500000 ms"),
    ],
)
def test_a_request_that_is_none_is_refused(
    kind: int, parts: tuple[Any, ...], says: str, unit: StimulusUnit
) -> None:
    with pytest.raises(BenchError, match=f"refuses: {re.escape(says)}"):
        raw(unit, kind, *parts)


def test_rubbish_on_the_line_changes_nothing(unit: StimulusUnit, simulated: SimulatedUnit) -> None:
    unit._serial.write(b"\x03hello\x00" + struct.pack("<9I", *range(9)) + b"\x00" + b"\xff" * 3000)
    assert unit.applied().supply_on


def test_a_port_without_a_unit_is_named(tmp_path: Path) -> None:
    with pytest.raises(
        BenchError, match=r"unit at .*/nothing cannot be opened: .*; is it plugged in\?"
    ):
        StimulusUnit(tmp_path / "nothing", CLOCK)


def test_a_unit_that_is_pulled_out_is_named(unit: StimulusUnit, simulated: SimulatedUnit) -> None:
    simulated.cable.unplug()
    try:
        with pytest.raises(BenchError, match=r"is gone \(.*\); was it pulled out\?"):
            unit.applied()
    finally:
        simulated.cable.plug()


def test_a_unit_without_its_dac_says_so(tmp_path: Path) -> None:
    simulated = SimulatedUnit(tmp_path, find_interpreter(), dac=False)
    try:
        unit = StimulusUnit(simulated.port, CLOCK)
        assert unit.problems == ("no MCP4728 answers at 0x60, so there are no loops",)
        assert list(unit.outputs)[:4] == ["tacho 1", "tacho 2", "contact 1", "contact 2"]
        unit.close()
    finally:
        simulated.close()


# -- what two sides say of one thing


def test_the_two_sides_number_kinds_and_conditions_alike() -> None:
    import stimulus

    import hil.stimulus as host

    kinds = ("REFUSED", "HELLO", "STRETCH", "CONDITION", "SUPPLY", "APPLIED", "REST")
    for name in (*kinds, "VERSION", "MESSAGE_CAP"):
        assert getattr(stimulus, name) == getattr(host, name)
    for number, word in enumerate(host.CONDITIONS):
        assert getattr(stimulus, word.upper()) == number
    assert (stimulus.LINEAR, stimulus.STEADY) == (LINEAR, STEADY)
    text = (DOCS / "stimulus.md").read_text(encoding="utf-8")
    for name in kinds:
        assert f"| {getattr(host, name)} `{name}` |" in text


def test_the_document_wires_the_pins_that_the_program_drives() -> None:
    tree = ast.parse((firmware_root() / "stimulus" / "wiring.py").read_text(encoding="utf-8"))
    pins: dict[str, Any] = {}
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            pins[ast.unparse(node.targets[0])] = ast.literal_eval(node.value)
        elif isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple):
            names = [ast.unparse(name) for name in node.targets[0].elts]
            pins |= dict(zip(names, ast.literal_eval(node.value), strict=True))
    text = (DOCS / "stimulus.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| (GP[\d, GP]+) \| (.*) \|$", text, re.M))
    for first, groups in (
        ("SDA, SCL of", [pins["SDA"], pins["SCL"]]),
        ("OD of the XTR111", pins["LOOP_DISABLES"]),
        ("base or gate of the transistors of `tacho", pins["PULSES"]),
        ("base or gate of the transistors of `contact", pins["CONTACTS"]),
        ("input of the filter of `shaker 1`", [pins["SHAKER"]]),
        ("relay module", [pins["SUPPLY_OFF"]]),
        ("SDO, CLK, SDI of both AD5235", [pins["MISO"], pins["SCK"], pins["MOSI"]]),
        ("CS of the AD5235 of `pt100 1`", [pins["THERMOMETERS"]]),
        ("CS of the AD5235 of `bridge 1`", [pins["SHAKEN"]]),
        ("transistors of the relays of `pt100 1`", pins["CLOSED"]),
    ):
        assert rows[", ".join(f"GP{pin}" for pin in groups)].startswith(first)


def test_the_documents_bench_is_one() -> None:
    text = (DOCS / "stimulus.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```toml\n(.*?)```", text, re.DOTALL)
    msgspec.toml.decode(example, type=Bench, dec_hook=as_path)
    for kind in (BoardPort, UnitPort, Wire):
        for field in msgspec.structs.fields(kind):
            assert re.search(rf"^{field.name} = ", example, re.M), field.name


def test_every_scenario_that_comes_with_axlebox_can_be_run_on_simulated_boards() -> None:
    stages = {"serial": LockstepStage.capabilities, "mqtt": BrokerStage.capabilities}
    scenarios = [load_scenario(path) for path in scenario_files()]
    assert {why_not(each, "it", stages[each.link]) for each in scenarios} == {""}
    needed = set().union(*(needs_of(each) for each in scenarios))
    assert {"chip_faults", "power", "short_cuts", "line", "sensor_open", "lockstep"} <= needed


def test_every_need_is_documented() -> None:
    text = (DOCS / "bench.md").read_text(encoding="utf-8")
    documented = set(re.findall(r"^\| `(\w+)` \|", text.split("## Targets")[1], re.M))
    assert documented == {*WORDS, "sensor_WORD"}
