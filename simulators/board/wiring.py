"""The wiring file: which chips sit where on this board, and which signals reach them.

{
  "unique_id": "e66038b7132a5b2f", "seed": 1,
  "signals": [{"name": "m1.current", "unit": "nA", "initial": 4000000, "samples": 64}],
  "i2c": {"0": {"nack_errno": 5, "chips": [
      {"name": "adc0", "kind": "ads1115", "address": 72, "inputs": ["m1.current", null]}]}},
  "spi": {"0": {"chips": [
      {"name": "rtd0", "kind": "max31865", "cs": 17, "signal": "m1.winding", "wires": 3}]}},
  "adc": {"29": "supply"},
  "uart": {"0": {"path": "/dev/pts/7"}}
}

`unit` is nA, uV or tenth_milliohm; `samples` is the longest stretch that the signal takes.
The order of `signals` is their number in the frames of control_frames.py.
"""

import json

from simulators.board.errors import WiringError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

UNITS = ("nA", "uV", "tenth_milliohm")
KINDS = {"ads1115": "i2c", "max31865": "spi"}

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
    "adc": _TABLE,
    "uart": _TABLE,
}
_SIGNAL = {"name": _TEXT, "unit": _TEXT, "initial": _WHOLE, "samples": _WHOLE}
_I2C = {"nack_errno": _WHOLE, "chips": _LIST}
_SPI = {"chips": _LIST}
_UART = {"path": _TEXT}
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
}
_RANGES = {
    "address": (8, 119),
    "shunt_milliohm": (1, 8_000_000),
    "rref_milliohm": (1_000, 100_000_000),
    "lead_milliohm": (0, 1_000_000),
    "rate_permille": (100, 10_000),
}
_NEEDED = {"ads1115": ("name", "address", "inputs"), "max31865": ("name", "cs", "signal")}


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
                for key in ("cs", "drdy"):
                    if str(chip.get(key)) in pins:
                        raise WiringError(where + ": pin %s is used twice" % chip[key])
                    if key in chip:
                        pins.append(str(chip[key]))
    for pin, signal in wiring.get("adc", {}).items():
        _check_signal("adc." + pin, signal, signals)
        if wiring["signals"][signals.index(signal)]["unit"] != "uV":
            raise WiringError("adc." + pin + ": the signal's unit must be uV")
    for number, line in wiring.get("uart", {}).items():
        _check("uart." + number, line, _UART, ("path",))


def _check_chip(
    where: str, chip: "Any", bus: str, signals: "list[str]", names: "list[str]"
) -> None:
    kind = chip.get("kind") if isinstance(chip, dict) else None
    if KINDS.get(str(kind)) != bus:
        known = [name for name in KINDS if KINDS[name] == bus]
        raise WiringError(where + ": kind must be one of " + ", ".join(known))
    _check(where, chip, _CHIP[str(kind)], _NEEDED[str(kind)])
    if chip["name"] in names:
        raise WiringError(where + ": " + chip["name"] + " is there twice")
    names.append(chip["name"])
    for key, (low, high) in _RANGES.items():
        if key in chip and not low <= chip[key] <= high:
            raise WiringError(where + ": " + key + " must be %d to %d" % (low, high))
    if chip.get("wires", 4) not in (2, 3, 4):
        raise WiringError(where + ": wires must be 2, 3 or 4")
    inputs = chip.get("inputs", [])
    if len(inputs) > 4:
        raise WiringError(where + ": at most 4 inputs")
    for signal in inputs if "inputs" in chip else [chip["signal"]]:
        if signal is not None:
            _check_signal(where, signal, signals)


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
