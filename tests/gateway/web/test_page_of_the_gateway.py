"""The page of a real gateway: its alarms, its desk and its store, in a real Chromium."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from axwire.codes import OK, OPEN
from board_peer import Board, group_of
from collecting import Collecting
from manual_clock import ManualClock
from playwright.sync_api import Page, expect
from prometheus_client import CollectorRegistry

from gateway.alarms.record import read_record
from gateway.alarms.rulebook import words_of
from gateway.history.trend import Trends
from gateway.spool import Kind
from gateway.web.access import Access
from gateway.web.app import create_app
from gateway.web.server import serve

HOT_RAW, COLD_RAW = 190_000, 20_000
WAIT_S = 20


class Running:
    """A gateway with two windings, served from a loop of its own; time is the test's."""

    def __init__(self, folder: Path) -> None:
        self.clock = ManualClock()
        self.board = Board(groups=[group_of("motor.winding_temperature", 2, period_ms=1000)])
        self.collecting = Collecting(folder, [self.board], self.clock)
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()))
        self._thread.start()
        assert self._listening.wait(WAIT_S)

    def run(self, seconds: int, raw: int = COLD_RAW, status: int = OK) -> None:
        """In the gateway's own thread."""
        done = threading.Event()
        self._loop.call_soon_threadsafe(lambda: (self._run(seconds, raw, status), done.set()))
        assert done.wait(WAIT_S)

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(WAIT_S)
        self.collecting.close()

    def _run(self, seconds: int, raw: int, status: int = OK) -> None:
        for _ in range(seconds):
            t_ms = self.clock.monotonic_us() // 1000
            statuses = None if status == OK else [status, OK]
            self.collecting.receive(
                self.board.readings([[raw, COLD_RAW]], t_ms=t_ms, wide=True, statuses=statuses)
            )
            for _ in range(10):
                self.collecting.answer_pings(self.board)
                self.collecting.gateway.tick()
                self.clock.advance_us(100_000)
        self.collecting.commit()
        while self.collecting.gateway.indexer.step():
            pass

    async def _serve(self) -> None:
        self._loop, self._stop = asyncio.get_running_loop(), asyncio.Event()
        self.collecting.receive(self.board.hello())
        self._run(5, COLD_RAW)
        gateway = self.collecting.gateway
        app = create_app(
            gateway.registry,
            health=list,
            metrics=CollectorRegistry(),
            words=words_of(gateway.alarms.rules),
            desk=gateway.alarms,
            access=Access(trusted_panel=True),
            trends=Trends(gateway.config.spool.folder, gateway.storage, gateway.indexer),
        )
        await serve(app, "127.0.0.1", 0, self._stop, listening=self._note)

    def _note(self, host: str, port: int) -> None:
        self.url = f"http://{host}:{port}"
        self._listening.set()


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path / "gateway")
    yield running
    running.stop()


def test_a_cut_wire_is_painted_acknowledged_and_kept_with_who_did_it(
    tab: Page, gateway: Running
) -> None:
    tab.goto(gateway.url)
    expect(tab.locator("#strip .title")).to_have_text("No alarms")
    gateway.run(5, status=OPEN)
    expect(tab.locator("#strip .code")).to_have_text("D01")
    expect(tab.locator("#strip .title")).to_have_text("Sensor fault")
    expect(tab.locator('#matrix [data-look="fault"]')).to_have_count(1)
    tab.locator("#strip").click()
    tab.locator("#alarms .alarm").get_by_role("button", name="Accept").click()
    expect(tab.locator("#alarms .alarm")).to_have_attribute("data-state", "acknowledged")
    gateway.run(1, status=OPEN)
    kept = [read_record(one.body) for one in gateway.collecting.records(Kind.ALARM)]
    assert [(one.action, one.by) for one in kept] == [("raised", ""), ("acknowledged", "panel")]


def test_the_course_of_a_value_comes_from_the_store(tab: Page, gateway: Running) -> None:
    gateway.run(30, HOT_RAW)
    tab.goto(f"{gateway.url}/#detail/1")
    chart = tab.locator("#detail .chart")
    expect(chart).to_have_attribute(
        "aria-label", "motor winding temperature, motor 1, 10 min: 20 … 190 °C"
    )
    expect(chart.locator(".mean")).to_have_count(1)
