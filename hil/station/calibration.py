"""Two points make a calibration: scale and offset of a channel, from what it read of references.

A channel's value is raw x scale + offset. At each point it read v where a reference says r; the
line through both, r = slope x v + shift, gives the new scale and offset from the present ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, pstdev

from axwire import codes
from axwire.quantities import BY_NAME

from hil.station.errors import StationError
from hil.station.limits import Limits
from hil.station.measures import Measure
from hil.station.node_link import Samples

__all__ = ["Line", "Point", "calibrate", "take_point"]

_LEAST_READINGS = 5
_LEAST_APART = 0.2
"""Of the span: what lies closer makes a line of its own noise."""


@dataclass(frozen=True)
class Point:
    """What a reference says, and what the channel read meanwhile, both in the quantity's unit."""

    reference: float
    read: float


@dataclass(frozen=True)
class Line:
    """The channel's new numbers, as node.json has them; `drift`: what it was off, at the point
    where that was more, in the quantity's unit."""

    scale: int
    offset: int
    drift: float
    unit: str
    measures: tuple[Measure, ...]


def take_point(
    heard: Samples, reference: float, span: float, role: str, limits: Limits
) -> tuple[Point, Measure]:
    """The mean of what a channel read. Raises StationError where that cannot be relied on."""
    where = f"{heard.quantity} at {heard.place}"
    strange = sorted(heard.statuses - {codes.OK})
    if strange or len(heard.values) < _LEAST_READINGS:
        word = codes.STATUSES[strange[0]] if strange else f"{len(heard.values)} readings"
        raise StationError(
            f"{where} cannot be calibrated: {word}", "Look at its sensor and its wires"
        )
    noise = limits.measure(role, "noise", 100 * pstdev(heard.values) / span, where)
    if noise.word == "FAIL":
        raise StationError(
            f"{where} is not at rest: {noise}", "Wait until the reference stands still"
        )
    return Point(reference, fmean(heard.values)), noise


def calibrate(
    quantity: str,
    points: Sequence[Point],
    present: tuple[int, int],
    nominal: tuple[int, int],
    span: float,
    role: str,
    limits: Limits,
) -> Line:
    """`present` and `nominal`: scale and offset as node.json has them. Raises StationError for
    points that make no sensible line."""
    low, high = points
    if abs(high.reference - low.reference) < _LEAST_APART * span:
        raise StationError(
            f"{low.reference:g} and {high.reference:g} are too close together for a line",
            f"Take points that are at least {_LEAST_APART * span:g} apart",
        )
    if abs(high.read - low.read) < _LEAST_APART * span / 2:
        raise StationError(
            f"the channel read {low.read:.6g} and {high.read:.6g}: it does not follow",
            "Look whether the reference is at this sensor, and at its wires",
        )
    slope = (high.reference - low.reference) / (high.read - low.read)
    shift = low.reference - slope * low.read
    one = 10.0 ** -BY_NAME[quantity].exponent
    scale, offset = round(present[0] * slope), round(present[1] * slope + shift * one)
    steep = limits.measure(role, "slope", 100 * scale / nominal[0], quantity)
    if steep.word == "FAIL":
        raise StationError(
            f"that is no sensor of this kind: {steep}",
            "Look at the references that were typed, and at the sensor",
        )
    drift = max((p.reference - p.read for p in points), key=abs)
    told = limits.measure(role, "drift", 100 * drift / span, quantity)
    return Line(scale, offset, drift, BY_NAME[quantity].unit, (steep, told))
