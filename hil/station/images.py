"""The folder of MicroPython images, one a kind of board, with a list of what they must be.

`images.toml` says of each file its SHA-256, board, chip, MicroPython's version and where it came
from. Nothing is fetched: whoever fills the folder copies the sums from where the files come from.
An image is read whole and checked against the list, and for the chip that it was built for.
"""

import hashlib
import re
from pathlib import Path

import msgspec
from msgspec import Struct

from gateway.errors import explain
from hil.boards import Board
from hil.station.errors import StationError
from hil.station.uf2 import chip_of_uf2

__all__ = ["LIST", "Image", "find_image", "read_image_file", "read_list"]

LIST = "images.toml"

_VERSION = re.compile(r"\d+(\.\d+){1,3}")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}")

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


def read_list(folder: Path) -> list[Image]:
    """What the folder's list says, whatever boards it is for. Raises StationError."""
    path = folder / LIST
    try:
        images = msgspec.toml.decode(path.read_bytes(), type=_List).image
    except FileNotFoundError:
        raise StationError(
            f"there is no list of images {path}",
            f"Name the folder that has {LIST} with --images, or write that list: docs/station.md",
            code="images_folder",
        ) from None
    except OSError as error:
        raise StationError(
            f"{path} cannot be read ({error.strerror})",
            "Let this user read the folder of images, or name another one with --images",
            code="images_folder",
        ) from None
    except (msgspec.MsgspecError, ValueError) as error:
        raise _wrong_list(path, explain(str(error), "docs/station.md")) from None
    for number, image in enumerate(images, 1):
        which = f"image {number}, {image.file}"
        if not _VERSION.fullmatch(image.micropython):
            raise _wrong_list(
                path, f'{which}: micropython is a version as "1.28.0", not "{image.micropython}"'
            )
        if not _SHA256.fullmatch(image.sha256):
            raise _wrong_list(path, f"{which}: sha256 is not 64 hex digits")
    return images


def find_image(folder: Path, board: Board) -> Image:
    """The newest image for this board in the list. Raises StationError."""
    path = folder / LIST
    images = read_list(folder)
    found = [image for image in images if image.board == board.id]
    newest = max(found, key=lambda image: image.version, default=None)
    if newest is None:
        others = ", ".join(sorted({image.board for image in images})) or "no board"
        raise StationError(
            f'{path} has no image for {board.title}, board = "{board.id}"; it has for {others}',
            f"Copy one into the folder and add it to {LIST}",
            code="no_image",
        )
    if newest.chip != board.chip:
        raise _wrong_list(
            path, f"{newest.file} is for {newest.chip}, but {board.title} has {board.chip}"
        )
    return newest


def read_image_file(folder: Path, image: Image) -> bytes:
    """Its content, which is what the list says. Raises StationError."""
    path = folder / image.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise StationError(
            f"{path} cannot be read ({error.strerror}), but {LIST} lists it",
            "Copy the image into the folder again",
            code="image_missing",
        ) from None
    if hashlib.sha256(data).hexdigest() != image.sha256.lower():
        raise StationError(
            f"{path} is not the file that {LIST} lists: its SHA-256 differs",
            f"Copy the image into the folder again; if that does not help, correct {LIST} by "
            "the sum that its source states",
            code="image_differs",
        )
    try:
        chip = chip_of_uf2(data) if path.suffix == ".uf2" else _chip_of_esp(data)
    except ValueError as error:
        raise StationError(
            f"{path} is no image that a board can run: {error}",
            f"Get it again from its source, and its sum for {LIST}",
            code="wrong_image",
        ) from None
    if chip != image.chip:
        raise StationError(
            f"{path} is an image for {chip}, not for {image.chip}",
            f"Put the image for {image.chip} into the folder and into {LIST}",
            code="wrong_image",
        )
    return data


def _wrong_list(path: Path, what: str) -> StationError:
    return StationError(f"{path}: {what}", "Correct the list of images", code="images_list")


def _chip_of_esp(data: bytes) -> str:
    """The chip that an image for an ESP32 is for. Raises ValueError."""
    if len(data) <= _ESP_CHIP_AT + 1 or data[0] != _ESP_MAGIC:
        raise ValueError("it does not begin as one")
    number = int.from_bytes(data[_ESP_CHIP_AT : _ESP_CHIP_AT + 2], "little")
    if number not in _ESP_CHIPS:
        raise ValueError(f"it is for chip number {number}, which is unknown here")
    return _ESP_CHIPS[number]
