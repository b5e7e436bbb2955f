"""Rules on the latest values, once a tick: what opens, and what closes.

Sensors are judged first; a channel that is found wrong is not given to any rule on the machine.
"""

from collections.abc import Iterable

from gateway.alarms.condition import Condition
from gateway.alarms.life import AlarmLife
from gateway.alarms.picture import Picture
from gateway.alarms.rulebook import BoundRule
from gateway.alarms.rules import about
from gateway.alarms.signals import Found, Signal, signal_of

__all__ = ["Engine"]


class Engine:
    """Brings `life` on. What was open before a restart stays open until it is seen to be good;
    what no rule knows any more is over."""

    def __init__(self, rules: Iterable[BoundRule], life: AlarmLife) -> None:
        self._watches = [_Watch(rule) for rule in rules]
        self._life = life
        known = {watch.rule.rule.id: watch for watch in self._watches}
        for alarm in life.open_ids():
            rule, _, key = alarm.partition("@")
            watch = known.get(rule)
            if watch is None:
                life.close(alarm, "removed")
            else:
                watch.conditions[key] = Condition(watch.rule, is_open=True)

    def tick(self, picture: Picture) -> None:
        """Judge the values of one moment."""
        for watch in self._watches:
            holds = picture.holds(watch.rule.rule.when)
            for found in watch.signal(picture):
                self._judge(watch, found, holds, picture)
        self._life.tick()

    def _judge(self, watch: "_Watch", found: Found, holds: bool | None, picture: Picture) -> None:
        condition = watch.conditions.get(found.key)
        if condition is None:
            condition = watch.conditions[found.key] = Condition(watch.rule)
        was_open = condition.is_open
        is_open = condition.step(picture.now_us, found.value, holds)
        if not (is_open or was_open):
            return
        alarm = f"{watch.rule.rule.id}@{found.key}"
        if not is_open:
            self._life.close(alarm)
            return
        if was_open:
            self._life.follow(alarm, condition.value)
        else:
            self._life.open(alarm, watch.rule, found)
        if watch.is_on_sensors:
            picture.wrong.update(found.channels)


class _Watch:
    def __init__(self, rule: BoundRule) -> None:
        self.rule = rule
        self.signal: Signal = signal_of(rule.rule)
        self.conditions: dict[str, Condition] = {}
        self.is_on_sensors = about(rule.rule) == "sensor"
