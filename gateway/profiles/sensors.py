"""The kinds of sensor that a profile can name, with what has to be known of each.

How each is wired is in docs/wiring.md; the numbers of chips, pins and codes follow from the board.
"""

from typing import Literal

from msgspec import Struct

__all__ = [
    "FEATURES",
    "ContactSensor",
    "LoopSensor",
    "Pt100Sensor",
    "Sensor",
    "StrainSensor",
    "TachoSensor",
    "ThermocoupleSensor",
    "VibrationSensor",
]


FEATURES = ("vibration_rms", "vibration_peak", "vibration_crest", "vibration_kurtosis")
"""What an accelerometer gives beside the acceleration, as drivers/features.py numbers them."""


class LoopSensor(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="loop"):
    """A transducer with a 4-20 mA output: 4 mA at `low`, 20 mA at `high`, in the unit measured."""

    low: float
    high: float


class Pt100Sensor(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="pt100"):
    """A platinum resistance thermometer, 100 ohm at 0 °C (IEC 60751)."""


class ThermocoupleSensor(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="thermocouple"
):
    """A thermocouple of type K. `mains_hz`: the frequency that is filtered out."""

    mains_hz: Literal[50, 60] = 50


class StrainSensor(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="strain"
):
    """A strain bridge that gives nothing at 0 and `mv_per_v` at `full`, in the unit measured.

    Below `least` it is out of range: two wires that touch look like 0.
    """

    full: float
    mv_per_v: float
    least: float | None = None
    chip: Literal["nau7802", "hx711"] = "hx711"


class VibrationSensor(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="vibration"
):
    """An accelerometer of which one axis is used, for a quantity `*.acceleration`.

    It gives four more channels of the same place: `*.vibration_rms`, `_peak`, `_crest` and
    `_kurtosis`. A burst is sent when the feature `burst_on` reaches `burst_level`, in its unit.
    """

    chip: Literal["iis3dwb", "adxl345"] = "iis3dwb"
    axis: Literal["x", "y", "z"] = "z"
    burst_on: Literal["none", "rms", "peak", "crest", "kurtosis"] = "none"
    burst_level: float = 0.0


class TachoSensor(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="tacho"):
    """A pulse sensor at a wheel with so many teeth, which turns at most so fast."""

    teeth: int
    full_rpm: int


class ContactSensor(
    Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="contact"
):
    """A switch to ground, which is `on` (closed or open) while the quantity is 1."""

    on: Literal["closed", "open"] = "closed"
    debounce_ms: int = 20


Sensor = (
    LoopSensor
    | Pt100Sensor
    | ThermocoupleSensor
    | StrainSensor
    | VibrationSensor
    | TachoSensor
    | ContactSensor
)
