"""The latest values as rules see them, by quantity and place, and what is new of them."""

from collections.abc import Iterable
from typing import NamedTuple

from gateway.alarms.situations import Situations
from gateway.profiles import Profile
from gateway.state import NodeStatus, Quality

__all__ = ["Latest", "NodeSeen", "Picture"]


class Latest(NamedTuple):
    """The newest value of one channel; `quality` says what it is worth, as gateway.state does.

    `value` is None where there is none. `taken_us`: when, on the gateway's monotonic clock; None
    before the first, and while the clock of its board is not known.
    """

    id: str
    node: str
    quantity: str
    place: str
    value: float | None
    quality: Quality
    taken_us: int | None


class NodeSeen(NamedTuple):
    """`silent_us`: since it was heard last, or since the start where it never was. `link`: by
    which it was heard last."""

    name: str
    status: NodeStatus
    silent_us: int
    link: str | None = None


class Picture:
    """All that is known. It is brought up to date by `look`, and tells what that changed."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile
        self.now_us = 0
        self.renewed: list[Latest] = []
        """Channels that were read anew, or are worth something else, since the look before."""
        self.turned: list[Latest] = []
        """Those of them whose quality is another, or whose node's status."""
        self.fresh: set[str] = set()
        """Their quantities, and those of which a channel was found wrong, or right again."""
        self.nodes: dict[str, NodeSeen] = {}
        self._of: dict[str, dict[str, Latest]] = {}
        self._values: dict[str, dict[str, float]] = {}
        self._wrong: dict[str, set[str]] = {}
        self._situations = Situations(self)

    def look(self, now_us: int, news: Iterable[Latest], nodes: Iterable[NodeSeen]) -> None:
        """`news`: of each channel that has any, what it is now."""
        self.now_us = now_us
        before, self.nodes = self.nodes, {node.name: node for node in nodes}
        turned = {
            name
            for name, node in self.nodes.items()
            if name not in before or before[name].status != node.status
        }
        self.renewed = []
        self.turned = []
        self.fresh = set()
        for one in news:
            places = self._of.setdefault(one.quantity, {})
            known = places.get(one.place)
            if known is not None and known.id != one.id:
                continue
            if known is None or known.quality != one.quality or one.node in turned:
                self.turned.append(one)
            places[one.place] = one
            self.renewed.append(one)
            self.fresh.add(one.quantity)
        for quantity in self.fresh:
            self._values.pop(quantity, None)
        self._situations.forget(self.fresh)

    def of(self, quantity: str) -> dict[str, Latest]:
        """By place, good or not; empty where the quantity is not measured."""
        return self._of.get(quantity, {})

    def value(self, one: Latest | None) -> float | None:
        """The value where it may be believed."""
        if one is None or one.quality != "ok" or one.id in self._wrong:
            return None
        return one.value

    def values(self, quantity: str) -> dict[str, float]:
        """By place, of those that may be believed."""
        found = self._values.get(quantity)
        if found is None:
            seen = {place: self.value(one) for place, one in self.of(quantity).items()}
            found = {place: value for place, value in seen.items() if value is not None}
            self._values[quantity] = found
        return found

    def found_wrong(self, alarm: str, one: Latest, *, is_wrong: bool) -> None:
        """A rule on sensors says what a channel is worth to those on the machine. What several
        rules found wrong is so until each of them takes it back."""
        alarms = self._wrong.get(one.id, set())
        if (alarm in alarms) == is_wrong:
            return
        if is_wrong:
            self._wrong[one.id] = alarms | {alarm}
        elif alarms == {alarm}:
            del self._wrong[one.id]
        else:
            self._wrong[one.id] = alarms - {alarm}
        self._values.pop(one.quantity, None)
        self.fresh.add(one.quantity)
        self._situations.forget({one.quantity})

    def holds(self, situations: tuple[str, ...]) -> bool | None:
        """Whether all hold; None where that is not known."""
        return self._situations.hold(situations)

    def figure(self, name: str) -> float:
        """Of the profile, in its unit."""
        return self.profile.figures[name].value

    @property
    def speed_kmh(self) -> float | None:
        """By the median of the axles, else of the motors; None where neither is known."""
        return self._situations.speed_kmh
