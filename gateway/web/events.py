"""The live picture as bytes, and the stream of server-sent events that carries it.

However many pages listen, the picture is encoded once a version, at most ten times a second, and
all of them share the bytes. A page that reads slowly skips pictures: it gets the newest when it
is ready, so nothing queues up for it.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from gateway.web.answers import refuse
from gateway.web.live import Live

__all__ = ["CLIENT_LIMIT", "HEARTBEAT_S", "PERIOD_S", "EventHub", "EventStream", "Frame"]

PERIOD_S = 0.1
"""The shortest time between two pictures."""

HEARTBEAT_S = 1.0
"""After this long without a picture a comment is sent, so that a page can tell a dead link."""

CLIENT_LIMIT = 64

StateT = TypeVar("StateT")
_log = logging.getLogger(__name__)
_HEARTBEAT = b": heartbeat\n\n"
_END = b": end\n\n"
_FULL = "{limit} pages are listening already, and no more are served; close one"
_AFTER_FAULT_S = 1.0


@dataclass(frozen=True, slots=True)
class Frame(Generic[StateT]):
    """One picture, encoded: as JSON and as an event."""

    version: int
    state: StateT
    json: bytes
    event: bytes
    taken_s: float


class EventHub(Generic[StateT]):
    """Takes pictures of a Live and hands them to every stream. `run()` must be running."""

    def __init__(
        self, live: Live[StateT], metrics: CollectorRegistry, client_limit: int = CLIENT_LIMIT
    ) -> None:
        self._live = live
        self._client_limit = client_limit
        self._encoder = msgspec.json.Encoder()
        self._frame: Frame[StateT] | None = None
        self._clients = 0
        self._wanted = asyncio.Event()
        self._news = asyncio.Event()
        self._fault: str | None = None
        self.closed = False
        self._gauge = Gauge(
            "axlebox_page_clients", "Pages that listen to events now", registry=metrics
        )
        self._refused = Counter(
            "axlebox_page_clients_refused",
            "Pages turned away because too many listened",
            registry=metrics,
        )
        self._encoded = Counter(
            "axlebox_page_frames", "Pictures encoded for the page", registry=metrics
        )

    @property
    def fault(self) -> str | None:
        """Why no picture can be taken at present, or None."""
        return self._fault

    def frame(self) -> Frame[StateT]:
        """The picture now; one taken less than PERIOD_S ago counts as now."""
        now_s = asyncio.get_running_loop().time()
        if self._frame is None or now_s - self._frame.taken_s >= PERIOD_S:
            version = self._live.version
            state = self._live.state()
            body = self._encoder.encode(state)
            event = b"id: %d\ndata: %b\n\n" % (version, body)
            self._frame = Frame(version, state, body, event, now_s)
            self._fault = None
            self._encoded.inc()
            self._wake()
        return self._frame

    def join(self) -> bool:
        """Take a place for one stream; False, and counted, when there is none left."""
        if self._clients >= self._client_limit:
            self._refused.inc()
            return False
        self._clients += 1
        self._gauge.set(self._clients)
        self._wanted.set()
        return True

    def leave(self) -> None:
        """Give back the place taken with `join`."""
        self._clients -= 1
        self._gauge.set(self._clients)
        if self._clients == 0:
            self._wanted.clear()

    def respond(self, request: Request, digest: str) -> "Response | EventStream":
        """The answer to a page that wants to listen; `digest` names the assets it should have."""
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "axlebox-assets": digest,
        }
        if request.method == "HEAD":
            return Response(headers=headers)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        full = refuse(503, _FULL.format(limit=self._client_limit), {"retry-after": "5"})
        return EventStream(self, raw, full)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Take pictures meanwhile; afterwards every stream is told to end."""
        pictures = asyncio.create_task(self.run())
        try:
            yield
        finally:
            self.close()
            pictures.cancel()
            await asyncio.gather(pictures, return_exceptions=True)

    async def chunks(self) -> AsyncIterator[bytes]:
        """What one stream sends: the picture now, each newer one, comments in between, an end."""
        sent = self.frame()
        yield sent.event
        while not self.closed and self._fault is None:
            if self._frame is not None and self._frame.version != sent.version:
                sent = self._frame
                yield sent.event
                continue
            try:
                await asyncio.wait_for(self._news.wait(), HEARTBEAT_S)
            except TimeoutError:
                yield _HEARTBEAT
        yield _END

    def close(self) -> None:
        """Tell every stream to end, for good."""
        self.closed = True
        self._wake()

    async def run(self) -> None:
        """Take a picture whenever the Live has changed and somebody listens."""
        while True:
            await self._wanted.wait()
            try:
                await self._follow()
            except Exception as error:
                if self._fault is None:
                    _log.exception("the live picture cannot be taken")
                self._fault = f"the live picture cannot be taken: {error!r}"
                self._wake()
                await asyncio.sleep(_AFTER_FAULT_S)

    async def _follow(self) -> None:
        if self._frame is not None and self._fault is None:
            await self._live.changed(self._frame.version)
            age_s = asyncio.get_running_loop().time() - self._frame.taken_s
            if age_s < PERIOD_S:
                await asyncio.sleep(PERIOD_S - age_s)
        self.frame()

    def _wake(self) -> None:
        news, self._news = self._news, asyncio.Event()
        news.set()


class EventStream:
    """The response to /api/events for one client; `refusal` when the hub has no place left."""

    def __init__(
        self, hub: EventHub[Any], headers: list[tuple[bytes, bytes]], refusal: ASGIApp
    ) -> None:
        self._hub = hub
        self._headers = headers
        self._refusal = refusal

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not self._hub.join():
            await self._refusal(scope, receive, send)
            return
        writer = asyncio.create_task(self._write(send))
        watcher = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({writer, watcher}, return_when=asyncio.FIRST_COMPLETED)
            if writer.done():
                writer.result()
        finally:
            writer.cancel()
            watcher.cancel()
            await asyncio.gather(writer, watcher, return_exceptions=True)
            self._hub.leave()

    async def _write(self, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self._headers})
        async for chunk in self._hub.chunks():
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
