"""Signals over time: how fast a value rises, and whether it falls where it should be held."""

from collections import defaultdict
from collections.abc import Iterator

from gateway.alarms.picture import Latest, Picture
from gateway.alarms.rules import Behind, Rise
from gateway.alarms.signals.found import Found, at_each_place, believed
from gateway.alarms.signals.windows import RiseOver

__all__ = ["BehindSignal", "RiseSignal"]

_ATMOSPHERE_KPA = 101.325


class RiseSignal:
    def __init__(self, rule: Rise) -> None:
        self._rule = rule
        self._windows = defaultdict[str, RiseOver](lambda: RiseOver(rule.window_s))

    def __call__(self, picture: Picture) -> Iterator[Found]:
        yield from at_each_place(self._rule, picture, lambda one: self._rise(one, picture))

    def _rise(self, one: Latest, picture: Picture) -> float | None:
        window = self._windows[one.place]
        value = believed(self._rule, picture, one)
        rise = window.add(picture.now_us, value if picture.holds(self._rule.when) else None)
        if rise is None or not self._rule.volume:
            return rise
        return rise * picture.figure(self._rule.volume) / _ATMOSPHERE_KPA


class BehindSignal:
    """A pipe that a valve feeds from a reservoir follows it; one that leaks more than the valve
    gives lies below it and falls on. It is the reservoir that the driver lowers to brake."""

    def __init__(self, rule: Behind) -> None:
        self._rule = rule
        self._windows = defaultdict[str, tuple[RiseOver, RiseOver]](
            lambda: (RiseOver(rule.window_s), RiseOver(rule.window_s))
        )

    def __call__(self, picture: Picture) -> Iterator[Found]:
        rule = self._rule
        there = picture.of(rule.other)
        for place, one in picture.of(rule.quantity).items():
            other = there.get(place)
            if other is not None:
                fall = self._fall(place, picture.value(one), picture.value(other), picture.now_us)
                yield Found(place, place, rule.quantity, (one.id, other.id), fall)

    def _fall(
        self, place: str, value: float | None, held: float | None, now_us: int
    ) -> float | None:
        windows = self._windows[place]
        rise, held_rise = windows[0].add(now_us, value), windows[1].add(now_us, held)
        if value is None or held is None or rise is None or held_rise is None:
            return None
        if value > held - self._rule.least:
            return 0.0
        fall = min(held_rise, 0.0) - rise
        return fall if fall > 0 else None
