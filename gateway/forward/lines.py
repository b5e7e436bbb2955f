"""Readings, health and gaps as InfluxDB line protocol; docs/influxdb.md has the schema."""

import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import numpy as np
from axwire.codes import HEALTH_FIELDS, OK, OUT_OF_RANGE
from axwire.parse import Health
from axwire.quantities import QUANTITIES
from axwire.table import Channel
from numpy.typing import NDArray

from gateway.alarms.record import SILENCED, AlarmRecord
from gateway.clock import ClockRecord
from gateway.decode import ChannelTable, GroupTable, Rows
from gateway.thinned import Summary

__all__ = ["LineWriter", "Lines", "Lost", "decimals", "escape"]

_FORMATS_KEPT = 512

_OF_A_NODE = re.compile(r"(\w+),((?:\\.|[^ \\])*\bnode=(?:\\.|[^ \\])*) (\S+) (-?\d+)")
_ACCOUNT = "axlebox_audit"

_US = 1000
"""Nanoseconds."""

_NUMBERED = 1000
"""Rows of a group from one with a number to the next with it."""

_RESOLUTION = 50
"""A written value is within a fiftieth of a converter's step of the exact one."""


class Lines(NamedTuple):
    """Line protocol, each line ended by a newline: `points` lines with `values` fields."""

    text: str
    points: int
    values: int


class Lost(NamedTuple):
    """What a node dropped in one boot before it could reach the gateway."""

    messages: int
    samples: int


class _Field(NamedTuple):
    column: int
    name: str
    form: str


class _Point(NamedTuple):
    head: str
    fields: tuple[_Field, ...]


