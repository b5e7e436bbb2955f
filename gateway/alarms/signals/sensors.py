"""Signals about sensors and nodes: what cannot be believed, and who is silent."""

from collections.abc import Iterator

from gateway.alarms.picture import Latest, Picture
from gateway.alarms.rules import Fault, Frozen, Jump, LinkSilence, NodeSilence
from gateway.alarms.signals.found import Found, of_channel

__all__ = ["FrozenSignal", "JumpSignal", "fault", "link_silence", "node_silence"]

_SHORTEST_US = 100_000
_WITHOUT_VALUE = ("stale", "waiting")


def fault(rule: Fault, picture: Picture) -> Iterator[Found]:
    for one in _of(rule, picture.turned):
        quality = one.quality
        if quality not in rule.qualities:
            judged = quality not in _WITHOUT_VALUE
            yield of_channel(one, 0.0 if judged else None)
        elif quality in _WITHOUT_VALUE and picture.nodes[one.node].status != "live":
            yield of_channel(one, None)
        else:
            yield of_channel(one, 1.0)


def node_silence(rule: NodeSilence, picture: Picture) -> Iterator[Found]:
    for node in picture.nodes.values():
        yield Found(node.name, node.name, None, (), node.silent_us / 1e6)


def link_silence(rule: LinkSilence, picture: Picture) -> Iterator[Found]:
    silent_us: dict[str, list[int]] = {}
    for node in picture.nodes.values():
        if node.link is not None:
            silent_us.setdefault(node.link, []).append(node.silent_us)
    for link, found in silent_us.items():
        if len(found) >= rule.least_nodes:
            yield Found(link, link, None, (), min(found) / 1e6)


class FrozenSignal:
    """Seconds without a change, of channels whose siblings have changed by `moves` since."""

    def __init__(self, rule: Frozen) -> None:
        self._rule = rule
        self._since: dict[str, tuple[float, int, dict[str, tuple[float, float]]]] = {}
        self._told: dict[str, float | None] = {}

    def __call__(self, picture: Picture) -> Iterator[Found]:
        for one in _of(self._rule, picture.renewed):
            frozen_s = self._frozen_s(one, picture)
            if frozen_s or self._told.get(one.id, -1.0) != frozen_s:
                self._told[one.id] = frozen_s
                yield of_channel(one, frozen_s)

    def _frozen_s(self, one: Latest, picture: Picture) -> float | None:
        if one.quality != "ok" or one.value is None:
            self._since.pop(one.id, None)
            return None
        siblings = picture.of(one.quantity)
        if len(siblings) < 2:
            return None
        before = self._since.get(one.id)
        if before is None or before[0] != one.value:
            self._since[one.id] = one.value, picture.now_us, {}
            return 0.0
        _, since_us, spans = before
        moved = False
        for place, other in siblings.items():
            if other.id == one.id or other.quality != "ok" or other.value is None:
                continue
            low, high = spans.get(place, (other.value, other.value))
            low, high = min(low, other.value), max(high, other.value)
            spans[place] = low, high
            moved = moved or high - low >= self._rule.moves
        return (picture.now_us - since_us) / 1e6 if moved else 0.0


class JumpSignal:
    """Change a second since the sample that was seen before."""

    def __init__(self, rule: Jump) -> None:
        self._rule = rule
        self._last: dict[str, tuple[int, float]] = {}

    def __call__(self, picture: Picture) -> Iterator[Found]:
        for one in _of(self._rule, picture.renewed):
            yield of_channel(one, self._step(one))

    def _step(self, one: Latest) -> float | None:
        if one.quality != "ok" or one.value is None or one.taken_us is None:
            self._last.pop(one.id, None)
            return None
        before = self._last.get(one.id)
        self._last[one.id] = one.taken_us, one.value
        if before is None:
            return 0.0
        return abs(one.value - before[1]) / max(one.taken_us - before[0], _SHORTEST_US) * 1e6


def _of(rule: Fault | Frozen | Jump, channels: list[Latest]) -> Iterator[Latest]:
    """Those that the rule is about."""
    for one in channels:
        if rule.quantities and one.quantity not in rule.quantities:
            continue
        if one.quantity not in rule.besides:
            yield one
