"""A node's own files as its board wants them: each in two copies (firmware/axnode/store.py)."""

import json
from binascii import crc32
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from axwire.cose import KEY_BYTES

from hil.errors import BoardError

__all__ = [
    "CONFIGURATION_FILE",
    "KEY_FILE",
    "copy_of",
    "encode",
    "lay_out_node",
    "parse_copy",
    "read_key",
    "write_copies",
]

CONFIGURATION_FILE = "node.json"
KEY_FILE = "node.key"


def lay_out_node(folder: Path, configuration: Mapping[str, Any], key: bytes) -> None:
    """Make the board whose files lie in `folder` this node."""
    write_copies(folder, CONFIGURATION_FILE, encode(configuration))
    write_copies(folder, KEY_FILE, key.hex().encode() + b"\n", mode=0o600)


def read_key(path: Path) -> bytes:
    """A key from a file of hexadecimal digits. Raises BoardError, which never shows it."""
    try:
        key = bytes.fromhex(path.read_text(encoding="ascii").strip())
    except (OSError, ValueError):
        key = b""
    if len(key) != KEY_BYTES:
        raise BoardError(f"{path} must be a file of {2 * KEY_BYTES} hex digits and nothing else")
    return key


def encode(configuration: Mapping[str, Any]) -> bytes:
    """The bytes of a configuration, whose CRC-32 is its number."""
    return json.dumps(configuration).encode()


def write_copies(
    folder: Path, name: str, content: bytes, generation: int = 1, mode: int = 0o644
) -> None:
    """Both copies of a file, alike."""
    for number in (0, 1):
        path = folder / f"{name}.{number}"
        path.touch(mode=mode)
        path.write_bytes(copy_of(content, generation))


def copy_of(content: bytes, generation: int = 1) -> bytes:
    """What a copy of that generation consists of."""
    head = f"AXC1 {generation} {len(content)} ".encode()
    return head + b"%08x\n" % crc32(content, crc32(head)) + content


def parse_copy(data: bytes | None) -> tuple[int, bytes] | None:
    """Generation and content of a copy; None for one that is missing or damaged."""
    head, _, content = (data or b"").partition(b"\n")
    try:
        _, generation, length, _ = head.split()
        number = int(generation)
        if len(content) == int(length) and number > 0 and copy_of(content, number) == data:
            return number, content
    except ValueError:
        pass
    return None
