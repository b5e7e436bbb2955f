"""From a sensor chip to the server: every stored sample arrives once, with its right value."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axwire.codes import OK
from real_servers import Key, VictoriaMetrics
from rigs import all_sent, running

from gateway.profiles import load_profile
from hil.account import Store, read_store

pytestmark = pytest.mark.timeout(180)

DOWN_S = 60.0


@contextmanager
def serving(command: list[str], folder: Path, flush_s: int = 5) -> Iterator[VictoriaMetrics]:
    server = VictoriaMetrics(command, folder, flush_s=flush_s)
    server.start()
    try:
        yield server
    finally:
        server.stop()


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
        exported = server.read_back(rig.plan.locomotive)
        store = read_store(rig.spool)
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)
    check_arrived(exported, store)
    assert sum(map(len, points_of(store).values())) == account.stored


def test_a_server_that_is_killed_gets_everything_again(
    tmp_path: Path, victoria_metrics_command: list[str]
) -> None:
    """It lost what it had answered for; a person asks the running gateway for a replay."""
    with (
        serving(victoria_metrics_command, tmp_path / "server", flush_s=3600) as server,
        running(tmp_path / "rig", 31, influx={"url": server.url}) as rig,
    ):
        rig.run_for(4)
        server.kill()
        server.start()
        rig.run_for(2)
        account = rig.settle()
        rig.until(lambda: all_sent(rig), 60)
        lost = server.read_back(rig.plan.locomotive)
        store = read_store(rig.spool)
        expected = sum(map(len, points_of(store).values()))
        assert sum(map(len, plain(lost).values())) < expected == account.stored

        command = [sys.executable, "-m", "gateway", "gateway", "replay", "--since", "10m", "-c"]
        asked = subprocess.run(
            [*command, str(tmp_path / "rig" / "axlebox.toml")],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert "is sent again now" in asked.stdout
        rig.until(lambda: all_sent(rig), 60)
        check_arrived(server.read_back(rig.plan.locomotive), store)


def plain(exported: dict[Key, list[float]]) -> dict[tuple[str, ...], list[tuple[int, float]]]:
    """What a server has of sound values, by metric, node, place and unit."""
    arrived: dict[tuple[str, ...], list[tuple[int, float]]] = {}
    for key, values in exported.items():
        tags = dict(key.tags)
        if "place" in tags and not key.name.endswith(("_status", "_suspect")):
            series = (key.name, tags["node"], tags["place"], tags["unit"])
            arrived.setdefault(series, []).extend((key.time_us, value) for value in values)
    return arrived


def check_arrived(exported: dict[Key, list[float]], store: Store) -> None:
    """Value by value: everything stored is on the server once."""
    arrived = plain(exported)
    expected = points_of(store)
    assert arrived.keys() == expected.keys()
    for series, points in expected.items():
        assert len(arrived[series]) == len(points), series
        for (got_us, got), (true_us, true) in zip(
            sorted(arrived[series]), sorted(points), strict=True
        ):
            assert abs(got_us - true_us) <= 5_000, series
            assert got == pytest.approx(true, rel=1e-6, abs=1e-3), series
