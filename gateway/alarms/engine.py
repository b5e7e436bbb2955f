"""Rules on the latest values, once a tick: what opens, and what closes.

Sensors are judged first; a channel that is found wrong is not given to any rule on the machine.
A rule is asked where something that it looks at was read anew; else only its delays run on.
"""

from collections.abc import Iterable

from gateway.alarms.condition import Condition
from gateway.alarms.life import AlarmLife
from gateway.alarms.picture import Picture
from gateway.alarms.rulebook import BoundRule
from gateway.alarms.rules import Fault, Frozen, Jump, LinkSilence, NodeSilence, Together, about
from gateway.alarms.signals import inputs_of, is_of_the_moment, signal_of

__all__ = ["Engine"]


class Engine:
    """Brings `life` on. What was open before a restart stays open until it is seen to be good;
    what no rule knows any more is over."""

    def __init__(self, rules: Iterable[BoundRule], life: AlarmLife) -> None:
        self._watches: dict[str, _Watch] = {}
        for bound in rules:
            self._watches[bound.rule.id] = _Watch(bound, life, self._watches)
        self._life = life
        for alarm in life.open_ids():
            watch = self._watches.get(alarm.partition("@")[0])
            if watch is None or watch.bound.rule.sign:
                life.close(alarm, "removed")
            else:
                watch.conditions[alarm] = Condition(watch.bound, is_open=True)

    def tick(self, picture: Picture) -> None:
        """Judge the values of one moment."""
        for watch in self._watches.values():
            watch.tick(picture)
        self._life.tick()


class _Watch:
    """One rule, and each place where it was ever judged."""

    def __init__(self, bound: BoundRule, life: AlarmLife, earlier: dict[str, "_Watch"]) -> None:
        rule = bound.rule
        self.bound = bound
        self.conditions: dict[str, Condition] = {}
        self.inputs = inputs_of(rule)
        members = []
        if isinstance(rule, Together):
            members = [earlier[name] for name in rule.rules if name in earlier]
            self.inputs = {quantity for member in members for quantity in member.inputs}
        self._life = life
        self._signal = signal_of(bound, {one.bound.rule.id: one.shares for one in members})
        self._is_on_sensors = about(rule) == "sensor"
        self._looks_always = isinstance(rule, NodeSilence | LinkSilence)
        self._looks_at_any = isinstance(rule, Fault | Frozen | Jump) and not rule.quantities
        self._is_of_the_moment = is_of_the_moment(rule)
        self._held: bool | None = None
        self._waiting: dict[str, None] = {}
        """Alarms of which a delay runs."""

    def tick(self, picture: Picture) -> None:
        holds = picture.holds(self.bound.rule.when)
        is_due = self._is_due(picture, holds)
        if not is_due and not self._waiting and holds is self._held:
            return
        judged: set[str] = set()
        waiting = list(self._waiting)
        if is_due:
            prefix = self.bound.rule.id + "@"
            for found in self._signal(picture):
                alarm = prefix + found.key
                condition = self.conditions.get(alarm)
                if condition is None:
                    condition = self.conditions[alarm] = Condition(self.bound)
                condition.found = found
                judged.add(alarm)
                self._judge(alarm, condition, holds, picture)
        if holds is not self._held:
            self._held = holds
            waiting = list(self.conditions)
        for alarm in waiting:
            if alarm not in judged:
                self._judge(alarm, self.conditions[alarm], holds, picture)

    def shares(self) -> dict[str, float | None]:
        """By place, how near it is to its limit; None where that is not known now."""
        return {
            condition.found.place: condition.share
            for condition in self.conditions.values()
            if condition.found is not None
        }

    def _is_due(self, picture: Picture, holds: bool | None) -> bool:
        if self._is_of_the_moment and not holds:
            return holds is not self._held
        if self._looks_always or (self._is_of_the_moment and not self._held):
            return True
        if self._looks_at_any:
            return bool(picture.renewed)
        return not self.inputs.isdisjoint(picture.fresh)

    def _judge(
        self, alarm: str, condition: Condition, holds: bool | None, picture: Picture
    ) -> None:
        was_open, found = condition.is_open, condition.found
        is_open = condition.judge(picture.now_us, holds)
        if condition.waits:
            self._waiting[alarm] = None
        elif self._waiting:
            self._waiting.pop(alarm, None)
        if not (is_open or was_open) or found is None:
            return
        if self._is_on_sensors:
            self._mark(alarm, condition, picture)
        if self.bound.rule.sign:
            return
        if is_open and was_open:
            self._life.follow(alarm, condition.value)
        elif is_open:
            self._life.open(alarm, self.bound, found)
        else:
            self._life.close(alarm)

    def _mark(self, alarm: str, condition: Condition, picture: Picture) -> None:
        assert condition.found is not None
        one = picture.of(condition.found.quantity or "").get(condition.found.place)
        if one is not None:
            picture.found_wrong(alarm, one, is_wrong=condition.is_open)
