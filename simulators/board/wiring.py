"""The wiring file: which chips sit where on this board, and which signals reach them.

{
  "unique_id": "e66038b7132a5b2f", "seed": 1,
  "signals": [{"name": "m1.current", "unit": "nA", "initial": 4000000, "samples": 64}],
  "i2c": {"0": {"nack_errno": 5, "chips": [
      {"name": "adc0", "kind": "ads1115", "address": 72, "inputs": ["m1.current", null]}]}},
  "spi": {"0": {"chips": [
      {"name": "rtd0", "kind": "max31865", "cs": 17, "signal": "m1.winding", "wires": 3}]}},
  "pins": [{"name": "load0", "kind": "hx711", "sck": 14, "dout": 15, "inputs": ["axle1.load"]}],
  "adc": {"29": "supply"},
  "uart": {"0": {"path": "/dev/pts/7", "de": 2}},
  "flash": {"path": "/tmp/flash.img", "blocks": 352},
  "wake_up_us": 0
}

`unit` is nA, uV, nV, tenth_milliohm, ug, mHz, level or shape; `samples` is the longest stretch
that the signal takes. `shapes` of an accelerometer are signals beside its `inputs` (see shape.py).
mcp4728, ad5235 and probe have no signal: they tell what the board does to them (see Host.account).
`de` is the pin that enables the driver of an RS-485 pair, where the UART leads to one.
The order of `signals` is their number in the frames of control_frames.py. In lock-step a UART's
`path` is not used; `wake_up_us` (see simulated_time.py) matters only there.
"""

import json

from simulators.board.errors import WiringError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNITS = ("nA", "uV", "nV", "tenth_milliohm", "ug", "mHz", "level", "shape")
KINDS = {
    "ads1115": "i2c",
    "max31865": "spi",
    "max31856": "spi",
    "nau7802": "i2c",
    "hx711": "pins",
    "iis3dwb": "spi",
    "adxl345": "i2c spi",
    "tacho": "pins",
    "contact": "pins",
    "mcp4728": "i2c",
    "ad5235": "spi",
    "probe": "pins",
}
"""The buses that a kind of chip can sit on."""

_WHOLE = (int, "an integer")
_TEXT = (str, "a string")
_LIST = (list, "a list")
_TABLE = (dict, "an object")

