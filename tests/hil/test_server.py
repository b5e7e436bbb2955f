"""From a sensor chip to the server: every stored sample arrives once, with its right value."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from axwire.codes import OK
from rigs import all_sent, running

from gateway.profiles import load_profile
from hil.account import Store, read_store
from hil.rig import Rig
from hil.server_points import compare, points_on_server, points_to_send
from hil.victoria_metrics import VictoriaMetrics

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
        rig.wait(all_sent, 60)
        check_arrived(server, rig, account.stored)
    assert (account.stored, account.lost, account.duplicated) == (account.taken, 0, 0)


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
        rig.wait(all_sent, 60)
        left = points_on_server(server, rig.plan.locomotive)
        assert 0 < left.values < account.stored

        command = [sys.executable, "-m", "gateway", "gateway", "replay", "--since", "10m", "-c"]
        asked = subprocess.run(
            [*command, str(tmp_path / "rig" / "axlebox.toml")],
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert "is sent again now" in asked.stdout
        rig.wait(all_sent, 60)
        check_arrived(server, rig, account.stored)


def check_arrived(server: VictoriaMetrics, rig: Rig, samples: int) -> None:
    """Everything stored is on the server once, at the time that the log gives it."""
    told = points_to_send(rig.spool, rig.plan.locomotive)
    assert (told.values, told.same_time) == (samples, 0)
    assert compare(told, points_on_server(server, rig.plan.locomotive)) == (0, 0)
    expected = values_of(read_store(rig.spool))
    values = {
        (name, *(dict(tags)[key] for key in ("node", "place", "unit"))): sorted(
            value for there in points.values() for value in there
        )
        for (name, tags), points in told.by_series.items()
        if not name.endswith("_suspect")
    }
    assert values.keys() == expected.keys()
    for series, true in expected.items():
        assert values[series] == pytest.approx(sorted(true), rel=1e-6, abs=1e-3), series


def values_of(store: Store) -> dict[tuple[str, ...], list[float]]:
    """The sound values in the store, by metric, node, place and unit."""
    found: dict[tuple[str, ...], list[float]] = {}
    for block in store.blocks:
        group = block.rows.group
        for column, (quantity, place) in enumerate(
            zip(group.quantities, group.places, strict=True)
        ):
            if block.rows.statuses[column] == OK:
                series = (quantity.name.replace(".", "_"), block.node, place, quantity.unit)
                good = block.rows.values[~block.rows.missing[:, column], column]
                found.setdefault(series, []).extend(good.tolist())
    return found
