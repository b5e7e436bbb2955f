"""What each kind of rule makes of the latest values: a number a place, or None: not known.

A signal is asked once a tick, and keeps what it needs of the ticks before.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.alarms.picture import Latest, Picture, measured_for
from gateway.alarms.rules import (
    Deviation,
    Difference,
    Fault,
    Frozen,
    Jump,
    NodeSilence,
    Rise,
    Rule,
    Value,
)

__all__ = ["Found", "Signal", "quantities_of", "signal_of"]

_OTHER_SIDE = {"left": "right", "right": "left"}
_SLOT_SHARE = 60
"""A window keeps so many values: one each sixtieth of it."""


class Found(NamedTuple):
    """What a rule sees at one place. `value` None: it cannot be known now.

    `key` tells it from all else that the rule sees: the place, of a sensor its quantity too.
    """

    key: str
    place: str
    quantity: str | None
    channels: tuple[str, ...]
    value: float | None


Signal = Callable[[Picture], Iterator[Found]]


def signal_of(rule: Rule) -> Signal:
    """The signal of a rule, with a memory of its own."""
    if isinstance(rule, Value):
        return lambda picture: _value(rule, picture)
    if isinstance(rule, Rise):
        return _RiseSignal(rule)
    if isinstance(rule, Difference):
        return lambda picture: _difference(rule, picture)
    if isinstance(rule, Deviation):
        return lambda picture: _deviation(rule, picture)
    if isinstance(rule, Fault):
        return lambda picture: _fault(rule, picture)
    if isinstance(rule, Frozen):
        return _FrozenSignal(rule)
    if isinstance(rule, Jump):
        return _JumpSignal(rule)
    return lambda picture: _silence(rule, picture)


def quantities_of(rule: Rule) -> set[str]:
    """What must be measured for the rule to judge anything."""
    if isinstance(rule, Fault | Frozen | Jump | NodeSilence):
        return set()
    needed = {rule.quantity} | measured_for(rule.when)
    if isinstance(rule, Difference) and rule.other is not None:
        needed.add(rule.other)
    return needed


def _value(rule: Value, picture: Picture) -> Iterator[Found]:
    for place, one in picture.of(rule.quantity).items():
        yield Found(place, place, rule.quantity, (one.id,), picture.value(one))


def _difference(rule: Difference, picture: Picture) -> Iterator[Found]:
    here = picture.of(rule.quantity)
    there = picture.of(rule.other or rule.quantity)
    for place, one in here.items():
        other_place = _across(place) if rule.other_place == "side" else rule.other_place
        other = there.get(other_place)
        if other is None:
            continue
        value, base = picture.value(one), picture.value(other)
        above = None if value is None or base is None else value - base
        yield Found(place, place, rule.quantity, (one.id, other.id), above)


def _deviation(rule: Deviation, picture: Picture) -> Iterator[Found]:
    good = picture.values(rule.quantity)
    ordered = sorted(good.values())
    for place, one in picture.of(rule.quantity).items():
        value = good.get(place)
        off = None
        if value is not None and len(ordered) > rule.least_siblings:
            middle = _median_without(value, ordered)
            if not rule.share:
                off = value - middle
            elif abs(middle) >= max(rule.least_median, 1e-9):
                off = (value - middle) / abs(middle) * 100
        if off is not None and rule.side != "above":
            off = -off if rule.side == "below" else abs(off)
        yield Found(place, place, rule.quantity, (one.id,), off)


def _fault(rule: Fault, picture: Picture) -> Iterator[Found]:
    for one in _sensors(rule.quantities, picture):
        judged = one.quality in ("ok", *rule.qualities)
        yield _of_channel(one, float(one.quality in rule.qualities) if judged else None)


def _silence(rule: NodeSilence, picture: Picture) -> Iterator[Found]:
    for node in picture.nodes:
        yield Found(node.name, node.name, None, (), node.silent_us / 1e6)


class _RiseSignal:
    def __init__(self, rule: Rise) -> None:
        self._rule = rule
        self._window_us = round(rule.window_s * 1e6)
        self._kept: dict[str, deque[tuple[int, float]]] = {}

    def __call__(self, picture: Picture) -> Iterator[Found]:
        for place, one in picture.of(self._rule.quantity).items():
            value = picture.value(one)
            kept = self._kept.setdefault(place, deque(maxlen=_SLOT_SHARE + 2))
            yield Found(
                place,
                place,
                self._rule.quantity,
                (one.id,),
                self._rise(kept, value, picture.now_us),
            )

    def _rise(
        self, kept: deque[tuple[int, float]], value: float | None, now_us: int
    ) -> float | None:
        if value is None:
            kept.clear()
            return None
        while len(kept) > 1 and kept[1][0] <= now_us - self._window_us:
            kept.popleft()
        rise = None
        if kept and now_us - kept[0][0] >= self._window_us:
            rise = (value - kept[0][1]) / (now_us - kept[0][0]) * 60e6
        if not kept or now_us - kept[-1][0] >= self._window_us // _SLOT_SHARE:
            kept.append((now_us, value))
        return rise


class _FrozenSignal:
    """Seconds without a change, of channels whose siblings have changed by `moves` since."""

    def __init__(self, rule: Frozen) -> None:
        self._rule = rule
        self._still: dict[str, _Still] = {}

    def __call__(self, picture: Picture) -> Iterator[Found]:
        for one in _sensors(self._rule.quantities, picture):
            yield _of_channel(one, self._frozen_s(one, picture))

    def _frozen_s(self, one: Latest, picture: Picture) -> float | None:
        if one.quality != "ok" or one.value is None:
            self._still.pop(one.id, None)
            return None
        siblings = picture.of(one.quantity)
        if len(siblings) < 2:
            return None
        good = picture.good(one.quantity)
        still = self._still.get(one.id)
        if still is None or still.value != one.value:
            self._still[one.id] = _Still(one.value, picture.now_us, good)
            return 0.0
        if good != still.seen:
            own = one.place if siblings[one.place].id == one.id else None
            still.moved = still.most(good, own) >= self._rule.moves
        return (picture.now_us - still.since_us) / 1e6 if still.moved else 0.0


class _Still:
    """A channel that has not changed since, and how far its siblings, by place, have moved."""

    def __init__(self, value: float, since_us: int, seen: dict[str, float]) -> None:
        self.value = value
        self.since_us = since_us
        self.seen = seen
        self.moved = False
        self._spans: dict[str, tuple[float, float]] = {}

    def most(self, good: dict[str, float], own: str | None) -> float:
        """The widest span of those siblings that are good now, but for the channel's own place."""
        if not self._spans:
            self._spans = {place: (value, value) for place, value in self.seen.items()}
        self.seen = good
        most = 0.0
        for place, value in good.items():
            low, high = self._spans.get(place, (value, value))
            low, high = self._spans[place] = min(low, value), max(high, value)
            if place != own:
                most = max(most, high - low)
        return most


