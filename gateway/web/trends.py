"""/api/trend: a channel's course over the last minutes or hours, from the spool."""

import asyncio
from collections.abc import Callable
from typing import Protocol

import msgspec
import numpy as np
from numpy.typing import NDArray
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from gateway.history.selection import SelectionError
from gateway.history.trend import Trend
from gateway.spool.errors import SpoolError
from gateway.web.answers import answer

__all__ = [
    "POINTS_MAX",
    "SPAN_MAX_S",
    "SPAN_MIN_S",
    "WAITING_MAX",
    "TrendAnswer",
    "TrendDesk",
    "TrendSource",
]

SPAN_MIN_S, SPAN_MAX_S, _SPAN_S = 60, 86_400, 600
POINTS_MAX, _POINTS = 1000, 300
WAITING_MAX = 8
"""Trends asked for at once; one more is turned away."""

_TEXT_MAX = 120
_ALLOWED = {"node", "channel", "seconds", "points", "to_ms"}
_TO_MAX_MS = 4_102_444_800_000


class TrendSource(Protocol):
    """See gateway.history.trend.Trends."""

    def query(self, node: str, channel: str, from_us: int, to_us: int, points: int) -> Trend: ...


class TrendAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """Point k covers `step_ms` from `start_ms + k * step_ms` on, Unix time, in `unit`.

    `low`, `mean` and `high` are None where no sound sample is. `suspect` points hold samples that
    cannot be trusted; `estimated`: the time of some is not sure. `incomplete`: part of that time
    has no index yet.
    """

    node: str
    quantity: str
    place: str
    unit: str
    start_ms: int
    step_ms: float
    low: list[float | None]
    mean: list[float | None]
    high: list[float | None]
    suspect: list[bool]
    estimated: bool
    incomplete: bool


class TrendDesk:
    """One question at a time, in a thread; few may wait. `now_us` is the UTC time."""

    def __init__(self, source: TrendSource | None, now_us: Callable[[], int]) -> None:
        self._source = source
        self._now_us = now_us
        self._one = asyncio.Lock()
        self._waiting = 0

    async def respond(self, request: Request) -> Response:
        """Raises HTTPException: 400 wrong question, 404 nothing of it is stored, 503."""
        query = request.query_params
        unknown = set(query) - _ALLOWED
        if unknown:
            known = ", ".join(sorted(_ALLOWED))
            raise HTTPException(400, f"a trend has no {min(unknown)[:40]!r}; it has: {known}")
        node, channel = _text(request, "node"), _text(request, "channel")
        seconds = _number(request, "seconds", _SPAN_S, SPAN_MIN_S, SPAN_MAX_S)
        points = _number(request, "points", _POINTS, 10, POINTS_MAX)
        to_ms = _number(request, "to_ms", self._now_us() // 1000, 0, _TO_MAX_MS)
        if self._source is None:
            raise HTTPException(503, "this page has no store to look into")
        if self._waiting >= WAITING_MAX:
            raise HTTPException(503, "too many trends are asked for at once", {"retry-after": "2"})
        self._waiting += 1
        try:
            async with self._one:
                found = await asyncio.to_thread(
                    self._source.query,
                    node,
                    channel,
                    to_ms * 1000 - seconds * 1_000_000,
                    to_ms * 1000,
                    points,
                )
        except SelectionError as error:
            raise HTTPException(404, str(error)) from None
        except SpoolError as error:
            raise HTTPException(503, str(error)) from None
        finally:
            self._waiting -= 1
        return answer(_told(found))


def _told(found: Trend) -> TrendAnswer:
    return TrendAnswer(
        node=found.node,
        quantity=found.channel.quantity,
        place=found.channel.place,
        unit=found.channel.unit,
        start_ms=found.start_us // 1000,
        step_ms=found.step_us / 1000,
        low=_finite(found.low),
        mean=_finite(found.mean),
        high=_finite(found.high),
        suspect=(found.suspect > 0).tolist(),
        estimated=bool(found.estimated.any()),
        incomplete=found.segments_without_index > 0,
    )


def _finite(values: NDArray[np.float64]) -> list[float | None]:
    return [None if value != value else round(value, 4) for value in values.tolist()]


def _text(request: Request, name: str) -> str:
    value = request.query_params.get(name, "")
    if not 0 < len(value) <= _TEXT_MAX:
        raise HTTPException(400, f"say the {name}: ?{name}=..., 1 to {_TEXT_MAX} characters")
    return value


def _number(request: Request, name: str, default: int, low: int, high: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 16 and low <= int(text) <= high):
        raise HTTPException(400, f"{name} is a whole number from {low} to {high}")
    return int(text)
