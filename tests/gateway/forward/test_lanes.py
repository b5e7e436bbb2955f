"""After an outage the newest data goes first, what was left out follows and is told as late."""

import contextlib
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.forward import Answer, CursorFile, Forwarder, Verdict
from gateway.forward.progress import LATE, Progress
from gateway.spool import Limits, make_room
from hil.line_protocol import Point, points

from .feed import (
    SERVER,
    Feed,
    KilledError,
    MortalCursorFile,
    drain,
    kill_at,
    lines_of,
    stored_place,
)
from .feed import forwarder_of as feed_forwarder
from .influx_double import SinkDouble
from .line_reader import check_samples
from .node_double import UTC_US, FilledSpool

DOWN = Answer(Verdict.UNREACHABLE, "no answer")
SECTION_US = 300_000_000


def forwarder_of(
    spool: FilledSpool, sink: SinkDouble, cursor_file: CursorFile | None = None
) -> Forwarder:
    """One that goes on with what is newest where more than 8 kB lie unsent."""
    return feed_forwarder(spool, sink, batch_values=60, cursor_file=cursor_file, live_bytes=8_000)


def outage(feed: Feed, clock: ManualClock, rounds: int = 6) -> None:
    """Readings of half an hour, and what is new then."""
    for _ in range(rounds):
        feed.read(40)
        clock.advance_us(SECTION_US)
        feed.t_ms += SECTION_US // 1000
    feed.read(2)
    feed.spool.commit()


def late(bodies: list[bytes]) -> list[Point]:
    return [p for p in points(bodies) if ("reason", "late") in p.tags]


def times(bodies: list[bytes]) -> list[int]:
    return [point.time_us for point in points(bodies) if point.measurement == "motor"]


