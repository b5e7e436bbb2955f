"""The live picture as SenML: RFC 8428 holds, and what is not known to be good has no value."""

import json
import re
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest
from axwire.codes import OK, OPEN, STATUSES
from axwire.quantities import QUANTITIES
from board_peer import MISSING, Board, group_of
from collecting import Collecting
from manual_clock import ManualClock
from senml_records import PRIMARY_UNITS, resolved

from gateway.alarms.rulebook import load_rules
from gateway.live import NODE_SILENT_US
from gateway.profiles import load_profile
from gateway.senml.pack import UNITS, alarms_gone, alarms_pack, node_pack
from gateway.state import Alarm, State

Collect = Callable[..., Collecting]
SECOND_US = 1_000_000
LONGEST = 65_536
NOW_S = 1_763_755_200.0
NODE = "axlebox:TE33A-0001:node:motors-a:"
ALARM = "axlebox:TE33A-0001:alarm:"
CURRENT = NODE + "motor.current:motor-1"


class Seen:
    """A gateway that knows a board, and what it would publish of it."""

    def __init__(self, collecting: Collecting, board: Board) -> None:
        self.collecting = collecting
        self.board = board
        self.clock = collecting.clock
        self.booted_us = self.clock.monotonic_us() - 100 * SECOND_US
        collecting.receive(board.hello())
        collecting.answer_pings(board, self.booted_us)

    def read(self, *values: int, statuses: list[int] | None = None, group: int = 0) -> None:
        t_ms = (self.clock.monotonic_us() - self.booted_us) // 1000
        row = self.board.readings([values], t_ms=t_ms, statuses=statuses, group=group)
        assert self.collecting.receive(row) == [True]

    def state(self) -> State:
        return self.collecting.gateway.registry.state()

    def pack(self, state: State | None = None) -> dict[str, dict[str, Any]]:
        state = state or self.state()
        return resolved(node_pack(state, state.nodes[0], 2), self.clock.utc_us() / 1e6)

    def alarms(self, state: State | None = None) -> dict[str, dict[str, Any]]:
        pack = alarms_pack(state or self.state(), 2, LONGEST)
        return resolved(pack, self.clock.utc_us() / 1e6)


@pytest.fixture
def seen(collect: Collect, board: Board) -> Seen:
    return Seen(collect(board), board)


def an_alarm(picture: State, **facts: Any) -> State:
    """The picture with an alarm that was raised three seconds ago."""
    known: dict[str, Any] = {
        "id": "sensor-frozen@motor.current motor 1",
        "rule": "sensor-frozen",
        "code": "D02",
        "kind": "sensor",
        "priority": "low",
        "state": "unacknowledged",
        "place": "motor 1",
        "quantity": "motor.current",
        "channels": ("motors-a/0",),
        "since_ms": picture.now_ms - 3000,
        "age_ms": 3000,
    }
    return msgspec.structs.replace(picture, alarms=(Alarm(**known | facts),))


def test_a_fresh_reading_has_value_unit_time_and_when_the_next_comes(seen: Seen) -> None:
    seen.read(12_300, -500)
    seen.clock.advance_us(90_000)
    pack = seen.pack()
    assert pack[CURRENT] == {
        "n": CURRENT,
        "u": "A",
        "v": 12.3,
        "t": pytest.approx(seen.clock.utc_us() / 1e6 - 0.09, abs=0.001),
        "ut": 2,
    }
    assert pack[NODE + "motor.current:motor-2"]["v"] == -0.5
    assert pack[NODE + "status"]["vs"] == "live"
    assert len(pack) == 3


def test_the_first_record_carries_the_base_of_all(seen: Seen) -> None:
    seen.read(1, 2)
    state = seen.state()
    records = msgspec.json.decode(node_pack(state, state.nodes[0], 2))
    assert (records[0]["bn"], records[0]["bt"]) == (NODE, state.now_ms / 1000)
    assert not any({"bn", "bt"} & record.keys() for record in records[1:])


def test_without_a_trusted_clock_times_are_relative_to_now(board: Board, tmp_path: Path) -> None:
    clock = ManualClock(utc_us=10**15, trusted=False)
    seen = Seen(Collecting(tmp_path, [board], clock), board)
    seen.read(12_300, 0)
    seen.clock.advance_us(90_000)
    state = seen.state()
    assert not state.clock_trusted
    found = resolved(node_pack(state, state.nodes[0], 2), NOW_S)
    assert (found[CURRENT]["v"], found[CURRENT]["t"]) == (12.3, pytest.approx(NOW_S - 0.09))
    assert found[NODE + "status"]["t"] == NOW_S
    seen.collecting.close()


