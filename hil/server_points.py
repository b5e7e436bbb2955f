"""The points that the log tells of, and those that the server has, by series and millisecond."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from gateway.forward.batches import BatchReader
from gateway.forward.lines import LineWriter
from gateway.forward.log import Log
from gateway.spool.format import Position, segment_path
from gateway.spool.segments import file_size, list_segments
from gateway.spool.storage import FileStorage
from gateway.timebase import SystemClock
from hil.errors import BenchError
from hil.line_protocol import Point, points
from hil.victoria_metrics import Key

__all__ = [
    "Points",
    "ReadBack",
    "compare",
    "points_of_lines",
    "points_on_server",
    "points_to_send",
]

_OURS = "axlebox_"
"""What axlebox says of its own account and alarms begins so."""
_BATCH_VALUES = 50_000
_SAME = 1e-9
"""What a value may be off by on a server, as a part of it: the lines have nine digits."""

Series = tuple[str, tuple[tuple[str, str], ...]]
"""Measurement and field joined by an underscore, as VictoriaMetrics does, and tags, sorted."""


@dataclass
class Points:
    """Values of channels by series and millisecond: all that were put on one, in their order.

    `values`: how many single samples the lines put there. Of all that is there `same_time` have
    the very time of another of the series, and `same_millisecond` more have its millisecond.
    """

    by_series: dict[Series, dict[int, list[float]]] = field(
        default_factory=lambda: defaultdict(dict)
    )
    values: int = 0
    same_time: int = 0
    same_millisecond: int = 0

    @property
    def count(self) -> int:
        """Points that a server has which keeps milliseconds."""
        return sum(map(len, self.by_series.values()))


def points_to_send(folder: Path, locomotive: str) -> Points:
    """What the whole log in `folder` tells a server, by the lines that the forwarder makes of it.

    Raises BenchError where it would wait for something.
    """
    newest = list_segments(FileStorage(), folder)[-1]
    end = Position(newest, file_size(FileStorage(), segment_path(folder, newest)))
    clock = SystemClock()
    log = Log(folder, lambda: end)
    reader = BatchReader(log, LineWriter(locomotive), clock, None, _BATCH_VALUES, replay=True)
    bodies = []
    try:
        while (batch := reader.next()) is not None:
            bodies.append(batch.body)
        if reader.decided_us is not None:
            raise BenchError("a row of the log has no clock though all has come")
    finally:
        reader.close()
    return points_of_lines(point for body in bodies if body for point in points([body]))


def points_of_lines(lines: Iterable[Point]) -> Points:
    """What lines say of samples, sound and suspect; a status alone is none."""
    found = Points()
    times_ns: dict[Series, set[int]] = defaultdict(set)
    for line in lines:
        ours = line.measurement.startswith(_OURS)
        if ours or not any(name == "place" for name, _ in line.tags):
            continue
        for name, text in line.fields:
            if not _is_sample(name):
                continue
            series = (f"{line.measurement}_{name}", tuple(sorted(line.tags)))
            found.values += ("quality", "thinned") not in line.tags
            taken = found.by_series[series].setdefault(line.time_us // 1000, [])
            if line.time_ns in times_ns[series]:
                found.same_time += 1
            elif taken:
                found.same_millisecond += 1
            times_ns[series].add(line.time_ns)
            taken.append(float(text))
    return found


class ReadBack(Protocol):
    """A server that can be asked for what it has; it keeps milliseconds."""

    def read_back(self, locomotive: str) -> dict[Key, list[float]]:
        """Every stored value of that locomotive."""


def points_on_server(server: ReadBack, locomotive: str) -> Points:
    """What the server has of samples."""
    found = Points()
    for key, values in server.read_back(locomotive).items():
        if _is_sample(key.name) and any(name == "place" for name, _ in key.tags):
            found.values += len(values)
            found.by_series[key.name, key.tags][key.time_us // 1000] = values
    return found


def compare(told: Points, found: Points) -> tuple[int, int]:
    """How many points of `told` are missing in `found` or have another value there, and how many
    are there once too often or were never told."""
    missing = extra = 0
    for series in told.by_series.keys() | found.by_series.keys():
        wanted = told.by_series.get(series, {})
        got = found.by_series.get(series, {})
        for time_ms, values in wanted.items():
            there = [value for value in got.get(time_ms, []) if _is_one_of(value, values)]
            missing += not there
        for time_ms, values in got.items():
            wanted_there = wanted.get(time_ms, [])
            sound = sum(_is_one_of(value, wanted_there) for value in values)
            extra += len(values) - min(sound, 1)
    return missing, extra


def _is_sample(name: str) -> bool:
    return not name.startswith(_OURS) and not name.endswith(("_status", "_samples", "span_ms"))


def _is_one_of(value: float, values: list[float]) -> bool:
    return any(abs(value - each) <= _SAME * max(1.0, abs(each)) for each in values)
