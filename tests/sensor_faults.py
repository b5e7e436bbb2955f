"""Which fault of which sensor shows as what: every sensor kind of the firmware, and every fault.

Two nodes have them all, and beside each chip a second one on its bus and others elsewhere. SHOWS
has the status of each fault that can be told, CANNOT why one cannot be; between them nothing is
left out.
"""

import json
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

from simulators.board.layout import HEAP_EXTRA_BYTES, lay_out

FIRMWARE = Path(__file__).parents[1] / "firmware"
ON_BOARD = Path(__file__).parent / "firmware" / "on_board"
BOARD_HEAP_BYTES = 128 * 1024
PARTS = (0.2, 0.7)
"""When a fault begins, in parts of a period."""

WORDS = (
    "open",
    "short",
    "stuck",
    "saturated",
    "nack",
    "bus_stuck",
    "frozen",
    "slow_conversion",
    "brown_out",
)
ARGUMENTS: dict[str, dict[str, Any]] = {
    "slow_conversion": {"permille": 5000},
    "bounce": {"edges": 4, "us": 40},
}

STRIKES = {"ratio": 0}
"""The input that a fault of an input strikes, where it is not all of the chip's."""

SHOWS = {
    "loops": "open:open short:short saturated:saturated nack:no_answer bus_stuck:no_answer "
    "frozen:stuck slow_conversion:stuck brown_out:not_ready",
    "ratio": "open:open short:open saturated:saturated nack:no_answer bus_stuck:no_answer "
    "frozen:stuck slow_conversion:stuck brown_out:not_ready",
    "rtd": "open:open short:short saturated:open nack:no_answer frozen:stuck "
    "slow_conversion:stuck brown_out:not_ready",
    "couple": "open:open saturated:saturated nack:no_answer frozen:stuck slow_conversion:stuck "
    "brown_out:not_ready",
    "nau": "open:saturated short:out_of_range saturated:saturated nack:no_answer "
    "bus_stuck:no_answer frozen:stuck slow_conversion:stuck brown_out:not_ready",
    "hx": "open:saturated short:out_of_range saturated:saturated nack:no_answer frozen:stuck "
    "slow_conversion:stuck brown_out:stuck",
    "vib": "open:stuck short:stuck saturated:saturated stuck:stuck nack:no_answer "
    "wrong_id:no_answer frozen:stuck slow_conversion:stuck brown_out:not_ready",
    "acc": "open:stuck short:stuck saturated:saturated stuck:stuck nack:no_answer "
    "bus_stuck:no_answer frozen:stuck slow_conversion:stuck brown_out:not_ready",
    "trend": "open:stuck short:stuck saturated:saturated stuck:stuck nack:no_answer "
    "frozen:stuck slow_conversion:stuck brown_out:not_ready",
    "wheel": "open:stuck short:stuck stuck:stuck nack:stuck frozen:stuck bounce:out_of_range",
    "axle": "open:open short:short stuck:stuck nack:open frozen:stuck",
    "contact": "open:open short:short nack:open",
}
"""Sensor: the status of each of its faults, by the words of simulators.board.faults."""

_STEADY = "a value that stands still may be true; that the converter stands still is `frozen`"
_NO_I2C = "it is not on I2C: no other chip can hold its lines"
_NO_CONVERSION = "nothing converts: the pin is read or its edges are counted"
_NO_REGISTERS = "there is no chip whose registers could be lost"
_NO_RANGE = "a signal of two levels has no end of a range"
_LEVEL = "a contact has two levels, each of which may be true for ever"
CANNOT = {
    "loops": {"stuck": _STEADY},
    "ratio": {"stuck": _STEADY},
    "rtd": {"stuck": _STEADY, "bus_stuck": _NO_I2C},
    "couple": {
        "short": "the wires measure where they touch, a temperature like any other",
        "stuck": _STEADY,
        "bus_stuck": _NO_I2C,
    },
    "nau": {"stuck": _STEADY},
    "hx": {"stuck": _STEADY, "bus_stuck": _NO_I2C},
    "vib": {"bus_stuck": _NO_I2C},
    "acc": {},
    "trend": {"bus_stuck": _NO_I2C},
    "wheel": {
        "saturated": _NO_RANGE,
        "bus_stuck": _NO_I2C,
        "slow_conversion": _NO_CONVERSION,
        "brown_out": _NO_REGISTERS,
    },
    "axle": {
        "saturated": _NO_RANGE,
        "bus_stuck": _NO_I2C,
        "slow_conversion": _NO_CONVERSION,
        "brown_out": _NO_REGISTERS,
    },
    "contact": {
        "stuck": _LEVEL,
        "saturated": _NO_RANGE,
        "bus_stuck": _NO_I2C,
        "frozen": _LEVEL,
        "slow_conversion": _NO_CONVERSION,
        "brown_out": _NO_REGISTERS,
    },
}

