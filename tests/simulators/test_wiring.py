"""A wiring file that is wrong says where and what was expected."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest
from board_parts import BOARD, Ticks

from simulators.board.errors import WiringError
from simulators.board.hardware import Hardware
from simulators.board.wiring import check_wiring, read_wiring


@pytest.fixture
def wiring() -> Any:
    return copy.deepcopy(BOARD)


def test_a_board_is_read_and_built_from_its_file(wiring: Any, tmp_path: Path) -> None:
    path = tmp_path / "wiring.json"
    path.write_text(json.dumps(wiring), encoding="utf-8")
    hardware = Hardware(read_wiring(str(path)), Ticks(), None)  # type: ignore[arg-type]
    assert hardware.unique_id == bytes.fromhex("e66038b7132a5b2f")
    assert [signal.name for signal in hardware.signals] == [
        "m1.current",
        "m2.current",
        "m1.winding",
        "supply",
    ]
    assert list(hardware.chips) == ["adc0", "adc1", "rtd0"]
    assert sorted(hardware.i2c["0"].chips) == [0x48, 0x49]
    assert hardware.inputs["adc0/1"].signal.name == "m2.current"


def test_the_smallest_board_has_an_id(wiring: Any) -> None:
    check_wiring({"unique_id": "00"})


CASES: list[tuple[str, list[Any], Any, str]] = [
    ("unknown key", ["wlan"], 1, r"the wiring file: unknown key 'wlan'; known: adc, flash"),
    ("flash", ["flash"], {"path": "flash.img"}, "flash: blocks is missing"),
    ("id", ["unique_id"], "e66", "unique_id must be bytes in hex"),
    ("id type", ["unique_id"], 5, "unique_id must be a string"),
    ("unit", ["signals", 0, "unit"], "mA", r"signals\[0\]: unit must be one of nA, uV"),
    ("twin signal", ["signals", 1, "name"], "m1.current", r"signals\[1\]: m1.current is there tw"),
    ("capacity", ["signals", 0, "samples"], 0, r"signals\[0\]: samples must be 1 or more"),
    ("boolean", ["signals", 0, "initial"], True, r"signals\[0\]: initial must be an integer"),
    ("no signal", ["spi", "0", "chips", 0, "signal"], "x", r"spi.0.chips\[0\]: no signal 'x'"),
    ("kind", ["i2c", "0", "chips", 0, "kind"], "max31865", "kind must be one of ads1115"),
    (
        "chip key",
        ["i2c", "0", "chips", 0, "adress"],
        72,
        r"i2c.0.chips\[0\]: unknown key 'adress'",
    ),
    ("chip type", ["i2c", "0", "chips", 0, "address"], "72", "address must be an integer"),
    ("address", ["i2c", "0", "chips", 0, "address"], 120, "address must be 8 to 119"),
    (
        "same address",
        ["i2c", "0", "chips", 1, "address"],
        0x48,
        r"chips\[1\]: address 72 is there",
    ),
    ("inputs", ["i2c", "0", "chips", 0, "inputs"], [None] * 5, "at most 4 inputs"),
    ("same name", ["i2c", "0", "chips", 1, "name"], "adc0", r"chips\[1\]: adc0 is there twice"),
    ("wires", ["spi", "0", "chips", 0, "wires"], 5, "wires must be 2, 3 or 4"),
    (
        "shunt",
        ["i2c", "0", "chips", 0, "shunt_milliohm"],
        0,
        "shunt_milliohm must be 1 to 8000000",
    ),
    ("reference", ["spi", "0", "chips", 0, "rref_milliohm"], 1, "rref_milliohm must be 1000 to"),
    ("rate", ["spi", "0", "chips", 0, "rate_permille"], 99, "rate_permille must be 100 to 10000"),
    ("same pin", ["spi", "0", "chips", 0, "drdy"], 17, "pin 17 is used twice"),
    ("adc", ["adc", "29"], "m1.current", "adc.29: the signal's unit must be uV"),
    ("uart", ["uart"], {"0": {}}, "uart.0: path is missing"),
    ("bus", ["i2c", "0"], [], "i2c.0 must be an object"),
]


@pytest.mark.parametrize(("path", "value", "reason"), [case[1:] for case in CASES])
def test_a_mistake_is_named(wiring: Any, path: list[Any], value: Any, reason: str) -> None:
    target = wiring
    for step in path[:-1]:
        target = target[step]
    target[path[-1]] = value
    with pytest.raises(WiringError, match=reason):
        check_wiring(wiring)


STRAIN: dict[str, Any] = {
    "name": "load0",
    "kind": "hx711",
    "sck": 14,
    "dout": 15,
    "inputs": ["m1.current", None],
    "rate": 80,
}


def test_chips_on_pins_of_their_own_are_built(wiring: Any) -> None:
    wiring["pins"] = [STRAIN]
    check_wiring(wiring)
    hardware = Hardware(wiring, Ticks(), None)  # type: ignore[arg-type]
    assert hardware.wire(14).clocks is hardware.chips["load0"]
    assert hardware.wire(15).level(0) == 1
    assert hardware.inputs["load0/0"].signal.name == "m1.current"
    assert "load0/1" in hardware.inputs


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        ("kind", "max31865", r"pins\[0\]: kind must be one of hx711"),
        ("rate", 20, r"pins\[0\]: rate must be 10 or 80"),
        ("inputs", [None] * 3, "at most 2 inputs"),
        ("inputs", ["x"], "no signal 'x'"),
        ("dout", 17, "pin 17 is used twice"),
        ("sck", 15, "pin 15 is used twice"),
        ("sck", None, "sck must be a pin"),
        ("avdd_millivolt", 1000, "avdd_millivolt must be 2400 to 5500"),
        ("cs", 3, "unknown key 'cs'"),
    ],
)
def test_a_mistake_in_a_chip_on_pins_is_named(
    wiring: Any, key: str, value: Any, reason: str
) -> None:
    wiring["pins"] = [{**STRAIN, key: value}]
    with pytest.raises(WiringError, match=reason):
        check_wiring(wiring)


MOVING: dict[str, Any] = {
    "tacho": {"kind": "tacho", "pin": 2, "inverse": 3, "signal": "m1.current"},
    "contact": {"kind": "contact", "pin": 4, "signal": "m1.current"},
    "iis3dwb": {"kind": "iis3dwb", "cs": 5, "inputs": ["m1.current"], "tone_hz": 900},
    "adxl345": {"kind": "adxl345", "cs": 6, "inputs": [None, "m1.current"]},
    "adxl345 on i2c": {"kind": "adxl345", "address": 83, "inputs": ["m1.current"]},
}


def place(wiring: Any, name: str, **changed: Any) -> None:
    chip = {"name": name, **MOVING[name], **changed}
    if "cs" in chip:
        wiring["spi"]["0"]["chips"].append(chip)
    elif "address" in chip:
        wiring["i2c"]["0"]["chips"].append(chip)
    else:
        wiring.setdefault("pins", []).append(chip)


def test_sensors_of_motion_are_built(wiring: Any) -> None:
    for name in MOVING:
        place(wiring, name)
    check_wiring(wiring)
    hardware = Hardware(wiring, Ticks(), None)  # type: ignore[arg-type]
    assert hardware.wire(2).sensor is hardware.chips["tacho"]
    assert hardware.wire(2).level(0) + hardware.wire(3).level(0) == 1
    assert hardware.inputs["adxl345/1"].signal.name == "m1.current"
    assert [hardware.chips[name].on_i2c for name in ("adxl345", "adxl345 on i2c")] == [
        False,
        True,
    ]


@pytest.mark.parametrize(
    ("name", "changed", "reason"),
    [
        ("tacho", {"pin": 17}, "pin 17 is used twice"),
        ("tacho", {"signal": "x"}, "no signal 'x'"),
        ("tacho", {"teeth": 60}, "unknown key 'teeth'"),
        ("contact", {"inverse": 4}, "pin 4 is used twice"),
        ("contact", {"pin": None}, "pin must be a pin"),
        ("iis3dwb", {"inputs": [None] * 4}, "at most 3 inputs"),
        ("iis3dwb", {"tone_hz": 20_000}, "tone_hz must be 0 to 13000"),
        ("iis3dwb", {"celsius": -60}, "celsius must be -55 to 125"),
        ("iis3dwb", {"features": 6}, "features must be 1 to 5"),
        ("adxl345", {"fills": 0}, "fills must be 1 to 16"),
        ("adxl345 on i2c", {"address": 72}, "address 72 is there twice"),
    ],
)
def test_a_mistake_in_a_sensor_of_motion_is_named(
    wiring: Any, name: str, changed: dict[str, Any], reason: str
) -> None:
    place(wiring, name, **changed)
    with pytest.raises(WiringError, match=reason):
        check_wiring(wiring)


def test_an_accelerometer_needs_what_its_bus_needs(wiring: Any) -> None:
    bare = {"name": "acc", "kind": "adxl345", "inputs": []}
    for bus, key in (("i2c", "address"), ("spi", "cs")):
        changed = copy.deepcopy(wiring)
        changed[bus]["0"]["chips"].append(bare)
        with pytest.raises(WiringError, match=f"{key} is missing"):
            check_wiring(changed)


def test_a_missing_key_is_named(wiring: Any) -> None:
    del wiring["spi"]["0"]["chips"][0]["cs"]
    with pytest.raises(WiringError, match=r"spi.0.chips\[0\]: cs is missing"):
        check_wiring(wiring)


@pytest.mark.parametrize("content", ["", "{", "[]", '"board"'])
def test_a_file_that_is_no_object_is_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "wiring.json"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(WiringError, match=r"cannot be read|must be an object"):
        read_wiring(str(path))


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(WiringError, match=r"nowhere.json cannot be read"):
        read_wiring(str(tmp_path / "nowhere.json"))
