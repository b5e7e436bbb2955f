"""Line protocol read back, by rules of its own and not by those of the writer."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import NamedTuple

__all__ = ["Point", "points", "read_line"]


class Point(NamedTuple):
    """One line taken apart; integer fields keep their `i`. Timestamps are nanoseconds."""

    measurement: str
    tags: tuple[tuple[str, str], ...]
    fields: tuple[tuple[str, str], ...]
    time_ns: int

    @property
    def time_us(self) -> int:
        return self.time_ns // 1000


_LINE = re.compile(r"((?:\\.|[^ \\])+) (.+) (-?\d+)")
_FIELD = re.compile(r'([^=,]+)=("(?:\\.|[^"\\])*"|[^",]+)(?:,|$)')
"""A name and its value; a string keeps its quotes."""


def read_line(line: str) -> Point:
    """Raises ValueError."""
    found = _LINE.fullmatch(line)
    if found is None:
        raise ValueError(f"no line of line protocol: {line}")
    head, fields, stamp = found.groups()
    measurement, tags = _series(head)
    pairs = _FIELD.findall(fields)
    if ",".join(f"{name}={value}" for name, value in pairs) != fields:
        raise ValueError(f"these are no fields: {fields}")
    return Point(measurement, tags, tuple(pairs), int(stamp))


def points(bodies: Iterable[bytes]) -> list[Point]:
    return [read_line(line) for body in bodies for line in body.decode().split("\n")]


@lru_cache
def _series(head: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    measurement, *tags = re.split(r"(?<!\\),", head)
    return measurement, tuple(_pair(tag) for tag in tags)


def _pair(text: str) -> tuple[str, str]:
    name, value = re.split(r"(?<!\\)=", text)
    return name, re.sub(r"\\([ ,=])", r"\1", value)