_BOARD = {
    "unique_id": _TEXT,
    "seed": _WHOLE,
    "freq_hz": _WHOLE,
    "watchdog_max_ms": _WHOLE,
    "signals": _LIST,
    "i2c": _TABLE,
    "spi": _TABLE,
    "pins": _LIST,
    "adc": _TABLE,
    "uart": _TABLE,
    "flash": _TABLE,
    "wake_up_us": _WHOLE,
}
_SIGNAL = {"name": _TEXT, "unit": _TEXT, "initial": _WHOLE, "samples": _WHOLE}
_I2C = {"nack_errno": _WHOLE, "chips": _LIST}
_SPI = {"chips": _LIST}
_FLASH = {"path": _TEXT, "blocks": _WHOLE, "page_us": _WHOLE, "erase_us": _WHOLE}
_PIN = ((int, str), "a pin")
_UART = {"path": _TEXT, "de": _PIN}
_CHIP: "dict[str, dict[str, tuple[Any, str]]]" = {
    "ads1115": {
        "name": _TEXT,
        "kind": _TEXT,
        "address": _WHOLE,
        "inputs": _LIST,
        "shunt_milliohm": _WHOLE,
        "rate_permille": _WHOLE,
        "supply_uv": _WHOLE,
    },
    "max31865": {
        "name": _TEXT,
        "kind": _TEXT,
        "cs": ((int, str), "a pin"),
        "drdy": ((int, str), "a pin"),
        "signal": _TEXT,
        "rref_milliohm": _WHOLE,
        "wires": _WHOLE,
        "lead_milliohm": _WHOLE,
        "rate_permille": _WHOLE,
    },
    "max31856": {
        "name": _TEXT,
        "kind": _TEXT,
        "cs": _PIN,
        "drdy": _PIN,
        "signal": _TEXT,
        "cold_celsius": _WHOLE,
        "rate_permille": _WHOLE,
    },
    "nau7802": {
        "name": _TEXT,
        "kind": _TEXT,
        "address": _WHOLE,
        "drdy": _PIN,
        "signal": _TEXT,
        "avdd_millivolt": _WHOLE,
        "rate_permille": _WHOLE,
    },
    "hx711": {
        "name": _TEXT,
        "kind": _TEXT,
        "sck": _PIN,
        "dout": _PIN,
        "inputs": _LIST,
        "rate": _WHOLE,
        "avdd_millivolt": _WHOLE,
        "rate_permille": _WHOLE,
    },
    "iis3dwb": {
        "name": _TEXT,
        "kind": _TEXT,
        "cs": _PIN,
        "inputs": _LIST,
        "shapes": _LIST,
        "tone_hz": _WHOLE,
        "celsius": _WHOLE,
        "features": _WHOLE,
        "rate_permille": _WHOLE,
    },
    "adxl345": {
        "name": _TEXT,
        "kind": _TEXT,
        "address": _WHOLE,
        "cs": _PIN,
        "inputs": _LIST,
        "shapes": _LIST,
        "tone_hz": _WHOLE,
        "fills": _WHOLE,
        "features": _WHOLE,
        "rate_permille": _WHOLE,
    },
    "tacho": {
        "name": _TEXT,
        "kind": _TEXT,
        "pin": _PIN,
        "inverse": _PIN,
        "signal": _TEXT,
    },
    "contact": {
        "name": _TEXT,
        "kind": _TEXT,
        "pin": _PIN,
        "inverse": _PIN,
        "signal": _TEXT,
    },
    "mcp4728": {"name": _TEXT, "kind": _TEXT, "address": _WHOLE},
    "ad5235": {"name": _TEXT, "kind": _TEXT, "cs": _PIN},
    "probe": {"name": _TEXT, "kind": _TEXT, "pin": _PIN},
}
INPUTS = {"ads1115": 4, "hx711": 2, "iis3dwb": 3, "adxl345": 3}
"""How many inputs a kind of chip has that has not one."""
PINS = ("cs", "drdy", "sck", "dout", "pin", "inverse")
_RANGES = {
    "address": (8, 119),
    "shunt_milliohm": (1, 8_000_000),
    "rref_milliohm": (1_000, 100_000_000),
    "lead_milliohm": (0, 1_000_000),
    "rate_permille": (100, 10_000),
    "cold_celsius": (-55, 125),
    "avdd_millivolt": (2_400, 5_500),
    "tone_hz": (0, 13_000),
    "celsius": (-55, 125),
    "fills": (1, 16),
    "features": (1, 5),
}
_NEEDED = {
    "ads1115": ("name", "address", "inputs"),
    "max31865": ("name", "cs", "signal"),
    "max31856": ("name", "cs", "signal"),
    "nau7802": ("name", "address", "signal"),
    "hx711": ("name", "sck", "dout", "inputs"),
    "iis3dwb": ("name", "cs", "inputs"),
    "adxl345": ("name", "inputs"),
    "tacho": ("name", "pin", "signal"),
    "contact": ("name", "pin", "signal"),
    "mcp4728": ("name", "address"),
    "ad5235": ("name", "cs"),
    "probe": ("name", "pin"),
}


_BUS_NEEDS = {"i2c": ("address",), "spi": ("cs",)}


def read_wiring(path: str) -> "dict[str, Any]":
    """The checked content of a wiring file. Raises WiringError."""
    try:
        with open(path) as file:
            wiring = json.load(file)
    except (OSError, ValueError) as error:
        problem = "cannot be read: " + str(error)
    else:
        check_wiring(wiring)
        return dict(wiring)
    raise WiringError(path + " " + problem)


