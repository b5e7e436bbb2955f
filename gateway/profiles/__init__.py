"""Locomotive classes as data: one TOML file each, every number with its source.

`verified = false` marks a number that nobody has checked: it may warn, and never raises the
highest alarm.
"""

from importlib import resources
from typing import Literal

import msgspec
from msgspec import Struct

from gateway.errors import ConfigError

__all__ = [
    "Figure",
    "GroupFit",
    "LoopSensor",
    "NodeFit",
    "Profile",
    "Pt100Sensor",
    "Sensor",
    "TachoSensor",
    "VibrationSensor",
    "load_profile",
    "profile_names",
]


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """A number with its unit, where it comes from, and whether somebody checked it."""

    value: float
    unit: str
    source: str
    verified: bool


class LoopSensor(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="loop"):
    """A transducer with a 4-20 mA output: 4 mA at `low`, 20 mA at `high`, in the unit measured."""

    low: float
    high: float


class Pt100Sensor(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pt100"):
    """A platinum resistance thermometer, 100 ohm at 0 °C (IEC 60751)."""


class VibrationSensor(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="vibration"
):
    """An accelerometer of which one axis is used, for a quantity `*.acceleration`.

    It gives four more channels of the same place: `*.vibration_rms`, `_peak`, `_crest` and
    `_kurtosis`. A burst is sent when the feature `burst_on` reaches `burst_level`, in its unit.
    """

    chip: Literal["iis3dwb", "adxl345"] = "iis3dwb"
    axis: Literal["x", "y", "z"] = "z"
    burst_on: Literal["none", "rms", "peak", "crest", "kurtosis"] = "none"
    burst_level: float = 0.0


class TachoSensor(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="tacho"):
    """A pulse sensor at a wheel with so many teeth, which turns at most so fast."""

    teeth: int
    full_rpm: int


Sensor = LoopSensor | Pt100Sensor | VibrationSensor | TachoSensor


class GroupFit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One quantity at several places with the same kind of sensor, sampled together."""

    quantity: str
    places: list[str]
    period_ms: int
    sensor: Sensor


class NodeFit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node as this class is fitted with it. `board`: the id of a file in firmware/boards."""

    name: str
    board: str = "pico"
    groups: list[GroupFit]


class Profile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One locomotive class."""

    id: str
    title: str
    kind: str
    wheel_arrangement: str
    sections: int
    bogies: int
    axles: int
    motors: int
    figures: dict[str, Figure]
    nodes: list[NodeFit]


def profile_names() -> list[str]:
    """The ids of the profiles that are shipped."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in resources.files(__package__).iterdir()
        if entry.name.endswith(".toml")
    )


def load_profile(name: str) -> Profile:
    """The shipped profile of that id. Raises ConfigError."""
    path = resources.files(__package__) / f"{name}.toml"
    try:
        profile = msgspec.toml.decode(path.read_text(encoding="utf-8"), type=Profile)
    except FileNotFoundError:
        known = ", ".join(profile_names())
        raise ConfigError(f"there is no locomotive profile {name}; there are: {known}") from None
    except msgspec.DecodeError as error:
        raise ConfigError(f"profile {name}: {error}") from None
    if profile.id != name:
        raise ConfigError(f"profile {name}: its id says {profile.id}; make them equal")
    return profile
