"""What the live picture knows of one node: its newest values, and what they are worth."""

from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from axwire.codes import OK, STATUSES
from axwire.parse import Health, Hello
from axwire.quantities import Quantity

from gateway.decode import GroupTable, Rows
from gateway.state import NodeStatus, Quality

__all__ = ["NODE_SILENT_US", "PERIODS_SILENT", "LiveNode", "LiveValue"]

NODE_SILENT_US = 2_500_000
"""A node is pinged each second; after this long without a word the page must not show its values
as live (DESIGN: within 3 s)."""

PERIODS_SILENT = 10
"""A channel is stale after ten of its periods, but not before its node is."""

_QUALITIES = cast("tuple[Quality, ...]", STATUSES)


@dataclass
class LiveValue:
    """What is known of one channel; `id` is node/number, `period_us`: how often it is sampled."""

    id: str
    quantity: Quantity
    place: str
    period_us: int
    value: float | None = None
    status: int = OK
    t_ms: int | None = None
    """Board time at which this was so; None: nothing was told yet."""
    told_ms: int = -1
    """Board time of the latest row that was told, a sample in it or not."""

    def __post_init__(self) -> None:
        self.stale_after_us = max(NODE_SILENT_US, PERIODS_SILENT * self.period_us)

    def quality(self, status: NodeStatus, age_us: int | None) -> Quality:
        """What it is worth at that age, while its node has that status."""
        if age_us is None:
            return "waiting"
        if status != "live" or age_us > self.stale_after_us:
            return "stale"
        if self.status != OK:
            return _QUALITIES[self.status]
        if self.value is None:
            return "waiting"
        if not self.quantity.low <= self.value <= self.quantity.high:
            return "out_of_range"
        return "ok"


@dataclass
class LiveNode:
    """What is known of one node, of its present boot."""

    name: str
    boot: int | None = None
    link: str | None = None
    heard_us: int | None = None
    hello: Hello | None = None
    health: Health | None = None
    fields: dict[str, int | None] = field(default_factory=dict)
    """Of its latest HEALTH, by name."""
    lost_samples: dict[int, int] = field(default_factory=dict)
    """By boot, of the latest that told."""
    lost_before: int = 0
    """Of all others."""
    groups: dict[int, GroupTable] = field(default_factory=dict)
    values: dict[int, LiveValue] = field(default_factory=dict)
    """Up to the latest block of each group, which is looked at when somebody asks."""
    latest: dict[int, Rows] = field(default_factory=dict)
    renewed: set[int] = field(default_factory=set)
    """Groups that were looked at since the alarms asked."""
    due_us: int = 0
    """From when on channels may be worth something else by time alone, as the alarms saw them."""

    def status(self, now_us: int) -> NodeStatus:
        if self.heard_us is None:
            return "waiting"
        return "stale" if now_us - self.heard_us > NODE_SILENT_US else "live"

    def lay_out(self, group: GroupTable) -> None:
        """Its channels, of which nothing is known."""
        self.groups[group.number] = group
        for column, (quantity, place) in enumerate(
            zip(group.quantities, group.places, strict=True)
        ):
            number = group.first + column
            self.values[number] = LiveValue(
                f"{self.name}/{number}", quantity, place, group.period_ms * 1000
            )

    def lay_out_anew(self, groups: dict[int, GroupTable]) -> None:
        """What is measured as before keeps what was read last, however often it is read now."""
        self.look_at_latest()
        before, self.groups, self.values = self.values, {}, {}
        for group in groups.values():
            self.lay_out(group)
        for number, value in self.values.items():
            known = before.get(number)
            if known is None or (known.quantity, known.place) != (value.quantity, value.place):
                continue
            self.values[number] = replace(known, id=value.id, period_us=value.period_us)

    def look_at_latest(self) -> None:
        for rows in self.latest.values():
            self.look_at(rows)
        self.latest.clear()

    def look_at(self, rows: Rows) -> None:
        """What a block says of its channels now, where nothing later was told."""
        group = rows.group
        self.renewed.add(group.number)
        last_t_ms = rows.last_t_ms
        values = (rows.raw[-1] * group.scales + group.offsets).tolist()
        for column, status in enumerate(rows.statuses):
            kept = self.values[group.first + column]
            if last_t_ms < kept.told_ms:
                continue
            kept.told_ms, kept.status = last_t_ms, status
            if not rows.has_gaps or not rows.missing[-1, column]:
                kept.t_ms, kept.value = last_t_ms, values[column]
                continue
            taken = np.flatnonzero(~rows.missing[:, column])
            if taken.size:
                back_ms = (rows.count - 1 - int(taken[-1])) * group.period_ms
                kept.t_ms = last_t_ms - back_ms
                kept.value = float(rows.values[taken[-1], column])
            elif status != OK:
                kept.t_ms, kept.value = last_t_ms, None
