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
    ("unknown key", ["wlan"], 1, r"the wiring file: unknown key 'wlan'; known: adc, freq_hz"),
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