@pytest.mark.parametrize("status", range(1, len(STATUSES)))
def test_a_fault_of_a_sensor_has_a_quality_and_no_value(seen: Seen, status: int) -> None:
    seen.read(1000, 2000, statuses=[status, OK])
    pack = seen.pack()
    assert CURRENT not in pack
    assert pack[CURRENT + ":quality"]["vs"] == STATUSES[status]
    assert pack[NODE + "motor.current:motor-2"]["v"] == 2


def test_a_value_outside_its_quantitys_range_has_a_quality_and_no_value(
    collect: Collect,
) -> None:
    board = Board(groups=[group_of("motor.winding_temperature", 1)])
    seen = Seen(collect(board), board)
    name = NODE + "motor.winding_temperature:motor-1"
    seen.read(-32_000)
    assert seen.pack()[name]["v"] == -32
    board.groups[0].channels[0].scale *= 10
    assert seen.collecting.receive(board.hello()) == [True]
    seen.read(-32_000)
    assert name not in seen.pack()
    assert seen.pack()[name + ":quality"]["vs"] == "out_of_range"


def test_a_silent_nodes_values_are_stale(seen: Seen) -> None:
    seen.read(1, 2)
    seen.clock.advance_us(NODE_SILENT_US + 1)
    assert {name: record["vs"] for name, record in seen.pack().items()} == {
        NODE + "status": "stale",
        CURRENT + ":quality": "stale",
        NODE + "motor.current:motor-2:quality": "stale",
    }


def test_a_node_that_was_never_heard_is_waited_for(collect: Collect, board: Board) -> None:
    state = collect(board).gateway.registry.state()
    (record,) = resolved(node_pack(state, state.nodes[0], 2), NOW_S).values()
    assert (record["n"], record["vs"]) == (NODE + "status", "waiting")


def test_a_reading_without_a_sample_is_waited_for(seen: Seen) -> None:
    seen.read(MISSING, 5)
    assert seen.pack()[CURRENT + ":quality"]["vs"] == "waiting"


def test_a_sensor_that_an_alarm_doubts_has_no_value_until_the_alarm_is_over(seen: Seen) -> None:
    seen.read(1000, 2000)
    state = seen.state()
    doubted = seen.pack(an_alarm(state))
    assert CURRENT not in doubted
    assert doubted[CURRENT + ":quality"]["vs"] == "suspect"
    assert doubted[NODE + "motor.current:motor-2"]["v"] == 2
    over = an_alarm(state, state="returned", returned_ms=state.now_ms)
    assert seen.pack(over)[CURRENT]["v"] == 1
    assert seen.pack(an_alarm(state, kind="machine"))[CURRENT]["v"] == 1


def test_two_channels_of_one_name_on_a_node_stay_apart(collect: Collect) -> None:
    groups = [group_of("motor.current", 1), group_of("motor.current", 1, number=1, first=1)]
    board = Board(groups=groups)
    seen = Seen(collect(board), board)
    seen.read(1000)
    seen.read(2000, group=1)
    pack = seen.pack()
    assert (pack[CURRENT]["v"], pack[CURRENT + ":1"]["v"]) == (1, 2)


def test_every_unit_of_a_quantity_has_one_of_the_registry() -> None:
    assert {quantity.unit for quantity in QUANTITIES.values()} == set(UNITS)
    assert {symbol for symbol, _ in UNITS.values()} <= PRIMARY_UNITS


@pytest.mark.parametrize(
    ("quantity", "raw", "unit", "value"),
    [
        ("motor.winding_temperature", 25_500, "Cel", 25.5),
        ("motor.speed", 30_000, "1/s", 0.5),
        ("motor.acceleration", -9_810, "m/s2", -9.81),
        ("motor.vibration_crest", 3_100, "/", 3.1),
        ("axle.load", 22_700, "kg", 22_700),
        ("brake.pipe_pressure", 500, "Pa", 500),
        ("supply.voltage", 24_000, "V", 24),
    ],
)
def test_values_are_in_the_registrys_unit(
    collect: Collect, quantity: str, raw: int, unit: str, value: float
) -> None:
    board = Board(groups=[group_of(quantity, 1)])
    seen = Seen(collect(board), board)
    seen.read(raw)
    record = seen.pack()[f"{NODE}{quantity}:motor-1"]
    assert (record["u"], record["v"]) == (unit, value)


def test_no_alarm_is_said_in_so_many_words(seen: Seen) -> None:
    (record,) = seen.alarms().values()
    assert (record["n"], record["u"], record["v"]) == (ALARM + "count", "count", 0)


