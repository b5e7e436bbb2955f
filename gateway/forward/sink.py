"""One write request and what came of it, in the terms the forwarder acts on."""

import json
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from http import HTTPStatus
from typing import Any, Protocol

import urllib3
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.write_precision import WritePrecision
from influxdb_client.rest import ApiException
from influxdb_client.service.write_service import WriteService

from gateway.forward.sockets import Sockets
from gateway.timebase import Clock

__all__ = ["Answer", "InfluxSink", "Pool", "Sink", "Verdict"]

_CONNECT_TIMEOUT_MS = 5_000
_ANSWER_TIMEOUT_MS = 30_000
_TEXT_CAP = 300

_GZIP_LEVEL = 3
"""Measured on forwarded lines: a thirteenth of a value's CPU more than level 1 and a sixth fewer
bytes; level 4 costs half as much again (docs/influxdb.md)."""

_GZIP_WBITS = 31

_NANOSECONDS: Any = WritePrecision.NS  # a str that the client's annotations call an enum

_TOKEN_HINT = "AXLEBOX_INFLUX_TOKEN or the file that influx.token_file names"


class Verdict(Enum):
    """What a request came to."""

    OK = "ok"
    REFUSED = "refused"
    """The server does not want us: configuration, not data."""
    TOO_LARGE = "too_large"
    BAD_LINES = "bad_lines"
    """Some line of it is wrong; others may have been stored."""
    BUSY = "busy"
    SERVER_ERROR = "server_error"
    RESET = "reset"
    """The connection ended in the middle."""
    UNREACHABLE = "unreachable"


@dataclass(frozen=True)
class Answer:
    """A verdict, its reason for a person, and how long the server asked to be left alone."""

    verdict: Verdict
    text: str = ""
    retry_after_us: int | None = None


class Sink(Protocol):
    """Where batches of line protocol go."""

    def write(self, body: bytes, meanwhile: Callable[[], None] | None = None) -> Answer:
        """Send one body and wait for the answer; `meanwhile` is called at most once, when the
        body is on its way. Never raises for what a server can do."""

    def abort(self) -> None:
        """End a request that is under way and refuse further ones; from any thread."""


class Pool(Protocol):
    """What makes HTTP requests, as urllib3.PoolManager does."""

    def request(
        self, method: str, url: str, *, body: bytes, headers: Mapping[str, str], **options: Any
    ) -> urllib3.BaseHTTPResponse:
        """Make one and wait for the answer. Raises urllib3.exceptions.HTTPError."""

    def clear(self) -> None:
        """Give the connections back."""


_VERDICTS = {
    400: Verdict.BAD_LINES,
    408: Verdict.SERVER_ERROR,
    413: Verdict.TOO_LARGE,
    422: Verdict.BAD_LINES,
    429: Verdict.BUSY,
    503: Verdict.BUSY,
}


