"""From a real spool to a server: each sample once, whatever the server answers."""

import pytest
from manual_clock import ManualClock

from gateway.forward import (
    Answer,
    CursorFile,
    InfluxSink,
    Verdict,
)
from gateway.forward.batches import Batch, BatchReader
from gateway.state import Forward
from hil.line_protocol import points

from .feed import SERVER, Feed, drain, forwarder_of
from .influx_double import RESET, InfluxDouble, Reply, SinkDouble
from .line_reader import check_samples
from .node_double import (
    UTC_US,
)


def test_every_sample_arrives_once_with_value_unit_tags_and_time(
    feed: Feed, clock: ManualClock, influx: InfluxDouble
) -> None:
    feed.begin()
    feed.read(20)
    feed.read(5, rows=1, group=1)
    feed.spool.commit()
    sink = InfluxSink(influx.url, "depot", "axlebox", None, clock)
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    check_samples(influx.accepted, feed.expected)
    assert len(influx.requests) == 3
    assert (forwarder.batches, forwarder.messages) == (3, 26)
    assert (forwarder.values, forwarder.points) == (len(feed.expected), len(feed.expected))
    forwarder.close()
    sink.close()


def test_a_step_makes_at_most_one_request(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(50)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    for requests in range(1, 5):
        assert forwarder.step() == clock.monotonic_us()
        assert len(sink.requests) == requests
    forwarder.close()


def test_the_next_batch_is_made_while_the_server_answers(
    feed: Feed, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.begin()
    feed.read(20)
    feed.spool.commit()
    happened: list[str] = []
    read = BatchReader.next

    def tell(reader: BatchReader) -> Batch | None:
        happened.append("made")
        return read(reader)

    monkeypatch.setattr(BatchReader, "next", tell)

    def answer(body: bytes) -> Answer:
        happened.append("answered")
        return Answer(Verdict.OK)

    forwarder = forwarder_of(feed.spool, SinkDouble(answer))
    forwarder.step()
    forwarder.step()
    assert happened == ["made", "made", "answered", "made", "answered"]
    drain(forwarder, clock)
    assert happened.count("answered") == 3
    forwarder.close()


def test_what_cannot_be_read_meanwhile_is_read_when_its_turn_comes(
    feed: Feed, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed.begin()
    feed.read(20)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    read = BatchReader.next
    fails = [False, True]

    def fail(reader: BatchReader) -> Batch | None:
        if fails and fails.pop(0):
            raise OSError("the card does not answer")
        return read(reader)

    monkeypatch.setattr(BatchReader, "next", fail)
    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_a_batch_that_was_made_ahead_is_let_go_with_its_stretch(
    feed: Feed, clock: ManualClock
) -> None:
    """Much lies unsent when the first answer comes: what is newest goes before what is ready."""
    feed.begin()
    feed.read(20)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink, live_bytes=30_000)
    forwarder.step()
    for _ in range(6):
        feed.read(60)
        clock.advance_us(300_000_000)
        feed.t_ms += 300_000
    feed.read(1)
    feed.spool.commit()

    forwarder.step()

    newest_us = feed.expected[-1].time_us
    assert max(p.time_us for p in points(sink.accepted[-1:])) == newest_us
    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_only_what_is_committed_is_sent(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(2)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    drain(forwarder, clock)
    sent = list(feed.expected)

    feed.read(3)
    drain(forwarder, clock)
    check_samples(sink.accepted, sent)

    feed.spool.commit()
    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()


def test_the_order_of_the_log_is_kept(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(30)
    feed.spool.commit()
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    times = [point.time_us for point in points(sink.accepted)]
    assert times == sorted(times)
    forwarder.close()


def test_bad_lines_are_told_with_their_reason_and_block_nothing(
    feed: Feed, clock: ManualClock, influx: InfluxDouble
) -> None:
    feed.begin()
    feed.read(10)
    feed.spool.commit()
    bad = [b"current=-9.4000 ", b"current=-3.9600 ", b"current=2.4200 "]
    influx.rule = lambda body: (
        Reply(422, '{"message":"failure writing points: type conflict"}')
        if any(mark in body for mark in bad)
        else Reply()
    )
    quarantine: list[tuple[bytes, str]] = []
    sink = InfluxSink(influx.url, "depot", "axlebox", None, clock)
    forwarder = forwarder_of(
        feed.spool, sink, quarantine=lambda line, reason: quarantine.append((line, reason))
    )

    drain(forwarder, clock)

    told = [line for line, _ in quarantine]
    assert [sum(mark in line for line in told) for mark in bad] == [1, 1, 1]
    assert all("422" in reason and "type conflict" in reason for _, reason in quarantine)
    condemned = {point.time_us: point for point in points(told)}
    kept = [
        sample
        for sample in feed.expected
        if sample.time_us not in condemned or sample.tags != condemned[sample.time_us].tags
    ]
    assert len(kept) == len(feed.expected) - 3
    check_samples(influx.accepted, kept)
    assert forwarder.lines_quarantined == 3
    assert forwarder.state().error is None
    forwarder.close()
    sink.close()


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(401, "no"), "no token is set"),
        (Reply(404, "no"), "there is no bucket axlebox"),
        (Reply(429, "no", {"Retry-After": "3"}), "429"),
        (Reply(503, "no"), "503"),
        (Reply(500, "no"), "500"),
        (RESET, "ended the connection"),
    ],
)
def test_trouble_keeps_everything_shows_why_and_ends(
    feed: Feed, clock: ManualClock, influx: InfluxDouble, reply: Reply, words: str
) -> None:
    feed.begin()
    feed.read(10)
    feed.spool.commit()
    influx.script(reply, reply, reply)
    sink = InfluxSink(influx.url, "depot", "axlebox", None, clock)
    forwarder = forwarder_of(feed.spool, sink)

    forwarder.step()
    waiting = forwarder.state()
    assert waiting.state == "waiting"
    assert waiting.error is not None
    assert words in waiting.error
    assert waiting.waiting_since_ms == UTC_US // 1000
    assert waiting.backlog_bytes == feed.spool.log.bytes_between(None, feed.spool.log.committed())
    assert waiting.backlog_messages > 0
    assert (waiting.oldest_unsent_ms, waiting.sent_bytes) == (UTC_US // 1000, 0)
    assert CursorFile(feed.spool.folder, SERVER).load() is None

    drain(forwarder, clock)

    check_samples(influx.accepted, feed.expected)
    assert sum(forwarder.retries.values()) == 3
    assert forwarder.state() == Forward(
        state="idle",
        backlog_messages=0,
        backlog_bytes=0,
        sent_up_to_ms=UTC_US // 1000,
        sent_bytes=waiting.backlog_bytes,
    )
    forwarder.close()
    sink.close()


def test_a_wait_is_not_cut_short_by_new_commits(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(1)
    feed.spool.commit()
    sink = SinkDouble(lambda body: Answer(Verdict.BUSY, "busy", 60_000_000))
    forwarder = forwarder_of(feed.spool, sink)
    retry_us = forwarder.step()
    assert retry_us == clock.monotonic_us() + 60_000_000

    for _ in range(59):
        clock.advance_us(1_000_000)
        feed.read(1)
        feed.spool.commit()
        assert forwarder.step() == retry_us

    assert len(sink.requests) == 1
    forwarder.close()


def test_a_spool_that_cannot_be_read_is_said_and_tried_again(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    feed.read(3)
    feed.spool.commit()
    segment = feed.spool.folder / "0000000001.seg"
    hidden = feed.spool.folder / "hidden"
    segment.rename(hidden)
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)

    next_us = forwarder.step()
    state = forwarder.state()
    assert state.state == "waiting"
    assert state.error is not None
    assert "the spool cannot be read" in state.error
    assert next_us > clock.monotonic_us()

    hidden.rename(segment)
    drain(forwarder, clock)
    check_samples(sink.accepted, feed.expected)
    forwarder.close()
