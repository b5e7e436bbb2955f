"""Line protocol read back, by rules of its own and not by those of the writer."""

import re
from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from .node_double import Sample


class Point(NamedTuple):
    """One line taken apart; integer fields keep their `i`."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...]
    time_us: int


def read_line(line: str) -> Point:
    head, fields, stamp = re.split(r"(?<!\\) ", line)
    measurement, *tags = re.split(r"(?<!\\),", head)
    return Point(
        measurement,
        tuple(_pair(tag) for tag in tags),
        tuple(_pair(field) for field in fields.split(",")),
        int(stamp),
    )


def points(bodies: Iterable[bytes]) -> list[Point]:
    return [read_line(line) for body in bodies for line in body.decode().split("\n")]


def check_samples(bodies: Iterable[bytes], expected: Iterable[Sample]) -> None:
    """Each expected sample is there once, within a fiftieth of a step, and no other.

    Lines that came again with the same bytes count once, as a server counts them.
    """
    lines = sorted({line for body in bodies for line in body.split(b"\n")})
    written = {}
    for line in lines:
        point = read_line(line.decode())
        if point.measurement in ("node", "gateway", "axlebox_audit"):
            continue
        for name, text in point.fields:
            key = (point.measurement, name, point.tags, point.time_us)
            assert key not in written, f"{key} was written twice, with other bytes"
            written[key] = Fraction(text)
    samples = {(s.measurement, s.field, s.tags, s.time_us): s for s in expected}
    assert Counter(written.keys()) == Counter(samples.keys())
    for key, value in written.items():
        sample = samples[key]
        assert abs(value - sample.value) < sample.step / 50, (sample, value)


def _pair(text: str) -> tuple[str, str]:
    name, value = re.split(r"(?<!\\)=", text)
    return name, re.sub(r"\\([ ,=])", r"\1", value)
