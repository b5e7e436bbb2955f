"""Durable ingest: bytes of messages in, on the disk and acknowledged; all checks on."""

import sqlite3
import time
from pathlib import Path

from axwire.cose import split

from benchmarks.report import Figure
from benchmarks.thingsboard import measure_stores
from benchmarks.traffic import Traffic, make_traffic
from gateway.clock import ClockSync
from gateway.downlink import Downlink
from gateway.ingest import Ingest
from gateway.ledger import Ledger
from gateway.registry import Registry
from gateway.spool.commit_thread import CommitThread
from gateway.spool.recovery import recover
from gateway.spool.writer import SpoolWriter, WriterSettings
from gateway.state import Forward, Locomotive, Spool
from gateway.timebase import Clock, SystemClock

_NODES = 12
_SECONDS = 120
_CHUNK = 256 * 1024


class _Loopback:
    name = "bench"

    def __init__(self) -> None:
        self.sent = 0

    def send(self, message: bytes) -> bool:
        self.sent += 1
        return True


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    folder.mkdir()
    traffic = make_traffic(_NODES, _SECONDS, seed)
    rate, cpu_s, written, kept = _axlebox(folder / "spool", traffic)
    sqlite_group = _sqlite(folder / "group.db", traffic, group=_CHUNK)
    sqlite_each = _sqlite(folder / "each.db", _first(traffic, 2000), group=0)
    stores = measure_stores(folder / "thingsboard", traffic)
    return {
        "ingest.samples_per_s": Figure(
            rate,
            "samples/s",
            1_000_000,
            seed,
            {
                "SQLite WAL FULL, one blob a message, same groups, no checks": sqlite_group,
                "SQLite WAL FULL, a commit a message, no checks": sqlite_each,
            }
            | {f"thingsboard-gateway, {kind}": of.samples_per_s for kind, of in stores.items()},
        ),
        "ingest.cpu_s_per_million": Figure(
            cpu_s * 1e6 / traffic.samples,
            "s",
            2,
            seed,
            {f"thingsboard-gateway, {kind}": of.cpu_s_per_million for kind, of in stores.items()},
        ),
        "spool.bytes_per_sample": Figure(
            kept / traffic.samples,
            "bytes",
            3,
            seed,
            {f"thingsboard-gateway, {kind}": of.bytes_per_sample for kind, of in stores.items()},
        ),
        "spool.written_per_sample": Figure(written / traffic.samples, "bytes", None, seed),
    }


def new_ingest(traffic: Traffic, writer: SpoolWriter, clock: Clock) -> Ingest:
    """With nothing in it yet, and the live picture that it tells."""
    clocks = ClockSync(clock)
    registry = Registry(
        Locomotive(id="bench", profile="te33a", title="TE33A"),
        "bench",
        traffic.keys,
        clocks,
        clock,
        spool=lambda: Spool(bytes=0),
        forward=lambda: Forward(state="off"),
        refused=dict,
        losses=dict,
    )
    return Ingest(Ledger(), writer, Downlink(traffic.keys), clocks, clock, registry)


def _axlebox(folder: Path, traffic: Traffic) -> tuple[float, float, int, int]:
    """Samples a second from first byte to last acknowledgement; CPU; bytes written and kept."""
    clock = SystemClock("always")
    folder.mkdir(parents=True)
    writer = SpoolWriter(
        folder, clock, recover(folder), settings=WriterSettings(buffer_bytes=64 * 1024 * 1024)
    )
    ingest = new_ingest(traffic, writer, clock)
    tickets: list[int] = []
    writer.on_committed = tickets.append
    committer = CommitThread(writer, clock)
    link = _Loopback()
    committer.start()
    begin, cpu = time.perf_counter(), time.process_time()
    for message in traffic.messages:
        while not ingest.receive(link, message):
            time.sleep(0.001)
        if tickets:
            ingest.committed(tickets.pop())
    committer.stop(60)
    ingest.committed(tickets[-1])
    seconds, cpu_s = time.perf_counter() - begin, time.process_time() - cpu
    assert ingest.acknowledged == len(traffic.messages), ingest.refused
    writer.close()
    kept = sum(file.stat().st_size for file in folder.iterdir())
    return traffic.samples / seconds, cpu_s, writer.metrics.disk_bytes, kept


def _sqlite(path: Path, traffic: Traffic, group: int) -> float:
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=FULL")
    database.execute("CREATE TABLE message (id INTEGER PRIMARY KEY, body BLOB)")
    begin = time.perf_counter()
    waiting = 0
    database.execute("BEGIN")
    for message in traffic.messages:
        database.execute("INSERT INTO message (body) VALUES (?)", (message,))
        waiting += len(message)
        if waiting >= group:
            database.execute("COMMIT")
            database.execute("BEGIN")
            waiting = 0
    database.execute("COMMIT")
    seconds = time.perf_counter() - begin
    database.close()
    return traffic.samples / seconds


def _first(traffic: Traffic, count: int) -> Traffic:
    messages = traffic.messages[:count]
    share = sum(split(message).name in traffic.keys for message in messages)
    return Traffic(traffic.keys, messages, traffic.samples * share // len(traffic.messages))
