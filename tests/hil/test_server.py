"""From a sensor chip to the server: every stored sample arrives once, with its right value."""

import json
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from socket import socket
from typing import Any

import pytest
from axwire.codes import OK
from rigs import running

from gateway.profiles import load_profile
from hil.account import Store, read_store
from hil.rig import Rig

pytestmark = pytest.mark.timeout(180)

DOWN_S = 60.0


class VictoriaMetrics:
    """A real server on a port of its own, over a data folder that outlives it."""

    def __init__(self, command: list[str], folder: Path) -> None:
        with closing(socket()) as probe:
            probe.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{probe.getsockname()[1]}"
        self._command = command
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def start(self) -> None:
        self._process = subprocess.Popen(
            [
                *self._command,
                f"-httpListenAddr={self.address}",
                f"-storageDataPath={self._folder}",
                "-retentionPeriod=100y",
                "-dedup.minScrapeInterval=1ms",  # a batch may come twice when it stops
                "-loggerLevel=ERROR",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)
            self._process = None

    def export(self) -> list[dict[str, Any]]:
        """Every series with its values and its timestamps in ms."""
        urllib.request.urlopen(f"{self.url}/internal/force_flush", timeout=10).close()
        query = f'{self.url}/api/v1/export?match[]={{__name__!=""}}'
        with urllib.request.urlopen(query, timeout=10) as answer:
            return [json.loads(line) for line in answer.read().splitlines()]


@contextmanager
def serving(command: list[str], folder: Path) -> Iterator[VictoriaMetrics]:
    server = VictoriaMetrics(command, folder)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def all_sent(rig: Rig) -> bool:
    state = rig.gateway.state()["forward"]
    return bool(state["state"] == "idle" and not state["backlog_bytes"])


def points_of(store: Store) -> dict[tuple[str, str, str, str], list[tuple[int, float]]]:
    """By metric, node, place and unit: what the store says the server should have."""
    points: dict[tuple[str, str, str, str], list[tuple[int, float]]] = {}
    for block in store.blocks:
        clock = store.ledger.boot(block.node, block.boot).clock
        assert clock is not None
        group = block.rows.group
        for column, (quantity, place) in enumerate(
            zip(group.quantities, group.places, strict=True)
        ):
            metric = quantity.name.replace(".", "_")
            key = (metric, block.node, place, quantity.unit)
            for row, values in enumerate(block.rows.values):
                if not block.rows.missing[row, column] and block.rows.statuses[column] == OK:
                    t_us = (block.rows.t_ms + row * group.period_ms) * 1000
                    points.setdefault(key, []).append((clock.utc_at(t_us), values[column]))
    return points


def test_every_stored_sample_arrives_once_though_the_server_was_away(
    tmp_path: Path, victoria_metrics_command: list[str]
) -> None:
    profile = load_profile("te33a")
    with (
        serving(victoria_metrics_command, tmp_path / "server") as server,
        running(
            tmp_path / "rig",
            30,
            nodes=tuple(node.name for node in profile.nodes),
            influx={"url": server.url},
        ) as rig,
    ):
        rig.run_for(3)
        server.stop()
        rig.wait(lambda state: state["forward"]["state"] == "waiting", 20)
        rig.run_for(DOWN_S)
        assert rig.gateway.state()["forward"]["backlog_bytes"] > 0
        server.start()
        account = rig.settle()
        rig.until(lambda: all_sent(rig), 60)
        exported = server.export()
        store = read_store(rig.spool)
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    arrived = {
        (
            series["metric"]["__name__"],
            series["metric"]["node"],
            series["metric"]["place"],
            series["metric"]["unit"],
        ): sorted(zip(series["timestamps"], series["values"], strict=True))
        for series in exported
        if "place" in series["metric"]
        and not series["metric"]["__name__"].endswith(("_status", "_suspect"))
    }
    expected = points_of(store)
    assert arrived.keys() == expected.keys()
    for key, points in expected.items():
        assert len(arrived[key]) == len(points), key
        for (got_ms, got), (true_us, true) in zip(arrived[key], sorted(points), strict=True):
            assert abs(got_ms - true_us / 1000) <= 5, key
            assert got == pytest.approx(true, rel=1e-6, abs=1e-3), key
    assert sum(map(len, expected.values())) == account.stored
