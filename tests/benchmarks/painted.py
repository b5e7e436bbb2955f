"""From an address to the first values, and from a message to its value or alarm, in Chromium.

One gateway in this process takes the messages of twelve nodes in real time, as in `latency`, while
a browser shows its page on the cab's panel. A value counts as painted when a frame has begun after
the one that it was drawn in. The alarm's rule has no delay of its own, so what is measured is
what comes beyond it.
"""

import asyncio
import random
import time
from pathlib import Path

import numpy as np
from board_peer import Board, Line, group_of
from collecting import write_keys
from crew_page.chromium import open_chromium_in_loop
from playwright.async_api import Browser
from prometheus_client import CollectorRegistry

from benchmarks.report import Figure
from gateway.config import AlarmsConfig, GatewayConfig, LocomotiveConfig, SpoolConfig
from gateway.core import Gateway
from gateway.spool.commit_thread import CommitThread
from gateway.timebase import SystemClock
from gateway.web.app import create_app
from gateway.web.server import serve
from hil.programs import find_chromium

_SECONDS = 60
_PERIOD_S = 0.1
_NODES = 12
_STEP = 0.001
_LOADS = 10
_CALM_A, _HOT_A = 200, 900
_HOT_EACH, _HOT_FOR = 20, 5
_WATCH = """() => {
  globalThis.painted = [];
  const value = document.querySelector('[data-channel="node-0/0"] .value');
  const strip = document.getElementById("strip");
  let last = "";
  new MutationObserver(() => {
    const seen = [value.textContent, strip.dataset.state];
    if (seen.join() === last) return;
    last = seen.join();
    requestAnimationFrame(() => requestAnimationFrame(() =>
      painted.push([performance.timeOrigin + performance.now(), ...seen])));
  }).observe(document.body, { subtree: true, childList: true, attributes: true,
                              attributeFilter: ["data-state"] });
}"""
_RULES = """
[[rules]]
id = "bench"
kind = "value"
quantity = "motor.current"
priority = "high"
limit = { above = 800, close = 700, unit = "A", source = "the bench", verified = true }
[rules.words]
code = "X99"
title = { kk = "x", ru = "x", en = "x" }
meaning = { kk = "x", ru = "x", en = "x" }
action = { kk = "x", ru = "x", en = "x" }
"""


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    folder.mkdir()
    first_ms, values_ms, alarms_ms = asyncio.run(_Run(folder, seed).measure())
    return {
        "page.first_values_ms": _figure(first_ms, 1000, seed),
        "page.painted_p99_ms": _figure(values_ms, 300, seed),
        "page.alarm_painted_p99_ms": _figure(alarms_ms, 1000, seed),
    }


def _figure(times_ms: list[float], goal: float, seed: int) -> Figure:
    p50, p99 = np.percentile(times_ms, [50, 99])
    return Figure(float(p99), "ms", goal, seed, {"p50": float(p50), "times": len(times_ms)})


