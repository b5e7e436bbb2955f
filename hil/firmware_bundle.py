"""Makes bundles of firmware for the field, and the keys that they are signed with.

A bundle has what a slot holds (firmware/boards/slots.py): all that a board gets but what picks the
slot, and what only people read. Key files hold 64 hexadecimal digits, as those of nodes.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from gateway.update.bundle import KEY_BYTES, PACKAGES, new_key, pack, public_key, sign
from hil.boards import Board
from hil.errors import BuildError
from hil.firmware_build import (
    Compiler,
    compiled,
    files_for,
    firmware_release,
    firmware_version,
)

__all__ = ["bundle", "make_key", "read_signing_key", "slot_files"]

_ABOUT = "axnode/__init__.py"


def bundle(board: Board, key: bytes, compiler: Compiler, minimum: int = 1) -> bytes:
    """The firmware that comes with this axlebox for a board, signed. Raises BuildError."""
    sources = files_for(board.port)
    contents, _ = compiled(sources, board.architecture.value, compiler)
    about = sources[_ABOUT]
    unsigned = pack(
        board.id, firmware_version(about), firmware_release(about), minimum, slot_files(contents)
    )
    return sign(unsigned, key)


def slot_files(contents: Mapping[str, bytes]) -> dict[str, bytes]:
    """Those of a board's files that lie in a slot."""
    return {path: data for path, data in contents.items() if path.split("/")[0] in PACKAGES}


def make_key(path: Path) -> str:
    """Write a new private key, for its owner's eyes alone; returns the public one in hex.

    Raises BuildError; a file that is there stays as it is.
    """
    key = new_key()
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise BuildError(f"{path}: {error.strerror}; name a new file") from None
    with os.fdopen(file, "w", encoding="ascii") as writer:
        writer.write(key.hex() + "\n")
    return public_key(key).hex()


def read_signing_key(path: Path) -> bytes:
    """A private key from its file. Raises BuildError, which never shows it."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise BuildError(
            f"{path} must be a file of {2 * KEY_BYTES} hex digits and nothing else; "
            "`axlebox firmware keygen` makes one"
        )
    if path.stat().st_mode & 0o077:
        raise BuildError(f"others can read {path}; run: chmod 600 {path}")
    return key
