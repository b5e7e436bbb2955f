"""What can break on the machine itself, as typed data. docs/physics.md says where each one shows.

Every figure of a fault is chosen for the bench; none is a limit of any rule book.
"""

from typing import Literal

from axwire.places import parse_place, place_name
from msgspec import Struct

from gateway.errors import ConfigError
from simulators.physics.effects import Effects
from simulators.physics.figures import Figures

__all__ = [
    "BlockedMotorAir",
    "CompressorWear",
    "DraggingBrake",
    "FrozenPipe",
    "HotBearing",
    "LostField",
    "MachineFault",
    "Overload",
    "PipeLeak",
    "RelayStuck",
    "SlippingAxle",
    "SlowCylinder",
    "SupplyLow",
    "UnevenLoad",
    "WheelFlat",
    "apply",
    "check",
    "kind_of",
]


class HotBearing(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="hot_bearing"
):
    """A damaged bearing at `axle 2 left`, `motor 3 right` or both of `axle 2`: it ends up `rise_k`
    hotter (time constant 300 s) and rattles: `damage` of 0 to 1, of one `part` of it."""

    place: str
    rise_k: float = 60.0
    damage: float = 0.5
    part: Literal["outer", "inner", "roller"] = "outer"


class BlockedMotorAir(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="blocked_motor_air"
):
    """The cooling air of `motor 3` is cut to `share`."""

    place: str
    share: float = 0.0


class LostField(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="lost_field"
):
    """`motor 3` gives no effort: an inverter drops out, a series motor draws too much."""

    place: str


class SlippingAxle(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="slipping_axle"
):
    """Under `axle 2` the rail has this share of its adhesion."""

    place: str
    adhesion: float = 0.2


class WheelFlat(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="wheel_flat"
):
    """A flat of that depth at `axle 2`."""

    place: str
    depth_mm: float = 1.0


class PipeLeak(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pipe_leak"):
    """The brake pipe loses so much free air."""

    rate_l_min: float


class DraggingBrake(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="dragging_brake"
):
    """The shoes of `axle 2`, or of `bogie 1`, never leave the wheel: as with that pressure in the
    cylinder. At a bogie the cylinder itself keeps it."""

    place: str
    pressure_kpa: float = 60.0


class RelayStuck(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="relay_stuck"
):
    """The cylinders of `bogie 2` stay at the pressure that they have."""

    place: str


class SlowCylinder(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="slow_cylinder"
):
    """The cylinders of `bogie 2` fill and release as in position G."""

    place: str


class FrozenPipe(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="frozen_pipe"
):
    """Ice in the brake pipe: half the wave speed and half the valve's flow."""


class Overload(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="overload"):
    """The locomotive (ice, ballast) or its wagons weigh this share more than they should."""

    share: float = 0.1
    of: Literal["locomotive", "wagons"] = "locomotive"


class UnevenLoad(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="uneven_load"
):
    """`axle 2` carries so many tonnes more, taken from the others of its bogie."""

    place: str
    tonnes: float = 2.0


class CompressorWear(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="compressor_wear"
):
    """The compressor gives this share of its flow."""

    share: float = 0.5


class SupplyLow(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="supply_low"
):
    """The control supply has this share of its voltage."""

    share: float = 0.7


MachineFault = (
    HotBearing
    | BlockedMotorAir
    | LostField
    | SlippingAxle
    | WheelFlat
    | PipeLeak
    | DraggingBrake
    | RelayStuck
    | SlowCylinder
    | FrozenPipe
    | Overload
    | UnevenLoad
    | CompressorWear
    | SupplyLow
)

_KINDS: dict[type, tuple[str, ...]] = {
    HotBearing: ("axle", "motor"),
    BlockedMotorAir: ("motor",),
    LostField: ("motor",),
    SlippingAxle: ("axle",),
    WheelFlat: ("axle",),
    DraggingBrake: ("axle", "bogie"),
    RelayStuck: ("bogie",),
    SlowCylinder: ("bogie",),
    UnevenLoad: ("axle",),
}


def kind_of(fault: MachineFault) -> str:
    """The word that files use."""
    return str(fault.__struct_config__.tag)


def check(fault: MachineFault, figures: Figures) -> None:
    """Raises ConfigError where this locomotive has no such place, or a figure makes no sense."""
    name = kind_of(fault)
    for field in fault.__struct_fields__:
        value = getattr(fault, field)
        if isinstance(value, float) and value < 0 and field != "tonnes":
            raise ConfigError(f"fault {name}: {field} is {value}; it must not be negative")
    if type(fault) in _KINDS:
        _locate(fault, figures)


def apply(fault: MachineFault, effects: Effects, figures: Figures) -> None:
    """Add to the effects what the fault does."""
    match fault:
        case PipeLeak():
            effects.leak_l_min += fault.rate_l_min
        case FrozenPipe():
            effects.frozen = True
        case Overload(share=share, of="wagons"):
            effects.wagons *= 1 + share
        case Overload():
            effects.weight *= 1 + fault.share
        case CompressorWear():
            effects.compressor *= fault.share
        case SupplyLow():
            effects.supply *= fault.share
        case _:
            _apply_at(fault, effects, figures)


def _apply_at(fault: MachineFault, effects: Effects, figures: Figures) -> None:
    kind, index, sides = _locate(fault, figures)
    axles = figures.axles_a_bogie
    match fault:
        case HotBearing():
            rises = effects.axle_rise_k if kind == "axle" else effects.motor_rise_k
            for side in sides:
                rises[2 * index + side] += fault.rise_k
                effects.damage[f"{kind} {fault.part}"][2 * index + side] += fault.damage
        case BlockedMotorAir():
            effects.air[index] *= fault.share
        case LostField():
            effects.field[index] = False
        case SlippingAxle():
            effects.adhesion[index] *= fault.adhesion
        case WheelFlat():
            effects.flat_mm[index] += fault.depth_mm
        case RelayStuck():
            effects.stuck[index] = True
        case SlowCylinder():
            effects.slow[index] = True
        case UnevenLoad():
            first = index // axles * axles
            for axle in range(first, first + axles):
                effects.load_t[axle] -= fault.tonnes / (axles - 1)
            effects.load_t[index] += fault.tonnes + fault.tonnes / (axles - 1)
        case DraggingBrake() if kind == "axle":
            effects.drag_kpa[index] = max(effects.drag_kpa[index], fault.pressure_kpa)
        case DraggingBrake():
            effects.held_kpa[index] = max(effects.held_kpa[index], fault.pressure_kpa)


def _locate(fault: MachineFault, figures: Figures) -> tuple[str, int, tuple[int, ...]]:
    """Kind of place, index from 0 and the sides (0 left, 1 right) that are meant."""
    name, place = kind_of(fault), getattr(fault, "place", "")
    allowed = _KINDS[type(fault)]
    try:
        words = place_name(parse_place(place)).split()
    except ValueError as error:
        raise ConfigError(f"fault {name}: {error}") from None
    kind, number = words[0], int(words[1]) if len(words) > 1 else 0
    side = words[2] if len(words) > 2 else ""
    counts = {"axle": figures.axles, "motor": figures.axles, "bogie": figures.bogies}
    if kind not in allowed or not 1 <= number <= counts[kind]:
        choices = " or ".join(f"{one} 1 to {counts[one]}" for one in allowed)
        raise ConfigError(f"fault {name}: it has no place {place}; it can be at {choices}")
    if side and not isinstance(fault, HotBearing):
        raise ConfigError(f"fault {name}: {place} names a side; leave it out")
    sides = {"left": (0,), "right": (1,)}.get(side, (0, 1))
    return kind, number - 1, sides
