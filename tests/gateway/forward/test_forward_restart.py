"""A forwarder that was killed goes on where it stopped: nothing lost, repeats alike."""

import contextlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.forward import (
    Answer,
    CursorFile,
    Verdict,
)
from gateway.forward.progress import Progress
from gateway.spool import Kind, Limits, Position, Priority, make_room

from .feed import (
    SERVER,
    Feed,
    KilledError,
    MortalCursorFile,
    drain,
    forwarder_of,
    kill_at,
    lines_of,
    stored_place,
)
from .influx_double import SinkDouble
from .line_reader import check_samples
from .node_double import (
    UTC_US,
    FilledSpool,
)


@settings(max_examples=40)
@given(
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=8),
    st.integers(1, 150),
    st.sampled_from([700, 2000, 1 << 20]),
)
def test_a_kill_at_any_request_loses_nothing_and_repeats_the_same_bytes(
    tmp_path_factory: pytest.TempPathFactory,
    kills: list[tuple[int, bool]],
    batch_values: int,
    segment_bytes: int,
) -> None:
    """KilledError before or after the server stored a batch; the cursor is stored or is behind."""
    clock = ManualClock(UTC_US)
    with FilledSpool(tmp_path_factory.mktemp("spool"), clock, segment_bytes) as spool:
        feed = Feed(spool)
        feed.begin()
        feed.read(10)
        feed.give_clock()
        feed.read(10, rows=1, group=1)
        spool.commit()
        stored: list[bytes] = []

        for at_request, after_storing in kills:
            run = SinkDouble()
            run.rule = kill_at(run, at_request, stored if after_storing else [], clock)
            cursor_file = MortalCursorFile(spool.folder, SERVER)
            forwarder = forwarder_of(
                spool, run, batch_values=batch_values, cursor_file=cursor_file
            )
            with contextlib.suppress(KilledError):
                drain(forwarder, clock)
            cursor_file.dead = True
            forwarder.close()
            stored += run.accepted

        last = SinkDouble()
        forwarder = forwarder_of(spool, last, batch_values=batch_values)
        drain(forwarder, clock)
        forwarder.close()
        check_samples(stored + last.accepted, feed.expected)


def test_the_cursor_is_never_ahead_of_what_was_acknowledged(
    feed: Feed, clock: ManualClock
) -> None:
    """At every request: what is stored, and what a restart would send, make up everything."""
    feed.begin()
    feed.read(60)
    feed.spool.commit()
    all_lines = _sent_after_a_restart(feed.spool, clock)
    random = Random(7)
    accepted: list[bytes] = []
    cursors = set()

    def answer(body: bytes) -> Answer:
        cursors.add(stored_place(feed.spool))
        assert set(lines_of(accepted)) | _sent_after_a_restart(feed.spool, clock) == all_lines
        clock.advance_us(3_000_000)
        if random.random() < 0.5:
            return Answer(Verdict.UNREACHABLE, "no answer")
        accepted.append(body)
        return Answer(Verdict.OK)

    forwarder = forwarder_of(feed.spool, SinkDouble(answer))
    drain(forwarder, clock)
    forwarder.close()

    assert len(cursors) > 2
    assert set(lines_of(accepted)) == all_lines
    assert stored_place(feed.spool) == feed.spool.log.committed()


def _sent_after_a_restart(spool: FilledSpool, clock: ManualClock) -> set[bytes]:
    """What a forwarder that starts from the stored cursor sends; it stores none itself."""
    cursor_file = MortalCursorFile(spool.folder, SERVER)
    cursor_file.dead = True
    sink = SinkDouble()
    forwarder = forwarder_of(spool, sink, cursor_file=cursor_file)
    drain(forwarder, clock)
    forwarder.close()
    return set(lines_of(sink.accepted))


