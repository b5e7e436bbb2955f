"""The addresses under /api as an OpenAPI 3.1 document, made of the types that answer.

`python -m gateway.web.openapi` prints it: docs/openapi.json, which a test compares.
"""

import json
from typing import Any

import msgspec

from gateway.alarms.rules import Words
from gateway.state import State
from gateway.version import VERSION
from gateway.web.access import COOKIE
from gateway.web.actions import Alarms, Asked, LogIn, Session, Shelve, Silence
from gateway.web.answers import Refusal
from gateway.web.trends import POINTS_MAX, SPAN_MAX_S, SPAN_MIN_S, TrendAnswer

__all__ = ["document"]

_TYPES = (State, Alarms, Asked, Shelve, Silence, LogIn, Session, TrendAnswer, Words, Refusal)
_WHY = {
    400: "the request is wrong; the answer says how",
    401: "the crew's PIN is missing or wrong",
    403: "not from here: another origin, or no PIN is set and this is no trusted panel",
    404: "nothing of it is stored in that time",
    409: "there is no such alarm, or it is not in a state for it, or the store takes nothing",
    413: "the request is too long",
    415: "the request is not JSON",
    429: "too often; the header retry-after says when to ask again",
    500: "an error inside the gateway, see its log",
    503: "not now: too many ask at once, or there is nothing to look into",
}
_ACTING = (400, 401, 403, 409, 413, 415, 429, 500, 503)
_ORIGIN = {
    "name": "origin",
    "in": "header",
    "required": True,
    "description": "the page's own address, as a browser sends it",
    "schema": {"type": "string"},
}


def document() -> dict[str, Any]:
    """The whole document."""
    kinds, schemas = msgspec.json.schema_components(
        _TYPES, ref_template="#/components/schemas/{name}"
    )
    of: dict[type, Any] = dict(zip(_TYPES, kinds, strict=True))
    alarm = _action(of, Asked)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "axlebox gateway",
            "version": VERSION,
            "description": "What the crew page reads and asks. Reading is open; acting on alarms "
            "needs the crew's PIN or the trusted panel. Nothing here controls the train.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": {
            "/api/state": {"get": _reading("The live picture", of[State], of)},
            "/api/events": {"get": _events(of)},
            "/api/alarms": {"get": _reading("Alarms that are not normal", of[Alarms], of)},
            "/api/rules": {
                "get": _reading(
                    "The words of each alarm rule, by its id",
                    {"type": "object", "additionalProperties": of[Words]},
                    of,
                )
            },
            "/api/trend": {"get": _trend(of)},
            "/api/alarms/acknowledge": {"post": alarm | {"summary": "The crew knows of it"}},
            "/api/alarms/shelve": {
                "post": _action(of, Shelve) | {"summary": "Out of sight for so many minutes"}
            },
            "/api/alarms/unshelve": {"post": alarm | {"summary": "Back in sight"}},
            "/api/alarms/silence": {
                "post": _action(of, Silence) | {"summary": "No sound for what is there now"}
            },
            "/api/session": {
                "get": _reading("As whom this browser acts", of[Session], of),
                "post": _log_in(of),
                "delete": {
                    "summary": "End the session",
                    "parameters": [_ORIGIN],
                    "responses": {"204": {"description": "it is ended"}} | _refusals(of, 403, 500),
                },
            },
        },
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def _reading(summary: str, schema: dict[str, Any], of: dict[type, Any]) -> dict[str, Any]:
    return {"summary": summary, "responses": _done(schema) | _refusals(of, 500)}


def _done(schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "200": {"description": "done", "content": {"application/json": {"schema": schema}}},
    }


def _refusals(of: dict[type, Any], *codes: int) -> dict[str, Any]:
    content = {"application/json": {"schema": of[Refusal]}}
    return {str(code): {"description": _WHY[code], "content": content} for code in codes}


def _body(schema: dict[str, Any]) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": schema}}}


def _action(of: dict[type, Any], asked: type) -> dict[str, Any]:
    return {
        "parameters": [_ORIGIN],
        "security": [{"session": []}, {}],
        "requestBody": _body(of[asked]),
        "responses": _done(of[Alarms]) | _refusals(of, *_ACTING),
    }


def _log_in(of: dict[type, Any]) -> dict[str, Any]:
    codes = (400, 401, 403, 413, 415, 429, 500)
    return {
        "summary": "Act as the crew from now on, for 12 hours",
        "parameters": [_ORIGIN],
        "requestBody": _body(of[LogIn]),
        "responses": _done(of[Session]) | _refusals(of, *codes),
    }


def _events(of: dict[type, Any]) -> dict[str, Any]:
    return {
        "summary": "The live picture as server-sent events, each `data:` one State; a comment a "
        "second where nothing changes",
        "responses": {
            "200": {
                "description": "a stream without end",
                "content": {"text/event-stream": {"schema": {"type": "string"}}},
            }
        }
        | _refusals(of, 500, 503),
    }


def _trend(of: dict[type, Any]) -> dict[str, Any]:
    def number(name: str, low: int, high: int, told: str) -> dict[str, Any]:
        schema = {"type": "integer", "minimum": low, "maximum": high}
        return {"name": name, "in": "query", "description": told, "schema": schema}

    def text(name: str, told: str) -> dict[str, Any]:
        schema = {"type": "string", "minLength": 1, "maxLength": 120}
        return {"name": name, "in": "query", "required": True, "description": told} | {
            "schema": schema
        }

    return {
        "summary": "A channel's course, as minimum, mean and maximum of each step",
        "parameters": [
            text("node", "the node's name"),
            text("channel", "its number, its quantity, or `quantity at place`"),
            number("seconds", SPAN_MIN_S, SPAN_MAX_S, "how long; 600 where not said"),
            number("points", 10, POINTS_MAX, "at most so many steps; 300 where not said"),
            number("to_ms", 0, 4_102_444_800_000, "the end, Unix time; now where not said"),
        ],
        "responses": _done(of[TrendAnswer]) | _refusals(of, 400, 404, 500, 503),
    }


def main() -> None:
    print(json.dumps(document(), indent=1, ensure_ascii=False))


if __name__ == "__main__":
    main()
