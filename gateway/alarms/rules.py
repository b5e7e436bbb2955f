"""What a rule is, as typed data: `[[rules]]` of a TOML file. docs/alarms.md lists the keys.

Each kind turns the latest values into one number a place, and all share how that number becomes
an alarm: a limit with a separate limit to close, and a delay each way.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.state import AlarmKind, AlarmPriority, Quality
from gateway.texts import Text

__all__ = [
    "Behind",
    "Deviation",
    "Difference",
    "Duty",
    "Fault",
    "Frozen",
    "Jump",
    "Limit",
    "LinkSilence",
    "NodeSilence",
    "OfQuantity",
    "Rise",
    "Rule",
    "Situation",
    "Starts",
    "Stroke",
    "TimeToLimit",
    "Together",
    "Value",
    "Words",
    "about",
]

Situation = Literal[
    "standing",
    "moving",
    "powered",
    "unpowered",
    "braked",
    "released",
    "steady",
    "charged",
    "settled",
    "compressor_on",
    "compressor_off",
]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Window = Annotated[float, Meta(ge=0.5, le=7200)]
Share = Annotated[float, Meta(gt=0, lt=1)]
Id = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9-]*$")]


class Words(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a crew is told of an alarm: a code for the radio, a title, and two sentences."""

    code: Annotated[str, Meta(pattern=r"^[A-Z]{1,2}[0-9]{2}$")]
    title: Text
    meaning: Text
    action: Text


