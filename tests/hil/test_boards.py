"""Boards as data: what is wrong in a board's file or a node's fitting is named with its line."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sensor_faults import CONVERTERS, MOTION, Node

from gateway.profiles import NodeFit, load_profile
from hil.board_check import check_node_file
from hil.boards import board_names, load_board, read_board
from hil.errors import BoardError
from hil.firmware_files import firmware_root
from hil.fitting import fit_node

NODES = load_profile("te33a").nodes
MOTORS = NODES[0]
PICO = firmware_root() / "boards" / "pico.toml"


def configuration(fit: NodeFit = MOTORS, board: str = "pico") -> dict[str, Any]:
    fitted = fit_node(msgspec.structs.replace(fit, board=board), "00", 1)
    copied: dict[str, Any] = json.loads(json.dumps(fitted.configuration))
    return copied


def written(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "node.json"
    path.write_text(json.dumps(content, indent=1), encoding="utf-8")
    return path


def line_with(path: Path, text: str, occurrence: int = 0) -> int:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [number for number, line in enumerate(lines, 1) if text in line][occurrence]


def test_a_node_measures_its_board_as_the_board_can() -> None:
    content = configuration()
    assert content["temperature"] == "adc4"
    assert content["supply"] == {"pin": 29, "full_mv": 9900}
    content = configuration(board="pico_w")
    assert content["temperature"] == "adc4"
    assert "supply" not in content, "the wireless chip has that pin"


def test_there_are_the_four_boards() -> None:
    assert board_names() == ["esp32_devkitc", "esp32_s3_devkitc", "pico", "pico_w"]


@pytest.mark.parametrize("board", board_names())
@pytest.mark.parametrize("fit", NODES, ids=lambda fit: fit.name)
def test_every_node_of_the_profile_fits_every_board(
    tmp_path: Path, board: str, fit: NodeFit
) -> None:
    path = written(tmp_path, configuration(fit, board))
    assert check_node_file(path, fit).id == board


def test_a_node_has_its_boards_pins() -> None:
    assert configuration(board="esp32_devkitc")["spi"] == [
        {"id": 2, "sck": 18, "mosi": 23, "miso": 19, "baud": 1_000_000}
    ]
    assert configuration()["led"] == 25
    assert "led" not in configuration(board="pico_w")


def change_cs(content: dict[str, Any]) -> None:
    content["chips"][3]["cs"] = content["chips"][2]["cs"]


def change_sda(content: dict[str, Any]) -> None:
    content["i2c"][0]["sda"] = 6


def use_reserved(content: dict[str, Any]) -> None:
    content["chips"][2]["cs"] = 23


def name_no_chip(content: dict[str, Any]) -> None:
    content["groups"][0]["channels"][1]["chip"] = "adc9"


def read_no_chip(content: dict[str, Any]) -> None:
    content["chips"].append(dict(content["chips"][2], name="rtd9", cs=28))


def share_an_address(content: dict[str, Any]) -> None:
    content["chips"][1]["address"] = content["chips"][0]["address"]


def name_no_bus(content: dict[str, Any]) -> None:
    content["chips"][2]["spi"] = 1


def use_no_bus(content: dict[str, Any]) -> None:
    content["spi"][0]["id"] = 7


def lose_a_channel(content: dict[str, Any]) -> None:
    content["groups"][0]["channels"].pop()


def use_no_pin(content: dict[str, Any]) -> None:
    content["uart"]["tx"] = 31


def share_the_drivers_pin(content: dict[str, Any]) -> None:
    content["uart"] = {**content["uart"], "de": content["chips"][2]["cs"]}


def use_no_pin_for_the_driver(content: dict[str, Any]) -> None:
    content["uart"] = {**content["uart"], "de": 24}


def measure_itself_elsewhere(content: dict[str, Any]) -> None:
    content["supply"] = {"pin": 28, "full_mv": 9900}


def measure_itself_otherwise(content: dict[str, Any]) -> None:
    content["temperature"] = "mcu"


def use_no_board(content: dict[str, Any]) -> None:
    content["board"] = "arduino"


@pytest.mark.parametrize(
    ("damage", "marked", "occurrence", "words"),
    [
        (change_cs, '"cs": 17', 1, "GP17 is used twice: for cs of rtd1 and for cs of rtd2"),
        (change_sda, '"sda": 6', 0, "i2c 0 cannot have sda on GP6: GP0, GP4"),
        (use_reserved, '"cs": 23', 0, "GP23 is taken on Raspberry Pi Pico: supply"),
        (name_no_chip, '"chip": "adc9"', 0, "there is no chip adc9; there are: adc1, adc2"),
        (read_no_chip, '"name": "rtd9"', 0, "no channel reads chip rtd9"),
        (share_an_address, '"address": 72', 1, "adc1 and adc2 have one address, 0x48"),
        (name_no_bus, '"spi": 1', 0, "chip rtd1 is on spi 1: not there"),
        (use_no_bus, '"id": 7', 0, "has no spi 7; there are: 0, 1"),
        (lose_a_channel, '"groups"', 0, "the channel motor.current at motor 6 is missing"),
        (use_no_pin, '"tx": 31', 0, "Raspberry Pi Pico has no pin GP31"),
        (measure_itself_elsewhere, '"pin": 28', 0, "measures its supply at GP29"),
        (measure_itself_otherwise, '"temperature"', 0, "measures its temperature by adc4"),
        (share_the_drivers_pin, '"cs": 17', 0, "is used twice: for the driver of RS-485 and"),
        (use_no_pin_for_the_driver, '"de": 24', 0, "GP24 is taken on Raspberry Pi Pico"),
        (use_no_board, '"board"', 0, "there is no board arduino; there are: esp32_devkitc"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fitting_that_cannot_be_is_refused_with_file_and_line(
    tmp_path: Path,
    damage: Callable[[dict[str, Any]], None],
    marked: str,
    occurrence: int,
    words: str,
) -> None:
    content = configuration()
    damage(content)
    path = written(tmp_path, content)
    with pytest.raises(BoardError) as refused:
        check_node_file(path, MOTORS)
    place = f"{path}:{line_with(path, marked, occurrence)}: "
    (line,) = [line for line in str(refused.value).splitlines() if words in line]
    assert line.startswith(place)


def sensors(node: Node, board: str = "pico") -> dict[str, Any]:
    """A node with the kinds of sensor that the profile's nodes have not, on their own pins."""
    content: dict[str, Any] = json.loads(json.dumps(node.configuration()))
    wiring = load_board(board).wiring
    content["board"] = board
    content["spi"] = [wiring.spi]
    if load_board(board).port == "esp32":
        chip(content, "wheel")["pin"], chip(content, "axle")["pin"] = wiring.pulses[:2]
        chip(content, "axle")["inverse"] = wiring.pulses[2]
        content["i2c"] = [{**wiring.i2c, "id": 0}, {"id": 1, "freq": 400_000}]
        content["i2c"][1] |= {"scl": wiring.chip_selects[0], "sda": wiring.chip_selects[1]}
        pins = wiring.chip_selects[2:]
        chip(content, "vib")["cs"], chip(content, "trend")["cs"] = pins[:2]
        chip(content, "contact")["pin"], chip(content, "contact")["inverse"] = pins[2:]
        for one in content["chips"]:
            one |= {"spi": wiring.spi["id"]} if "spi" in one else {}
    return content


