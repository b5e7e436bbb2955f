"""Draining a backlog into a real server: field values a second, beside the client's batching."""

import random
import time
from pathlib import Path

import msgspec
from axwire.cose import split
from axwire.parse import parse_up
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import WriteOptions
from real_servers import VictoriaMetrics

from benchmarks.report import Figure
from benchmarks.traffic import Traffic, make_traffic
from gateway.clock import ClockRecord
from gateway.forward import CursorFile, Forwarder, ForwardSettings, InfluxSink, Log, server_of
from gateway.forward.sink import Answer
from gateway.spool.format import Kind, Position, Priority
from gateway.spool.opening import open_spool
from gateway.timebase import SystemClock
from hil.programs import find_victoria_metrics

_NODES = 12
_SECONDS = 240
_BATCHING_LINES = 200_000
_BATCH = 20_000


class _Recording:
    """A sink that keeps the first bodies it passes on, for the comparison."""

    def __init__(self, sink: InfluxSink) -> None:
        self.lines: list[bytes] = []
        self._sink = sink

    def write(self, body: bytes) -> Answer:
        if len(self.lines) < _BATCHING_LINES:
            self.lines += body.splitlines()
        return self._sink.write(body)

    def abort(self) -> None:
        self._sink.abort()


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    traffic = make_traffic(_NODES, _SECONDS, seed)
    clock = SystemClock("always")
    committed = _fill(folder / "spool", traffic, clock)
    server = VictoriaMetrics(find_victoria_metrics(), folder / "server")
    server.start()
    try:
        sink = InfluxSink(server.url, server.org, server.bucket, None, clock)
        recording = _Recording(sink)
        forwarder = Forwarder(
            Log(folder / "spool", lambda: committed),
            recording,
            CursorFile(folder / "spool", server_of(server.url, server.org, server.bucket)),
            clock,
            random.Random(seed),
            lambda line, reason: None,
            ForwardSettings("bench"),
        )
        begin = time.perf_counter()
        while forwarder.acknowledged is None or forwarder.acknowledged < committed:
            forwarder.step()
        seconds = time.perf_counter() - begin
        batching = _batching(server, recording.lines[:_BATCHING_LINES])
        sink.close()
    finally:
        server.stop()
    return {
        "forward.points_per_s": Figure(
            forwarder.values / seconds,
            "values/s",
            200_000,
            seed,
            {"influxdb-client, batching mode": batching},
        )
    }


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


def _batching(server: VictoriaMetrics, lines: list[bytes]) -> float:
    """Lines of one value each, a second, through the client's own batching mode."""
    begin = time.perf_counter()
    with InfluxDBClient(server.url, token="none", org=server.org) as client:
        options = WriteOptions(batch_size=_BATCH, flush_interval=1000)
        with client.write_api(write_options=options) as writer:
            for line in lines:
                writer.write(server.bucket, server.org, line.decode(), write_precision="us")
    return len(lines) / (time.perf_counter() - begin)