class LineWriter:
    """Writes what the nodes of one locomotive sent; timestamps are UTC nanoseconds.

    Equal data gives equal bytes. A time that is not sure carries the tag `clock=estimated`. What a
    row's time has below a microsecond is the row's number, so that no other row of its boot that
    a correction of the clock puts on the same microsecond overwrites it.
    """

    def __init__(self, locomotive: str) -> None:
        self._locomotive = locomotive
        self._formats: dict[tuple[int, str, bool, bool], tuple[GroupTable, _GroupFormat]] = {}

    def rows(self, node: str, table: ChannelTable, rows: Rows, clock: ClockRecord) -> Lines:
        """One block, its times from `clock`."""
        layout = self._format(node, table, rows.group, estimated=not clock.trusted)
        stamps = _stamps_ns(clock, rows.t_ms, rows.group.period_ms, rows.count)
        values = rows.values
        sound = (values >= layout.low) & (values <= layout.high)
        if any(rows.statuses) or not sound.all():
            return layout.mixed(rows, ~(sound | rows.missing), stamps)
        return layout.healthy(values, stamps)

    def summary(
        self, node: str, table: ChannelTable, summary: Summary, clock: ClockRecord
    ) -> Lines:
        """Minimum, mean and maximum, at the time of the first row that they stand for."""
        rows = summary.rows
        layout = self._format(node, table, rows.group, estimated=not clock.trusted, thinned=True)
        return layout.summary(summary, _stamps_ns(clock, rows.t_ms, rows.group.period_ms, 1)[0])

    def health(self, node: str, health: Health, lost: Lost, clock: ClockRecord) -> Lines:
        """How a node is, and what of this boot is known to be lost."""
        fields = [
            f"{name}={value}i"
            for name, value in zip(HEALTH_FIELDS, health.values, strict=False)
            if value is not None
        ]
        fields += [f"boot={health.boot}i", f"lost_messages={lost.messages}i"]
        fields.append(f"lost_samples={lost.samples}i")
        if clock.trusted:
            fields.append(f"clock_error_us={clock.error_us}i")
        head = self._head("node", node=node, estimated=not clock.trusted)
        stamp = clock.utc_at(health.t_ms * 1000) * _US
        return Lines(f"{head} {','.join(fields)} {stamp}\n", 1, len(fields))

    def told(self, reason: str, fields: Mapping[str, int], time_us: int) -> Lines:
        """What the gateway tells of itself. Its own time counts as estimated."""
        head = self._head("gateway", reason=reason, estimated=True)
        text = ",".join(f"{name}={value}i" for name, value in fields.items())
        return Lines(f"{head} {text} {time_us * _US}\n", 1, len(fields))

    def started(self, run: int, received_us: int) -> Lines:
        """A start of the gateway."""
        head = self._head("gateway", estimated=True)
        return Lines(f"{head} run={run}i {received_us * _US}\n", 1, 1)

    def alarm(self, record: AlarmRecord, received_us: int) -> Lines:
        """A transition of an alarm, or what a crew did to it."""
        tags: dict[str, str] = {"action": record.action}
        if record.id != SILENCED:
            tags |= {"rule": record.rule, "place": record.place, "priority": record.priority}
        alarm = record.alarm
        fields = {
            "id": _quoted(record.id),
            "state": _quoted("normal" if alarm is None else alarm.state),
            "open": str(alarm is not None and alarm.is_open).lower(),
        }
        if record.by:
            fields["by"] = _quoted(record.by)
        if record.minutes is not None:
            fields["minutes"] = f"{record.minutes}i"
        for name, value in (("value", record.value), ("limit", record.limit)):
            if value is not None:
                fields[name] = repr(float(value))
        head = self._head("axlebox_alarm", estimated=not record.trusted, **tags)
        text = ",".join(f"{name}={value}" for name, value in fields.items())
        return Lines(f"{head} {text} {received_us * _US}\n", 1, len(fields))

    def audit(self, sums: Iterable[tuple[str, Mapping[str, int], int]]) -> Lines:
        """What stretches of the log put on the server, by node: counts at a time in its hour."""
        lines = []
        values = 0
        for node, counts, time_us in sums:
            head = self._head(_ACCOUNT, node=node, estimated=False)
            fields = ",".join(f"{name}={counts[name]}i" for name in sorted(counts))
            lines.append(f"{head} {fields} {time_us * _US}\n")
            values += len(counts)
        return Lines("".join(lines), len(lines), values)

    @staticmethod
    def refused(line: str) -> Lines | None:
        """The account of a line that the server refused: its values do not count after all.

        None for a line of no node, and for an account.
        """
        found = _OF_A_NODE.fullmatch(line)
        if found is None or found[1] == _ACCOUNT:
            return None
        measurement, tags, fields, time_ns = found.groups()
        head = f"{_ACCOUNT},measurement={measurement},{tags}"
        count = fields.count(",") + 1
        return Lines(f"{head} refused={count}i,sent={-count}i {time_ns}\n", 1, 2)

    def probe(self) -> bytes:
        """A line that any sound server takes; the server gives it its own time."""
        return f"{self._head('gateway', estimated=False)} probe=1i".encode()

    def _format(
        self,
        node: str,
        table: ChannelTable,
        group: GroupTable,
        *,
        estimated: bool,
        thinned: bool = False,
    ) -> "_GroupFormat":
        key = (id(group), node, estimated, thinned)
        kept = self._formats.get(key)
        if kept is None:
            if len(self._formats) >= _FORMATS_KEPT:
                self._formats.clear()
            points = self._points(node, table, group, estimated, thinned)
            kept = (group, _GroupFormat(group, points))
            self._formats[key] = kept
        return kept[1]

    def _points(
        self, node: str, table: ChannelTable, group: GroupTable, estimated: bool, thinned: bool
    ) -> list[_Point]:
        doubles = _doubles(table)
        heads: dict[str, list[_Field]] = {}
        for column, channel in enumerate(group.channels):
            quantity = group.quantities[column]
            measurement, _, name = quantity.name.partition(".")
            tags = {"node": node, "place": group.places[column], "unit": quantity.unit}
            if group.first + column in doubles:
                tags["channel"] = str(group.first + column)
            if thinned:
                tags["quality"] = "thinned"
            head = self._head(measurement, estimated=estimated, **tags)
            field = _Field(column, name, f"%.{decimals(channel)}f")
            heads.setdefault(head, []).append(field)
        return [_Point(head, tuple(fields)) for head, fields in heads.items()]

    def _head(self, measurement: str, *, estimated: bool, **tags: str) -> str:
        """Measurement and tags, sorted by name: so the server need not sort them."""
        tags["locomotive"] = self._locomotive
        if estimated:
            tags["clock"] = "estimated"
        return ",".join([measurement, *(f"{name}={escape(tags[name])}" for name in sorted(tags))])


