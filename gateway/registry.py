"""The live picture: nodes, channels, last values, freshness. In memory only.

Promise 2 lives here: every value has an age and a quality, and nothing unknown looks good.
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np
from axwire.codes import HEALTH_FIELDS, OK, RESET_CAUSES, STATUSES
from axwire.parse import Health, Hello
from axwire.quantities import Quantity

from gateway.clock import ClockSync
from gateway.decode import ChannelTable, GroupTable, Rows
from gateway.state import Channel, Forward, Locomotive, Node, NodeStatus, Quality, Spool, State
from gateway.timebase import Clock

__all__ = ["NODE_SILENT_US", "Registry"]

NODE_SILENT_US = 2_500_000
"""A node is pinged each second; after this long without a word the page must not show its values
as live (DESIGN: within 3 s)."""

_PERIODS_SILENT = 10
"""A channel is stale after ten of its periods, but not before its node is."""

_OUTBOX = HEALTH_FIELDS.index("outbox_messages")
_LOSSES = (
    ("outbox_full", HEALTH_FIELDS.index("dropped_samples")),
    ("thinned", HEALTH_FIELDS.index("thinned_samples")),
    ("missed_deadline", HEALTH_FIELDS.index("missed_deadlines")),
)


@dataclass
class _Value:
    quantity: Quantity
    place: str
    period_us: int
    value: float | None = None
    sampled_us: int | None = None
    status: int = OK
    t_ms: int = -1


@dataclass
class _Node:
    boot: int | None = None
    link: str | None = None
    heard_us: int | None = None
    hello: Hello | None = None
    health: dict[int, int | None] = field(default_factory=dict)
    lost_messages: int = 0
    values: dict[int, _Value] = field(default_factory=dict)


class Registry:
    """Told by ingest what arrives; asked by page, metrics and alarms what is so.

    `spool` and `forward` describe the rest of the picture when asked; `refused` and `losses`
    count since the start.
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
        self._waiters: list[asyncio.Future[None]] = []
        self._version = 0

    # -- told by ingest

    def spoke(self, node: str, boot: int, link: str) -> None:
        known = self._nodes[node]
        if known.boot != boot:
            self._nodes[node] = known = _Node(boot, hello=known.hello, values=known.values)
            for value in known.values.values():
                value.t_ms = -1
        known.link = link
        known.heard_us = self._clock.monotonic_us()
        self._changed()

    def told_table(self, node: str, hello: Hello, table: ChannelTable | None) -> None:
        known = self._nodes[node]
        known.hello = hello
        if table is not None:
            known.values = {}
            for group in table.groups.values():
                _lay_out(known.values, group)
        self._changed()

    def told_rows(self, node: str, boot: int, rows: Rows) -> None:
        known = self._nodes[node]
        if boot != known.boot:
            return
        group = rows.group
        if group.first not in known.values:
            _lay_out(known.values, group)
        last_t_ms = rows.last_t_ms
        last_us = self._sampled_us(node, boot, last_t_ms)
        gaps = rows.missing[-1].any()
        values = (rows.raw[-1] * group.scales + group.offsets).tolist()
        for column, status in enumerate(rows.statuses):
            kept = known.values[group.first + column]
            if last_t_ms < kept.t_ms:
                continue
            kept.status = status
            if not gaps or not rows.missing[-1, column]:
                kept.t_ms, kept.sampled_us, kept.value = last_t_ms, last_us, values[column]
                continue
            taken = np.flatnonzero(~rows.missing[:, column])
            if taken.size:
                back_ms = (len(rows.raw) - 1 - int(taken[-1])) * group.period_ms
                kept.t_ms, kept.sampled_us = last_t_ms - back_ms, last_us - back_ms * 1000
                kept.value = float(rows.values[taken[-1], column])
        self._changed()

    def told_health(self, node: str, health: Health, lost_messages: int) -> None:
        known = self._nodes[node]
        known.health = dict(enumerate(health.values))
        known.lost_messages = lost_messages
        self._changed()

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
        return State(
            locomotive=self._locomotive,
            now_ms=self._clock.utc_us() // 1000,
            clock_trusted=self._clock.trusted(),
            version=self._version_text,
            nodes=tuple(self._node(name, node, now) for name, node in self._nodes.items()),
            channels=tuple(
                self._channel(name, node, number, value, now)
                for name, node in self._nodes.items()
                for number, value in sorted(node.values.items())
            ),
            spool=self._spool(),
            forward=self._forward(),
            losses=self.losses(),
            refused=self._refused(),
        )

    def losses(self) -> dict[str, int]:
        """What will never come, by what dropped it: as the nodes say, and as ingest counts."""
        total = dict(self._losses())
        for name, index in _LOSSES:
            total[name] = sum(node.health.get(index) or 0 for node in self._nodes.values())
        return total

    def status(self, node: str) -> NodeStatus:
        """live, stale (it was here and is silent) or waiting (never heard)."""
        return _status(self._nodes[node], self._clock.monotonic_us())

    # -- private

    def _changed(self) -> None:
        self._version += 1
        waiters, self._waiters = self._waiters, []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _sampled_us(self, node: str, boot: int, t_ms: int) -> int:
        """When that was on our monotonic clock; now, as long as no ping was answered."""
        now = self._clock.monotonic_us()
        estimate = self._clocks.estimate(node, boot)
        if estimate is None:
            return now
        age = self._clock.utc_us() - estimate.utc_at(t_ms * 1000)
        return now - max(0, age)

    def _node(self, name: str, node: _Node, now: int) -> Node:
        estimate = None if node.boot is None else self._clocks.estimate(name, node.boot)
        return Node(
            name=name,
            status=_status(node, now),
            age_ms=None if node.heard_us is None else (now - node.heard_us) // 1000,
            boot=None if node.boot is None else f"{node.boot:08x}",
            link=node.link,
            firmware=node.hello.firmware if node.hello else None,
            board=node.hello.board if node.hello else None,
            reset_cause=RESET_CAUSES[node.hello.reset_cause] if node.hello else None,
            outbox_messages=node.health.get(_OUTBOX),
            lost_samples=sum(node.health.get(index) or 0 for _, index in _LOSSES[:2]),
            clock_error_ms=None if estimate is None else estimate.error_us / 1000,
        )

    @staticmethod
    def _channel(name: str, node: _Node, number: int, value: _Value, now: int) -> Channel:
        stale_after_us = max(NODE_SILENT_US, _PERIODS_SILENT * value.period_us)
        age_us = None if value.sampled_us is None else now - value.sampled_us
        quality = _quality(_status(node, now), value, age_us, stale_after_us)
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
            stale_after_ms=stale_after_us // 1000,
        )


def _lay_out(values: dict[int, _Value], group: GroupTable) -> None:
    for column, (quantity, place) in enumerate(zip(group.quantities, group.places, strict=True)):
        values[group.first + column] = _Value(quantity, place, group.period_ms * 1000)


def _status(node: _Node, now: int) -> NodeStatus:
    if node.heard_us is None:
        return "waiting"
    return "stale" if now - node.heard_us > NODE_SILENT_US else "live"


def _quality(status: NodeStatus, value: _Value, age_us: int | None, stale_us: int) -> Quality:
    if status != "live" and value.sampled_us is not None:
        return "stale"
    if value.status != OK:
        return _QUALITIES[value.status]
    if age_us is None or value.value is None:
        return "waiting"
    if age_us > stale_us:
        return "stale"
    if not value.quantity.low <= value.value <= value.quantity.high:
        return "out_of_range"
    return "ok"


_QUALITIES: tuple[Quality, ...] = (
    "ok",
    "open",
    "short",
    "saturated",
    "stuck",
    "no_answer",
    "out_of_range",
    "not_ready",
)
assert _QUALITIES == STATUSES
