"""The latest values as rules see them: by quantity and place, with what state the train is in."""

from collections.abc import Iterable
from math import pi
from statistics import median
from typing import NamedTuple

from gateway.profiles import Profile
from gateway.state import NodeStatus, Quality

__all__ = ["Latest", "NodeSeen", "Picture", "measured_for"]

_STANDING_KMH = 1.0
_POWERED_SHARE = 0.1
_BRAKED_KPA = 30.0
_CHARGED_BELOW_KPA = 30.0
"""Chosen by axlebox, not verified: what counts as standing, powered, braked, charged."""


_NEEDED = {
    "standing": {"axle.speed"},
    "moving": {"axle.speed"},
    "powered": {"motor.current"},
    "unpowered": {"motor.current"},
    "braked": {"brake.cylinder_pressure"},
    "released": {"brake.cylinder_pressure"},
    "steady": {"motor.current", "brake.cylinder_pressure"},
    "charged": {"brake.pipe_pressure"},
}


def measured_for(situations: Iterable[str]) -> set[str]:
    """The quantities by which those situations are known."""
    return {quantity for name in situations for quantity in _NEEDED[name]}


class Latest(NamedTuple):
    """The newest value of one channel; `quality` says what it is worth, as gateway.state does.

    `value` is None where there is none. `age_us` is None before the first.
    """

    id: str
    node: str
    quantity: str
    place: str
    value: float | None
    quality: Quality
    age_us: int | None


class NodeSeen(NamedTuple):
    """`silent_us`: since it was heard last, or since the start where it never was."""

    name: str
    status: NodeStatus
    silent_us: int


class Picture:
    """All that is known at one moment. Channels in `wrong` are as good as not there."""

    def __init__(
        self,
        now_us: int,
        channels: Iterable[Latest],
        nodes: Iterable[NodeSeen],
        profile: Profile,
    ) -> None:
        self.now_us = now_us
        self.channels = tuple(channels)
        self.nodes = tuple(nodes)
        self.wrong: set[str] = set()
        """Ids of channels that a rule on sensors has found wrong."""
        self._profile = profile
        self._by_quantity: dict[str, dict[str, Latest]] = {}
        for one in self.channels:
            self._by_quantity.setdefault(one.quantity, {}).setdefault(one.place, one)
        self._good: dict[str, dict[str, float]] = {}
        self._situations: dict[str, bool | None] | None = None

    def of(self, quantity: str) -> dict[str, Latest]:
        """By place, good or not; empty where the quantity is not measured."""
        return self._by_quantity.get(quantity, {})

    def good(self, quantity: str) -> dict[str, float]:
        """By place, what sensors that are well say, believed or not."""
        found = self._good.get(quantity)
        if found is None:
            found = self._good[quantity] = {
                place: one.value
                for place, one in self.of(quantity).items()
                if one.quality == "ok" and one.value is not None
            }
        return found

    def value(self, one: Latest | None) -> float | None:
        """The value where it may be believed."""
        if one is None or one.quality != "ok" or one.id in self.wrong:
            return None
        return one.value

    def values(self, quantity: str) -> dict[str, float]:
        """By place, of those that may be believed."""
        found = {place: self.value(one) for place, one in self.of(quantity).items()}
        return {place: value for place, value in found.items() if value is not None}

    @property
    def speed_kmh(self) -> float | None:
        """By the median of the axles, else of the motors; None where neither is known."""
        metres = self._figure("wheel_diameter") / 1000 * pi
        turns = self.values("axle.speed")
        if not turns:
            ratio = self._figure("gear_ratio")
            turns = {place: rpm / ratio for place, rpm in self.values("motor.speed").items()}
        return median(map(abs, turns.values())) * metres * 0.06 if turns else None

    def holds(self, situations: Iterable[str]) -> bool | None:
        """Whether all hold; None where that is not known."""
        if self._situations is None:
            self._situations = self._look()
        found = [self._situations[name] for name in situations]
        if any(one is False for one in found):
            return False
        return None if any(one is None for one in found) else True

    def _look(self) -> dict[str, bool | None]:
        speed = self.speed_kmh
        currents = self.values("motor.current")
        cylinders = self.values("brake.cylinder_pressure")
        pipe = self.values("brake.pipe_pressure")
        standing = None if speed is None else speed < _STANDING_KMH
        most = _POWERED_SHARE * self._figure("motor_current_continuous")
        powered = any(abs(amps) > most for amps in currents.values()) if currents else None
        braked = max(cylinders.values()) > _BRAKED_KPA if cylinders else None
        least = self._figure("brake_pipe_charged") - _CHARGED_BELOW_KPA
        charged = min(pipe.values()) >= least if pipe else None
        rolling = None if powered is None or braked is None else not (powered or braked)
        return {
            "standing": standing,
            "moving": _not(standing),
            "powered": powered,
            "unpowered": _not(powered),
            "braked": braked,
            "released": _not(braked),
            "steady": True if standing and powered is False else rolling,
            "charged": charged,
        }

    def _figure(self, name: str) -> float:
        return self._profile.figures[name].value


def _not(known: bool | None) -> bool | None:
    return None if known is None else not known
