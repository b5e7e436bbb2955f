"""How one part differs from its siblings, from the seed alone."""

import zlib

__all__ = ["character"]


def character(seed: int, what: str, which: int | str) -> float:
    """-1 to 1."""
    return zlib.crc32(f"{seed} {what} {which}".encode()) / 0xFFFFFFFF * 2 - 1
