"""Files that must outlive everything, each in two copies: `<name>.0` and `<name>.1`.

    AXC1 <generation> <length> <CRC-32>     one line of text, then so many bytes

Generations count from 1; the CRC-32, 8 hexadecimal digits, is that of the line up to itself and of
the bytes. Of two whole copies the higher generation counts. A write goes into one copy and is read
back; the other is not touched, so that a power cut anywhere leaves a whole one.
"""

from binascii import crc32

from micropython import const

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_HEAD_CAP = const(48)
_CHUNK = const(256)


def survey(name: str) -> "list[int]":
    """The generation of each of the two copies; 0 for one that is damaged or missing."""
    return [_generation(_path(name, copy)) for copy in (0, 1)]


def newest(generations: "list[int]") -> int:
    """Which copy counts, of those that `survey` found; -1: none."""
    if not any(generations):
        return -1
    return 0 if generations[0] >= generations[1] else 1


def read(name: str, copy: int) -> bytes:
    """The bytes of a copy that is whole. Raises OSError."""
    with open(_path(name, copy), "rb") as file:
        file.readline(_HEAD_CAP)
        data: bytes = file.read()
        return data


def write(name: str, copy: int, generation: int, source: "Any") -> bool:
    """Make a copy of all that is in the binary stream `source`; whether it is whole afterwards."""
    path = _path(name, copy)
    try:
        length = source.seek(0, 2)
        start = b"AXC1 %d %d " % (generation, length)
        source.seek(0)
        crc, _ = _sum(source, crc32(start))
        source.seek(0)
        with open(path, "wb") as file:
            file.write(start + b"%08x\n" % crc)
            chunk = source.read(_CHUNK)
            while chunk:
                file.write(chunk)
                chunk = source.read(_CHUNK)
    except OSError:
        return False
    return _generation(path) == generation


def _generation(path: str) -> int:
    """That of a whole copy; 0 for one that is not."""
    try:
        with open(path, "rb") as file:
            head = file.readline(_HEAD_CAP)
            _, generation, length, _ = head.split()
            start = b"AXC1 %d %d " % (int(generation), int(length))
            crc, count = _sum(file, crc32(start))
            whole = head == start + b"%08x\n" % crc and count == int(length)
            return int(generation) if whole else 0
    except (OSError, ValueError):
        return 0


def _sum(file: "Any", crc: int) -> "tuple[int, int]":
    """The CRC-32, begun with `crc`, of what is left of a stream, and how much that is."""
    chunk = bytearray(_CHUNK)
    view = memoryview(chunk)
    count = 0
    got = file.readinto(chunk)
    while got:
        crc = crc32(view[:got], crc)
        count += got
        got = file.readinto(chunk)
    return crc & 0xFFFFFFFF, count


def _path(name: str, copy: int) -> str:
    return "%s.%d" % (name, copy)
