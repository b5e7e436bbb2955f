"""Which time a row gets on the server, and that a guessed one is marked."""

from manual_clock import ManualClock

from gateway.spool import Kind
from hil.line_protocol import points

from .feed import BOOTED_US, TABLE, Feed, drain, forwarder_of, lines_of
from .influx_double import SinkDouble
from .line_reader import check_samples
from .node_double import (
    UTC_US,
    NodeDouble,
)


def test_rows_before_the_first_clock_record_get_its_time(feed: Feed, clock: ManualClock) -> None:
    feed.begin(clock=False)
    feed.read(3)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    forwarder.step()
    assert forwarder.step() <= clock.monotonic_us() + 1_000_000
    assert sink.requests == []

    clock.advance_us(300_000)
    feed.give_clock()
    feed.read(2)
    feed.spool.commit()
    drain(forwarder, clock)

    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_rows_of_a_silent_clock_go_out_estimated_after_ten_seconds(
    feed: Feed, clock: ManualClock
) -> None:
    feed.booted_us = UTC_US - 1030_000
    feed.estimated = True
    feed.begin(clock=False)
    feed.read(1)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    began_us = clock.utc_us()

    drain(forwarder, clock)

    assert 10_000_000 < clock.utc_us() - began_us <= 16_000_000
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_a_step_of_the_wall_clock_cuts_no_wait_short(feed: Feed, clock: ManualClock) -> None:
    """GNSS sets the clock an hour on just after a row came: its clock record is on its way."""
    feed.begin(clock=False)
    feed.read(3)
    feed.spool.commit()
    feed.give_clock()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    forwarder.step()
    clock.step_wall_us(3_600_000_000)

    forwarder.step()
    assert sink.requests == []

    feed.spool.commit()
    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_nothing_is_guessed_while_a_slow_disk_keeps_records_back(
    feed: Feed, clock: ManualClock
) -> None:
    """The record of the row's clock may be among them."""
    feed.begin(clock=False)
    feed.read(3)
    feed.spool.commit()
    feed.give_clock()
    writer = feed.spool.spool.writer
    feed.spool.log.settled = lambda: writer.buffered_bytes == 0
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    for _ in range(30):
        forwarder.step()
        clock.advance_us(1_000_000)
    assert sink.requests == []

    feed.spool.commit()
    drain(forwarder, clock)

    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_other_nodes_data_shows_that_no_clock_will_come(feed: Feed, clock: ManualClock) -> None:
    """What was decided once is decided the same way again, later and with more of the log."""
    feed.booted_us = UTC_US - 1030_000
    feed.estimated = True
    feed.begin(clock=False)
    feed.read(1)
    clock.advance_us(11_000_000)
    other = Feed(feed.spool, NodeDouble("axles", TABLE, boot=5))
    other.begin()
    other.read(1)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    forwarder.step()
    assert forwarder.state().state == "idle"
    check_samples(sink.accepted, feed.expected + other.expected)

    clock.advance_us(5_000_000)
    feed.spool.append(Kind.CLOCK, feed.node.clock(BOOTED_US))
    feed.spool.commit()
    again = SinkDouble()
    other_forwarder = forwarder_of(feed.spool, again)
    drain(other_forwarder, clock)

    assert set(lines_of(again.accepted)) == set(lines_of(sink.accepted))
    forwarder.close()
    other_forwarder.close()


def test_a_boot_that_waits_for_its_clock_holds_nobody_up_for_long(
    feed: Feed, clock: ManualClock
) -> None:
    other = Feed(feed.spool, NodeDouble("axles", TABLE, boot=5))
    other.begin()
    feed.booted_us = UTC_US - 1030_000
    feed.estimated = True
    feed.begin(clock=False)
    feed.read(1)
    other.read(5)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    began_us = clock.utc_us()
    drain(forwarder, clock)

    assert clock.utc_us() - began_us <= 16_000_000
    check_samples(sink.accepted, feed.expected + other.expected)
    forwarder.close()


def test_untrusted_time_is_marked_until_it_is_sure(feed: Feed, clock: ManualClock) -> None:
    feed.begin(clock=False)
    feed.give_clock(trusted=False)
    feed.read(3)
    feed.give_clock(trusted=True)
    feed.read(3)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    check_samples(sink.accepted, feed.expected)
    marks = [("clock", "estimated") in point.tags for point in points(sink.accepted)]
    assert marks == [True] * 36 + [False] * 36
    forwarder.close()


def test_each_row_uses_the_clock_record_before_it(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(2)
    feed.booted_us += 1234
    feed.give_clock()
    feed.read(2)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    check_samples(sink.accepted, feed.expected)
    forwarder.close()
