"""Against a server that does as InfluxDB 3 says of itself; docs/influxdb.md has the sources.

It stores the good lines of a request with bad ones and answers 400; of two writes of one point it
keeps either; columns of a table are tags or fields, of one type each, and `time` is neither; the
organisation means nothing.
"""

import json
import re
from random import Random

import msgspec
import pytest
from axwire.codes import OK, OPEN
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.forward import InfluxSink
from gateway.ledger import Run
from gateway.spool import Gap, Kind
from hil.line_protocol import read_line

from .feed import Feed, drain, forwarder_of
from .influx_double import InfluxDouble, Reply
from .line_reader import check_samples
from .node_double import LOCOMOTIVE, MISSING, UTC_US, FilledSpool


class Tables:
    """What the server holds, and its answer to each request."""

    def __init__(self, random: Random, poison: str = "") -> None:
        self.points: dict[tuple[object, ...], str] = {}
        self._columns: dict[tuple[str, str], str] = {}
        self._random = random
        self._poison = poison

    def take(self, body: bytes) -> Reply:
        refused = []
        for number, line in enumerate(body.decode().split("\n"), 1):
            reason = self._why_not(line)
            if reason:
                refused.append(
                    {"error_message": reason, "line_number": number, "original_line": line}
                )
            else:
                self._store(line)
        if not refused:
            return Reply()
        told = {"error": "partial write of line protocol occurred", "data": refused}
        return Reply(400, json.dumps(told))

    @property
    def lines(self) -> list[bytes]:
        return [line.encode() for line in self.points.values()]

    def _why_not(self, line: str) -> str:
        if self._poison and self._poison in line and not line.startswith("axlebox"):
            return "invalid column type"
        if not re.search(r" -?\d+$", line):
            return ""
        point = read_line(line)
        columns = {name: "tag" for name, _ in point.tags}
        if "time" in columns or "time" in dict(point.fields):
            return "the column time is that of the timestamps"
        for name, value in point.fields:
            if name in columns:
                return f"{name} is a tag and a field"
            columns[name] = "integer" if value.endswith("i") else "float"
        for name, kind in columns.items():
            known = self._columns.setdefault((point.measurement, name), kind)
            if known != kind:
                return f"invalid column type for column '{name}', expected {known}, got {kind}"
        return ""

    def _store(self, line: str) -> None:
        if " probe=" in line:
            return
        point = read_line(line)
        key = (point.measurement, point.tags, point.time_us)
        if key not in self.points or self._random.random() < 0.5:
            self.points[key] = line


def fill(feed: Feed) -> None:
    """Readings of every kind, what is wrong with them, losses, and what the gateway tells."""
    feed.begin(clock=False)
    feed.give_clock(trusted=False)
    feed.read(5)
    feed.give_clock()
    feed.read(20)
    t_ms = feed.t_ms + 1000
    feed.spool.message(feed.node.thinned(60, [[1, 2, 3], [2, 3, 4], [3, 4, 5]], 100))
    feed.spool.message(feed.node.readings(t_ms, [[1, 2, MISSING]], statuses=[OK, OPEN, OPEN]))
    feed.spool.message(feed.node.health(t_ms, 0, [1, 2, 3]))
    feed.spool.append(Kind.GAP, msgspec.json.encode(Gap("removed", 1, 32, 1000, 10)))
    feed.spool.commit()
    feed.spool.clock.advance_us(300_000_000)
    for _ in range(100):
        feed.spool.append(Kind.RUN, msgspec.msgpack.encode(Run(3, "0.1.0", LOCOMOTIVE)))
    feed.spool.commit()


def test_every_line_of_every_kind_is_taken(
    feed: Feed, clock: ManualClock, influx: InfluxDouble
) -> None:
    fill(feed)
    tables = Tables(Random(1))
    influx.rule = tables.take
    sink = InfluxSink(influx.url, "", "axlebox", "token", clock)
    forwarder = forwarder_of(feed.spool, sink)

    drain(forwarder, clock)

    assert forwarder.lines_quarantined == 0
    assert forwarder.retries == {}
    measurements = {key[0] for key in tables.points}
    assert measurements == {"motor", "node", "gateway", "axlebox_audit"}
    forwarder.close()
    sink.close()


@settings(max_examples=5, deadline=None)
@given(st.integers(0, 1 << 32))
def test_repeats_and_partial_writes_leave_each_reading_once_with_its_value(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """One row is refused for ever; the rest goes out three times, and either copy stays."""
    clock = ManualClock(UTC_US)
    influx = InfluxDouble()
    with FilledSpool(tmp_path_factory.mktemp("spool"), clock) as spool:
        feed = Feed(spool)
        feed.begin()
        feed.read(25)
        spool.commit()
        random = Random(seed)
        bad = random.choice(feed.expected)
        tables = Tables(random, poison=str(bad.time_us))
        influx.rule = tables.take
        quarantine: list[bytes] = []
        sink = InfluxSink(influx.url, "", "axlebox", "token", clock)
        for _ in range(3):
            forwarder = forwarder_of(
                spool,
                sink,
                batch_values=random.randrange(1, 150),
                quarantine=lambda line, reason: quarantine.append(line),
            )
            drain(forwarder, clock)
            forwarder.close()
            (spool.folder / "forward.json").unlink()
        sink.close()

    influx.close()
    assert all(str(bad.time_us).encode() in line for line in quarantine)
    assert len(set(quarantine)) == 3
    check_samples(tables.lines, [s for s in feed.expected if s.time_us != bad.time_us])
