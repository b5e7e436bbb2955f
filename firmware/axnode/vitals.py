"""The board's own temperature and supply voltage, for HEALTH.

Facts, by what the configuration names as the thermometer:
- `adc4`: RP2040, the converter's input 4. 0.706 V at 27 °C, 1.721 mV less for each °C more
  (RP2040 datasheet, temperature sensor; as quoted by users). A reference of 3.30 V is assumed: one
  of 3.35 V shows 6 °C too much. It is the chip that is measured, some °C above the board.
- `mcu`: `esp32.mcu_temperature()`, whole °C (MicroPython for ESP32-C3, S2, S3).
- `raw`: `esp32.raw_temperature()`, °F (MicroPython for the ESP32). 128 is given where nothing was
  measured (unverified).
The supply is a pin of the converter behind a divider: `full_mv` = the voltage at which it is at
its end.
"""

from machine import ADC, Pin

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_FULL = 33_000
_AT_27_C = 7_060
"""In 0.1 mV."""

_NOT_MEASURED = 128


class Vitals:
    """`thermometer` is one of the above, `supply` has `pin` and `full_mv`; None: there is none."""

    def __init__(self, thermometer: "str | None", supply: "dict[str, int] | None") -> None:
        self._core = ADC(4) if thermometer == "adc4" else None
        self._read: Any = None
        self._fahrenheit = thermometer == "raw"
        if thermometer in ("mcu", "raw"):
            self._read = getattr(_port(), thermometer + "_temperature", None)
        self._supply = None if supply is None else ADC(Pin(supply["pin"]))
        self._full_mv = 0 if supply is None else supply["full_mv"]

    def temperature_centi_c(self) -> "int | None":
        """0.01 °C, or None: this board cannot tell."""
        if self._core is not None:
            tenth_mv = (self._core.read_u16() >> 4) * _FULL >> 12
            return 2700 - (tenth_mv - _AT_27_C) * 10_000 // 1721
        if self._read is None:
            return None
        value: int = self._read()
        if not self._fahrenheit:
            return 100 * value
        return None if value == _NOT_MEASURED else (value - 32) * 500 // 9

    def supply_mv(self) -> "int | None":
        """In mV, or None: this board cannot tell."""
        if self._supply is None:
            return None
        return (self._supply.read_u16() >> 4) * self._full_mv >> 12


def _port() -> "Any":
    try:
        return __import__("esp32")
    except ImportError:
        return None
