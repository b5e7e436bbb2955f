"""What every answer of a page has, whatever it is: headers that keep others out, and refusals."""

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from gateway.web.answers import refuse

__all__ = ["SECURITY", "SecurityHeaders", "refused"]

SECURITY = {
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
_NOTHING = "there is nothing at {path}; the page is at /, its data at /api/state and /api/events"
_NOT_ALLOWED = "{method} is not allowed: this address takes {allowed}"


class SecurityHeaders:
    """Middleware that gives every answer SECURITY."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(SECURITY)
            await send(message)

        await self._app(scope, receive, send_with_headers)


async def refused(request: Request, error: Exception) -> Response:
    """The answer to an HTTPException, which says what there is instead."""
    assert isinstance(error, HTTPException)
    told, headers = error.detail, dict(error.headers or {})
    if error.status_code == 404 and told == "Not Found":
        told = _NOTHING.format(path=request.url.path[:100])
    if error.status_code == 405:
        allowed = ", ".join(sorted(part.strip() for part in headers["Allow"].split(",")))
        told = _NOT_ALLOWED.format(method=request.method[:20], allowed=allowed)
        headers = {"allow": allowed}
    return refuse(error.status_code, told, headers)
