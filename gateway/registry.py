"""The live picture: nodes, channels, last values, freshness. In memory only.

Promise 2 lives here: every value has an age and a quality, and nothing unknown looks good.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import cast

import numpy as np
from axwire.codes import HEALTH_FIELDS, OK, RESET_CAUSES, STATUSES
from axwire.parse import Health, Hello
from axwire.quantities import Quantity

from gateway.alarms.picture import Latest, NodeSeen
from gateway.clock import ClockSync
from gateway.decode import ChannelTable, GroupTable, Rows
from gateway.state import (
    Alarm,
    Channel,
    Forward,
    Locomotive,
    Node,
    NodeStatus,
    Quality,
    Rates,
    Spool,
    State,
)
from gateway.timebase import Clock

__all__ = ["NODE_SILENT_US", "Registry"]

NODE_SILENT_US = 2_500_000
"""A node is pinged each second; after this long without a word the page must not show its values
as live (DESIGN: within 3 s)."""

_BOOTS_COUNTED = 64

_PERIODS_SILENT = 10
"""A channel is stale after ten of its periods, but not before its node is."""


@dataclass
class _Value:
    quantity: Quantity
    place: str
    period_us: int
    value: float | None = None
    status: int = OK
    t_ms: int | None = None
    """Board time at which this was so; None: nothing was told yet."""
    told_ms: int = -1
    """Board time of the latest row that was told, a sample in it or not."""


@dataclass
class _Node:
    boot: int | None = None
    link: str | None = None
    heard_us: int | None = None
    hello: Hello | None = None
    health: Health | None = None
    lost_samples: dict[int, int] = field(default_factory=dict)
    """By boot, of the latest that told."""
    lost_before: int = 0
    """Of all others."""
    groups: dict[int, GroupTable] = field(default_factory=dict)
    values: dict[int, _Value] = field(default_factory=dict)
    """Up to the latest block of each group, which is looked at when somebody asks."""
    latest: dict[int, Rows] = field(default_factory=dict)


class Registry:
    """Told by ingest what arrives; asked by page, metrics and alarms what is so.

    `spool`, `forward` and `rates` describe the rest of the picture when asked; `refused` and
    `losses` count since the start.
    """

    def __init__(
        self,
        locomotive: Locomotive,
        version: str,
        nodes: Iterable[str],
        clocks: ClockSync,
        clock: Clock,
        *,
        spool: Callable[[], Spool],
        forward: Callable[[], Forward],
        refused: Callable[[], dict[str, int]],
        losses: Callable[[], dict[str, int]],
        rates: Callable[[], Rates | None] = lambda: None,
        alarms: Callable[[], tuple[Alarm, ...]] = lambda: (),
        silenced: Callable[[], bool] = lambda: False,
    ) -> None:
        self._locomotive = locomotive
        self._version_text = version
        self._nodes = {name: _Node() for name in nodes}
        self._clocks = clocks
        self._clock = clock
        self._spool = spool
        self._forward = forward
        self._refused = refused
        self._losses = losses
        self._rates = rates
        self._alarms = alarms
        self._silenced = silenced
        self._started_us = clock.monotonic_us()
        self._waiters: list[asyncio.Future[None]] = []
        self._version = 0

    # -- told by ingest

    def spoke(self, node: str, boot: int, link: str) -> None:
        known = self._nodes[node]
        if known.boot != boot:
            groups = known.groups.values()
            self._nodes[node] = known = _Node(
                boot, lost_samples=known.lost_samples, lost_before=known.lost_before
            )
            for group in groups:
                _lay_out(known, group)
        known.link = link
        known.heard_us = self._clock.monotonic_us()
        self._changed()

    def told_table(self, node: str, hello: Hello, table: ChannelTable | None) -> None:
        known = self._nodes[node]
        if hello.boot != known.boot:
            return
        if known.hello is not None and hello.revision < known.hello.revision:
            return
        known.hello = hello
        if table is not None and known.groups != table.groups:
            _look_at_latest(known)
            before, known.groups, known.values = known.values, {}, {}
            for group in table.groups.values():
                _lay_out(known, group)
            _carry_over(before, known.values)
        self._changed()

    def told_rows(self, node: str, boot: int, rows: Rows) -> None:
        known = self._nodes[node]
        if boot != known.boot:
            return
        group = rows.group
        shown = known.groups.get(group.number)
        if shown is None:
            _lay_out(known, group)
        elif shown is not group and shown != group:
            return
        before = known.latest.get(group.number)
        if before is not None and not (rows.is_sound and rows.t_ms > before.last_t_ms):
            _look_at(known, before)
        known.latest[group.number] = rows
        self._changed()

    def told_health(self, node: str, health: Health, lost_samples: int) -> None:
        known = self._nodes[node]
        known.lost_samples.pop(health.boot, None)
        known.lost_samples[health.boot] = lost_samples
        if len(known.lost_samples) > _BOOTS_COUNTED:
            known.lost_before += known.lost_samples.pop(next(iter(known.lost_samples)))
        later = known.health is None or health.t_ms >= known.health.t_ms
        if health.boot == known.boot and later:
            known.health = health
        self._changed()

    def told_alarms(self) -> None:
        """They have changed."""
        self._changed()

    # -- asked by the alarms

    def latest(self) -> Iterator[Latest]:
        """The newest value of every channel, and what it is worth now."""
        now = self._clock.monotonic_us()
        for name, node in self._nodes.items():
            _look_at_latest(node)
            status = _status(node, now)
            ages: dict[int | None, int | None] = {}
            for number, value in node.values.items():
                if value.t_ms not in ages:
                    ages[value.t_ms] = self._age_us(name, node, value, now)
                age_us = ages[value.t_ms]
                what = value.quantity.name, value.place, value.value
                yield Latest(
                    f"{name}/{number}", name, *what, _quality(status, value, age_us), age_us
                )

    def nodes_seen(self) -> Iterator[NodeSeen]:
        """Since when each node is silent."""
        now = self._clock.monotonic_us()
        for name, node in self._nodes.items():
            since_us = self._started_us if node.heard_us is None else node.heard_us
            yield NodeSeen(name, _status(node, now), now - since_us)

    # -- asked by the page

    @property
    def version(self) -> int:
        """Rises with each change; ages alone are no change."""
        return self._version

    async def changed(self, since: int) -> int:
        """The version, as soon as it is above `since`."""
        while self._version <= since:
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return self._version

    def state(self) -> State:
        """The picture now."""
        now = self._clock.monotonic_us()
        for node in self._nodes.values():
            _look_at_latest(node)
        return State(
            locomotive=self._locomotive,
            now_ms=self._clocks.wall.utc_us() // 1000,
            clock_trusted=self._clocks.wall.trusted(),
            clock_error_ms=_milliseconds(self._clocks.wall.error_us()),
            version=self._version_text,
            nodes=tuple(self._node(name, node, now) for name, node in self._nodes.items()),
            channels=tuple(
                self._channel(name, node, number, value, now)
                for name, node in self._nodes.items()
                for number, value in sorted(node.values.items())
            ),
            alarms=self._alarms(),
            silenced=self._silenced(),
            spool=self._spool(),
            forward=self._forward(),
            rates=self._rates(),
            losses=self._losses(),
            refused=self._refused(),
        )

    def health(self) -> dict[str, dict[str, int | None]]:
        """The latest HEALTH of each node by field of axwire.codes; empty before the first."""
        return {name: _fields(node.health) for name, node in self._nodes.items()}

    def status(self, node: str) -> NodeStatus:
        """live, stale (it was here and is silent) or waiting (never heard)."""
        return _status(self._nodes[node], self._clock.monotonic_us())

    def channel_name(self, node: str, number: int) -> str:
        """What a channel measures and where, or its number while the node has not said."""
        value = self._nodes[node].values.get(number)
        return f"channel {number}" if value is None else f"{value.quantity.name} at {value.place}"

    # -- private

    def _changed(self) -> None:
        self._version += 1
        if self._waiters:
            waiters, self._waiters = self._waiters, []
            for waiter in waiters:
                if not waiter.done():
                    waiter.set_result(None)

    def _node(self, name: str, node: _Node, now: int) -> Node:
        boot = node.boot
        estimate = None if boot is None else self._clocks.estimate(name, boot)
        error_us = None if boot is None else self._clocks.error_us(name, boot)
        round_trip_us = None if boot is None else self._clocks.round_trip_us(name, boot)
        health = _fields(node.health)
        return Node(
            name=name,
            status=_status(node, now),
            age_ms=None if node.heard_us is None else (now - node.heard_us) // 1000,
            boot=None if node.boot is None else f"{node.boot:08x}",
            link=node.link,
            firmware=node.hello.firmware if node.hello else None,
            board=node.hello.board if node.hello else None,
            reset_cause=RESET_CAUSES[node.hello.reset_cause] if node.hello else None,
            outbox_messages=health.get("outbox_messages"),
            frames_refused=health.get("frames_refused"),
            resent_messages=health.get("resent_messages"),
            link_errors=health.get("link_errors"),
            lost_samples=node.lost_before + sum(node.lost_samples.values()),
            thinned_samples=health.get("thinned_samples"),
            dropped_samples=health.get("dropped_samples"),
            round_trip_ms=_milliseconds(round_trip_us),
            clock_error_ms=_milliseconds(error_us),
            clock_drift_ppm=None if estimate is None else estimate.drift_ppb / 1000,
        )

    def _channel(self, name: str, node: _Node, number: int, value: _Value, now: int) -> Channel:
        age_us, quality = self._worth(name, node, value, now)
        return Channel(
            id=f"{name}/{number}",
            node=name,
            quantity=value.quantity.name,
            place=value.place,
            unit=value.quantity.unit,
            value=None if quality in ("stale", "waiting", "no_answer") else value.value,
            decimals=value.quantity.decimals,
            age_ms=None if age_us is None else age_us // 1000,
            quality=quality,
            stale_after_ms=_stale_after_us(value) // 1000,
        )

    def _worth(
        self, name: str, node: _Node, value: _Value, now: int
    ) -> tuple[int | None, Quality]:
        """How old a value is, and how far it can be trusted."""
        age_us = self._age_us(name, node, value, now)
        return age_us, _quality(_status(node, now), value, age_us)

    def _age_us(self, name: str, node: _Node, value: _Value, now: int) -> int | None:
        """None where nothing was told, and while the board's clock is not known."""
        if node.boot is None or value.t_ms is None:
            return None
        sampled_us = self._clocks.monotonic_at(name, node.boot, value.t_ms * 1000)
        return None if sampled_us is None else max(0, now - sampled_us)


