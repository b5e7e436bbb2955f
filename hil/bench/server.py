"""A time-series server in the bench's time: the InfluxDB v2 write API without sockets.

The gateway's forwarder, its client of the API and its reading of what an answer means are those of
a locomotive; only the connections are the bench's. Like VictoriaMetrics it keeps milliseconds, and
an equal point once.
"""

import zlib
from collections import defaultdict
from collections.abc import Callable, Mapping
from http import HTTPStatus
from io import BytesIO
from typing import Any

import urllib3
from urllib3.exceptions import NewConnectionError, ProtocolError, ReadTimeoutError

from hil.line_protocol import Point, points
from hil.victoria_metrics import Key

__all__ = ["BenchServer"]

_GZIP_WBITS = 31
_NO_CONTENT = 204
_LOOK_US = 100_000


class BenchServer:
    """What it is told to be: `down`; `frozen`: it answers nothing until it goes on; `slow_us` late
    with each answer; `deaf`: it takes what it is given, and the connection ends before its answer.

    `wait_until` lets the bench's time go on while a request is under way. `taken`: requests whose
    points are kept, `again`: points that were there.
    """

    def __init__(self, now_us: Callable[[], int], wait_until: Callable[[int], None]) -> None:
        self.down = False
        self.frozen = False
        self.deaf = False
        self.slow_us = 0
        self.requests = 0
        self.taken = 0
        self.again = 0
        self._now_us = now_us
        self._wait_until = wait_until
        self._status: int | None = None
        self._refused = b""
        self._retry_after: dict[str, str] = {}
        self._hung_up = 0
        self._unread: list[bytes] = []
        self._kept: dict[Key, list[float]] = defaultdict(list)

    def request(
        self, method: str, url: str, *, body: bytes, headers: Mapping[str, str], **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """As gateway.forward.Pool."""
        self.requests += 1
        if self.down:
            raise NewConnectionError(_nobody(url), "no connection: Connection refused")
        if headers.get("Content-Encoding") == "gzip":
            body = zlib.decompress(body, _GZIP_WBITS)
        calls = self._hung_up
        timeout: urllib3.Timeout = options["timeout"]
        ends_us = self._now_us() + round((timeout.read_timeout or 0) * 1e6)
        if self.frozen:
            self._unread.append(body)
            while self.frozen and self._now_us() < ends_us and self._hung_up == calls:
                self._wait_until(min(ends_us, self._now_us() + _LOOK_US))
            if self.frozen and self._hung_up == calls:
                raise ReadTimeoutError(_nobody(url), url, "Read timed out.")
            answer = _response(_NO_CONTENT, {})
        else:
            answer = self._answer(body)
            if self.slow_us:
                self._wait_until(min(ends_us, self._now_us() + self.slow_us))
        if self._hung_up != calls or self.deaf:
            raise ProtocolError("Connection aborted.", ConnectionResetError(104, "reset by peer"))
        if self._now_us() >= ends_us:
            raise ReadTimeoutError(_nobody(url), url, "Read timed out.")
        return answer

    def clear(self) -> None:
        """As gateway.forward.Pool."""

    def refuse(
        self, status: int | None, lines: str = "", retry_after_s: int | None = None
    ) -> None:
        """Answer with that status to what has a line with this text in it; None: no more."""
        self._status = status
        self._refused = lines.encode()
        after = {"Retry-After": str(retry_after_s)}
        self._retry_after = {} if retry_after_s is None else after

    def hang_up(self) -> None:
        """End the requests that are under way, without an answer."""
        self._hung_up += 1

    def go_on(self) -> None:
        """No longer frozen: what it was sent meanwhile it takes now."""
        self.frozen = False
        for body in self._unread:
            self._take(body)
        self._unread.clear()

    def read_back(self, locomotive: str) -> dict[Key, list[float]]:
        """As hil.server_points.ReadBack."""
        return {
            key: values
            for key, values in self._kept.items()
            if ("locomotive", locomotive) in key.tags
        }

    def _answer(self, body: bytes) -> urllib3.BaseHTTPResponse:
        if self._status is None or self._refused not in body:
            self._take(body)
            return _response(_NO_CONTENT, {})
        return _response(self._status, self._retry_after)

    def _take(self, body: bytes) -> None:
        self.taken += 1
        for point in points([body]):
            for name, text in point.fields:
                if not text.startswith('"'):
                    self._keep(point, name, _number(text))

    def _keep(self, point: Point, name: str, value: float) -> None:
        time_us = point.time_us // 1000 * 1000
        key = Key(f"{point.measurement}_{name}", tuple(sorted(point.tags)), time_us)
        if value in self._kept[key]:
            self.again += 1
        else:
            self._kept[key].append(value)


def _number(text: str) -> float:
    """As VictoriaMetrics keeps it, which has no strings, and 1 and 0 for true and false."""
    return float({"true": "1", "false": "0"}.get(text, text.rstrip("i")))


def _nobody(url: str) -> Any:
    """In place of a connection, which urllib3's errors want and nobody reads."""
    return url


def _response(status: int, headers: dict[str, str]) -> urllib3.BaseHTTPResponse:
    words = b"" if status == _NO_CONTENT else b'{"message": "refused by the bench"}'
    reason = HTTPStatus(status).phrase
    return urllib3.HTTPResponse(BytesIO(words), headers, status=status, reason=reason)
