"""A server that lost data gets it again: the same lines, from a point in time, as far as kept."""

from pathlib import Path

import pytest
from manual_clock import ManualClock

from gateway.forward import (
    Answer,
    Forwarder,
    Replay,
    Verdict,
    plan_replay,
)
from gateway.forward.progress import LATE, REPLAYED, Progress, Stretch
from gateway.spool import Limits, Position, make_room
from gateway.spool.errors import SpoolLockedError
from hil.line_protocol import points

from .feed import SERVER, Feed, drain, lines_of
from .feed import forwarder_of as feed_forwarder
from .influx_double import SinkDouble
from .line_reader import check_samples
from .node_double import FilledSpool

MINUTE_US = 60_000_000


def forwarder_of(spool: FilledSpool, sink: SinkDouble) -> Forwarder:
    return feed_forwarder(spool, sink, batch_values=200, live_bytes=8_000)


def drained(feed: Feed, clock: ManualClock, count: int) -> tuple[SinkDouble, Forwarder]:
    """Readings of so many times ten minutes, all sent at once in the end."""
    feed.begin()
    minutes(feed, clock, count)
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    drain(forwarder, clock)
    return sink, forwarder


def minutes(
    feed: Feed, clock: ManualClock, count: int, forwarder: Forwarder | None = None
) -> None:
    """Readings each ten minutes, committed, and sent where there is a forwarder."""
    for _ in range(count):
        feed.t_ms = (clock.utc_us() - feed.booted_us) // 1000
        feed.read(60)
        feed.spool.commit()
        if forwarder is not None:
            drain(forwarder, clock)
        clock.advance_us(10 * MINUTE_US)


def replay(forwarder: Forwarder, clock: ManualClock, since_us: int) -> Replay:
    answer = forwarder.ask_replay(since_us)
    forwarder.step()
    return answer.result(timeout=0)


def data_of(bodies: list[bytes]) -> list[bytes]:
    """Without what is told of the sending itself."""
    return [line for line in lines_of(bodies) if not line.startswith(b"gateway")]


