"""What is lost is told on the server, and blocks nothing."""

from pathlib import Path

import msgspec
import pytest
from manual_clock import ManualClock

from gateway.ledger import Run, account_of
from gateway.spool import Gap, Kind, Limits, Thinner, make_room
from gateway.spool.format import COMPACT_HEADER_BYTES, HEADER_BYTES, Position, segment_path
from hil.line_protocol import points

from .feed import BOOTED_US, SAMPLES, Feed, drain, forwarder_of
from .influx_double import SinkDouble
from .line_reader import check_samples
from .node_double import (
    LOCOMOTIVE,
    UTC_US,
    FilledSpool,
)


def test_segments_that_were_removed_unsent_are_told_as_a_gap(
    tmp_path: Path, clock: ManualClock
) -> None:
    with FilledSpool(tmp_path, clock, segment_bytes=3000) as spool:
        feed = Feed(spool)
        feed.begin()
        first = SinkDouble()
        forwarder = forwarder_of(spool, first)
        feed.read(1)
        spool.commit()
        drain(forwarder, clock)
        forwarder.close()
        for _ in range(40):
            feed.read(5)
            spool.commit()
        removed = make_room(spool.spool.writer, Limits(9000, 0), forwarder.acknowledged)
        lost = sum(segment.messages_lost for segment in removed)
        assert lost > 0

        second = SinkDouble()
        forwarder = forwarder_of(spool, second)
        drain(forwarder, clock)
        forwarder.close()

        assert forwarder.passed_segments == len(removed)
        told = [dict(p.fields) for p in points(second.accepted) if p.measurement == "gateway"]
        assert sum(int(gap["gap_messages"][:-1]) for gap in told) == lost
        check_samples(
            first.accepted + second.accepted,
            feed.expected[:12] + feed.expected[12 * (1 + lost) :],
        )
        assert not forwarder.records_unreadable


