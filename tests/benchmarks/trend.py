"""A trend over 24 hours of a full locomotive, and what its index costs."""

import time
from pathlib import Path

import numpy as np
from axwire.cbor import INT32, Typed
from axwire.parse import Block as ReadBlock
from axwire.places import MOTOR, place
from axwire.quantities import BY_NAME
from axwire.table import Channel

from benchmarks.report import Figure
from benchmarks.traffic import make_traffic
from gateway.clock import ClockRecord
from gateway.decode import GroupTable, Rows
from gateway.history.aggregate import Aggregate
from gateway.history.indexer import Indexer
from gateway.history.log_decoder import Block, LogDecoder
from gateway.history.sidecar import pack_sidecar, write_sidecar
from gateway.history.trend import Trends
from gateway.ledger import Ledger, account_of
from gateway.spool import (
    FileStorage,
    Kind,
    Priority,
    SpoolWriter,
    Thinner,
    WriterSettings,
    recover,
)
from gateway.spool.format import HEADER_BYTES, Position, SegmentHeader, pack_header, segment_path
from gateway.timebase import SystemClock

_NODES = 12
_FAST, _SLOW = 1, 60
"""Channels a node: at 100 Hz, and at 1 Hz. 12 nodes together take 1,920 samples a second."""

_SEGMENT_S = 2700
"""At three bytes a sample that fills a segment of 16 MB."""

_HOURS = 24
_QUERIES = 300
_POINTS = 1000


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    folder.mkdir()
    day = folder / "day"
    day.mkdir()
    begin_us = 1_763_755_200_000_000
    segments = _write_day(day, seed, begin_us)
    first_ms, times_ms = _ask(day, seed, begin_us)
    sizes = sum(path.stat().st_size for path in day.glob("*.idx"))
    samples = segments * _SEGMENT_S * _NODES * (_FAST * 100 + _SLOW)
    live = _index_live(folder / "live", seed)
    return {
        "trend.day_p99_ms": Figure(
            times_ms[len(times_ms) * 99 // 100],
            "ms",
            200,
            seed,
            {"p50": times_ms[len(times_ms) // 2], "first after a start": first_ms},
        ),
        "trend.index_bytes_per_sample": Figure(
            sizes / samples, "bytes", None, seed, {"samples a day": samples}
        ),
        "trend.index_us_per_message": Figure(live["index"], "us of CPU", None, seed),
        "spool.thin_ms_per_mb": Figure(live["thin"], "ms of CPU", None, seed),
    }


def _write_day(folder: Path, seed: int, begin_us: int) -> int:
    """Indexes as the indexer writes them, and the heads of their segments, for a day."""
    storage = FileStorage()
    random = np.random.default_rng(seed)
    quantity = BY_NAME["motor.current"].number
    tables = [
        GroupTable(
            number,
            first,
            period_ms,
            tuple(
                Channel(quantity, place(MOTOR, 1 + n % 6), 78_125_000, 0, 0) for n in range(count)
            ),
        )
        for number, first, count, period_ms in ((0, 0, _FAST, 10), (1, _FAST, _SLOW, 1000))
    ]
    count = _HOURS * 3600 // _SEGMENT_S
    for number in range(1, count + 1):
        start_ms = (number - 1) * _SEGMENT_S * 1000
        aggregate, decoder = Aggregate(), LogDecoder()
        for node in range(_NODES):
            name = f"node-{node:02d}"
            decoder.ledger.boot(name, 7).recall_clock(
                ClockRecord(name, 7, 0, begin_us, 0, 1000, trusted=True)
            )
            for table in tables:
                rows = _SEGMENT_S * 1000 // table.period_ms
                steps = random.integers(-3, 4, (rows, len(table.channels)))
                raw = np.clip(np.cumsum(steps, axis=0), -15_000, 15_000).astype(np.int32)
                for at in range(0, rows, 1000):
                    part = raw[at : at + 1000]
                    samples = Typed(INT32, part.astype("<i4").tobytes())
                    block = ReadBlock([table.number, start_ms + at * table.period_ms, samples])
                    aggregate.add(Block(name, 7, 0, Rows(table, block), begin_us))
        created_us = begin_us + start_ms * 1000
        segment_path(folder, number).write_bytes(
            pack_header(SegmentHeader(number, created_us, HEADER_BYTES if number > 1 else 0))
        )
        write_sidecar(
            storage, folder, number, pack_sidecar(number, created_us, aggregate, decoder)
        )
    return count


def _ask(folder: Path, seed: int, begin_us: int) -> tuple[float, list[float]]:
    """Milliseconds of the first question, and of the others, sorted: any channel, all the day."""
    random = np.random.default_rng(seed)
    trends = Trends(folder)
    times_ms = []
    for _ in range(_QUERIES):
        node, channel = random.integers(_NODES), random.integers(_FAST + _SLOW)
        begin = time.perf_counter()
        trend = trends.query(
            f"node-{node:02d}", str(channel), begin_us, begin_us + _HOURS * 3_600_000_000, _POINTS
        )
        times_ms.append((time.perf_counter() - begin) * 1000)
        assert trend.sound.sum() == _HOURS * 3600 * (100 if channel < _FAST else 1)
    return times_ms[0], sorted(times_ms[1:])


def _index_live(folder: Path, seed: int) -> dict[str, float]:
    """CPU of following the log, and of thinning it, on messages as nodes send them."""
    traffic = make_traffic(_NODES, 120, seed)
    clock = SystemClock("always")
    folder.mkdir()
    settings = WriterSettings(buffer_bytes=1 << 30, segment_bytes=1 << 20)
    writer = SpoolWriter(folder, clock, recover(folder), settings=settings)
    ledger = Ledger()
    for message in traffic.messages:
        if writer.buffered_bytes == 0 and writer.wants_snapshot:
            writer.append(Kind.STATE, Priority.SERVICE, ledger.snapshot(), clock.utc_us())
        writer.append(Kind.MESSAGE, Priority.READINGS, message, clock.utc_us())
        ledger.replay(Kind.MESSAGE, message)
        if writer.buffered_bytes > 256 * 1024:
            writer.commit()
    writer.close()
    end = Position(1, HEADER_BYTES)
    indexer = Indexer(FileStorage(), folder, lambda: end)
    end = writer.committed
    begin = time.process_time()
    while indexer.step():
        pass
    index_s = time.process_time() - begin
    thinner = Thinner(FileStorage(), folder, account_of)
    closed = list(range(1, writer.committed.segment))
    begin = time.process_time()
    thinned = 0
    while (made := thinner.choose(closed)) is not None:
        thinned += made.size_before
    thin_s = time.process_time() - begin
    return {
        "index": index_s * 1e6 / len(traffic.messages),
        "thin": thin_s * 1000 / (thinned / 1e6),
    }
