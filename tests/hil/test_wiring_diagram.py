"""The diagrams of docs/wiring.md are what the board files and the profile say now."""

import ast
import re
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from sensor_faults import CONVERTERS, MOTION

from gateway.profiles import load_profile
from hil.boards import board_names, load_board
from hil.firmware_files import firmware_root
from hil.fitting import fit_node
from hil.sensor_wiring import SENSORS, Sensor, connections, place, spare_pins
from hil.wiring_diagram import PROFILE, diagram

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("board", board_names())
def test_the_diagram_in_the_documents_is_drawn_from_the_files_of_today(board: str) -> None:
    drawn = (DOCS / "wiring" / f"{board}.svg").read_text(encoding="utf-8")
    assert drawn == diagram(load_board(board), load_profile(PROFILE)), (
        "draw it again: python -m hil.wiring_diagram"
    )


@pytest.mark.parametrize("board", board_names())
def test_the_document_shows_every_board(board: str) -> None:
    text = (DOCS / "wiring.md").read_text(encoding="utf-8")
    assert f"](wiring/{board}.svg)" in text


def test_no_other_diagram_is_left() -> None:
    assert sorted(path.stem for path in (DOCS / "wiring").iterdir()) == board_names()


@pytest.mark.parametrize("name", board_names())
def test_a_diagram_shows_every_contact_chip_and_channel(name: str) -> None:
    board = load_board(name)
    root = ElementTree.fromstring(diagram(board, load_profile(PROFILE)))
    words = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for entry in (*board.header.left, *board.header.right):
        assert (board.name(entry) if isinstance(entry, int) else entry) in words
    for fit in load_profile(PROFILE).nodes:
        fitted = fit_node(msgspec.structs.replace(fit, board=name), "", 0).configuration
        for chip in fitted["chips"]:
            assert chip["name"] in words
            if "cs" in chip:
                assert f"SPI {chip['spi']}, CS to {board.name(chip['cs'])}" in words
        for group in fitted["groups"]:
            for channel in group["channels"]:
                what = channel["quantity"].rpartition(".")[2].replace("_", " ")
                assert any(one.endswith(f"{channel['place']}: {what}") for one in words)


@pytest.mark.parametrize("name", board_names())
def test_a_diagram_shows_how_every_kind_of_sensor_is_connected(name: str) -> None:
    board = load_board(name)
    root = ElementTree.fromstring(diagram(board, load_profile(PROFILE)))
    words = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    kinds = {
        path.stem
        for path in (firmware_root() / "drivers").glob("*.py")
        if "\ndef make(" in path.read_text(encoding="utf-8")
    }
    assert {sensor.kind for sensor in SENSORS} == kinds
    for sensor in SENSORS:
        assert sensor.title in words
        assert sensor.beside in words
        assert connections(board, sensor) in words
    i2c = board.wiring.i2c
    assert f"SCL to {board.name(i2c['scl'])}, SDA to {board.name(i2c['sda'])}" in words


@pytest.mark.parametrize("sensor", SENSORS, ids=lambda sensor: sensor.kind)
def test_the_document_names_every_setting_of_a_kind(sensor: Sensor) -> None:
    source = (firmware_root() / "drivers" / f"{sensor.kind}.py").read_text(encoding="utf-8")
    settings = next(
        node.value
        for node in ast.parse(source).body
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "SETTINGS"
    )
    assert isinstance(settings, ast.Dict)
    keys = {ast.literal_eval(key) for key in settings.keys if key is not None}
    if "SETTINGS.update(LIMITS)" in source:
        keys |= {"lowest", "highest"}
    text = (DOCS / "wiring.md").read_text(encoding="utf-8")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{sensor.kind}` |"))
    assert set(re.findall(r"`([a-z_0-9]+)`", row)) - {sensor.kind, "up"} == keys


def test_where_a_chip_of_a_node_is_connected() -> None:
    board = load_board("pico")
    chips = CONVERTERS.configuration()["chips"] + MOTION.configuration()["chips"]
    assert {chip["name"]: place(board, chip) for chip in chips} == {
        "loops": "I2C 1, address 0x48: ADDR to GND",
        "more": "I2C 1, address 0x49: ADDR to VDD",
        "near": "I2C 0, address 0x48: ADDR to GND",
        "ratio": "I2C 0, address 0x48: ADDR to GND",
        "couple": "SPI 0, CS to GP17",
        "rtd": "SPI 0, CS to GP20",
        "nau": "I2C 0, address 0x2a",
        "hx": "PD_SCK to GP14, DOUT to GP15",
        "vib": "SPI 0, CS to GP17",
        "acc": "I2C 0, address 0x53",
        "trend": "SPI 0, CS to GP20",
        "wheel": "signal to GP10",
        "axle": "signal to GP11, inverse to GP12",
        "contact": "signal to GP13, inverse to GP14",
    }


@pytest.mark.parametrize("name", board_names())
def test_pins_called_free_are_free_and_can_drive_a_line(name: str) -> None:
    board = load_board(name)
    wiring = board.wiring
    used = {*wiring.pulses, *wiring.chip_selects, wiring.rs485_enable}
    for keys in (wiring.uart, wiring.i2c, wiring.spi):
        used |= {pin for key, pin in keys.items() if key not in ("id", "baud", "freq")}
    for pin in spare_pins(board):
        assert pin not in used
        assert board.refusal(pin, drives=True) is None


@pytest.mark.parametrize("name", board_names())
def test_no_words_lie_on_others(name: str) -> None:
    """Of two on one line, the second begins behind the end of the first."""
    root = ElementTree.fromstring(diagram(load_board(name), load_profile(PROFILE)))
    lines: dict[int, list[tuple[float, float, str]]] = {}
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        x, size = int(element.attrib["x"]), int(element.attrib["font-size"])
        run = 0.62 * size * len(element.text or "")
        begin = {"start": x, "middle": x - run / 2, "end": x - run}[element.attrib["text-anchor"]]
        lines.setdefault(int(element.attrib["y"]), []).append(
            (begin, begin + run, element.text or "")
        )
    for line in lines.values():
        for (_, end, first), (begin, _, second) in pairwise(sorted(line)):
            assert end <= begin, (first, second)


@pytest.mark.parametrize("name", board_names())
def test_no_words_run_out_of_a_diagram(name: str) -> None:
    """At 0.62 of its size for a letter, which a bold sans-serif does not exceed on average."""
    root = ElementTree.fromstring(diagram(load_board(name), load_profile(PROFILE)))
    width = int(root.attrib["width"])
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        x, size = int(element.attrib["x"]), int(element.attrib["font-size"])
        run = 0.62 * size * len(element.text or "")
        begin = {"start": x, "middle": x - run / 2, "end": x - run}[element.attrib["text-anchor"]]
        assert begin >= 0, element.text
        assert begin + run <= width, element.text


def test_another_pin_changes_the_diagram() -> None:
    board = load_board("pico")
    moved = msgspec.structs.replace(
        board, wiring=msgspec.structs.replace(board.wiring, pulses=[3, 11, 12, 13, 14, 15])
    )
    before, after = (diagram(one, load_profile(PROFILE)) for one in (board, moved))
    assert re.findall(">free<", before) == re.findall(">free<", after)
    assert before != after
