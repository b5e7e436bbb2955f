"""The gateway's alarms: rules on its live picture, their life in its spool, a crew's desk."""

from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from gateway.alarms.engine import Engine
from gateway.alarms.life import AlarmLife
from gateway.alarms.picture import Latest, NodeSeen, Picture
from gateway.alarms.record import AlarmRecord
from gateway.alarms.rulebook import BoundRule
from gateway.ingest_seams import Store
from gateway.ledger import Ledger
from gateway.profiles import Profile
from gateway.spool.format import Kind, Priority
from gateway.state import Alarm
from gateway.timebase import Clock

__all__ = ["AlarmWatch", "LivePicture"]


class LivePicture(Protocol):
    """Where the latest values come from, and who shows what became of them."""

    @property
    def layout(self) -> int:
        """Rises where channels became others."""

    def news(self) -> Iterator[Latest]: ...
    def nodes_seen(self) -> Iterator[NodeSeen]: ...
    def told_alarms(self) -> None: ...


class AlarmWatch:
    """Is the AlarmDesk of the gateway; used in its thread."""

    def __init__(
        self,
        rules: Iterable[BoundRule],
        profile: Profile,
        ledger: Ledger,
        store: Store,
        live: LivePicture,
        clock: Clock,
    ) -> None:
        self.rules = tuple(rules)
        self._profile = profile
        self._ledger = ledger
        self._store = store
        self._live = live
        self._clock = clock
        self._shown = -1
        self._layout = live.layout
        self._picture = Picture(profile)
        self.life = AlarmLife(clock, self._keep, ledger.alarms.values())
        self._engine = Engine(self.rules, self.life)

    @property
    def silenced(self) -> bool:
        return self.life.silenced

    def alarms(self) -> tuple[Alarm, ...]:
        return self.life.alarms()

    @property
    def stands(self) -> bool | None:
        """Whether the locomotive does, as of the last tick; None where that is not known."""
        return self._picture.holds(("standing",))

    def tick(self) -> None:
        """Judge what is known now."""
        live = self._live
        if live.layout != self._layout:
            self._layout = live.layout
            self._picture = Picture(self._profile)
        self._picture.look(self._clock.monotonic_us(), live.news(), live.nodes_seen())
        self._engine.tick(self._picture)
        self._tell()

    def acknowledge(self, alarm: str, by: str) -> None:
        self.life.acknowledge(alarm, by)
        self._tell()

    def shelve(self, alarm: str, by: str, minutes: int) -> None:
        self.life.shelve(alarm, by, minutes)
        self._tell()

    def unshelve(self, alarm: str, by: str) -> None:
        self.life.unshelve(alarm, by)
        self._tell()

    def silence(self, by: str) -> None:
        self.life.silence(by)
        self._tell()

    def _keep(self, record: AlarmRecord) -> None:
        body = msgspec.msgpack.encode(record)
        self._store.append(Kind.ALARM, Priority.URGENT, body, self._clock.utc_us())
        self._ledger.learn_alarm(record)

    def _tell(self) -> None:
        if self.life.version != self._shown:
            self._shown = self.life.version
            self._live.told_alarms()