class Limit(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Beyond `above` or `below` a rule opens, and it closes on the other side of `close`.

    Each is a number or an expression over a figure of the profile: "figure", "figure - 10",
    "figure * 0.9". Without `close` it closes at the limit itself. Where a number is given it
    needs its source; a figure alone brings its own, and whether it is verified.
    """

    above: float | str | None = None
    below: float | str | None = None
    close: float | str | None = None
    unit: str
    source: str = ""
    verified: bool = False


class _Base(
    Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="kind", tag=str.lower
):
    """`when`: all of these hold, else the rule is not judged: it opens nothing and keeps what is
    open, for nobody has seen it better. `sign`: it raises no alarm, and is there for `together`.
    """

    id: Id
    priority: AlarmPriority
    on_delay_s: Seconds = 0.0
    off_delay_s: Seconds = 0.0
    when: tuple[Situation, ...] = ()
    sign: bool = False
    words: Words | None = None


class OfQuantity(_Base, frozen=True, kw_only=True):
    """`about` "sensor": a machine cannot be so, and its alarm is one of the sensor, whose value
    no rule on the machine is given."""

    quantity: str
    about: Literal["machine", "sensor"] = "machine"
    limit: Limit


class Value(OfQuantity, frozen=True, kw_only=True, tag="value"):
    """The quantity itself, or its mean over `mean_s`, through which all of `when` must hold."""

    mean_s: Seconds = 0.0


class Rise(OfQuantity, frozen=True, kw_only=True, tag="rise"):
    """Its rise over `window_s`, in its unit a minute: "K/min" where it is a temperature. All of
    `when` must hold through the window.

    `volume`: a figure in litres that a pressure is of. Then it is the free air that flows in, in
    L/min: Q = V dp/dt / p_atm.
    """

    window_s: Window
    volume: str = ""


class Difference(OfQuantity, frozen=True, kw_only=True, tag="difference"):
    """What it is above another quantity at one place: above the ambient, for example.

    `other_place` "side": above the same quantity on the other side of the same axle.
    """

    other: str | None = None
    other_place: str = "locomotive"


class Deviation(OfQuantity, frozen=True, kw_only=True, tag="deviation"):
    """How far it is off the median of its siblings, to either side unless one is named.

    `share`: in per cent of that median, which must be at least `least_median`, or is taken for
    `floor` where that is more. `least_off`: less than this, in its unit, counts as nothing.
    `mean_s`: of its mean, as of `value`. `calibrate`: in these situations it learns by which
    factor a place always differs, as wheels that are not worn alike do, and leaves that out.
    """

    side: Literal["either", "above", "below"] = "either"
    share: bool = False
    least_median: float = 0.0
    floor: Annotated[float, Meta(ge=0)] = 0.0
    least_off: Annotated[float, Meta(ge=0)] = 0.0
    least_siblings: Annotated[int, Meta(ge=1, le=64)] = 2
    mean_s: Seconds = 0.0
    calibrate: tuple[Situation, ...] = ()


class Behind(OfQuantity, frozen=True, kw_only=True, tag="behind"):
    """How fast it goes on falling, in its unit a minute over `window_s`, while it is at least
    `least` below `other`; 0 where it is not below. One that lies below and does not fall is
    neither bad nor good: it may be charged, or empty."""

    other: str
    least: float
    window_s: Window


class Stroke(OfQuantity, frozen=True, kw_only=True, tag="stroke"):
    """Seconds that a pressure takes to fill or to release, as long as it goes on.

    `fill`: from where it left `empty`, or from where `pipe` came to rest if that is later, until
    it rises no more. `release`: from where it began to fall from above `full` until it is below
    `empty`. Both in its unit; slower than `rest` a second is no movement.
    """

    way: Literal["fill", "release"]
    empty: float
    full: float
    rest: Annotated[float, Meta(gt=0)]
    pipe: str = ""


class Duty(OfQuantity, frozen=True, kw_only=True, tag="duty"):
    """In per cent, how much of `window_s` it was on."""

    window_s: Window


class Starts(OfQuantity, frozen=True, kw_only=True, tag="starts"):
    """How often it went on in `window_s`."""

    window_s: Window


class TimeToLimit(OfQuantity, frozen=True, kw_only=True, tag="time_to_limit"):
    """Minutes until a winding is at `to`, an expression as of a limit, if speed and current stay
    as they were in the last `mean_s`; `horizon_min` where it takes longer.

    Two nodes, winding and frame: see gateway.alarms.signals.heat. Its constants: the time
    constants of both, the winding's share of the rise at the continuous rating, the ambient of
    that rating, and what is lost in iron at top speed, as a share of the copper's loss.
    """

    to: str
    mean_s: Window
    horizon_min: Annotated[float, Meta(ge=1, le=240)]
    winding_s: Window
    frame_s: Window
    winding_share: Share
    rated_ambient_c: float
    iron_share: Annotated[float, Meta(ge=0, lt=1)]


class Together(_Base, frozen=True, kw_only=True, tag="together"):
    """How near, in per cent of their limits, the `least` nearest of several rules are at once.

    `anywhere`: of each the place where it is nearest; else at one place.
    """

    rules: tuple[Id, ...]
    least: Annotated[int, Meta(ge=1, le=16)]
    anywhere: bool = False
    limit: Limit


class _OfSensors(_Base, frozen=True, kw_only=True):
    """Of every channel, or of those whose quantity is named, but for those of `besides`. A
    channel that is found wrong is not given to any rule on the machine."""

    quantities: tuple[str, ...] = ()
    besides: tuple[str, ...] = ()


class Fault(_OfSensors, frozen=True, kw_only=True, tag="fault"):
    """The node says that a sensor cannot be believed, or its value is out of range.

    With "stale" or "waiting": there is none though its node speaks.
    """

    qualities: tuple[Quality, ...] = (
        "open",
        "short",
        "saturated",
        "stuck",
        "no_answer",
        "out_of_range",
    )


class Frozen(_OfSensors, frozen=True, kw_only=True, tag="frozen"):
    """Not one step of change for longer than `limit` while a sibling changed by `moves`."""

    moves: float
    limit: Limit


class Jump(_OfSensors, frozen=True, kw_only=True, tag="jump"):
    """It changes faster than what it measures can: in its unit a second."""

    limit: Limit


class NodeSilence(_Base, frozen=True, kw_only=True, tag="node_silence"):
    """A node that was heard, or should have been since the start, is silent for longer."""

    limit: Limit


class LinkSilence(_Base, frozen=True, kw_only=True, tag="link_silence"):
    """All nodes of a link are silent for longer, and there are at least `least_nodes`."""

    least_nodes: Annotated[int, Meta(ge=1, le=64)] = 2
    limit: Limit


Rule = (
    Value
    | Rise
    | Difference
    | Deviation
    | Behind
    | Stroke
    | Duty
    | Starts
    | TimeToLimit
    | Together
    | Fault
    | Frozen
    | Jump
    | NodeSilence
    | LinkSilence
)


def about(rule: Rule) -> AlarmKind:
    """What is wrong when it fires: the machine, one of its sensors, or axlebox itself."""
    if isinstance(rule, NodeSilence | LinkSilence):
        return "system"
    if isinstance(rule, Fault | Frozen | Jump):
        return "sensor"
    return "machine" if isinstance(rule, Together) else rule.about
