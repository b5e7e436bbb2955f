"""VictoriaMetrics on this machine, and everything of one locomotive read back from it."""

import json
import signal
import socket
import subprocess
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlencode

from hil.ports import free_port

__all__ = ["Key", "VictoriaMetrics"]


class Key(NamedTuple):
    """One value on the server; `name` is measurement and field joined by an underscore."""

    name: str
    tags: tuple[tuple[str, str], ...]
    time_us: int


class VictoriaMetrics:
    """A server of ours on a free port; stop and start keep folder and port.

    It keeps a repeated point twice unless it is told to drop equal ones (docs/influxdb.md).
    `flush_s`: what it took is in memory alone for so long.
    """

    org = "depot"
    bucket = "axlebox"
    token = None
    resolution_us = 1000

    def __init__(self, command: Sequence[str], folder: Path, *, flush_s: int = 5) -> None:
        self._port = free_port()
        self.url = f"http://127.0.0.1:{self._port}"
        self._command = [
            *command,
            f"-httpListenAddr=127.0.0.1:{self._port}",
            f"-storageDataPath={folder}",
            "-retentionPeriod=100y",
            "-dedup.minScrapeInterval=1ms",
            f"-inmemoryDataFlushInterval={flush_s}s",
        ]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Returns once it takes requests."""
        self._process = subprocess.Popen(self._command, stderr=subprocess.PIPE)
        assert self._process.stderr is not None
        told = []
        for line in self._process.stderr:
            told.append(line)
            if b"server at http://" in line:
                break
        else:
            raise AssertionError(b"".join(told).decode())
        while not self._listens():
            assert self._process.poll() is None

    def kill(self) -> None:
        """kill -9: what it had not written is gone."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """No longer frozen, if it runs."""
        if self._process is not None:
            self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """Ends it as its service manager would."""
        self._end(signal.SIGTERM)

    def query(self, promql: str, time_us: int) -> dict[str, float]:
        """The value for each node at that time."""
        self._get("/internal/force_flush")
        asked = urlencode({"query": promql, "time": f"{time_us / 1e6:.3f}", "nocache": "1"})
        answer = json.loads(self._get(f"/api/v1/query?{asked}"))
        results = answer["data"]["result"]
        return {each["metric"]["node"]: float(each["value"][1]) for each in results}

    def read_back(self, locomotive: str) -> dict[Key, list[float]]:
        self._get("/internal/force_flush")
        query = urlencode({"match[]": f'{{locomotive="{locomotive}"}}'})
        stored: dict[Key, list[float]] = defaultdict(list)
        for line in self._get(f"/api/v1/export?{query}").splitlines():
            series = json.loads(line)
            labels = series["metric"]
            name = labels.pop("__name__")
            tags = tuple(sorted((k, v) for k, v in labels.items() if k != "db"))
            for stamp_ms, value in zip(series["timestamps"], series["values"], strict=True):
                stored[Key(name, tags, stamp_ms * 1000)].append(value)
        return stored

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is not None:
            process.send_signal(number)
            process.communicate(timeout=30)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.url + path, timeout=30) as answer:
            body = answer.read()
            assert isinstance(body, bytes)
            return body
