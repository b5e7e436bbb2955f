"""How often the forwarder parses a message of a backlog: reading is a large part of its work."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from axwire.codes import HEALTH_FIELDS
from axwire.cose import split
from manual_clock import ManualClock

from gateway import ledger, quick
from gateway.forward import telling
from gateway.spool import Kind, Record, read_records

from .feed import Feed, drain, forwarder_of
from .influx_double import SinkDouble
from .line_reader import check_samples
from .node_double import FilledSpool


@pytest.fixture
def parsed(monkeypatch: pytest.MonkeyPatch) -> Counter[bytes]:
    """How often each payload was parsed, in both modules where the forwarder comes to do it."""
    counts: Counter[bytes] = Counter()

    def parse(payload: bytes) -> Any:
        counts[payload] += 1
        return quick.parse(payload)

    for module in (telling, ledger):
        monkeypatch.setattr(module, "parse", parse)
    return counts


def messages_of(folder: Path) -> list[Record]:
    return [record for record in read_records(folder) if record.kind == Kind.MESSAGE]


def payloads_of(records: list[Record]) -> set[bytes]:
    return {bytes(split(record.body).payload) for record in records}


def test_draining_a_backlog_parses_each_message_once(
    feed: Feed, clock: ManualClock, parsed: Counter[bytes]
) -> None:
    feed.begin()
    for _ in range(6):
        feed.read(10)
        nothing: list[int | None] = [0] * len(HEALTH_FIELDS)
        feed.spool.message(feed.node.health(feed.t_ms, 0, nothing))
        feed.spool.message(feed.node.thinned(feed.t_ms, [[0] * 3] * 3, 12))
    feed.spool.commit()
    parsed.clear()

    drain(forwarder_of(feed.spool, SinkDouble()), clock)
    assert parsed == Counter(payloads_of(messages_of(feed.spool.folder)))


def test_newest_first_parses_twice_only_what_lies_between_a_snapshot_and_its_start(
    tmp_path: Path, clock: ManualClock, parsed: Counter[bytes]
) -> None:
    with FilledSpool(tmp_path, clock, segment_bytes=16 * 1024) as spool:
        feed = Feed(spool)
        feed.begin()
        for _ in range(5):
            feed.read(300)
            spool.commit()
        clock.advance_us(300_000_000)
        feed.t_ms += 300_000
        feed.read(2)
        spool.commit()
        parsed.clear()

        sink = SinkDouble()
        forwarder = forwarder_of(spool, sink, batch_values=1000, live_bytes=8_000)
        forwarder.step()
        start = forwarder.progress.behind[0].end
        drain(forwarder, clock)
        check_samples(sink.accepted, feed.expected)

        snapshot = spool.log.newest_state(start)
        assert snapshot is not None
        messages = messages_of(tmp_path)
        folded = [one for one in messages if snapshot < one.start < start]
        assert 0 < len(folded) < len(messages) / 2
        expected = Counter(payloads_of(messages)) + Counter(payloads_of(folded))
        (hello,) = payloads_of(messages[:1])  # every snapshot has it, too
        del parsed[hello], expected[hello]
        assert parsed == expected