_BRIDGE = {"gain": 128, "rate": 10, "lowest": 500_000, "highest": 8_000_000}
_LOOP = {"range_mv": 4096, "rate": 860, "shunt_milliohm": 120_000}
_WHEEL = {"teeth": 60, "full_rpm": 4500}
_CHIPS: dict[str, dict[str, Any]] = {
    "loops": {"kind": "ads1115", "i2c": 1, "address": 72, **_LOOP},
    "more": {"kind": "ads1115", "i2c": 1, "address": 73, **_LOOP},
    "near": {"kind": "ads1115", "i2c": 0, "address": 72, **_LOOP},
    "ratio": {
        "kind": "ads1115",
        "i2c": 0,
        "address": 72,
        "range_mv": 4096,
        "rate": 860,
        "supply_input": 3,
    },
    "rtd": {"kind": "max31865", "spi": 0, "cs": 20, "rref_milliohm": 400_000, "wires": 3},
    "couple": {"kind": "max31856", "spi": 0, "cs": 17},
    "nau": {"kind": "nau7802", "i2c": 0, **_BRIDGE},
    "hx": {"kind": "hx711", "sck": 14, "dout": 15, "sm": 0, **_BRIDGE},
    "vib": {"kind": "iis3dwb", "spi": 0, "cs": 17, "axis": "z"},
    "acc": {"kind": "adxl345", "i2c": 0, "axis": "x"},
    "trend": {"kind": "adxl345", "spi": 0, "cs": 20, "axis": "x"},
    "wheel": {"kind": "tacho", "unit": 0, "pin": 10, **_WHEEL},
    "axle": {"kind": "tacho", "unit": 1, "pin": 11, "inverse": 12, **_WHEEL},
    "contact": {"kind": "contact", "pin": 13, "inverse": 14},
}
_SIMULATED: dict[str, dict[str, Any]] = {
    "loops": {"inputs": ["loop"] * 3, "shunt_milliohm": 120_000},
    "more": {"inputs": ["loop"] * 2, "shunt_milliohm": 120_000},
    "near": {"inputs": ["loop"] * 2, "shunt_milliohm": 120_000},
    "ratio": {"inputs": ["output", "output", None, "supply"]},
    "rtd": {"signal": "winding", "rref_milliohm": 400_000, "wires": 3},
    "couple": {"signal": "couple"},
    "nau": {"address": 42, "signal": "bridge"},
    "hx": {"inputs": ["bridge"]},
    "vib": {"inputs": [None, None, "shake"], "tone_hz": 700, "features": 5},
    "acc": {"address": 83, "inputs": ["shake"], "tone_hz": 700},
    "trend": {"inputs": ["shake"], "tone_hz": 700},
    "wheel": {"signal": "rate"},
    "axle": {"signal": "rate"},
    "contact": {"signal": "level"},
}
_SIGNALS = {
    "loop": ("nA", 12_000_000),
    "output": ("uV", 1_250_000),
    "supply": ("uV", 2_500_000),
    "winding": ("tenth_milliohm", 1_000_000),
    "couple": ("nV", 6_300_000),
    "bridge": ("nV", 3_000_000),
    "shake": ("ug", 1_500_000),
    "rate": ("mHz", 1_500_000),
    "level": ("level", 0),
}


