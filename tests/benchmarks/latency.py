"""From the arrival of a message to its commit, and to its event on the page.

One gateway in this process takes the messages of twelve nodes in real time, ten a second of each,
2,400 samples/s in all, and serves its page to a listener over TCP. A node's value is the number
of its message, so that the listener knows which one a picture shows.
"""

import asyncio
import random
import threading
import time
from pathlib import Path

import msgspec
import numpy as np
from board_peer import Board, Line
from collecting import write_keys
from prometheus_client import CollectorRegistry

from benchmarks.report import Figure
from gateway.config import GatewayConfig, LocomotiveConfig, SpoolConfig
from gateway.core import Gateway
from gateway.spool.commit_thread import CommitThread
from gateway.state import State
from gateway.timebase import SystemClock
from gateway.web.app import create_app
from gateway.web.server import serve

_SECONDS = 15
_PERIOD_S = 0.1
_NODES = 12
_ROWS = 10


def measure(folder: Path, seed: int) -> dict[str, Figure]:
    folder.mkdir()
    committed_ms, shown_ms = asyncio.run(_Run(folder, seed).measure())
    return {
        "gateway.commit_p99_ms": _figure(committed_ms, 1500, seed),
        "gateway.event_p99_ms": _figure(shown_ms, 300, seed),
    }


def _figure(times_ms: list[float], goal: float, seed: int) -> Figure:
    p50, p99 = np.percentile(times_ms, [50, 99])
    return Figure(float(p99), "ms", goal, seed, {"p50": float(p50), "messages": len(times_ms)})


class _Run:
    def __init__(self, folder: Path, seed: int) -> None:
        boots = random.Random(seed)
        self._boards = [
            Board(f"node-{n}", boots.getrandbits(32), secret=boots.randbytes(32))
            for n in range(_NODES)
        ]
        self._lines = [Line(board) for board in self._boards]
        self._gateway = Gateway(
            GatewayConfig(
                locomotive=LocomotiveConfig(id="bench"),
                nodes=write_keys(folder, self._boards),
                spool=SpoolConfig(folder=folder / "spool"),
            ),
            SystemClock("always"),
        )
        self._lock = threading.Lock()
        self._arrived: dict[int, float] = {}
        self._committed_ms: list[float] = []
        self._sent: list[float] = []
        """When the first node's messages arrived, by their value."""
        self._shown_ms: list[float] = []

    async def measure(self) -> tuple[list[float], list[float]]:
        loop, stop = asyncio.get_running_loop(), asyncio.Event()

        def committed(ticket: int) -> None:
            now = time.perf_counter()
            with self._lock:
                for done in [one for one in self._arrived if one <= ticket]:
                    self._committed_ms.append((now - self._arrived.pop(done)) * 1000)
            loop.call_soon_threadsafe(self._gateway.ingest.committed, ticket)

        self._gateway.writer.on_committed = committed
        committer = CommitThread(self._gateway.writer, self._gateway.clock)
        app = create_app(self._gateway.registry, health=list, metrics=CollectorRegistry())
        address: asyncio.Future[tuple[str, int]] = loop.create_future()

        def listening(host: str, port: int) -> None:
            address.set_result((host, port))

        page = asyncio.create_task(serve(app, "127.0.0.1", 0, stop, listening=listening))
        committer.start()
        listener = asyncio.create_task(self._listen(*await address))
        await self._feed()
        listener.cancel()
        stop.set()
        await page
        assert committer.stop()
        self._gateway.close()
        assert not self._gateway.ingest.refused, self._gateway.ingest.refused
        return self._committed_ms, self._shown_ms

    async def _feed(self) -> None:
        ingest, begin = self._gateway.ingest, time.perf_counter()
        for board, line in zip(self._boards, self._lines, strict=True):
            ingest.receive(line, board.hello())
        for number in range(round(_SECONDS / _PERIOD_S)):
            await asyncio.sleep(max(0.0, begin + number * _PERIOD_S - time.perf_counter()))
            ingest.tick()
            for board, line in zip(self._boards, self._lines, strict=True):
                t_us = round((time.perf_counter() - begin) * 1e6)
                for ping in line.pings():
                    ingest.receive(line, board.pong(ping, t_us))
                message = board.readings([[number, number]] * _ROWS, t_ms=t_us // 1000)
                now = time.perf_counter()
                assert ingest.receive(line, message)
                with self._lock:
                    self._arrived[ingest.ticket] = now
                if board is self._boards[0]:
                    self._sent.append(now)
        while len(self._shown_ms) < len(self._sent):
            await asyncio.sleep(_PERIOD_S)

    async def _listen(self, host: str, port: int) -> None:
        reader, writer = await asyncio.open_connection(host, port, limit=1 << 20)
        writer.write(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            while True:
                event = await reader.readline()
                if not event.startswith(b"data: "):
                    continue
                state = msgspec.json.decode(event[6:], type=State)
                now = time.perf_counter()
                value = next((c.value for c in state.channels if c.id == "node-0/0"), None)
                seen = -1 if value is None else round(value * 1000)
                for arrived in self._sent[len(self._shown_ms) : seen + 1]:
                    self._shown_ms.append((now - arrived) * 1000)
        finally:
            writer.close()
