"""What a scenario in real time says where its gateway or its start fails, and that it gives all
back."""

import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.timebase import SystemClock
from hil.bench import broker_stage
from hil.bench.broker_stage import BrokerStage
from hil.bench.scenario import load_scenario, scenario_files
from hil.broker import Broker
from hil.errors import BenchError
from hil.ports import free_port

pytestmark = pytest.mark.timeout(60)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[BrokerStage]:
    """Of a scenario with a server; nothing of it is started. It is given back as it then is."""
    monkeypatch.setattr(broker_stage, "find_victoria_metrics", lambda: ["false"])
    monkeypatch.setattr(broker_stage, "find_mosquitto", lambda: ["false"])
    path = next(path for path in scenario_files() if path.stem == "server-down-mqtt")
    made = BrokerStage(load_scenario(path), tmp_path, SystemClock())
    yield made
    made.stop()


@pytest.fixture
def ended(stage: BrokerStage) -> BrokerStage:
    """Its gateway ended by itself, and nobody listens at its page."""
    gateway = stage.rig.gateway
    gateway._log.write_text("the last line\n")
    gateway._process = subprocess.Popen(
        [sys.executable, "-c", "raise SystemExit(3)"], stdout=subprocess.PIPE, text=True
    )
    gateway._process.wait()
    gateway.page = f"http://127.0.0.1:{free_port()}/"
    return stage


@pytest.mark.parametrize("asked", ["state", "health"])
def test_a_page_that_does_not_answer_is_told_with_what_became_of_the_gateway(
    ended: BrokerStage, asked: str
) -> None:
    with pytest.raises(BenchError, match=r"(?s)no answer from the page.*ended with 3.*last line"):
        getattr(ended, asked)()


def test_a_gateway_that_ends_by_itself_ends_the_scenario_at_once(ended: BrokerStage) -> None:
    with pytest.raises(BenchError, match=r"(?s)^at .* s the gateway ended with 3; .*last line"):
        ended._look()
    assert ended.pictures == []


def test_a_stage_whose_start_fails_says_what_failed_and_can_be_stopped(
    stage: BrokerStage,
) -> None:
    with pytest.raises(BenchError, match="the broker ended"):
        stage.run()


def test_a_server_that_is_down_keeps_its_port_from_others(tmp_path: Path) -> None:
    """No socket that asks for any port is given it, and none is given twice."""
    ports = [free_port() for _ in range(5)]
    ports += [Broker(["false"], tmp_path / "broker").port]
    assert len(set(ports)) == 6
    low, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert max(ports) < low
    with socket.create_server(("127.0.0.1", ports[0])):
        assert free_port() not in ports