class Node(NamedTuple):
    """A node with some of the sensors: groups of (period in ms, sensors with their inputs)."""

    groups: list[tuple[int, list[tuple[str, range]]]]

    @property
    def chips(self) -> list[str]:
        """Its sensors, in the order of their channels."""
        return [name for _, sensors in self.groups for name, _ in sensors]

    def period_ms(self, chip: str) -> int:
        """How often a sensor is read."""
        return next(ms for ms, sensors in self.groups if chip in [name for name, _ in sensors])

    def configuration(self) -> dict[str, Any]:
        """Its `node.json`. What its channels stand for is of no interest here."""
        channel = {"quantity": "motor.current", "place": "motor 1", "scale": 1, "offset": 0}
        return {
            "node": "faults",
            "board": "pico",
            "mqtt": {"host": "127.0.0.1", "locomotive": "none"},
            "i2c": [
                {"id": 0, "scl": 5, "sda": 4, "freq": 400_000},
                {"id": 1, "scl": 7, "sda": 6, "freq": 400_000},
            ],
            "spi": [{"id": 0, "sck": 18, "mosi": 19, "miso": 16, "baud": 1_000_000}],
            "chips": [{"name": name, **_CHIPS[name]} for name in self.chips],
            "groups": [
                {
                    "period_ms": period_ms,
                    "channels": [
                        {**channel, "chip": name, "input": number}
                        for name, inputs in sensors
                        for number in inputs
                    ],
                }
                for period_ms, sensors in self.groups
            ],
        }

    def wiring(self) -> dict[str, Any]:
        """Its simulated board."""
        wiring: dict[str, Any] = {
            "unique_id": "e66038b7132a5b2f",
            "seed": 7,
            "i2c": {"0": {"chips": []}, "1": {"chips": []}},
            "spi": {"0": {"chips": []}},
            "pins": [],
        }
        wired = set()
        for name in self.chips:
            keys = _CHIPS[name]
            simulated = {"name": name, "kind": keys["kind"], **_SIMULATED[name]}
            for key in ("address", "cs", "sck", "dout", "pin", "inverse"):
                if key in keys:
                    simulated[key] = keys[key]
            wired |= {simulated.get("signal"), *simulated.get("inputs", [])}
            for kind in ("i2c", "spi"):
                if kind in keys:
                    wiring[kind][str(keys[kind])]["chips"].append(simulated)
            if "i2c" not in keys and "spi" not in keys:
                wiring["pins"].append(simulated)
        wiring["signals"] = [
            {"name": name, "unit": unit, "initial": initial, "samples": 8}
            for name, (unit, initial) in _SIGNALS.items()
            if name in wired
        ]
        return wiring


CONVERTERS = Node(
    [
        (10, [("loops", range(3)), ("more", range(2))]),
        (20, [("ratio", range(2))]),
        (500, [("couple", range(1)), ("rtd", range(1))]),
        (250, [("nau", range(1)), ("hx", range(1))]),
    ]
)
MOTION = Node(
    [
        (10, [("loops", range(3)), ("near", range(2))]),
        (250, [("vib", range(5))]),
        (500, [("acc", range(4))]),
        (500, [("trend", range(2))]),
        (20, [("wheel", range(1)), ("axle", range(1))]),
        (100, [("contact", range(1))]),
    ]
)


class Leg(NamedTuple):
    """What came of one fault."""

    status: str
    after_ms: int
    all_ok_again: bool
    missed_on_bus: int
    missed_elsewhere: int
    changed_elsewhere: int
    worst_us: int
    longest_us: int


def expected(chip: str) -> dict[str, str]:
    """{word: status} of a sensor."""
    return dict(pair.split(":") for pair in SHOWS[chip].split())


def run_course(
    micropython: list[str], folder: Path, node: Node, chips: tuple[str, ...]
) -> dict[tuple[str, str, float], Leg]:
    """Every fault of these sensors of a node, one after the other, in an empty folder."""
    lay_out(folder)
    legs = [
        [chip, word, ARGUMENTS.get(word, {}), part, STRIKES.get(chip)]
        for chip in chips
        for word in expected(chip)
        for part in PARTS
    ]
    for name, content in (
        ("wiring.json", node.wiring()),
        ("node.json", node.configuration()),
        ("course.json", legs),
    ):
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    (folder / "node.key").write_text("07" * 32, encoding="utf-8")
    heap = BOARD_HEAP_BYTES + HEAP_EXTRA_BYTES
    done = subprocess.run(
        [*micropython, "-X", f"heapsize={heap}", "-c", "import fault_course"],
        env={
            "MICROPYPATH": f"{ON_BOARD}:{FIRMWARE}:{folder}:.frozen",
            "AXSIM_WIRING": str(folder / "wiring.json"),
            "AXSIM_HEAP_EXTRA": str(HEAP_EXTRA_BYTES),
        },
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    lines = [line.split() for line in done.stdout.splitlines()]
    return {
        (line[0], line[1], float(line[2])): Leg(
            line[3], int(line[4]), line[5] == "True", *(int(word) for word in line[6:])
        )
        for line in lines
        if line[0] != "free"
    }
