"""The life of alarms after ISA-18.2: each transition and each action of a crew, stored first.

normal -> unacknowledged -> acknowledged -> normal, or unacknowledged -> returned -> normal; from
each but normal to shelved, and out of it by itself when its time is over.
"""

from collections import Counter, deque
from collections.abc import Callable, Iterable
from typing import Any

from msgspec.structs import replace

from gateway.alarms.desk import AlarmError
from gateway.alarms.record import SILENCED, Action, AlarmRecord, Kept
from gateway.alarms.rulebook import BoundRule
from gateway.alarms.rules import about
from gateway.alarms.signals import Found
from gateway.spool.errors import BufferFullError
from gateway.state import Alarm, AlarmFacts, AlarmPriority, AlarmState
from gateway.timebase import Clock

__all__ = ["AlarmLife"]

SHELVED_MINUTES_MAX = 480
_UNSTORED_MAX = 1024
_STORM_COUNT = 5
_STORM_US = 10_000_000
_STATES: tuple[AlarmState, ...] = ("unacknowledged", "returned", "acknowledged", "shelved")
_PRIORITIES: tuple[AlarmPriority, ...] = ("high", "medium", "low")


class AlarmLife:
    """Every alarm that is not normal; also what a crew does to them: see AlarmDesk.

    `store` appends a record to the spool and raises BufferFullError where it cannot: what
    a crew asked for is then refused, and what was detected is shown all the same and stored as
    soon as there is room.
    """

    def __init__(
        self,
        clock: Clock,
        store: Callable[[AlarmRecord], object],
        kept: Iterable[Kept] = (),
    ) -> None:
        self.raised: Counter[str] = Counter()
        """Alarms raised since the start, by rule."""
        self.records_lost = 0
        """Transitions that were never stored, for the store took nothing for so long."""
        self.version = 0
        """Rises with each transition."""
        self._clock = clock
        self._store = store
        self._alarms = {one.id: self._carried_over(one) for one in kept}
        self._silenced: set[str] = set(self._alarms)
        self._unstored: deque[AlarmRecord] = deque()
        self._recent: deque[tuple[int, str]] = deque()

    # -- what detection finds

    def open(self, alarm: str, rule: BoundRule, found: Found) -> None:
        """The condition of `alarm` holds from now on, or still after a restart."""
        known = self._alarms.get(alarm)
        if known is not None and known.is_open:
            return
        now_us, bound = self._clock.monotonic_us(), rule.bound
        fresh = Kept(
            id=alarm,
            rule=rule.rule.id,
            code=rule.words.code,
            kind=about(rule.rule),
            priority=rule.priority,
            state="unacknowledged",
            place=found.place,
            quantity=found.quantity,
            channels=found.channels,
            value=found.value if bound is not None else None,
            limit=None if bound is None else bound.open,
            unit="" if bound is None else bound.unit,
            verified=rule.verified,
            cause=self._cause(alarm, now_us),
            conditions=rule.rule.when,
            base=self._clock.boot_id(),
            since_us=now_us,
            since_utc_us=self._clock.utc_us(),
        )
        if known is not None and known.state == "shelved":
            fresh = replace(
                fresh,
                state="shelved",
                shelved_until_us=known.shelved_until_us,
                shelved_until_utc_us=known.shelved_until_utc_us,
            )
        self.raised[rule.rule.id] += 1
        self._silenced.discard(alarm)
        self._found(fresh, "raised")

    def follow(self, alarm: str, value: float | None) -> None:
        """The value while it is open; that alone is no transition."""
        known = self._alarms.get(alarm)
        if known is None or not known.is_open or known.limit is None:
            return
        if known.value != value:
            self._alarms[alarm] = replace(known, value=value)

    def close(self, alarm: str, action: Action = "returned") -> None:
        """The condition is over."""
        known = self._alarms.get(alarm)
        if known is None or not known.is_open:
            return
        returned = replace(
            known,
            is_open=False,
            returned_us=self._clock.monotonic_us(),
            returned_utc_us=self._clock.utc_us(),
        )
        after: Kept | None = returned
        if known.state == "unacknowledged":
            after = replace(returned, state="returned")
        elif known.state == "acknowledged":
            after = None
        self._found(after, action, known)

    def tick(self) -> None:
        """End what is shelved for long enough, and store what could not be stored before."""
        now_us = self._clock.monotonic_us()
        for one in list(self._alarms.values()):
            if one.shelved_until_us is not None and one.shelved_until_us <= now_us:
                self._found(_unshelved(one), "unshelved", one)
        self._put_off()

    def open_ids(self) -> set[str]:
        return {name for name, one in self._alarms.items() if one.is_open}

    # -- what a crew does

    def acknowledge(self, alarm: str, by: str) -> None:
        known = self._known(alarm)
        if known.state not in ("unacknowledged", "returned"):
            raise AlarmError(f"alarm {alarm} is {known.state}: there is nothing to acknowledge")
        after = None
        if known.is_open:
            after = replace(known, state="acknowledged", acknowledged_by=by)
        self._asked(after, "acknowledged", by, known)

    def shelve(self, alarm: str, by: str, minutes: int) -> None:
        known = self._known(alarm)
        if not 1 <= minutes <= SHELVED_MINUTES_MAX:
            raise AlarmError(f"an alarm is shelved for 1 to {SHELVED_MINUTES_MAX} minutes")
        length_us = minutes * 60_000_000
        after = replace(
            known,
            state="shelved",
            acknowledged_by=known.acknowledged_by or by,
            base=self._clock.boot_id(),
            shelved_until_us=self._clock.monotonic_us() + length_us,
            shelved_until_utc_us=self._clock.utc_us() + length_us,
        )
        self._asked(after, "shelved", by, known, minutes)

    def unshelve(self, alarm: str, by: str) -> None:
        known = self._known(alarm)
        if known.state != "shelved":
            raise AlarmError(f"alarm {alarm} is not shelved")
        self._asked(_unshelved(known), "unshelved", by, known)

    def silence(self, by: str) -> None:
        self._append(
            AlarmRecord(id=SILENCED, action="silenced", by=by, trusted=self._clock.trusted())
        )
        self._silenced = set(self._alarms)
        self.version += 1

    # -- what is shown

    @property
    def silenced(self) -> bool:
        """Whether nothing that would sound is new since the last silence."""
        return bool(self._alarms) and self._silenced >= self._alarms.keys()

    def counts(self) -> dict[tuple[AlarmPriority, AlarmState], int]:
        """How many there are of each priority and state; every one of them is named."""
        found = {(each, state): 0 for each in _PRIORITIES for state in _STATES}
        for one in self._alarms.values():
            found[one.priority, one.state] += 1
        return found

    @property
    def unstored(self) -> int:
        """Records that wait for room in the store."""
        return len(self._unstored)

    def alarms(self) -> tuple[Alarm, ...]:
        """The most urgent first."""
        now_us, now_utc_us = self._clock.monotonic_us(), self._clock.utc_us()
        shown = [_shown(one, now_us, now_utc_us) for one in self._alarms.values()]
        shown.sort(
            key=lambda one: (
                _STATES.index(one.state),
                _PRIORITIES.index(one.priority),
                one.age_ms,
            )
        )
        return tuple(shown)

    # -- private

    def _known(self, alarm: str) -> Kept:
        known = self._alarms.get(alarm)
        if known is None:
            raise AlarmError(f"there is no alarm {alarm}: it is over")
        return known

    def _found(self, after: Kept | None, action: Action, before: Kept | None = None) -> None:
        record = self._record(after, action, before)
        if len(self._unstored) >= _UNSTORED_MAX:
            self._unstored.popleft()
            self.records_lost += 1
        self._unstored.append(record)
        self._put_off()
        self._set(record.id, after)

    def _asked(
        self, after: Kept | None, action: Action, by: str, before: Kept, minutes: int | None = None
    ) -> None:
        self._append(replace(self._record(after, action, before), by=by, minutes=minutes))
        self._set(before.id, after)

    def _set(self, alarm: str, after: Kept | None) -> None:
        if after is None:
            self._alarms.pop(alarm, None)
            self._silenced.discard(alarm)
        else:
            self._alarms[alarm] = after
        self.version += 1

    def _append(self, record: AlarmRecord) -> None:
        self._put_off()
        try:
            if self._unstored:
                raise BufferFullError("alarms wait for room")
            self._store(record)
        except BufferFullError:
            raise AlarmError(
                "the store takes nothing now, so nobody could tell who did it"
            ) from None

    def _put_off(self) -> None:
        """Store what waits, the oldest first, as far as there is room."""
        while self._unstored:
            try:
                self._store(self._unstored[0])
            except BufferFullError:
                return
            self._unstored.popleft()

    def _record(self, after: Kept | None, action: Action, before: Kept | None) -> AlarmRecord:
        one = after or before
        assert one is not None
        return AlarmRecord(
            id=one.id,
            action=action,
            trusted=self._clock.trusted(),
            rule=one.rule,
            place=one.place,
            priority=one.priority,
            value=one.value,
            limit=one.limit,
            alarm=after,
        )

    def _cause(self, alarm: str, now_us: int) -> str | None:
        """The first alarm of the storm this one belongs to, if there is one."""
        recent = self._recent
        while recent and recent[0][0] < now_us - _STORM_US:
            recent.popleft()
        recent.append((now_us, alarm))
        if len(recent) < _STORM_COUNT:
            return None
        first = recent[0][1]
        first = getattr(self._alarms.get(first), "cause", None) or first
        for _, other in list(recent)[:-1]:
            known = self._alarms.get(other)
            if known is not None and other != first and known.cause is None:
                self._found(replace(known, cause=first), "grouped", known)
        return first if first != alarm else None

    def _carried_over(self, one: Kept) -> Kept:
        """What was shelved on another boot of the machine stays so only where a time source
        says how much of it is left."""
        clock = self._clock
        if one.base == clock.boot_id():
            return one
        passed_us = clock.utc_us() - clock.monotonic_us()
        moved: dict[str, Any] = {"base": clock.boot_id(), "since_us": one.since_utc_us - passed_us}
        if one.returned_utc_us is not None:
            moved["returned_us"] = one.returned_utc_us - passed_us
        if one.shelved_until_utc_us is not None:
            until_us = one.shelved_until_utc_us - passed_us if clock.trusted() else 0
            longest_us = clock.monotonic_us() + SHELVED_MINUTES_MAX * 60_000_000
            moved["shelved_until_us"] = min(until_us, longest_us)
        return replace(one, **moved)


def _unshelved(one: Kept) -> Kept | None:
    """In sight again and to be acknowledged, or normal where it is over."""
    if not one.is_open:
        return None
    return replace(
        one,
        state="unacknowledged",
        acknowledged_by=None,
        shelved_until_us=None,
        shelved_until_utc_us=None,
    )


def _shown(one: Kept, now_us: int, now_utc_us: int) -> Alarm:
    def unix_ms(at_us: int | None) -> int | None:
        return None if at_us is None else (now_utc_us - now_us + at_us) // 1000

    facts = {name: getattr(one, name) for name in AlarmFacts.__struct_fields__}
    return Alarm(
        **facts | {"value": one.value if one.is_open else None},
        since_ms=(now_utc_us - now_us + one.since_us) // 1000,
        age_ms=max(0, now_us - one.since_us) // 1000,
        returned_ms=unix_ms(one.returned_us),
        shelved_until_ms=unix_ms(one.shelved_until_us),
    )
