"""What a reading looks like on the server, and that nothing doubtful looks sound there."""

from fractions import Fraction

import pytest
from axwire.cbor import INT16, Typed
from axwire.codes import HEALTH_FIELDS, NO_ANSWER, OK, OPEN, OUT_OF_RANGE, STUCK
from axwire.cose import split
from axwire.parse import Block, Health, Hello, Readings, parse_up
from axwire.places import AXLE, LEFT, LOCOMOTIVE, MOTOR, place
from axwire.quantities import QUANTITIES
from axwire.table import Channel
from hypothesis import given
from hypothesis import strategies as st

from gateway.clock import ClockRecord
from gateway.decode import ChannelTable, GroupTable, Rows, TableBuilder, decode_readings
from gateway.forward.lines import Lines, LineWriter, Lost, decimals
from hil.line_protocol import Point, points

from .node_double import MISSING, NodeDouble, channel, groups

CURRENT = channel("motor.current", place(MOTOR, 1), 20_000_000)
TEMPERATURE = channel("motor.winding_temperature", place(MOTOR, 1), 31_250_000)
SURE = ClockRecord("motors-a", 1, 0, 1_763_755_200_000_000, 0, 500, trusted=True)
GUESSED = ClockRecord("motors-a", 1, 0, 1_763_755_200_000_000, 0, 500, trusted=False)


def table_of(node: NodeDouble) -> ChannelTable:
    hello = parse_up(split(node.hello()).payload)
    assert isinstance(hello, Hello)
    table = TableBuilder().add(hello)
    assert table is not None
    return table


def lines_of(
    node: NodeDouble,
    rows: list[list[int]],
    *,
    group: int = 0,
    statuses: list[int] | None = None,
    clock: ClockRecord = SURE,
) -> Lines:
    table = table_of(node)
    message = node.readings(1000, rows, group=group, statuses=statuses)
    readings = parse_up(split(message).payload)
    assert isinstance(readings, Readings)
    block = next(decode_readings(readings, table))
    return LineWriter("TE33A-0001").rows(node.name, table, block, clock)


def row_of(group: GroupTable, t_ms: int, raw: int) -> Rows:
    """A block of one row of one channel."""
    samples = Typed(INT16, raw.to_bytes(2, "little", signed=True))
    return Rows(group, Block([group.number, t_ms, samples]))


def test_a_row_becomes_one_line_for_each_place_and_unit() -> None:
    node = NodeDouble("motors-a", groups([CURRENT, TEMPERATURE]))

    assert lines_of(node, [[500, 3200], [-500, -16]]) == Lines(
        "motor,locomotive=TE33A-0001,node=motors-a,place=motor\\ 1,unit=A "
        "current=10.00 1763755201000000100\n"
        "motor,locomotive=TE33A-0001,node=motors-a,place=motor\\ 1,unit=°C "
        "winding_temperature=100.0000 1763755201000000100\n"
        "motor,locomotive=TE33A-0001,node=motors-a,place=motor\\ 1,unit=A "
        "current=-10.00 1763755201010000101\n"
        "motor,locomotive=TE33A-0001,node=motors-a,place=motor\\ 1,unit=°C "
        "winding_temperature=-0.5000 1763755201010000101\n",
        points=4,
        values=4,
    )


def test_quantities_of_one_place_and_unit_share_a_line() -> None:
    left = place(AXLE, 2, LEFT)
    table = groups(
        [
            channel("axle.vibration_peak", left, 1_000_000_000),
            channel("axle.load", left, 1_000_000),
            channel("axle.vibration_rms", left, 10_000_000),
        ]
    )

    lines = lines_of(NodeDouble("axles", table), [[7, 9000, 123]])

    assert lines.text == (
        "axle,locomotive=TE33A-0001,node=axles,place=axle\\ 2\\ left,unit=m/s² "
        "vibration_peak=7,vibration_rms=1.23 1763755201000000100\n"
        "axle,locomotive=TE33A-0001,node=axles,place=axle\\ 2\\ left,unit=t "
        "load=9.000 1763755201000000100\n"
    )
    assert (lines.points, lines.values) == (2, 3)


