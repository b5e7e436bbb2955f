"""What is wrong with a profile that could be read: each as (key, what to do about it)."""

import difflib
import re
from collections.abc import Iterator
from typing import NamedTuple

from axwire.cose import NAME_CAP
from axwire.places import parse_place
from axwire.quantities import BY_NAME

from gateway.profiles import (
    ContactSensor,
    GroupFit,
    LoopSensor,
    Profile,
    Pt100Sensor,
    StrainSensor,
    TachoSensor,
    ThermocoupleSensor,
    VibrationSensor,
)
from gateway.profiles.figures import FIGURES

__all__ = ["Mistake", "mistakes", "warnings"]

_MASS_SHARE = 0.03
_POWER_SHARE = 0.05
_PERIODS_MS = (1, 60_000)
_UNITS = {
    Pt100Sensor: ("°C",),
    ThermocoupleSensor: ("°C",),
    TachoSensor: ("1/min",),
    VibrationSensor: ("m/s²",),
    ContactSensor: ("1",),
}
"""In which unit a quantity must be for such a sensor; the others measure anything."""


class Mistake(NamedTuple):
    """`key` as it is written in the file, `words`: what is wrong, and what to do."""

    key: str
    words: str


def mistakes(profile: Profile) -> Iterator[Mistake]:
    """Everything for which a profile is refused, but whether its nodes fit their boards."""
    yield from _counts(profile)
    yield from _figures(profile)
    yield from _relations(profile)
    yield from _nodes(profile)


def warnings(profile: Profile) -> Iterator[Mistake]:
    """What may be right, and should be looked at."""
    found = _values(profile, "continuous_effort", "continuous_speed", "power")
    if found is not None:
        effort, speed, power = found
        at_rail = effort * speed / 3.6
        if abs(at_rail - power) > _POWER_SHARE * power:
            yield Mistake(
                "figures.continuous_effort",
                f"with continuous_speed it makes {at_rail:.0f} kW at the rail, and power is "
                f"{power:g} kW: that may be the engine's or the hourly one; else correct one",
            )


def _counts(profile: Profile) -> Iterator[Mistake]:
    counts = {key: getattr(profile, key) for key in ("sections", "bogies", "axles", "motors")}
    for key, count in counts.items():
        if count < 1:
            yield Mistake(key, f"{count} is none: count those of all sections")
    if min(counts.values()) < 1:
        return
    for key, of in (("bogies", "sections"), ("axles", "bogies"), ("motors", "bogies")):
        if counts[key] % counts[of]:
            yield Mistake(
                key,
                f"{counts[key]} cannot be shared out equally among {counts[of]} {of}: count those "
                "of all sections",
            )
    if profile.motors > profile.axles:
        yield Mistake("motors", f"{profile.motors} are more than there are axles: correct one")


def _figures(profile: Profile) -> Iterator[Mistake]:
    for name in FIGURES.keys() - profile.figures.keys():
        kind = FIGURES[name]
        yield Mistake(
            f"figures.{name}",
            f"missing: give it in {kind.unit} ({kind.meaning}); where nobody knows it, the best "
            "guess with verified = false and a source that says so",
        )
    for name, figure in profile.figures.items():
        key = f"figures.{name}"
        if name not in FIGURES:
            near = difflib.get_close_matches(name, FIGURES, 1)
            hint = f"is {near[0]} meant?" if near else "docs/profiles.md lists them"
            yield Mistake(key, f"no figure has this name: remove it, or correct it: {hint}")
            continue
        kind = FIGURES[name]
        if figure.unit != kind.unit:
            yield Mistake(
                f"{key}.unit", f"it is given in {figure.unit!r}: convert it to {kind.unit}"
            )
        elif not kind.low <= figure.value <= kind.high:
            yield Mistake(
                f"{key}.value",
                f"{figure.value:g} {kind.unit} cannot be: {kind.low:g} to {kind.high:g} "
                f"({kind.meaning})",
            )
        if not figure.source.strip():
            yield Mistake(f"{key}.source", "empty: say where the number comes from")


