"""Boards that are plugged into a station in software, and what a depot has beside them."""

import hashlib
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from hil.boards import load_board
from hil.interpreter import find_interpreter
from hil.station.practice import firmware_of_boards
from hil.station.tree import Tree, tree_for
from hil.virtual_board import VirtualBoard

PICO = load_board("pico")


def pico_tree() -> Tree:
    return tree_for(PICO)


def link_of(folder: Path, slot: str = "0:1.1") -> Path:
    """Where udev puts the port of a socket."""
    return folder / "by-path" / f"pci-0000:00:14.0-usb-{slot}:1.0"


@contextmanager
def plugged(folder: Path, slot: str = "0:1.1", **options: Any) -> Iterator[VirtualBoard]:
    """A board in that slot of the station in this folder."""
    place = folder / "boards" / slot.replace(":", "-")
    board = VirtualBoard(place, link_of(folder, slot), find_interpreter(), **options)
    try:
        board.plug()
        yield board
    finally:
        board.close()


def firmware_in(files: dict[str, bytes]) -> dict[str, bytes]:
    """The files without what a node notes of its own start, if it got that far."""
    return {path: content for path, content in files.items() if path != "resets"}


def lay_out(folder: Path, files: dict[str, bytes]) -> Path:
    """A folder with these files."""
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def bench_tree_folder(folder: Path) -> Path:
    return firmware_of_boards(folder, find_interpreter())


def uf2(content: bytes, family: int = 0xE48BFF56) -> bytes:
    """An image in blocks of 256 bytes, for RP2040 if not told otherwise."""
    pieces = [content[at : at + 256] for at in range(0, len(content), 256)]
    return b"".join(
        struct.pack(
            "<8I476sI",
            *(0x0A324655, 0x9E5D5157, 0x2000, 0x10000000 + 256 * number, 256, number),
            *(len(pieces), family, piece, 0x0AB16F30),
        )
        for number, piece in enumerate(pieces)
    )


def list_images(folder: Path, *entries: dict[str, Any]) -> Path:
    """A folder of images with its list; `content` of an entry is the file."""
    lines = []
    for entry in entries:
        content = entry.pop("content")
        (folder / entry["file"]).parent.mkdir(parents=True, exist_ok=True)
        (folder / entry["file"]).write_bytes(content)
        entry.setdefault("sha256", hashlib.sha256(content).hexdigest())
        lines.append("[[image]]")
        lines += [f'{key} = "{value}"' for key, value in entry.items()]
    (folder / "images.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")
    return folder


def pico_image(version: str = "1.28.0", family: int = 0xE48BFF56) -> dict[str, Any]:
    """An entry for `list_images`, whose image says that it is this version."""
    return {
        "content": uf2(b"x" * 700 + b"MicroPython v" + version.encode() + b" " * 99, family),
        "file": f"RPI_PICO-v{version}.uf2",
        "board": "pico",
        "chip": "RP2040",
        "micropython": version,
        "source": "tests",
    }
