"""Limits as data: what a board must show at the station, by role (limits.toml)."""

from importlib import resources
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.errors import ConfigError, explain
from hil.station.measures import Measure, measure

__all__ = ["Limit", "Limits", "load_limits"]

_DOCUMENT = "docs/provisioning.md"


class Limit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The least and the most of a value that passes, both allowed; None: any."""

    unit: str
    source: str
    verified: bool
    low: float | None = None
    high: float | None = None

    def holds(self, value: float) -> bool:
        return not (
            (self.low is not None and value < self.low)
            or (self.high is not None and value > self.high)
        )


class Limits(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Those of every node, and what a role has instead."""

    every: dict[str, Limit] = {}
    role: dict[str, dict[str, Limit]] = {}

    def of(self, role: str, name: str) -> Limit:
        return self.role.get(role, {}).get(name) or self.every[name]

    def measure(self, role: str, name: str, value: float | None, of: str = "") -> Measure:
        """A value held against its limit; `of` says what of, where there are several."""
        limit = self.of(role, name)
        return measure(f"{name} {of}".strip(), value, limit.unit, limit.low, limit.high)


def load_limits(own: Path | None = None) -> Limits:
    """The shipped ones, with a depot's own over them. Raises ConfigError."""
    shipped = _read((resources.files(__package__) / "limits.toml").read_bytes(), "limits.toml")
    if own is None:
        return shipped
    try:
        mine = _read(own.read_bytes(), str(own))
    except OSError as error:
        raise ConfigError(f"{own} cannot be read: {error.strerror}") from None
    for names in (mine.every, *mine.role.values()):
        for name in names:
            if name not in shipped.every:
                known = ", ".join(shipped.every)
                raise ConfigError(f"{own}: nothing is called {name}; there are: {known}")
    return Limits(every={**shipped.every, **mine.every}, role=mine.role)


def _read(data: bytes, where: str) -> Limits:
    try:
        return msgspec.toml.decode(data, type=Limits)
    except msgspec.ValidationError as error:
        raise ConfigError(f"{where}: {explain(str(error), _DOCUMENT)}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"{where}: not TOML: {error}") from None