class InfluxSink:
    """The v2 write API of one server through influxdb-client, without its retries.

    Bodies go out compressed unless `gzip` is off; equal bodies are equal bytes there, too. `pool`
    makes its requests; None: one of its own, whose sockets `abort` ends.
    """

    def __init__(
        self,
        url: str,
        org: str,
        bucket: str,
        token: str | None,
        clock: Clock,
        *,
        gzip: bool = True,
        pool: Pool | None = None,
    ) -> None:
        self._url = url
        self._org = org
        self._bucket = bucket
        self._has_token = token is not None
        self._gzip = gzip
        self._clock = clock
        self._client = InfluxDBClient(
            url,
            token or "",
            org=org,
            timeout=(_CONNECT_TIMEOUT_MS, _ANSWER_TIMEOUT_MS),
            retries=False,
        )
        self._sockets = Sockets()
        self._watches = pool is None
        rest: Any = self._client.api_client.rest_client
        if pool is None:
            self._sockets.watch(rest.pool_manager)
        else:
            rest.pool_manager = pool
        self._service = WriteService(self._client.api_client)

    def write(self, body: bytes, meanwhile: Callable[[], None] | None = None) -> Answer:
        """Send line protocol with timestamps in nanoseconds.

        `meanwhile` runs between the last byte of the request and the first of the answer; a pool
        that was given does not tell when that is, so it runs before.
        """
        self._sockets.meanwhile = meanwhile
        if meanwhile is not None and not self._watches:
            self._sockets.sent()
        try:
            self._post(body)
        except ApiException as error:
            return self._refusal(error)
        except urllib3.exceptions.ProtocolError as error:
            return Answer(Verdict.RESET, f"{self._url} ended the connection: {_clip(error)}")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            return Answer(Verdict.UNREACHABLE, f"{self._url} does not answer: {_clip(error)}")
        except UnicodeDecodeError:
            return Answer(Verdict.SERVER_ERROR, f"{self._url} answers with no text")
        finally:
            self._sockets.meanwhile = None
        return Answer(Verdict.OK)

    def _post(self, body: bytes) -> None:
        if self._gzip:
            packer = zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, _GZIP_WBITS)
            body = packer.compress(body) + packer.flush()
        encoding = "gzip" if self._gzip else "identity"
        self._service.post_write(
            self._org,
            self._bucket,
            body,
            precision=_NANOSECONDS,
            content_encoding=encoding,
        )

    def abort(self) -> None:
        self._sockets.abort()

    def close(self) -> None:
        """Give the connections back; no request may be under way."""
        self._client.close()
        self._sockets.close()

    def _refusal(self, error: ApiException) -> Answer:
        status = error.status or 0
        verdict = _VERDICTS.get(status)
        if verdict is None:
            verdict = Verdict.SERVER_ERROR if status >= 500 else Verdict.REFUSED
        if verdict is Verdict.REFUSED:
            return Answer(verdict, self._what_to_do(status, error))
        text = f"{self._url} answers {_status(status)}: {_reason(error)}"
        return Answer(verdict, text, self._retry_after_us(error))

    def _what_to_do(self, status: int, error: ApiException) -> str:
        place = f"bucket {self._bucket}"
        if self._org:
            place += f" of organisation {self._org}"
        if status == HTTPStatus.UNAUTHORIZED:
            state = "the token is not valid" if self._has_token else "no token is set"
            advice = f"{state}; put one that may write {place} into {_TOKEN_HINT}"
        elif status == HTTPStatus.FORBIDDEN:
            advice = (
                f"the token must not write {place}; allow it, or put another into {_TOKEN_HINT}"
            )
        elif status == HTTPStatus.NOT_FOUND:
            advice = f"there is no {place}; create it, or correct influx.bucket, org or url"
        elif not status:
            advice = f"{_clip(error.reason)}; check the server's certificate and influx.url"
        else:
            advice = f"{_reason(error)}; influx.url must be the base address of a server"
        return f"{self._url} refuses ({_status(status)}): {advice}. Everything is kept meanwhile"

    def _retry_after_us(self, error: ApiException) -> int | None:
        """Seconds, or a date: against the server's own, which our clock may be far from."""
        headers: Mapping[str, str] = error.headers or {}
        value = headers.get("Retry-After")
        if value is None:
            return None
        if value.strip().isdecimal():
            return int(value) * 1_000_000
        until, now = _date(value), _date(headers.get("Date"))
        if until is None:
            return None
        now_us = self._clock.utc_us() if now is None else int(now.timestamp() * 1_000_000)
        return max(0, int(until.timestamp() * 1_000_000) - now_us)


def _reason(error: ApiException) -> str:
    """The server's own words, with those about the first line where it names one.

    InfluxDB 2 says `message`; InfluxDB 3 says `error`, and the lines in `data`, one or a list.
    """
    try:
        told = json.loads(error.body or "")
    except ValueError:
        told = None
    if not isinstance(told, dict) or "error" not in told:
        return _clip(error.message)
    lines = told.get("data")
    first = lines[0] if isinstance(lines, list) and lines else lines
    if not isinstance(first, dict):
        return _clip(told["error"])
    return _clip(f"{told['error']}: line {first.get('line_number')}: {first.get('error_message')}")


def _date(text: str | None) -> datetime | None:
    try:
        date = parsedate_to_datetime(text) if text else None
    except ValueError:
        return None
    return date if date is None or date.tzinfo else date.replace(tzinfo=UTC)


def _status(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:
        return str(status) if status else "no HTTP answer"


def _clip(error: object) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= _TEXT_CAP else text[:_TEXT_CAP] + "..."