class _JumpSignal:
    """Change a second since the last sample that was another one."""

    def __init__(self, rule: Jump) -> None:
        self._rule = rule
        self._last: dict[str, tuple[int, float]] = {}

    def __call__(self, picture: Picture) -> Iterator[Found]:
        for one in _sensors(self._rule.quantities, picture):
            yield _of_channel(one, self._step(one, picture.now_us))

    def _step(self, one: Latest, now_us: int) -> float | None:
        if one.quality != "ok" or one.value is None or one.age_us is None:
            self._last.pop(one.id, None)
            return None
        taken_us = now_us - one.age_us
        before = self._last.get(one.id)
        if before is not None and before[1] == one.value:
            return 0.0
        self._last[one.id] = taken_us, one.value
        if before is None:
            return 0.0
        return abs(one.value - before[1]) / max(taken_us - before[0], 100_000) * 1e6


def _sensors(quantities: tuple[str, ...], picture: Picture) -> Iterator[Latest]:
    for one in picture.channels:
        if not quantities or one.quantity in quantities:
            yield one


def _of_channel(one: Latest, value: float | None) -> Found:
    return Found(f"{one.quantity} {one.place}", one.place, one.quantity, (one.id,), value)


def _median_without(value: float, ordered: list[float]) -> float:
    """The median of all but that one of them."""
    at = bisect_left(ordered, value)
    half, odd = divmod(len(ordered) - 1, 2)
    upper = ordered[half + (at <= half)]
    return upper if odd else (ordered[half - 1 + (at < half)] + upper) / 2


def _across(place: str) -> str:
    words = place.split()
    words[-1] = _OTHER_SIDE.get(words[-1], "")
    return " ".join(words)
