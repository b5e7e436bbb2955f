"""Outputs behind a digital potentiometer: a PT100, a strain bridge, what drives a shaker.

As those of outputs.py; `level` is what the chip says of its wiper, in the unit of the kind:
resistance in tenths of a milliohm, bridge in nV of each V that supplies it, shaker in ug. OSError
where the chip does not have what it was told. docs/stimulus.md has the circuits.
"""

from stimulus import OK, OPEN, STUCK
from stimulus.ad5235 import POSITIONS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from machine import Pin

    from stimulus.ad5235 import Ad5235
    from stimulus.pulses import Pulses

BASE_TENTH_MILLIOHM = 750_000
SPAN_TENTH_MILLIOHM = 1_263_580
"""75 ohm, and 127 ohm beside the 25 kohm of the potentiometer."""

SPAN_NV_V = 4_500_910
"""Two times 10 ohm beside the 25 kohm, 19.984 ohm, between two resistors of 2210 ohm."""

SHAKER_MHZ = 160_000
SHAKER_FULL_UG = 3_000_000
"""What the sensor feels, as an amplitude, with the wiper at its end: to be measured."""


def _position(part: int, span: int) -> int:
    """The wiper's for a part of a span; small integers suffice."""
    step = span // 8
    return min((part // 8 * POSITIONS + step // 2) // step, POSITIONS - 1)


def _part(position: int, span: int) -> int:
    return position * (span // 8) // (POSITIONS // 8)


class Pt100:
    """A wiper that takes a part of the voltage over a fixed resistance; a relay opens that."""

    kind = "resistance"
    conditions: "tuple[int, ...]" = (OK, OPEN, STUCK)
    low = BASE_TENTH_MILLIOHM
    high = BASE_TENTH_MILLIOHM + _part(POSITIONS - 1, SPAN_TENTH_MILLIOHM)
    rest = 1_000_000

    def __init__(self, name: str, chip: "Ad5235", channel: int, closed: "Pin") -> None:
        self.name = name
        self._chip = chip
        self._channel = channel
        self._closed = closed
        self.set(self.rest)

    def set(self, value: int) -> None:
        self._chip.set(self._channel, _position(value - self.low, SPAN_TENTH_MILLIOHM))

    def condition(self, condition: int) -> None:
        self._closed.value(0 if condition == OPEN else 1)

    def level(self) -> int:
        return self.low + _part(self._chip.position(self._channel), SPAN_TENTH_MILLIOHM)


class Bridge:
    """A strain bridge: the wiper against the middle of two equal resistors."""

    kind = "bridge"
    conditions: "tuple[int, ...]" = (OK, STUCK)
    low = -SPAN_NV_V // 2
    high = -SPAN_NV_V // 2 + _part(POSITIONS - 1, SPAN_NV_V)
    rest = 0

    def __init__(self, name: str, chip: "Ad5235", channel: int) -> None:
        self.name = name
        self._chip = chip
        self._channel = channel
        self.set(self.rest)

    def set(self, value: int) -> None:
        self._chip.set(self._channel, _position(value - self.low, SPAN_NV_V))

    def condition(self, condition: int) -> None:
        """What its values do is all there is."""

    def level(self) -> int:
        return self.low + _part(self._chip.position(self._channel), SPAN_NV_V)


class Shaker:
    """An even tone, as loud as the wiper lets it be."""

    kind = "shaker"
    conditions: "tuple[int, ...]" = (OK, STUCK)
    low = 0
    high = _part(POSITIONS - 1, SHAKER_FULL_UG)
    rest = 0

    def __init__(self, name: str, chip: "Ad5235", channel: int, pulses: "Pulses") -> None:
        self.name = name
        self._chip = chip
        self._channel = channel
        self._pulses = pulses
        self.set(self.rest)

    def set(self, value: int) -> None:
        self._chip.set(self._channel, _position(value, SHAKER_FULL_UG))
        self._pulses.set(SHAKER_MHZ if value else 0)

    def condition(self, condition: int) -> None:
        """As Bridge's."""

    def level(self) -> int:
        return _part(self._chip.position(self._channel), SHAKER_FULL_UG)
