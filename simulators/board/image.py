"""Fills a flash image with files and reads them back: LittleFS as the board's own start makes it.

Run by the interpreter on the host's behalf (hil/flash_image.py), beside no board.
"""

import os
import time  # noqa: F401 Loaded here: imports within imports soon take up the stack.

from simulators.board import descriptors
from simulators.board.boot import PROGRAM_BYTES
from simulators.board.flash import NorFlash

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    vfs: Any
else:
    import vfs

_FOLDER = 0x4000


def pack(image: str, blocks: int, folder: str) -> None:
    """Make a file system in the image and copy the folder's content into it."""
    flash = NorFlash(descriptors, 0, image, blocks)
    vfs.VfsLfs2.mkfs(flash, progsize=PROGRAM_BYTES)
    _copy_in(vfs.VfsLfs2(flash, progsize=PROGRAM_BYTES), folder, "")


def unpack(image: str, blocks: int, folder: str) -> None:
    """Copy what is in the image into the folder. Raises OSError where it cannot be mounted."""
    flash = NorFlash(descriptors, 0, image, blocks)
    _copy_out(vfs.VfsLfs2(flash, progsize=PROGRAM_BYTES), "", folder)


def _copy_in(files: "Any", folder: str, path: str) -> None:
    for entry in os.ilistdir(folder):  # type: ignore[attr-defined]
        source, target = folder + "/" + entry[0], path + "/" + entry[0]
        if entry[1] == _FOLDER:
            files.mkdir(target)
            _copy_in(files, source, target)
        else:
            with open(source, "rb") as reader, files.open(target, "wb") as writer:
                writer.write(reader.read())


def _copy_out(files: "Any", path: str, folder: str) -> None:
    for entry in files.ilistdir(path or "/"):
        source, target = path + "/" + entry[0], folder + "/" + entry[0]
        if entry[1] == _FOLDER:
            os.mkdir(target)
            _copy_out(files, source, target)
        else:
            with files.open(source, "rb") as reader, open(target, "wb") as writer:
                writer.write(reader.read())
