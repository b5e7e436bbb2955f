"""thingsboard-gateway's stores on as many values of the same messages, in the events it makes of
them; the values themselves are of usual length.

Its packages lie in .cache/thingsboard, apart from ours; scripts/thingsboard installs them. Its
stores do not wait for the disk: the file store flushes to the system only, and SQLite runs with
synchronous=NORMAL.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from axwire.cose import split
from axwire.parse import Readings, parse_up

from benchmarks.traffic import CHANNELS, PERIOD_MS, ROWS, SAMPLES, Traffic

__all__ = ["Measured", "measure_stores"]

_MESSAGES = 3000
_WORKER = Path(__file__).with_name("thingsboard_worker.py")
_PACKAGES = Path(".cache/thingsboard")
_SCRIPT = Path("scripts/thingsboard")


class Measured(NamedTuple):
    """Of one store."""

    samples_per_s: float
    cpu_s_per_million: float
    bytes_per_sample: float


def measure_stores(folder: Path, traffic: Traffic) -> dict[str, Measured]:
    """By kind of store; nothing, and why on standard output, where it does not install here."""
    installed = subprocess.run([_SCRIPT], capture_output=True, text=True, check=False)
    if installed.returncode != 0:
        print(f"thingsboard-gateway is not measured: {installed.stderr.strip()[-300:]}")
        return {}
    folder.mkdir(parents=True)
    events = folder / "events"
    lines = [_event(message) for message in traffic.messages[: _MESSAGES + len(traffic.keys)]]
    told = [line for line in lines if line is not None]
    events.write_text("\n".join(told) + "\n", encoding="utf-8")
    return {kind: _measure(kind, folder / kind, events, len(told)) for kind in ("file", "sqlite")}


def _measure(kind: str, folder: Path, events: Path, messages: int) -> Measured:
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, _WORKER, kind, f"{folder}/", events],
        env={**os.environ, "PYTHONPATH": str(_PACKAGES)},
        capture_output=True,
        text=True,
        check=True,
    )
    wall_s, cpu_s = map(float, done.stdout.split())
    samples = messages * SAMPLES
    size = sum(path.stat().st_size for path in folder.iterdir())
    return Measured(samples / wall_s, cpu_s * 1e6 / samples, size / samples)


def _event(message: bytes) -> str | None:
    """What its connectors make of a message: a device, and values by time in milliseconds."""
    envelope = split(message)
    up = parse_up(envelope.payload)
    if not isinstance(up, Readings):
        return None
    start_ms = 1_763_755_200_000 + up.blocks[0].t_ms
    telemetry = [
        {
            "ts": start_ms + row * PERIOD_MS,
            "values": {f"motor.current.{n + 1}": 412.5 + n for n in range(CHANNELS)},
        }
        for row in range(ROWS)
    ]
    return json.dumps({"deviceName": envelope.name, "telemetry": telemetry})
