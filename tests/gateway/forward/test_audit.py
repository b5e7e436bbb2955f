"""What was sent can be checked by node and hour, and a repeat is never counted twice."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from random import Random

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from manual_clock import ManualClock

from gateway.forward import Answer, Verdict
from gateway.forward.audit import HOUR_US, section_at
from gateway.forward.lines import LineWriter
from gateway.forward.log import Log
from gateway.ledger import SERVER_REFUSED, Quarantined, Run
from gateway.spool import Kind, Position
from hil.line_protocol import points

from .feed import SAMPLES, TABLE, Feed, drain, forwarder_of
from .influx_double import SinkDouble
from .node_double import LOCOMOTIVE, UTC_US, FilledSpool, NodeDouble

WINDOW_US = 300_000_000


class Store:
    """A server's store: a point of equal measurement, tags and time is held once."""

    def __init__(self, bodies: Iterable[bytes]) -> None:
        self.values: dict[tuple[object, ...], str] = {}
        self.counted: Counter[tuple[str, int]] = Counter()
        self.told: dict[str, Counter[tuple[str, int]]] = {}
        for point in points(bodies):
            for name, value in point.fields:
                key = (point.measurement, point.tags, point.time_us, name)
                assert self.values.setdefault(key, value) == value, "written twice, otherwise"
        for measurement, tags, time_us, name in self.values:
            node = dict(tags).get("node")  # type: ignore[call-overload]
            if node is None:
                continue
            hour = (node, time_us // HOUR_US)  # type: ignore[operator]
            if measurement == "axlebox_audit":
                value = int(self.values[measurement, tags, time_us, name][:-1])
                self.told.setdefault(str(name), Counter())[hour] += value
            else:
                self.counted[hour] += 1


def close_section(feed: Feed) -> None:
    """Later records of other kinds, so that all before them is accounted for."""
    feed.spool.commit()
    feed.spool.clock.advance_us(WINDOW_US)
    run = msgspec.msgpack.encode(Run(3, "0.1.0", LOCOMOTIVE))
    for _ in range(100):
        feed.spool.append(Kind.RUN, run)
    feed.spool.commit()


def sent(feed: Feed, clock: ManualClock) -> list[bytes]:
    sink = SinkDouble()
    forwarder = forwarder_of(feed.spool, sink)
    drain(forwarder, clock)
    forwarder.close()
    return sink.accepted


def test_the_account_of_each_hour_is_what_the_server_holds(feed: Feed, clock: ManualClock) -> None:
    other = Feed(feed.spool, NodeDouble("axles", TABLE, boot=5))
    for each in (feed, other):
        each.begin()
    for _ in range(30):
        for each in (feed, other):
            each.read(5)
            each.t_ms += 240_000
            each.spool.message(each.node.health(each.t_ms, 0, [1, 2]))
        clock.advance_us(240_000_000)
    close_section(feed)

    store = Store(sent(feed, clock))

    assert store.told["sent"] == store.counted
    assert len({hour for _, hour in store.counted}) > 2
    samples = Counter(
        (dict(s.tags)["node"], s.time_us // HOUR_US) for s in feed.expected + other.expected
    )
    assert store.told["samples"] == samples


def test_a_block_across_the_hour_is_split_between_the_two(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    to_hour_ms = (HOUR_US - feed.booted_us % HOUR_US) // 1000
    feed.t_ms = to_hour_ms - 20
    feed.read(1, rows=5)
    close_section(feed)

    bodies = sent(feed, clock)

    store = Store(bodies)
    assert store.told["sent"] == store.counted
    first = min(hour for _, hour in store.counted)
    assert store.counted["motors-a", first] == 2 * 3
    assert store.told["samples"]["motors-a", first] == 2 * 3


def test_the_rows_of_a_split_block_keep_their_times(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.t_ms = (HOUR_US - feed.booted_us % HOUR_US) // 1000 - 10
    feed.read(1, rows=7)
    feed.spool.commit()

    times = [p.time_us for p in points(sent(feed, clock)) if p.measurement == "motor"]

    assert times == [sample.time_us for sample in feed.expected]


def test_losses_are_counted_where_they_become_known(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(2)
    feed.node.skip(5)
    told = [None] * SAMPLES + [len(feed.expected) + 60]
    feed.spool.message(feed.node.health(2000, 8, told))
    close_section(feed)

    store = Store(sent(feed, clock))

    hour = ("motors-a", UTC_US // HOUR_US)
    assert store.told["lost_messages"] == {hour: 5}
    assert store.told["lost_samples"] == {hour: 60}


def test_thinned_samples_have_a_count_of_their_own(feed: Feed, clock: ManualClock) -> None:
    feed.begin()
    feed.read(1)
    feed.spool.message(feed.node.thinned(60, [[1, 2, 3], [2, 3, 4], [3, 4, 5]], 100))
    close_section(feed)

    store = Store(sent(feed, clock))

    assert store.told["sent"] == store.counted
    assert sum(store.told["thinned_samples"].values()) == 300


def test_what_the_server_refused_is_taken_off_again(feed: Feed, clock: ManualClock) -> None:
    """Once, however often the line is refused."""
    feed.begin()
    feed.read(3)
    feed.spool.commit()
    bad = str(feed.expected[5].time_us).encode()
    bodies: list[bytes] = []
    for last in (False, False, True):
        if last:
            close_section(feed)
        sink = SinkDouble(lambda body: _refusing(body, bad))
        forwarder = forwarder_of(
            feed.spool,
            sink,
            quarantine=lambda line, reason: feed.spool.append(
                Kind.QUARANTINE,
                msgspec.msgpack.encode(Quarantined(SERVER_REFUSED, "forwarder", reason, line)),
            ),
        )
        drain(forwarder, clock)
        forwarder.close()
        (feed.spool.folder / "forward.json").unlink()
        bodies += sink.accepted

    store = Store(bodies)

    assert sum(store.told["refused"].values()) == 3
    assert store.told["sent"] == store.counted


def _refusing(body: bytes, time: bytes) -> Answer:
    bad = any(line.startswith(b"motor") and time in line for line in body.split(b"\n"))
    return Answer(Verdict.BAD_LINES if bad else Verdict.OK, "400")


def test_an_account_that_is_refused_makes_no_account() -> None:
    assert LineWriter.refused("axlebox_audit,locomotive=L,node=brakes sent=3i 5") is None
    assert LineWriter.refused("gateway,clock=estimated,locomotive=L run=3i 5") is None
    assert LineWriter.refused("motor,node=a,place=motor\\ 3,unit=A current=1,x=2 -5") == (
        "axlebox_audit,measurement=motor,node=a,place=motor\\ 3,unit=A refused=2i,sent=-2i -5\n",
        1,
        2,
    )


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 1 << 32))
def test_kills_at_any_place_leave_the_account_as_it_is(
    tmp_path_factory: pytest.TempPathFactory, seed: int
) -> None:
    """Sections are accounted for once, wherever a batch ended and the forwarder began again."""
    random = Random(seed)
    clock = ManualClock(UTC_US)
    with FilledSpool(tmp_path_factory.mktemp("spool"), clock, segment_bytes=9_000) as spool:
        feed = Feed(spool)
        feed.begin()
        bodies: list[bytes] = []
        for _ in range(8):
            feed.read(random.randrange(1, 25))
            clock.advance_us(random.choice([1_000_000, WINDOW_US, HOUR_US]))
            feed.t_ms = (clock.utc_us() - feed.booted_us) // 1000
            spool.commit()
            sink = SinkDouble()
            forwarder = forwarder_of(spool, sink, batch_values=random.randrange(1, 120))
            for _ in range(random.randrange(12)):
                forwarder.step()
            if random.random() < 0.5:
                forwarder.close()
            bodies += sink.accepted
        close_section(feed)
        bodies += sent(feed, clock)

        store = Store(bodies)
        whole = Store(_all_of(feed, clock))

    assert store.values == whole.values
    assert store.told["sent"] == store.counted


def _all_of(feed: Feed, clock: ManualClock) -> list[bytes]:
    (feed.spool.folder / "forward.json").unlink()
    return sent(feed, clock)


def test_a_section_begins_where_its_log_says_wherever_one_looks_from(
    feed: Feed, clock: ManualClock
) -> None:
    feed.begin()
    for _ in range(5):
        feed.read(60)
        clock.advance_us(WINDOW_US)
    feed.spool.commit()
    log: Log = feed.spool.log
    reader = log.reader(None)
    starts = []
    while records := reader.read(2000):
        starts += [section_at(log, record.end) for record in records]
    reader.close()

    assert starts == sorted(starts)
    assert 3 < len(set(starts)) < 12
    assert section_at(log, Position(1, 0)) == Position(1, 0)
    assert section_at(log, Position(77, 500)) == Position(77, 500)


def test_large_sections_end_without_a_clock(tmp_path: Path, clock: ManualClock) -> None:
    with FilledSpool(tmp_path, clock) as spool:
        feed = Feed(spool)
        feed.begin()
        for _ in range(30):
            feed.read(100)
        spool.commit()
        assert section_at(spool.log, spool.log.committed()).offset > 256 * 1024
