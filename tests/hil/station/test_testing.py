"""Ten seconds of a node at the station: what it says of itself and measures, with limits."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
from axwire import codes
from axwire.parse import Event
from axwire.table import Channel
from simulated_unit import SimulatedUnit

from gateway.decode import ChannelTable, GroupTable
from gateway.errors import ConfigError
from gateway.profiles import load_profile
from gateway.timebase import SystemClock
from hil.bench.bench_file import Wire
from hil.interpreter import find_interpreter
from hil.station.errors import StationError
from hil.station.limits import load_limits
from hil.station.measures import Measure
from hil.station.node_link import Samples
from hil.station.playing import Playing
from hil.station.testing import Played, self_test, verdict

FIT = next(fit for fit in load_profile("te33a").all_nodes if fit.name == "brakes-a")
QUANTITY, PLACE = "brake.pipe_pressure", "locomotive"
CLOCK = SystemClock()
GOOD_BOARD = (0, 40_000, 3400, 5000)


class Node:
    """What a node tells; each can be spoilt by a test."""

    def __init__(self) -> None:
        self.chips = [(0, 0, codes.OK)]
        self.board: tuple[int, ...] | None = GOOD_BOARD
        self.missed = 0
        self.rows = 500
        self.values = [500.0, 501.0] * 250
        self.statuses = {codes.OK}
        self.health: dict[str, int | None] = {}
        channel = Channel(40, 0, 1_000_000, 0, 0)
        group = GroupTable(0, 0, 20, (channel,))
        self.table: ChannelTable | None = ChannelTable(0, {0: group})

    def command(self, code: int, arguments: Sequence[int], limit_s: float) -> list[Event]:
        assert (code, list(arguments)) == (codes.COMMAND_SELF_TEST, [])
        self.health["missed_deadlines"] = 7
        told = [(codes.EVENT_CHIP_TESTED, chip) for chip in self.chips]
        if self.board is not None:
            told.append((codes.EVENT_BOARD_TESTED, self.board))
        return [Event(1, at, [0, code, list(a)]) for at, (code, a) in enumerate(told)]

    def listen(self, duration_s: float) -> list[Samples]:
        self.health["missed_deadlines"] = 7 + self.missed
        return [
            Samples(
                *(QUANTITY, PLACE, "kPa", self.rows, 1000 if self.rows else None),
                *(1000 + 499 * 20, self.values, self.statuses),
            )
        ]


def measures_of(node: Node, *played: Played, own: Path | None = None) -> list[Measure]:
    return self_test(node, FIT, load_limits(own), 10, played)


def test_a_good_node_passes_and_every_value_has_name_unit_and_limits() -> None:
    found = measures_of(Node(), Played(QUANTITY, PLACE, 500.0, 0.5, "loop 1"))
    assert verdict(found) == []
    names = {measure.name.split()[0] for measure in found}
    assert names == {
        *("chip", "flash", "heap_free", "temperature", "supply", "rate", "missed"),
        *("error", "noise"),
    }
    assert all(measure.unit and (measure.low, measure.high) != (None, None) for measure in found)
    by_name = {measure.name: measure for measure in found}
    assert (by_name["supply"].value, by_name["supply"].unit) == (5.0, "V")
    assert by_name["temperature"].value == 34.0
    assert by_name["chip 0 (brake.pipe_pressure at locomotive)"].value == 0
    assert by_name["rate brake.pipe_pressure each 20 ms"].value == 100


@pytest.mark.parametrize(
    ("spoilt", "value", "name"),
    [
        ("chips", [(0, 0, codes.NO_ANSWER)], "chip"),
        ("board", (1, *GOOD_BOARD[1:]), "flash"),
        ("board", (0, 9_000, 3400, 5000), "heap_free"),
        ("board", (0, 40_000, 8000, 5000), "temperature"),
        ("board", (0, 40_000, 3400, 4300), "supply"),
        ("missed", 1, "missed"),
        ("rows", 480, "rate"),
        ("rows", 0, "rate"),
        ("values", [560.0] * 500, "error"),
        ("values", [], "error"),
        ("values", [400.0, 600.0] * 250, "noise"),
        ("statuses", {codes.OK, codes.OPEN}, "error"),
    ],
)
def test_what_is_wrong_fails_by_its_name(spoilt: str, value: object, name: str) -> None:
    node = Node()
    setattr(node, spoilt, value)
    failed = verdict(measures_of(node, Played(QUANTITY, PLACE, 500.0, 0.5, "loop 1")))
    assert name in [measure.name.split()[0] for measure in failed]


def test_what_a_board_cannot_tell_is_not_judged() -> None:
    node = Node()
    node.board = (0, 40_000, codes.UNKNOWN, codes.UNKNOWN)
    names = [measure.name for measure in measures_of(node)]
    assert "supply" not in names
    assert "temperature" not in names


def test_a_depots_own_limits_hold_for_all_or_for_one_role(tmp_path: Path) -> None:
    own = tmp_path / "limits.toml"
    text = '[{}.supply]\nunit = "V"\nlow = 5.1\nsource = "ours"\nverified = true\n'
    for role, fails in (("every", True), ("role.brakes-a", True), ("role.motors-a", False)):
        own.write_text(text.format(role))
        failed = [measure.name for measure in verdict(measures_of(Node(), own=own))]
        assert (failed == ["supply"]) == fails, role


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[every.suply]\nunit = "V"\nsource = ""\nverified = true\n', "nothing is called suply"),
        ('[every.supply]\nunit = "V"\nlowest = 1\n', "lowest"),
        ('[every.supply]\nunit = "V"\n', "missing"),
        ("[every", "not TOML"),
    ],
)
def test_a_wrong_file_of_limits_says_what_is_wrong(tmp_path: Path, text: str, words: str) -> None:
    own = tmp_path / "limits.toml"
    own.write_text(text)
    with pytest.raises(ConfigError, match=words):
        load_limits(own)


@pytest.fixture(scope="module")
def unit(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimulatedUnit]:
    made = SimulatedUnit(tmp_path_factory.mktemp("unit"), find_interpreter())
    yield made
    made.close()


def test_a_stimulus_unit_plays_what_the_test_is_told(unit: SimulatedUnit) -> None:
    """At the currents that a transducer of the profile gives for these pressures."""
    sensor = FIT.groups[0].sensor
    wires = [Wire(output="loop 1", quantity=QUANTITY, place=PLACE)]
    playing = Playing(FIT, str(unit.port), wires, CLOCK)
    try:
        currents = []
        for (played,) in playing.rounds():
            share = (played.value - sensor.low) / (sensor.high - sensor.low)  # type: ignore[union-attr]
            expected = 4_000_000 + share * 16_000_000
            wait_for_current(unit, expected)
            currents.append(expected)
        assert currents == [8_000_000, 16_000_000]
    finally:
        playing.close()
    wait_for_current(unit, 0)


def wait_for_current(unit: SimulatedUnit, expected: float) -> None:
    """In the loop, within 1 % of its end."""
    end_us = CLOCK.monotonic_us() + 20_000_000
    while abs(unit.loop_na(1) - expected) > 200_000:
        assert CLOCK.monotonic_us() < end_us, f"{unit.loop_na(1)} nA, not {expected}"


def test_a_unit_that_is_wired_wrongly_is_told(unit: SimulatedUnit) -> None:
    with pytest.raises(StationError, match="has no output loop 9"):
        Playing(
            FIT,
            str(unit.port),
            [Wire(output="loop 9", quantity=QUANTITY, place=PLACE)],
            CLOCK,
        )
    with pytest.raises(StationError, match="cannot be opened"):
        Playing(FIT, str(unit.port) + "x", [], CLOCK)