def test_the_cursor_is_stored_each_ten_seconds_at_most_and_at_the_end(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    forwarder = forwarder_of(feed.spool, SinkDouble())
    stored = []
    for _ in range(25):
        feed.read(1)
        feed.spool.commit()
        drain(forwarder, clock)
        stored.append(stored_place(feed.spool))
        clock.advance_us(1_000_000)

    assert len(set(stored)) == 3
    assert stored[9] is None
    last = forwarder.acknowledged
    assert stored[-1] != last

    assert forwarder.step() <= clock.monotonic_us() + 10_000_000
    forwarder.close()
    assert stored_place(feed.spool) == last


def test_an_idle_forwarder_stores_the_cursor_when_it_is_due(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    feed.read(1)
    feed.spool.commit()
    forwarder = forwarder_of(feed.spool, SinkDouble())
    drain(forwarder, clock)

    clock.advance_us(forwarder.step() - clock.monotonic_us())
    forwarder.step()

    assert stored_place(feed.spool) == feed.spool.log.committed()
    forwarder.close()


def test_a_cursor_that_cannot_be_stored_does_not_stop_forwarding(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    feed.read(3)
    feed.spool.commit()
    (feed.spool.folder / "forward.json").mkdir()
    (feed.spool.folder / "forward.json" / "in the way").touch()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)
    forwarder.close()

    check_samples(sink.accepted, feed.expected)
    assert forwarder.cursor_failures == 1


def test_a_cursor_behind_the_end_of_the_log_does_not_skip_what_comes(
    feed: Feed, clock: ManualClock
) -> None:
    """A disk that lied about a sync lost the end of the log; its place is written again."""
    feed.begin()
    feed.spool.commit()
    end = feed.spool.log.committed()
    CursorFile(feed.spool.folder, SERVER).save(
        Progress(live=Position(end.segment, end.offset + 5000))
    )
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    forwarder.step()
    assert forwarder.acknowledged == end

    feed.read(3)
    feed.spool.commit()
    assert forwarder.state().state == "sending"
    drain(forwarder, clock)

    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_a_restart_in_a_later_segment_still_knows_tables_and_clocks(
    tmp_path: Path, clock: ManualClock
) -> None:
    with FilledSpool(tmp_path, clock, segment_bytes=3000) as spool:
        feed = Feed(spool)
        feed.begin()
        for _ in range(40):
            feed.read(5)
            spool.commit()
        assert len(spool.log.segments()) > 4
        first = SinkDouble()
        forwarder = forwarder_of(spool, first)
        for _ in range(20):
            forwarder.step()
        forwarder.close()
        assert stored_place(spool) is not None

        second = SinkDouble()
        forwarder = forwarder_of(spool, second)
        drain(forwarder, clock)
        forwarder.close()

        check_samples(first.accepted + second.accepted, feed.expected)
        assert not set(lines_of(first.accepted)) & set(lines_of(second.accepted))
        assert not forwarder.records_unreadable


def test_an_unreadable_snapshot_costs_nothing_but_time(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(3)
    feed.spool.spool.writer.append(Kind.STATE, Priority.SERVICE, b"\xc1", clock.utc_us())
    feed.read(1)
    feed.spool.commit()
    first = SinkDouble()
    forwarder = forwarder_of(feed.spool, first)
    drain(forwarder, clock)
    assert forwarder.records_unreadable == {"unreadable": 1}
    forwarder.close()
    feed.read(3)
    feed.spool.commit()

    second = SinkDouble()
    forwarder = forwarder_of(feed.spool, second)
    drain(forwarder, clock)
    forwarder.close()

    check_samples(first.accepted + second.accepted, feed.expected)


def test_a_snapshot_behind_the_cursor_is_not_taken_for_one_before_it(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    feed.read(3)
    feed.spool.commit()
    CursorFile(feed.spool.folder, SERVER).save(Progress(live=feed.spool.log.committed()))
    sent = len(feed.expected)
    feed.read(3)
    feed.spool.append(Kind.STATE, feed.spool.ledger.snapshot())
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)
    forwarder.close()

    check_samples(sink.accepted, feed.expected[sent:])
    assert not forwarder.records_unreadable


def test_a_fresh_start_on_a_log_without_its_beginning_reads_all_that_is_left(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The rows of the oldest segment stand before its snapshot, which has their table."""
    with FilledSpool(tmp_path, clock, segment_bytes=3000) as spool:
        feed = Feed(spool)
        feed.begin()
        for _ in range(40):
            feed.read(5)
            spool.commit()
        removed = make_room(spool.spool.writer, Limits(9000, 0), None)
        lost = sum(segment.messages_lost for segment in removed) - 1

        sink = SinkDouble()
        forwarder = forwarder_of(spool, sink)
        drain(forwarder, clock)
        forwarder.close()

        check_samples(sink.accepted, feed.expected[12 * lost :])
        assert not forwarder.records_unreadable


def test_what_is_kept_when_older_segments_go_tells_the_same_lines(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The board's clock is corrected all the time: a row keeps the one that it went out with."""
    with FilledSpool(tmp_path, clock, segment_bytes=6000) as spool:
        feed = Feed(spool)
        feed.begin()
        for number in range(90):
            feed.read(7)
            spool.append(Kind.CLOCK, feed.node.clock(UTC_US + 1700 * number, t_ms=feed.t_ms))
            if number % 7 == 0:
                spool.commit()
        spool.commit()
        first = SinkDouble()
        forwarder = forwarder_of(spool, first)
        drain(forwarder, clock)
        forwarder.close()
        for kept_bytes in range(66_000, 6_000, -6_000):
            removed = make_room(spool.spool.writer, Limits(kept_bytes, 0), forwarder.acknowledged)
            assert removed
            sink = SinkDouble()
            another = CursorFile(spool.folder, f"another {kept_bytes}")
            again = forwarder_of(spool, sink, cursor_file=another)
            drain(again, clock)
            again.close()
            rows = {line for line in lines_of(sink.accepted) if b"current" in line}
            assert len(rows) > 100
            assert rows <= set(lines_of(first.accepted))


def test_rows_behind_segments_removed_under_a_forwarder_find_their_tables(
    tmp_path: Path, clock: ManualClock
) -> None:
    """The node began another boot in what was removed; the first snapshot behind knows it."""
    with FilledSpool(tmp_path, clock, segment_bytes=3000) as spool:
        feed = Feed(spool)
        feed.begin()
        feed.read(3)
        spool.commit()
        sink = SinkDouble()
        forwarder = forwarder_of(spool, sink)
        drain(forwarder, clock)
        for _ in range(6):
            feed.read(5)
            spool.commit()
        feed.node.boot += 1
        feed.node.sequence = 0
        feed.begin()
        for _ in range(40):
            feed.read(5)
            spool.commit()
        assert make_room(spool.spool.writer, Limits(9000, 0), forwarder.acknowledged)

        drain(forwarder, clock)

        left = {line for line in _sent_after_a_restart(spool, clock) if b"current" in line}
        assert len(left) > 100
        assert left <= set(lines_of(sink.accepted))
        assert not forwarder.records_unreadable
        forwarder.close()
