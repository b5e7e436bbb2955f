"""The live picture: nodes, channels, last values, freshness. In memory only.

Promise 2 lives here: every value has an age and a quality, and nothing unknown looks good.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator

from axwire.codes import HEALTH_FIELDS, RESET_CAUSES
from axwire.parse import Health, Hello

from gateway.alarms.picture import Latest, NodeSeen
from gateway.clock import ClockSync
from gateway.decode import ChannelTable, GroupTable, Rows
from gateway.live import NODE_SILENT_US, LiveNode, LiveValue
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
from gateway.update.progress import UpdateState

__all__ = ["Registry"]

_BOOTS_COUNTED = 64
_NEVER_US = 1 << 62


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
        update: Callable[[], UpdateState | None] = lambda: None,
    ) -> None:
        self._locomotive = locomotive
        self._version_text = version
        self._nodes = {name: LiveNode(name) for name in nodes}
        self._clocks = clocks
        self._clock = clock
        self._spool = spool
        self._forward = forward
        self._refused = refused
        self._losses = losses
        self._rates = rates
        self._alarms = alarms
        self._silenced = silenced
        self._update = update
        self._started_us = clock.monotonic_us()
        self.layout = 0
        """Rises where a node's channels became others."""
        self._waiters: list[asyncio.Future[None]] = []
        self._version = 0

    # -- told by ingest

    def spoke(self, node: str, boot: int, link: str) -> None:
        known = self._nodes[node]
        if known.boot != boot:
            groups = known.groups.values()
            self._nodes[node] = known = LiveNode(
                node, boot, lost_samples=known.lost_samples, lost_before=known.lost_before
            )
            for group in groups:
                known.lay_out(group)
        now = self._clock.monotonic_us()
        if known.status(now) != "live":
            known.due_us = now
        known.link = link
        known.heard_us = now
        self._changed()

    def told_table(self, node: str, hello: Hello, table: ChannelTable | None) -> None:
        known = self._nodes[node]
        if hello.boot != known.boot:
            return
        if known.hello is not None and hello.revision < known.hello.revision:
            return
        known.hello = hello
        if table is not None and known.groups != table.groups:
            known.lay_out_anew(table.groups)
            self.layout += 1
            for each in self._nodes.values():
                each.due_us = 0
        self._changed()

    def told_rows(self, node: str, boot: int, rows: Rows) -> None:
        known = self._nodes[node]
        if boot != known.boot:
            return
        group = rows.group
        shown = known.groups.get(group.number)
        if shown is None:
            known.lay_out(group)
        elif shown is not group:
            if shown != group:
                return
            known.groups[group.number] = group
        before = known.latest.get(group.number)
        if before is not None and not (rows.is_sound and rows.t_ms > before.last_t_ms):
            known.look_at(before)
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
            known.fields = dict(zip(HEALTH_FIELDS, health.values, strict=False))
        self._changed()

    def told_alarms(self) -> None:
        """They have changed."""
        self._changed()

    # -- asked by the alarms

    def news(self) -> Iterator[Latest]:
        """The newest value of each channel that was read anew since the last call, or is worth
        something else; of all channels after the layout has changed."""
        now = self._clock.monotonic_us()
        for node in self._nodes.values():
            node.look_at_latest()
            groups = list(node.groups.values())
            if now >= node.due_us:
                node.due_us = _NEVER_US
                if node.status(now) == "live" and node.heard_us is not None:
                    node.due_us = node.heard_us + NODE_SILENT_US + 1
            else:
                groups = [group for group in groups if group.number in node.renewed]
            node.renewed.clear()
            for group in groups:
                yield from self._news_of(node, group, now)

    def nodes_seen(self) -> Iterator[NodeSeen]:
        """Since when each node is silent."""
        now = self._clock.monotonic_us()
        for name, node in self._nodes.items():
            since_us = self._started_us if node.heard_us is None else node.heard_us
            yield NodeSeen(name, node.status(now), now - since_us, node.link)

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
            node.look_at_latest()
        return State(
            locomotive=self._locomotive,
            now_ms=self._clocks.wall.utc_us() // 1000,
            clock_trusted=self._clocks.wall.trusted(),
            clock_error_ms=_milliseconds(self._clocks.wall.error_us()),
            version=self._version_text,
            nodes=tuple(self._node(name, node, now) for name, node in self._nodes.items()),
            channels=tuple(
                _channel(node.name, *worth)
                for node in self._nodes.values()
                for worth in self._worth(node, sorted(node.values), now)
            ),
            alarms=self._alarms(),
            silenced=self._silenced(),
            spool=self._spool(),
            forward=self._forward(),
            rates=self._rates(),
            losses=self._losses(),
            refused=self._refused(),
            update=self._update(),
        )

    def health(self) -> dict[str, dict[str, int | None]]:
        """The latest HEALTH of each node by field of axwire.codes; empty before the first."""
        return {name: node.fields for name, node in self._nodes.items()}

    def status(self, node: str) -> NodeStatus:
        """live, stale (it was here and is silent) or waiting (never heard)."""
        return self._nodes[node].status(self._clock.monotonic_us())

    def hello(self, node: str) -> Hello | None:
        """What the node said of itself in its present boot."""
        return self._nodes[node].hello

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

    def _node(self, name: str, node: LiveNode, now: int) -> Node:
        boot = node.boot
        estimate = None if boot is None else self._clocks.estimate(name, boot)
        error_us = None if boot is None else self._clocks.error_us(name, boot)
        round_trip_us = None if boot is None else self._clocks.round_trip_us(name, boot)
        health = node.fields
        return Node(
            name=name,
            status=node.status(now),
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

    def _news_of(self, node: LiveNode, group: GroupTable, now: int) -> Iterator[Latest]:
        numbers = range(group.first, group.first + len(group.channels))
        for value, age_us, quality in self._worth(node, numbers, now):
            if age_us is None:
                if value.t_ms is not None:
                    node.due_us = now
            elif quality != "stale":
                node.due_us = min(node.due_us, now - age_us + value.stale_after_us + 1)
            yield Latest(
                value.id,
                node.name,
                value.quantity.name,
                value.place,
                value.value,
                quality,
                None if age_us is None else now - age_us,
            )

    def _worth(
        self, node: LiveNode, numbers: Iterable[int], now: int
    ) -> Iterator[tuple[LiveValue, int | None, Quality]]:
        """How old the value of each of these channels is, and how far it can be trusted. What was
        sampled together is as old."""
        status, age_us, aged_ms = node.status(now), None, None
        for number in numbers:
            value = node.values[number]
            if value.t_ms != aged_ms:
                age_us, aged_ms = self._age_us(node, value, now), value.t_ms
            yield value, age_us, value.quality(status, age_us)

    def _age_us(self, node: LiveNode, value: LiveValue, now: int) -> int | None:
        """None where nothing was told, and while the board's clock is not known."""
        if node.boot is None or value.t_ms is None:
            return None
        sampled_us = self._clocks.monotonic_at(node.name, node.boot, value.t_ms * 1000)
        return None if sampled_us is None else max(0, now - sampled_us)


def _channel(node: str, value: LiveValue, age_us: int | None, quality: Quality) -> Channel:
    return Channel(
        id=value.id,
        node=node,
        quantity=value.quantity.name,
        place=value.place,
        unit=value.quantity.unit,
        value=None if quality in ("stale", "waiting", "no_answer") else value.value,
        decimals=value.quantity.decimals,
        age_ms=None if age_us is None else age_us // 1000,
        quality=quality,
        stale_after_ms=value.stale_after_us // 1000,
    )


def _milliseconds(us: int | None) -> float | None:
    return None if us is None else us / 1000
