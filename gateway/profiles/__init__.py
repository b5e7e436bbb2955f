"""Locomotive classes as data: one TOML file each, every number with its source.

`verified = false` marks a number that nobody has checked: it may warn, and never raises the
highest alarm. docs/profiles.md explains the keys.
"""

import re
import tomllib
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
from msgspec import Struct

from gateway.errors import ConfigError, explain
from gateway.profiles.sensors import (
    FEATURES,
    ContactSensor,
    LoopSensor,
    Pt100Sensor,
    Sensor,
    StrainSensor,
    TachoSensor,
    ThermocoupleSensor,
    VibrationSensor,
)

__all__ = [
    "ContactSensor",
    "Figure",
    "GroupFit",
    "LoopSensor",
    "NodeFit",
    "Profile",
    "Pt100Sensor",
    "Sensor",
    "StrainSensor",
    "TachoSensor",
    "ThermocoupleSensor",
    "VibrationSensor",
    "load_profile",
    "profile_names",
    "read_profile",
    "template",
]

_TEMPLATE = "template"
_T = TypeVar("_T")


class Figure(Struct, frozen=True, forbid_unknown_fields=True):
    """A number with its unit, where it comes from, and whether somebody checked it."""

    value: float
    unit: str
    source: str
    verified: bool


class GroupFit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One quantity at several places with the same kind of sensor, sampled together."""

    quantity: str
    places: list[str]
    period_ms: int
    sensor: Sensor

    @property
    def channels(self) -> list[tuple[str, str]]:
        """Quantity and place of each; an accelerometer has features beside its acceleration."""
        names = [self.quantity]
        if isinstance(self.sensor, VibrationSensor):
            family = self.quantity.partition(".")[0]
            names += [f"{family}.{feature}" for feature in FEATURES]
        return [(name, place) for name in names for place in self.places]


class NodeFit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node as this class is fitted with it. `board`: the id of a file in firmware/boards."""

    name: str
    board: str = "pico"
    groups: list[GroupFit]


class Profile(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One locomotive class; counts are those of all its sections.

    `nodes` are fitted first, and are what the demo runs; `more_nodes` make the fitting complete.
    `variant_of`: the class whose figures it has, none of them verified, where it gives no other.
    """

    id: str
    title: str
    kind: str
    variant_of: str | None = None
    wheel_arrangement: str
    sections: int
    bogies: int
    axles: int
    motors: int
    motor_kind: Literal["asynchronous", "dc_series"]
    figures: dict[str, Figure]
    nodes: list[NodeFit]
    more_nodes: list[NodeFit] = []

    @property
    def all_nodes(self) -> list[NodeFit]:
        """The complete fitting."""
        return [*self.nodes, *self.more_nodes]


def profile_names() -> list[str]:
    """The ids of the profiles that are shipped."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in resources.files(__package__).iterdir()
        if entry.name.endswith(".toml") and entry.name != f"{_TEMPLATE}.toml"
    )


def template() -> str:
    """The text of a file to begin a profile with."""
    return _shipped(_TEMPLATE).read_text(encoding="utf-8")


def load_profile(name: str) -> Profile:
    """The shipped profile of that id, or the one in the file whose path ends in `.toml`.

    Raises ConfigError.
    """
    if name.endswith(".toml"):
        return read_profile(Path(name))
    return _read(_shipped_profile(name), f"profile {name}")


def read_profile(path: Path) -> Profile:
    """The profile in a file. Raises ConfigError, which names the file and the key."""
    return _read(path, str(path))


def _read(path: Traversable, where: str) -> Profile:
    name = path.name.removesuffix(".toml")
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", name):
        raise ConfigError(
            f"{where}: a profile's id is its file's name: name the file with lower-case letters, "
            "digits and - alone"
        )
    tree = _tree(path, where)
    if "id" in tree:
        raise ConfigError(f"{where}: remove the key id: a profile's id is its file's name, {name}")
    figures = tree.get("figures")
    if isinstance(figures, dict):
        tree["figures"] = {
            key: _converted(figure, Figure, where, f"$.figures.{key}")
            for key, figure in figures.items()
        }
    return _converted(tree | {"id": name}, Profile, where, "$")


def _converted(value: Any, kind: type[_T], where: str, path: str) -> _T:
    """`path`: where the value stands in the file, as msgspec would say it."""
    try:
        return msgspec.convert(value, type=kind)
    except msgspec.ValidationError as error:
        what, _, at = str(error).partition(" - at `$")
        told = f"{what} - at `{path}{at or '`'}"
        raise ConfigError(f"{where}: {explain(told, 'docs/profiles.md')}") from None


def _tree(path: Traversable, where: str) -> dict[str, Any]:
    """The file's content, with what it takes from the class of which it is a variant."""
    try:
        tree = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(f"{where}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}: cannot be read: {error}") from None
    base = tree.get("variant_of")
    if not isinstance(base, str):
        return tree
    origin = _tree(_shipped_profile(base), f"profile {base}")
    figures = {
        name: {**figure, "source": f"as {base}: {figure['source']}", "verified": False}
        for name, figure in origin["figures"].items()
    }
    own = tree.get("figures", {})
    return {**origin, **tree, "figures": figures | own if isinstance(own, dict) else own}


def _shipped_profile(name: str) -> Traversable:
    if name not in profile_names():
        known = ", ".join(profile_names())
        raise ConfigError(f"there is no locomotive profile {name}; there are: {known}")
    return _shipped(name)


def _shipped(name: str) -> Traversable:
    return resources.files(__package__) / f"{name}.toml"
