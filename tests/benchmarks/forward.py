"""Draining a backlog into a real server: field values a second, beside the client's batching."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import msgspec
from axwire.cose import split
from axwire.parse import parse_up
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import WriteOptions

from benchmarks.report import Figure
from benchmarks.traffic import Traffic, make_traffic
from gateway.clock import ClockRecord
from gateway.forward import CursorFile, Forwarder, ForwardSettings, InfluxSink, Log
from gateway.forward.sink import Answer
from gateway.spool.format import Kind, Position, Priority
from gateway.spool.opening import open_spool
from gateway.timebase import SystemClock
from hil.programs import find_victoria_metrics
from hil.victoria_metrics import VictoriaMetrics

_NODES = 12
_SECONDS = 240
_BATCHING_LINES = 200_000
_BATCH = 20_000


class _Recording:
    """A sink that keeps the first bodies it passes on, for the comparison."""

    def __init__(self, sink: InfluxSink) -> None:
        self.lines: list[bytes] = []
        self._sink = sink

    def write(self, body: bytes, meanwhile: Callable[[], None] | None = None) -> Answer:
        if len(self.lines) < _BATCHING_LINES:
            self.lines += body.splitlines()
        return self._sink.write(body, meanwhile)

    def abort(self) -> None:
        self._sink.abort()


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    traffic = make_traffic(_NODES, _SECONDS, seed)
    clock = SystemClock("always")
    committed = _fill(folder / "spool", traffic, clock)
    server = VictoriaMetrics(find_victoria_metrics(), folder / "server")
    server.start()
    try:
        log = Log(folder / "spool", lambda: committed)
        packed, lines = _drain(server, log, clock, seed, gzip=True)
        plain, _ = _drain(server, log, clock, seed, gzip=False)
        batching = _batching(server, lines)
    finally:
        server.stop()
    return {
        "forward.points_per_s": Figure(
            packed.values_per_s,
            "values/s",
            200_000,
            seed,
            {
                "not compressed": plain.values_per_s,
                "influxdb-client, batching mode": batching.values_per_s,
            },
        ),
        "forward.cpu_s_per_million": Figure(
            packed.cpu_s_per_million,
            "s",
            None,
            seed,
            {
                "not compressed": plain.cpu_s_per_million,
                "influxdb-client, batching mode": batching.cpu_s_per_million,
            },
        ),
    }


@dataclass(frozen=True)
class _Pace:
    """Field values a second, and CPU of this process for a million of them."""

    values_per_s: float
    cpu_s_per_million: float


class _Stopwatch:
    def __init__(self) -> None:
        self._begin, self._cpu = time.perf_counter(), time.process_time()

    def pace(self, values: int) -> _Pace:
        seconds = time.perf_counter() - self._begin
        return _Pace(values / seconds, (time.process_time() - self._cpu) / values * 1e6)


def _drain(
    server: VictoriaMetrics, log: Log, clock: SystemClock, seed: int, *, gzip: bool
) -> tuple[_Pace, list[bytes]]:
    """Everything in the log to the server, and the first lines that went there."""
    sink = InfluxSink(server.url, server.org, server.bucket, None, clock, gzip=gzip)
    recording = _Recording(sink)
    forwarder = Forwarder(
        log,
        recording,
        CursorFile(log.folder, f"bench, gzip {gzip}"),
        clock,
        random.Random(seed),
        lambda line, reason: None,
        ForwardSettings("bench"),
    )
    watch = _Stopwatch()
    while forwarder.state().backlog_bytes or not forwarder.values:
        forwarder.step()
    pace = watch.pace(forwarder.values)
    sink.close()
    return pace, recording.lines[:_BATCHING_LINES]


def _fill(folder: Path, traffic: Traffic, clock: SystemClock) -> Position:
    """A spool with all messages, and a clock record behind each node's table."""
    spool = open_spool(folder, clock)
    now_us = clock.utc_us()
    start_us = now_us - _SECONDS * 1_000_000
    for number, message in enumerate(traffic.messages):
        spool.writer.append(Kind.MESSAGE, Priority.READINGS, message, now_us)
        if number < _NODES:
            envelope = split(message)
            record = ClockRecord(
                envelope.name, parse_up(envelope.payload).boot, 0, start_us, 0, 500, True
            )
            body = msgspec.msgpack.encode(record)
            spool.writer.append(Kind.CLOCK, Priority.SERVICE, body, now_us)
        if number % 4096 == 0:
            spool.writer.commit()
    spool.writer.commit()
    committed = spool.writer.committed
    spool.close()
    return committed


def _batching(server: VictoriaMetrics, lines: list[bytes]) -> _Pace:
    """Lines of one value each through the client's own batching mode."""
    watch = _Stopwatch()
    with InfluxDBClient(server.url, token="none", org=server.org) as client:
        options = WriteOptions(batch_size=_BATCH, flush_interval=1000)
        with client.write_api(write_options=options) as writer:
            for line in lines:
                writer.write(server.bucket, server.org, line.decode(), write_precision="ns")
    return watch.pace(len(lines))
