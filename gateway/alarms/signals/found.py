"""What a rule sees at one place, and how its values are taken from the picture."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

from gateway.alarms.picture import Latest, Picture
from gateway.alarms.rules import OfQuantity

__all__ = ["Found", "Signal", "at_each_place", "believed", "of_channel"]


class Found(NamedTuple):
    """What a rule sees at one place. `value` None: it cannot be known now.

    `key` tells it from all else that the rule sees: the place, of a sensor its quantity too.
    """

    key: str
    place: str
    quantity: str | None
    channels: tuple[str, ...]
    value: float | None


Signal = Callable[[Picture], Iterator[Found]]
"""What of a rule is new since the picture before; it keeps what it needs of those before."""


def of_channel(one: Latest, value: float | None) -> Found:
    """Of a sensor."""
    return Found(f"{one.quantity} {one.place}", one.place, one.quantity, (one.id,), value)


def at_each_place(
    rule: OfQuantity, picture: Picture, value_of: Callable[[Latest], float | None]
) -> Iterator[Found]:
    """`value_of` of each channel of the rule's quantity."""
    of_sensor = rule.about == "sensor"
    for place, one in picture.of(rule.quantity).items():
        if of_sensor:
            yield of_channel(one, value_of(one))
        else:
            yield Found(place, place, rule.quantity, (one.id,), value_of(one))


def believed(rule: OfQuantity, picture: Picture, one: Latest | None) -> float | None:
    """What the rule may take for true. One on sensors judges what other rules on sensors, or it
    itself, found wrong: else it could never find it right again."""
    if rule.about != "sensor":
        return picture.value(one)
    return one.value if one is not None and one.quality == "ok" else None
