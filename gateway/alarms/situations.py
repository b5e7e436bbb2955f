"""What state the train is in, by what is measured: the conditions of rules."""

from collections.abc import Iterable, Mapping
from math import pi
from statistics import median
from typing import Protocol

__all__ = ["Situations", "measured_for"]

_STANDING_KMH = 1.0
_POWERED_SHARE = 0.1
_BRAKED_KPA = 30.0
_CHARGED_BELOW_KPA = 30.0
_SETTLED_US = 60_000_000
"""Chosen by axlebox, not verified: what counts as standing, powered, braked, charged, and for how
long it must be charged until the train takes no more air."""

_NEEDED = {
    "standing": {"axle.speed"},
    "moving": {"axle.speed"},
    "powered": {"motor.current"},
    "unpowered": {"motor.current"},
    "braked": {"brake.cylinder_pressure"},
    "released": {"brake.cylinder_pressure"},
    "steady": {"motor.current", "brake.cylinder_pressure"},
    "charged": {"brake.pipe_pressure"},
    "settled": {"brake.pipe_pressure"},
    "compressor_on": {"compressor.running"},
    "compressor_off": {"compressor.running"},
}


def measured_for(situations: Iterable[str]) -> set[str]:
    """The quantities by which those situations are known."""
    return {quantity for name in situations for quantity in _NEEDED[name]}


_LOOKED_AT = measured_for(_NEEDED) | {"motor.speed"}


class Marked(Protocol):
    """A channel, of which the quality is looked at."""

    @property
    def quality(self) -> str: ...


class Seen(Protocol):
    """What of a picture is looked at."""

    now_us: int

    def of(self, quantity: str) -> Mapping[str, "Marked"]: ...
    def values(self, quantity: str) -> dict[str, float]: ...
    def figure(self, name: str) -> float: ...


class Situations:
    """Each is found once, and kept until something by which it is known is read anew."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._found: dict[str, bool | None] | None = None
        self._held: dict[tuple[str, ...], bool | None] = {}
        self._speed_kmh: float | None = None
        self._charged_us: int | None = None

    def forget(self, fresh: set[str]) -> None:
        """Those quantities were read anew."""
        if not _LOOKED_AT.isdisjoint(fresh):
            self._found = None
            self._held.clear()

    def hold(self, situations: tuple[str, ...]) -> bool | None:
        """Whether all hold; None where that is not known."""
        if not situations:
            return True
        if situations not in self._held:
            states = self._look()
            found = [states[name] for name in situations]
            known = None if None in found else True
            self._held[situations] = False if False in found else known
        return self._held[situations]

    @property
    def speed_kmh(self) -> float | None:
        """By the median of the axles, else of the motors; None where neither is known."""
        self._look()
        return self._speed_kmh

    def _look(self) -> dict[str, bool | None]:
        if self._found is not None:
            return self._found
        seen = self._seen
        speed = self._speed()
        currents = seen.values("motor.current")
        cylinders = seen.values("brake.cylinder_pressure")
        pipe = seen.values("brake.pipe_pressure")
        compressors = seen.values("compressor.running")
        most = _POWERED_SHARE * seen.figure("motor_current_continuous")
        powered = any(abs(amps) > most for amps in currents.values()) if currents else None
        if speed is None and powered is False and self._none_ever_turned():
            speed = 0.0
        self._speed_kmh = speed
        standing = None if speed is None else speed < _STANDING_KMH
        braked = max(cylinders.values()) > _BRAKED_KPA if cylinders else None
        least = seen.figure("brake_pipe_charged") - _CHARGED_BELOW_KPA
        charged = min(pipe.values()) >= least if pipe else None
        if not charged:
            self._charged_us = None
        elif self._charged_us is None:
            self._charged_us = seen.now_us
        settled = charged
        if charged and self._charged_us is not None:
            settled = seen.now_us - self._charged_us >= _SETTLED_US
        rolling = None if powered is None or braked is None else not (powered or braked)
        running = any(each > 0.5 for each in compressors.values()) if compressors else None
        self._found = {
            "standing": standing,
            "moving": _not(standing),
            "powered": powered,
            "unpowered": _not(powered),
            "braked": braked,
            "released": _not(braked),
            "steady": True if standing and powered is False else rolling,
            "charged": charged,
            "settled": settled,
            "compressor_on": running,
            "compressor_off": _not(running),
        }
        return self._found

    def _none_ever_turned(self) -> bool:
        """No wheel gave a pulse since its node started: one sensor may be dead, but not all. A
        train without power whose wheels are all so stands."""
        speeds = self._seen.of("axle.speed")
        return len(speeds) > 1 and all(one.quality == "not_ready" for one in speeds.values())

    def _speed(self) -> float | None:
        metres = self._seen.figure("wheel_diameter") / 1000 * pi
        turns = [abs(rpm) for rpm in self._seen.values("axle.speed").values()]
        if not turns:
            ratio = self._seen.figure("gear_ratio")
            turns = [abs(rpm) / ratio for rpm in self._seen.values("motor.speed").values()]
        return median(turns) * metres * 0.06 if turns else None


def _not(known: bool | None) -> bool | None:
    return None if known is None else not known
