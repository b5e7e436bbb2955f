"""The line as a page on this machine: cards in a browser, scans from its keyboard.

It is shown to whoever reaches its address; scans are taken only from this machine, and from the
page itself.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from importlib.resources import files

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined
from msgspec import Struct
from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.web.access import is_local, require_origin
from gateway.web.answers import answer, read_body, refuse
from gateway.web.assets import gather_assets
from gateway.web.events import EventHub, EventStream
from gateway.web.page import preferred_language
from gateway.web.security import SECURITY, SecurityHeaders, refused
from gateway.web.texts import as_module
from hil.station.line import Line
from hil.station.line_state import LineState
from hil.station.line_texts import TEXTS, text
from hil.station.scan import SCAN_CAP

__all__ = ["create_line_app"]

_SHARED = ("dom.js", "i18n.js", "icon.svg", "stream.js")
"""Of the crew page."""

_FAILED = "an error inside the station, see its terminal"
_ELSEWHERE = "scans are taken on the station's own machine alone"


class Scanned(Struct, frozen=True, forbid_unknown_fields=True):
    """What was scanned or typed."""

    text: str


class _LiveLine:
    """The line's state, in the page's event loop."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._changed = asyncio.Event()

    def follow(self) -> None:
        """Called in the page's loop, once it runs."""
        loop = asyncio.get_running_loop()

        def heard() -> None:
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is there
                loop.call_soon_threadsafe(self._changed.set)

        self._line.listen(heard)

    @property
    def version(self) -> int:
        return self._line.state().version

    def state(self) -> LineState:
        return self._line.state()

    async def changed(self, since: int) -> int:
        while self.version <= since:
            self._changed.clear()
            if self.version <= since:
                await self._changed.wait()
        return self.version


def create_line_app(line: Line) -> Starlette:
    """The page of this line; whoever serves it closes `state.hub` before it stops."""
    live = _LiveLine(line)
    hub: EventHub[LineState] = EventHub(live, CollectorRegistry())
    shared = files("gateway.web").joinpath("static")
    own = [
        file
        for file in files("hil.station").joinpath("page").iterdir()
        if not file.name.endswith(".html")
    ]
    assets = gather_assets([*own, *map(shared.joinpath, _SHARED)], as_module(TEXTS))
    template = Environment(
        loader=PackageLoader("hil.station", "page"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    ).get_template("line.html")

    async def index(request: Request) -> Response:
        language = preferred_language(request.headers.get("accept-language", ""))
        body = template.render(
            language=language,
            assets=f"/static/{assets.digest}",
            digest=assets.digest,
            t=lambda key: text(key, language),
        )
        headers = {
            "content-type": "text/html; charset=utf-8",
            "content-language": language,
            "cache-control": "no-store",
            "vary": "accept-language",
        }
        return Response(body.encode(), headers=headers)

    async def state(request: Request) -> Response:
        return answer(msgspec.json.encode(line.state()))

    async def events(request: Request) -> Response | EventStream:
        return hub.respond(request, assets.digest)

    async def scan(request: Request) -> Response:
        require_origin(request)
        if not is_local(request):
            raise HTTPException(403, _ELSEWHERE)
        scanned = (await read_body(request, Scanned)).text
        if len(scanned) > SCAN_CAP:
            raise HTTPException(400, f"a scan has at most {SCAN_CAP} characters")
        return answer(await asyncio.to_thread(line.scan, scanned))

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        live.follow()
        async with hub.running():
            yield

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/api/state", state),
            Route("/api/events", events),
            Route("/api/scan", scan, methods=["POST"]),
            Route("/static/{digest}/{name}", assets.respond),
        ],
        middleware=[Middleware(SecurityHeaders)],
        exception_handlers={HTTPException: refused, Exception: _failed},
        lifespan=lifespan,
    )
    app.state.hub = hub
    return app


async def _failed(request: Request, error: Exception) -> Response:
    return refuse(500, _FAILED, SECURITY)
