"""What a thinned reading looks like on the server, and how it gets there."""

import pytest
from axwire.codes import HEALTH_FIELDS, OK, OPEN, OUT_OF_RANGE
from axwire.cose import split
from axwire.parse import Thinned, parse_up
from axwire.places import MOTOR, place
from manual_clock import ManualClock

from gateway.forward.lines import Lines, LineWriter
from gateway.thinned import decode_thinned
from hil.line_protocol import Point, points

from .feed import BOOTED_US, SAMPLES, TABLE, Feed, drain, forwarder_of
from .influx_double import SinkDouble
from .node_double import MISSING, NodeDouble, channel, groups
from .test_influx_lines import CURRENT, GUESSED, SURE, TEMPERATURE, table_of

HEAD = "motor,locomotive=TE33A-0001,node=motors-a,place=motor\\ 1,quality=thinned"
SECOND = channel("motor.current", place(MOTOR, 2), 20_000_000)


def lines_of(
    rows: list[list[int]],
    taken: int | list[int],
    statuses: list[int] | None = None,
    *,
    sure: bool = True,
) -> Lines:
    node = NodeDouble("motors-a", groups([CURRENT, TEMPERATURE]))
    table = table_of(node)
    thinned = parse_up(split(node.thinned(1000, rows, taken, statuses=statuses)).payload)
    assert isinstance(thinned, Thinned)
    (summary,) = decode_thinned(thinned, table)
    clock = SURE if sure else GUESSED
    return LineWriter("TE33A-0001").summary(node.name, table, summary, clock)


def points_of(lines: Lines) -> list[Point]:
    return points([lines.text.strip().encode()])


def fields_of(lines: Lines, unit: str) -> dict[str, str]:
    (point,) = [each for each in points_of(lines) if ("unit", unit) in each.tags]
    return dict(point.fields)


def test_minimum_mean_and_maximum_become_one_point_apart_from_single_measurements() -> None:
    assert lines_of([[-500, 3200], [0, 3210], [500, 3220]], [100, 97]) == Lines(
        f"{HEAD},unit=A current=0.00,current_min=-10.00,current_max=10.00,"
        "current_samples=100i,span_ms=990i 1763755201000000100\n"
        f"{HEAD},unit=°C winding_temperature=100.3125,winding_temperature_min=100.0000,"
        "winding_temperature_max=100.6250,winding_temperature_samples=97i,span_ms=990i "
        "1763755201000000100\n",
        points=2,
        values=10,
    )


def test_a_faulty_channel_never_writes_the_plain_field() -> None:
    lines = lines_of([[1, 3200]] * 3, 9, [OK, OPEN])
    assert "current" in fields_of(lines, "A")
    assert fields_of(lines, "°C") == {
        "winding_temperature_suspect": "100.0000",
        "winding_temperature_min_suspect": "100.0000",
        "winding_temperature_max_suspect": "100.0000",
        "winding_temperature_samples": "9i",
        "winding_temperature_status": f"{OPEN}i",
        "span_ms": "990i",
    }


def test_a_channel_without_samples_writes_its_status_alone_or_nothing() -> None:
    rows = [[1, MISSING]] * 3
    assert len(points_of(lines_of(rows, [9, 0]))) == 1
    lines = lines_of(rows, [9, 0], [OK, OPEN])
    told = {"winding_temperature_status": f"{OPEN}i", "span_ms": "990i"}
    assert fields_of(lines, "°C") == told


@pytest.mark.parametrize("row", [0, 2])
def test_one_end_out_of_range_makes_all_suspect(row: int) -> None:
    rows = [[1, 3200], [1, 3200], [1, 3200]]
    rows[row][1] = -1921 if row == 0 else 9601
    fields = fields_of(lines_of(rows, 9), "°C")
    assert fields["winding_temperature_suspect"] == "100.0000"
    assert fields["winding_temperature_status"] == f"{OUT_OF_RANGE}i"
    assert "winding_temperature" not in fields


def test_a_guessed_time_is_marked() -> None:
    for point in points_of(lines_of([[1, 1]] * 3, 9, sure=False)):
        assert ("clock", "estimated") in point.tags


def told(sink: SinkDouble, measurement: str) -> list[Point]:
    return [point for point in points(sink.accepted) if point.measurement == measurement]


def test_thinned_readings_get_their_own_time_and_count_in_the_account(
    feed: Feed, clock: ManualClock
) -> None:
    """Behind live ones in the log, as what comes from flash is."""
    feed.begin()
    feed.read(1)
    rows = [[10, 20, 30], [11, 21, 31], [12, 22, 32]]
    late = feed.node.thinned(60, rows, 100)
    feed.spool.message(late)
    values: list[int | None] = [None] * len(HEALTH_FIELDS)
    values[SAMPLES] = feed.spool.ledger.boot(feed.node.name, feed.node.boot).samples + 305
    feed.spool.message(feed.node.health(9000, feed.node.sequence, values))
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    drain(forwarder, clock)
    forwarder.close()
    summaries = [p for p in told(sink, "motor") if ("quality", "thinned") in p.tags]
    assert [p.time_us for p in summaries] == [BOOTED_US + 60_000] * 3
    assert [dict(p.fields)["current_samples"] for p in summaries] == ["100i"] * 3
    (health,) = told(sink, "node")
    assert dict(health.fields)["lost_samples"] == "5i"
    assert dict(health.fields)["lost_messages"] == "0i"
    assert len(TABLE[0].channels) == 3


def test_thinned_readings_wait_for_their_clock_as_others_do(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin(clock=False)
    feed.spool.message(feed.node.thinned(60, [[1, 2, 3]] * 3, 100))
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    forwarder.step()
    assert sink.requests == []
    clock.advance_us(300_000)
    feed.give_clock()
    feed.spool.commit()
    drain(forwarder, clock)
    forwarder.close()
    assert [point.time_us for point in told(sink, "motor")] == [BOOTED_US + 60_000] * 3