def chip(content: dict[str, Any], name: str) -> dict[str, Any]:
    return next(one for one in content["chips"] if one["name"] == name)


@pytest.mark.parametrize("board", board_names())
def test_every_kind_of_sensor_is_possible(tmp_path: Path, board: str) -> None:
    check_node_file(written(tmp_path, sensors(MOTION, board)))
    if board.startswith("pico"):
        check_node_file(written(tmp_path, sensors(CONVERTERS, board)))


@pytest.mark.parametrize(
    ("node", "name", "key", "value", "words"),
    [
        (MOTION, "axle", "inverse", 10, "GP10 is used twice: for pin of wheel and for inverse of"),
        (MOTION, "contact", "pin", 23, "GP23 is taken on Raspberry Pi Pico: supply"),
        (MOTION, "axle", "unit", 0, "state machine 0 is used twice: for wheel and for axle"),
        (MOTION, "axle", "unit", 8, "Raspberry Pi Pico has no state machine 8: 0 to 7"),
        (MOTION, "vib", "cs", 18, "GP18 is used twice: for sck of spi 0 and for cs of vib"),
        (MOTION, "trend", "cs", 17, "GP17 is used twice: for cs of vib and for cs of trend"),
        (MOTION, "acc", "i2c", 2, "chip acc is on i2c 2: not there"),
        (CONVERTERS, "hx", "dout", 14, "GP14 is used twice: for sck of hx and for dout of hx"),
        (CONVERTERS, "hx", "sck", 31, "Raspberry Pi Pico has no pin GP31"),
        (CONVERTERS, "hx", "sm", 9, "Raspberry Pi Pico has no state machine 9: 0 to 7"),
        (CONVERTERS, "ratio", "supply_input", 1, "input of ratio measures the supply"),
    ],
)
def test_what_a_sensor_cannot_have_is_refused_with_file_and_line(
    tmp_path: Path, node: Node, name: str, key: str, value: int, words: str
) -> None:
    content = sensors(node)
    chip(content, name)[key] = value
    path = written(tmp_path, content)
    with pytest.raises(BoardError) as refused:
        check_node_file(path)
    (line,) = [line for line in str(refused.value).splitlines() if words in line]
    number = int(line.removeprefix(f"{path}:").partition(":")[0])
    there = path.read_text(encoding="utf-8").splitlines()[number - 1].strip().rstrip(",")
    expected = f'"input": {value}' if key == "supply_input" else f'"{key}": {value}'
    assert there == expected


