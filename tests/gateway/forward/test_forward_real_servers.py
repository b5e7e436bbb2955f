"""Into real servers and back: every stored sample arrives once, with value, unit, tags, time."""

import os
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from real_servers import Influx, Server

from gateway.forward.audit import HOUR_US
from hil.victoria_metrics import VictoriaMetrics

from .server_run import BOOTED_US, Run


@pytest.fixture
def victoria_metrics(
    victoria_metrics_command: list[str], tmp_path: Path
) -> Iterator[VictoriaMetrics]:
    server = VictoriaMetrics(victoria_metrics_command, tmp_path / "victoria-metrics")
    server.start()
    yield server
    server.stop()


@pytest.fixture
def influx_2() -> Influx:
    url = os.environ.get("AXLEBOX_INFLUX_URL")
    if not url:
        pytest.skip("AXLEBOX_INFLUX_URL names no InfluxDB 2 to test against")
    return Influx(
        url,
        os.environ.get("AXLEBOX_INFLUX_TOKEN"),
        os.environ.get("AXLEBOX_INFLUX_ORG", "axlebox"),
        os.environ.get("AXLEBOX_INFLUX_BUCKET", "axlebox"),
    )


def arrives_once(server: Server, folder: Path) -> None:
    run = Run(server, folder)
    try:
        run.read(20)
        run.drain()
        run.check()
    finally:
        run.close()


def repeats_change_nothing(server: Server, folder: Path) -> None:
    run = Run(server, folder)
    try:
        run.read(10)
        run.drain()
        run.check()
        run.restart()
        (folder / "forward.json").unlink()
        run.drain()
        assert run.forwarder.values == len(run.expected)
        run.check()
    finally:
        run.close()


def test_every_sample_arrives_once_in_victoria_metrics(
    victoria_metrics: VictoriaMetrics, tmp_path: Path
) -> None:
    arrives_once(victoria_metrics, tmp_path / "spool")


def test_every_sample_arrives_once_in_influxdb_2(influx_2: Influx, tmp_path: Path) -> None:
    arrives_once(influx_2, tmp_path / "spool")


def test_a_repeat_changes_nothing_in_victoria_metrics(
    victoria_metrics: VictoriaMetrics, tmp_path: Path
) -> None:
    repeats_change_nothing(victoria_metrics, tmp_path / "spool")


def test_a_repeat_changes_nothing_in_influxdb_2(influx_2: Influx, tmp_path: Path) -> None:
    repeats_change_nothing(influx_2, tmp_path / "spool")


def test_a_server_that_was_down_gets_everything(
    victoria_metrics: VictoriaMetrics, tmp_path: Path
) -> None:
    run = Run(victoria_metrics, tmp_path / "spool")
    try:
        run.read(20)
        for _ in range(3):
            run.forwarder.step()
        victoria_metrics.stop()
        for _ in range(10):
            run.read(6)
            next_us = run.forwarder.step()
            run.clock.advance_us(max(0, next_us - run.clock.monotonic_us()))
        waiting = run.forwarder.state()
        assert waiting.state == "waiting"
        assert waiting.error is not None
        assert "does not answer" in waiting.error

        victoria_metrics.start()
        run.restart()
        run.drain()

        assert run.forwarder.state().error is None
        run.check()
    finally:
        run.close()


def account_of(locomotive: str) -> str:
    """The query that docs/influxdb.md gives: sent less stored in an hour, by node."""
    text = (Path(__file__).parents[3] / "docs" / "influxdb.md").read_text(encoding="utf-8")
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    (query,) = [block for block in blocks if "sum_over_time" in block]
    return str(query).replace("TE33A-0001", locomotive)


def test_a_server_that_was_killed_has_everything_after_a_replay(
    victoria_metrics_command: list[str], tmp_path: Path
) -> None:
    """It answered 204 for what it had in memory alone. The account shows it, hour by hour."""
    server = VictoriaMetrics(victoria_metrics_command, tmp_path / "server", flush_s=3600)
    server.start()
    run = Run(server, tmp_path / "spool")
    begin_us = run.clock.utc_us()
    hours = [BOOTED_US // HOUR_US + k for k in range(3)]
    try:
        for _ in hours:
            run.read(10)
            run.rest(3600)
            run.drain()
        run.check()
        assert [differences(server, run, hour) for hour in hours] == [{}] * 3

        run.read(5)
        run.forwarder.step()
        server.kill()
        server.start()
        run.rest(3600)
        run.drain()
        assert len(run.stored()) < len(run.expected)

        asked = run.forwarder.ask_replay(begin_us)
        run.drain()
        assert asked.result(timeout=0).oldest_us is None
        run.check()
        assert [differences(server, run, hour) for hour in hours] == [{}] * 3
    finally:
        run.close()
        server.stop()


def test_the_account_shows_what_a_server_lost(
    victoria_metrics_command: list[str], tmp_path: Path
) -> None:
    """Values that vanished while the account of them stayed: here, as it came after the kill."""
    server = VictoriaMetrics(victoria_metrics_command, tmp_path / "server", flush_s=3600)
    server.start()
    run = Run(server, tmp_path / "spool")
    hour = BOOTED_US // HOUR_US
    try:
        run.read(10)
        run.drain()
        server.kill()
        server.start()
        run.rest(3600)
        run.drain()

        lost = Counter(dict(key.tags)["node"] for key in run.expected.keys() - run.stored().keys())
        assert differences(server, run, hour) == lost
    finally:
        run.close()
        server.stop()


def differences(server: VictoriaMetrics, run: Run, hour: int) -> dict[str, float]:
    """Sent less stored in that hour, by node, where they differ; each node is accounted for."""
    end_us = (hour + 1) * HOUR_US - 1000
    account = server.query(account_of(run.locomotive), end_us)
    sent = server.query(account_of(run.locomotive).partition("- sum")[0], end_us)
    missing = {node: value for node, value in sent.items() if node not in account}
    assert sent.keys() == {"motors-a", "axles"}
    return missing | {node: value for node, value in account.items() if value}
