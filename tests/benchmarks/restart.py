"""How long a gateway takes to start with a gigabyte of spool: to its page's address, as a process.

Old segments are filled with the largest records there are, for speed; a start does not read
them. The newest ones hold messages as nodes send them, and end just before a segment is full.
"""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.report import Figure
from benchmarks.traffic import make_traffic
from gateway.ledger import Ledger
from gateway.spool import Kind, Priority, SpoolWriter, WriterSettings, recover
from gateway.timebase import SystemClock

_BYTES = 1_000_000_000
_COMMIT_BYTES = 256 * 1024
_SEGMENTS_OF_MESSAGES = 1.9
_LIMIT_S = 120


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    empty, full = folder / "empty", folder / "full"
    for one in (empty, full):
        one.mkdir(parents=True)
        (one / "axlebox.toml").write_text(
            '[locomotive]\nid = "TE33A-0001"\n[page]\nport = 0\n', encoding="utf-8"
        )
    _fill(full / "spool", seed)
    without, with_all = _start(empty), _start(full)
    return {"gateway.restart_s": Figure(with_all, "s", 3, seed, {"with an empty spool": without})}


def _fill(folder: Path, seed: int) -> None:
    folder.mkdir()
    clock = SystemClock("always")
    settings = WriterSettings(buffer_bytes=1 << 26)
    writer = SpoolWriter(folder, clock, recover(folder), settings=settings)
    messages_bytes = int(_SEGMENTS_OF_MESSAGES * settings.segment_bytes)
    ledger, large = Ledger(), bytes(60_000)
    while writer.total_bytes < _BYTES - messages_bytes:
        writer.append(Kind.MESSAGE, Priority.WAVEFORM, large, clock.utc_us())
        if writer.buffered_bytes > 16 * _COMMIT_BYTES:
            writer.commit()
    for message in make_traffic(12, 240, seed).messages:
        if writer.wants_snapshot:
            writer.append(Kind.STATE, Priority.SERVICE, ledger.snapshot(), clock.utc_us())
        writer.append(Kind.MESSAGE, Priority.READINGS, message, clock.utc_us())
        ledger.replay(Kind.MESSAGE, message)
        if writer.buffered_bytes > _COMMIT_BYTES:
            writer.commit()
    first = writer.committed.segment
    while writer.committed.segment < first + 1 or writer.total_bytes < _BYTES:
        writer.append(Kind.MESSAGE, Priority.READINGS, message, clock.utc_us())
        if writer.buffered_bytes > _COMMIT_BYTES:
            if writer.wants_snapshot:
                writer.append(Kind.STATE, Priority.SERVICE, ledger.snapshot(), clock.utc_us())
            writer.commit()
    writer.close()


def _start(folder: Path) -> float:
    """Seconds from the command to the page's address."""
    begin = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "gateway", "run", "-c", str(folder / "axlebox.toml")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        seconds = time.perf_counter() - begin
        assert line.startswith("page "), line
        return seconds
    finally:
        process.terminate()
        process.wait(_LIMIT_S)
        process.stdout.close()
