"""The gateway under a supervisor: what it tells, and what its unit makes of that."""

import asyncio
import configparser
import json
import logging
import os
import shlex
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.logs import LogFormat, start_logging
from gateway.service import report
from gateway.service_cli import app
from gateway.supervision import Supervisor

UNIT = Path(__file__).parents[2] / "docs" / "axlebox-gateway.service"
LIMIT_S = 30


class Heard:
    """A socket as systemd's; `line` waits for what is told next."""

    def __init__(self, address: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(LIMIT_S)

    def line(self) -> str:
        return self._socket.recv(4096).decode()

    def until(self, line: str) -> list[str]:
        """All that is told up to that line."""
        lines = [self.line()]
        while lines[-1] != line:
            lines.append(self.line())
        return lines

    def close(self) -> None:
        self._socket.close()


@pytest.fixture
def heard(tmp_path: Path) -> Iterator[Heard]:
    listener = Heard(str(tmp_path / "notify"))
    yield listener
    listener.close()


def test_a_gateway_says_that_it_collects_gets_on_and_ends(tmp_path: Path, heard: Heard) -> None:
    (tmp_path / "axlebox.toml").write_text(
        '[locomotive]\nid = "TE33A-0001"\n[page]\nport = 0\n[clock]\ntrust = "always"\n',
        encoding="utf-8",
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "gateway", "gateway", "run", "--log", "json"],
        cwd=tmp_path,
        env={**os.environ, "NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "300000"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
    )
    try:
        started = heard.until("READY=1")
        for _ in range(3):
            heard.until("WATCHDOG=1")
        process.send_signal(signal.SIGTERM)
        ended = heard.until("STOPPING=1")
        assert process.wait(LIMIT_S) == 0
    finally:
        process.kill()
        process.wait()
    assert set(started + ended) == {"READY=1", "WATCHDOG=1", "STATUS=collecting", "STOPPING=1"}


def test_a_gateway_of_which_a_thread_ended_is_not_alive(tmp_path: Path, heard: Heard) -> None:
    environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "3000"}
    supervisor = Supervisor(environment, os.getpid())
    lives = iter([True, True, False, False])

    async def until_all_is_told() -> None:
        ended = asyncio.Event()

        def is_alive() -> bool:
            alive = next(lives, None)
            if alive is None:
                ended.set()
            return bool(alive)

        reporting = asyncio.create_task(report(supervisor, is_alive, lambda: ["a thread ended"]))
        await ended.wait()
        reporting.cancel()

    asyncio.run(until_all_is_told())
    supervisor.stopping()
    told = heard.until("STOPPING=1")
    assert told.count("WATCHDOG=1") == 2
    assert told.count("STATUS=a thread ended") == 1


def test_a_name_that_is_no_path_is_told_too() -> None:
    name = f"@axlebox-test-{os.getpid()}"
    listener = Heard("\0" + name[1:])
    try:
        Supervisor({"NOTIFY_SOCKET": name}, os.getpid()).status("the disk is full:\nfree space")
        assert listener.line() == "STATUS=the disk is full: free space"
    finally:
        listener.close()


@pytest.mark.parametrize(
    ("environment", "period_us"),
    [
        ({"WATCHDOG_USEC": "30000000"}, 10_000_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "7"}, 10_000_000),
        ({"WATCHDOG_USEC": "30000000", "WATCHDOG_PID": "8"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
        ({}, None),
    ],
)
def test_the_watchdog_is_for_the_process_that_it_names(
    environment: dict[str, str], period_us: int | None
) -> None:
    assert Supervisor(environment, 7).period_us == period_us


def test_a_supervisor_that_is_gone_stops_nothing(tmp_path: Path) -> None:
    supervisor = Supervisor({"NOTIFY_SOCKET": str(tmp_path / "gone")}, os.getpid())
    supervisor.ready()
    supervisor.stopping()


def test_the_unit_starts_a_command_that_there_is() -> None:
    unit = configparser.ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(UNIT.read_text(encoding="utf-8"))
    program, section, *arguments = shlex.split(unit["Service"]["ExecStart"])
    assert (Path(program).name, section) == ("axlebox", "gateway")
    options = [word for word in arguments if word.startswith("-")]
    told = CliRunner().invoke(app, ["run", "--help"], env={"COLUMNS": "200"}).output
    assert arguments[0] == "run"
    assert all(option in told for option in options)
    assert unit["Service"]["Type"] == "notify"
    assert int(unit["Service"]["WatchdogSec"]) >= 10


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    text = UNIT.read_text(encoding="utf-8")
    unit = tmp_path / UNIT.name
    unit.write_text(text.replace("/opt/axlebox/.venv/bin/axlebox", "/bin/true"), encoding="utf-8")
    told = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, timeout=LIMIT_S
    )
    assert (told.returncode, told.stderr) == (0, "")


def test_a_line_of_the_log_is_an_object(capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    root.handlers[:] = []
    try:
        start_logging(LogFormat.JSON)
        log = logging.getLogger("gateway.links.serial_port")
        log.info("%s is back", "serial motors", extra={"link": "serial motors"})
        try:
            raise ValueError("broken")
        except ValueError:
            log.exception("it goes on")
    finally:
        root.handlers[:] = before
        root.setLevel(level)
    first, second = map(json.loads, capsys.readouterr().err.splitlines())
    assert first.pop("time").endswith("+00:00")
    assert first == {
        "level": "info",
        "part": "links.serial_port",
        "message": "serial motors is back",
        "link": "serial motors",
    }
    assert (second["level"], second["message"]) == ("error", "it goes on")
    assert "ValueError: broken" in second["error"]
