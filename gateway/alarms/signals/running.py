"""How much of a time something was on, and how often it went on."""

from collections import defaultdict, deque
from collections.abc import Iterator

from gateway.alarms.picture import Latest, Picture
from gateway.alarms.rules import Duty, Starts
from gateway.alarms.signals.found import Found, at_each_place
from gateway.alarms.signals.windows import Mean

__all__ = ["DutySignal", "StartsSignal"]

_ON = 0.5


class DutySignal:
    def __init__(self, rule: Duty) -> None:
        self._rule = rule
        self._means = defaultdict[str, Mean](lambda: Mean(rule.window_s))

    def __call__(self, picture: Picture) -> Iterator[Found]:
        yield from at_each_place(self._rule, picture, lambda one: self._share(one, picture))

    def _share(self, one: Latest, picture: Picture) -> float | None:
        value = picture.value(one)
        on = None if value is None else float(value > _ON)
        share = self._means[one.place].add(picture.now_us, on)
        return None if share is None else 100 * share


class StartsSignal:
    """Starts are counted from the first look on: a window need not be full to have too many."""

    def __init__(self, rule: Starts) -> None:
        self._rule = rule
        self._window_us = round(rule.window_s * 1e6)
        self._was_on: dict[str, bool] = {}
        self._starts: defaultdict[str, deque[int]] = defaultdict(deque)

    def __call__(self, picture: Picture) -> Iterator[Found]:
        yield from at_each_place(self._rule, picture, lambda one: self._count(one, picture))

    def _count(self, one: Latest, picture: Picture) -> float | None:
        value, now_us = picture.value(one), picture.now_us
        starts = self._starts[one.place]
        while starts and starts[0] < now_us - self._window_us:
            starts.popleft()
        if value is None:
            self._was_on.pop(one.place, None)
            return None
        is_on = value > _ON
        if is_on and self._was_on.get(one.place) is False:
            starts.append(now_us)
        self._was_on[one.place] = is_on
        return float(len(starts))
