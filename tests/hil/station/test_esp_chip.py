"""esptool itself puts MicroPython on an ESP32, through the loader that the chip has."""

import random
from pathlib import Path
from typing import Any

import pytest
from esp_loader import ESP32, ESP32_S3, EspLoader
from station_boards import firmware_in, link_of, list_images, plugged

from hil.boards import load_board
from hil.station.errors import ContactError, StationError
from hil.station.flash import flash_firmware, verify_firmware
from hil.station.micropython import install_micropython
from hil.station.tree import tree_for
from hil.virtual_board import ESP32 as VIRTUAL_ESP32

DEVKIT = load_board("esp32_devkitc")
S3 = load_board("esp32_s3_devkitc")
_WRITES = {0x02, 0x03, 0x10, 0x11}


def image(chip: str = "ESP32", number: int = 0, board: str = "esp32_devkitc") -> dict[str, Any]:
    """An entry for `list_images` with the header of an image and 40,000 bytes behind."""
    header = bytes((0xE9, 3, 0, 0x20, 0, 0, 0, 0x40, 0xEE, 0, 0, 0, number, 0)) + bytes(10)
    return {
        "content": header + random.Random(1).randbytes(40_000) + bytes(20_000),
        "file": f"{board}.bin",
        "board": board,
        "chip": chip,
        "micropython": "1.28.0",
        "source": "tests",
    }


def test_the_image_is_written_and_read_back(tmp_path: Path):
    entry = image()
    content = entry["content"]
    images = list_images(tmp_path / "images", entry)
    with EspLoader(link_of(tmp_path)) as chip:
        assert install_micropython(str(link_of(tmp_path)), DEVKIT, images)
        assert chip.flash[0x1000 : 0x1000 + len(content)] == content
        assert set(chip.flash[:0x1000]) == {0xFF}
        assert chip.written == len(content)
        assert 0x13 in chip.commands


def test_an_image_that_is_there_already_is_not_written_again(tmp_path: Path):
    entry = image()
    content = entry["content"]
    images = list_images(tmp_path / "images", entry)
    with EspLoader(link_of(tmp_path)) as chip:
        chip.flash[0x1000 : 0x1000 + len(content)] = content
        install_micropython(str(link_of(tmp_path)), DEVKIT, images)
        assert chip.written == 0


def test_an_s3_is_told_by_its_number_and_has_its_image_at_the_beginning(tmp_path: Path):
    entry = image("ESP32-S3", 9, "esp32_s3_devkitc")
    content = entry["content"]
    images = list_images(tmp_path / "images", entry)
    with EspLoader(link_of(tmp_path), ESP32_S3) as chip:
        install_micropython(str(link_of(tmp_path)), S3, images)
        assert chip.flash[: len(content)] == content


@pytest.mark.parametrize(
    ("there", "kind", "entry"),
    [
        (ESP32_S3, DEVKIT, image()),
        (ESP32, S3, image("ESP32-S3", 9, "esp32_s3_devkitc")),
    ],
)
def test_another_chip_is_refused_before_anything_is_written(
    tmp_path: Path, there: Any, kind: Any, entry: dict[str, Any]
):
    images = list_images(tmp_path / "images", dict(entry))
    with EspLoader(link_of(tmp_path), there) as chip:
        with pytest.raises(StationError, match=f"is {there.name}, not {kind.chip}"):
            install_micropython(str(link_of(tmp_path)), kind, images)
        assert not _WRITES & set(chip.commands)


def test_an_image_for_another_chip_is_refused_before_the_board_is_asked(tmp_path: Path):
    images = list_images(tmp_path / "images", image("ESP32", 9))
    with EspLoader(link_of(tmp_path)) as chip:
        with pytest.raises(StationError, match="is an image for ESP32-S3, not for ESP32"):
            install_micropython(str(link_of(tmp_path)), DEVKIT, images)
        assert not chip.commands


def test_a_flash_that_does_not_hold_what_is_written_is_found(tmp_path: Path):
    images = list_images(tmp_path / "images", image())
    with (
        EspLoader(link_of(tmp_path), stuck=0x2345),
        pytest.raises(StationError, match="does not hold what was written"),
    ):
        install_micropython(str(link_of(tmp_path)), DEVKIT, images)


def test_a_cable_that_is_pulled_leaves_a_chip_that_can_be_written(tmp_path: Path):
    entry = image()
    content = entry["content"]
    images = list_images(tmp_path / "images", entry)
    port = str(link_of(tmp_path))
    with EspLoader(link_of(tmp_path)) as chip:
        install_micropython(port, DEVKIT, images)
        steps = len(chip.commands)
    flash = bytearray(b"\xff" * len(chip.flash))
    for cut in range(8, steps, steps // 8):
        link_of(tmp_path).unlink()
        with EspLoader(link_of(tmp_path), cut_after=cut) as chip:
            chip.flash[:] = flash
            with pytest.raises(ContactError, match="Plug it in and begin again"):
                install_micropython(port, DEVKIT, images)
            flash = chip.flash
    link_of(tmp_path).unlink()
    with EspLoader(link_of(tmp_path)) as chip:
        chip.flash[:] = flash
        install_micropython(port, DEVKIT, images)
        assert chip.flash[0x1000 : 0x1000 + len(content)] == content


def test_without_a_board_it_says_so(tmp_path: Path):
    images = list_images(tmp_path / "images", image())
    with pytest.raises(ContactError, match="there is no board"):
        install_micropython(str(link_of(tmp_path)), DEVKIT, images)


def test_an_esp32_gets_its_own_firmware(tmp_path: Path):
    with plugged(tmp_path, kind=VIRTUAL_ESP32) as board:
        flash_firmware(str(board.link), DEVKIT, tree_for(DEVKIT))
        verify_firmware(str(board.link), DEVKIT, tree_for(DEVKIT))
        board.unplug()
        assert firmware_in(board.files(tmp_path / "files")) == tree_for(DEVKIT).files
