"""Several rules at once: how near the nearest of them are to their limits."""

from collections.abc import Callable, Iterator, Mapping

from gateway.alarms.picture import Picture
from gateway.alarms.rules import Together
from gateway.alarms.signals.found import Found

__all__ = ["TogetherSignal"]

Shares = Callable[[], Mapping[str, float]]
"""By place, what one rule sees there in per cent of its limit, where that is known."""


class TogetherSignal:
    """`members`: of each rule that is named, the first first."""

    def __init__(self, rule: Together, members: list[Shares]) -> None:
        self._rule = rule
        self._members = members
        self._places: dict[str, None] = {}

    def __call__(self, picture: Picture) -> Iterator[Found]:
        known = [member() for member in self._members]
        if self._rule.anywhere:
            most = [max(places.values()) for places in known if places]
            yield Found("locomotive", "locomotive", None, (), self._share(most))
            return
        self._places.update(dict.fromkeys(place for places in known for place in places))
        for place in self._places:
            found = [places[place] for places in known if place in places]
            yield Found(place, place, None, (), self._share(found))

    def _share(self, shares: list[float]) -> float | None:
        least = self._rule.least
        return sorted(shares)[-least] if len(shares) >= least else None