def _relations(profile: Profile) -> Iterator[Mistake]:
    """Figures that contradict each other."""
    found = _values(profile, "mass", "axle_load")
    if found is not None:
        mass, load = found
        together = load * profile.axles
        if abs(together - mass) > _MASS_SHARE * mass:
            yield Mistake(
                "figures.axle_load",
                f"{profile.axles} axles of {load:g} t carry {together:g} t, and mass is {mass:g} "
                "t: correct one (both for the whole locomotive?)",
            )
    for less, more in (
        ("continuous_effort", "starting_effort"),
        ("continuous_speed", "top_speed"),
        ("motor_current_continuous", "motor_current_max"),
        ("main_reservoir_on", "main_reservoir_off"),
        ("brake_pipe_charged", "main_reservoir_on"),
    ):
        found = _values(profile, less, more)
        if found is not None and found[0] >= found[1]:
            yield Mistake(
                f"figures.{less}",
                f"{found[0]:g} is not less than {more}, {found[1]:g}: correct one",
            )


def _values(profile: Profile, *names: str) -> tuple[float, ...] | None:
    """Those figures, unless one is missing or in another unit, which is told elsewhere."""
    figures = profile.figures
    if any(name not in figures or figures[name].unit != FIGURES[name].unit for name in names):
        return None
    return tuple(figures[name].value for name in names)


def _nodes(profile: Profile) -> Iterator[Mistake]:
    if not profile.nodes:
        yield Mistake("nodes", "none: add one a board")
    names: set[str] = set()
    measured: dict[tuple[str, str], str] = {}
    for list_name in ("nodes", "more_nodes"):
        for at, node in enumerate(getattr(profile, list_name)):
            key = f"{list_name}[{at}]"
            if not re.fullmatch(r"[a-z0-9][a-z0-9-]*", node.name) or len(node.name) > NAME_CAP:
                yield Mistake(
                    f"{key}.name",
                    f"{node.name!r}: write 1 to {NAME_CAP} lower-case letters, digits and -",
                )
            if node.name in names:
                yield Mistake(f"{key}.name", f"{node.name} is there twice: rename one")
            names.add(node.name)
            if not node.groups:
                yield Mistake(f"{key}.groups", "none: say what the node measures")
            for number, group in enumerate(node.groups):
                where = f"{key}.groups[{number}]"
                yield from _group(profile, group, where)
                for place in group.places:
                    what = (group.quantity, place)
                    if what in measured:
                        yield Mistake(
                            f"{where}.places",
                            f"{group.quantity} at {place} is measured by {measured[what]} too: "
                            "remove one",
                        )
                    measured.setdefault(what, node.name)


def _group(profile: Profile, group: GroupFit, where: str) -> Iterator[Mistake]:
    low, high = _PERIODS_MS
    if not low <= group.period_ms <= high:
        yield Mistake(f"{where}.period_ms", f"{group.period_ms} cannot be: {low} to {high}")
    if not group.places:
        yield Mistake(f"{where}.places", "none: say where it is measured")
    for place in group.places:
        if why := _no_place(profile, place):
            yield Mistake(f"{where}.places", why)
    quantity = BY_NAME.get(group.quantity)
    if quantity is None:
        near = difflib.get_close_matches(group.quantity, BY_NAME, 1)
        hint = f"is {near[0]} meant?" if near else "firmware/axwire/quantities.py lists them"
        yield Mistake(f"{where}.quantity", f"there is no quantity {group.quantity}: {hint}")
        return
    sensor = group.sensor
    if quantity.unit not in _UNITS.get(type(sensor), (quantity.unit,)):
        kind = type(sensor).__struct_config__.tag
        yield Mistake(
            f"{where}.sensor",
            f"a sensor of kind {kind} cannot measure {group.quantity} in {quantity.unit}: choose "
            "another kind",
        )
    if isinstance(sensor, LoopSensor) and not sensor.low < sensor.high:
        yield Mistake(f"{where}.sensor.low", "not less than high: 4 mA at low, 20 mA at high")
    if isinstance(sensor, StrainSensor):
        if sensor.full <= 0 or sensor.mv_per_v == 0:
            yield Mistake(f"{where}.sensor", "full must be above 0, and mv_per_v not be 0")
        elif sensor.least is not None and not 0 < sensor.least < sensor.full:
            yield Mistake(f"{where}.sensor.least", "not between 0 and full")


def _no_place(profile: Profile, place: str) -> str | None:
    """Why this class has no such place."""
    try:
        code = parse_place(place)
    except ValueError as error:
        return str(error)
    number = code >> 2 & 63
    kind = place.split()[0]
    most = getattr(profile, f"{kind}s", None)
    if most is None:
        return None
    if not 1 <= number <= most:
        return f"there is no {place}: {kind} 1 to {kind} {most}"
    return None
