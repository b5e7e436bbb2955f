"""The thread sends what is committed, survives its own failures, and stops in time."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import pytest
from axwire.places import MOTOR, place
from manual_clock import ManualClock

from gateway.forward import (
    Answer,
    CursorFile,
    Forwarder,
    ForwarderThread,
    ForwardSettings,
    InfluxSink,
    Sink,
    Verdict,
)
from gateway.forward.progress import Progress
from gateway.spool import Kind

from .influx_double import HANG, InfluxDouble, SinkDouble
from .node_double import LOCOMOTIVE, UTC_US, FilledSpool, NodeDouble, channel, groups

NODE = NodeDouble("motors-a", groups([channel("motor.current", place(MOTOR, 1), 20_000_000)]))


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[FilledSpool]:
    with FilledSpool(tmp_path, ManualClock(UTC_US)) as spool:
        spool.message(NODE.hello())
        spool.append(Kind.CLOCK, NODE.clock(UTC_US))
        spool.commit()
        yield spool


def forwarder_of(spool: FilledSpool, sink: Sink) -> Forwarder:
    return Forwarder(
        spool.log,
        sink,
        CursorFile(spool.folder, "server"),
        spool.clock,
        Random(1),
        lambda line, reason: None,
        ForwardSettings(LOCOMOTIVE),
    )


def telling(sink: SinkDouble, rule: Callable[[bytes], Answer]) -> threading.Semaphore:
    """Have the sink answer by `rule` and tell of each request."""
    arrived = threading.Semaphore(0)

    def answer(body: bytes) -> Answer:
        try:
            return rule(body)
        finally:
            arrived.release()

    sink.rule = answer
    return arrived


def test_a_commit_wakes_it(spool: FilledSpool) -> None:
    sink = SinkDouble()
    arrived = telling(sink, lambda body: Answer(Verdict.OK))
    thread = ForwarderThread(forwarder_of(spool, sink), sink, spool.clock)
    thread.start()

    for _ in range(3):
        spool.message(NODE.readings(NODE.sequence * 10, [[1], [2]]))
        spool.commit()
        thread.wake()
        assert arrived.acquire(timeout=10)

    assert thread.stop()
    assert len(sink.accepted) == 3


def test_a_stop_stores_the_cursor(spool: FilledSpool) -> None:
    sink = SinkDouble()
    arrived = telling(sink, lambda body: Answer(Verdict.OK))
    spool.message(NODE.readings(0, [[1]]))
    spool.commit()
    thread = ForwarderThread(forwarder_of(spool, sink), sink, spool.clock)
    thread.start()
    assert arrived.acquire(timeout=10)

    assert thread.stop()

    assert CursorFile(spool.folder, "server").load() == Progress(live=spool.log.committed())


def test_a_stop_ends_a_request_that_hangs(spool: FilledSpool, influx: InfluxDouble) -> None:
    influx.script(HANG)
    spool.message(NODE.readings(0, [[1]]))
    spool.commit()
    sink = InfluxSink(influx.url, "depot", "axlebox", None, spool.clock)
    forwarder = forwarder_of(spool, sink)
    thread = ForwarderThread(forwarder, sink, spool.clock)
    thread.start()
    assert influx.arrived.acquire(timeout=10)

    assert thread.stop()

    sink.close()
    assert forwarder.batches == 0
    assert CursorFile(spool.folder, "server").load() is None


def test_a_failure_of_its_own_is_counted_and_survived(
    spool: FilledSpool, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(body: bytes) -> Answer:
        raise ZeroDivisionError("a fault in the program")

    sink = SinkDouble()
    arrived = telling(sink, fail)
    spool.message(NODE.readings(0, [[1]]))
    spool.commit()
    thread = ForwarderThread(forwarder_of(spool, sink), sink, spool.clock)
    thread.start()
    assert arrived.acquire(timeout=10)
    sink.rule = lambda body: Answer(Verdict.OK)
    recovered = telling(sink, sink.rule)
    thread.wake()
    assert recovered.acquire(timeout=10)

    assert thread.stop()
    assert thread.crashes == 1
    assert len(sink.accepted) == 1
    assert "a fault in the program" in caplog.text