def test_a_replay_sends_the_same_lines_again_and_no_older_ones(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    minutes(feed, clock, 6, forwarder)
    first = data_of(sink.accepted)
    sink.accepted.clear()
    since_us = clock.utc_us() - 25 * MINUTE_US

    answer = replay(forwarder, clock, since_us)

    assert forwarder.state().state == "sending"
    drain(forwarder, clock)
    again = data_of(sink.accepted)
    assert set(again) <= set(first)
    wanted = [s for s in feed.expected if s.time_us >= since_us]
    arrived = {p.time_us for p in points(again) if p.measurement == "motor"}
    assert {sample.time_us for sample in wanted} <= arrived
    assert min(arrived) > feed.expected[len(feed.expected) // 3].time_us
    assert (answer.oldest_us, answer.forgotten_us) == (None, None)
    assert answer.bytes > 0
    marks = [p for p in points(sink.accepted) if ("reason", "replayed") in p.tags]
    assert marks
    assert [p for p in points(sink.accepted) if ("reason", "late") in p.tags] == []
    forwarder.close()


def test_new_data_does_not_wait_for_a_replay(feed: Feed, clock: ManualClock) -> None:
    sink, forwarder = drained(feed, clock, 6)
    replay(forwarder, clock, clock.utc_us() - 3600 * 1_000_000)
    sink.accepted.clear()
    minutes(feed, clock, 1)

    forwarder.step()

    assert min(p.time_us for p in points(sink.accepted) if p.measurement == "motor") == (
        feed.expected[-180 * 4].time_us
    )
    forwarder.close()


def test_what_went_out_late_is_replayed_though_it_was_received_long_before(
    feed: Feed, clock: ManualClock
) -> None:
    """The server died just after a backlog of hours had been drained into it."""
    sink, forwarder = drained(feed, clock, 12)
    first = data_of(sink.accepted)
    sink.accepted.clear()

    answer = replay(forwarder, clock, clock.utc_us() - MINUTE_US)
    drain(forwarder, clock)

    assert (answer.oldest_us, answer.forgotten_us) == (None, None)
    assert set(data_of(sink.accepted)) == set(first)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_a_replay_survives_a_kill(feed: Feed, clock: ManualClock) -> None:
    sink, forwarder = drained(feed, clock, 6)
    forwarder.close()
    first = data_of(sink.accepted)
    down = SinkDouble(lambda body: Answer(Verdict.UNREACHABLE, "away"))
    forwarder = forwarder_of(feed.spool, down)
    forwarder.step()
    replay(forwarder, clock, clock.utc_us() - 3600 * 1_000_000)

    killed = forwarder_of(feed.spool, again := SinkDouble())
    drain(killed, clock)

    assert set(data_of(again.accepted)) == set(first)
    for each in (forwarder, killed):
        each.close()


def test_a_replay_of_more_than_the_spool_has_says_so(tmp_path: Path, clock: ManualClock) -> None:
    with FilledSpool(tmp_path, clock, segment_bytes=12_000) as spool:
        feed = Feed(spool)
        feed.begin()
        since_us = clock.utc_us()
        minutes(feed, clock, 12)
        sink = SinkDouble()
        forwarder = forwarder_of(spool, sink)
        drain(forwarder, clock)
        forwarded, unsent = forwarder.acknowledged, forwarder.progress.unsent_in
        removed = make_room(spool.spool.writer, Limits(25_000, 0), forwarded, unsent)
        assert removed
        assert sum(segment.messages_lost for segment in removed) == 0
        first = data_of(sink.accepted)
        sink.accepted.clear()

        answer = replay(forwarder, clock, since_us)
        drain(forwarder, clock)

        assert answer.oldest_us is not None
        arrived = [p.time_us for p in points(data_of(sink.accepted)) if p.measurement == "motor"]
        assert min(arrived) >= answer.oldest_us - 1000
        assert max(arrived) == feed.expected[-1].time_us
        assert set(data_of(sink.accepted)) <= set(first)
        forwarder.close()


def test_a_replay_that_lacks_rows_since_tells_no_smaller_account(
    feed: Feed, clock: ManualClock
) -> None:
    """A stretch that was damaged after it went out is missed in the replay; the account stays."""
    sink, forwarder = drained(feed, clock, 6)
    segment = feed.spool.folder / "0000000001.seg"
    data = bytearray(segment.read_bytes())
    data[data.index(b"motors-a", 9_000)] ^= 0xFF
    segment.write_bytes(data)
    told = {line for line in data_of(sink.accepted) if line.startswith(b"axlebox_audit")}
    first = set(data_of(sink.accepted))
    sink.accepted.clear()

    replay(forwarder, clock, clock.utc_us() - 3 * 3600 * 1_000_000)
    drain(forwarder, clock)

    again = set(data_of(sink.accepted))
    assert told
    assert again < first
    forwarder.close()


def test_two_replays_are_one_and_what_was_never_sent_stays_late() -> None:
    def at(offset: int) -> Position:
        return Position(3, offset)

    progress = Progress(live=at(1000), behind=(Stretch(at(300), at(500), LATE),))
    progress = progress.replay([(at(100), at(350)), (at(450), at(700))])
    progress = progress.replay([(at(600), at(2000))])

    assert progress.behind == (
        Stretch(at(100), at(300), REPLAYED),
        Stretch(at(300), at(500), LATE),
        Stretch(at(500), at(1000), REPLAYED),
    )
    assert progress.unsent_from == at(300)
    assert progress.unsent_in(3) == [(300, 500), (1000, None)]
    assert progress.unsent_in(2) == []
    assert progress.unsent_in(4) == [(32, None)]


def test_what_went_out_late_is_forgotten_one_day_and_says_so() -> None:
    progress = Progress(live=Position(9, 0))
    for number in range(200):
        progress = progress.note_late(
            Position(1, number * 10), Position(1, number * 10 + 5), number
        )

    assert len(progress.sent_late) == 64
    assert progress.forgotten_us == 135
    assert progress.late_since(150)[0] == (Position(1, 1500), Position(1, 1505))


def test_stretches_that_follow_each_other_are_one_for_ten_minutes() -> None:
    progress = Progress()
    for number in range(15):
        begin, end = Position(1, number * 10), Position(1, number * 10 + 10)
        progress = progress.note_late(begin, end, number * MINUTE_US)

    assert [(one.start.offset, one.end.offset) for one in progress.sent_late] == [
        (0, 100),
        (100, 150),
    ]


def test_without_a_gateway_the_next_run_replays(feed: Feed, clock: ManualClock) -> None:
    _, forwarder = drained(feed, clock, 6)
    forwarder.close()
    folder = feed.spool.folder
    since_us = clock.utc_us() - 3600 * 1_000_000
    with pytest.raises(SpoolLockedError, match="in use by another gateway"):
        plan_replay(folder, SERVER, since_us)
    feed.spool.spool.close()

    answer = plan_replay(folder, SERVER, since_us)
    assert answer.bytes > 0
    assert plan_replay(folder, "another", since_us).bytes == 0

    again = SinkDouble()
    forwarder = forwarder_of(feed.spool, again)
    drain(forwarder, clock)
    forwarder.close()
    check_samples(again.accepted, feed.expected)
