"""The folder of MicroPython images, one a kind of board, with a list of what they must be.

`images.toml` says of each file its SHA-256, board, chip, MicroPython's version and where it came
from. Nothing is fetched: whoever fills the folder copies the sums from where the files come from.
An image is read whole and checked against the list, and for the chip that it was built for.
"""

import hashlib
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.errors import explain
from hil.boards import Board
from hil.station.errors import StationError
from hil.station.uf2 import chip_of_uf2

__all__ = ["LIST", "Image", "find_image", "read_image_file"]

LIST = "images.toml"

_ESP_MAGIC = 0xE9
_ESP_CHIP_AT = 12
_ESP_CHIPS = {0: "ESP32", 2: "ESP32-S2", 5: "ESP32-C3", 9: "ESP32-S3", 13: "ESP32-C6"}
"""`chip_id` of an image's header (esptool's documentation, Firmware Image Format)."""


class Image(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An entry of the list. `board` is a file of firmware/boards; `offset` is where an ESP32's
    image goes in its flash, in bytes."""

    file: str
    sha256: str
    board: str
    chip: str
    micropython: str
    source: str
    offset: int | None = None

    @property
    def version(self) -> tuple[int, ...]:
        return tuple(int(part) for part in self.micropython.split("."))


class _List(Struct, frozen=True, forbid_unknown_fields=True):
    image: list[Image]


def find_image(folder: Path, board: Board) -> Image:
    """The newest image for this board in the list. Raises StationError."""
    path = folder / LIST
    try:
        images = msgspec.toml.decode(path.read_bytes(), type=_List).image
        found = [image for image in images if image.board == board.id]
        newest = max(found, key=lambda image: image.version, default=None)
    except OSError as error:
        raise StationError(
            f"{path} cannot be read ({error.strerror})", "Name the folder of images with --images"
        ) from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise StationError(
            f"{path}: {explain(str(error), 'docs/station.md')}", "Correct the list of images"
        ) from None
    if newest is None:
        raise StationError(f"{path} has no image for {board.title}", "Add one to the folder")
    if newest.chip != board.chip:
        raise StationError(
            f"{path} says {newest.file} is for {newest.chip}, but {board.title} has {board.chip}",
            "Correct the list of images",
        )
    return newest


def read_image_file(folder: Path, image: Image) -> bytes:
    """Its content, which is what the list says. Raises StationError."""
    path = folder / image.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StationError(
            f"{path} cannot be read ({error.strerror})", "Copy the image into the folder again"
        ) from None
    if hashlib.sha256(data).hexdigest() != image.sha256.lower():
        raise StationError(
            f"{path} is not the file that {LIST} lists: its SHA-256 differs",
            "Copy the image into the folder again",
        )
    try:
        chip = chip_of_uf2(data) if path.suffix == ".uf2" else _chip_of_esp(data)
    except ValueError as error:
        raise StationError(
            f"{path} is no image that a board can run: {error}", "Get it again from its source"
        ) from None
    if chip != image.chip:
        raise StationError(
            f"{path} is an image for {chip}, not for {image.chip}",
            f"Put the image for {image.chip} into the folder and into {LIST}",
        )
    return data


def _chip_of_esp(data: bytes) -> str:
    """The chip that an image for an ESP32 is for. Raises ValueError."""
    if len(data) <= _ESP_CHIP_AT + 1 or data[0] != _ESP_MAGIC:
        raise ValueError("it does not begin as one")
    number = int.from_bytes(data[_ESP_CHIP_AT : _ESP_CHIP_AT + 2], "little")
    if number not in _ESP_CHIPS:
        raise ValueError(f"it is for chip number {number}, which is unknown here")
    return _ESP_CHIPS[number]
