"""What a locomotive is given to do, as data: one TOML file a duty (docs/physics.md)."""

from importlib import resources
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gateway.errors import ConfigError

__all__ = ["Driving", "Duty", "Section", "Stop", "Train", "duty_names", "load_duty", "read_duty"]

Positive = Annotated[float, Meta(gt=0)]
NotNegative = Annotated[float, Meta(ge=0)]
Share = Annotated[float, Meta(gt=0, le=1)]


class Section(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A stretch of line; `gradient_permille` rises forward, `curve_m` is 0 for straight track."""

    length_m: Positive
    limit_kmh: Positive
    axle_load_class_t: Positive
    gradient_permille: float = 0.0
    curve_m: NotNegative = 0.0


class Stop(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Where the train halts, measured from the start, and for how long."""

    at_m: Positive
    wait_s: NotNegative


class Train(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """`wagons` may be 0: the locomotive runs alone. `pressing_t`: calculated shoe pressing of an
    axle, in tonnes-force."""

    wagons: Annotated[int, Meta(ge=0, le=200)]
    wagon_t: Positive = 92.0
    axles_a_wagon: Annotated[int, Meta(ge=2, le=8)] = 4
    wagon_length_m: Positive = 14.7
    pressing_t: NotNegative = 7.0


class Driving(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How the driver drives: notches of 8, how fast they follow, what is planned for braking."""

    start_after_s: NotNegative
    notch_s: Positive = 2.0
    most_notch: Annotated[int, Meta(ge=1, le=8)] = 8
    braking_m_s2: Positive = 0.2
    dynamic_brake: bool = True
    service_kpa: Positive = 60.0


class Duty(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One duty. It begins again at its end where `repeat` is set, else the train stands there.

    It stands before that for the wait of a stop at the end, for `rest_s`, or as long as before its
    first start.

    `swing_k` is added to `ambient_c` at the warmest of each day and taken off at the coldest;
    `warm_share`: how warm motors and bearings are at the start, of the way from ambient to what
    they have in continuous service. `rail`: adhesion, 1 for dry and sanded.
    """

    title: str
    source: str
    ambient_c: Annotated[float, Meta(ge=-60, le=60)]
    swing_k: NotNegative = 0.0
    warm_share: Annotated[float, Meta(ge=0, le=1)] = 0.0
    rail: Share = 1.0
    repeat: bool = False
    rest_s: NotNegative | None = None
    train: Train
    driving: Driving
    sections: Annotated[list[Section], Meta(min_length=1)]
    stops: list[Stop] = []

    @property
    def length_m(self) -> float:
        return sum(section.length_m for section in self.sections)


def duty_names() -> list[str]:
    """The duties that are shipped."""
    return sorted(
        entry.name.removesuffix(".toml")
        for entry in resources.files(__package__).iterdir()
        if entry.name.endswith(".toml")
    )


def load_duty(name: str) -> Duty:
    """A shipped duty. Raises ConfigError."""
    if name not in duty_names():
        known = ", ".join(duty_names())
        raise ConfigError(f"there is no duty {name}; there are: {known}")
    text = (resources.files(__package__) / f"{name}.toml").read_text(encoding="utf-8")
    return _decode(text, f"duty {name}")


def read_duty(path: Path) -> Duty:
    """A duty of one's own. Raises ConfigError that names file, key and what is wrong."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from None
    return _decode(text, str(path))


def _decode(text: str, name: str) -> Duty:
    try:
        duty = msgspec.toml.decode(text, type=Duty)
    except msgspec.DecodeError as error:
        raise ConfigError(f"{name}: {error} (docs/physics.md explains the keys)") from None
    places = [stop.at_m for stop in duty.stops]
    if places != sorted(set(places)) or (places and places[-1] > duty.length_m):
        raise ConfigError(
            f"{name}: stops must follow one another and lie within its {duty.length_m:.0f} m"
        )
    train = duty.train
    least = min(section.axle_load_class_t for section in duty.sections)
    if train.wagons and train.wagon_t / train.axles_a_wagon > least:
        raise ConfigError(
            f"{name}: wagons of {train.wagon_t:g} t on {train.axles_a_wagon} axles are too heavy "
            f"for the class of {least:g} t of one of its sections; make wagon_t smaller"
        )
    return duty