def test_a_sample_that_was_not_taken_is_not_written() -> None:
    node = NodeDouble("motors-a", groups([CURRENT, TEMPERATURE]))

    lines = lines_of(node, [[500, MISSING], [MISSING, MISSING], [MISSING, 3200]])

    assert [(p.fields, p.time_us) for p in points([lines.text.strip().encode()])] == [
        ((("current", "10.00"),), 1763755201000000),
        ((("winding_temperature", "100.0000"),), 1763755201020000),
    ]
    assert (lines.points, lines.values) == (2, 2)


def test_a_faulty_channel_never_writes_the_plain_field() -> None:
    node = NodeDouble("motors-a", groups([CURRENT, TEMPERATURE]))

    lines = lines_of(node, [[500, 3200], [500, MISSING]], statuses=[OK, OPEN])

    assert [p.fields for p in points([lines.text.strip().encode()])] == [
        (("current", "10.00"),),
        (("winding_temperature_suspect", "100.0000"), ("winding_temperature_status", f"{OPEN}i")),
        (("current", "10.00"),),
        (("winding_temperature_status", f"{OPEN}i"),),
    ]
    assert (lines.points, lines.values) == (4, 5)


def test_a_faulty_channel_is_suspect_however_plausible_its_values() -> None:
    node = NodeDouble("motors-a", groups([CURRENT, TEMPERATURE]))

    lines = lines_of(node, [[500, 3200]], statuses=[STUCK, OK])

    assert [p.fields for p in points([lines.text.strip().encode()])] == [
        (("current_suspect", "10.00"), ("current_status", f"{STUCK}i")),
        (("winding_temperature", "100.0000"),),
    ]


@pytest.mark.parametrize(
    ("raw", "field"),
    [(9600, "winding_temperature"), (9601, "winding_temperature_suspect"),
     (-1920, "winding_temperature"), (-1921, "winding_temperature_suspect")],
)  # fmt: skip
def test_a_value_beyond_what_a_healthy_machine_shows_is_suspect(raw: int, field: str) -> None:
    node = NodeDouble("motors-a", groups([TEMPERATURE]))

    (point,) = points([lines_of(node, [[raw]]).text.strip().encode()])

    assert point.fields[0][0] == field
    if field.endswith("_suspect"):
        assert point.fields[1] == ("winding_temperature_status", f"{OUT_OF_RANGE}i")


def test_a_sensor_fault_is_told_before_its_implausible_value() -> None:
    node = NodeDouble("motors-a", groups([TEMPERATURE]))

    (point,) = points([lines_of(node, [[30000]], statuses=[NO_ANSWER]).text.strip().encode()])

    assert point.fields[1] == ("winding_temperature_status", f"{NO_ANSWER}i")


@given(
    st.lists(st.lists(st.integers(-9000, 9000), min_size=3, max_size=3), min_size=2, max_size=5),
    st.integers(0, 4),
)
def test_a_bad_row_changes_nothing_in_its_neighbours(rows: list[list[int]], bad: int) -> None:
    table = groups([CURRENT, channel("motor.current", place(MOTOR, 2), 1_000_000, 5), TEMPERATURE])
    rows = [[current, other, abs(temperature)] for current, other, temperature in rows]
    bad %= len(rows)
    broken = [row if k != bad else [MISSING] * 3 for k, row in enumerate(rows)]

    sound = lines_of(NodeDouble("motors-a", table), rows).text.splitlines()

    kept = lines_of(NodeDouble("motors-a", table), broken).text.splitlines()
    assert kept == sound[: 3 * bad] + sound[3 * bad + 3 :]


def test_a_guessed_time_is_never_written_as_a_sure_one() -> None:
    node = NodeDouble("motors-a", groups([CURRENT]))
    health = parse_up(split(node.health(5000, 0, [1])).payload)
    assert isinstance(health, Health)
    writer = LineWriter("TE33A-0001")

    guessed = [
        lines_of(node, [[1]], clock=GUESSED),
        lines_of(node, [[1]], statuses=[OPEN], clock=GUESSED),
        writer.health("motors-a", health, Lost(0, 0), GUESSED),
        writer.told("removed", {"gaps": 1}, 1_763_755_200_000_000),
        writer.started(3, 1_763_755_200_000_000),
    ]
    for lines in guessed:
        (point,) = points([lines.text.strip().encode()])
        assert ("clock", "estimated") in point.tags

    for lines in (lines_of(node, [[1]]), writer.health("motors-a", health, Lost(0, 0), SURE)):
        (point,) = points([lines.text.strip().encode()])
        assert "time" not in dict(point.tags)


