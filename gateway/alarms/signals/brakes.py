"""How long a brake cylinder takes to fill and to release."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.alarms.picture import Latest, Picture
from gateway.alarms.rules import Stroke
from gateway.alarms.signals.found import Found, at_each_place

__all__ = ["StrokeSignal"]

_LOOK_US = 500_000
"""Movement is told from one such step to the next."""

_FASTER = 1.5


@dataclass
class _Track:
    at_us: int
    value: float
    rate: float = 0.0
    """A second, over the last step."""


class _Movement:
    """How fast a pressure moves, told each half second."""

    def __init__(self) -> None:
        self._track: _Track | None = None

    def add(self, now_us: int, value: float | None) -> float | None:
        track = self._track
        if value is None:
            self._track = None
            return None
        if track is None:
            self._track = _Track(now_us, value)
            return None
        if now_us - track.at_us >= _LOOK_US:
            rate = (value - track.value) / (now_us - track.at_us) * 1e6
            self._track = _Track(now_us, value, rate)
            return rate
        return track.rate


class StrokeSignal:
    """The time of the stroke under way, and 0 where there is none."""

    def __init__(self, rule: Stroke) -> None:
        self._rule = rule
        self._cylinders: defaultdict[str, _Movement] = defaultdict(_Movement)
        self._pipe = _Movement()
        self._pipe_fell_us = 0
        self._began_us: dict[str, int] = {}
        self._armed: set[str] = set()
        self._slowest: dict[str, float] = {}
        """The slowest that each filled so far: it gets slower and slower, unless it is told to
        take more."""

    def __call__(self, picture: Picture) -> Iterator[Found]:
        rule = self._rule
        if rule.pipe:
            rate = self._pipe.add(
                picture.now_us, min(picture.values(rule.pipe).values(), default=None)
            )
            if rate is None or rate < -rule.rest:
                self._pipe_fell_us = picture.now_us
        yield from at_each_place(rule, picture, lambda one: self._s(one, picture))

    def _s(self, one: Latest, picture: Picture) -> float | None:
        value, now_us = picture.value(one), picture.now_us
        rate = self._cylinders[one.place].add(now_us, value)
        if value is None or rate is None:
            self._began_us.pop(one.place, None)
            self._armed.discard(one.place)
            return None
        if self._rule.way == "fill":
            return self._filling(one.place, value, rate, now_us)
        return self._releasing(one.place, value, rate, now_us)

    def _filling(self, place: str, value: float, rate: float, now_us: int) -> float:
        rule = self._rule
        slowest = self._slowest.get(place, rate)
        anew = rate > _FASTER * slowest + rule.rest
        self._slowest[place] = rate if anew else min(slowest, rate)
        if anew or value <= rule.empty:
            self._armed.add(place)
            self._began_us[place] = now_us
            return 0.0
        if place not in self._armed:
            return 0.0
        began_us = max(self._began_us[place], self._pipe_fell_us)
        if rate <= rule.rest and now_us - self._began_us[place] >= 2 * _LOOK_US:
            self._armed.discard(place)
            return 0.0
        return (now_us - began_us) / 1e6

    def _releasing(self, place: str, value: float, rate: float, now_us: int) -> float:
        """Whoever releases by half stops between: that is the end of a stroke too."""
        rule = self._rule
        if value >= rule.full and rate >= -rule.rest:
            self._armed.add(place)
            self._began_us[place] = now_us
        elif value <= rule.empty or rate >= -rule.rest:
            self._armed.discard(place)
        if place not in self._armed:
            return 0.0
        return (now_us - self._began_us[place]) / 1e6
