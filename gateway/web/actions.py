"""What a crew asks of the alarm desk over HTTP, and its session."""

import logging
from collections.abc import Callable
from typing import Annotated

import msgspec
from msgspec import Meta
from prometheus_client import CollectorRegistry, Counter
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.alarms.desk import AlarmDesk, AlarmError
from gateway.state import Alarm, State
from gateway.web.access import COOKIE, SESSION_S, Access
from gateway.web.answers import answer, read_body
from gateway.web.pin import PIN_PATTERN

__all__ = ["Alarms", "Asked", "LogIn", "Session", "Shelve", "Silence", "action_routes"]

AlarmId = Annotated[str, Meta(min_length=1, max_length=200)]
_log = logging.getLogger(__name__)


class Alarms(msgspec.Struct, frozen=True):
    """Alarms that are not in their normal state, the most urgent first."""

    alarms: tuple[Alarm, ...]
    silenced: bool


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The alarm that something is asked of, by its id."""

    alarm: AlarmId


class Shelve(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Out of sight for so many minutes."""

    alarm: AlarmId
    minutes: Annotated[float, Meta(ge=1, le=480, multiple_of=1)]
    """A whole number; JSON's 15.0 is one."""


class Silence(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No sound for the alarms that are there now."""


class LogIn(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The crew's PIN."""

    pin: Annotated[str, Meta(pattern=PIN_PATTERN)]


class Session(msgspec.Struct, frozen=True):
    """As whom this browser acts, None: as nobody; and whether a PIN would change that."""

    by: str | None
    pin: bool


def action_routes(
    state: Callable[[], State], desk: AlarmDesk | None, access: Access, metrics: CollectorRegistry
) -> list[Route]:
    """Routes of /api/alarms and /api/session. Without a desk there is nothing to act on."""
    counter = Counter(
        "axlebox_page_actions",
        "Actions on alarms that were asked for by way of the page",
        ["result"],
        registry=metrics,
    )
    for result in ("done", "refused"):
        counter.labels(result)

    def act(request: Request, what: str, ask: Callable[[AlarmDesk, str], None]) -> Response:
        try:
            by = access.require(request)
            if desk is None:
                raise HTTPException(503, "this page has no alarm desk")
            ask(desk, by)
        except AlarmError as error:
            counter.labels("refused").inc()
            raise HTTPException(409, str(error)) from None
        except HTTPException:
            counter.labels("refused").inc()
            raise
        counter.labels("done").inc()
        _log.info("%s by %s", what, by)
        return alarms_now()

    def alarms_now() -> Response:
        now = state()
        return answer(Alarms(now.alarms, now.silenced))

    async def alarms(request: Request) -> Response:
        return alarms_now()

    async def acknowledge(request: Request) -> Response:
        asked = await read_body(request, Asked)
        return act(
            request,
            f"{asked.alarm!r} acknowledged",
            lambda desk, by: desk.acknowledge(asked.alarm, by),
        )

    async def shelve(request: Request) -> Response:
        asked = await read_body(request, Shelve)
        return act(
            request,
            f"{asked.alarm!r} shelved for {asked.minutes:.0f} min",
            lambda desk, by: desk.shelve(asked.alarm, by, int(asked.minutes)),
        )

    async def unshelve(request: Request) -> Response:
        asked = await read_body(request, Asked)
        return act(
            request, f"{asked.alarm!r} unshelved", lambda desk, by: desk.unshelve(asked.alarm, by)
        )

    async def silence(request: Request) -> Response:
        await read_body(request, Silence)
        return act(request, "alarms silenced", lambda desk, by: desk.silence(by))

    async def session(request: Request) -> Response:
        return answer(Session(access.who(request), access.pin is not None))

    async def log_in(request: Request) -> Response:
        given = await read_body(request, LogIn)
        token, by = await access.log_in(request, given.pin)
        cookie = f"{COOKIE}={token}; Path=/api; Max-Age={SESSION_S}; HttpOnly; SameSite=Strict"
        return answer(Session(by, True), headers={"set-cookie": cookie})

    async def log_out(request: Request) -> Response:
        access.log_out(request)
        gone = f"{COOKIE}=; Path=/api; Max-Age=0; HttpOnly; SameSite=Strict"
        return Response(status_code=204, headers={"set-cookie": gone, "cache-control": "no-store"})

    async def sessions(request: Request) -> Response:
        by_method = {"POST": log_in, "DELETE": log_out}
        return await by_method.get(request.method, session)(request)

    return [
        Route("/api/alarms", alarms),
        Route("/api/alarms/acknowledge", acknowledge, methods=["POST"]),
        Route("/api/alarms/shelve", shelve, methods=["POST"]),
        Route("/api/alarms/unshelve", unshelve, methods=["POST"]),
        Route("/api/alarms/silence", silence, methods=["POST"]),
        Route("/api/session", sessions, methods=["GET", "POST", "DELETE"]),
    ]