def test_a_state_machine_that_counts_for_one_chip_clocks_no_other(tmp_path: Path) -> None:
    content = sensors(MOTION)
    strain = chip(sensors(CONVERTERS), "hx") | {"sck": 8, "dout": 9, "sm": 1}
    content["chips"].append(strain)
    content["groups"][0]["channels"].append(
        content["groups"][0]["channels"][0] | {"chip": "hx", "input": 0}
    )
    with pytest.raises(BoardError, match="state machine 1 is used twice: for axle and for hx"):
        check_node_file(written(tmp_path, content))


def test_two_chips_with_one_fixed_address_need_two_buses(tmp_path: Path) -> None:
    content = sensors(CONVERTERS)
    content["chips"].append(dict(chip(content, "nau"), name="nau2"))
    content["groups"][3]["channels"].append(
        dict(content["groups"][3]["channels"][0], chip="nau2", input=0)
    )
    path = written(tmp_path, content)
    with pytest.raises(BoardError, match="chips nau and nau2 have one address, 0x2a"):
        check_node_file(path)
    content["chips"][-1]["i2c"] = 1
    check_node_file(written(tmp_path, content))


def test_an_esp32_counts_pulses_and_has_no_state_machines(tmp_path: Path) -> None:
    content = sensors(MOTION, "esp32_s3_devkitc")
    chip(content, "axle")["unit"] = 4
    with pytest.raises(BoardError, match="has no PCNT unit 4: 0 to 3"):
        check_node_file(written(tmp_path, content))
    content = sensors(MOTION, "esp32_devkitc")
    kept = chip(sensors(CONVERTERS), "hx") | {"sm": 0, "sck": 4, "dout": 35}
    content["chips"] = [kept]
    content["groups"] = [{"period_ms": 100, "channels": [{"chip": "hx", "input": 0}]}]
    content["spi"] = content["i2c"] = []
    with pytest.raises(BoardError) as refused:
        check_node_file(written(tmp_path, content))
    assert "ESP32-DevKitC V4 has no state machines: leave sm out" in str(refused.value)
    assert "IO35 has no pull-up, which tells a chip that is not there" in str(refused.value)


def test_a_pin_that_only_reads_drives_nothing(tmp_path: Path) -> None:
    content = configuration(board="esp32_devkitc")
    content["chips"][2]["cs"] = 35
    path = written(tmp_path, content)
    with pytest.raises(BoardError, match="IO35 cannot drive a line: input only"):
        check_node_file(path)


def test_a_strapping_pin_is_refused(tmp_path: Path) -> None:
    content = configuration(board="esp32_devkitc")
    content["chips"][2]["cs"] = 12
    path = written(tmp_path, content)
    with pytest.raises(BoardError, match=r"IO12 is taken on .*strapping"):
        check_node_file(path)


def test_text_that_is_no_json_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "node.json"
    path.write_text('{"node": "motors-a",\n"board" "pico"}', encoding="utf-8")
    with pytest.raises(BoardError, match=f"{path}:2: "):
        check_node_file(path)


@pytest.mark.parametrize(
    ("line", "instead", "marked", "words"),
    [
        ('chip = "RP2040"', 'colour = "green"', "colour", "unknown field `colour`"),
        ('chip = "RP2040"', "", "", "missing required field `chip`"),
        ("sck = [2, 6, 18, 22]", "sck = [2, 6]", "spi = {", "spi 0 cannot have sck on GP18: GP2"),
        ("pulses = [10,", "pulses = [17,", "pulses", "GP17 is used twice: chip_selects has it"),
        ("chip_selects = [17,", "chip_selects = [24,", "chip_selects", "GP24 is taken on"),
        ("mosi = [11, 15, 27]", "mosi = [11, 47]", "mosi = [11, 47]", "has no pin GP47"),
        ("supply = { pin = 29,", "supply = { pin = 30,", "supply", "has no pin GP30"),
        ('port = "rp2"', 'port = "stm32"', "port =", "Invalid enum value 'stm32'"),
        ('id = "pico"', 'id = "pica"', "id =", "the file's name says pico, its id pica"),
        ("rs485_enable = 2", "rs485_enable = ", "rs485_enable", "Invalid"),
    ],
)
def test_a_boards_file_that_is_wrong_is_refused_with_its_line(
    tmp_path: Path, line: str, instead: str, marked: str, words: str
) -> None:
    text = PICO.read_text(encoding="utf-8")
    assert text.count(line) == 1
    path = tmp_path / "pico.toml"
    path.write_text(text.replace(line, instead), encoding="utf-8")
    with pytest.raises(BoardError) as refused:
        read_board(path)
    assert words in str(refused.value)
    assert str(refused.value).startswith(f"{path}:{line_with(path, marked)}: ")


@pytest.mark.parametrize("board", board_names())
def test_every_pin_on_the_header_is_a_pin_once(board: str) -> None:
    header = load_board(board).header
    pins = [pin for pin in (*header.left, *header.right) if isinstance(pin, int)]
    assert len(pins) == len(set(pins))