def test_what_is_new_goes_first_and_the_rest_follows_marked(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    outage(feed, clock)
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    forwarder.step()
    assert min(times(sink.accepted)) > feed.expected[len(feed.expected) * 3 // 4].time_us
    assert late(sink.accepted) == []
    assert forwarder.state().state == "sending"
    assert forwarder.state().sent_up_to_ms is None

    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    assert forwarder.state().sent_up_to_ms == clock.utc_us() // 1000
    marks = late(sink.accepted)
    assert {name for name, _ in marks[0].fields} == {
        "first_received_ms",
        "last_received_ms",
        "late_messages",
        "late_values",
    }
    told = sum(int(dict(mark.fields)["late_values"][:-1]) for mark in marks)
    assert told >= len(feed.expected) * 3 // 4
    assert forwarder.progress == Progress(
        live=feed.spool.log.committed(), sent_late=forwarder.progress.sent_late
    )
    forwarder.close()


def test_new_data_goes_between_while_the_rest_drains(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    outage(feed, clock)
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    for _ in range(5):
        forwarder.step()
    feed.read(1)
    feed.spool.commit()

    forwarder.step()

    assert times(sink.accepted[-1:]) == [sample.time_us for sample in feed.expected[-12:]]
    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_two_outages_leave_two_stretches_and_both_arrive(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    outage(feed, clock)
    down = False
    sink = SinkDouble(lambda body: DOWN if down else Answer(Verdict.OK))
    forwarder = forwarder_of(feed.spool, sink)
    for _ in range(3):
        forwarder.step()
    down = True
    outage(feed, clock)
    forwarder.step()
    down = False
    clock.advance_us(60_000_000)
    for _ in range(3):
        forwarder.step()

    assert [stretch.reason for stretch in forwarder.progress.behind] == [LATE, LATE]
    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_a_body_that_ends_connections_holds_up_only_its_own_stretch(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    outage(feed, clock)
    bad = str(feed.expected[0].time_us).encode()
    sink = SinkDouble()
    sink.rule = lambda body: Answer(Verdict.RESET if bad in body else Verdict.OK, "cut")
    forwarder = forwarder_of(feed.spool, sink)
    for _ in range(30):
        next_us = forwarder.step()
        clock.advance_us(max(0, next_us - clock.monotonic_us()))
    requests = len(sink.requests)
    while True:
        next_us = forwarder.step()
        if len(sink.requests) > requests:
            break
        clock.advance_us(max(0, next_us - clock.monotonic_us()))
    assert bad in sink.requests[-1]

    feed.read(1)
    feed.spool.commit()
    forwarder.step()

    assert times(sink.accepted[-1:]) == [sample.time_us for sample in feed.expected[-12:]]
    assert forwarder.lines_quarantined == 0
    forwarder.close()


def test_a_server_that_is_away_is_asked_by_one_lane_at_a_time(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    outage(feed, clock)
    sink = SinkDouble(lambda body: Answer(Verdict.BUSY, "busy", 60_000_000))
    forwarder = forwarder_of(feed.spool, sink)

    retry_us = forwarder.step()
    for _ in range(5):
        assert forwarder.step() == retry_us

    assert len(sink.requests) == 1
    forwarder.close()


@settings(max_examples=15, deadline=None)
@given(st.lists(st.tuples(st.integers(1, 25), st.booleans()), min_size=1, max_size=5))
def test_a_kill_at_any_request_of_either_lane_loses_nothing_and_repeats_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory, kills: list[tuple[int, bool]]
) -> None:
    clock = ManualClock(UTC_US)
    with FilledSpool(tmp_path_factory.mktemp("spool"), clock, segment_bytes=20_000) as spool:
        feed = Feed(spool)
        feed.begin()
        outage(feed, clock, rounds=3)
        stored: list[bytes] = []
        for at_request, after_storing in kills:
            sink = SinkDouble()
            sink.rule = kill_at(sink, at_request, stored if after_storing else [], clock)
            cursor_file = MortalCursorFile(spool.folder, SERVER)
            forwarder = forwarder_of(spool, sink, cursor_file)
            with contextlib.suppress(KilledError):
                drain(forwarder, clock)
            cursor_file.dead = True
            forwarder.close()
            stored += sink.accepted
            outage(feed, clock, rounds=1)
        last = SinkDouble()
        forwarder = forwarder_of(spool, last)
        drain(forwarder, clock)
        forwarder.close()
        check_samples(stored + last.accepted, feed.expected)


def test_a_restart_goes_on_with_both_and_sends_little_twice(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    outage(feed, clock)
    first = SinkDouble()
    forwarder = forwarder_of(feed.spool, first)
    for _ in range(6):
        forwarder.step()
    forwarder.close()
    place = stored_place(feed.spool)
    assert place is not None
    assert place < feed.spool.log.committed()

    second = SinkDouble()
    forwarder = forwarder_of(feed.spool, second)
    drain(forwarder, clock)
    forwarder.close()

    check_samples(first.accepted + second.accepted, feed.expected)
    again = set(lines_of(first.accepted)) & set(lines_of(second.accepted))
    assert not [line for line in again if line.startswith(b"motor")]


def test_removed_segments_count_as_lost_only_where_they_were_never_sent(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The newest readings went out, the server is away again, and the disk is short."""
    with FilledSpool(tmp_path, clock, segment_bytes=12_000) as spool:
        feed = Feed(spool)
        feed.begin()
        outage(feed, clock)
        down = False
        sink = SinkDouble(lambda body: DOWN if down else Answer(Verdict.OK))
        forwarder = forwarder_of(spool, sink)
        while forwarder.progress.live < spool.log.committed():
            forwarder.step()
        down = True
        forwarder.step()
        for _ in range(14):
            feed.read(10)
            spool.commit()

        forwarded, unsent = forwarder.acknowledged, forwarder.progress.unsent_in
        removed = make_room(spool.spool.writer, Limits(8_000, 0), forwarded, unsent)
        forwarder.close()
        lost = sum(segment.messages_lost for segment in removed)

        assert spool.log.segments()[0] > forwarder.progress.live.segment
        last = SinkDouble()
        forwarder = forwarder_of(spool, last)
        drain(forwarder, clock)
        forwarder.close()
        arrived = len(times(sink.accepted)) + len(times(last.accepted))
        messages = len(feed.expected) // 12
        assert arrived // 12 + lost - 1 == messages
        told = [dict(p.fields) for p in points(last.accepted) if ("reason", "removed") in p.tags]
        assert sum(int(gap["gap_messages"][:-1]) for gap in told) == lost
