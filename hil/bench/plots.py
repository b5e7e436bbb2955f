"""Plots of a scenario as SVG: what was injected, what was shown, what was expected.

One plot a channel, all over the same time line: grey what the sensor was given, dark what the page
showed, a band where it showed no good value and what it said instead. What happened is a band
behind; a check that failed is a red line where it failed.
"""

from collections.abc import Callable
from html import escape
from itertools import groupby

from hil.bench.record import Record, Trace

__all__ = ["plots"]

_WIDTH, _HEIGHT = 900, 150
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 12, 22, 22
_TICKS = 6
_LEVELS = 4
_STEPS = (1, 2, 5, 10)

Scale = Callable[[float], float]


def plots(record: Record) -> list[str]:
    """An SVG for each trace of the record."""
    return [_plot(record, trace) for trace in record.traces if trace.t_s]


def _plot(record: Record, trace: Trace) -> str:
    end_s = max(trace.t_s[-1], 1e-9)
    found = [v for v in (*trace.truth, *trace.shown) if v is not None]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    margin = (high - low) * 0.08 or 1.0
    low, high = low - margin, high + margin

    def x(t_s: float) -> float:
        return _LEFT + (_WIDTH - _LEFT - _RIGHT) * min(max(t_s / end_s, 0.0), 1.0)

    def y(value: float) -> float:
        return _TOP + (_HEIGHT - _TOP - _BOTTOM) * (1 - (value - low) / (high - low))

    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{escape(trace.name)}">',
        f'<text class="name" x="{_LEFT}" y="14">{escape(trace.name)}, {escape(trace.unit)}</text>',
    ]
    for begin_s, until_s, text in record.happened:
        width = max(2.0, x(end_s if until_s is None else until_s) - x(begin_s))
        parts.append(
            f'<rect class="happened" x="{x(begin_s):.1f}" y="{_TOP}" width="{width:.1f}" '
            f'height="{_HEIGHT - _TOP - _BOTTOM}"><title>{escape(text)}</title></rect>'
        )
    parts += _grid(x, y, end_s, low, high)
    parts += _bad(trace, x)
    for kind, values in (("truth", trace.truth), ("shown", trace.shown)):
        parts += [
            f'<polyline class="{kind}" points="{line}"/>'
            for line in _lines(trace.t_s, values, x, y)
        ]
    for check in record.checks:
        if not check.passed and check.at_s is not None:
            at = x(check.at_s)
            parts.append(
                f'<line class="failed" x1="{at:.1f}" x2="{at:.1f}" y1="{_TOP}" '
                f'y2="{_HEIGHT - _BOTTOM}"><title>{escape(check.text)}</title></line>'
                f'<text class="failed" x="{at + 3:.1f}" y="{_TOP + 10}">✗</text>'
            )
    parts.append("</svg>")
    return "".join(parts)


def _grid(x: Scale, y: Scale, end_s: float, low: float, high: float) -> list[str]:
    parts = []
    for at in _round_numbers(0.0, end_s, _TICKS):
        parts.append(
            f'<line class="grid" x1="{x(at):.1f}" x2="{x(at):.1f}" y1="{_TOP}" '
            f'y2="{_HEIGHT - _BOTTOM}"/>'
            f'<text class="tick" x="{x(at):.1f}" y="{_HEIGHT - 8}" text-anchor="middle">'
            f"{at:g} s</text>"
        )
    for level in _round_numbers(low, high, _LEVELS):
        parts.append(
            f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y(level):.1f}" '
            f'y2="{y(level):.1f}"/>'
            f'<text class="tick" x="{_LEFT - 6}" y="{y(level) + 4:.1f}" text-anchor="end">'
            f"{level:g}</text>"
        )
    return parts


def _bad(trace: Trace, x: Scale) -> list[str]:
    """Where the page showed no good value: a band at the foot, with its word."""
    parts = []
    stretches = groupby(zip(trace.t_s, trace.quality, strict=True), key=lambda each: each[1])
    for quality, members in stretches:
        if quality == "ok":
            continue
        times = [t_s for t_s, _ in members]
        width = max(3.0, x(times[-1]) - x(times[0]))
        parts.append(
            f'<rect class="bad" x="{x(times[0]):.1f}" y="{_HEIGHT - _BOTTOM - 12}" '
            f'width="{width:.1f}" height="12"><title>{escape(quality)}</title></rect>'
        )
        if width > 6 * len(quality):
            parts.append(
                f'<text class="bad" x="{x(times[0]) + 3:.1f}" y="{_HEIGHT - _BOTTOM - 2}">'
                f"{escape(quality)}</text>"
            )
    return parts


def _lines(t_s: list[float], values: list[float | None], x: Scale, y: Scale) -> list[str]:
    """Points of the stretches that have values."""
    lines = []
    points = list(zip(t_s, values, strict=False))
    for there, members in groupby(points, key=lambda each: each[1] is not None):
        if there:
            lines.append(" ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in members if v is not None))
    return lines


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    """Up to so many round numbers between, evenly apart."""
    span = high - low
    power = 10.0**-12
    while power * 10 <= span / most:
        power *= 10
    step = next((power * s for s in _STEPS if span / (power * s) <= most), power * 10)
    first = -(-low // step)
    return [round((first + n) * step, 12) for n in range(int((high // step) - first) + 1)]
