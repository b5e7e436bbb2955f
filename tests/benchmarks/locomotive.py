"""A full locomotive on the bench: twelve real nodes, a real gateway, a page that listens."""

import json
import os
import time
import urllib.request
from pathlib import Path
from typing import Any

from axwire.codes import HEALTH_FIELDS
from axwire.cose import split
from axwire.parse import Health, parse_up

from benchmarks.report import Figure
from gateway.profiles import NodeFit, load_profile
from gateway.spool.format import Kind
from gateway.spool.segments import read_records
from gateway.timebase import SystemClock
from hil.interpreter import find_interpreter
from hil.rig import Rig, RigPlan
from simulators.locomotive import Locomotive

_COPIES = {"motors-a": "ab", "brakes-a": "ab", "axles-a": "abcdefgh"}
"""Twelve nodes that make 2,104 samples a second, as the goal has it."""

_WARM_S = 8.0
_SECONDS = 20.0
_START_LIMIT_S = 60.0
_TICKS = os.sysconf("SC_CLK_TCK")


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    profile = load_profile("te33a")
    source = Locomotive(profile, seed)
    fits = tuple(
        (NodeFit(name=f"{node.name[:-1]}{letter}", groups=node.groups), source, False)
        for node in profile.nodes
        for letter in _COPIES[node.name]
    )
    plan = RigPlan(profile, "TE33A-0001", fits, folder, seed)
    rig = Rig(plan, find_interpreter(), SystemClock())
    rig.start()
    try:
        rig.wait(
            lambda state: all(node["status"] == "live" for node in state["nodes"]), _START_LIMIT_S
        )
        rig.run_for(_WARM_S)
        before = _cpu_s(rig.gateway.pid)
        begin = time.perf_counter()
        latencies = _listen(rig.gateway.page, _SECONDS)
        seconds = time.perf_counter() - begin
        cpu_s = _cpu_s(rig.gateway.pid) - before
        rss_mb = _rss_mb(rig.gateway.pid)
        account = rig.settle()
        restart_s = _restart(rig)
        health = _health(rig)
    finally:
        rig.stop()
    rate = account.stored / (seconds + _WARM_S)
    latencies.sort()
    return {
        "ingest.core_percent": Figure(
            100 * cpu_s / seconds, "% of a core", 5, seed, {"samples/s": rate}
        ),
        "ingest.rss_mb": Figure(rss_mb, "MB", 120, seed),
        "page.latency_p99_ms": Figure(
            latencies[len(latencies) * 99 // 100],
            "ms",
            250,
            seed,
            {"p50": latencies[len(latencies) // 2], "events": len(latencies)},
        ),
        "gateway.first_ack_s": Figure(restart_s, "s", 3, seed, {"spool MB": _spool_mb(rig)}),
        "node.heap_free_percent": Figure(
            100 * min(row["heap_low_water_bytes"] for row in health) / (128 * 1024),
            "%",
            30,
            seed,
        ),
    }


def _listen(page: str, seconds: float) -> list[float]:
    """From sample taken to event received, in ms, for each new value of a 10-ms channel."""
    clock = SystemClock()
    latencies = []
    newest: dict[str, int] = {}
    end_us = clock.monotonic_us() + round(seconds * 1e6)
    with urllib.request.urlopen(page + "api/events", timeout=10) as stream:
        for line in stream:
            if clock.monotonic_us() > end_us:
                break
            if not line.startswith(b"data:"):
                continue
            received_ms = clock.utc_us() / 1000
            state = json.loads(line[5:])
            for channel in state["channels"]:
                if channel["quantity"] != "motor.current" or channel["age_ms"] is None:
                    continue
                sampled_ms = state["now_ms"] - channel["age_ms"]
                if sampled_ms > newest.get(channel["id"], 0) + 5:
                    newest[channel["id"]] = sampled_ms
                    latencies.append(received_ms - sampled_ms)
    return latencies


def _restart(rig: Rig) -> float:
    """From kill -9 to the first acknowledgement of the next run."""
    rig.gateway.kill()
    begin = time.perf_counter()
    rig.gateway.start()
    rig.until(lambda: _acknowledged(rig.gateway.page) > 0, 30)
    return time.perf_counter() - begin


def _acknowledged(page: str) -> float:
    with urllib.request.urlopen(page + "metrics", timeout=5) as answer:
        for line in answer.read().decode().splitlines():
            if line.startswith("axlebox_messages_acknowledged_total "):
                return float(line.split()[1])
    return 0.0


def _health(rig: Rig) -> list[dict[str, Any]]:
    rows = []
    for record in read_records(rig.spool, None):
        if record.kind == Kind.MESSAGE:
            message = parse_up(split(record.body).payload)
            if isinstance(message, Health):
                rows.append(dict(zip(HEALTH_FIELDS, message.values, strict=False)))
    return rows


def _spool_mb(rig: Rig) -> float:
    return sum(file.stat().st_size for file in rig.spool.iterdir()) / 1e6


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _rss_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1000
    return 0.0