class _GroupFormat:
    """How the rows of one group of one node are written."""

    def __init__(self, group: GroupTable, points: list[_Point]) -> None:
        self.low: NDArray[np.float64] = np.array([q.low for q in group.quantities], np.float64)
        self.high: NDArray[np.float64] = np.array([q.high for q in group.quantities], np.float64)
        self._points = points
        self._row = "".join(
            "{} {} %s\n".format(
                point.head.replace("%", "%%"),
                ",".join(f"{field.name}={field.form}" for field in point.fields),
            )
            for point in points
        )

    def healthy(self, values: NDArray[np.float64], stamps: list[int]) -> Lines:
        """Rows in which every value is there and sound: one formatting step for all."""
        columns = values.T.tolist()
        texts = list(map(str, stamps))
        width = values.shape[1] + len(self._points)
        cells: list[float | str] = [0.0] * (len(texts) * width)
        place = 0
        for point in self._points:
            for field in point.fields:
                cells[place::width] = columns[field.column]
                place += 1
            cells[place::width] = texts
            place += 1
        text = self._row * len(texts) % tuple(cells)
        return Lines(text, len(texts) * len(self._points), values.size)

    def mixed(self, rows: Rows, outside: NDArray[np.bool_], stamps: list[int]) -> Lines:
        """Rows in which something is missing, faulty or out of range."""
        lines: list[str] = []
        written = 0
        values, missing, beyond = rows.values.tolist(), rows.missing.tolist(), outside.tolist()
        for k, stamp in enumerate(stamps):
            for point in self._points:
                parts: list[str] = []
                for column, name, form in point.fields:
                    status = rows.statuses[column]
                    if status == OK and beyond[k][column]:
                        status = OUT_OF_RANGE
                    if not missing[k][column]:
                        suffix = "" if status == OK else "_suspect"
                        parts.append(f"{name}{suffix}={form % values[k][column]}")
                    if status != OK:
                        parts.append(f"{name}_status={status}i")
                if parts:
                    lines.append(f"{point.head} {','.join(parts)} {stamp}\n")
                    written += len(parts)
        return Lines("".join(lines), len(lines), written)

    def summary(self, summary: Summary, stamp: int) -> Lines:
        """One line a point. Where minimum or maximum is out of range, so is the whole."""
        rows = summary.rows
        beyond = (rows.values < self.low) | (rows.values > self.high)
        outside: list[bool] = np.any(beyond, axis=0).tolist()
        values = rows.values.tolist()
        lines: list[str] = []
        written = 0
        for point in self._points:
            parts: list[str] = []
            for field in point.fields:
                status = rows.statuses[field.column]
                if status == OK and outside[field.column]:
                    status = OUT_OF_RANGE
                parts += _summary_of(field, values, summary.taken[field.column], status)
            if parts:
                parts.append(f"span_ms={summary.span_ms}i")
                lines.append(f"{point.head} {','.join(parts)} {stamp}\n")
                written += len(parts)
        return Lines("".join(lines), len(lines), written)


def _summary_of(field: _Field, values: list[list[float]], taken: int, status: int) -> list[str]:
    """The fields of one channel: mean, minimum and maximum, or only what is wrong with it."""
    parts = []
    if taken:
        suffix = "" if status == OK else "_suspect"
        low, mean, high = (field.form % row[field.column] for row in values)
        parts = [
            f"{field.name}{suffix}={mean}",
            f"{field.name}_min{suffix}={low}",
            f"{field.name}_max{suffix}={high}",
            f"{field.name}_samples={taken}i",
        ]
    if status != OK:
        parts.append(f"{field.name}_status={status}i")
    return parts


def decimals(channel: Channel) -> int:
    """Digits behind the point: enough for a fiftieth of a step, and none that are always 0."""
    digits = -QUANTITIES[channel.quantity].exponent
    for count in range(digits):
        unit = 10 ** (digits - count)
        exact = channel.scale % unit == 0 and channel.offset % unit == 0
        if exact or unit * _RESOLUTION <= abs(channel.scale):
            return count
    return digits


def _stamps_ns(clock: ClockRecord, t_ms: int, period_ms: int, rows: int) -> list[int]:
    """The times of rows, the number of each below the microsecond."""
    number = t_ms // period_ms
    return [
        utc_us * _US + (number + k) % _NUMBERED
        for k, utc_us in enumerate(clock.utc_from(t_ms * 1000, period_ms * 1000, rows))
    ]


def escape(text: str) -> str:
    """A tag's value as line protocol wants it."""
    for character in (",", "=", " "):
        text = text.replace(character, "\\" + character)
    return text


def _quoted(text: str) -> str:
    """A text as a field's value, on one line."""
    text = " ".join(text.split())
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _doubles(table: ChannelTable) -> set[int]:
    """Channels whose quantity and place another one with a lower number has already."""
    seen: set[tuple[int, int]] = set()
    doubles: set[int] = set()
    for group in sorted(table.groups.values(), key=lambda group: group.first):
        for column, channel in enumerate(group.channels):
            if (channel.quantity, channel.place) in seen:
                doubles.add(group.first + column)
            seen.add((channel.quantity, channel.place))
    return doubles