def test_an_alarm_has_its_state_and_since_when_it_is_open(seen: Seen) -> None:
    state = seen.state()
    name = ALARM + "sensor-frozen:motor.current:motor-1:"
    pack = seen.alarms(an_alarm(state))
    assert pack[ALARM + "count"]["v"] == 1
    assert pack[name + "open"]["vb"] is True
    assert pack[name + "open"]["t"] == pytest.approx(state.now_ms / 1000 - 3, abs=0.001)
    assert [pack[name + one]["vs"] for one in ("state", "priority", "code")] == [
        "unacknowledged",
        "low",
        "D02",
    ]
    assert pack[name + "verified"]["vb"] is False
    over = seen.alarms(an_alarm(state, state="returned", returned_ms=state.now_ms - 1000))
    assert over[name + "open"]["vb"] is False
    assert over[name + "open"]["t"] == pytest.approx(state.now_ms / 1000 - 1, abs=0.001)


def test_of_more_alarms_than_a_packet_holds_the_most_urgent_are_told(seen: Seen) -> None:
    (alarm,) = an_alarm(seen.state()).alarms
    many = tuple(
        msgspec.structs.replace(alarm, id=f"sensor-frozen@motor.current motor {number}")
        for number in range(200)
    )
    storm = msgspec.structs.replace(seen.state(), alarms=many)
    pack = alarms_pack(storm, 2, 8000)
    assert 7000 < len(pack) <= 8000
    found = resolved(pack, NOW_S)
    assert found[ALARM + "count"]["v"] == 200
    told = [name for name in found if name.endswith(":open")]
    firsts = [f"{ALARM}sensor-frozen:motor.current:motor-{n}:open" for n in range(len(told))]
    assert told == firsts
    none_fits = resolved(alarms_pack(storm, 2, 100), NOW_S)
    assert list(none_fits) == [ALARM + "count"]


def test_every_shipped_rules_alarm_has_a_name_that_the_rfc_allows(seen: Seen) -> None:
    rules = load_rules(load_profile("te33a"), None)
    assert rules
    for bound in rules:
        for key in ("axle 2 left", "axle.load axle 2 left", "motors-a"):
            alarm = an_alarm(seen.state(), id=f"{bound.rule.id}@{key}")
            assert len(seen.alarms(alarm)) == 6


def test_a_real_alarm_of_a_silent_node_is_in_the_pack(seen: Seen) -> None:
    seen.collecting.gateway.tick()
    for _ in range(12):
        seen.clock.advance_us(SECOND_US)
        seen.collecting.gateway.tick()
    pack = seen.alarms()
    assert pack[ALARM + "node-silent:motors-a:open"]["vb"] is True
    assert pack[ALARM + "node-silent:motors-a:state"]["vs"] == "unacknowledged"


def test_alarms_that_nobody_watches_are_not_known() -> None:
    (record,) = resolved(alarms_gone("TE33A-0001"), NOW_S).values()
    assert record == {"n": ALARM + "count:quality", "vs": "stale", "t": NOW_S}


def test_the_examples_in_the_document_are_what_is_published(seen: Seen) -> None:
    text = (Path(__file__).parents[2] / "docs" / "senml.md").read_text(encoding="utf-8")
    node, alarms, gone = re.findall(r"```json\n(.*?)```", text, re.DOTALL)
    seen.read(31_500, MISSING, statuses=[OK, OPEN])
    seen.clock.advance_us(90_000)
    state = an_alarm(
        seen.state(),
        id="sensor-fault@motor.current motor 2",
        rule="sensor-fault",
        code="D01",
        place="motor 2",
        channels=("motors-a/1",),
    )
    assert json.loads(node) == json.loads(node_pack(state, state.nodes[0], 2))
    assert json.loads(alarms) == json.loads(alarms_pack(state, 2, LONGEST))
    assert json.loads(gone) == json.loads(alarms_gone("TE33A-0001"))


def test_every_unit_that_is_published_is_in_the_document_with_its_line_of_the_rfc(
    seen: Seen,
) -> None:
    text = (Path(__file__).parents[2] / "docs" / "senml.md").read_text(encoding="utf-8")
    section = text.split("## Units\n")[1].split("\n## ")[0]
    table = [line.strip("|").split("|") for line in section.splitlines() if line[:1] == "|"]
    head, _, *rows = [[cell.strip() for cell in line] for line in table]
    assert head[:4] == ["in SenML", "RFC 8428, Table 6", "in axlebox", "factor"]
    told = {one: (symbol.strip("`"), float(Fraction(many))) for symbol, _, one, many, _ in rows}
    (count,) = {record["u"] for record in seen.alarms().values()}
    assert told == UNITS | {"alarms": (count, 1.0)}
    assert all(description for _, description, *_ in rows)
    assert {symbol for symbol, _ in told.values()} <= PRIMARY_UNITS
