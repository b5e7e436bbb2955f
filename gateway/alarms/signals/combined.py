"""Several rules at once: how near the nearest of them are to their limits."""

from collections.abc import Callable, Iterator, Mapping
from math import inf

from gateway.alarms.picture import Picture
from gateway.alarms.rules import Together
from gateway.alarms.signals.found import Found

__all__ = ["TogetherSignal"]

Shares = Callable[[], Mapping[str, float | None]]
"""By place, what one rule sees there in per cent of its limit; None where it is not known now."""


class TogetherSignal:
    """`members`: what each rule that is named sees. What is not known now opens nothing, and
    closes nothing where it could be beyond the limit `opens`."""

    def __init__(self, rule: Together, opens: float, members: list[Shares]) -> None:
        self._rule = rule
        self._opens = opens
        self._members = members
        self._places: dict[str, None] = {}

    def __call__(self, picture: Picture) -> Iterator[Found]:
        known = [member() for member in self._members]
        if self._rule.anywhere:
            nearest = [_nearest(list(places.values())) for places in known if places]
            yield Found("locomotive", "locomotive", None, (), self._share(nearest))
            return
        self._places.update(dict.fromkeys(place for places in known for place in places))
        for place in self._places:
            found = [places[place] for places in known if place in places]
            yield Found(place, place, None, (), self._share(found))

    def _share(self, shares: list[float | None]) -> float | None:
        least = _at(self._rule.least, [share for share in shares if share is not None])
        if least is not None and least > self._opens:
            return least
        most = _at(self._rule.least, [inf if share is None else share for share in shares])
        return most if most is not None and most <= self._opens else None


def _nearest(shares: list[float | None]) -> float | None:
    return max((share for share in shares if share is not None), default=None)


def _at(number: int, shares: list[float]) -> float | None:
    """The largest, the second largest and so on."""
    return sorted(shares)[-number] if len(shares) >= number else None
