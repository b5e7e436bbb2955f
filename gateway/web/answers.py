"""Answers in JSON, and requests read with a cap: what every address of /api has in common."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.errors import explain

__all__ = ["BODY_CAP", "Refusal", "answer", "read_body", "refuse"]

BODY_CAP = 4096
_JSON = "application/json"
_T = TypeVar("_T")


class Refusal(msgspec.Struct, frozen=True):
    """Why something was not done, in a sentence that says what to do."""

    error: str


def answer(body: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """`body` as JSON; bytes are JSON already. Nobody may keep it."""
    encoded = body if isinstance(body, bytes) else msgspec.json.encode(body)
    fixed = {"content-type": _JSON, "cache-control": "no-store"}
    return Response(encoded, status, headers=fixed | dict(headers or {}))


def refuse(status: int, reason: str, headers: Mapping[str, str] | None = None) -> Response:
    """A Refusal as the whole answer."""
    return answer(Refusal(reason), status, headers)


async def read_body(request: Request, kind: type[_T]) -> _T:
    """The request's JSON as `kind`. Raises HTTPException 400, 413 or 415 with the reason."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != _JSON:
        raise HTTPException(415, f"send JSON, with the header content-type: {_JSON}")
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_CAP:
            raise HTTPException(413, f"the request is longer than {BODY_CAP} bytes")
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise HTTPException(400, explain(str(error), "docs/api.md")) from None
    except msgspec.DecodeError as error:
        raise HTTPException(400, f"not JSON: {error}") from None
