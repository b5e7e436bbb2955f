"""How each kind of sensor is connected to a board: its contacts, and what belongs beside it.

Facts are those of the drivers (firmware/drivers), which name their sources.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from hil.boards import Board

__all__ = ["ADDRESSES", "SENSORS", "Sensor", "connections", "place", "spare_pins"]

ADDRESSES = {"nau7802": 0x2A, "adxl345": 0x53}
"""On I2C, of chips whose configuration need not say it."""

_NO_PINS = ("id", "baud", "freq")
_ADDRESS_PIN = {0x48: "GND", 0x49: "VDD", 0x4A: "SDA", 0x4B: "SCL"}
_PINS = {"sck": "PD_SCK", "dout": "DOUT", "pin": "signal", "inverse": "inverse"}


@dataclass(frozen=True)
class Sensor:
    """A kind of chip or sensor: a file of firmware/drivers.

    `contacts`: its own, and for each a line of the board's wiring: of a bus (`scl`, `sck`, ...),
    or `select`, `pulse`, `spare`.
    """

    kind: str
    title: str
    contacts: tuple[tuple[str, str], ...]
    beside: str


_I2C = (("SCL", "scl"), ("SDA", "sda"))
_SPI = (("SCK", "sck"), ("SDI", "mosi"), ("SDO", "miso"), ("CS", "select"))

SENSORS = (
    Sensor(
        "ads1115",
        "ADS1115: 4-20 mA, ratiometric",
        _I2C,
        "3.3 V. ADDR chooses one of four addresses. An input bears no more than its supply.",
    ),
    Sensor(
        "max31865",
        "MAX31865: PT100",
        _SPI,
        "3.3 V. Reference resistor 400 ohm, 0.1 %. Its filter must settle within 9 ms.",
    ),
    Sensor(
        "max31856",
        "MAX31856: thermocouple K",
        _SPI,
        "3.3 V. Keep it as cold as the wires' ends: it compensates by its own temperature.",
    ),
    Sensor(
        "nau7802",
        "NAU7802: strain bridge",
        _I2C,
        "3.3 V; its regulator feeds the bridge with 3.0 V. One a bus: its address is fixed.",
    ),
    Sensor(
        "hx711",
        "HX711: strain bridge",
        (("PD_SCK", "spare"), ("DOUT", "spare")),
        "3.3 V, supply and bridge. RATE to ground: 10, to supply: 80 a second. Rated to -40 °C.",
    ),
    Sensor(
        "iis3dwb",
        "IIS3DWB: vibration 6.3 kHz",
        _SPI,
        "3.3 V. Screwed or glued to what shakes, its axis marked; cable as short as can be.",
    ),
    Sensor(
        "adxl345",
        "ADXL345: vibration, trends",
        (*_I2C, ("CS", "high")),
        "3.3 V. SDO to ground: address 0x53; to supply: 0x1D. SPI, with CS, as for the others.",
    ),
    Sensor(
        "tacho",
        "Speed sensor: pulses",
        (("output", "pulse"),),
        "Open collector: pulled up in the board, or add a resistor where the contact says so.",
    ),
    Sensor(
        "contact",
        "Switch contact",
        (("contact", "spare"), ("ground", "ground")),
        "Behind an optocoupler where it carries the control supply. Changeover: second wire too.",
    ),
)


def connections(board: Board, sensor: Sensor) -> str:
    """In words: each contact of the sensor and where it goes on that board."""
    return ", ".join(f"{contact} to {to}" for contact, to in _ends(board, sensor))


def place(board: Board, chip: dict[str, Any]) -> str:
    """In words: where a chip of a node is connected, as its configuration says."""
    if chip.get("cs") is not None:
        return f"SPI {chip['spi']}, CS to {board.name(chip['cs'])}"
    if chip.get("i2c") is not None:
        address: int = chip["address"] if "address" in chip else ADDRESSES[chip["kind"]]
        to = f": ADDR to {_ADDRESS_PIN[address]}" if chip["kind"] == "ads1115" else ""
        return f"I2C {chip['i2c']}, address {address:#x}{to}"
    pins = [(words, chip[key]) for key, words in _PINS.items() if chip.get(key) is not None]
    return ", ".join(f"{words} to {board.name(pin)}" for words, pin in pins)


def spare_pins(board: Board) -> list[int]:
    """Pins on the header that the board's wiring leaves free and that can drive a line."""
    wiring = board.wiring
    taken = {wiring.rs485_enable, *wiring.chip_selects, *wiring.pulses}
    for kind in ("uart", "i2c", "spi"):
        taken |= {value for key, value in getattr(wiring, kind).items() if key not in _NO_PINS}
    header = [pin for pin in (*board.header.left, *board.header.right) if isinstance(pin, int)]
    return [pin for pin in header if pin not in taken and board.refusal(pin, True) is None]


def _ends(board: Board, sensor: Sensor) -> Iterator[tuple[str, str]]:
    spare = iter(spare_pins(board) or reversed(board.wiring.chip_selects))
    lines = {**board.wiring.i2c, **board.wiring.spi}
    for contact, line in sensor.contacts:
        if line == "select":
            yield contact, "one of " + _names(board, board.wiring.chip_selects)
        elif line == "pulse":
            yield contact, "one of " + _names(board, board.wiring.pulses)
        elif line == "spare":
            pin = next(spare)
            free = pin not in board.wiring.chip_selects
            yield contact, f"{board.name(pin)} ({'free' if free else 'a chip select not used'})"
        elif line == "high":
            yield contact, "3.3 V"
        elif line == "ground":
            yield contact, "GND"
        else:
            yield contact, board.name(lines[line])


def _names(board: Board, pins: list[int]) -> str:
    return " ".join(board.name(pin) for pin in pins)
