"""The crew page as an ASGI application: its files, its data, and what a crew asks of alarms."""

from collections.abc import Callable, Mapping, Sequence

import msgspec
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.alarms.desk import AlarmDesk
from gateway.alarms.rules import Words
from gateway.state import State
from gateway.web.access import Access
from gateway.web.actions import action_routes
from gateway.web.answers import answer, refuse
from gateway.web.assets import load_assets
from gateway.web.events import CLIENT_LIMIT, EventHub, EventStream
from gateway.web.live import Live
from gateway.web.openapi import document
from gateway.web.page import Page
from gateway.web.security import SECURITY, SecurityHeaders, refused
from gateway.web.trends import TrendDesk, TrendSource

__all__ = ["Health", "create_app"]

Health = Callable[[], Sequence[str]]
"""What is wrong now, one sentence each; empty when all is well."""

_FAILED = "an error inside the gateway, see its log"


def create_app(
    live: Live[State],
    *,
    health: Health,
    metrics: CollectorRegistry,
    words: Mapping[str, Words] | None = None,
    desk: AlarmDesk | None = None,
    access: Access | None = None,
    trends: TrendSource | None = None,
    client_limit: int = CLIENT_LIMIT,
) -> Starlette:
    """The page, its data, its health and its metrics.

    `words`: of each alarm rule by its id. Without `desk` and `trends` there is nothing to act on
    and nothing to look back at; without `access` nobody may act.
    The application's `state.hub` is the EventHub; whoever serves the application closes the hub
    before it stops, so that the streams end.
    """
    hub = EventHub(live, metrics, client_limit)
    assets = load_assets()
    words = words or {}
    page = Page(assets, words)
    rules_json = msgspec.json.encode(dict(words))
    openapi_json = msgspec.json.encode(document())
    trend_desk = TrendDesk(trends, lambda: hub.frame().state.now_ms * 1000)

    async def index(request: Request) -> Response:
        return page.respond(hub.frame(), request)

    async def state(request: Request) -> Response:
        return answer(hub.frame().json)

    async def rules(request: Request) -> Response:
        return answer(rules_json)

    async def openapi(request: Request) -> Response:
        return answer(openapi_json)

    async def events(request: Request) -> Response | EventStream:
        return hub.respond(request, assets.digest)

    async def healthz(request: Request) -> Response:
        reasons = [*health(), *([hub.fault] if hub.fault else [])]
        status = "failing" if reasons else "ok"
        return answer({"status": status, "reasons": reasons}, 503 if reasons else 200)

    async def metrics_text(request: Request) -> Response:
        headers = {"content-type": CONTENT_TYPE_PLAIN_0_0_4, "cache-control": "no-store"}
        return Response(generate_latest(metrics), headers=headers)

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/api/state", state),
            Route("/api/rules", rules),
            Route("/api/events", events),
            Route("/api/trend", trend_desk.respond),
            Route("/api/openapi.json", openapi),
            *action_routes(live.state, desk, access or Access(), metrics),
            Route("/healthz", healthz),
            Route("/metrics", metrics_text),
            Route("/static/{digest}/{name}", assets.respond),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: refused, Exception: _failed},
        lifespan=lambda app: hub.running(),
    )
    app.state.hub = hub
    return app


async def _failed(request: Request, error: Exception) -> Response:
    return refuse(500, _FAILED, SECURITY)
