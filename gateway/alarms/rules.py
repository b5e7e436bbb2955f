"""What a rule is, as typed data: `[[rules]]` of a TOML file. docs/alarms.md lists the keys.

Each kind turns the latest values into one number a place, and all share how that number becomes
an alarm: a limit with a separate limit to close, and a delay each way.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from gateway.state import AlarmKind, AlarmPriority, Quality

__all__ = [
    "Deviation",
    "Difference",
    "Fault",
    "Frozen",
    "Jump",
    "Limit",
    "NodeSilence",
    "Rise",
    "Rule",
    "Situation",
    "Text",
    "Value",
    "Words",
]

Situation = Literal[
    "standing", "moving", "powered", "unpowered", "braked", "released", "steady", "charged"
]
Seconds = Annotated[float, Meta(ge=0, le=86_400)]
Id = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[a-z][a-z0-9-]*$")]


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """One text in the three languages."""

    kk: str
    ru: str
    en: str


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
    open, for nobody has seen it better."""

    id: Id
    priority: AlarmPriority
    on_delay_s: Seconds = 0.0
    off_delay_s: Seconds = 0.0
    when: tuple[Situation, ...] = ()
    words: Words | None = None


class _OfQuantity(_Base, frozen=True, kw_only=True):
    quantity: str
    limit: Limit


class Value(_OfQuantity, frozen=True, kw_only=True, tag="value"):
    """The quantity itself."""


class Rise(_OfQuantity, frozen=True, kw_only=True, tag="rise"):
    """Its rise over `window_s`, in its unit a minute: "K/min" where it is a temperature."""

    window_s: Annotated[float, Meta(ge=0.5, le=3600)]


class Difference(_OfQuantity, frozen=True, kw_only=True, tag="difference"):
    """What it is above another quantity at one place: above the ambient, for example.

    `other_place` "side": above the same quantity on the other side of the same axle.
    """

    other: str | None = None
    other_place: str = "locomotive"


class Deviation(_OfQuantity, frozen=True, kw_only=True, tag="deviation"):
    """How far it is off the median of its siblings, to either side unless one is named.

    `share`: in per cent of that median, which must be at least `least_median`.
    """

    side: Literal["either", "above", "below"] = "either"
    share: bool = False
    least_median: float = 0.0
    least_siblings: Annotated[int, Meta(ge=2, le=64)] = 2


class _OfSensors(_Base, frozen=True, kw_only=True):
    """Of every channel, or of those whose quantity is named. A channel that is found wrong is
    not given to any rule on the machine."""

    quantities: tuple[str, ...] = ()


class Fault(_OfSensors, frozen=True, kw_only=True, tag="fault"):
    """The node says that a sensor cannot be believed, or its value is out of range."""

    qualities: tuple[Quality, ...] = (
        "open",
        "short",
        "saturated",
        "stuck",
        "no_answer",
        "out_of_range",
        "not_ready",
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


Rule = Value | Rise | Difference | Deviation | Fault | Frozen | Jump | NodeSilence


def about(rule: Rule) -> AlarmKind:
    """What is wrong when it fires: the machine, one of its sensors, or axlebox itself."""
    if isinstance(rule, NodeSilence):
        return "system"
    return "sensor" if isinstance(rule, Fault | Frozen | Jump) else "machine"