def _milliseconds(us: int | None) -> float | None:
    return None if us is None else us / 1000


def _fields(health: Health | None) -> dict[str, int | None]:
    return {} if health is None else dict(zip(HEALTH_FIELDS, health.values, strict=False))


def _look_at_latest(node: _Node) -> None:
    for rows in node.latest.values():
        _look_at(node, rows)
    node.latest.clear()


def _look_at(node: _Node, rows: Rows) -> None:
    """What a block says of its channels now, where nothing later was told."""
    group = rows.group
    last_t_ms = rows.last_t_ms
    values = (rows.raw[-1] * group.scales + group.offsets).tolist()
    for column, status in enumerate(rows.statuses):
        kept = node.values[group.first + column]
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


def _lay_out(node: _Node, group: GroupTable) -> None:
    node.groups[group.number] = group
    for column, (quantity, place) in enumerate(zip(group.quantities, group.places, strict=True)):
        node.values[group.first + column] = _Value(quantity, place, group.period_ms * 1000)


def _carry_over(before: dict[int, _Value], values: dict[int, _Value]) -> None:
    """What is measured as before keeps what was read last, however often it is read now."""
    for number, value in values.items():
        known = before.get(number)
        if known is not None and (known.quantity, known.place) == (value.quantity, value.place):
            values[number] = replace(known, period_us=value.period_us)


def _status(node: _Node, now: int) -> NodeStatus:
    if node.heard_us is None:
        return "waiting"
    return "stale" if now - node.heard_us > NODE_SILENT_US else "live"


def _stale_after_us(value: _Value) -> int:
    return max(NODE_SILENT_US, _PERIODS_SILENT * value.period_us)


def _quality(status: NodeStatus, value: _Value, age_us: int | None) -> Quality:
    if age_us is None:
        return "waiting"
    if status != "live" or age_us > _stale_after_us(value):
        return "stale"
    if value.status != OK:
        return _QUALITIES[value.status]
    if value.value is None:
        return "waiting"
    if not value.quantity.low <= value.value <= value.quantity.high:
        return "out_of_range"
    return "ok"


_QUALITIES = cast("tuple[Quality, ...]", STATUSES)
