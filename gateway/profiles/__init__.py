"""Locomotive classes as data: one TOML file each, every number with its source.

`verified = false` marks a number that nobody has checked: it may warn, and never raises the
highest alarm.
"""

from importlib import resources

import msgspec
from msgspec import Struct

from gateway.errors import ConfigError

__all__ = ["Figure", "Profile", "load_profile", "profile_names"]


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """A number with its unit, where it comes from, and whether somebody checked it."""

    value: float
    unit: str
    source: str
    verified: bool


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