def check_wiring(wiring: "Any") -> None:
    """Raise WiringError unless this describes a board."""
    _check("the wiring file", wiring, _BOARD, ("unique_id",))
    _check_id(wiring["unique_id"])
    signals: "list[str]" = []
    for number, signal in enumerate(wiring.get("signals", [])):
        where = "signals[" + str(number) + "]"
        _check(where, signal, _SIGNAL, ("name", "unit"))
        if signal["unit"] not in UNITS:
            raise WiringError(where + ": unit must be one of " + ", ".join(UNITS))
        if signal["name"] in signals:
            raise WiringError(where + ": " + signal["name"] + " is there twice")
        if signal.get("samples", 1) < 1:
            raise WiringError(where + ": samples must be 1 or more")
        signals.append(signal["name"])
    names: "list[str]" = []
    pins: "list[str]" = []
    for bus, keys in (("i2c", _I2C), ("spi", _SPI)):
        for number, content in wiring.get(bus, {}).items():
            _check(bus + "." + number, content, keys, ("chips",))
            addresses: "list[int]" = []
            for index, chip in enumerate(content["chips"]):
                where = bus + "." + number + ".chips[" + str(index) + "]"
                _check_chip(where, chip, bus, signals, names)
                if chip.get("address") in addresses:
                    raise WiringError(where + ": address %d is there twice" % chip["address"])
                if "address" in chip:
                    addresses.append(chip["address"])
                _check_pins(where, chip, pins)
    for index, chip in enumerate(wiring.get("pins", [])):
        where = "pins[" + str(index) + "]"
        _check_chip(where, chip, "pins", signals, names)
        _check_pins(where, chip, pins)
    for pin, signal in wiring.get("adc", {}).items():
        _check_signal("adc." + pin, signal, signals)
        if wiring["signals"][signals.index(signal)]["unit"] != "uV":
            raise WiringError("adc." + pin + ": the signal's unit must be uV")
    for number, line in wiring.get("uart", {}).items():
        _check("uart." + number, line, _UART, ("path",))
    if "flash" in wiring:
        _check("flash", wiring["flash"], _FLASH, ("path", "blocks"))


def _check_chip(
    where: str, chip: "Any", bus: str, signals: "list[str]", names: "list[str]"
) -> None:
    kind = chip.get("kind") if isinstance(chip, dict) else None
    if bus not in KINDS.get(str(kind), "").split():
        known = [name for name in KINDS if bus in KINDS[name].split()]
        raise WiringError(where + ": kind must be one of " + ", ".join(known))
    _check(where, chip, _CHIP[str(kind)], _NEEDED[str(kind)] + _BUS_NEEDS.get(bus, ()))
    if chip["name"] in names:
        raise WiringError(where + ": " + chip["name"] + " is there twice")
    names.append(chip["name"])
    for key, (low, high) in _RANGES.items():
        if key in chip and not low <= chip[key] <= high:
            raise WiringError(where + ": " + key + " must be %d to %d" % (low, high))
    if chip.get("wires", 4) not in (2, 3, 4):
        raise WiringError(where + ": wires must be 2, 3 or 4")
    inputs = chip.get("inputs", [])
    most = INPUTS.get(str(kind), 1)
    if len(inputs) > most or len(chip.get("shapes", [])) > most:
        raise WiringError(where + ": at most %d inputs" % most)
    if chip.get("rate", 10) not in (10, 80):
        raise WiringError(where + ": rate must be 10 or 80")
    wired = inputs if "inputs" in chip else [chip.get("signal")]
    for signal in wired + chip.get("shapes", []):
        if signal is not None:
            _check_signal(where, signal, signals)


def _check_pins(where: str, chip: "dict[str, Any]", pins: "list[str]") -> None:
    for key in PINS:
        if str(chip.get(key)) in pins:
            raise WiringError(where + ": pin %s is used twice" % chip[key])
        if key in chip:
            pins.append(str(chip[key]))


def _check_signal(where: str, signal: "Any", signals: "list[str]") -> None:
    if signal not in signals:
        raise WiringError(where + ": no signal " + repr(signal))


def _check_id(unique_id: str) -> None:
    digits = "0123456789abcdefABCDEF"
    if len(unique_id) % 2 or not unique_id or any(digit not in digits for digit in unique_id):
        raise WiringError("the wiring file: unique_id must be bytes in hex")


def _check(
    where: str, content: "Any", keys: "dict[str, tuple[Any, str]]", needed: "tuple[str, ...]"
) -> None:
    if not isinstance(content, dict):
        raise WiringError(where + " must be an object")
    for key, value in content.items():
        if key not in keys:
            raise WiringError(
                where + ": unknown key " + repr(key) + "; known: " + ", ".join(sorted(keys))
            )
        if not isinstance(value, keys[key][0]) or isinstance(value, bool):
            raise WiringError(where + ": " + key + " must be " + keys[key][1])
    for key in needed:
        if key not in content:
            raise WiringError(where + ": " + key + " is missing")