class _Run:
    def __init__(self, folder: Path, seed: int) -> None:
        boots = random.Random(seed)
        self._boards = [
            Board(
                f"node-{n}",
                boots.getrandbits(32),
                secret=boots.randbytes(32),
                groups=[group_of("motor.current" if n == 0 else "motor.voltage", 2)],
            )
            for n in range(_NODES)
        ]
        self._lines = [Line(board) for board in self._boards]
        rules = folder / "rules.toml"
        rules.write_text(_RULES)
        self._gateway = Gateway(
            GatewayConfig(
                locomotive=LocomotiveConfig(id="bench"),
                nodes=write_keys(folder, self._boards),
                spool=SpoolConfig(folder=folder / "spool"),
                alarms=AlarmsConfig(rules=rules),
            ),
            SystemClock("always"),
        )
        self._sent_ms: list[tuple[int, float]] = []

    async def measure(self) -> tuple[list[float], list[float], list[float]]:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()
        gateway = self._gateway

        def committed(ticket: int) -> None:
            loop.call_soon_threadsafe(gateway.ingest.committed, ticket)

        gateway.writer.on_committed = committed
        committer = CommitThread(gateway.writer, gateway.clock)
        committer.start()
        app = create_app(gateway.registry, health=list, metrics=CollectorRegistry())
        address: asyncio.Future[str] = loop.create_future()
        page = asyncio.create_task(
            serve(
                app,
                "127.0.0.1",
                0,
                stop,
                listening=lambda host, port: address.set_result(f"http://{host}:{port}"),
            )
        )
        async with open_chromium_in_loop(find_chromium()) as browser:
            tab = await browser.new_page(viewport={"width": 800, "height": 480})
            await self._feed(0, 1.0)
            await tab.goto(await address)
            await self._feed(10, 2.0)
            await tab.evaluate(_WATCH)
            self._sent_ms.clear()
            await self._feed(30, _SECONDS)
            await asyncio.sleep(1)
            painted = await tab.evaluate("painted")
            first_ms = [await self._load(browser, await address) for _ in range(_LOADS)]
        stop.set()
        await page
        assert committer.stop()
        gateway.close()
        assert not gateway.ingest.refused, gateway.ingest.refused
        return first_ms, self._values(painted), self._alarms(painted)

    async def _load(self, browser: Browser, address: str) -> float:
        """From the address to the first values, with nothing kept from before."""
        context = await browser.new_context(viewport={"width": 800, "height": 480})
        tab = await context.new_page()
        begin = time.perf_counter()
        await tab.goto(address, wait_until="commit")
        await tab.wait_for_selector("#cover", state="hidden")
        took_ms = (time.perf_counter() - begin) * 1000
        await context.close()
        return took_ms

    async def _feed(self, first: int, seconds: float) -> None:
        gateway, begin = self._gateway, time.perf_counter()
        if first == 0:
            for board, line in zip(self._boards, self._lines, strict=True):
                gateway.ingest.receive(line, board.hello())
        for number in range(round(seconds / _PERIOD_S)):
            await asyncio.sleep(max(0.0, begin + number * _PERIOD_S - time.perf_counter()))
            amperes = self._amperes(first + number)
            t_ms = gateway.clock.monotonic_us() // 1000
            for board, line in zip(self._boards, self._lines, strict=True):
                for ping in line.pings():
                    gateway.ingest.receive(line, board.pong(ping, t_ms * 1000))
                raw = round(amperes / _STEP)
                if board is self._boards[0]:
                    self._sent_ms.append((amperes, gateway.clock.utc_us() / 1000))
                assert gateway.ingest.receive(
                    line, board.readings([[raw, raw]], t_ms=t_ms, wide=True)
                )
            gateway.tick()
            for alarm in gateway.alarms.alarms():
                if alarm.state == "returned":
                    gateway.alarms.acknowledge(alarm.id, "bench")

    @staticmethod
    def _amperes(number: int) -> int:
        """Never the same twice within ten seconds; each two seconds it goes beyond the limit."""
        return (_HOT_A if number % _HOT_EACH < _HOT_FOR else _CALM_A) + number % 100

    def _values(self, painted: list[tuple[float, str, str]]) -> list[float]:
        """From each arrival to the first frame with that value; a value that a newer one overtook
        before a frame came counts to the newer one's."""
        found: list[float] = []
        at = 0
        for amperes, sent_ms in self._sent_ms:
            for index in range(at, len(painted)):
                shown = int(painted[index][1])
                if painted[index][0] >= sent_ms and shown in self._after(amperes, sent_ms):
                    found.append(painted[index][0] - sent_ms)
                    at = index
                    break
        assert len(found) > len(self._sent_ms) * 0.95
        return found

    def _after(self, amperes: int, sent_ms: float) -> set[int]:
        index = self._sent_ms.index((amperes, sent_ms))
        return {later for later, _ in self._sent_ms[index : index + 50]}

    def _alarms(self, painted: list[tuple[float, str, str]]) -> list[float]:
        found = []
        before = _HOT_A
        for amperes, sent_ms in self._sent_ms:
            begins, before = before < _HOT_A <= amperes, amperes
            if not begins:
                continue
            frames = [
                at_ms
                for at_ms, _, state in painted
                if at_ms >= sent_ms and state == "unacknowledged"
            ]
            assert frames, "an alarm was never painted"
            found.append(frames[0] - sent_ms)
        return found
