"""The crew page as an ASGI application: reading only, nothing here changes anything."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.web.assets import load_assets
from gateway.web.events import CLIENT_LIMIT, EventHub, EventStream
from gateway.web.live import Live
from gateway.web.page import Page

__all__ = ["Health", "create_app"]

Health = Callable[[], Sequence[str]]
"""What is wrong now, one sentence each; empty when all is well."""

_SECURITY = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self'; font-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"
    ),
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
_JSON = "application/json"
_REASONS = {
    404: "there is nothing at {path}; the page is at /, its data at /api/state and /api/events",
    405: "{method} is not allowed: this address can only be read (GET, HEAD)",
    500: "an error inside the gateway, see its log",
}
_FULL = "{limit} pages are listening already, and no more are served; close one"


def create_app(
    live: Live,
    *,
    health: Health,
    metrics: CollectorRegistry,
    client_limit: int = CLIENT_LIMIT,
) -> Starlette:
    """The page, its data, its health and its metrics.

    The application's `state.hub` is the EventHub; whoever serves the application closes the hub
    before it stops, so that the streams end.
    """
    hub = EventHub(live, metrics, client_limit)
    assets = load_assets()
    page = Page(assets.digest)

    async def index(request: Request) -> Response:
        return page.respond(hub.frame(), request)

    async def state(request: Request) -> Response:
        return _answer(200, hub.frame().json)

    async def events(request: Request) -> Response | EventStream:
        headers = {
            "content-type": "text/event-stream; charset=utf-8",
            "cache-control": "no-store",
            "axlebox-assets": assets.digest,
        }
        if request.method == "HEAD":
            return Response(headers=headers)
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        full = _refuse(503, _FULL.format(limit=client_limit), {"retry-after": "5"})
        return EventStream(hub, raw, full)

    async def healthz(request: Request) -> Response:
        reasons = [*health(), *([hub.fault] if hub.fault else [])]
        status = "failing" if reasons else "ok"
        body = msgspec.json.encode({"status": status, "reasons": reasons})
        return _answer(503 if reasons else 200, body)

    async def metrics_text(request: Request) -> Response:
        headers = {"content-type": CONTENT_TYPE_PLAIN_0_0_4, "cache-control": "no-store"}
        return Response(generate_latest(metrics), headers=headers)

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        pictures = asyncio.create_task(hub.run())
        try:
            yield
        finally:
            hub.close()
            pictures.cancel()
            await asyncio.gather(pictures, return_exceptions=True)

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/api/state", state),
            Route("/api/events", events),
            Route("/healthz", healthz),
            Route("/metrics", metrics_text),
            Route("/static/{digest}/{name}", assets.respond),
        ],
        middleware=[Middleware(_SecurityHeaders)],
        exception_handlers={HTTPException: _refused, Exception: _failed},
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


class _SecurityHeaders:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_SECURITY)
            await send(message)

        await self._app(scope, receive, send_with_headers)


def _answer(status: int, body: bytes, headers: dict[str, str] | None = None) -> Response:
    fixed = {"content-type": _JSON, "cache-control": "no-store"}
    return Response(body, status, headers=fixed | (headers or {}))


def _refuse(status: int, reason: str, headers: dict[str, str] | None = None) -> Response:
    return _answer(status, msgspec.json.encode({"error": reason}), headers)


async def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    reason = _REASONS.get(error.status_code, error.detail)
    told = reason.format(path=request.url.path[:100], method=request.method[:20])
    allowed = {"allow": "GET, HEAD"} if error.status_code == 405 else None
    return _refuse(error.status_code, told, allowed)


async def _failed(request: Request, error: Exception) -> Response:
    return _refuse(500, _REASONS[500], _SECURITY)
