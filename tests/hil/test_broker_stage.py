"""What a scenario in real time says where its gateway or its start fails, and that it gives all
back."""

import os
import select
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
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

LOOK_LIMIT_S = 0.05
"""Instead of the stage's, so that a slow page need not be slow."""


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
    with pytest.raises(
        BenchError, match=r"(?s)no answer from the page.*ended with exit code 3.*last line"
    ):
        getattr(ended, asked)()


def test_a_gateway_that_ends_by_itself_ends_the_scenario_at_once(ended: BrokerStage) -> None:
    with pytest.raises(
        BenchError, match=r"(?s)^at .* s the gateway ended with exit code 3; .*last line"
    ):
        ended._look()
    assert ended.pictures == []


class SlowPage(BaseHTTPRequestHandler):
    """Answers nobody who does not wait for four looks' time."""

    def do_GET(self) -> None:
        gone, _, _ = select.select([self.connection], [], [], 4 * LOOK_LIMIT_S)
        if not gone:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b'axlebox_node_health{node="axles-a",field="heap_free"} 7\n')

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing."""


def test_a_page_that_is_slow_is_waited_for_when_its_answer_is_needed(
    stage: BrokerStage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(broker_stage, "_LOOK_LIMIT_S", LOOK_LIMIT_S)
    with ThreadingHTTPServer(("127.0.0.1", 0), SlowPage) as page:
        threading.Thread(target=page.serve_forever).start()
        try:
            stage.rig.gateway.page = f"http://127.0.0.1:{page.server_port}/"
            stage._look()
            assert [picture for _, picture in stage.pictures] == [None]
            assert stage.health() == {"axles-a": {"heap_free": 7}}
        finally:
            page.shutdown()


def test_a_stage_whose_start_fails_says_what_failed_and_can_be_stopped(
    stage: BrokerStage,
) -> None:
    with pytest.raises(BenchError, match="the broker ended"):
        stage.run()


def test_a_server_that_is_down_keeps_its_port_from_others(tmp_path: Path) -> None:
    """No socket that asks for any port is given it, and none is given twice, be it to another
    process that begins to look at the same one."""
    ports = [free_port() for _ in range(5)]
    ports += [Broker(["false"], tmp_path / "broker").port]
    assert len(set(ports)) == 6
    low, _ = map(int, Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split())
    assert max(ports) < low
    with socket.create_server(("127.0.0.1", ports[0])):
        assert free_port() not in ports
    code = f"import os; os.getpid = lambda: {os.getpid()}; from hil.ports import free_port\n"
    code += "print(*[free_port() for _ in range(5)])"
    told = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    assert not set(map(int, told.stdout.split())) & set(ports)
