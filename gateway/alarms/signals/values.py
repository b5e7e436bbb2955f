"""Signals of one moment: a value, a difference, how far one is off its siblings."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from statistics import median

from gateway.alarms.picture import Latest, Picture
from gateway.alarms.rules import Deviation, Difference, Value
from gateway.alarms.signals.found import Found, at_each_place, believed
from gateway.alarms.signals.windows import Mean

__all__ = ["DeviationSignal", "ValueSignal", "difference"]

_OTHER_SIDE = {"left": "right", "right": "left"}
_LEARN_S = 60.0
_MOST_FACTOR = 0.05
"""Wheels of one locomotive differ by less; more is never taken for how it always is."""


class ValueSignal:
    """The value, or its mean while the rule's conditions hold."""

    def __init__(self, rule: Value) -> None:
        self._rule = rule
        self._means = defaultdict[str, Mean](lambda: Mean(rule.mean_s))

    def __call__(self, picture: Picture) -> Iterator[Found]:
        yield from at_each_place(self._rule, picture, lambda one: self._value(one, picture))

    def _value(self, one: Latest, picture: Picture) -> float | None:
        value = believed(self._rule, picture, one)
        if not self._rule.mean_s:
            return value
        mean = self._means[one.place]
        return mean.add(picture.now_us, value if picture.holds(self._rule.when) else None)


def difference(rule: Difference, picture: Picture) -> Iterator[Found]:
    there = picture.of(rule.other or rule.quantity)
    for place, one in picture.of(rule.quantity).items():
        other_place = _across(place) if rule.other_place == "side" else rule.other_place
        other = there.get(other_place)
        if other is None:
            continue
        value, base = believed(rule, picture, one), picture.value(other)
        above = None if value is None or base is None else value - base
        if rule.about == "sensor":
            yield Found(f"{one.quantity} {place}", place, rule.quantity, (one.id,), above)
        else:
            yield Found(place, place, rule.quantity, (one.id, other.id), above)


class DeviationSignal:
    """How far each is off the median of its siblings."""

    def __init__(self, rule: Deviation) -> None:
        self._rule = rule
        self._means = defaultdict[str, Mean](lambda: Mean(rule.mean_s))
        self._factors: dict[str, float] = {}
        self._learned_us: int | None = None

    def __call__(self, picture: Picture) -> Iterator[Found]:
        rule = self._rule
        good = picture.values(rule.quantity)
        if rule.calibrate:
            self._learn(good, picture)
            good = {place: value * self._factors.get(place, 1.0) for place, value in good.items()}
        if rule.mean_s:
            good = self._mean_of(good, picture)
        ordered = sorted(good.values())
        yield from at_each_place(rule, picture, lambda one: self._off(one, good, ordered, picture))

    def _off(
        self, one: Latest, good: dict[str, float], ordered: list[float], picture: Picture
    ) -> float | None:
        rule = self._rule
        value = good.get(one.place)
        own = value
        if value is None and rule.about == "sensor":
            value = believed(rule, picture, one)
        siblings = len(ordered) - (own is not None)
        if value is None or siblings < rule.least_siblings:
            return None
        middle = median(ordered) if own is None else _median_without(ordered, own)
        off = value - middle
        if abs(off) < rule.least_off:
            off = 0.0
        if rule.share:
            if abs(middle) < rule.least_median:
                return None
            base = max(abs(middle), rule.floor)
            if not base:
                return None
            off *= 100 / base
        if rule.side == "either":
            return abs(off)
        return -off if rule.side == "below" else off

    def _mean_of(self, good: dict[str, float], picture: Picture) -> dict[str, float]:
        holds = picture.holds(self._rule.when)
        found = {}
        for place in picture.of(self._rule.quantity):
            mean = self._means[place]
            value = mean.add(picture.now_us, good.get(place) if holds else None)
            if value is not None:
                found[place] = value
        return found

    def _learn(self, good: dict[str, float], picture: Picture) -> None:
        """Bring each place's factor nearer to what makes it the median of all."""
        before_us, self._learned_us = self._learned_us, picture.now_us
        if before_us is None or len(good) <= self._rule.least_siblings:
            return
        middle = median(good.values())
        if not picture.holds(self._rule.calibrate) or abs(middle) < self._rule.floor * 10:
            return
        step = min(1.0, (picture.now_us - before_us) / 1e6 / _LEARN_S)
        for place, value in good.items():
            known = self._factors.get(place, 1.0)
            wanted = middle / value if value else 1.0
            if abs(wanted - 1) <= _MOST_FACTOR:
                self._factors[place] = known + (wanted - known) * step


def _median_without(ordered: list[float], own: float) -> float:
    """The median of all but one of them; there are others."""
    at, half = bisect_left(ordered, own), (len(ordered) - 1) // 2
    upper = ordered[half if half < at else half + 1]
    if len(ordered) % 2 == 0:
        return upper
    lower = ordered[half - 1 if half - 1 < at else half]
    return (lower + upper) / 2


def _across(place: str) -> str:
    words = place.split()
    words[-1] = _OTHER_SIDE.get(words[-1], "")
    return " ".join(words)
