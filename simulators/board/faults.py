"""The fault words of chips, their inputs and their buses, with the arguments each takes.

A fault comes from the host as JSON: {"chip": name, "word": word, "input": index, "args": {...}},
and ends with "clear": true. Without "input" a fault of an input strikes all inputs of the chip.
"""

from simulators.board.errors import FaultError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BUS, CHIP, INPUT = 0, 1, 2
"""Where a fault sits."""

WORDS: "dict[str, tuple[int, dict[str, Any]]]" = {
    # The chip holds SDA low: every transaction on its bus times out.
    "bus_stuck": (BUS, {}),
    # The chip does not answer: no acknowledge on I2C, MISO high on SPI, its pins floating.
    "nack": (CHIP, {}),
    "wrong_id": (CHIP, {"id": 0}),
    # Conversions start and never end.
    "frozen": (CHIP, {}),
    # Conversions take this share of their usual time, in thousandths.
    "slow_conversion": (CHIP, {"permille": 3000}),
    # The chip's calibrations of itself fail.
    "calibration_error": (CHIP, {}),
    # Registers go back to their reset values, once.
    "brown_out": (CHIP, {}),
    # Conversions go on, all with the value that was there when the fault began.
    "stuck": (INPUT, {}),
    # The converter's end of range, high or low.
    "saturated": (INPUT, {"low": False}),
    # The wire to the sensor is cut, or its two wires touch: what that reads as is the chip's.
    "open": (INPUT, {}),
    "short": (INPUT, {}),
    # Units of the signal, here and below.
    "drift": (INPUT, {"per_s": 1000}),
    # Added to every so manyth conversion.
    "spike": (INPUT, {"size": 1_000_000, "every": 10}),
    # Standard deviation of a bell-shaped noise that never exceeds 3 times that.
    "noise": (INPUT, {"sigma": 1000}),
    # Of a tacho or contact: each edge brings so many more, each level lasting so long.
    "bounce": (INPUT, {"edges": 2, "us": 20}),
    # Of a tacho: each so manyth tooth is broken.
    "missing_tooth": (INPUT, {"every": 60}),
    # Two inputs have changed places; "with" is the other's name, like "adc0/2".
    "swapped": (INPUT, {"with": ""}),
}

OF_EDGES = {"bounce": ("edges", "us"), "missing_tooth": ("every",)}
"""What can only befall an input that sees edges, and the arguments that must be 1 or more."""


def arguments(word: str, given: "dict[str, Any]") -> "dict[str, Any]":
    """The fault's arguments: the given ones over their defaults. Raises FaultError."""
    if word not in WORDS:
        raise FaultError("unknown fault word " + repr(word))
    defaults = WORDS[word][1]
    for key in given:
        if key not in defaults:
            raise FaultError("fault " + word + " takes no argument " + repr(key))
        if not isinstance(given[key], type(defaults[key])):
            raise FaultError("fault " + word + ": bad value for " + repr(key))
    args = dict(defaults)
    args.update(given)
    return args