def test_what_the_disk_lost_with_the_cursor_is_told(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """No record tells of it, and nobody knows any more what the server had."""
    with FilledSpool(tmp_path, clock, segment_bytes=3000) as spool:
        feed = Feed(spool)
        feed.begin()
        for _ in range(40):
            feed.read(5)
            spool.commit()
        for number in (1, 2):
            segment_path(tmp_path, number).unlink()
        forwarder = forwarder_of(spool, SinkDouble())
        drain(forwarder, clock)
        forwarder.close()
        assert forwarder.passed_segments == 2
        assert "2 segments before 3:32 are gone" in caplog.text
        again = forwarder_of(spool, SinkDouble())
        drain(again, clock)
        again.close()
        assert again.passed_segments == 0


def test_what_was_thinned_unsent_is_a_gap_of_the_store_and_no_loss_of_the_node(
    tmp_path: Path, clock: ManualClock
) -> None:
    with FilledSpool(tmp_path, clock, segment_bytes=3000) as spool:
        feed = Feed(spool)
        feed.begin()
        for _ in range(40):
            feed.read(5)
            spool.commit()
            told: list[int | None] = [None] * SAMPLES + [len(feed.expected)]
            oldest = feed.node.sequence
            spool.message(feed.node.health(feed.t_ms, oldest, told))
            spool.commit()
        writer = spool.spool.writer
        thinner = Thinner(writer.storage, spool.folder, account_of)
        make_room(writer, Limits(writer.total_bytes, 0), None, thinner=thinner)
        thinned = writer.metrics.messages_thinned
        assert 20 < thinned < 200
        sink = SinkDouble()
        forwarder = forwarder_of(spool, sink)
        drain(forwarder, clock)
        forwarder.close()

    found = points(sink.accepted)
    gaps = [p for p in found if p.measurement == "gateway" and ("reason", "thinned") in p.tags]
    assert sum(int(dict(p.fields)["gap_messages"][:-1]) for p in gaps) == thinned
    healths = [dict(p.fields) for p in found if p.measurement == "node"]
    assert len(healths) == 40
    assert {(h["lost_messages"], h["lost_samples"]) for h in healths} == {("0i", "0i")}


def test_the_backlog_is_what_thinned_segments_still_hold(
    tmp_path: Path, clock: ManualClock
) -> None:
    with FilledSpool(tmp_path, clock, segment_bytes=3000) as spool:
        feed = Feed(spool)
        feed.begin()
        for _ in range(40):
            feed.read(5)
            spool.message(feed.node.health(feed.t_ms, feed.node.sequence, [None]))
            spool.commit()
        writer = spool.spool.writer
        count = writer.committed.segment
        forwarder = forwarder_of(spool, SinkDouble())
        whole = forwarder.state().backlog_bytes
        assert whole == writer.total_bytes - count * HEADER_BYTES
        thinner = Thinner(writer.storage, spool.folder, account_of)
        make_room(writer, Limits(writer.total_bytes, 0), None, thinner=thinner)
        thinned = writer.metrics.segments_thinned
        assert thinned > 0
        left = writer.total_bytes - count * HEADER_BYTES
        left -= thinned * (COMPACT_HEADER_BYTES - HEADER_BYTES)
        assert forwarder.state().backlog_bytes == left < whole
        forwarder.close()
        parts = [
            spool.log.bytes_between(Position(1, since), Position(1, since + 500))
            for since in (32, 532)
        ]
        assert sum(parts) == pytest.approx(spool.log.bytes_between(None, Position(1, 1032)), abs=1)
        assert 0 < parts[0] < 500


def test_health_and_messages_that_never_came_reach_the_server(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    feed.read(2)
    feed.node.skip(5)
    told = [100, None, 7] + [None] * (SAMPLES - 3) + [len(feed.expected) + 60]
    feed.spool.message(feed.node.health(2000, 8, told))
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    (health,) = [point for point in points(sink.accepted) if point.measurement == "node"]
    assert dict(health.fields) == {
        "heap_free_bytes": "100i",
        "loop_lag_max_us": "7i",
        "clock_error_us": "560i",
        "samples": f"{len(feed.expected) + 60}i",
        "boot": f"{feed.node.boot}i",
        "lost_messages": "5i",
        "lost_samples": "60i",
    }
    assert health.time_us == BOOTED_US + 2_000_000
    forwarder.close()


def test_gaps_of_one_moment_are_summed_up_by_reason(feed: Feed, clock: ManualClock) -> None:
    """Points of equal time and tags would overwrite each other."""
    for gap in (
        Gap("removed", 1, 32, 1000, 10),
        Gap("removed", 2, 32, 500, 5),
        Gap("damaged", 3, 32, 77),
    ):
        feed.spool.append(Kind.GAP, msgspec.json.encode(gap))
    clock.advance_us(1_000_000)
    feed.spool.append(Kind.GAP, msgspec.json.encode(Gap("removed", 4, 32, 1, 1)))
    feed.spool.append(Kind.RUN, msgspec.msgpack.encode(Run(3, "0.1.0", LOCOMOTIVE)))
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink, batch_values=1)

    drain(forwarder, clock)

    told = [
        (dict(point.tags).get("reason"), dict(point.fields), point.time_us)
        for point in points(sink.accepted)
    ]
    assert sorted(told, key=str) == sorted(
        [
            ("removed", {"gaps": "2i", "gap_bytes": "1500i", "gap_messages": "15i"}, UTC_US),
            ("damaged", {"gaps": "1i", "gap_bytes": "77i"}, UTC_US),
            (
                "removed",
                {"gaps": "1i", "gap_bytes": "1i", "gap_messages": "1i"},
                UTC_US + 1_000_000,
            ),
            (None, {"run": "3i"}, UTC_US + 1_000_000),
        ],
        key=str,
    )
    forwarder.close()


def test_readings_without_a_table_are_told_as_a_gap_and_block_nothing(
    feed: Feed, clock: ManualClock
) -> None:
    feed.node.hello()
    lost = feed.node.readings(0, [[1, 2, 3]])
    feed.spool.message(lost)
    feed.begin()
    feed.read(2)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    check_samples(sink.accepted, feed.expected)
    (gap,) = [point for point in points(sink.accepted) if point.measurement == "gateway"]
    assert ("reason", "no_table") in gap.tags
    assert dict(gap.fields)["gap_messages"] == "1i"
    assert forwarder.records_unreadable == {"no_table": 1}
    forwarder.close()


def test_a_damaged_record_costs_itself_alone(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(10)
    feed.spool.commit()
    segment = feed.spool.folder / "0000000001.seg"
    data = bytearray(segment.read_bytes())
    broken = data.rindex(b"motors-a", 0, len(data) - 600)
    data[broken] ^= 0xFF
    segment.write_bytes(data)
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    arrived = {point.time_us for point in points(sink.accepted)}
    kept = [sample for sample in feed.expected if sample.time_us in arrived]
    assert len(kept) == len(feed.expected) - 12
    check_samples(sink.accepted, kept)
    (gap,) = [point for point in points(sink.accepted) if point.measurement == "gateway"]
    assert ("reason", "damaged") in gap.tags
    forwarder.close()