def test_two_sensors_of_one_quantity_at_one_place_stay_apart() -> None:
    second = channel("motor.current", place(MOTOR, 1), 10_000_000)
    node = NodeDouble("motors-a", groups([CURRENT, second], [second]))

    both = lines_of(node, [[500, 1000]])
    third = lines_of(node, [[1000]], group=1)

    assert [dict(p.tags).get("channel") for p in points([both.text.strip().encode()])] == [
        None,
        "1",
    ]
    assert [dict(p.tags).get("channel") for p in points([third.text.strip().encode()])] == ["2"]


def test_drift_reaches_the_timestamps() -> None:
    node = NodeDouble("motors-a", groups([CURRENT], period_ms=1000))
    drifting = ClockRecord("motors-a", 1, 1_000_000, 1_763_755_200_000_000, 50_000, 0, True)

    lines = lines_of(node, [[1], [2], [3]], clock=drifting)

    assert [p.time_us for p in points([lines.text.strip().encode()])] == [
        1_763_755_200_000_000,
        1_763_755_201_000_050,
        1_763_755_202_000_100,
    ]


@given(st.integers(1, 999), st.integers(0, 5000), st.sampled_from([1, 10, 1000]))
def test_rows_that_a_correction_puts_on_one_microsecond_stay_two_points(
    rows_apart: int, number: int, period_ms: int
) -> None:
    node = NodeDouble("motors-a", groups([CURRENT], period_ms=period_ms))
    table = table_of(node)
    group = table.groups[0]
    writer = LineWriter("TE33A-0001")
    correction_us = rows_apart * period_ms * 1000
    before = ClockRecord("motors-a", 1, 0, 1_763_755_200_000_000, 0, 500, trusted=True)
    after = ClockRecord("motors-a", 1, 0, before.utc_us - correction_us, 0, 500, trusted=True)

    def point_of(row: int, clock: ClockRecord) -> Point:
        block = row_of(group, row * period_ms, row)
        (point,) = points([writer.rows("motors-a", table, block, clock).text.strip().encode()])
        return point

    first, second = point_of(number, before), point_of(number + rows_apart, after)
    assert first.time_us == second.time_us
    assert first.time_ns != second.time_ns


@given(
    st.sampled_from(sorted(QUANTITIES)),
    st.integers(1, 1 << 40) | st.sampled_from([10**k for k in range(13)]),
    st.integers(-(10**13), 10**13),
    st.integers(-32767, 32767),
)
def test_a_written_value_is_within_a_fiftieth_of_a_step(
    number: int, scale: int, offset: int, raw: int
) -> None:
    one = Channel(number, place(LOCOMOTIVE), scale, offset, 0)
    group = GroupTable(0, 0, 10, (one,))
    block = row_of(group, 0, raw)

    text = LineWriter("L").rows("n", ChannelTable(0, {0: group}), block, SURE).text

    exact = (raw * one.scale + one.offset) * Fraction(10) ** QUANTITIES[number].exponent
    step = scale * Fraction(10) ** QUANTITIES[number].exponent
    (point,) = points([text.strip().encode()])
    assert abs(Fraction(point.fields[0][1]) - exact) < step / 50
    assert decimals(one) <= 9


def test_health_carries_every_field_a_node_told_and_what_it_lost() -> None:
    node = NodeDouble("motors-a", groups([CURRENT]), boot=77)
    told: list[int | None] = [None, *range(1, len(HEALTH_FIELDS)), 12345]
    health = parse_up(split(node.health(5000, 0, told)).payload)
    assert isinstance(health, Health)

    lines = LineWriter("TE33A-0001").health("motors-a", health, Lost(9, 540), SURE)

    (point,) = points([lines.text.strip().encode()])
    assert point.measurement == "node"
    assert point.tags == (("locomotive", "TE33A-0001"), ("node", "motors-a"))
    assert point.time_us == 1_763_755_205_000_000
    assert dict(point.fields) == {
        **{name: f"{k}i" for k, name in enumerate(HEALTH_FIELDS) if k},
        "boot": "77i",
        "lost_messages": "9i",
        "lost_samples": "540i",
        "clock_error_us": "500i",
    }
    guessed = LineWriter("TE33A-0001").health("motors-a", health, Lost(9, 540), GUESSED)
    assert "clock_error_us" not in guessed.text
    assert lines.values == len(HEALTH_FIELDS) + 3
